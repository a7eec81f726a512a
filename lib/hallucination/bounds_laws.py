"""Lower bounds of P_H from the laws of the μ_i (§6): products of concentrations, unions, shifts and cells.

Every bound takes a `Setting` with laws and returns a `Bound`. Probabilities of A* that have no closed form come from
FFTs, whose errors are stated.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
from scipy.integrate import quad
from scipy.stats import norm

from hallucination.bounds_moments import maximum
from hallucination.concentration import concentration, interval, outside, scalar_law
from hallucination.hallucination_probability import normal_covariances, outcomes, two_state_distance
from hallucination.scalar_sums import Lattice, cell_enclosure
from hallucination.setting import Setting, bound
from hallucination.states import Array, Discrete, Gaussian, State

FEW_OUTCOMES = 200_000


def _product(setting: Setting, factor: Callable[[int], float]) -> float:
    """Product of a factor per state, computed once for equal states."""
    seen: dict[tuple[int, float, float], float] = {}
    total = 1.0
    for i, law in enumerate(setting.known_laws):
        key = (id(law), float(setting.p[i]), float(setting.r[i]))
        if key not in seen:
            seen[key] = max(0.0, factor(i))
        total *= seen[key]
    return total


@bound("product bound", "laws")
def product_laws(setting: Setting) -> float:
    """P_H ≥ Π (1 − Q_i(ρ_i)), with Q_i(ρ) = sup_z Pr[|μ_i − z| ≤ ρ] and ρ_i = r_i / (1 − p_i).

    Notes
    -----
    For independent μ_i in any dimension, of any means. State i is hit iff |x_i − z_i| ≤ ρ_i, where z_i is the others'
    weighted mean, and V(x) = Σ p_i |x_i|² − |Σ p_i x_i|² is p_i (1 − p_i)|x_i − z_i|² plus a function of the others.
    Among k copies of every state, the copies that miss z_i are therefore the largest in V along every line of the
    grid of k^N choices, at least a share 1 − Q_i of them; and at least Π m_i points of a grid are among the m_i
    largest of their line in every direction i, whatever the order.
    """
    return _product(setting, lambda i: 1 - concentration(setting.known_laws[i], float(setting.rho[i])).value)


@bound("two states", "laws", "two states")
def two_states_laws(setting: Setting) -> float:
    """P_H = Pr[|μ_1 − μ_2| > c] ≥ max_i (1 − Q_i(c)): condition on the other state."""
    c = two_state_distance(setting)
    return max(1 - concentration(law, c).value for law in setting.known_laws)


@bound("union bound", "laws")
def union_laws(setting: Setting) -> float | str:
    """P_H ≥ 1 − Σ Pr[|μ_i − A*| ≤ r_i]; for isotropic normal laws with one mean with a second-order term.

    Notes
    -----
    Normal laws: the term of a pair is at least the product of its probabilities (Gaussian correlation inequality;
    Šidák for numbers), and the pairs of one state may be added (Hunter). Numbers: an FFT of second order in its
    step; twice the change from half the points is given away. Discrete laws: enumeration, ties count as hit.
    """
    laws = setting.known_laws
    if all(isinstance(law, Gaussian) for law in laws):
        return _union_normal(setting)
    if setting.scalar_laws:
        hits = [_hits_numbers(setting, size) for size in (1 << 16, 1 << 15)]
        return float(1 - (hits[0] + 2 * np.abs(hits[0] - hits[1])).sum())
    if all(isinstance(law, Discrete) for law in laws):
        return _union_discrete(setting)
    return "it needs all laws normal, all discrete, or all continuous laws of numbers"


def _union_normal(setting: Setting) -> float:
    means = np.stack([law.mean for law in setting.known_laws])
    covariances, share = normal_covariances(setting), np.eye(setting.p.size) - setting.p
    gaps, spreads = share @ means, np.einsum("ij,jab->iab", share**2, covariances)
    found = [
        concentration(Gaussian(gap, spread), float(r), np.zeros(gap.size), 0.0)
        for gap, spread, r in zip(gaps, spreads, setting.r, strict=True)
    ]
    a = np.array([f.value for f in found])
    second = 0.0
    if all(f.exact for f in found) and not setting.lacks("one mean"):
        second = float((a * (a.sum() - a)).max())
    return float(1 - a.sum()) + second


def _hits_numbers(setting: Setting, size: int) -> Array:
    """Pr[|μ_i − A*| ≤ r_i] for all i, by one convolution each, shape (N,)."""
    lattice = _lattice(tuple(setting.p), tuple(setting.scalar_laws or ()), size)
    seen: dict[tuple[int, float], float] = {}
    for i, kind in enumerate(lattice.kinds[0]):
        if (key := (int(kind), float(setting.r[i]))) not in seen:
            z, mass = _others(lattice, i)
            law = lattice.laws[i]
            seen[key] = float(mass @ (law.cdf(z + setting.rho[i]) - law.cdf(z - setting.rho[i])))
    lost = lattice.lost + 1e-14 * size
    keys = [(int(kind), float(r)) for kind, r in zip(lattice.kinds[0], setting.r, strict=True)]
    return np.array([seen[key] + lost for key in keys])


@lru_cache(maxsize=4)
def _lattice(weights: tuple[float, ...], laws: tuple[Any, ...], size: int) -> Lattice:
    """Lattice of A*, kept for other radii."""
    return Lattice(np.array(weights), laws, size, 1e-7)


@lru_cache(maxsize=8)
def _others(lattice: Lattice, i: int) -> tuple[Array, Array]:
    """Likely values of the others' weighted mean z_i, and their masses."""
    rest = lattice.total(leave_out=i)
    likely = rest > 1e-14
    others = lattice.points[likely] - lattice.weights[i] * lattice.ends[i, 0] - lattice.step / 2
    return others / (1 - lattice.weights[i]), rest[likely]


def _union_discrete(setting: Setting) -> float | str:
    found = _outcomes(setting)
    if found is None:
        return f"more than {FEW_OUTCOMES} outcomes to enumerate"
    x, mass = found
    gaps = np.linalg.norm(x - np.einsum("i,mid->md", setting.p, x)[:, None], axis=2)
    slack = 32 * np.finfo(float).eps * (float(np.abs(x).max()) + setting.r)
    return float(1 - (mass @ (gaps <= setting.r + slack)).sum())


def _outcomes(setting: Setting) -> tuple[Array, Array] | None:
    """Outcomes and masses if all laws are discrete and there are few."""
    laws = [law for law in setting.known_laws if isinstance(law, Discrete)]
    few = math.prod(law.weights.size for law in laws) * setting.p.size <= FEW_OUTCOMES * 4
    return outcomes(setting.p, laws) if len(laws) == setting.p.size and few else None


def tail(setting: Setting) -> Callable[[Array, float], float]:
    """Upper bound of Pr[|A* − m| > t] as a function of m, shape (d,), and t: the best that the laws allow.

    Notes
    -----
    Chebyshev's inequality; for numbers in intervals also Hoeffding's; for isotropic normal laws, for continuous
    laws of numbers (with the lattice's slack) and for few discrete outcomes the tail itself.
    """
    laws, p = setting.known_laws, setting.p
    mean = np.einsum("i,id->d", p, np.stack([law.mean for law in laws]))
    ways: list[Callable[[Array, float], float]] = []
    if not setting.lacks("moments"):
        ways.append(lambda m, t: _chebyshev(setting.spread, t - float(np.linalg.norm(m - mean))))
    ranges = [interval(law) for law in laws]
    if all(ranges):
        width = math.sqrt(sum((w * (r[1] - r[0])) ** 2 for w, r in zip(p, ranges, strict=True) if r))
        ways.append(lambda m, t: _hoeffding(width, t, float(m[0] - mean[0])))
    if all(isinstance(law, Gaussian) for law in laws):
        covariance = np.einsum("i,iab->ab", p**2, normal_covariances(setting))
        total = Gaussian(mean, covariance)
        ways.append(lambda m, t: _normal_tail(total, m, t))
    elif setting.scalar_laws:
        ways.append(_lattice_tail(Lattice(p, setting.scalar_laws, 1 << 16)))
    elif (found := _outcomes(setting)) is not None:
        sums, mass = np.einsum("i,mid->md", p, found[0]), found[1]
        tiny = 64 * np.finfo(float).eps * float(np.abs(found[0]).max())
        ways.append(lambda m, t: float(mass[np.linalg.norm(sums - m, axis=1) > t - tiny].sum()))
    return lambda m, t: min(1.0, *(way(m, t) for way in ways)) if ways else 1.0


def _chebyshev(spread: float, t: float) -> float:
    return min(1.0, (spread / t) ** 2) if t > 0 else 1.0


def _hoeffding(width: float, t: float, shift: float) -> float:
    """Pr[A* > m + t] + Pr[A* < m − t] for independent terms in intervals; `width` is the root of squared lengths."""
    return sum(math.exp(-2 * (u / width) ** 2) if u > 0 else 1.0 for u in (t + shift, t - shift))


def _normal_tail(total: Gaussian, m: Array, t: float) -> float:
    if m.size == 1:
        sd, gap = math.sqrt(total.variance), float(m[0] - total.mean[0])
        return float(norm.sf((t + gap) / sd) + norm.sf((t - gap) / sd))
    held = concentration(total, t, m, 0.0)
    return 1 - held.value if held.exact else 1.0


def _lattice_tail(lattice: Lattice) -> Callable[[Array, float], float]:
    law = np.concatenate([[0.0], np.cumsum(lattice.total())])

    def way(m: Array, t: float) -> float:
        inside = np.searchsorted(lattice.points, [m[0] - t + lattice.slack, m[0] + t - lattice.slack])
        return 1 - float(law[inside[1]] - law[inside[0]]) if inside[1] > inside[0] else 1.0

    return way


def _shifts(setting: Setting) -> Array:
    """Values of t worth trying: just below what a discrete law's atoms allow, and a fine grid for other laws."""
    discrete = all(isinstance(law, Discrete) and law.weights.size <= 16 for law in setting.known_laws)
    spreads = [law.variance for law in setting.known_laws if math.isfinite(law.variance)] or [1.0]
    grid = [] if discrete else list(np.linspace(0.02, 1.6, 80) * math.sqrt(max(spreads)))
    for law, r in zip(setting.known_laws, setting.r, strict=True):
        if isinstance(law, Discrete) and law.weights.size <= 16:
            edges = np.linalg.norm(law.answers - law.mean, axis=1) - r
            grid += [float(e) for e in edges * (1 - 1e-9) if e > 0]
    return np.unique(grid)


@bound("paper's argument repaired, laws", "laws", "one mean")
def shifted_laws(setting: Setting) -> float:
    """P_H ≥ max over t of Π Pr[|μ_i − μ_0| > r_i + t] − Pr[|A* − μ_0| > t], the tail bounded by `tail`."""
    laws, reach = setting.known_laws, tail(setting)

    def value(t: float) -> float:
        return _product(setting, lambda i: outside(laws[i], float(setting.r[i]) + t)) - reach(laws[0].mean, t)

    shifts = _shifts(setting)
    if all(isinstance(law, Discrete) for law in laws):  # between the atoms, a larger t is better
        return max((value(float(t)) for t in shifts), default=0.0)
    return maximum(value, shifts)


@bound("symmetric shift", "laws", "one mean", "symmetric", "one dimension", "moments")
def symmetric_shift(setting: Setting) -> float | str:
    """P_H ≥ Π G_i · (1 − t⁻² Σ p_i² E[X_i²; |X_i| > r_i + t] / G_i), X_i = μ_i − μ_0, G_i = Pr[|X_i| > r_i + t].

    Notes
    -----
    Given that all |X_i| > r_i + t, the X_i are still independent and symmetric, and Chebyshev's inequality bounds
    A*. Maximised over t.
    """
    if any(scalar_law(law) is None and not isinstance(law, Discrete) for law in setting.known_laws):
        return "it needs continuous laws of numbers, or discrete ones"
    seen: dict[tuple[int, float], tuple[float, float]] = {}

    def far(law: State, u: float) -> tuple[float, float]:
        if (id(law), u) not in seen:
            seen[id(law), u] = (outside(law, u), _second_moment_beyond(law, u))
        return seen[id(law), u]

    def value(t: float) -> float:
        pairs = np.array([far(law, float(r) + t) for law, r in zip(setting.known_laws, setting.r, strict=True)])
        if (pairs[:, 0] <= 0).any():
            return 0.0
        share = float((setting.p**2 * pairs[:, 1] / pairs[:, 0]).sum()) / t**2
        return float(pairs[:, 0].prod()) * max(0.0, 1 - share)

    return max((value(float(t)) for t in _shifts(setting)), default=0.0)


def _second_moment_beyond(law: State, u: float) -> float:
    """E[X²; |X| > u] of a symmetric law of a number about its mean."""
    if isinstance(law, Discrete):
        gaps = np.abs(law.answers[:, 0] - law.mean[0])
        return float(law.weights[gaps > u] @ gaps[gaps > u] ** 2)
    frozen = scalar_law(law)
    m, top = float(frozen.mean()), float(frozen.support()[1])
    inside = quad(lambda x: x * x * frozen.pdf(m + x), 0, min(u, top - m), limit=200)[0]
    return max(0.0, float(frozen.var()) - 2 * float(inside))


@bound("localised product bound", "laws")
def localised(setting: Setting, shifts: int = 5) -> float:
    """P_H ≥ Π (1 − sup over |z − m| ≤ t + p_i ρ_i of Pr[|μ_i − z| ≤ ρ_i]) − Pr[|A* − m| > t], over m and t.

    Parameters
    ----------
    setting : Setting
        With laws.
    shifts : int
        Centres m tried on each side of the mean of A*, along the first axis.

    Notes
    -----
    The proof of `product_laws` with "missed" replaced by "missed, or |z_i − m| > t + p_i ρ_i": if a state is hit and
    |A* − m| ≤ t then |A* − z_i| = p_i |μ_i − z_i| ≤ p_i ρ_i.
    """
    laws, reach = setting.known_laws, tail(setting)
    mean = np.einsum("i,id->d", setting.p, np.stack([law.mean for law in laws]))
    spread = math.sqrt(sum(w**2 * law.variance for w, law in zip(setting.p, laws, strict=True)))
    if not math.isfinite(spread):
        spread = 1.0

    def value(m: Array, t: float) -> float:
        def factor(i: int) -> float:
            rho = float(setting.rho[i])
            return 1 - concentration(laws[i], rho, m, t + float(setting.p[i]) * rho).value

        return _product(setting, factor) - reach(m, t)

    axis, best = np.eye(1, mean.size)[0], 0.0
    for k in range(-shifts, shifts + 1):
        m = mean + axis * spread * k / max(1, shifts)
        best = max(best, *(value(m, spread * t) for t in np.geomspace(0.5, 6, 12)))
    return best


@bound("cell bound", "laws", "numbers")
def cells(setting: Setting, count: int = 600, size: int = 1 << 15) -> float:
    """P_H ≥ Σ_k Pr[A* ∈ C_k and |μ_i − c_k| > r_i + t_k for all i] for disjoint cells C_k with centres c_k.

    Parameters
    ----------
    setting : Setting
        With continuous laws of numbers.
    count : int
        Cells; the bound tends to P_H as they and the lattice are refined.
    size : int
        Points of the lattice on which A* is computed, its rounding on the safe side.

    Notes
    -----
    If A* is within t_k of c_k, and μ_i farther than r_i + t_k, then |μ_i − A*| > r_i. The events of different cells
    exclude each other. See `hallucination.scalar_sums.cell_enclosure`.
    """
    radii, lattice = setting.r, Lattice(setting.p, setting.scalar_laws or [], size, 1e-5 / setting.p.size)
    return cell_enclosure(lattice, radii, count).lower
