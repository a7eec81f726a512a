"""Figure 3 of the paper, the stacked way against the published way, in one run.

The published way trains one network after another with torch.nn, and after
every epoch scores the held-out rows one by one in Python.  The stacked way trains
all rounds of all N as one stack and scores every distinct row once.  Both get the same
data, start and batches, and evaluate after every epoch.  Dropout's random numbers differ.
Both run with the same number of threads.  Then one network is timed the published way with
PyTorch's own choice, too.

    python benchmarks/coins_figure3.py  # smaller M, one epoch, under 3 minutes on an idle machine
    python benchmarks/coins_figure3.py --rows 20000 --epochs 20
"""

from __future__ import annotations

import argparse
import math
import time

import numpy as np
import torch
from torch import nn

from hallucination.coins import draw, published_probabilities, source
from hallucination.coins_nets import Transformer, start
from hallucination.coins_training import TRAIN_SHARE, Curve, Run, prepare, train
from hallucination.devices import place

SIZES = (2, 3, 5)


def score_row(net: nn.Module, row: torch.Tensor, p: list[float]) -> float:
    """Score one row by the published rule: law by dynamic programming, round up, index a list."""
    law = [1.0]
    for coin in row.tolist():
        old = law
        law = [a * (1 - p[coin]) + b * p[coin] for a, b in zip([*old, 0.0], [0.0, *old], strict=True)]
    index = math.ceil(net(row[None]).item())
    return law[index] if -len(law) <= index < len(law) else 0.0


def one_by_one(run: Run, held_out: torch.Tensor, epochs: int, batch_size: int, where: str) -> tuple[float, float]:
    """Train and evaluate one network as published; return its last epoch's loss and score."""
    net = Transformer(run.n, tokens=False).to(where)
    net.load_state_dict(start(run.n, int(source(run.seed, "start", run.n, run.round).integers(2**31)), tokens=False))
    optimiser = torch.optim.Adam(net.parameters(), lr=1e-4)
    coins, heads = torch.from_numpy(run.coins).to(where), torch.from_numpy(run.heads).float().to(where)
    order = source(run.seed, "order", run.n, run.round)
    p = [float(q) for q in published_probabilities(run.n)]
    for _ in range(epochs):
        net.train()
        losses = []
        for rows in torch.split(torch.from_numpy(order.permutation(len(heads))).to(where), batch_size):
            loss = nn.functional.mse_loss(net(coins[rows]), heads[rows])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            losses.append(loss.item())
        net.eval()
        with torch.no_grad():
            score = float(np.mean([score_row(net, row, p) for row in held_out]))
    return float(np.mean(losses)), score


def last_epoch(curve: Curve, epochs: int) -> float:
    """Mean training loss of a curve over its last epoch, from its evaluations."""
    length = np.diff(curve.steps, prepend=0)
    inside = curve.steps > curve.steps[-1] * (epochs - 1) // epochs
    return float(np.average(curve.train_loss[inside], weights=length[inside]))


def main() -> None:
    """Time both ways and print times, ratio and the agreement of their losses."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1500, help="rows of data M (the paper: 20000 to 40000)")
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--threads", type=int, default=1, help="threads of PyTorch, for both ways")
    parser.add_argument("--device", default="auto")
    options = parser.parse_args()
    own = torch.get_num_threads()
    torch.set_num_threads(options.threads)
    where = place(options.device)

    runs = [prepare("as published", n, r, options.rows, 0) for n in SIZES for r in range(options.rounds)]
    cut = int(TRAIN_SHARE * options.rows)
    held_out = [
        torch.from_numpy(draw(r.n, options.rows, source(0, "data", r.n, r.round))[0][cut:]).to(where) for r in runs
    ]
    train(runs[:2], 1, 1e-4, options.rows, where=where)  # warm up both ways
    one_by_one(runs[0], held_out[0][:2], 1, options.rows, where)

    clock = time.perf_counter()
    curves = train(runs, options.epochs, 1e-4, options.batch_size, where=where, dense=1)
    stacked = time.perf_counter() - clock
    clock = time.perf_counter()
    single = [
        one_by_one(r, h, options.epochs, options.batch_size, where) for r, h in zip(runs, held_out, strict=True)
    ]
    published = time.perf_counter() - clock

    print(
        f"{len(runs)} networks, {options.rows} rows, {options.epochs} epochs, {where}, "
        f"{torch.get_num_threads()} threads"
    )
    print(f"published way {published:.1f} s, stacked way {stacked:.1f} s, ratio {published / stacked:.1f}")
    for n in SIZES:
        mine = [last_epoch(c, options.epochs) for c in curves if c.n == n]
        theirs = [loss for (loss, _), r in zip(single, runs, strict=True) if r.n == n]
        gap = np.array(mine) - theirs
        print(
            f"N={n}: loss of the last epoch {np.mean(mine):.4f} and {np.mean(theirs):.4f}, "
            f"largest gap {abs(gap).max():.4f}"
        )
    if own != options.threads:
        torch.set_num_threads(own)
        clock = time.perf_counter()
        one_by_one(runs[0], held_out[0], options.epochs, options.batch_size, where)
        guess = (time.perf_counter() - clock) * len(runs)
        print(
            f"published way with PyTorch's own {own} threads: {guess:.1f} s, from one network; threads wait in busy"
        )
        print("loops for each other, so this says little while other programs use the cores")


if __name__ == "__main__":
    main()
