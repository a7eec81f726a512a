"""Thresholds of a score at a held-out quantile, as split-conformal calibration (§7.3 and Figure 7 of the paper).

Scores are log-densities, or anything that is larger for more typical answers.  A new score is *outside* if it lies
strictly below the threshold.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import floor
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import beta

from hallucination.states import Array


def rank(alpha: float | Fraction, n: int) -> int:
    """Rank k = ⌊α (n + 1)⌋ of the score that becomes the threshold; 0 if n scores are too few for the level.

    Parameters
    ----------
    alpha : float or Fraction
        Largest admissible probability that new data lie outside, strictly between 0 and 1. A float is read as the
        nearest fraction with denominator up to 10⁹, so that 0.29 means 29/100.
    n : int
        Number of calibration scores, at least 1.

    Raises
    ------
    ValueError
        If alpha or n is out of range.
    """
    if not 0 < alpha < 1:
        raise ValueError(f"alpha must lie strictly between 0 and 1, got {alpha!r}")
    if n < 1:
        raise ValueError(f"calibration needs at least 1 score, got n = {n}")
    return floor(Fraction(alpha).limit_denominator(10**9) * (n + 1))


@dataclass(frozen=True)
class Threshold:
    """A calibrated threshold with what it guarantees.

    Attributes
    ----------
    value : float
        The threshold, in the unit of the scores; minus infinity if no finite one carries the guarantee.
    rank : int
        k: the threshold is the k-th smallest calibration score.
    n : int
        Number of calibration scores.
    """

    value: float
    rank: int
    n: int

    def outside(self, scores: ArrayLike) -> NDArray[np.bool_]:
        """Tell which scores lie strictly below the threshold; any shape."""
        return np.asarray(np.asarray(scores, dtype=float) < self.value)

    @property
    def expected_outside(self) -> Fraction:
        """k/(n + 1): probability that a new exchangeable score is outside (an upper bound if scores can tie)."""
        return Fraction(self.rank, self.n + 1)

    @property
    def outside_law(self) -> Any:
        """Law of the probability to be outside, over calibration sets: Beta(k, n + 1 − k), a frozen SciPy law.

        For independent scores with a continuous distribution function. The coverage is one minus it.

        Raises
        ------
        ValueError
            If the rank is zero: then nothing is ever outside.
        """
        if self.rank == 0:
            raise ValueError("with rank 0 the threshold is minus infinity and nothing is outside")
        return beta(self.rank, self.n + 1 - self.rank)


def calibrate(scores: ArrayLike, alpha: float | Fraction) -> Threshold:
    """Turn held-out scores into a threshold: the k-th smallest, k = ⌊α (n + 1)⌋.

    Parameters
    ----------
    scores : array_like, shape (n,)
        Scores of calibration data that the score function was not fitted to.
    alpha : float or Fraction
        Level, strictly between 0 and 1.

    Returns
    -------
    Threshold
        If (n + 1) α < 1 its value is minus infinity: nothing is outside, since no finite threshold is safe.

    Raises
    ------
    ValueError
        If there are no scores, one is not a number, or alpha is out of range.

    Notes
    -----
    If calibration and new data are exchangeable, a new score is outside with probability at most
    k/(n + 1) ≤ α: without ties the rank of the new score among all n + 1 is uniform, and it is outside exactly if
    that rank is at most k; ties only make it rarer.
    """
    ordered = np.sort(_scores(scores))
    k = rank(alpha, ordered.size)
    return Threshold(float(ordered[k - 1]) if k else -np.inf, k, ordered.size)


def calibrate_classes(scores: Mapping[Hashable, ArrayLike], alpha: float | Fraction) -> dict[Hashable, Threshold]:
    """Calibrate one threshold per class, each with the class's own scores of its own data (see `calibrate`).

    Parameters
    ----------
    scores : mapping from class to array_like, shape (n_class,)
        For each class the scores, under this class's score function, of held-out data of this class.
    alpha : float or Fraction
        Level, the same for all classes.
    """
    if not scores:
        raise ValueError("calibration needs at least 1 class, got none")
    return {name: calibrate(values, alpha) for name, values in scores.items()}


def outside_all(thresholds: Mapping[Hashable, Threshold], scores: Mapping[Hashable, ArrayLike]) -> NDArray[np.bool_]:
    """Tell which data lie outside the union of the classes' regions: below the threshold of every class.

    Parameters
    ----------
    thresholds : mapping from class to Threshold
        As returned by `calibrate_classes`.
    scores : mapping from class to array_like, shape (...)
        For each class the scores of the same data under this class's score function.

    Returns
    -------
    ndarray of bool, shape (...)
        New data of any one of the classes are outside with probability at most α.

    Raises
    ------
    ValueError
        If the two mappings do not name the same classes.
    """
    if set(thresholds) != set(scores) or not thresholds:
        raise ValueError(f"thresholds are for the classes {list(thresholds)}, scores for {list(scores)}")
    return np.asarray(np.all([limit.outside(scores[name]) for name, limit in thresholds.items()], axis=0))


def naive_threshold(scores: ArrayLike, alpha: float) -> float:
    """Return the α-quantile of the scores as `numpy.quantile` interpolates it; it carries no guarantee.

    It lies between the order statistics of ranks j and j + 1, j = ⌊1 + α (n − 1)⌋. For uniform scores the
    probability to be outside is (1 + α (n − 1)) / (n + 1) on average, more than α if α < 1/2.
    """
    return float(np.quantile(_scores(scores), alpha))


def _scores(scores: ArrayLike) -> Array:
    array = np.asarray(scores, dtype=float)
    if array.ndim != 1 or array.size == 0:
        raise ValueError(f"scores must have shape (n,) with n > 0, got {array.shape}")
    if np.isnan(array).any():
        raise ValueError(f"scores must be numbers, got NaN at {np.flatnonzero(np.isnan(array))[:5].tolist()}")
    return array
