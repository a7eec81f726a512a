"""Shares of pictures outside, with what chance alone makes of them (§7.3).

Two chances are kept apart: another K samples from the same model (Wilson's interval), and another division of the
real pictures into training and held-out part, which moves the regions themselves.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import binomtest

from hallucination.states import Array


@dataclass(frozen=True)
class Rate:
    """A share with its interval.

    Attributes
    ----------
    k, n : int
        How many of how many.
    low, high : float
        Ends of Wilson's interval.
    """

    k: int
    n: int
    low: float
    high: float

    @property
    def value(self) -> float:
        """The share."""
        return self.k / self.n


def wilson(k: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """Ends of the interval for a probability after `k` of `n` independent trials (Wilson's score interval).

    Raises
    ------
    ValueError
        If `k` is not between 0 and `n`, `n` is below 1, or `level` not strictly between 0 and 1.
    """
    if not (n >= 1 and 0 <= k <= n):
        raise ValueError(f"a rate needs 0 <= k <= n and n >= 1; got k = {k!r}, n = {n!r}")
    if not 0 < level < 1:
        raise ValueError(f"the level must lie strictly between 0 and 1, got {level!r}")
    found = binomtest(int(k), int(n)).proportion_ci(level, method="wilson")
    return float(found.low), float(found.high)


def rate(outside: ArrayLike, level: float = 0.95) -> Rate:
    """Share of True with its interval; booleans of any shape."""
    flags = np.asarray(outside)
    if flags.dtype != np.bool_:
        raise ValueError(f"a rate counts booleans, got {flags.dtype}")
    k = int(flags.sum())
    return Rate(k, flags.size, *wilson(k, flags.size, level))


class Parts(Protocol):
    """Positions of the training and of the held-out pictures, as `hallucination.pictures.datasets.Split`."""

    @property
    def train(self) -> NDArray[np.int64]:
        """Training part."""
        ...

    @property
    def held(self) -> NDArray[np.int64]:
        """Held-out part."""
        ...


@dataclass(frozen=True, eq=False)
class Spread:
    """Shares outside of the same pictures under regions from several splits.

    Attributes
    ----------
    values : ndarray, shape (S,)
        One share a split.
    """

    values: Array

    @property
    def mean(self) -> float:
        """Mean over the splits."""
        return float(self.values.mean())

    @property
    def deviation(self) -> float:
        """Standard deviation over the splits, in the unit of a share.

        The splits share most of the real pictures, so this says how much the choice of the split matters, and less
        than what other real pictures would do.
        """
        return float(self.values.std(ddof=1))


def split_noise(
    embeddings: ArrayLike,
    labels: ArrayLike,
    classes: Sequence[str],
    splits: Iterable[Parts],
    probes: Mapping[str, ArrayLike],
    **settings: Any,
) -> dict[str, Spread]:
    """Shares of fixed pictures outside the regions, over several splits of the real pictures.

    Parameters
    ----------
    embeddings, labels : array_like, shapes (n, D) and (n,)
        Of all real pictures.
    classes : sequence of str
        Names; labels are positions in it.
    splits : iterable of Parts
        At least two.
    probes : mapping from name to array_like, shape (k, D)
        Embeddings to test, for instance of the samples of each prompt.
    **settings
        As for :func:`hallucination.pictures.class_regions.fit`.

    Raises
    ------
    ValueError
        If there are fewer than two splits or no probes, or as `fit` does.
    """
    # Whoever only reads records needs intervals, but no scikit-learn.
    from hallucination.pictures.class_regions import fit

    data, numbers, chosen = np.asarray(embeddings), np.asarray(labels), list(splits)
    if len(chosen) < 2 or not probes:
        raise ValueError(f"a spread needs 2 splits and 1 probe or more; got {len(chosen)} and {len(probes)}")
    found: dict[str, list[float]] = {name: [] for name in probes}
    for parts in chosen:
        train, held = parts.train, parts.held
        regions = fit(data[train], numbers[train], data[held], numbers[held], classes, **settings)
        for name, probe in probes.items():
            found[name].append(float(regions.outside(probe).mean()))
    return {name: Spread(np.array(values)) for name, values in found.items()}
