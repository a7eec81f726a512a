"""What it costs to answer several questions with an L-Lipschitz map: bounds, closed forms, and the best outputs.

Inputs are written relative to X, as in `lipschitz`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import minimize, nnls

from hallucination.lipschitz import gaps, hint_matrix, pairs, valid_slope
from hallucination.mixtures import Mixture
from hallucination.states import Array, simplex

_minimize: Callable[..., Any] = minimize  # its published types know no argument of SLSQP


@dataclass(frozen=True, eq=False)
class Questions:
    """Finitely many inputs, the mean answer wanted at each, and how often each is asked.

    Parameters
    ----------
    inputs : array_like, shape (n, d_x)
        Relative to X.
    targets : array_like, shape (n, d)
        Conditional means m_k.
    weights : array_like, shape (n,)
        The w_k: positive, with sum 1.

    Raises
    ------
    ValueError
        If the shapes do not fit.
    """

    inputs: Array
    targets: Array
    weights: Array

    def __post_init__(self) -> None:
        """Refuse shapes that do not fit."""
        n = simplex(self.weights, "weights").size
        for name in ("inputs", "targets"):
            shape = np.shape(getattr(self, name))
            if len(shape) != 2 or shape[0] != n:
                raise ValueError(f"{name} must have one row per weight, shape ({n}, ·), got {shape}")

    @cached_property
    def mean(self) -> Array:
        """The average m̄ of the targets, shape (d,)."""
        return np.asarray(self.weights @ self.targets)

    @cached_property
    def spread(self) -> float:
        """Excess of the best constant answer, Σ w_k ‖m_k − m̄‖²."""
        return float(self.excess(np.broadcast_to(self.mean, self.targets.shape)))

    def excess(self, outputs: ArrayLike) -> Array:
        """J = Σ w_k ‖v_k − m_k‖² of outputs (..., n, d), their expected loss above the least of all; shape (...)."""
        gap = np.asarray(outputs, dtype=float) - self.targets
        return np.asarray((gap**2).sum(axis=-1) @ self.weights)


def hinted_questions(target: Mixture, hints: ArrayLike, plain_share: float) -> Questions:
    """Write down the regression problem of a target with hints: E is wanted at X, μ_i at X + δ_i.

    Parameters
    ----------
    target : Mixture
        The law at X.
    hints : array_like, shape (N, d_x)
    plain_share : float
        Share of questions without a hint, strictly between 0 and 1; the rest splits like the p_i.
    """
    if not 0 < plain_share < 1:
        raise ValueError(f"plain_share must lie strictly between 0 and 1, got {plain_share!r}")
    rows = hint_matrix(hints, len(target.states))
    inputs = np.vstack([np.zeros((1, rows.shape[1])), rows])
    targets = np.vstack([target.mean[None], target.state_means])
    return Questions(inputs, targets, np.r_[plain_share, (1 - plain_share) * target.weights])


def price_bound(asked: Questions, slope: ArrayLike) -> Array:
    """Lower bound on the excess loss of every L-Lipschitz estimator, for slopes of any shape (...); shape (...).

    Notes
    -----
    ½ Σ_jk w_j w_k (‖m_j − m_k‖ − L‖x_j − x_k‖)₊².  Exact for two inputs and for proportional hints.
    """
    j, k = pairs(len(asked.weights))
    rates = np.asarray(slope, dtype=float)[..., None]
    short = np.maximum(gaps(np.asarray(asked.targets)) - rates * gaps(np.asarray(asked.inputs)), 0)
    return np.asarray((short**2) @ (asked.weights[j] * asked.weights[k]))


def proportion(asked: Questions, rtol: float = 1e-9) -> float | None:
    """κ if ‖m_j − m_k‖ = κ‖x_j − x_k‖ for all pairs up to rounding, else None."""
    runs, rises = gaps(np.asarray(asked.inputs)), gaps(np.asarray(asked.targets))
    if runs.max() == 0:
        return None
    kappa = float(rises @ runs / (runs @ runs))
    return kappa if np.allclose(rises, kappa * runs, rtol=rtol, atol=rtol * rises.max()) else None


def proportional_excess(spread: float, slope: ArrayLike, kappa: float) -> Array:
    """Least excess (1 − L/κ)₊² · spread for proportional hints, for slopes of any shape (...); shape (...)."""
    return np.asarray(np.maximum(1 - np.asarray(slope, dtype=float) / kappa, 0) ** 2 * spread)


class Best(NamedTuple):
    """The best outputs (n, d) of an L-Lipschitz estimator, their excess, and how far at most it is from the least."""

    outputs: Array
    excess: float
    gap: float


def best_outputs(asked: Questions, slope: float) -> Best:
    """Find the L-Lipschitz tuple of least excess numerically, with a certificate.

    Parameters
    ----------
    asked : Questions
        The problem; inputs must differ.
    slope : float
        L.

    Returns
    -------
    Best
        The outputs are L-Lipschitz (they are shrunk towards their mean by what rounding demands), and `gap` is the
        distance of their excess to a dual lower bound: no L-Lipschitz map does better by more.

    Raises
    ------
    ValueError
        If two inputs coincide, or the slope is negative or not finite.
    """
    rate, w, m = valid_slope(slope), np.asarray(asked.weights), np.asarray(asked.targets)
    runs = gaps(np.asarray(asked.inputs))
    if runs.min(initial=np.inf) == 0:
        raise ValueError("inputs must differ: at equal inputs the outputs are equal, merge their questions")
    scale = np.sqrt(asked.spread)
    if rate * runs.min(initial=np.inf) == 0 or scale == 0:
        flat = np.tile(asked.mean, (len(w), 1))
        return Best(flat, float(asked.excess(flat)), 0.0)
    caps, wanted = rate * runs / scale, _flattened((m - asked.mean) / scale)
    v = _solve(w, wanted.rows, caps)
    lower = _dual_bound(w, wanted.rows, caps, v)
    value = float(w @ ((v - wanted.rows) ** 2).sum(axis=1))
    outputs = asked.mean + scale * (v @ wanted.back)
    return Best(outputs, scale**2 * value, scale**2 * max(0.0, value - lower))


class _Flat(NamedTuple):
    """Rows (n, r) in an orthonormal basis `back` (r, d) of their span: no map gains by leaving it."""

    rows: Array
    back: Array


def _flattened(rows: Array) -> _Flat:
    if rows.shape[1] < len(rows):
        return _Flat(rows, np.eye(rows.shape[1]))
    q = np.linalg.qr(rows.T)[0].T
    return _Flat(rows @ q.T, q)


def _solve(w: Array, m: Array, caps: Array) -> Array:
    """Minimise Σ w‖v − m‖² under ‖v_j − v_k‖ ≤ caps_jk by SLSQP, from the proportional guess; feasible."""
    (n, d), (j, k) = m.shape, pairs(len(m))
    each = np.arange(j.size)

    def room(z: Array) -> Array:
        v = z.reshape(n, d)
        return np.asarray(1 - (((v[j] - v[k]) / caps[:, None]) ** 2).sum(axis=1))

    def slopes(z: Array) -> Array:
        v, rows = z.reshape(n, d), np.zeros((j.size, n, d))
        rows[each, j] = -2 * (v[j] - v[k]) / caps[:, None] ** 2
        rows[each, k] = -rows[each, j]
        return rows.reshape(j.size, n * d)

    guess = _feasible(w, m, caps)
    found = _minimize(
        lambda z: (w @ ((z.reshape(n, d) - m) ** 2).sum(axis=1), (2 * w[:, None] * (z.reshape(n, d) - m)).ravel()),
        guess.ravel(), jac=True, method="SLSQP", options={"maxiter": 400, "ftol": 1e-14},
        constraints={"type": "ineq", "fun": room, "jac": slopes},
    )  # fmt: skip
    tuples = (guess, _feasible(w, found.x.reshape(n, d), caps))
    return min(tuples, key=lambda v: float(w @ ((v - m) ** 2).sum(axis=1)))


def _feasible(w: Array, v: Array, caps: Array) -> Array:
    """Shrink a tuple towards its mean until it keeps all caps."""
    centre = w @ v
    return np.asarray(centre + (v - centre) / max(1.0, float((gaps(v) / caps).max())))


def _dual_bound(w: Array, m: Array, caps: Array, v: Array) -> float:
    """Lower bound on the least excess from multipliers of the binding pairs (weak duality holds for any of them)."""
    (n, d), (j, k) = m.shape, pairs(len(m))
    binding = np.flatnonzero(gaps(v) >= caps * (1 - 1e-5))
    pull = np.zeros((binding.size, n, d))
    each = np.arange(binding.size)
    pull[each, j[binding]] = (v[j] - v[k])[binding]
    pull[each, k[binding]] = -pull[each, j[binding]]
    force = (w[:, None] * (m - v)).ravel()
    push = nnls(pull.reshape(binding.size, -1).T, force)[0] if binding.size else np.zeros(0)
    laplacian = np.diag(w)
    for a, b, p in zip(j[binding], k[binding], push, strict=True):
        laplacian[[a, b], [a, b]] += p
        laplacian[[a, b], [b, a]] -= p
    best = np.asarray(np.linalg.solve(laplacian, w[:, None] * m), dtype=np.float64)
    slack = (gaps(best)[binding] ** 2 - caps[binding] ** 2) @ push
    return float(w @ ((best - m) ** 2).sum(axis=1) + slack)
