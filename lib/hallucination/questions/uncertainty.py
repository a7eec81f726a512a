"""Experiment 2 (§7.2): how far a mean over questions would move with other questions of the same kind."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Interval:
    """A mean with its bootstrap interval."""

    mean: float
    low: float
    high: float


def bootstrap(values: ArrayLike, n: int = 2000, seed: int = 0, level: float = 0.95) -> Interval:
    """Percentile interval of the mean of `values`, shape (Q,), by resampling the questions `n` times.

    For two models that answered the same questions pass the differences:
    the pairs then stay together, and what the questions share cancels.

    Raises
    ------
    ValueError
        If there are fewer than two values, one is not finite, `n` is below 1 or `level` not strictly between 0 and 1.
    """
    data: Floats = np.asarray(values, dtype=np.float64)
    if data.ndim != 1 or len(data) < 2:
        raise ValueError(f"an interval needs a row of two values or more; got shape {data.shape}")
    if not np.isfinite(data).all():
        raise ValueError(f"values must be finite; got {data[~np.isfinite(data)][0]} at {np.isfinite(data).argmin()}")
    if n < 1 or not 0 < level < 1:
        raise ValueError(f"a bootstrap needs n >= 1 and a level strictly between 0 and 1; got n={n}, level={level}")
    rng = np.random.default_rng(seed)
    draw = stats.bootstrap(
        (data,), np.mean, n_resamples=n, confidence_level=level, method="percentile", rng=rng, batch=256
    )
    low, high = draw.confidence_interval
    return Interval(float(data.mean()), float(low), float(high))


def cluster_bootstrap(values: ArrayLike, n: int = 2000, seed: int = 0, level: float = 0.95) -> Interval:
    """Return the same for several training seeds, shape (S, Q): a question is drawn with its answers under all seeds.

    Answers to one question resemble each other, so that S·Q values are not
    S·Q independent ones.  The interval speaks of other questions, not of
    other seeds: two seeds, as in the paper, are too few to resample.

    Raises
    ------
    ValueError
        If `values` has not two axes, or as :func:`bootstrap`.
    """
    data: Floats = np.asarray(values, dtype=np.float64)
    if data.ndim != 2 or len(data) < 1:
        raise ValueError(f"values must have the shape (seeds, questions); got {data.shape}")
    return bootstrap(data.mean(axis=0), n, seed, level)
