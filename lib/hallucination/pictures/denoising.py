"""One step of training a UNet to find noise (§7.3): its chance, and its squared loss."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from hallucination.pictures.lessons import Recipe
from hallucination.pictures.toolbox import DDIMScheduler


@dataclass(frozen=True, eq=False)
class Draws:
    """All chance of one step, on the processor, for the whole batch: normal draws, noise levels, dropped captions."""

    posterior: Tensor
    noise: Tensor
    times: Tensor
    dropped: Tensor

    def of(self, share: slice) -> Draws:
        """Chance of a part of the batch."""
        return Draws(self.posterior[share], self.noise[share], self.times[share], self.dropped[share])


def draws(recipe: Recipe, step: int, shape: Sequence[int], levels: int) -> Draws:
    """Chance of a step for latents of a shape (b, c, h, w); the same wherever and however often it is asked for."""
    seed = int(np.random.SeedSequence([recipe.seed, step]).generate_state(1, np.uint64)[0])
    generator = torch.Generator("cpu").manual_seed(seed >> 1)
    posterior, noise = (torch.randn(tuple(shape), generator=generator) for _ in range(2))
    times = torch.randint(levels, (shape[0],), generator=generator)
    return Draws(posterior, noise, times, torch.rand(shape[0], generator=generator) < recipe.dropout)


def noise_loss(
    unet: torch.nn.Module, scheduler: DDIMScheduler, clean: Tensor, noise: Tensor, times: Tensor, words: Tensor
) -> Tensor:
    """Mean squared error of the noise a UNet finds in noisy latents: the squared loss of §7.3."""
    noisy = scheduler.add_noise(clean, noise, times)
    found = unet(noisy, times, encoder_hidden_states=words, return_dict=False)[0]
    return torch.nn.functional.mse_loss(found.float(), noise)
