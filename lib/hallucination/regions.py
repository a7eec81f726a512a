"""Density regions of the latent states and what it means to lie in none (Definition 4.2)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import chi2

from hallucination.mixtures import Mixture
from hallucination.states import Array, Gaussian, Graded, Peaked, State


class Mass(NamedTuple):
    """A probability with its Monte Carlo standard error (zero where it is exact)."""

    value: Array
    standard_error: Array


def log_threshold(delta: float) -> float:
    """Return ln δ, or raise ValueError if δ is not positive."""
    if not delta > 0:
        raise ValueError(f"delta must be positive, got {delta!r}")
    return float(np.log(delta))


def delta_hallucinates(mixture: Mixture, v: ArrayLike, delta: float) -> NDArray[np.bool_]:
    """Tell whether the outputs v of shape (..., d) δ-hallucinate; shape (...).

    Parameters
    ----------
    mixture : Mixture
        Target with its latent states.
    v : array_like, shape (..., d)
        Outputs.
    delta : float
        Threshold in the unit of a density, 1/unitᵈ (a probability if the states are discrete).

    Raises
    ------
    ValueError
        If delta is not positive.

    Notes
    -----
    Definition 4.2, with the densities as this library computes them (continuous where one exists).
    """
    log_delta = log_threshold(delta)
    return np.asarray(mixture.state_log_densities(v).max(axis=0) <= log_delta)


def is_vacuous(state: Peaked, delta: float) -> bool:
    """Tell whether no answer at all exceeds δ under this state, not even its mode."""
    return state.peak_log_density <= log_threshold(delta)


def squared_radius(state: Gaussian, delta: float) -> float:
    """τ such that the state's region is {D² < τ}; not positive if the state is vacuous.

    Notes
    -----
    τ = −2 ln δ − d ln 2π − ln det Σ, in squared Mahalanobis units.
    """
    return 2 * (state.peak_log_density - log_threshold(delta))


def region_mass(state: Gaussian, delta: float) -> float:
    """P(A_i in U_i), the probability that an answer of this state exceeds density δ."""
    return float(chi2.cdf(squared_radius(state, delta), state.mean.size))


def hdr_mass(state: State, v: ArrayLike, draws: int = 100_000, rng: np.random.Generator | None = None) -> Mass:
    """π(v) = P(f(A) ≤ f(v)): how much of the state is no more plausible than v.

    Parameters
    ----------
    state : State
        One latent state. Exact for `Gaussian`, `UniformBall` and `Discrete`.
    v : array_like, shape (..., d)
        Outputs.
    draws : int
        Monte Carlo draws, used only if the state does not know its masses.
    rng : numpy.random.Generator, optional
        Needed only then.

    Returns
    -------
    Mass
        Value and standard error, both of shape (...).

    Raises
    ------
    ValueError
        If Monte Carlo is needed and no generator is given.
    """
    if isinstance(state, Graded):
        exact = state.hdr_mass(v)
        return Mass(exact, np.zeros_like(exact))
    if rng is None:
        raise ValueError(f"{type(state).__name__} has no exact region mass: pass rng for a Monte Carlo estimate")
    levels = np.sort(state.log_density(state.sample(rng, draws)))
    value = np.searchsorted(levels, state.log_density(v), side="right") / draws
    return Mass(value, np.sqrt(value * (1 - value) / draws))


def alpha_hdr_hallucinates(
    mixture: Mixture, v: ArrayLike, alpha: float, draws: int = 100_000, rng: np.random.Generator | None = None
) -> NDArray[np.bool_]:
    """Tell whether π_i(v) ≤ α under every state: the scale-free definition; shape (...).

    Exact for states that know their masses, otherwise from `draws` samples (see `hdr_mass`).

    Raises
    ------
    ValueError
        If alpha is not strictly between 0 and 1.
    """
    if not 0 < alpha < 1:
        raise ValueError(f"alpha must lie strictly between 0 and 1, got {alpha!r}")
    return np.asarray(np.all([hdr_mass(state, v, draws, rng).value <= alpha for state in mixture.states], axis=0))
