"""Target distributions whose mean δ-hallucinates: as printed (Theorems B.1, B.2), repaired, and strengthened."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import gammaln
from scipy.stats import chi2

from hallucination.mixtures import Mixture
from hallucination.regions import log_threshold, squared_radius
from hallucination.states import Array, Custom, Gaussian, State, UniformBall, simplex

# Distances are taken larger than the least possible by this share, so that rounding cannot turn a verdict.
SAFETY = 1e-9


def offsets(n_states: int, dimension: int = 1) -> Array:
    """Directions a_i with sum zero and norm at least one, shape (N, d): N − 1 times u, then −(N − 1)u.

    Raises
    ------
    ValueError
        With fewer than two states: the sum of one offset of norm at least one is not zero.
    """
    _check_count(n_states)
    _check_dimension(dimension)
    along = np.ones(n_states)
    along[-1] = 1 - n_states
    return np.outer(along, np.eye(1, dimension)[0])


def directions_for(weights: ArrayLike, dimension: int = 1) -> Array:
    """Directions a_i with sum zero and norm at least one that give N different means a_i / p_i; shape (N, d).

    On the line 1, −1, 2, −2, … (1, 2, −3, 4, −4, … if N is odd), longer ones for lighter states; otherwise the
    corners of a regular N-gon in the plane of the first two coordinates.

    Raises
    ------
    ValueError
        As `offsets`.
    """
    p = simplex(weights, "weights")
    _check_count(p.size)
    _check_dimension(dimension)
    a = np.zeros((p.size, dimension))
    if dimension > 1:
        angle = 2 * np.pi * np.arange(p.size) / p.size
        a[:, 0], a[:, 1] = np.cos(angle), np.sin(angle)
        return a
    odd = p.size % 2
    first = [1, 2, -3] if odd else [1, -1]
    pairs = [sign * k for k in range(4 if odd else 2, p.size + 3) for sign in (1, -1)]
    a[np.argsort(-p, kind="stable"), 0] = (first + pairs)[: p.size]
    return a


def _check_count(n_states: int) -> None:
    if n_states < 2:
        raise ValueError(f"need at least 2 states to separate, got {n_states}")


def _check_dimension(dimension: int) -> None:
    if dimension < 1:
        raise ValueError(f"dimension must be at least 1, got {dimension!r}")


def _length(log_length: float, origin: str) -> float:
    """Exponential of a logarithm if it and its square are proper numbers, else ValueError with its origin."""
    if not abs(log_length) < 280:
        raise ValueError(f"the length exp({log_length:.6g}) of {origin} is too extreme for double precision")
    return float(np.exp(log_length))


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
    _check_dimension(dimension)
    if not 0 < eta < 1:
        raise ValueError(f"eta must lie strictly between 0 and 1, got {eta!r}")
    quantile = dimension / eta if closed_form else float(chi2.isf(eta, dimension))
    log_scale = -quantile / (2 * dimension) - np.log(2 * np.pi) / 2 - log_threshold(delta) / dimension
    return _length(log_scale, f"delta = {delta}, eta = {eta}, d = {dimension}")


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
        Common standard deviation, at most `widest_scale`; default just below it.
    directions : array_like, shape (N, d), optional
        The a_i of `spread_means`; default `directions_for`.
    center : array_like, shape (d,) or ()
        The mean of the target.

    Returns
    -------
    Mixture
        With the means m + K a_i / p_i, where K exceeds ρ + ε just enough to survive rounding, and ρ is the radius of
        the regions.

    Raises
    ------
    ValueError
        If a number is out of range, the scale is so wide that the states lose more than η, or the centre is so far
        from the origin that rounding would move the states.

    Notes
    -----
    Repairs and sharpens Theorem 5.1 (slack 0) and Theorem 5.2 (slack ε); with slack L·B_δ it serves Theorem 5.3.
    """
    p = simplex(weights, "weights")
    widest = widest_scale(delta, eta, dimension)
    s = widest * (1 - SAFETY) if scale is None else scale
    if not 0 < s <= widest:
        raise ValueError(f"scale must lie in (0, {widest:.6g}] for the regions to keep mass {1 - eta:g}, got {s!r}")
    a = directions_for(p, dimension) if directions is None else directions
    tau = squared_radius(Gaussian(np.zeros(dimension), s**2), delta)
    reach = s * np.sqrt(tau + SAFETY * (tau + dimension + abs(log_threshold(delta)))) + _padded(slack)
    return _around(p, lambda mean, i: Gaussian(mean, s**2), reach, a, center)


def _padded(slack: float) -> float:
    if not (np.isfinite(slack) and slack >= 0):
        raise ValueError(f"slack must be a finite number, not negative, got {slack!r}")
    return slack * (1 + SAFETY)


def _around(p: Array, state: Callable[[Array, int], State], reach: float, a: ArrayLike, center: ArrayLike) -> Mixture:
    """Put states at the means of `spread_means`, and make sure that rounding left the distances to the mean alone."""
    means = spread_means(p, reach, a, center)
    law = Mixture(p, [state(mean, i) for i, mean in enumerate(means)])
    nearest = float(np.linalg.norm(means - law.mean, axis=1).min())
    if nearest < reach * (1 - SAFETY / 4):
        raise ValueError(f"center {center!r} is too far out to keep distances of {reach:.6g} in double precision")
    return law


def radius(scale: float, delta: float, dimension: int = 1) -> float:
    """Radius ρ of the ball in which N(μ, s²I) exceeds δ; zero if it never does."""
    return scale * float(np.sqrt(max(0.0, squared_radius(Gaussian(np.zeros(dimension), scale**2), delta))))


def largest_ball(delta: float, dimension: int = 1) -> float:
    """Radius of the ball of volume 1/δ: a uniform law on a smaller one has a density above δ."""
    _check_dimension(dimension)
    log_volume = dimension / 2 * np.log(np.pi) - gammaln(dimension / 2 + 1)
    return _length(-(log_threshold(delta) + log_volume) / dimension, f"delta = {delta}, d = {dimension}")


def separated_balls(weights: ArrayLike, ball_radius: float, dimension: int = 1, gap: float = 1e-6) -> Mixture:
    """Uniform states on balls that all miss the mean: it δ-hallucinates for every δ ≥ 0, in every unit.

    `gap` is how far outside the balls the mean lies, as a share of their radius (positive).
    """
    if not gap > 0:
        raise ValueError(f"gap must be positive, got {gap!r}")
    p = simplex(weights, "weights")
    means = spread_means(p, ball_radius * (1 + gap), directions_for(p, dimension))
    return Mixture(p, [UniformBall(mean, ball_radius) for mean in means])


def separated_ellipsoids(
    weights: ArrayLike,
    covariances: Sequence[ArrayLike],
    *,
    delta: float | None = None,
    alpha: float | None = None,
    slack: float = 0.0,
    directions: ArrayLike | None = None,
    center: ArrayLike = 0.0,
) -> Mixture:
    """Normal states with any covariances, placed so that the mean, and all within `slack` of it, hallucinate.

    Parameters
    ----------
    weights : array_like, shape (N,)
        The p_i, N ≥ 2.
    covariances : sequence of N array_like, each of shape (d, d) (or a number if d = 1)
        The Σ_i.
    delta, alpha : float
        Give one of them: the density threshold of Definition 4.2, or the level of the scale-free definition.
    slack : float
        Radius ε of the ball around the mean that must hallucinate too.
    directions, center : array_like, optional
        As in `separated_gaussians`.

    Returns
    -------
    Mixture
        With K = max_i √(λ_max(Σ_i) r_i) + ε, where r_i is τ_i for δ, and the χ² quantile of order 1 − α for α.

    Raises
    ------
    ValueError
        If a number is out of range, or not exactly one of delta and alpha is given.

    Notes
    -----
    A state whose determinant is δ⁻²(2π)⁻ᵈ or more is vacuous at δ; it is never so at α.
    """
    p, sigmas = simplex(weights, "weights"), _read(covariances, np.size(weights))
    d = sigmas[0].shape[0]
    centred = [Gaussian(np.zeros(d), sigma) for sigma in sigmas]
    if delta is not None and alpha is None:
        squares = [max(0.0, squared_radius(state, delta)) for state in centred]
    elif alpha is not None and delta is None:
        if not 0 < alpha < 1:
            raise ValueError(f"alpha must lie strictly between 0 and 1, got {alpha!r}")
        squares = [float(chi2.isf(alpha, d))] * p.size
    else:
        raise ValueError(f"give delta or alpha, and not both: got delta = {delta!r}, alpha = {alpha!r}")
    longest = max(float(np.linalg.eigvalsh(s)[-1]) * r for s, r in zip(sigmas, squares, strict=True))
    a = directions_for(p, d) if directions is None else directions
    reach = np.sqrt(longest) * (1 + SAFETY) + _padded(slack)
    return _around(p, lambda mean, i: Gaussian(mean, sigmas[i]), reach, a, center)


def shifted(noise: State, mean: ArrayLike) -> Custom:
    """Move a state so that its mean is the given one, shape (d,); its shape stays."""
    to = np.asarray(mean, dtype=float)
    by = to - noise.mean
    return Custom(to, noise.variance, lambda a: noise.log_density(a - by), lambda rng, n: noise.sample(rng, n) + by)


def separated_locations(
    weights: ArrayLike,
    noises: Sequence[State],
    delta: float,
    *,
    reach: float = 1.0,
    directions: ArrayLike | None = None,
) -> Mixture:
    """Move apart states of any shape until their mean δ-hallucinates: K is doubled from `reach` on.

    Parameters
    ----------
    weights : array_like, shape (N,)
        The p_i, N ≥ 2.
    noises : sequence of N State
        Laws of the answers around the states' means.
    delta : float
        Density threshold.
    reach : float
        First K to try, in the unit of the answers.
    directions : array_like, shape (N, d), optional
        As in `separated_gaussians`.

    Raises
    ------
    ValueError
        If some density does not fall to δ within a hundred doublings.
    """
    p, log_delta = simplex(weights, "weights"), log_threshold(delta)
    if len(noises) != p.size:
        raise ValueError(f"need one noise per state, got {len(noises)} for {p.size} weights")
    a = directions_for(p, noises[0].mean.size) if directions is None else directions
    for k in range(100):
        law = _around(p, lambda mean, i: shifted(noises[i], mean), reach * 2.0**k, a, 0.0)
        if law.state_log_densities(law.mean).max() <= log_delta:
            return law
    raise ValueError(f"the densities do not fall to delta = {delta} far out")


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


def _read(covariances: Sequence[ArrayLike], count: int) -> list[Array]:
    """Read `count` covariance matrices of one dimension; a number stands for a 1 × 1 matrix."""
    sigmas = [np.atleast_2d(np.asarray(c, dtype=float)) for c in covariances]
    if len(sigmas) != count or len({s.shape for s in sigmas}) > 1:
        raise ValueError(f"need {count} covariances of one dimension, got shapes {[s.shape for s in sigmas]}")
    return sigmas


def _along_ones(
    weights: ArrayLike, covariances: Sequence[Array], squares: Sequence[float], last: float, dimension: int
) -> Mixture:
    """Build states with means m_i 1 for i < N, and a last one with covariance last·I that balances them."""
    p, one = simplex(weights, "weights"), np.ones(dimension)
    means = [np.sqrt(m) * one for m in squares]
    balance = -sum((q * mean for q, mean in zip(p[:-1], means, strict=True)), 0 * one) / p[-1]
    first = [Gaussian(mean, cov) for mean, cov in zip(means, covariances, strict=True)]
    return Mixture(p, [*first, Gaussian(balance, last)])


def printed_single_input(
    weights: ArrayLike, covariances: Sequence[ArrayLike], delta: float, dimension: int = 1
) -> Mixture:
    """Build the law in the proof of Theorem B.1 as it is printed; its mean need not δ-hallucinate.

    Parameters
    ----------
    weights : array_like, shape (N,)
        The p_i.
    covariances : sequence of N − 1 array_like, each of shape (d, d) (or a number if d = 1)
        The Σ_i of all states but the last.
    delta : float
        Density threshold.
    dimension : int
        Output dimension d; read only if N = 1, when no covariance tells it.

    Raises
    ------
    ValueError
        If a printed square root is of a negative number (det Σ_i > δ⁻²).
    """
    sigmas, log_delta = _read(covariances, np.size(weights) - 1), log_threshold(delta)
    d = sigmas[0].shape[0] if sigmas else dimension
    squares = []
    for sigma in sigmas:
        radicand = -2 * log_delta - Gaussian(np.zeros(d), sigma).log_det
        if radicand < 0:
            raise ValueError(f"−2 ln δ − ln det Σ must not be negative under the printed root, got {radicand:.6g}")
        squares.append(radicand / sigma.sum())
    return _along_ones(weights, sigmas, squares, float(np.exp(2 * log_delta / d)), d)


def repaired_single_input(
    weights: ArrayLike, covariances: Sequence[ArrayLike], delta: float, dimension: int = 1
) -> Mixture:
    """Mend the printed law of Theorem B.1 as little as possible: its mean 0 δ-hallucinates, but Z_N is vacuous.

    Parameters and errors as in `printed_single_input`, except that any covariances will do.
    """
    sigmas, log_delta = _read(covariances, np.size(weights) - 1), log_threshold(delta)
    d = sigmas[0].shape[0] if sigmas else dimension
    squares = [
        max(0.0, -2 * log_delta - Gaussian(np.zeros(d), sigma).log_det) / np.linalg.inv(sigma).sum()
        for sigma in sigmas
    ]
    return _along_ones(weights, sigmas, squares, float(np.exp(-2 * log_delta / d)), d)


def printed_near_optimal_means(weights: ArrayLike, reach: float, dimension: int = 1) -> Array:
    """Means of the printed example in the proof of Theorem B.2, shape (N, d): i (N − i) K / p_{N−i} times 1.

    For i = N the print refers to p_0, which does not exist; that mean is put to zero here.
    """
    p = simplex(weights, "weights")
    n = p.size
    along = [i * (n - i) * reach / p[n - i - 1] for i in range(1, n)]
    return np.outer([*along, 0.0], np.ones(dimension))
