"""Lower bounds of P_H from moments: weights, variances, fourth moments and radii, nothing else (§6).

Every bound takes a `Setting` and returns a `Bound`. Unless stated, they hold in every dimension.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import brentq, minimize_scalar

from hallucination.concentration import peak_density
from hallucination.setting import Bound, Setting, bound
from hallucination.states import Array

PER_STATE = 2 * math.sqrt(3) - 3  # the best constant c in P_H ≥ Π c (1 − ϑ_i)² K_i


def paper_optimum(t: ArrayLike) -> Array:
    """P_i of Theorem 6.1 for radius 0: max over α > 1 of (1 − α⁻²)(1 − α² t)², where t = d² / v_i; shape (...).

    Notes
    -----
    With x = α⁻² the maximum is at x² + t x − 2 t = 0 and equals 4 (1 − x)³ / (2 − x)². It is 0 for t ≥ 1.
    """
    t = np.asarray(t, dtype=float)
    x = (np.sqrt(t * t + 8 * t) - t) / 2
    return np.where(t < 1, 4 * (1 - np.minimum(x, 1)) ** 3 / (2 - x) ** 2, 0.0)


def paper_factor(variance: float, spread: float, radius: float) -> float | None:
    """P_i as the paper's proof uses it: max of (1 − α⁻²)(1 − θ_i(α))² over α > 1 with θ_i(α) ≤ 1.

    Parameters
    ----------
    variance, spread, radius : float
        v_i, the standard deviation d of A*, and r_i; θ_i(α) = (α d + r_i)² / v_i.

    Returns
    -------
    float or None
        None if no α > 1 is admissible, that is unless d + r_i < √v_i.

    Notes
    -----
    The theorem never defines P_i. The logarithm of what is maximised is concave in α, so that its derivative has
    one zero.
    """
    largest = (math.sqrt(variance) - radius) / spread
    if largest <= 1:
        return None
    if radius == 0:
        return float(paper_optimum(spread**2 / variance))

    def slope(u: float) -> float:
        a = 1 + (largest - 1) * u
        tau = a * spread + radius
        return (variance - tau**2) - 2 * spread * tau * a * (a - 1) * (a + 1)

    a = 1 + (largest - 1) * float(brentq(slope, 0.0, 1.0, xtol=1e-14))
    return (1 - 1 / a**2) * max(0.0, 1 - (a * spread + radius) ** 2 / variance) ** 2


def paper_factors(setting: Setting, uniform: bool = False) -> list[float | None]:
    """All P_i; with `uniform` every radius is replaced by the largest, as the theorem may be read."""
    radii = np.full_like(setting.r, setting.r.max()) if uniform else setting.r
    return [paper_factor(v, setting.spread, r) for v, r in zip(setting.v, radii, strict=True)]


@bound("Theorem 6.1 of the paper; not a bound for all N", "moments", "one mean")
def paper(setting: Setting, uniform: bool = False) -> float | str:
    """Right side Π P_i K_i of Theorem 6.1. It can exceed P_H (for large N), so that `best` never uses it.

    Parameters
    ----------
    setting : Setting
        Laws or moments.
    uniform : bool
        Whether every radius is replaced by the largest one.
    """
    factors = paper_factors(setting, uniform)
    missing = [i for i, f in enumerate(factors) if f is None]
    if missing:
        i = missing[0]
        reached = setting.spread + (setting.r.max() if uniform else setting.r[i])
        return f"no α > 1 has θ(α) ≤ 1 for state {i + 1}: d + r = {reached:.6g} ≥ √v = {math.sqrt(setting.v[i]):.6g}"
    return math.prod(f * k for f, k in zip(factors, setting.k, strict=True) if f is not None)


def paper_cap_exponent() -> float:
    """λ = min over 0 < t < 1 of −ln f(t) / t, f the `paper_optimum`: then Π P_i ≤ e^(−λ) for all N, weights and laws.

    Notes
    -----
    With t_i = d² / v_i, P_i ≤ f(t_i)(1 − ϑ_i)² and Σ t_i ≥ 1 by Cauchy and Schwarz, and f(t) ≤ e^(−λ t).
    """
    found = minimize_scalar(lambda t: -math.log(float(paper_optimum(t))) / t, bounds=(0.3, 0.7), method="bounded",
                            options={"xatol": 1e-12})  # fmt: skip
    return float(found.fun)


def paper_cap(setting: Setting) -> float:
    """Upper bound e^(−λ) Π K_i (1 − ϑ_i)² of the right side of Theorem 6.1; below 8.04e-4 whatever the setting."""
    return math.exp(-paper_cap_exponent()) * float(np.prod(setting.k * np.maximum(0, 1 - setting.theta) ** 2))


def moment_factor(ratio: ArrayLike, theta: ArrayLike) -> Array:
    """Lower bound of inf_z Pr[|μ − z| > ρ] from K and ϑ = ρ² / v; shape (...); 0 for ϑ ≥ 1.

    Notes
    -----
    s² / (1 + s²) with s² + g s = 1 − ϑ and g = √(1/K − 1): Cantelli's inequality for |μ − z|², whose standard
    deviation is at most v g + 2 √v |z − Eμ|, at the worst distance √v s of z. It is at least
    (2√3 − 3)(1 − ϑ)² K.
    """
    w, g = np.maximum(0.0, 1 - np.asarray(theta, dtype=float)), np.sqrt(1 / np.asarray(ratio, dtype=float) - 1)
    s = np.where(w > 0, 2 * w / np.maximum(np.sqrt(g * g + 4 * w) + g, 1e-300), 0.0)
    return np.asarray(s * s / (1 + s * s))


def centred_factor(ratio: ArrayLike, theta: ArrayLike) -> Array:
    """Lower bound of Pr[|μ − Eμ| > ρ] from K and ϑ = ρ² / v (Cantelli for |μ − Eμ|²); 0 for ϑ ≥ 1; shape (...)."""
    w = np.maximum(0.0, 1 - np.asarray(theta, dtype=float))
    return np.asarray(w**2 / (1 / np.asarray(ratio, dtype=float) - 1 + w**2 + (w == 0)))


def _too_wide(setting: Setting) -> str:
    wide = np.flatnonzero(setting.theta >= 1 - 1e-12)
    if not wide.size:
        return ""
    i = int(wide[0])
    limit = (1 - setting.p[i]) * math.sqrt(setting.v[i])
    return f"radius {setting.r[i]:.6g} of state {i + 1} is not below (1 − p)√v = {limit:.6g}"


@bound("product bound, moments", "moments")
def product_moments(setting: Setting) -> float | str:
    """P_H ≥ Π s_i² / (1 + s_i²), see `moment_factor`; needs r_i < (1 − p_i) √v_i, but no common mean."""
    return _too_wide(setting) or float(np.prod(moment_factor(setting.k, setting.theta)))


@bound("product bound, moments, in the paper's form", "moments")
def product_constant(setting: Setting) -> float | str:
    """P_H ≥ Π (2√3 − 3)(1 − ϑ_i)² K_i; the constant is the best possible in this form."""
    return _too_wide(setting) or float(np.prod(PER_STATE * (1 - setting.theta) ** 2 * setting.k))


@bound("product bound, moments, centred laws", "moments", "centred")
def product_centred(setting: Setting) -> float | str:
    """P_H ≥ Π (1 − ϑ_i)² / (1/K_i − 2ϑ_i + ϑ_i²) if no ball holds more than the one around the mean."""
    return _too_wide(setting) or float(np.prod(centred_factor(setting.k, setting.theta)))


def marginals(setting: Setting) -> list[Bound]:
    """Lower bounds P_i K_i of Pr[A* ∉ U_i] for each single state: the step of the paper's proof that is true.

    Notes
    -----
    On |μ_i − μ_0| ≥ α d + r_i the state is missed if the others' sum stays below (1 − p_i)(α d + r_i) − r_i in the
    direction of μ_i − μ_0; Cantelli's inequality for it is at least 1 − α⁻², by (d − α p_i √v_i)² ≥ 0.
    """

    def single(i: int) -> Callable[[Setting], Bound]:
        @bound("single state, the paper's P_i K_i", "moments", "one mean")
        def marginal(setting: Setting) -> float | str:
            factor = paper_factor(float(setting.v[i]), setting.spread, float(setting.r[i]))
            return f"d + r ≥ √v for state {i + 1}" if factor is None else factor * float(setting.k[i])

        return marginal

    return [single(i)(setting) for i in range(setting.p.size)]


@bound("two states, moments", "two states", "moments", "one mean")
def two_states_moments(setting: Setting) -> float | str:
    """P_H = Pr[|μ_1 − μ_2| > c] bounded by Cantelli's inequality for |μ_1 − μ_2|², c = max(r_1 / p_2, r_2 / p_1)."""
    v, k = setting.v, setting.k
    square = float((setting.r / setting.p[::-1]).max()) ** 2
    second, fourth = v.sum(), (v**2 / k).sum() + 6 * v.prod()
    if square >= second:
        return f"c² = {square:.6g} is not below v₁ + v₂ = {second:.6g}"
    return float((second - square) ** 2 / (fourth - 2 * square * second + square**2))


@bound("union bound, moments", "moments", "one mean")
def union_moments(setting: Setting) -> float | str:
    """P_H ≥ 1 − Σ Pr[|μ_i − A*| ≤ r_i], each term by Cantelli's inequality for |μ_i − A*|²."""
    share = np.eye(setting.p.size) - setting.p  # row i: coefficients of μ_i − A*
    s2 = setting.gap_variances
    wide = np.flatnonzero(setting.r**2 >= s2)
    if wide.size:
        return f"radius of state {wide[0] + 1} is not below the standard deviation of its distance to A*"
    excess = 2 * s2**2 + share**4 @ (setting.v**2 * (1 / setting.k - 3))
    return float(1 - (excess / (excess + (s2 - setting.r**2) ** 2)).sum())


@bound("paper's argument repaired, moments", "moments", "one mean")
def shifted_moments(setting: Setting) -> float | str:
    """P_H ≥ max over t of Π Pr[|μ_i − μ_0| > r_i + t] − d² / t², the factors by Cantelli's inequality."""
    most = float((np.sqrt(setting.v) - setting.r).min())
    if most <= setting.spread:
        return f"needs a t with d = {setting.spread:.6g} < t < min √v − r = {most:.6g}"

    def value(t: float) -> float:
        factors = centred_factor(setting.k, (setting.r + t) ** 2 / setting.v)
        return float(np.prod(factors)) - (setting.spread / t) ** 2

    return maximum(value, np.linspace(setting.spread, most, 66)[1:-1])


def maximum(function: Callable[[float], float], grid: Array) -> float:
    """Largest value of a function on a grid and near its best grid point."""
    values = [function(float(t)) for t in grid]
    k = int(np.argmax(values))
    low, high = float(grid[max(k - 1, 0)]), float(grid[min(k + 1, len(grid) - 1)])
    if low >= high:
        return values[k]
    fine: Any = minimize_scalar(lambda t: -function(float(t)), bounds=(low, high), method="bounded")
    return max(values[k], -float(fine.fun))


def _log_concave_slope(setting: Setting) -> float:
    """Largest mass per length times standard deviation: 2, and √2 for symmetric laws."""
    return 2.0 if setting.lacks("symmetric") else math.sqrt(2)


@bound("product bound, log-concave laws", "one dimension", "log-concave", "moments")
def product_log_concave(setting: Setting) -> float:
    """P_H ≥ Π (1 − 2 ρ_i / √v_i) for log-concave laws of numbers; √2 instead of 2 if they are symmetric."""
    return float(np.prod(np.maximum(0, 1 - _log_concave_slope(setting) * setting.rho / np.sqrt(setting.v))))


@bound("union bound, log-concave laws", "one dimension", "log-concave", "moments", "one mean")
def union_log_concave(setting: Setting) -> float:
    """P_H ≥ 1 − Σ 2 r_i / s_i for log-concave laws of numbers, s_i² = Var(μ_i − A*); √2 for symmetric laws."""
    return float(1 - (_log_concave_slope(setting) * setting.r / np.sqrt(setting.gap_variances)).sum())


def _peaks(setting: Setting, peaks: ArrayLike | None) -> Array | str:
    """Largest densities, given or known."""
    if peaks is None:
        found = [peak_density(law) for law in setting.laws or ()]
        if not found or None in found:
            return "it needs the largest density of every law"
        peaks = np.array([f for f in found if f is not None])
    values = np.asarray(peaks, dtype=float)
    if values.shape != setting.p.shape or not (values > 0).all():
        raise ValueError(f"peaks must be positive, of shape {setting.p.shape}, got {values}")
    return values


@bound("product bound, bounded densities", "one dimension")
def product_density(setting: Setting, peaks: ArrayLike | None = None) -> float | str:
    """P_H ≥ Π (1 − 2 M_i ρ_i) for laws of numbers with densities at most M_i (`peaks`, or known from the laws)."""
    m = _peaks(setting, peaks)
    return m if isinstance(m, str) else float(np.prod(np.maximum(0, 1 - 2 * m * setting.rho)))


@bound("union bound, bounded densities", "one dimension")
def union_density(setting: Setting, peaks: ArrayLike | None = None) -> float | str:
    """P_H ≥ 1 − Σ 2√2 r_i / √((1 − p_i)² / M_i² + Σ_{j≠i} p_j² / M_j²) for densities at most M_i.

    Notes
    -----
    Rogozin: a sum's density is largest if its terms are uniform; Ball: then it is at most √2 over the root of the
    sum of squared widths.
    """
    m = _peaks(setting, peaks)
    if isinstance(m, str):
        return m
    width = np.sqrt((np.eye(setting.p.size) - setting.p) ** 2 @ m**-2.0)
    return float(1 - (2 * math.sqrt(2) * setting.r / width).sum())
