"""What a diffusion model is trained towards: the posterior mean of a noised mixture of Gaussians, in closed form.

A diffusion model noises an answer, x = √ᾱ x₀ + √(1 − ᾱ) ε, and learns to undo it under the squared loss.  The best
it can do is E[x₀ | x], so the loss of a trained one splits exactly into a floor and an excess.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import softmax

from hallucination.mixtures import Mixture
from hallucination.pictures.mode_interpolation import gaussian_states
from hallucination.states import Array, points


class Denoiser(Protocol):
    """Anything that guesses the clean answer."""

    @property
    def dimension(self) -> int:
        """Dimension d of the answers."""
        ...

    def __call__(self, noisy: Array, signal: ArrayLike) -> Array:
        """Guess x₀ from x of shape (n, d), where ᾱ = `signal`, a number or of shape (n,); shape (n, d)."""
        ...


class Losses(NamedTuple):
    """Mean loss of a denoiser, split in what no denoiser can avoid and what this one adds."""

    floor: float
    excess: float

    @property
    def total(self) -> float:
        """What training sees: floor plus excess."""
        return self.floor + self.excess


@dataclass(frozen=True, eq=False)
class PosteriorMean:
    """The denoiser with the smallest squared loss: E[x₀ | x] for a mixture of Gaussians.

    Parameters
    ----------
    mixture : Mixture
        Law of x₀, with Gaussian states.

    Notes
    -----
    Given the state, x₀ and x are jointly Gaussian. At ᾱ = 0 the guess is the mean of the mixture, whatever x: the
    estimator of Theorem 5.1.
    """

    mixture: Mixture

    def __post_init__(self) -> None:
        """Refuse states that the closed form here does not cover."""
        _ = self._variances

    @property
    def dimension(self) -> int:
        """Dimension d of the answers."""
        return int(self.mixture.mean.size)

    @cached_property
    def _variances(self) -> Array:
        """Variances of every state along the axes, shape (N, d)."""
        states, d = gaussian_states(self.mixture), self.mixture.mean.size
        if any(np.ndim(state.covariance) == 2 for state in states):
            raise ValueError("the ideal denoiser needs states with a number or a vector as covariance, got a matrix")
        return np.stack([np.broadcast_to(np.asarray(state.covariance, dtype=float), (d,)) for state in states])

    def _posterior(self, noisy: Array, signal: ArrayLike) -> tuple[Array, Array, Array]:
        """Weights (n, N, 1), means and variances (n, N, d) of x₀ given x and the state."""
        means = self.mixture.state_means
        x = points(noisy, means.shape[1])[:, None]
        kept = column(signal)[:, None]
        root, spread = np.sqrt(kept), kept * self._variances + 1 - kept  # of x: its variances
        gap = (x - root * means) / spread
        fit = np.log(self.mixture.weights) - 0.5 * (gap**2 * spread + np.log(spread)).sum(axis=2)
        weights = np.asarray(softmax(fit, axis=1))[:, :, None]
        return weights, means + root * self._variances * gap, self._variances * (1 - kept) / spread

    def __call__(self, noisy: Array, signal: ArrayLike) -> Array:
        """E[x₀ | x] for x of shape (n, d); shape (n, d)."""
        weights, means, _ = self._posterior(noisy, signal)
        return np.asarray((weights * means).sum(axis=1))

    def variance(self, noisy: Array, signal: ArrayLike) -> Array:
        """Trace of the covariance of x₀ given x, shape (n,): the squared error that is left.

        In one dimension √ᾱ/(1 − ᾱ) times this is the slope of E[x₀ | x] in x: between two means it jumps the more
        steeply the less noise there is, and a smooth network cannot follow.
        """
        weights, means, within = self._posterior(noisy, signal)
        centre = (weights * means).sum(axis=1, keepdims=True)
        return np.asarray((weights * (within + (means - centre) ** 2)).sum(axis=(1, 2)))


def column(signal: ArrayLike) -> Array:
    """Return ᾱ, one for all draws or one for each, as a column: shape (1, 1) or (n, 1)."""
    return np.asarray(signal, dtype=float).reshape(-1, 1)


def noised(clean: Array, signal: ArrayLike, rng: np.random.Generator) -> Array:
    """Noise the answers x₀ of shape (n, d) to x = √ᾱ x₀ + √(1 − ᾱ) ε; shape (n, d)."""
    kept = column(signal)
    return np.asarray(np.sqrt(kept) * clean + np.sqrt(1 - kept) * rng.standard_normal(clean.shape))


def losses(denoiser: Denoiser, mixture: Mixture, signals: Array, n: int, seed: int = 0) -> Losses:
    """Mean loss of a denoiser at n noisy draws, with ᾱ drawn from `signals`; per coordinate.

    Parameters
    ----------
    denoiser : Denoiser
        To be judged.
    mixture : Mixture
        Law of x₀, with Gaussian states.
    signals : ndarray, shape (T,)
        The ᾱ of the schedule, all below 1.
    n, seed : int
        Draws, and the seed of their generator.

    Notes
    -----
    The loss is ‖x₀ − x̂₀‖² / (1 − ᾱ), that is ‖v − v̂‖² for the velocity v = √ᾱ ε − √(1 − ᾱ) x₀; at ᾱ = 0 it is
    the squared error itself. For the noise, ‖ε − ε̂‖² is ᾱ times as large. Floor and excess are averages of the
    posterior variance and of the squared distance to the posterior mean, so that the excess is never negative.
    """
    rng = np.random.default_rng(seed)
    kept = rng.choice(signals, n)
    noisy = noised(mixture.sample(rng, n), kept, rng)
    ideal = PosteriorMean(mixture)
    weight = 1 / ((1 - kept) * mixture.mean.size)
    extra = ((denoiser(noisy, kept) - ideal(noisy, kept)) ** 2).sum(axis=1)
    return Losses(float((weight * ideal.variance(noisy, kept)).mean()), float((weight * extra).mean()))
