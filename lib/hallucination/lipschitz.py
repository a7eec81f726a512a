"""What an L-Lipschitz estimator can answer at hinted inputs (Definitions 3.2 and 5.1).

Inputs are written relative to X: the hint δ_i stands for the input X + δ_i, and the origin for X itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq, minimize

from hallucination.mixtures import Mixture
from hallucination.regions import is_vacuous, squared_radius
from hallucination.states import Array, Gaussian, State, UniformBall, points

_minimize: Callable[..., Any] = minimize  # its published types know no argument of SLSQP

TIE = 1e-12  # distances that agree to this share of them count as equal


# One hint -----------------------------------------------------------------------------------------------------------


def distance_to_region(state: State, point: ArrayLike, delta: float) -> float:
    """Distance of a point to the region U = {f > δ} of a state, in the unit of the answers.

    Parameters
    ----------
    state : Gaussian or UniformBall
        Any covariance will do.
    point : array_like, shape (d,)
        Zero comes out if it lies in the region or on its edge.
    delta : float
        Density threshold.

    Returns
    -------
    float
        Infinite if the region is empty (the state is vacuous).

    Raises
    ------
    ValueError
        If the shape of the state's region is not known to this function, or delta is not positive.
    """
    if not isinstance(state, (Gaussian, UniformBall)):
        raise ValueError(f"distances are known for Gaussian and UniformBall states, got {type(state).__name__}")
    gap = points(point, state.mean.size) - state.mean
    if is_vacuous(state, delta):
        return float("inf")
    if isinstance(state, UniformBall):
        return max(0.0, float(np.linalg.norm(gap)) - state.radius)
    return _to_ellipsoid(gap, np.asarray(state.covariance, dtype=float), squared_radius(state, delta))


def _to_ellipsoid(gap: Array, covariance: Array, tau: float) -> float:
    """Distance of `gap` to {z: zᵀ Σ⁻¹ z < τ}: the nearest point is Σ(Σ + t)⁻¹ gap for one t ≥ 0."""
    if covariance.ndim == 2:
        variances, axes = np.linalg.eigh(covariance)
        gap = axes.T @ gap
    else:
        variances = np.broadcast_to(covariance, gap.shape)

    def excess(t: float) -> float:
        return float((gap**2 * variances / (variances + t) ** 2).sum()) / tau - 1

    if excess(0.0) <= 0:
        return 0.0
    if np.ptp(variances) == 0:
        return max(0.0, float(np.linalg.norm(gap)) - float(np.sqrt(variances[0] * tau)))
    top = float(np.sqrt((gap**2 * variances).sum() / tau))  # there the excess is negative
    t = float(brentq(excess, 0.0, top, xtol=1e-14 * top, rtol=1e-14))
    return float(np.linalg.norm(gap * t / (variances + t)))


def hint_matrix(hints: ArrayLike, n_states: int) -> Array:
    """Read one hint per state, shape (N, d_x), or raise ValueError with the rule and the shape."""
    array = np.asarray(hints, dtype=float)
    if array.ndim != 2 or len(array) != n_states or not np.isfinite(array).all():
        raise ValueError(f"hints must be finite, one row per state: shape ({n_states}, d_x), got {array.shape}")
    return array


def valid_slope(value: float) -> float:
    """Read a Lipschitz constant, or raise ValueError with the rule and the value."""
    if not (np.isfinite(value) and value >= 0):
        raise ValueError(f"the Lipschitz constant must be finite and not negative, got {value!r}")
    return float(value)


def critical_slopes(target: Mixture, hints: ArrayLike, delta: float) -> Array:
    """For each hint, the L above which an L-Lipschitz estimator that is optimal at X can use it; shape (N,).

    Parameters
    ----------
    target : Mixture
        Normal states, or uniform ones on balls.
    hints : array_like, shape (N, d_x)
        The δ_i.
    delta : float
        Density threshold.

    Returns
    -------
    ndarray, shape (N,)
        Distance of E to U_k over ‖δ_k‖; for s²I this is (r_k − ρ)/‖δ_k‖.  Zero if E lies in U_k: then no slope is
        needed.  Infinite if the hint is zero or the state vacuous.

    Notes
    -----
    Definition 5.1 asks only for U_k at X + δ_k, so this is the diagonal criterion.
    """
    lengths = np.linalg.norm(hint_matrix(hints, len(target.states)), axis=1)
    away = np.array([distance_to_region(state, target.mean, delta) for state in target.states])
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(away == 0, 0.0, away / lengths))


class Blocked(NamedTuple):
    """Which hints no L-Lipschitz estimator optimal at X can use, in both readings; each of shape (N,)."""

    own_state: NDArray[np.bool_]
    any_state: NDArray[np.bool_]


def blocked(target: Mixture, hints: ArrayLike, slope: float, delta: float) -> Blocked:
    """Tell at which hints every L-Lipschitz estimator that is optimal at X δ-hallucinates.

    Returns
    -------
    Blocked
        `own_state`: no such estimator reaches U_k at X + δ_k.  `any_state`: none reaches any U_j there.

    Notes
    -----
    The answers that such estimators can give at X + δ_k are the closed ball of radius L‖δ_k‖ around E.  Ties up to
    rounding count as out of reach, as they are for the open regions of normal states.
    """
    reach = valid_slope(slope) * np.linalg.norm(hint_matrix(hints, len(target.states)), axis=1)
    away = np.array([distance_to_region(state, target.mean, delta) for state in target.states])
    inside = np.array([state.log_density(target.mean) > np.log(delta) for state in target.states])
    out = ~inside[:, None] & (away[:, None] >= reach * (1 - TIE))  # state j, hint k
    return Blocked(np.diagonal(out), out.all(axis=0))


def radial_map(center: ArrayLike, goal: ArrayLike, slope: float) -> Callable[[ArrayLike], Array]:
    """Return the L-Lipschitz map x ↦ E + min(L‖x‖, ‖w − E‖) u that walks from E straight to the goal w.

    Parameters
    ----------
    center : array_like, shape (d,)
        E, the answer at X.
    goal : array_like, shape (d,)
        The answer w that is given wherever L‖x‖ ≥ ‖w − E‖.
    slope : float
        L.

    Returns
    -------
    callable
        Inputs relative to X, (..., d_x), to answers (..., d).
    """
    start, rate = np.asarray(center, dtype=float), valid_slope(slope)
    way = np.asarray(goal, dtype=float) - start
    length = float(np.linalg.norm(way))
    unit = way / length if length > 0 else way

    def answer(x: ArrayLike) -> Array:
        run = rate * np.linalg.norm(np.asarray(x, dtype=float), axis=-1)
        return np.asarray(start + np.minimum(run, length)[..., None] * unit)

    return answer


# Several hints ------------------------------------------------------------------------------------------------------


def least_slope(inputs: ArrayLike, outputs: ArrayLike) -> float:
    """Least L for which an L-Lipschitz map takes the inputs (n, d_x) to the outputs (n, d); infinite if none does.

    Notes
    -----
    The largest ratio of distances.  That it suffices is Kirszbraun's theorem.
    """
    x, v = np.asarray(inputs, dtype=float), np.asarray(outputs, dtype=float)
    if x.ndim != 2 or v.ndim != 2 or len(x) != len(v):
        raise ValueError(f"need one output per input, shapes (n, d_x) and (n, d), got {x.shape} and {v.shape}")
    runs, rises = gaps(x), gaps(v)
    needed = rises > 0
    with np.errstate(divide="ignore"):
        return float((rises[needed] / runs[needed]).max(initial=0.0))


def pairs(n: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Indices of all pairs of n things."""
    first, second = np.triu_indices(n, 1)
    return first, second


def gaps(rows: Array) -> Array:
    """Distances of all pairs of rows, in the order of `pairs`."""
    j, k = pairs(len(rows))
    return np.asarray(np.linalg.norm(rows[j] - rows[k], axis=-1))


def joint_slope(center: ArrayLike, hints: ArrayLike, centers: ArrayLike, radii: ArrayLike) -> float:
    """Least L for which one L-Lipschitz map answers E at X and lands in the k-th closed ball at X + δ_k, for all k.

    Parameters
    ----------
    center : array_like, shape (d,)
        E.
    hints : array_like, shape (N, d_x)
        Different from each other and from zero.
    centers : array_like, shape (N, d)
    radii : array_like, shape (N,)
        The balls, for normal states s²I the closures of the regions U_k.

    Raises
    ------
    ValueError
        If shapes do not fit, or two inputs coincide.

    Notes
    -----
    Minimises t under ‖v_j − v_k‖ ≤ t‖x_j − x_k‖, a convex problem; the answer is the slope of a tuple that was found,
    so it is an upper bound up to the solver's accuracy.
    """
    goal, size = np.asarray(centers, dtype=float), np.asarray(radii, dtype=float)
    x = np.vstack([np.zeros((1, np.shape(hints)[-1])), hint_matrix(hints, len(goal))])
    start = np.broadcast_to(np.asarray(center, dtype=float), goal.shape[1:])
    if size.shape != goal.shape[:1] or (size < 0).any():
        raise ValueError(f"need one radius per ball, not negative, got {size} for {len(goal)} balls")
    if gaps(x).min() == 0:
        raise ValueError("hints must differ from each other and from zero: equal inputs have equal laws")
    scale, unit = float(np.abs(goal - start).max()) or 1.0, gaps(x).max()
    goal, size, runs = (goal - start) / scale, size / scale, gaps(x) / unit
    j, k = pairs(len(x))

    def tuple_of(z: Array) -> Array:
        return np.vstack([np.zeros((1, goal.shape[1])), z[1:].reshape(goal.shape)])

    def room(z: Array) -> Array:
        v = tuple_of(z)
        slopes = (z[0] * runs) ** 2 - ((v[j] - v[k]) ** 2).sum(axis=1)
        return np.concatenate([slopes, size**2 - ((v[1:] - goal) ** 2).sum(axis=1)])

    first = np.concatenate([[least_slope(x / unit, tuple_of(np.r_[0, goal.ravel()]))], goal.ravel()])
    bounds = [(0, None), *[(None, None)] * goal.size]
    found = _minimize(lambda z: z[0], first, jac=lambda z: np.eye(1, z.size)[0], bounds=bounds, method="SLSQP",
                     constraints={"type": "ineq", "fun": room}, options={"maxiter": 300, "ftol": 1e-12})  # fmt: skip
    v = tuple_of(found.x)
    off = v[1:] - goal
    long = np.maximum(np.linalg.norm(off, axis=1), size)
    shrink = np.divide(size, long, out=np.zeros_like(long), where=long > 0)
    v[1:] = goal + off * shrink[:, None]
    return min(least_slope(x / unit, v), first[0]) * scale / unit
