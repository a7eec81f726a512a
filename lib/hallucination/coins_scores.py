"""Experiment 1 (§7.1), the scores: risk, conditional probability, the published score, and rank correlation."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from hallucination.coins import (
    HEAVY,
    LIGHT,
    Floats,
    Ints,
    head_probabilities,
    poisson_binomial,
    published_probabilities,
    subsets,
)

DECIMALS = 9  # losses and scores that agree to so many places count as equal


def nearest_count(estimates: Floats, n: int) -> Ints:
    """Nearest feasible count 0, …, N of an estimate; halves go up."""
    return np.clip(np.floor(estimates + 0.5), 0, n).astype(np.int64)


@dataclass(frozen=True)
class Exam:
    """Inputs with their weights and laws: everything needed to score estimates without sampling.

    Attributes
    ----------
    coins : array of shape (E, N)
        The inputs, in the order in which the network reads them.
    weights : array of shape (E,)
        Share of each input; they sum to 1.
    laws : array of shape (S, E, N + 1)
        Law of the count given each of S equally likely hidden states (S = 1: nothing is hidden).
    """

    coins: Ints
    weights: Floats
    laws: Floats

    @property
    def n(self) -> int:
        """Number of coins in an input, the paper's N."""
        return int(self.coins.shape[1])

    @property
    def means(self) -> Floats:
        """Conditional mean of the count, the least-loss estimate, shape (E,)."""
        mean: Floats = self.laws.mean(axis=0) @ np.arange(self.n + 1)
        return mean

    def risk(self, estimates: Floats) -> float:
        """Return the expected squared loss of `estimates`, shape (E,), over inputs and flips."""
        squares = (estimates[:, None] - np.arange(self.n + 1)) ** 2
        return float(self.weights @ (self.laws.mean(axis=0) * squares).sum(axis=1))

    def probability(self, estimates: Floats) -> float:
        """Average conditional probability of the nearest count; with hidden states, of the best state."""
        best = self.laws.max(axis=0)
        return float(self.weights @ best[np.arange(len(best)), nearest_count(estimates, self.n)])

    def published(self, estimates: Floats) -> tuple[float, float]:
        """Score of `estimates` by the published rule, defects and all.

        The rule takes i/(2N) as the head probability of coin i, rounds up, and
        uses the result as a list index.  An index from -1 down to -(N+1) reads
        from the list's end, as Python does.  The published code stops at an
        index beyond the list; here such a row scores 0 and is counted.

        Returns
        -------
        tuple of two floats
            The average score, and the share of rows beyond the list.
        """
        index = np.ceil(estimates).astype(np.int64)
        inside = (index <= self.n) & (index >= -self.n - 1)
        laws = poisson_binomial(np.array(published_probabilities(self.n), dtype=np.float64)[self.coins])
        scores = laws[np.arange(len(laws)), np.where(inside, index, 0)] * inside
        return float(self.weights @ scores), float(self.weights @ ~inside)


def exam(n: int, coins: Ints | None = None, *, hidden: bool = False) -> Exam:
    """Set an exam on `coins` (rows may repeat), or on all subsets with equal weights if there are none.

    Parameters
    ----------
    n : int
        Half the number of coins.
    coins : array of shape (M, N), optional
        Rows to be asked; equal rows are merged and weighted.
    hidden : bool
        Take the laws of the two hidden bags in place of the coins' own.

    Raises
    ------
    ValueError
        If `n` is out of range or `coins` does not have N columns.
    """
    rows, counts = np.unique(subsets(n) if coins is None else coins, axis=0, return_counts=True)
    if rows.shape[1] != n:
        raise ValueError(f"rows of N={n} coins must have {n} columns; got shape {rows.shape}")
    own = np.array(head_probabilities(n), dtype=np.float64)[rows][None]
    bags = np.broadcast_to(np.array([float(HEAVY), float(LIGHT)])[:, None, None], (2, *rows.shape))
    return Exam(rows, counts / counts.sum(), poisson_binomial(bags if hidden else own))


def rank_correlation(loss: Floats, probability: Floats) -> float | None:
    """Spearman's rank correlation, or None where it is undefined because one series never changes.

    Values that agree to ``DECIMALS`` places are tied: sums in another order
    differ in their last bits, and ranks would take that noise for a change.
    """
    a, b = (stats.rankdata(np.round(series, DECIMALS)) for series in (loss, probability))
    if np.ptp(a) == 0 or np.ptp(b) == 0:
        return None
    return float(np.corrcoef(a, b)[0, 1])


@dataclass(frozen=True)
class Interval:
    """Mean of a few rounds with a t-interval, and how many rounds had a value at all."""

    mean: float
    low: float
    high: float
    rounds: int


def interval(values: Sequence[float | None], confidence: float = 0.95) -> Interval | None:
    """t-interval of the mean over rounds; None if fewer than two rounds have a value.

    Raises
    ------
    ValueError
        If `confidence` is not strictly between 0 and 1.
    """
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must be strictly between 0 and 1; got {confidence}")
    known = [v for v in values if v is not None]
    if len(known) < 2:
        return None
    mean, error = float(np.mean(known)), float(np.std(known, ddof=1) / math.sqrt(len(known)))
    half = float(stats.t.ppf(0.5 + confidence / 2, len(known) - 1)) * error
    return Interval(mean, max(-1.0, mean - half), min(1.0, mean + half), len(known))
