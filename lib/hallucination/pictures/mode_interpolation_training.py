"""Mode interpolation: a small diffusion model trained on draws of a mixture.

The network predicts the velocity v = √ᾱ ε − √(1 − ᾱ) x₀, which, unlike the noise ε, tells x₀ at ᾱ = 0 too.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn
from tqdm import tqdm

from hallucination.mixtures import Mixture
from hallucination.pictures.mode_interpolation_ideal import column
from hallucination.pictures.mode_interpolation_sampling import signals, source
from hallucination.pictures.toolbox import Timesteps, get_cosine_schedule_with_warmup
from hallucination.states import Array


class Network(nn.Module):
    """A perceptron with three hidden layers, told the noise level at each, that predicts v from x."""

    def __init__(self, dimension: int, width: int) -> None:
        super().__init__()
        self.embedding = Timesteps(16, flip_sin_to_cos=True, downscale_freq_shift=0)
        self.level = nn.Linear(16, 3 * width)
        self.hidden = nn.ModuleList(nn.Linear(size, width) for size in (dimension, width, width))
        self.out = nn.Linear(width, dimension)

    def forward(self, x: Tensor, kept: Tensor) -> Tensor:
        """Predict v of shape (n, d) from x of shape (n, d) and ᾱ of shape (n,) or (1,)."""
        angle = torch.arccos(kept.sqrt()) / (torch.pi / 2)  # spreads the levels more evenly than ᾱ
        shifts = self.level(self.embedding(100 * angle)).chunk(3, dim=1)
        x = 4 * x  # PyTorch's initial weights alone make functions too flat to begin with
        for layer, shift in zip(self.hidden, shifts, strict=True):
            x = nn.functional.silu(layer(x) + shift)
        found: Tensor = self.out(x)
        return found


@dataclass(frozen=True, eq=False)
class Trained:
    """A trained network as a denoiser.

    Attributes
    ----------
    network : Network
        Predicts v.
    losses : ndarray, shape (steps,)
        Loss of every training batch: squared error of v per coordinate.
    """

    network: Network
    losses: Array = field(repr=False)

    @property
    def dimension(self) -> int:
        """Dimension d of the answers."""
        return self.network.out.out_features

    @torch.no_grad()
    def __call__(self, noisy: Array, signal: ArrayLike) -> Array:
        """Guess x₀ from x of shape (n, d); shape (n, d)."""
        kept = column(signal)
        v = self.network(_tensor(noisy), _tensor(kept[:, 0])).double().numpy()
        return np.asarray(np.sqrt(kept) * noisy - np.sqrt(1 - kept) * v)


def train(
    mixture: Mixture,
    steps: int = 1000,
    seed: int = 0,
    *,
    width: int = 64,
    batch_size: int = 512,
    learning_rate: float = 1e-2,
    bar: tqdm | None = None,
) -> Trained:
    """Train a small diffusion model on fresh draws of a mixture, so that it cannot learn any of them by heart.

    Parameters
    ----------
    mixture : Mixture
        Law of the data; its mean square must be about 1 per coordinate, as that of pure noise is.
    steps, batch_size, width : int
        Optimiser steps, draws in each, and width of the hidden layers.
    seed : int
        Of weights, data and noise.
    learning_rate : float
        Largest rate of Adam; it falls to zero along a cosine.
    bar : tqdm, optional
        Progress bar to advance by one per step.

    Raises
    ------
    ValueError
        If a number is below 1, or the data's mean square is not between 1/2 and 2.
    """
    for name, value in {"steps": steps, "batch_size": batch_size, "width": width}.items():
        if value < 1:
            raise ValueError(f"{name} must be at least 1, got {value}")
    square = (mixture.variance + float((mixture.mean**2).sum())) / mixture.mean.size
    if not 0.5 <= square <= 2:
        raise ValueError(f"the data's mean square per coordinate must lie between 1/2 and 2, got {square:.4g}")
    rng, levels = source(seed, "data"), signals()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(source(seed, "start").integers(2**31)))
        network = Network(mixture.mean.size, width)
    optimiser = torch.optim.Adam(network.parameters(), lr=learning_rate, fused=True)
    decay = get_cosine_schedule_with_warmup(optimiser, steps // 20, steps)
    found = []
    for _ in range(steps):
        loss = nn.functional.mse_loss(*_batch(network, mixture, levels, batch_size, rng))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        decay.step()
        found.append(loss.item())
        if bar is not None:
            bar.update()
    return Trained(network.eval(), np.array(found))


def _batch(
    network: Network, mixture: Mixture, levels: Array, size: int, rng: np.random.Generator
) -> tuple[Tensor, Tensor]:
    """Predicted and true v, shape (B, d), for fresh draws at levels drawn evenly."""
    clean, kept = mixture.sample(rng, size), rng.choice(levels, size)
    noise = rng.standard_normal(clean.shape)
    a, s = np.sqrt(kept)[:, None], np.sqrt(1 - kept)[:, None]
    return network(_tensor(a * clean + s * noise), _tensor(kept)), _tensor(a * noise - s * clean)


def _tensor(values: Array) -> Tensor:
    return torch.from_numpy(values.astype(np.float32))
