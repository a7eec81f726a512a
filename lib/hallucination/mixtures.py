"""Target distributions with latent states: weights, conditional densities, means, sampling (Definition 4.1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import logsumexp

from hallucination.states import Array, Gaussian, State, simplex


@dataclass(frozen=True, eq=False)
class Mixture:
    """A target A(X) with latent variable Z (Definition 4.1); itself usable as a state.

    Parameters
    ----------
    probabilities : array_like, shape (N,)
        p_i = Pr[Z = Z_i]: positive, with sum 1.
    states : sequence of State
        The N laws A(X; Z_i), all of the same dimension d.

    Raises
    ------
    ValueError
        If weights and states do not fit together.
    """

    probabilities: ArrayLike
    states: Sequence[State]

    def __post_init__(self) -> None:
        """Refuse weights and states that do not fit."""
        shapes = [state.mean.shape for state in self.states]
        if len(shapes) != self.weights.size:
            raise ValueError(f"need one weight per state, got {self.weights.size} weights and {len(shapes)} states")
        if len(set(shapes)) != 1:
            raise ValueError(f"all states must have one dimension, got mean shapes {shapes}")

    @cached_property
    def weights(self) -> Array:
        """The p_i, shape (N,)."""
        return simplex(self.probabilities, "weights")

    @cached_property
    def state_means(self) -> Array:
        """The μ_i, shape (N, d)."""
        return np.stack([state.mean for state in self.states])

    @property
    def mean(self) -> Array:
        """E[A(X)] = Σ p_i μ_i, shape (d,)."""
        return np.asarray(self.weights @ self.state_means)

    @property
    def variance(self) -> float:
        """Expected squared distance to the mean: within the states plus between them."""
        within = np.array([state.variance for state in self.states])
        between = ((self.state_means - self.mean) ** 2).sum(axis=1)
        return float(self.weights @ (within + between))

    def state_log_densities(self, a: ArrayLike) -> Array:
        """Return the log f_i at points (..., d); shape (N, ...)."""
        return np.stack([state.log_density(a) for state in self.states])

    def log_density(self, a: ArrayLike) -> Array:
        """Logarithm of Σ p_i f_i at points (..., d); shape (...)."""
        each = self.state_log_densities(a)
        log_weights = np.log(self.weights).reshape(-1, *[1] * (each.ndim - 1))
        return np.asarray(logsumexp(each + log_weights, axis=0))

    def sample(self, rng: np.random.Generator, n: int) -> Array:
        """Draw n answers in random order, shape (n, d)."""
        counts = rng.multinomial(n, self.weights)
        draws = [state.sample(rng, int(k)) for state, k in zip(self.states, counts, strict=True)]
        return rng.permutation(np.concatenate(draws))


def two_gaussians(weight: float, separation: float, width: float = 1.0, dimension: int = 1) -> Mixture:
    """Two normal states at ∓separation/2 on the first axis, the book's running example.

    Parameters
    ----------
    weight : float
        Probability of the first (left) state, strictly between 0 and 1.
    separation : float
        Distance between the two means, in the unit of the answers.
    width : float
        Standard deviation of both states, in the same unit.
    dimension : int
        Output dimension d.
    """
    axis = np.eye(1, dimension)[0] * separation / 2
    return Mixture([weight, 1 - weight], [Gaussian(-axis, width**2), Gaussian(axis, width**2)])
