"""Why the mean of many embeddings passes the published test of §7.3 when the samples themselves fail it.

The test asks whether log f(v) lies above a threshold that held-out single pictures set.  A mean has lost the spread
that every single picture has.  Here f is a normal law in D dimensions and q(v) the squared Mahalanobis distance to
its centre, so that log f = c − q/2; λ is the squared distance from f's centre to that of what is sampled, and K
samples are averaged.  :mod:`hallucination.pictures.mean_rule_derived` derives what is computed here.
"""

from __future__ import annotations

from fractions import Fraction
from math import sqrt

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import brentq
from scipy.stats import chi2, ncx2

from hallucination.states import Array

TENTH = Fraction(1, 10)


def squared_limit(dimension: int, alpha: float | Fraction = TENTH) -> float:
    """τ such that a share `alpha` of the class has q > τ; the threshold of log f is c − τ/2.

    Raises
    ------
    ValueError
        If the dimension is below 1 or `alpha` not strictly between 0 and 1.
    """
    if dimension < 1:
        raise ValueError(f"the dimension must be at least 1, got {dimension!r}")
    if not 0 < alpha < 1:
        raise ValueError(f"alpha must lie strictly between 0 and 1, got {alpha!r}")
    return float(chi2.isf(float(alpha), dimension))


def firing_probability(
    shift: ArrayLike, dimension: int, draws: int = 1, alpha: float | Fraction = TENTH, spread: float = 1.0
) -> Array:
    """Probability that the mean of `draws` independent samples lies outside the class's region.

    With one draw this is the share of samples outside.

    Parameters
    ----------
    shift : array_like, shape (...)
        √λ: Mahalanobis distance between the centres of the samples and of the class.
    dimension : int
        D.
    draws : int
        K.
    alpha : float or Fraction
        Share of the class outside its own region.
    spread : float
        Standard deviation of the samples in every direction, in units of the class's.

    Returns
    -------
    ndarray, shape (...)
        P(q(mean) > τ), where K q(mean) / spread² has the noncentral χ² law with D degrees of freedom and
        noncentrality K λ / spread².

    Raises
    ------
    ValueError
        If an argument is out of range.
    """
    limit = squared_limit(dimension, alpha)
    _check(shift, draws, spread)
    scale = draws / spread**2
    return np.asarray(ncx2.sf(scale * limit, dimension, scale * np.square(np.asarray(shift, dtype=float))))


def firing_shift(
    dimension: int,
    draws: int = 1,
    alpha: float | Fraction = TENTH,
    probability: float = 0.5,
    spread: float = 1.0,
) -> float:
    """Smallest shift at which the mean of `draws` samples lies outside with the given probability.

    Zero if it does so without any shift.  With many draws it tends to √τ: the samples' centre must be further out
    than all but a share `alpha` of single members of the class.  See :func:`firing_probability` for the rest.
    """
    if not 0 < probability < 1:
        raise ValueError(f"the probability must lie strictly between 0 and 1, got {probability!r}")

    def excess(shift: float) -> float:
        return float(firing_probability(shift, dimension, draws, alpha, spread)) - probability

    if excess(0.0) >= 0:
        return 0.0
    far = sqrt(squared_limit(dimension, alpha)) + spread
    while excess(far) < 0:
        far *= 2
    return float(brentq(excess, 0.0, far, xtol=1e-12))


def expected_margin(
    shift: ArrayLike, dimension: int, draws: int = 1, alpha: float | Fraction = TENTH, spread: float = 1.0
) -> Array:
    """Expected log f(mean) minus the threshold, (τ − λ − spread² D / K) / 2; arguments as firing_probability's."""
    limit = squared_limit(dimension, alpha)
    _check(shift, draws, spread)
    return np.asarray((limit - np.square(np.asarray(shift, dtype=float)) - spread**2 * dimension / draws) / 2)


def _check(shift: ArrayLike, draws: int, spread: float) -> None:
    if draws < 1:
        raise ValueError(f"a mean needs at least 1 draw, got {draws!r}")
    if not 0 < spread < np.inf:
        raise ValueError(f"the spread must be positive and finite, got {spread!r}")
    lengths = np.asarray(shift, dtype=float)
    if not (np.isfinite(lengths) & (lengths >= 0)).all():
        raise ValueError(f"a shift is a distance, so finite and not negative; got {lengths.tolist()}")
