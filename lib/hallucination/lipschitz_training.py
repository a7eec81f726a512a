"""Networks whose Lipschitz constant is certain, trained side by side for many constants (Theorem 5.3 in practice).

A network is a chain of orthogonal maps with MaxMin activations: no step stretches a distance, so L times the chain is
L-Lipschitz whatever the training does.  Inputs are filled up with zeros and outputs cut off, which stretches nothing
either.  How near the chains come to the best L-Lipschitz answers is for the caller to measure.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import parametrizations
from tqdm import tqdm

from hallucination.mixtures import Mixture
from hallucination.smoothness_price import Questions
from hallucination.states import Array

WIDTH, DEPTH = 16, 3
LEARNING_RATE = 0.03


class OrthogonalMap(nn.Module):
    """One orthogonal map with a shift per network: no distance grows, and none shrinks.

    Parameters
    ----------
    count : int
        Number of networks G.
    width : int
        Coordinates of input and output.
    """

    def __init__(self, count: int, width: int) -> None:
        super().__init__()
        start = nn.init.orthogonal_(torch.empty(width, width, dtype=torch.float64))
        self.weight = nn.Parameter(start.repeat(count, 1, 1))
        self.bias = nn.Parameter(torch.zeros(count, 1, width, dtype=torch.float64))
        parametrizations.orthogonal(self, "weight", orthogonal_map="cayley")

    def forward(self, x: Tensor) -> Tensor:
        """Map (G, n, width) to (G, n, width)."""
        return x @ self.weight.mT + self.bias


class MaxMin(nn.Module):
    """Sort the coordinates in pairs: a permutation at every point, so 1-Lipschitz with gradients of norm one."""

    def forward(self, x: Tensor) -> Tensor:
        """Map (..., width) to (..., width); the width is even."""
        a, b = x.unflatten(-1, (-1, 2)).unbind(-1)
        return torch.cat([torch.maximum(a, b), torch.minimum(a, b)], dim=-1)


class LipschitzNets(nn.Module):
    """G networks, the g-th L_g-Lipschitz, all started from the same weights.

    Parameters
    ----------
    slopes : array_like, shape (G,)
        The L_g.
    inputs, outputs : int
        d_x and d.
    width, depth : int
        Hidden coordinates (even), and number of hidden layers.
    seed : int
        Of the first weights.

    Raises
    ------
    ValueError
        If a slope is negative or not finite, or the width odd or too small.
    """

    slopes: Tensor

    def __init__(
        self, slopes: ArrayLike, inputs: int, outputs: int, *, width: int = WIDTH, depth: int = DEPTH, seed: int = 0
    ) -> None:
        super().__init__()
        rates = np.asarray(slopes, dtype=float)
        if rates.ndim != 1 or rates.size == 0 or not (np.isfinite(rates) & (rates >= 0)).all():
            raise ValueError(f"slopes must be a list of finite numbers, none negative, got {slopes!r}")
        if width % 2 or width < max(inputs, outputs, 2) or depth < 1:
            least = max(inputs, outputs, 2)
            raise ValueError(f"need an even width of at least {least} and depth of at least 1, got {width}, {depth}")
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            maps = [OrthogonalMap(rates.size, width) for _ in range(depth + 1)]
        self.width = width
        self.maps = nn.ModuleList(maps)
        self.sort = MaxMin()
        self.shift = nn.Parameter(torch.zeros(rates.size, 1, outputs, dtype=torch.float64))
        self.register_buffer("slopes", torch.from_numpy(rates)[:, None, None])

    def forward(self, x: Tensor) -> Tensor:
        """Answers (G, n, d) at inputs (n, d_x)."""
        h = functional.pad(x, (0, self.width - x.shape[-1])).expand(len(self.shift), -1, -1)
        for linear in self.maps[:-1]:
            h = self.sort(linear(h))
        return self.slopes * self.maps[-1](h)[..., : self.shift.shape[-1]] + self.shift

    @torch.no_grad()
    def certified(self) -> Array:
        """Upper bounds on the Lipschitz constants: L_g times the product of the spectral norms; shape (G,)."""
        norms = torch.stack([torch.linalg.matrix_norm(m.weight, 2) for m in self.maps])
        bound: Array = (self.slopes[:, 0, 0] * norms.prod(dim=0)).cpu().numpy()
        return bound


@contextmanager
def one_thread() -> Iterator[None]:
    """Use one CPU thread: the matrices are tiny, and the result must not depend on the machine's cores."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@dataclass(frozen=True)
class Fit:
    """What the trained networks answer, and what is certain about them.

    Attributes
    ----------
    slopes : ndarray, shape (G,)
        The constants asked for.
    certified : ndarray, shape (G,)
        Upper bounds on the constants reached: products of spectral norms, in the units of the problem.
    outputs : ndarray, shape (G, n, d)
        Answers at the inputs of the problem.
    losses : ndarray, shape (k, G)
        Excess over the training problem at some steps of the training, the last one after it.
    """

    slopes: Array
    certified: Array
    outputs: Array
    losses: Array


def sampled(target: Mixture, asked: Questions, n_draws: int, rng: np.random.Generator) -> Questions:
    """Draw a training set of questions with answers, and return what the squared loss sees of it.

    Parameters
    ----------
    target : Mixture
        The law at X; the states are the laws at the hints.
    asked : Questions
        As from `hinted_questions`: X first, then one input per state.
    n_draws : int
        Number of questions; each input is drawn at least once.
    rng : numpy.random.Generator

    Returns
    -------
    Questions
        The same inputs with the averages of the drawn answers and the shares of the draws.  On a fixed training set
        the mean squared loss of any outputs is the excess over this problem plus a constant.

    Raises
    ------
    ValueError
        If there are fewer draws than inputs.
    """
    n = len(asked.weights)
    if n_draws < n:
        raise ValueError(f"need at least one draw per input, {n}, got {n_draws}")
    counts = 1 + rng.multinomial(n_draws - n, asked.weights)
    means = [law.sample(rng, int(c)).mean(axis=0) for law, c in zip([target, *target.states], counts, strict=True)]
    return Questions(asked.inputs, np.stack(means), counts / n_draws)


def train(
    asked: Questions,
    slopes: ArrayLike,
    steps: int,
    *,
    seed: int = 0,
    width: int = WIDTH,
    depth: int = DEPTH,
    learning_rate: float = LEARNING_RATE,
    where: str = "cpu",
    progress: bool = False,
) -> Fit:
    """Train one L-Lipschitz network per slope on the squared loss, all at once.

    Parameters
    ----------
    asked : Questions
        The problem; full batches, so the weights are the shares of the questions.
    slopes : array_like, shape (G,)
        The L_g.
    steps : int
        Steps of Adam; the learning rate falls to zero along half a cosine.
    seed, width, depth
        As in `LipschitzNets`.
    learning_rate : float
        At the first step; lengths are measured in units in which inputs and targets have size one.
    where : str
        Device; for networks this small the processor is as fast as a GPU.
    progress : bool
        Show a progress bar.

    Returns
    -------
    Fit

    Raises
    ------
    ValueError
        If there are no steps, or a slope is negative or not finite.
    """
    if steps < 1:
        raise ValueError(f"need at least one training step, got {steps}")
    x, m = np.asarray(asked.inputs, dtype=float), np.asarray(asked.targets, dtype=float)
    unit, scale = float(np.linalg.norm(x, axis=1).max()) or 1.0, float(np.sqrt(asked.spread)) or 1.0
    rates = np.asarray(slopes, dtype=float)
    nets = LipschitzNets(rates * unit / scale, x.shape[1], m.shape[1], width=width, depth=depth, seed=seed).to(where)
    inputs, wanted, w = (
        torch.from_numpy(np.ascontiguousarray(a)).to(where)
        for a in (x / unit, (m - asked.mean) / scale, np.asarray(asked.weights, dtype=float))
    )
    optimiser = torch.optim.Adam(nets.parameters(), lr=learning_rate, betas=(0.9, 0.99))
    rate = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    losses = []
    with one_thread(), tqdm(total=steps, unit="step", desc="training", disable=not progress) as bar:
        for step in range(steps):
            loss = (nets(inputs) - wanted).square().sum(dim=-1) @ w
            optimiser.zero_grad()
            torch.autograd.backward(loss.sum())  # a network's loss moves only that network
            optimiser.step()
            rate.step()
            if step % max(1, steps // 50) == 0:
                losses.append(loss.detach())
            bar.update()
        with torch.no_grad():
            found = nets(inputs)
            losses.append((found - wanted).square().sum(dim=-1) @ w)
        certified = nets.certified() * scale / unit
    outputs = asked.mean + scale * found.cpu().numpy()
    return Fit(rates, certified, outputs, scale**2 * torch.stack(losses).cpu().numpy())
