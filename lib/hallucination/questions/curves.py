"""The experiment of §7.2 from end to end: fine-tune, and after each kept step ask and measure.

Every point is written to disk when it is known, so that a run that was
stopped goes on where it was.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from hallucination.questions.asking import ask, measure, protocol
from hallucination.questions.controls import derangement
from hallucination.questions.datasets import VOICES, Benchmark, OpenQuestion
from hallucination.questions.fine_tuning import Pair, Recipe, Tuned, fine_tune, with_adapter
from hallucination.questions.prompts import Style
from hallucination.records import write_json

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


def pairs_of(questions: Sequence[OpenQuestion], row: Row = "tuned", seed: int = 0) -> list[Pair]:
    """Question-answer pairs to learn: both answers of every question.

    In the row ``"shuffled"`` each question gets both answers of another one:
    the same texts, the same budget, and nothing to learn about any question.
    """
    donors = derangement(len(questions), seed) if row == "shuffled" else range(len(questions))
    return [(q.question, questions[k].answer(v)) for q, k in zip(questions, donors, strict=True) for v in VOICES]


@dataclass(frozen=True)
class Experiment:
    """A model, a benchmark to ask it, and a folder that belongs to this experiment alone.

    Attributes
    ----------
    model : str
        See :func:`hallucination.questions.models.load`.
    benchmark : Benchmark
        What is asked.
    folder : Path
        Where adapters and points go.
    batch_size : int
        Questions asked at a time.
    dtype, device : str
        See :func:`hallucination.questions.models.load`.
    ask_seed : int
        Seed of the published protocol's draws: the same for all models, so that differences are paired.
    """

    model: str
    benchmark: Benchmark
    folder: Path
    batch_size: int = 64
    dtype: str = "auto"
    device: str = "auto"
    ask_seed: int = 0

    def tune(self, name: str, pairs: Sequence[Pair], recipe: Recipe) -> Tuned:
        """Fine-tune the model on pairs, in a folder of the given name; what is there already is not repeated."""
        base = with_adapter(self.model, None, dtype=self.dtype, device=self.device)
        return fine_tune(base, pairs, recipe, self.folder / name, label=f"fine-tuning, {name}")

    def points(
        self, row: Row, seed: int, epochs: float, adapter: Path | None, styles: Sequence[Style]
    ) -> Iterator[Point]:
        """Measure one model under several protocols, or read what was measured before."""
        loaded = None
        for style in styles:
            path = self._path(row, seed, epochs, style)
            if not path.is_file():
                if loaded is None:
                    loaded = with_adapter(self.model, adapter, dtype=self.dtype, device=self.device)
                how = protocol(style, seed=self.ask_seed)
                base = None if row == "base" else next(self.points("base", 0, 0.0, None, [style])).texts
                label = f"asking, {style}, {row}, epoch {epochs:.2g}"
                texts = ask(loaded, self.benchmark, how, batch_size=self.batch_size, label=label)
                scores = measure(texts, self.benchmark, how, base=base)
                point = Point(row, seed, epochs, style, scores, tuple(texts))
                write_json(path, {**point.as_data(), "texts": texts}, indent=None)
            yield point_from(json.loads(path.read_text("utf8")))

    def curve(
        self,
        questions: Sequence[OpenQuestion],
        recipe: Recipe,
        row: Row,
        when: Mapping[Style, Sequence[float] | None],
    ) -> tuple[list[Point], list[float]]:
        """Fine-tune on `questions` and measure at the kept steps.

        Parameters
        ----------
        questions : sequence of OpenQuestion
            What is learned.
        recipe : Recipe
            How.
        row : str
            ``"tuned"``, or the control ``"shuffled"``.
        when : mapping of a protocol's name to epochs
            After how many epochs to ask which way; None asks at every kept step.  The original model is always asked.

        Returns
        -------
        tuple of a list of Point and a list of float
            Points in order of epochs, the original model first, and the loss of every step.
        """
        found = list(self.points("base", 0, 0.0, None, list(when)))
        tuned = self.tune(f"{row}-{recipe.seed}", pairs_of(questions, row, recipe.seed), recipe)
        for epochs, adapter in tuned.adapters.items():
            styles: list[Style] = [s for s, at in when.items() if at is None or epochs in at]
            found += self.points(row, recipe.seed, epochs, adapter, styles)
        return found, tuned.losses

    def _path(self, row: Row, seed: int, epochs: float, style: Style) -> Path:
        asked = f"{self.benchmark.name}-{self.benchmark.sha256[:8]}-{len(self.benchmark.questions)}"
        return self.folder / "points" / asked / f"{row}-{seed}-epoch-{epochs:.3f}-{style.replace(' ', '-')}.json"
