"""One resumable training loop for the three networks of the small Stable Diffusion.

The chance of an epoch comes from the seed and the epoch's number alone, and
the state is written after every epoch.  So a training that was stopped goes
on exactly as if it had not been.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from tqdm import tqdm

from hallucination.pictures.checkpoints import claim
from hallucination.pictures.toolbox import EMAModel, get_cosine_schedule_with_warmup
from hallucination.records import write_bytes, write_text

STATE = "state.pt"
Loss = Callable[[Tensor, torch.Generator], Tensor]
"""Mean loss over the pictures with the given numbers, with all its chance from the given generator."""


@dataclass(frozen=True)
class Plan:
    """How to train one network.

    Attributes
    ----------
    epochs : int
        Passes over the pictures; those that do not fill a batch are left out, others in every pass.
    learning_rate : float
        Peak of AdamW's step size: reached after a twentieth of the steps, then falling to 0 along a cosine.
    batch_size : int
        Pictures in a step.
    weight_decay : float
        AdamW's.
    ema : float
        Largest decay of the moving average of the weights, which then are the result; 0 for none.
    """

    epochs: int
    learning_rate: float
    batch_size: int
    weight_decay: float = 0.01
    ema: float = 0.0

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1; got {getattr(self, name)}")
        if not self.learning_rate > 0:
            raise ValueError(f"the learning rate must be positive; got {self.learning_rate}")

    def lasting(self, epochs: int) -> Plan:
        """The same with another number of epochs."""
        return replace(self, epochs=epochs)


@dataclass(frozen=True)
class Epoch:
    """What is known of one epoch: mean loss of its steps, and seconds of the clock and of the processor."""

    epoch: int
    loss: float
    seconds: float
    cpu_seconds: float


def train(
    network: nn.Module, loss: Loss, n: int, plan: Plan, folder: Path, *, facts: dict[str, Any], label: str
) -> list[Epoch]:
    """Train a network in place, or take from `folder` what is there already and train the rest.

    Parameters
    ----------
    network : Module
        Its trainable parameters are trained.
    loss : callable
        See ``Loss``.
    n : int
        Number of pictures.
    plan : Plan
        How.
    folder : Path
        Where the state and a line per epoch (``losses.jsonl``) go; it belongs to this training alone.
    facts : dict
        Plain data that tell this training from others, a ``"seed"`` among them.
    label : str
        Of the progress bar.

    Raises
    ------
    ValueError
        If `folder` holds another training.
    ArithmeticError
        If the loss is no longer finite; what was kept of earlier epochs stays.
    """
    claim(folder, {**facts, "plan": asdict(plan), "pictures": n})
    run = _Run(network, plan, folder, max(1, n // plan.batch_size))
    run.resume()
    network.train()
    while len(run.done) < plan.epochs:
        epoch = len(run.done) + 1
        wall, cpu = time.perf_counter(), time.process_time()
        mean = run.epoch(loss, n, draws(facts["seed"], label, epoch), f"{label}, epoch {epoch} of {plan.epochs}")
        run.done.append(Epoch(epoch, mean, round(time.perf_counter() - wall, 1), round(time.process_time() - cpu, 1)))
        run.save()
    run.finish()
    network.eval()
    return run.done


def draws(seed: int, label: str, epoch: int) -> torch.Generator:
    """All chance of an epoch, on the processor, so that a GPU does not change it."""
    entropy = [seed, epoch, *label.encode()]
    drawn = np.random.SeedSequence(entropy).generate_state(1, np.uint32)[0]
    return torch.Generator("cpu").manual_seed(int(drawn))


class _Run:
    """A training under way: the network with everything that must survive a kill."""

    def __init__(self, network: nn.Module, plan: Plan, folder: Path, steps: int) -> None:
        self.network, self.plan, self.folder, self.steps = network, plan, folder, steps
        self.weights = [p for p in network.parameters() if p.requires_grad]
        self.optimizer = torch.optim.AdamW(self.weights, lr=plan.learning_rate, weight_decay=plan.weight_decay)
        total = steps * plan.epochs
        self.schedule = get_cosine_schedule_with_warmup(self.optimizer, -(-total // 20), total)
        self.average = (
            EMAModel(self.weights, decay=plan.ema, use_ema_warmup=True, power=0.75, foreach=True)
            if plan.ema
            else None
        )
        self.done: list[Epoch] = []

    def epoch(self, loss: Loss, n: int, chance: torch.Generator, label: str) -> float:
        """One pass; the mean of its steps' losses."""
        size = min(n, self.plan.batch_size)
        order = torch.randperm(n, generator=chance)[: self.steps * size].reshape(self.steps, size)
        total = 0.0
        for rows in tqdm(order, desc=label, unit="step", leave=False, mininterval=5):
            value = loss(rows, chance)
            self.optimizer.zero_grad()
            value.backward()
            nn.utils.clip_grad_norm_(self.weights, 1.0)
            self.optimizer.step()
            self.schedule.step()
            if self.average is not None:
                self.average.step(self.weights)
            total += float(value.detach())
        if not math.isfinite(total):
            raise ArithmeticError(f"{label}: the loss is {total}; start again with a smaller learning rate")
        return total / self.steps

    def save(self) -> None:
        """State and log, each written whole or not at all."""
        state = {
            "network": self.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "schedule": self.schedule.state_dict(),
            "average": self.average.state_dict() if self.average is not None else {},
            "done": [asdict(e) for e in self.done],
        }
        packed = BytesIO()
        torch.save(state, packed)
        write_bytes(self.folder / STATE, packed.getvalue())
        write_text(self.folder / "losses.jsonl", "".join(json.dumps(asdict(e)) + "\n" for e in self.done))

    def resume(self) -> None:
        """Take up the state that a stopped training left; nothing but tensors and plain data is read."""
        path = self.folder / STATE
        if not path.is_file():
            return
        state = torch.load(path, map_location="cpu", weights_only=True)
        self.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.schedule.load_state_dict(state["schedule"])
        if self.average is not None:
            self.average.load_state_dict(state["average"])
            self.average.to(self.weights[0].device)
        self.done = [Epoch(**e) for e in state["done"]]

    def finish(self) -> None:
        """Put the moving average into the network."""
        if self.average is not None:
            self.average.copy_to(self.weights)
