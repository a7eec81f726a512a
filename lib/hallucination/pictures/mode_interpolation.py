"""Mode interpolation (Aithal et al., 2024): mixtures whose densities are known, and how many samples δ-hallucinate.

Every conditional density is known, so Definition 4.2 is decided for each sample, not estimated.  The modules beside
this one hold the ideal denoiser (`_ideal`), the sampler (`_sampling`) and a trained network (`_training`).
"""

from __future__ import annotations

from itertools import product
from typing import NamedTuple

import numpy as np
from scipy.stats import chi2, ncx2

from hallucination.density_regions import conditional_region_above
from hallucination.mixtures import Mixture
from hallucination.regions import delta_hallucinates, log_threshold, squared_radius
from hallucination.states import Array, Gaussian


class Count(NamedTuple):
    """How many of n samples are outside: k of n."""

    outside: int
    n: int

    @property
    def share(self) -> float:
        """Their share k / n."""
        return self.outside / self.n


def lattice(separation: float, modes: int = 4, dimension: int = 1) -> Mixture:
    """Equally likely round Gaussian states on a line, a square grid, …, with variance 1 in every coordinate.

    Parameters
    ----------
    separation : float
        Distance of neighbouring means, in standard deviations of a state; positive.
    modes : int
        States along each axis, at least 2. If odd, the mean of the mixture is the mean of a state too.
    dimension : int
        d; there are modesᵈ states.

    Raises
    ------
    ValueError
        If a number is out of range.
    """
    _check(separation, modes, 2)
    if dimension < 1:
        raise ValueError(f"dimension must be at least 1, got {dimension}")
    axis = separation * (np.arange(modes) - (modes - 1) / 2)
    scale = np.sqrt(1 + axis.var())  # noise schedules are made for data of variance 1
    states = [Gaussian(np.array(at) / scale, 1 / scale**2) for at in product(axis, repeat=dimension)]
    return Mixture(np.full(len(states), 1 / len(states)), states)


def ring(separation: float, modes: int = 8) -> Mixture:
    """Equally likely round Gaussian states on a circle, with variance 1 in both coordinates; its middle is empty.

    Arguments and errors as for :func:`lattice`, but with at least 3 modes.
    """
    _check(separation, modes, 3)
    angles = 2 * np.pi * np.arange(modes) / modes
    radius = separation / (2 * np.sin(np.pi / modes))
    scale = np.sqrt(1 + radius**2 / 2)
    at = radius * np.stack([np.cos(angles), np.sin(angles)], axis=1) / scale
    return Mixture(np.full(modes, 1 / modes), [Gaussian(mean, 1 / scale**2) for mean in at])


def _check(separation: float, modes: int, least: int) -> None:
    if not (np.isfinite(separation) and separation > 0):
        raise ValueError(f"separation must be positive and finite, got {separation!r}")
    if modes < least:
        raise ValueError(f"need at least {least} modes, got {modes}")


def delta_leaving(mixture: Mixture, alpha: float) -> float:
    """The δ that leaves the share α of each state's own answers at density δ or below, in 1/unitᵈ.

    Raises
    ------
    ValueError
        If alpha is not strictly between 0 and 1, or one δ cannot do it because the states' peaks differ.
    """
    if not 0 < alpha < 1:
        raise ValueError(f"alpha must lie strictly between 0 and 1, got {alpha!r}")
    states = gaussian_states(mixture)
    peaks = np.array([state.peak_log_density for state in states])
    if np.ptp(peaks) > 1e-9:
        raise ValueError(f"one delta needs states with one peak density, got log-densities {peaks.round(6)}")
    return float(np.exp(peaks[0] - chi2.isf(alpha, states[0].mean.size) / 2))


def rate(draws: Array, mixture: Mixture, delta: float) -> Count:
    """Count the draws, shape (n, d), that δ-hallucinate (Definition 4.2)."""
    return Count(int(delta_hallucinates(mixture, draws, delta).sum()), len(draws))


def between(draws: Array, mixture: Mixture, delta: float) -> Count:
    """Count the draws, shape (n, d), that δ-hallucinate in the middle half between their two nearest means.

    A real draw gets there only by straying more than a quarter of the separation from its mean.

    Raises
    ------
    ValueError
        If the mixture has only one state.
    """
    means = mixture.state_means
    if len(means) < 2:
        raise ValueError(f"between two means needs at least 2 states, got {len(means)}")
    order = ((draws[:, None] - means) ** 2).sum(axis=-1).argsort(axis=1)
    first, second = means[order[:, 0]], means[order[:, 1]]
    along = ((draws - first) * (second - first)).sum(axis=1) / ((second - first) ** 2).sum(axis=1)
    return Count(int((delta_hallucinates(mixture, draws, delta) & (along > 0.25)).sum()), len(draws))


def data_rate(mixture: Mixture, delta: float) -> float:
    """Probability that a real draw of a Gaussian mixture δ-hallucinates: what a perfect sampler would score.

    Exact on the line; in more dimensions exact for round states of one width whose regions do not meet.

    Raises
    ------
    ValueError
        If neither is the case.
    """
    if mixture.mean.size == 1:
        return 1 - float(conditional_region_above(mixture, log_threshold(delta)).mass().value)
    states = gaussian_states(mixture)
    if any(np.ndim(s.covariance) > 0 or s.covariance != states[0].covariance for s in states):
        raise ValueError("in more than one dimension the exact rate needs round states of one width")
    width = np.sqrt(states[0].variance / states[0].mean.size)
    gaps = np.linalg.norm(mixture.state_means[:, None] - mixture.state_means, axis=-1) / width
    radius = np.sqrt(max(squared_radius(states[0], delta), 0))
    nearest = gaps[~np.eye(len(states), dtype=bool)].min(initial=np.inf)
    if nearest < 2 * radius:
        raise ValueError(f"the exact rate needs regions apart; radius {radius:.3g}, means {nearest:.3g} widths apart")
    inside = ncx2.cdf(radius**2, mixture.mean.size, gaps**2)  # of a draw of state i in the region of state j
    return 1 - float(mixture.weights @ inside.sum(axis=1))


def gaussian_states(mixture: Mixture) -> list[Gaussian]:
    """Return the states, or raise ValueError if one is not Gaussian."""
    states = [state for state in mixture.states if isinstance(state, Gaussian)]
    if len(states) != len(mixture.states):
        raise ValueError(f"all states must be Gaussian, got {sorted({type(s).__name__ for s in mixture.states})}")
    return states
