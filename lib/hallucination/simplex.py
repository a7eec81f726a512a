"""Targets on the simplex and what is decoded from them (Appendix C, Theorem C.1 and Remark 3.1).

Points are probability vectors with C entries.  Densities are taken with respect to their first C − 1 entries, so that
the uniform law on the simplex has density (C − 1)!.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any, NamedTuple, TypeVar

import numpy as np
from flint import arb, ctx
from numpy.typing import ArrayLike, NDArray
from scipy.special import betaincc, gammaln, lambertw, wrightomega, xlogy

from hallucination.mixtures import Mixture
from hallucination.states import Array, Dirichlet, points, simplex

Number = TypeVar("Number", float, Fraction)


@dataclass(frozen=True, eq=False)
class CornerUniform:
    """The law of (1 − h) e_i + h W with W uniform on the simplex: a state that fills one corner.

    Parameters
    ----------
    corner : int
        Index i of the corner, counted from 0.
    classes : int
        Number C of classes, at least 2.
    h : float
        Size of the corner, strictly between 0 and 1: the state fills {q_i ≥ 1 − h}.

    Raises
    ------
    ValueError
        If an argument is out of range.
    """

    corner: int
    classes: int
    h: float

    def __post_init__(self) -> None:
        """Refuse what is no corner of a simplex."""
        if self.classes < 2:
            raise ValueError(f"a simplex with corners apart needs C ≥ 2 classes, got {self.classes}")
        if not 0 <= self.corner < self.classes:
            raise ValueError(f"corner must be one of 0, …, {self.classes - 1}, got {self.corner}")
        if not 0 < self.h < 1:
            raise ValueError(f"h must lie strictly between 0 and 1, got {self.h!r}")

    @cached_property
    def mean(self) -> Array:
        """Mean, shape (C,)."""
        centre = np.full(self.classes, self.h / self.classes)
        centre[self.corner] += 1 - self.h
        return centre

    @property
    def variance(self) -> float:
        """Expected squared distance to the mean, h² (1 − 1/C) / (C + 1)."""
        return self.h**2 * (1 - 1 / self.classes) / (self.classes + 1)

    @property
    def peak_log_density(self) -> float:
        """Logarithm of (C − 1)! h^(−(C−1)), the density everywhere in the corner."""
        return float(gammaln(self.classes) - (self.classes - 1) * np.log(self.h))

    def _inside(self, a: ArrayLike) -> NDArray[np.bool_]:
        q = points(a, self.classes)
        on_simplex = (q >= 0).all(axis=-1) & (np.abs(q.sum(axis=-1) - 1) <= 1e-9)
        return np.asarray(on_simplex & (q[..., self.corner] >= 1 - self.h))

    def log_density(self, a: ArrayLike) -> Array:
        """Log-density at probability vectors (..., C); shape (...); minus infinity outside the corner."""
        return np.where(self._inside(a), self.peak_log_density, -np.inf)

    def hdr_mass(self, a: ArrayLike) -> Array:
        """π(a): 1 in the corner, where no point is denser than another, and 0 outside; shape (...)."""
        return self._inside(a).astype(float)

    def sample(self, rng: np.random.Generator, n: int) -> Array:
        """Draw n probability vectors, shape (n, C)."""
        draws = self.h * rng.dirichlet(np.ones(self.classes), size=n)
        draws[:, self.corner] += 1 - self.h
        return draws


def _weights(probabilities: ArrayLike, classes: int) -> Array:
    weights = simplex(probabilities, "weights")
    if weights.size > classes:
        raise ValueError(f"each state needs its own corner: got N = {weights.size} states, C = {classes} classes")
    return weights


def admissible_h(heaviest: Number, classes: int) -> Number:
    """Upper end of the corner sizes h for which the optimum lies in no corner (the end itself excluded).

    Parameters
    ----------
    heaviest : float or Fraction
        Largest of the weights p_i.
    classes : int
        Number C of classes.

    Returns
    -------
    float or Fraction
        (1 − p_max) / (1 − p_max + 1/C), exact for a Fraction.
    """
    room = (1 - heaviest) * classes
    return room / (room + 1)


def corner_uniform(probabilities: ArrayLike, classes: int, h: float) -> Mixture:
    """Target whose state i fills the corner i: N weights, C ≥ N classes, corner size h.

    Raises
    ------
    ValueError
        If there are more states than classes, or an argument is out of range.
    """
    weights = _weights(probabilities, classes)
    return Mixture(weights, [CornerUniform(i, classes, h) for i in range(weights.size)])


def corner_dirichlet(probabilities: ArrayLike, classes: int, kappa: float) -> Mixture:
    """Target whose state i has a Dirichlet law with parameter κ at i and 1 elsewhere: smooth, positive everywhere.

    Raises
    ------
    ValueError
        If there are more states than classes, or κ is below 1.
    """
    weights = _weights(probabilities, classes)
    if not kappa >= 1:
        raise ValueError(f"kappa must be at least 1, got {kappa!r}")
    return Mixture(weights, [Dirichlet(row) for row in 1 + (kappa - 1) * np.eye(weights.size, classes)])


def free_radius(probabilities: ArrayLike, classes: int, h: float) -> float:
    """How far every output near the optimum of `corner_uniform` stays outside all corners.

    Returns
    -------
    float
        The least 1 − h − p_X(i) over the states: no coordinate may rise by as much.  Not positive if the optimum
        itself lies in a corner.
    """
    heaviest = float(_weights(probabilities, classes).max())
    return 1 - h - ((1 - h) * heaviest + h / classes)


def reach_limit(classes: int, delta: float) -> float:
    """Radius from which no target can keep all supported outputs away from its optimum.

    Parameters
    ----------
    classes : int
        Number C ≥ 2 of classes.
    delta : float
        Threshold, strictly between 0 and 1.

    Returns
    -------
    float
        √min(2, (1 − 1/C) / (1 − δ/(C−1)!)): some output within this Euclidean distance of p_X has density above δ
        under some state, whatever the target law on the simplex.

    Raises
    ------
    ValueError
        If an argument is out of range.
    """
    if classes < 2:
        raise ValueError(f"need C ≥ 2 classes, got {classes}")
    thin = np.exp(_log(delta) - gammaln(classes))  # a state's mass outside its region is at most δ times the volume
    return float(np.sqrt(min(2.0, (1 - 1 / classes) / (1 - thin))))


def _log(delta: float) -> float:
    if not 0 < delta < 1:
        raise ValueError(f"delta must lie strictly between 0 and 1, got {delta!r}")
    return float(np.log(delta))


# Dirichlet states ---------------------------------------------------------------------------------------------------


def log_density_at_optimum(kappa: ArrayLike, weight: float, classes: int) -> Array:
    """Logarithm of f_i(p_X) for the Dirichlet states, where state i has the given weight; shape of kappa.

    Notes
    -----
    f_i(q) = κ (κ+1) … (κ+C−2) q_i^(κ−1), and p_X(i) = (p_i (κ−1) + 1) / (κ + C − 1).
    """
    k = np.asarray(kappa, dtype=float)
    at = (weight * (k - 1) + 1) / (k + classes - 1)
    return np.asarray(gammaln(k + classes - 1) - gammaln(k) + xlogy(k - 1, at))


def _small_at_optimum(kappa: int, weight: Fraction, classes: int, delta: Fraction) -> bool:
    """Decide f_i(p_X) <= δ with balls of growing precision; no size overflows, as all is logarithms."""
    at = (weight * (kappa - 1) + 1) / (kappa + classes - 1)
    for bits in (64, 256, 1024, 4096):
        with ctx.workprec(bits):
            log_at, log_delta = ((arb(x.numerator) / x.denominator).log() for x in (at, delta))
            rising = arb(kappa + classes - 1).lgamma() - arb(kappa).lgamma()
            gap = rising + (kappa - 1) * log_at - log_delta
            if gap < 0 or gap > 0:
                return bool(gap < 0)
    return True  # no difference in 4096 bits: equal


def smallest_kappa(heaviest: float | Fraction, classes: int, delta: float | Fraction) -> int:
    """Smallest integer κ from which on the optimum of `corner_dirichlet` δ-hallucinates.

    Parameters
    ----------
    heaviest : float or Fraction
        Largest of the weights p_i, strictly between 0 and 1; it decides, as f_i(p_X) grows with p_i.
    classes : int
        Number C ≥ 2 of classes.
    delta : float or Fraction
        Threshold, strictly between 0 and 1.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Notes
    -----
    Once f_i(p_X) is below 1 it falls with κ for ever, so the admissible κ are exactly those from the smallest on, and
    bisection finds it.
    """
    p, threshold = Fraction(heaviest), Fraction(delta)
    if not (0 < p < 1 and 0 < threshold < 1 and classes >= 2):
        raise ValueError(f"need 0 < heaviest < 1, 0 < delta < 1 and C ≥ 2, got {heaviest!r}, {delta!r}, {classes}")
    low, high = 1, 2
    while not _small_at_optimum(high, p, classes, threshold):
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _small_at_optimum(middle, p, classes, threshold) else (middle, high)
    return high


def dirichlet_region_mass(kappa: float, classes: int, delta: float) -> float:
    """P(f_i(q) > δ) for q of the Dirichlet state i: how much of the state its region keeps.

    Notes
    -----
    The coordinate q_i has a Beta(κ, C − 1) law, and f_i > δ means q_i > (δ / (κ (κ+1) … (κ+C−2)))^(1/(κ−1)).
    """
    rising = gammaln(kappa + classes - 1) - gammaln(kappa)
    if kappa == 1:
        return float(rising > np.log(delta))
    edge = np.exp(min(0.0, (np.log(delta) - rising) / (kappa - 1)))
    return float(betaincc(kappa, classes - 1, edge))


# The printed Gaussian construction ----------------------------------------------------------------------------------


class Variances(NamedTuple):
    """Logarithms of the ends of the admissible variances d ≤ d_− or d ≥ d_+ of the Gaussian construction."""

    log_lower: float
    log_upper: float


def _spread(states: int, dimension: int) -> float:
    if states < 2 or dimension < 1:
        raise ValueError(f"need N ≥ 2 states and a dimension of at least 1, got {states} and {dimension}")
    return (states - 1) / states


def log_printed_variance(states: int, delta: float) -> float:
    """Logarithm of the largest variance the paper allows, d₀ = (N − 1) / (2 N ln(1/δ)), for 0 < δ < 1."""
    return float(np.log(_spread(states, 1) / (-2 * _log(delta))))


def log_gaussian_at_optimum(states: int, dimension: int, log_variance: ArrayLike) -> Array:
    """Logarithm of the density (2πd)^(−C/2) exp(−K/(2d)), K = (N−1)/N, of N(e_i, d I) at the average of N corners.

    Parameters
    ----------
    states : int
        Number N of states.
    dimension : int
        The power of the normaliser: C for a density on ℝ^C, 1 for the paper's formula.
    log_variance : array_like
        Logarithms of variances d, any shape.
    """
    spread, log_d = _spread(states, dimension), np.asarray(log_variance, dtype=float)
    return np.asarray(-dimension / 2 * (np.log(2 * np.pi) + log_d) - spread / 2 * np.exp(-log_d))


def admissible_variances(states: int, dimension: int, delta: float) -> Variances:
    """All variances for which the Gaussian construction's optimum has density at most δ under every state.

    Returns
    -------
    Variances
        Admissible are d ≤ d_− and d ≥ d_+; if all are, d_− is infinite and d_+ is 0.

    Notes
    -----
    d_∓ = −K / (C W(−2πK δ^(2/C) / C)) with the branches −1 and 0 of Lambert's W.  Where the argument of W would
    underflow, Wright's ω takes over: the lower branch solves w + ln(−w) = ln(−argument).
    """
    spread = _spread(states, dimension)
    log_argument = float(np.log(2 * np.pi * spread / dimension) + 2 / dimension * _log(delta))
    if log_argument > -1:
        return Variances(np.inf, -np.inf)
    argument = -np.exp(log_argument)
    lower = lambertw(argument, -1) if log_argument > -700 else wrightomega(complex(log_argument, -np.pi))
    upper = log_argument - float(lambertw(argument, 0).real)  # ln(−W₀) from W₀ e^W₀ = argument
    scale = float(np.log(spread / dimension))
    return Variances(scale - float(np.log(-lower.real)), scale - upper)


def log_sufficient_variance(states: int, dimension: int, delta: float) -> float:
    """Logarithm of δ (2π)^(C/2) (eK/(C+2))^(C/2+1): a sufficient variance in closed form, like every smaller one."""
    half, spread = dimension / 2, _spread(states, dimension)
    return _log(delta) + half * float(np.log(2 * np.pi)) + (half + 1) * float(np.log(np.e * spread / (dimension + 2)))


# Decoded tokens -----------------------------------------------------------------------------------------------------


class Decoded(NamedTuple):
    """How often decoded tokens δ-hallucinate.

    Attributes
    ----------
    sampling : ndarray
        Probability that a token drawn from p_X δ-hallucinates; shape (...).
    data : ndarray
        Probability that the data's own token is no likelier than δ under the state that produced it; shape (...).
    argmax : ndarray of bool
        Whether a most likely token of p_X δ-hallucinates (with ties: whether one of them does); shape (...).
    """

    sampling: NDArray[Any]
    data: NDArray[Any]
    argmax: NDArray[np.bool_]


def decode(
    probabilities: ArrayLike | Sequence[Fraction],
    masses: ArrayLike | Sequence[Sequence[Fraction]],
    delta: float | Fraction,
) -> Decoded:
    """Exact rates at which tokens decoded from p_X = Σ p_i r_i δ-hallucinate.

    Parameters
    ----------
    probabilities : array_like, shape (..., N)
        Weights p_i.
    masses : array_like, shape (..., N, C)
        Row i is the law r_i of the token under state i.
    delta : float or Fraction
        Threshold, a probability.

    Raises
    ------
    ValueError
        If shapes do not fit, or rows are not probability vectors.

    Notes
    -----
    With arrays of Fractions (dtype object) all rates are exact.
    """
    p, r = np.asarray(probabilities), np.asarray(masses)
    if r.ndim < 2 or p.ndim < 1 or p.shape[-1] != r.shape[-2]:
        raise ValueError(f"need weights (..., N) and masses (..., N, C), got shapes {p.shape} and {r.shape}")
    for name, rows in (("weights", p), ("masses", r)):
        if np.any(rows < 0) or np.any(abs(rows.sum(axis=-1) - 1) > 1e-9):
            raise ValueError(f"{name} must be non-negative with sum 1 in each row")
    mixed = (p[..., None] * r).sum(axis=-2)
    unlikely = r.max(axis=-2) <= delta
    data = (p * np.where(r <= delta, r, 0).sum(axis=-1)).sum(axis=-1)
    best = mixed == mixed.max(axis=-1, keepdims=True)
    sampling = np.where(unlikely, mixed, 0).sum(axis=-1)
    return Decoded(np.asarray(sampling), np.asarray(data), np.asarray((best & unlikely).any(axis=-1)))
