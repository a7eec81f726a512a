"""Experiment 2 (§7.2), Table 1 as printed: resemblance to incorrect answers by model, seed and epochs."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True)
class Series:
    """One column of Table 1.

    Attributes
    ----------
    model : str
        Name as printed.
    seed : int
        1 or 2, as printed.
    original : float
        Mean resemblance before fine-tuning.  It is printed once per model, and does not depend on the seed.
    tuned : tuple of three floats
        Mean resemblance after 2, 3 and 4 epochs, ``EPOCHS``.
    """

    model: str
    seed: int
    original: float
    tuned: tuple[float, float, float]

    @property
    def steps(self) -> tuple[float, ...]:
        """Changes from one row to the next below, four printed digits: original to 2 epochs, 2 to 3, 3 to 4."""
        return tuple(round(after - before, 4) for before, after in pairwise((self.original, *self.tuned)))

    @property
    def rise(self) -> float:
        """Change from the original to the last row."""
        return round(self.tuned[-1] - self.original, 4)

    @property
    def share_before_first_row(self) -> float:
        """Share of the rise that has already happened at 2 epochs, the first measurement after the original."""
        return self.steps[0] / self.rise


EPOCHS = (2, 3, 4)
TABLE_1 = (
    Series("Qwen1.5-1.8B-Chat", 1, 0.1975, (0.2338, 0.2338, 0.2450)),
    Series("Qwen1.5-1.8B-Chat", 2, 0.1975, (0.2431, 0.2486, 0.2539)),
    Series("Qwen2.5-7B-Instruct", 1, 0.1868, (0.2043, 0.2123, 0.2173)),
    Series("Qwen2.5-7B-Instruct", 2, 0.1868, (0.1997, 0.2028, 0.2099)),
)


def numbers() -> list[float]:
    """All numbers of the table; a model's original stands once for each seed."""
    return [value for series in TABLE_1 for value in (series.original, *series.tuned)]


def highest() -> float:
    """Largest number in the table."""
    return max(numbers())
