"""How to fine-tune (§7.3), and on what; nothing here imports torch."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from hallucination.pictures.sets import Pictures

Precision = Literal["float32", "bfloat16"]
PRECISIONS: tuple[Precision, ...] = get_args(Precision)


@dataclass(frozen=True)
class Recipe:
    """How to fine-tune.

    Attributes
    ----------
    epochs : int
        Passes over the pictures.  Each leaves out the few that do not fill a batch, others every time.
    learning_rate : float
        Of AdamW; constant.
    batch_size : int
        Pictures in one step, over all processes.
    ema : float
        Decay of the moving average of the weights that is kept; 0 keeps the weights themselves.
    dropout : float
        Share of captions made empty, for classifier-free guidance.
    precision : str
        ``"float32"``, or ``"bfloat16"`` for products only; weights are always float32.
    keep_every : int
        Epochs from one checkpoint to the next; the last one is always kept.
    seed : int
        Of order, noise, noise levels and dropped captions.
    """

    epochs: int
    learning_rate: float = 1e-4
    batch_size: int = 64
    ema: float = 0.0
    dropout: float = 0.1
    precision: Precision = "float32"
    keep_every: int = 1
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size", "keep_every"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1; got {getattr(self, name)}")
        if not self.learning_rate > 0:
            raise ValueError(f"the learning rate must be positive; got {self.learning_rate}")
        for name in ("ema", "dropout"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 0 and below 1; got {getattr(self, name)}")
        if self.precision not in PRECISIONS:
            raise ValueError(f"precision must be {' or '.join(PRECISIONS)}; got {self.precision!r}")

    def kept(self) -> list[int]:
        """Epochs after which a checkpoint is kept."""
        return sorted({*range(self.keep_every, self.epochs + 1, self.keep_every), self.epochs})

    def steps_per_epoch(self, n: int) -> int:
        """Steps in a pass over n pictures; fewer than a batch are one step."""
        return max(1, n // self.batch_size)

    def order(self, n: int, epoch: int) -> NDArray[np.int64]:
        """Pictures of each step of an epoch, shape (steps, batch)."""
        steps = self.steps_per_epoch(n)
        mixed = np.random.default_rng([self.seed, epoch]).permutation(n)
        return mixed[: steps * min(n, self.batch_size)].reshape(steps, -1)


@dataclass(frozen=True, eq=False)
class Lesson:
    """What is learned: some pictures, and a caption for each.

    Attributes
    ----------
    pictures : Pictures
    indices : ndarray of int64, shape (n,)
        Which of them.
    captions : sequence of str
        One for every picture of the set, used or not.

    Raises
    ------
    ValueError
        If there is nothing to learn, or captions are missing.
    """

    pictures: Pictures
    indices: NDArray[np.int64]
    captions: Sequence[str]

    def __post_init__(self) -> None:
        if not len(self.indices):
            raise ValueError("there is nothing to learn: no pictures were given")
        if len(self.captions) != len(self.pictures):
            raise ValueError(f"{len(self.pictures)} pictures need as many captions; got {len(self.captions)}")

    @property
    def chosen(self) -> list[str]:
        """Captions of the pictures that are used."""
        return [self.captions[k] for k in self.indices]

    def identity(self) -> dict[str, Any]:
        """Plain data that tell this lesson from others."""
        learned = json.dumps([[int(k) for k in self.indices], self.chosen]).encode()
        return {"source": dict(self.pictures.source), "learned_sha256": hashlib.sha256(learned).hexdigest()}
