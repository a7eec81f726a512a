"""The experiment of §7.2 from end to end: fine-tune, and after each kept step ask and measure.

Every point is written to disk when it is known, so that a run that was
stopped goes on where it was.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hallucination.questions.asking import ask, measure, protocol
from hallucination.questions.controls import derangement
from hallucination.questions.datasets import VOICES, Benchmark, OpenQuestion
from hallucination.questions.fine_tuning import Pair, Recipe, Tuned, fine_tune, with_adapter
from hallucination.questions.points import Point, Row, Style, point_from
from hallucination.records import write_json


def pairs_of(questions: Sequence[OpenQuestion], row: Row = "tuned", seed: int = 0) -> list[Pair]:
    """Question-answer pairs to learn: both answers of every question.

    In the row ``"shuffled"`` each question gets both answers of another one:
    the same texts, the same budget, and nothing to learn about any question.
    """
    donors = derangement(len(questions), seed) if row == "shuffled" else range(len(questions))
    return [(q.question, questions[k].answer(v)) for q, k in zip(questions, donors, strict=True) for v in VOICES]


def _among(epochs: float, some: Iterable[float]) -> bool:
    """Whether a number of epochs is one of some, to three digits: a kept step is seldom a round part of an epoch."""
    return any(math.isclose(epochs, e, rel_tol=5e-3) for e in some)


def check_epochs(recipe: Recipe, pairs: int, when: Mapping[Style, Sequence[float] | None]) -> None:
    """Refuse to ask after epochs at which no adapter is kept; `when` is as in :meth:`Experiment.curve`.

    Raises
    ------
    ValueError
        In one line, with the epochs that there are.
    """
    kept = recipe.kept_steps(pairs).values()
    for epochs in [e for asked in when.values() for e in asked or ()]:
        if not _among(epochs, kept):
            known = ", ".join(f"{e:.3g}" for e in kept)
            raise ValueError(f"no adapter is kept after {epochs:g} epochs; they are kept after {known}")


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

        Raises
        ------
        ValueError
            If no adapter is kept after one of the epochs.
        """
        check_epochs(recipe, len(VOICES) * len(questions), when)
        found = list(self.points("base", 0, 0.0, None, list(when)))
        tuned = self.tune(f"{row}-{recipe.seed}", pairs_of(questions, row, recipe.seed), recipe)
        for epochs, adapter in tuned.adapters.items():
            styles: list[Style] = [s for s, at in when.items() if at is None or _among(epochs, at)]
            found += self.points(row, recipe.seed, epochs, adapter, styles)
        return found, tuned.losses

    def _path(self, row: Row, seed: int, epochs: float, style: Style) -> Path:
        asked = f"{self.benchmark.name}-{self.benchmark.sha256[:8]}-{len(self.benchmark.questions)}"
        return self.folder / "points" / asked / f"{row}-{seed}-epoch-{epochs:.3f}-{style.replace(' ', '-')}.json"
