"""Mode interpolation: draw samples with any denoiser, in any number of steps, by the samplers of diffusers.

The schedule ends at ᾱ = 0.  So a sampler's first question is about pure noise, where the squared loss asks for the
mean of the data, the estimator of Theorem 5.1; in one step that answer is the sample.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
import torch

from hallucination.mixtures import Mixture
from hallucination.pictures.mode_interpolation import Count, between, rate
from hallucination.pictures.mode_interpolation_ideal import Denoiser
from hallucination.pictures.toolbox import DDIMScheduler, DDPMScheduler
from hallucination.states import Array

LEVELS = 1024  # noise levels
Sampler = Literal["ddim", "ddpm"]
_STREAMS = ("data", "start", "sampling", "real")


class Rates(NamedTuple):
    """How many samples δ-hallucinate after so many steps, and how many of them between two means."""

    steps: int
    outside: Count
    between: Count


def source(seed: int, stream: str) -> np.random.Generator:
    """Random generator of one stream of ``_STREAMS`` of one run."""
    return np.random.default_rng(np.random.SeedSequence((seed, _STREAMS.index(stream))))


def schedule(sampler: Sampler = "ddim") -> Any:
    """Make diffusers' scheduler of the deterministic (ddim) or ancestral (ddpm) sampler, to be given guesses of x₀.

    Raises
    ------
    ValueError
        If the sampler is unknown.
    """
    if sampler not in get_args(Sampler):
        raise ValueError(f"sampler must be one of {', '.join(get_args(Sampler))}, got {sampler!r}")
    return (DDIMScheduler if sampler == "ddim" else DDPMScheduler)(
        num_train_timesteps=LEVELS,
        beta_start=1e-4,
        beta_end=0.02,
        beta_schedule="linear",
        prediction_type="sample",
        clip_sample=False,
        timestep_spacing="trailing",
        rescale_betas_zero_snr=True,
    )


def signals() -> Array:
    """Return the ᾱ of all noise levels, shape (T,): from nearly 1 down to 0."""
    return np.asarray(schedule().alphas_cumprod.double().numpy())


def check_steps(steps: Sequence[int]) -> None:
    """Raise ValueError unless every number of steps divides the number of noise levels."""
    for k in steps:
        # DDIMScheduler would go to the wrong level after such a step (issue 9261 of diffusers).
        if k < 1 or LEVELS % k:
            raise ValueError(f"the number of steps must divide {LEVELS}, got {k}")


def draw(denoiser: Denoiser, n: int, steps: int, seed: int = 0, *, sampler: Sampler = "ddim") -> Array:
    """Draw n samples; shape (n, d).

    Parameters
    ----------
    denoiser : Denoiser
        Its guess of x₀ is all the sampler learns about the data.
    n, steps : int
        Samples, and denoising steps for each; the latter a divisor of 1024.
    seed : int
        Two numbers of steps start from the same noise.
    sampler : str
        ``"ddim"``, without further noise, or ``"ddpm"``, with new noise in every step.

    Raises
    ------
    ValueError
        If a number or the sampler is not allowed.
    """
    check_steps([steps])
    if n < 1:
        raise ValueError(f"the number of samples must be at least 1, got {n}")
    scheduler, kept, rng = schedule(sampler), signals(), source(seed, "sampling")
    scheduler.set_timesteps(steps)
    x = torch.from_numpy(rng.standard_normal((n, denoiser.dimension)))
    chance = torch.Generator().manual_seed(int(rng.integers(2**31)))
    for t in scheduler.timesteps:
        guess = torch.from_numpy(denoiser(x.numpy(), kept[t]))
        x = scheduler.step(guess, t, x, generator=chance).prev_sample
    return np.asarray(x.numpy())


def rates_by_steps(
    denoiser: Denoiser,
    mixture: Mixture,
    delta: float,
    steps: Sequence[int],
    n: int,
    seed: int = 0,
    *,
    sampler: Sampler = "ddim",
) -> list[Rates]:
    """Count the δ-hallucinations among n samples for every number of steps (arguments as in :func:`draw`)."""
    check_steps(steps)
    found = []
    for k in steps:
        samples = draw(denoiser, n, k, seed, sampler=sampler)
        found.append(Rates(k, rate(samples, mixture, delta), between(samples, mixture, delta)))
    return found
