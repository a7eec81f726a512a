"""The hallucination probability P_H = Pr[|μ_i − A*| > r_i for all i] itself, where it can be computed (§6)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from scipy.integrate import quad
from scipy.stats import chi, chi2, ncx2, norm

from hallucination.scalar_sums import Lattice, escape_probability
from hallucination.setting import Setting
from hallucination.simulation import Estimate
from hallucination.states import Array, Discrete, Gaussian

MOST_NUMBERS = 20_000_000


def exact(setting: Setting, draws: int = 200_000, seed: int = 0) -> Estimate:
    """P_H by the best method that the laws allow.

    Parameters
    ----------
    setting : Setting
        With laws: all discrete, all normal, or all continuous laws of numbers.
    draws, seed
        Used only where normal laws need directions drawn at random.

    Raises
    ------
    ValueError
        If no method here fits; `hallucination.simulation.monte_carlo` always does.
    """
    laws = setting.known_laws
    if all(isinstance(law, Discrete) for law in laws):
        return by_enumeration(setting)
    if all(isinstance(law, Gaussian) for law in laws):
        if setting.p.size == 2 and _ball_like(setting):
            return two_normal_states(setting)
        if setting.p.size == 3 and laws[0].mean.size == 1 and not setting.lacks("one mean"):
            return three_normal_numbers(setting)
        if not setting.scalar_laws and not setting.lacks("one mean"):
            return by_directions(setting, draws, seed)
    if setting.lacks("numbers"):
        raise ValueError("no exact method for these laws: use hallucination.simulation.monte_carlo")
    return two_numbers(setting) if setting.p.size == 2 else by_convolution(setting)


def two_state_distance(setting: Setting) -> float:
    """Distance c such that two states are both missed iff |μ_1 − μ_2| > c = max(r_1 / p_2, r_2 / p_1)."""
    if reason := setting.lacks("two states"):
        raise ValueError(reason)
    return float((setting.r / setting.p[::-1]).max())


def normal_covariances(setting: Setting) -> Array:
    """Covariance matrices of normal laws, shape (N, d, d)."""
    laws = setting.known_laws
    if not all(isinstance(law, Gaussian) for law in laws):
        raise ValueError(f"this needs normal laws, got {sorted({type(law).__name__ for law in laws})}")
    found = []
    for law in laws:
        c, d = np.asarray(getattr(law, "covariance"), dtype=float), law.mean.size  # noqa: B009
        found.append(c if c.ndim == 2 else np.diag(np.broadcast_to(c, (d,))))
    return np.stack(found)


def _ball_like(setting: Setting) -> bool:
    total = normal_covariances(setting).sum(axis=0)
    return bool(np.allclose(total, total[0, 0] * np.eye(len(total)), rtol=0, atol=1e-13 * total[0, 0]))


def two_normal_states(setting: Setting) -> Estimate:
    """P_H = Pr[|μ_1 − μ_2| > c], exactly, for two normal laws whose covariances add up to a multiple of I.

    Raises
    ------
    ValueError
        For other laws, or another number of states.
    """
    c, laws = two_state_distance(setting), setting.known_laws
    if not _ball_like(setting):
        raise ValueError("the two covariances must add up to a multiple of the identity")
    variance = float(normal_covariances(setting).sum(axis=0)[0, 0])
    gap = float(np.linalg.norm(laws[0].mean - laws[1].mean)) ** 2 / variance
    d = laws[0].mean.size
    if d == 1:
        value = norm.sf((c - math.sqrt(gap * variance)) / math.sqrt(variance))
        value += norm.sf((c + math.sqrt(gap * variance)) / math.sqrt(variance))
    else:
        value = ncx2.sf(c**2 / variance, d, gap) if gap > 0 else chi2.sf(c**2 / variance, d)
    return Estimate(float(value), 0.0, "closed form, two normal states")


def _directions(setting: Setting) -> Array:
    """B of shape (N, d, k) with (μ_i − A*)_i = (B_i g)_i in law, g standard normal in k = (N − 1) d dimensions."""
    if reason := setting.lacks("one mean"):
        raise ValueError(f"this needs equal means: {reason}")
    roots = np.linalg.cholesky(normal_covariances(setting))
    n, d = roots.shape[:2]
    mixing = np.eye(n) - setting.p[None, :]
    whole = np.einsum("ij,jab->iajb", mixing, roots).reshape(n * d, n * d)
    u, s, _ = np.linalg.svd(whole)
    k = (n - 1) * d
    return (u[:, :k] * s[:k]).reshape(n, d, k)


def three_normal_numbers(setting: Setting, points: int = 1 << 17) -> Estimate:
    """P_H of three normal numbers with one mean: an integral over the directions of a plane, by the midpoint rule.

    Notes
    -----
    P_H = (1/π) ∫ exp(−½ max_i r_i² / ⟨b_i, e_φ⟩²) dφ over half a turn, where μ_i − A* = ⟨b_i, g⟩ and g is standard
    normal in the plane.
    """
    b = _directions(setting)
    if b.shape != (3, 1, 2):
        raise ValueError(f"this needs N = 3 states of dimension 1, got N = {b.shape[0]} and d = {b.shape[1]}")

    def midpoints(n: int) -> float:
        angle = np.pi * (np.arange(n) + 0.5) / n
        reach = np.abs(np.cos(angle)[:, None] * b[:, 0, 0] + np.sin(angle)[:, None] * b[:, 0, 1])
        return float(np.exp(-0.5 * (setting.r / np.maximum(reach, 1e-300)).max(axis=1) ** 2).mean())

    value = midpoints(points)
    return Estimate(value, abs(value - midpoints(points // 2)), "quadrature over directions")


def by_directions(setting: Setting, draws: int = 200_000, seed: int = 0) -> Estimate:
    """P_H of normal laws with one mean, any N and d: random directions, exact radii.

    Notes
    -----
    No state is hit iff the length of g is above max_i r_i / |B_i u| in its direction u. Length and direction are
    independent, and the tail of the χ law of the length is exact, so that only directions are drawn.
    """
    b, rng = _directions(setting), np.random.default_rng(seed)
    total, squares, block = 0.0, 0.0, max(1, MOST_NUMBERS // (10 * b.size))
    for start in range(0, draws, block):
        u = rng.standard_normal((min(block, draws - start), b.shape[2]))
        u /= np.linalg.norm(u, axis=1, keepdims=True)
        reach = np.linalg.norm(np.einsum("nk,idk->nid", u, b), axis=2)
        free = chi.sf((setting.r / np.maximum(reach, 1e-300)).max(axis=1), b.shape[2])
        total, squares = total + free.sum(), squares + (free**2).sum()
    mean = float(total / draws)
    error = math.sqrt(max(0.0, float(squares) / draws - mean**2) / draws)
    return Estimate(mean, error, f"{draws} random directions")


def two_numbers(setting: Setting) -> Estimate:
    """P_H of two continuous laws of numbers by quadrature of Pr[|μ_1 − μ_2| > c | μ_1].

    Raises
    ------
    ValueError
        For other laws, or another number of states.
    """
    c, (first, second) = two_state_distance(setting), _scalars(setting)
    low, high = float(first.ppf(1e-13)), float(first.isf(1e-13))
    ends = [float(second.mean()), *(x for x in second.support() if math.isfinite(x)), float(first.mean())]
    levels = [float(q(u)) for u in (1e-9, 1e-6, 1e-3, 0.05) for q in (first.ppf, first.isf)]  # heavy tails
    ends = [*levels, *(x for e in ends for x in (e - c, e, e + c))]
    breaks = sorted({low, high, *(x for x in ends if low < x < high)})
    parts = [
        quad(lambda x: first.pdf(x) * (second.sf(x + c) + second.cdf(x - c)), a, b, limit=200, epsabs=1e-13)
        for a, b in pairwise(breaks)
    ]
    return Estimate(min(1.0, sum(p[0] for p in parts)), sum(p[1] for p in parts) + 2e-13, "quadrature")


def _scalars(setting: Setting) -> list[Any]:
    if reason := setting.lacks("numbers"):
        raise ValueError(reason)
    return setting.scalar_laws or []


def by_convolution(setting: Setting, size: int = 1 << 15, places: int = 400) -> Estimate:
    """P_H of any continuous laws of numbers: one integral over A*, an FFT inside.

    Parameters
    ----------
    setting : Setting
        With `scalar_laws`.
    size : int
        Points of the lattice of A*.
    places : int
        Points of the outer integral.

    Returns
    -------
    Estimate
        Its error is the change from half the size and half the places.
    """
    laws = _scalars(setting)
    values = [escape_probability(Lattice(setting.p, laws, size // k, 1e-9), setting.r, places // k) for k in (1, 2)]
    return Estimate(min(1.0, values[0]), abs(values[0] - values[1]), f"convolution on {size} points")


def outcomes(p: Array, laws: Sequence[Discrete]) -> tuple[Array, Array]:
    """All outcomes (M, N, d) of independent discrete μ_i, and their probabilities (M,).

    Raises
    ------
    ValueError
        If there are too many to hold.
    """
    sizes = [law.weights.size for law in laws]
    numbers = math.prod(sizes) * len(sizes) * laws[0].mean.size
    if numbers > MOST_NUMBERS:
        raise ValueError(f"an enumeration may hold {MOST_NUMBERS} numbers, this one needs {numbers}")
    index = np.indices(sizes).reshape(len(sizes), -1)
    x = np.stack([law.answers[i] for law, i in zip(laws, index, strict=True)], axis=1)
    return x, np.prod([law.weights[i] for law, i in zip(laws, index, strict=True)], axis=0)


def by_enumeration(setting: Setting) -> Estimate:
    """P_H of discrete laws in floating point; ties, up to rounding, count as hit.

    Exact ties need rational numbers: see `hallucination.enumeration`.
    """
    x, mass = outcomes(setting.p, _discrete(setting))
    gap = np.linalg.norm(x - np.einsum("i,mid->md", setting.p, x)[:, None], axis=2)
    slack = 32 * np.finfo(float).eps * (float(np.abs(x).max()) + setting.r)
    return Estimate(float(mass[(gap > setting.r + slack).all(axis=1)].sum()), 0.0, "enumeration")


def _discrete(setting: Setting) -> list[Discrete]:
    found = [law for law in setting.known_laws if isinstance(law, Discrete)]
    if len(found) != setting.p.size:
        raise ValueError("this needs discrete laws")
    return found


def normal_asymptotics(n: int, rho: float) -> float:
    """P_H of n equally weighted normal numbers with radius ρ standard deviations, up to a factor 1 + o(1) as n → ∞.

    Notes
    -----
    g^n / √(1 + κ) with g = Pr[|μ| > ρ] and κ = ρ φ(ρ) / Pr[μ > ρ]: the μ_i − A* do not depend on A*, so that P_H is
    the probability of missing all given A* = 0, which the local limit theorem gives.
    """
    kappa = rho * norm.pdf(rho) / norm.sf(rho)
    return float((2 * norm.sf(rho)) ** n / math.sqrt(1 + kappa))
