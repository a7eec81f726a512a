"""Experiment 1 (§7.1), the training: data, batches, optimiser and evaluation of many networks at once.

Four sources of chance have a stream each, keyed by seed, N and round: the data,
the start, the order of the rows, and dropout.  The first three of a network do
not depend on the others it is trained with.  Dropout's pattern is keyed by seed and sequence length only.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from tqdm import tqdm

from hallucination.coins import Floats, Ints, draw, source
from hallucination.coins_nets import Dropout, Weights, features, forward, stack, start
from hallucination.coins_scores import Exam, exam
from hallucination.devices import place

Protocol = Literal["as published", "corrected", "hidden state"]
PROTOCOLS: tuple[Protocol, ...] = get_args(Protocol)
TRAIN_SHARE = 0.8
DENSE_POINTS = 24  # evaluations in the first epoch, evenly spread on a log scale


@dataclass(frozen=True)
class Run:
    """One network to train: its protocol, its data and its exam.

    Attributes
    ----------
    protocol : str
        One of ``PROTOCOLS``.
    n, round : int
        Half the number of coins, and the round from 0.
    seed : int
        Seed of the whole experiment.
    coins, heads : arrays of shape (rows, N) and (rows,)
        Training rows.
    exam : Exam
        What the network is asked when it is evaluated.
    """

    protocol: Protocol
    n: int
    round: int
    seed: int
    coins: Ints
    heads: Ints
    exam: Exam

    @property
    def tokens(self) -> int:
        """Length of the sequence that the network reads: 1 as published, else N."""
        return 1 if self.protocol == "as published" else self.n


@dataclass(frozen=True)
class Curve:
    """What was measured while one network trained; arrays of one entry per evaluation.

    Attributes
    ----------
    protocol, n, round
        As in :class:`Run`.
    steps : array of int
        Optimiser steps made before the evaluation; 0 is the untrained network.
    train_loss : array
        Mean loss over the batches since the evaluation before, dropout on; at step 0, of the first batch.
    risk : array
        Expected squared loss over the exam, dropout off.
    probability : array
        Conditional probability of the nearest feasible count, averaged over the exam.
    published : array
        Score by the published rule, averaged over the exam.
    beyond : array
        Share of the exam where the published rule leaves its list.
    """

    protocol: Protocol
    n: int
    round: int
    steps: Ints
    train_loss: Floats
    risk: Floats
    probability: Floats
    published: Floats
    beyond: Floats


def prepare(protocol: Protocol, n: int, round_: int, n_flips: int, seed: int) -> Run:
    """Draw the data of one run and set its exam.

    As published, the exam is the held-out fifth of the rows; otherwise it is all subsets with equal weights.

    Raises
    ------
    ValueError
        If the protocol is unknown, or there are too few rows to split in five.
    """
    if protocol not in PROTOCOLS:
        raise ValueError(f"unknown protocol {protocol!r}; the protocols are {', '.join(PROTOCOLS)}")
    if n_flips < 5:
        raise ValueError(f"a data set split 80/20 needs at least 5 rows; got {n_flips}")
    hidden = protocol == "hidden state"
    coins, heads = draw(n, n_flips, source(seed, "data", n, round_), hidden=hidden)
    cut = int(TRAIN_SHARE * n_flips)
    asked = exam(n, coins[cut:]) if protocol == "as published" else exam(n, hidden=hidden)
    return Run(protocol, n, round_, seed, coins[:cut], heads[:cut], asked)


def schedule(steps_per_epoch: int, epochs: int, dense: int = DENSE_POINTS) -> list[int]:
    """List the steps of evaluation: 0, at most `dense` through the first epoch, then the end of every epoch."""
    early = np.rint(np.geomspace(1, steps_per_epoch, dense)).astype(int)
    ends = steps_per_epoch * np.arange(1, epochs + 1)
    return sorted({0, *early.tolist(), *ends.tolist()})


def batches(runs: Sequence[Run], epochs: int, size: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Batches of all runs side by side, every run in its own order.

    Yields
    ------
    tuple of tensors
        Coins of shape (R, B, N), narrower runs filled up with zeros, and heads of shape (R, B).
    """
    width = max(run.n for run in runs)
    coins = torch.stack([torch.from_numpy(np.pad(r.coins, ((0, 0), (0, width - r.n)))) for r in runs])
    heads = torch.stack([torch.from_numpy(r.heads) for r in runs]).float()
    orders = [source(r.seed, "order", r.n, r.round) for r in runs]
    each = torch.arange(len(runs))[:, None]
    for _ in range(epochs):
        order = torch.stack([torch.from_numpy(o.permutation(heads.shape[1])) for o in orders])
        for rows in torch.split(order, size, dim=1):
            yield coins[each, rows], heads[each, rows]


def initial(runs: Sequence[Run], where: str) -> Weights:
    """Stacked initial weights, ready to be trained."""
    seeds = [int(source(run.seed, "start", run.n, run.round).integers(2**31)) for run in runs]
    nets = [start(run.n, s, tokens=run.protocol != "as published") for run, s in zip(runs, seeds, strict=True)]
    return {name: w.to(where).requires_grad_() for name, w in stack(nets).items()}


@torch.no_grad()
def estimates(weights: Weights, index: int, coins: Ints) -> Floats:
    """Estimates of one network of the stack for `coins` of shape (E, N), without dropout."""
    alone = {name: w[index : index + 1] for name, w in weights.items()}
    asked = torch.from_numpy(coins)[None].to(alone["head.weight"].device)
    found: Floats = forward(alone, features(asked, alone))[0].double().cpu().numpy()
    return found


def measure(runs: Sequence[Run], weights: Weights) -> NDArray[np.float64]:
    """Risk, conditional probability, published score and share beyond, of every run: shape (R, 4)."""
    rows = []
    for i, run in enumerate(runs):
        found = estimates(weights, i, run.exam.coins)
        rows.append((run.exam.risk(found), run.exam.probability(found), *run.exam.published(found)))
    return np.array(rows)


def train(
    runs: Sequence[Run],
    epochs: int,
    learning_rate: float,
    batch_size: int,
    *,
    where: str = "auto",
    dense: int = DENSE_POINTS,
    bar: tqdm | None = None,
) -> list[Curve]:
    """Train runs with sequences of equal length as one stack, and measure them on the way.

    Parameters
    ----------
    runs : sequence of Run
        The networks; all have the same number of rows.
    epochs, learning_rate, batch_size
        As in the paper's code: Adam on the mean squared error.
    where : str
        Device; ``"auto"`` takes CUDA if there is any.
    dense : int
        Evaluations in the first epoch, at most.
    bar : tqdm, optional
        Progress bar to advance by one per step.

    Returns
    -------
    list of Curve
        One per run, in the order given.

    Raises
    ------
    ValueError
        If sequence lengths or numbers of rows differ.
    """
    for what, values in (
        ("sequence lengths", {r.tokens for r in runs}),
        ("numbers of rows", {len(r.heads) for r in runs}),
    ):
        if len(values) != 1:
            raise ValueError(f"networks trained as one stack need equal {what}; got {sorted(values)}")
    weights = initial(runs, where := place(where))
    optimiser = torch.optim.Adam(weights.values(), lr=learning_rate, fused=True)
    drop = Dropout(int(source(runs[0].seed, "dropout", runs[0].tokens).integers(2**31)), where)
    points = schedule(-(-len(runs[0].heads) // batch_size), epochs, dense)
    measured, losses, kept = [measure(runs, weights)], [], []
    for step, (coins, heads) in enumerate(batches(runs, epochs, batch_size), start=1):
        found = forward(weights, features(coins.to(where), weights), drop)
        loss = (found - heads.to(where)).square().mean(dim=1)
        optimiser.zero_grad()
        torch.autograd.backward(loss.sum())  # one run's loss moves only that run's weights
        optimiser.step()
        kept.append(loss.detach())
        if step == 1:
            losses.append(kept[0])
        if step in points:
            measured.append(measure(runs, weights))
            losses.append(torch.stack(kept).mean(dim=0))
            kept = []
        if bar is not None:
            bar.update()
    series = np.concatenate([torch.stack(losses).double().cpu().numpy()[:, :, None], np.array(measured)], axis=2)
    return [Curve(r.protocol, r.n, r.round, np.array(points), *series[:, i].T) for i, r in enumerate(runs)]


def experiment(
    protocols: Sequence[Protocol],
    n_coins_half: Sequence[int],
    rounds: int,
    *,
    n_flips: int,
    epochs: int,
    learning_rate: float,
    batch_size: int,
    seed: int,
    where: str = "auto",
) -> list[Curve]:
    """Train every protocol for every N in every round, with one progress bar; see :func:`train`.

    All published networks form one stack, whatever their N; the others form one stack per N.
    """
    wanted = [prepare(p, n, r, n_flips, seed) for p in protocols for n in n_coins_half for r in range(rounds)]

    def kind(run: Run) -> tuple[bool, int]:
        return run.protocol != "as published", run.tokens

    stacks = [list(group) for _, group in groupby(sorted(wanted, key=kind), key=kind)]
    steps = epochs * -(-int(TRAIN_SHARE * n_flips) // batch_size)
    with tqdm(total=steps * len(stacks), unit="step", desc="training") as bar:
        return [c for runs in stacks for c in train(runs, epochs, learning_rate, batch_size, where=where, bar=bar)]
