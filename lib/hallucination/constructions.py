"""Target distributions whose mean δ-hallucinates: as printed (Theorems B.1, B.2), repaired, and strengthened."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import gammaln
from scipy.stats import chi2

from hallucination.mixtures import Mixture
from hallucination.regions import log_threshold, squared_radius
from hallucination.states import Array, Gaussian, UniformBall, simplex

# Distances are taken larger than the least possible by this share, so that rounding cannot turn a verdict.
SAFETY = 1e-9


def offsets(n_states: int, dimension: int = 1) -> Array:
    """Directions a_i with sum zero and norm at least one, shape (N, d): N − 1 times u, then −(N − 1)u.

    Raises
    ------
    ValueError
        With fewer than two states: the sum of one offset of norm at least one is not zero.
    """
    if n_states < 2:
        raise ValueError(f"need at least 2 states to separate, got {n_states}")
    along = np.ones(n_states)
    along[-1] = 1 - n_states
    return np.outer(along, np.eye(1, dimension)[0])


def spread_means(weights: ArrayLike, reach: float, directions: ArrayLike, center: ArrayLike = 0.0) -> Array:
    """Means μ_i = m + K a_i / p_i: their average is m, and each is at least K away from it.

    Parameters
    ----------
    weights : array_like, shape (N,)
        The p_i.
    reach : float
        The distance K, in the unit of the answers.
    directions : array_like, shape (N, d)
        The a_i: sum zero, norms at least one.
    center : array_like, shape (d,) or ()
        The common mean m.

    Returns
    -------
    ndarray, shape (N, d)

    Raises
    ------
    ValueError
        If the directions do not sum to zero or one is shorter than one.
    """
    p, a = simplex(weights, "weights"), np.asarray(directions, dtype=float)
    if a.ndim != 2 or len(a) != p.size:
        raise ValueError(f"directions must have shape (N, d) with N = {p.size}, got {a.shape}")
    lengths = np.linalg.norm(a, axis=1)
    if np.abs(a.sum(axis=0)).max() > 1e-9 * lengths.max() or lengths.min() < 1 - 1e-12:
        raise ValueError(f"directions must sum to zero and have norm at least 1, got norms {lengths}")
    return np.asarray(np.asarray(center, dtype=float) + reach * a / p[:, None])


def widest_scale(delta: float, eta: float, dimension: int = 1, closed_form: bool = False) -> float:
    """Largest standard deviation s₀ at which N(μ, s²I) keeps mass 1 − η above density δ.

    Parameters
    ----------
    delta : float
        Density threshold, in 1/unitᵈ.
    eta : float
        Mass that the region may lose, strictly between 0 and 1.
    dimension : int
        Output dimension d.
    closed_form : bool
        Use Markov's bound d/η in place of the χ² quantile q: smaller, but an elementary formula.

    Returns
    -------
    float
        s₀ with s₀² = exp(−q/d) / (2π δ^(2/d)), in the unit of the answers.

    Raises
    ------
    ValueError
        If eta is no proper share, or s₀ is no positive finite number in double precision.
    """
    if not 0 < eta < 1:
        raise ValueError(f"eta must lie strictly between 0 and 1, got {eta!r}")
    quantile = dimension / eta if closed_form else float(chi2.isf(eta, dimension))
    log_scale = -quantile / (2 * dimension) - np.log(2 * np.pi) / 2 - log_threshold(delta) / dimension
    scale = float(np.exp(np.clip(log_scale, -800, 800)))
    if not 1e-150 < scale < 1e150:
        raise ValueError(
            f"the scale exp({log_scale:.6g}) of delta = {delta}, eta = {eta}, d = {dimension} is too extreme"
        )
    return scale


def separated_gaussians(
    weights: ArrayLike,
    delta: float,
    eta: float,
    dimension: int = 1,
    *,
    slack: float = 0.0,
    scale: float | None = None,
    directions: ArrayLike | None = None,
    center: ArrayLike = 0.0,
) -> Mixture:
    """Normal states that keep mass 1 − η each, with a mean that δ-hallucinates, and all within `slack` of it too.

    Parameters
    ----------
    weights : array_like, shape (N,)
        The p_i, N ≥ 2.
    delta, eta : float
        Density threshold, and the mass each region may lose.
    dimension : int
        Output dimension d.
    slack : float
        Radius ε of the ball around the mean that must hallucinate too, in the unit of the answers.
    scale : float, optional
        Common standard deviation, at most `widest_scale`, which is the default.
    directions : array_like, shape (N, d), optional
        The a_i of `spread_means`; default `offsets`.
    center : array_like, shape (d,) or ()
        The mean of the target.

    Returns
    -------
    Mixture
        With the means K a_i / p_i from the centre, K = ρ + ε, where ρ is the radius of the regions.

    Raises
    ------
    ValueError
        If a number is out of range or the scale is so wide that the states lose more than η.

    Notes
    -----
    Repairs and sharpens Theorem 5.1 (slack 0) and Theorem 5.2 (slack ε); with slack L·B_δ it serves Theorem 5.3.
    """
    p = simplex(weights, "weights")
    widest = widest_scale(delta, eta, dimension)
    s = widest if scale is None else scale
    if not 0 < s <= widest * (1 + SAFETY):
        raise ValueError(f"scale must lie in (0, {widest:.6g}] for the regions to keep mass {1 - eta:g}, got {s!r}")
    if not (np.isfinite(slack) and slack >= 0):
        raise ValueError(f"slack must be a finite number, not negative, got {slack!r}")
    a = offsets(p.size, dimension) if directions is None else directions
    reach = (radius(s, delta, dimension) + slack) * (1 + SAFETY)
    return Mixture(p, [Gaussian(mean, s**2) for mean in spread_means(p, reach, a, center)])


def radius(scale: float, delta: float, dimension: int = 1) -> float:
    """Radius ρ of the ball in which N(μ, s²I) exceeds δ; zero if it never does."""
    return scale * float(np.sqrt(max(0.0, squared_radius(Gaussian(np.zeros(dimension), scale**2), delta))))


def largest_ball(delta: float, dimension: int = 1) -> float:
    """Radius of the ball of volume 1/δ: a uniform law on a smaller one has a density above δ."""
    log_volume = dimension / 2 * np.log(np.pi) - gammaln(dimension / 2 + 1)
    return float(np.exp(-(log_threshold(delta) + log_volume) / dimension))


def separated_balls(weights: ArrayLike, ball_radius: float, dimension: int = 1, gap: float = 1e-6) -> Mixture:
    """Uniform states on balls that all miss the mean: it δ-hallucinates for every δ ≥ 0, in every unit.

    `gap` is how far outside the balls the mean lies, as a share of their radius (positive).
    """
    if not gap > 0:
        raise ValueError(f"gap must be positive, got {gap!r}")
    p = simplex(weights, "weights")
    means = spread_means(p, ball_radius * (1 + gap), offsets(p.size, dimension))
    return Mixture(p, [UniformBall(mean, ball_radius) for mean in means])


def two_sided_balls(weights: ArrayLike, arms: ArrayLike, ball_radius: float) -> Mixture:
    """States that are uniform on two balls each, at ±h_i: every state's own mean has density zero.

    Parameters
    ----------
    weights : array_like, shape (N,)
        The p_i.
    arms : array_like, shape (N, d)
        The h_i, longer than the radius.
    ball_radius : float
        Radius of the balls.

    Notes
    -----
    Makes the strict reading of Theorem 5.3 true: an estimator that is optimal at every hint answers 0 there.
    """
    h = np.asarray(arms, dtype=float)
    shortest = float(np.linalg.norm(h, axis=-1).min())
    if not shortest > ball_radius:
        raise ValueError(f"arms must be longer than the radius {ball_radius}, the shortest is {shortest:.6g}")
    return Mixture(
        weights, [Mixture([0.5, 0.5], [UniformBall(x, ball_radius), UniformBall(-x, ball_radius)]) for x in h]
    )


def _along_ones(weights: ArrayLike, covariances: Sequence[Array], squares: Sequence[float], last: float) -> Mixture:
    """Build states with means m_i 1 for i < N, and a last one with covariance last·I that balances them."""
    p = simplex(weights, "weights")
    if len(covariances) != p.size - 1:
        raise ValueError(f"need a covariance for each state but the last, {p.size - 1}, got {len(covariances)}")
    one = np.ones(covariances[0].shape[0])
    means = [np.sqrt(m) * one for m in squares]
    balance = -sum(q * mean for q, mean in zip(p, means, strict=False)) / p[-1]
    first = [Gaussian(mean, cov) for mean, cov in zip(means, covariances, strict=True)]
    return Mixture(p, [*first, Gaussian(balance, last)])


def _read(covariances: Sequence[ArrayLike]) -> list[Array]:
    if len(covariances) == 0:
        raise ValueError("need at least one covariance: the construction has N − 1 free states")
    return [np.atleast_2d(np.asarray(c, dtype=float)) for c in covariances]


def printed_single_input(weights: ArrayLike, covariances: Sequence[ArrayLike], delta: float) -> Mixture:
    """Build the law in the proof of Theorem B.1 as it is printed; its mean need not δ-hallucinate.

    Parameters
    ----------
    weights : array_like, shape (N,)
        The p_i.
    covariances : sequence of N − 1 array_like, each of shape (d, d) (or a number if d = 1)
        The Σ_i of all states but the last.
    delta : float
        Density threshold.

    Raises
    ------
    ValueError
        If a printed square root is of a negative number (det Σ_i > δ⁻²).
    """
    sigmas, log_delta = _read(covariances), log_threshold(delta)
    squares = []
    for sigma in sigmas:
        radicand = -2 * log_delta - np.linalg.slogdet(sigma)[1]
        if radicand < 0:
            raise ValueError(f"−2 ln δ − ln det Σ must not be negative under the printed root, got {radicand:.6g}")
        squares.append(radicand / sigma.sum())
    d = sigmas[0].shape[0]
    return _along_ones(weights, sigmas, squares, float(np.exp(2 * log_delta / d)))


def repaired_single_input(weights: ArrayLike, covariances: Sequence[ArrayLike], delta: float) -> Mixture:
    """Mend the printed law of Theorem B.1 as little as possible: its mean 0 δ-hallucinates, but Z_N is vacuous.

    Parameters and errors as in `printed_single_input`, except that any covariances will do.
    """
    sigmas, log_delta = _read(covariances), log_threshold(delta)
    d = sigmas[0].shape[0]
    squares = [
        max(0.0, -2 * log_delta - np.linalg.slogdet(sigma)[1]) / np.linalg.inv(sigma).sum() for sigma in sigmas
    ]
    return _along_ones(weights, sigmas, squares, float(np.exp(-2 * log_delta / d)))


def printed_near_optimal_means(weights: ArrayLike, reach: float, dimension: int = 1) -> Array:
    """Means of the printed example in the proof of Theorem B.2, shape (N, d): i (N − i) K / p_{N−i} times 1.

    For i = N the print refers to p_0, which does not exist; that mean is put to zero here.
    """
    p = simplex(weights, "weights")
    n = p.size
    along = [i * (n - i) * reach / p[n - i - 1] for i in range(1, n)]
    return np.outer([*along, 0.0], np.ones(dimension))
