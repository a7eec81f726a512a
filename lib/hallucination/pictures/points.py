"""Experiment 3 (§7.3), what is measured: how far inside the regions of real pictures, and its form on disk."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hallucination.pictures.rates import wilson

DIGITS = 2  # of a margin on disk
Value = str | int | float


@dataclass(frozen=True, eq=False)
class Cell:
    """Pictures of one kind, tested one by one (our rule) and through their mean (the published one).

    Attributes
    ----------
    what : mapping of str to str, int or float
        What the pictures are: such as prompt, seed of the fine-tuning and epoch.
    margins : ndarray of float64, shape (n,)
        Largest difference of a class's log-density and its threshold; negative is outside the union.
    mean_margin : float
        Margin of the mean of the preprocessed embeddings; the published rule fires if it is negative.
    outside : int
        Pictures outside the union.
    split_outside : tuple of int
        The same with regions of other random 80 % and 20 % of the real pictures.
    """

    what: Mapping[str, Value]
    margins: NDArray[np.float64]
    mean_margin: float
    outside: int
    split_outside: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if self.margins.ndim != 1 or not self.margins.size:
            raise ValueError(f"margins must have shape (n,) with n > 0; got {self.margins.shape}")
        if not all(0 <= k <= self.n for k in (self.outside, *self.split_outside)):
            raise ValueError(f"of {self.n} pictures, {(self.outside, *self.split_outside)} cannot be outside")

    @property
    def n(self) -> int:
        """Number of pictures."""
        return self.margins.size

    @property
    def rate(self) -> float:
        """Share of the pictures outside the union: the corrected rate."""
        return self.outside / self.n

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's 95 % interval of the rate."""
        return wilson(self.outside, self.n)

    @property
    def published(self) -> bool:
        """Whether the published rule calls this kind of pictures a hallucination."""
        return self.mean_margin < 0

    def as_data(self) -> dict[str, Any]:
        """Plain data for a record; the margins rounded to ``DIGITS`` places, the counts as they were before."""
        data = {
            "what": dict(self.what),
            "outside": self.outside,
            "mean_margin": round(float(self.mean_margin), DIGITS + 2),
            "margins": np.round(self.margins, DIGITS).tolist(),
        }
        return {**data, "split_outside": list(self.split_outside)} if self.split_outside else data


@dataclass(frozen=True)
class Loss:
    """Squared loss of a network on noisy pictures that others were measured on, too.

    Attributes
    ----------
    epoch : int
        Epochs of fine-tuning before.
    loss : float
        Mean squared error of the noise found.
    change, error : float
        Mean difference from the loss before fine-tuning, and its standard error.
    """

    epoch: int
    loss: float
    change: float
    error: float


def cell_of(what: Mapping[str, Value], margins: NDArray[np.float64], mean_margin: float) -> Cell:
    """A cell whose count follows from its margins."""
    values = np.asarray(margins, dtype=np.float64)
    return Cell(what, values, float(mean_margin), int(np.count_nonzero(values < 0)))


def cell_from(data: Mapping[str, Any]) -> Cell:
    """Read a cell back.

    Raises
    ------
    ValueError
        If the count is not that of the margins, as far as their rounding lets one tell.
    """
    margins = np.array(data["margins"], dtype=np.float64)
    outside, edge = int(data["outside"]), 10.0**-DIGITS / 2
    if not np.count_nonzero(margins < -edge) <= outside <= np.count_nonzero(margins <= edge):
        raise ValueError(f"{outside} pictures outside do not fit the margins of {dict(data['what'])}")
    return Cell(data["what"], margins, float(data["mean_margin"]), outside, tuple(data.get("split_outside", ())))


def select(cells: Iterable[Cell], **what: Value) -> list[Cell]:
    """Cells of this kind, in their order: those whose ``what`` has all the given values."""
    return [c for c in cells if all(name in c.what and c.what[name] == value for name, value in what.items())]


def pooled(cells: Iterable[Cell]) -> tuple[float, float, float]:
    """Share outside of several cells together, and its 95 % interval.

    Cells of a model share their initial noises over prompts, epochs and seeds.  Pictures from one noise are alike, so
    the interval is Wilson's for as many pictures as one cell has, however many cells there are: it may be too wide.

    Raises
    ------
    ValueError
        If there is no cell.
    """
    found = list(cells)
    if not found:
        raise ValueError("a share over cells needs at least one; got none")
    share = sum(c.outside for c in found) / sum(c.n for c in found)
    noises = min(c.n for c in found)
    return (share, *wilson(round(share * noises), noises))


def published_rate(cells: Iterable[Cell]) -> float:
    """Mean over prompts of the published rule's 0 or 1, as Figure 6 of the paper plots it.

    Raises
    ------
    ValueError
        If there is no cell.
    """
    fired = [c.published for c in cells]
    if not fired:
        raise ValueError("a mean over prompts needs at least one; got none")
    return sum(fired) / len(fired)
