"""Outputs near the optimum: the worst of them, how far the optimum is from every region, and several inputs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from hallucination.mixtures import Mixture
from hallucination.regions import squared_radius
from hallucination.states import Array, Gaussian, vector


def _round_states(mixture: Mixture) -> list[tuple[Gaussian, float]]:
    """Return the states with their standard deviations, or refuse states whose regions are no balls."""
    found = []
    for state in mixture.states:
        spread = np.unique(np.asarray(state.covariance)) if isinstance(state, Gaussian) else np.zeros(0)
        if not isinstance(state, Gaussian) or np.ndim(state.covariance) == 2 or spread.size != 1:
            raise ValueError(f"every state must be normal with covariance s²I, given as a number, got {state!r}")
        found.append((state, float(np.sqrt(spread[0]))))
    return found


def tolerance(mixture: Mixture, delta: float) -> float:
    """Largest ε such that every output within ε of the optimum δ-hallucinates: min_i ‖μ_i − E‖ − ρ_i.

    Parameters
    ----------
    mixture : Mixture
        Target whose states are normal with covariances s_i² I.
    delta : float
        Density threshold, in 1/unitᵈ.

    Returns
    -------
    float
        In the unit of the answers; negative if the optimum lies in a region, infinite if every state is vacuous.

    Raises
    ------
    ValueError
        If a state is not normal, or its covariance is not a multiple of the identity.

    Notes
    -----
    The sharp form of Theorem 5.2: the regions are open balls, so the closed ε-ball misses them up to this ε.
    """
    margins = [
        float(np.linalg.norm(state.mean - mixture.mean)) - s * np.sqrt(tau)
        for state, s in _round_states(mixture)
        if (tau := squared_radius(state, delta)) > 0
    ]
    return float(min(margins, default=np.inf))


def worst_output(mixture: Mixture, epsilon: float) -> Array:
    """Return the output within ε of the optimum at which the largest state density is largest, shape (d,).

    Parameters
    ----------
    mixture : Mixture
        Target whose states are normal with covariances s_i² I.
    epsilon : float
        Radius of the ball around the optimum, in the unit of the answers.

    Raises
    ------
    ValueError
        If epsilon is negative or infinite, or a state is not normal with covariance s²I.

    Notes
    -----
    Each density is largest where the ball comes nearest to its centre, so one candidate per state is enough.
    """
    if not (np.isfinite(epsilon) and epsilon >= 0):
        raise ValueError(f"epsilon must be a finite number, not negative, got {epsilon!r}")
    _round_states(mixture)
    gaps = mixture.state_means - mixture.mean
    lengths = np.linalg.norm(gaps, axis=1, keepdims=True)
    steps = np.minimum(1.0, np.divide(epsilon, lengths, out=np.ones_like(lengths), where=lengths > 0))
    candidates = mixture.mean + steps * gaps
    return np.asarray(candidates[mixture.state_log_densities(candidates).max(axis=0).argmax()])


def _inputs(weights: ArrayLike, targets: Sequence[Mixture]) -> Array:
    w = vector(weights, "weights")
    if w.size != len(targets) or (w < 0).any() or w.sum() == 0:
        raise ValueError(f"need one weight per input, none negative and not all zero, got {w} for {len(targets)}")
    return w


def total_excess_loss(weights: ArrayLike, targets: Sequence[Mixture], outputs: ArrayLike) -> float:
    """Excess loss over several inputs, Σ_j w_j ‖v_j − E_j‖² (Corollary 5.2.1).

    Parameters
    ----------
    weights : array_like, shape (S,)
        Weight w_j of each input in the total loss: not negative, not all zero.
    targets : sequence of S Mixture
        The target at each input.
    outputs : array_like, shape (S, d)
        The estimator's output at each input.

    Raises
    ------
    ValueError
        If the shapes do not fit, or the weights are not as above.
    """
    w = _inputs(weights, targets)
    means = np.stack([target.mean for target in targets])
    v = np.asarray(outputs, dtype=float)
    if v.shape != means.shape:
        raise ValueError(f"outputs must have shape (S, d) = {means.shape}, got {v.shape}")
    return float(w @ ((v - means) ** 2).sum(axis=1))


def best_constant(weights: ArrayLike, targets: Sequence[Mixture]) -> Array:
    """Return the best output that must be the same at all inputs, Σ w_j E_j / Σ w_j, shape (d,).

    Parameters and errors as in `total_excess_loss`.  It is also what remains to an estimator if equal inputs are
    listed with different targets.
    """
    w = _inputs(weights, targets)
    return np.asarray(w @ np.stack([target.mean for target in targets]) / w.sum())
