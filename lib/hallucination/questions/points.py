"""Experiment 2 (§7.2), what is measured: scores of one model under one protocol, and their form on disk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

Style = Literal["chat", "as published"]
STYLES: tuple[Style, ...] = get_args(Style)
Row = Literal["base", "tuned", "shuffled"]
DIGITS = 4  # of a score on disk


@dataclass(frozen=True)
class Point:
    """What one model scores under one protocol; arrays have one number per question.

    Attributes
    ----------
    row : str
        ``"base"``, the original model; ``"tuned"`` on the questions' own
        answers; or ``"shuffled"``, on other questions' answers.
    seed : int
        Of the fine-tuning.
    epochs : float
        Passes over the pairs; 0 is the original model.
    style : str
        Protocol.
    scores : mapping of str to array of shape (Q,)
        See :func:`hallucination.questions.asking.measure`.
    texts : tuple of str
        The answers; empty in a record, which must not carry the benchmark's words.
    """

    row: Row
    seed: int
    epochs: float
    style: Style
    scores: Mapping[str, NDArray[np.float64]]
    texts: tuple[str, ...] = ()

    def as_data(self) -> dict[str, Any]:
        """Plain data for a record, without the texts; the scores rounded to ``DIGITS`` places."""
        rounded = {name: np.round(values, DIGITS).tolist() for name, values in self.scores.items()}
        return {"row": self.row, "seed": self.seed, "epochs": self.epochs, "style": self.style, "scores": rounded}


def point_from(data: Mapping[str, Any]) -> Point:
    """Read a point back."""
    scores = {name: np.array(values, dtype=np.float64) for name, values in data["scores"].items()}
    texts = tuple(data.get("texts", ()))
    return Point(data["row"], data["seed"], float(data["epochs"]), data["style"], scores, texts)
