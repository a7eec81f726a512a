"""Experiment 2 (§7.2), the data: open questions to train on, and questions to be asked afterwards.

The paper trains on 300 open-ended questions with two answers each and then
asks the questions of TruthfulQA.  The set in this package is of the same
size and its own: both answers to a question are true and come from one of
two voices, the experiment's latent states.  Since TruthfulQA is not to be
shipped, a smaller set of misconceptions stands in for it where there is no
copy; :mod:`hallucination.questions.truthfulqa` reads a copy.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import AliasChoices, BaseModel, Field

from hallucination.questions.lines import Row, Text, read_lines

Voice = Literal["everyday", "expert"]
VOICES: tuple[Voice, Voice] = ("everyday", "expert")

_FOLDER = Path(__file__).parent


class OpenQuestion(Row):
    """A question with two true answers: what anyone can see, and what a specialist would name."""

    domain: Text
    question: Text
    everyday: Text
    expert: Text

    def answer(self, voice: Voice) -> str:
        """Return the answer of one voice, the target under that latent state."""
        return self.everyday if voice == "everyday" else self.expert


class Asked(Row):
    """A question of an evaluation: its best answer, other true answers, and common false ones."""

    category: Annotated[Text, Field(validation_alias=AliasChoices("domain", "category"))]
    question: Text
    best: Text
    correct: tuple[Text, ...]
    incorrect: Annotated[tuple[Text, ...], Field(min_length=1)]

    @property
    def right(self) -> tuple[str, ...]:
        """All true references: the best answer and the other correct ones, each once."""
        return tuple(dict.fromkeys((self.best, *self.correct)))


@dataclass(frozen=True)
class Benchmark:
    """Questions to be asked, with the identity of the file they come from.

    Attributes
    ----------
    name, version : str
        What the set is called, and which state of it this is.
    sha256 : str
        Of the whole file, also where `questions` is a part of it.
    questions : tuple of Asked
    """

    name: str
    version: str
    sha256: str
    questions: tuple[Asked, ...]

    def head(self, n: int, seed: int) -> Benchmark:
        """Draw `n` questions without replacement, and keep their order.

        With one seed a smaller draw is part of a larger one.

        Raises
        ------
        ValueError
            If `n` is below 1 or exceeds the number of questions.
        """
        if not 1 <= n <= len(self.questions):
            raise ValueError(f"cannot draw {n} questions from the {len(self.questions)} of {self.name}")
        drawn = np.sort(np.random.default_rng(seed).permutation(len(self.questions))[:n])
        return replace(self, questions=tuple(self.questions[k] for k in drawn))


def schema(model: type[BaseModel]) -> dict[str, Any]:
    """JSON Schema of one line of a data file."""
    return model.model_json_schema()


def open_questions(n: int | None = None) -> tuple[OpenQuestion, ...]:
    """Return the questions to train on, two true answers to each; or `n` of them, spread evenly over the file.

    Raises
    ------
    ValueError
        If `n` is below 1 or exceeds the number of questions.
    """
    every = read_lines(_FOLDER / "open_questions.jsonl", OpenQuestion)
    if n is None:
        return every
    if not 1 <= n <= len(every):
        raise ValueError(f"cannot take {n} questions from {len(every)}")
    return tuple(every[k * len(every) // n] for k in range(n))


def misconceptions() -> Benchmark:
    """Return the project's own questions about common misconceptions, in place of TruthfulQA."""
    path = _FOLDER / "misconceptions.jsonl"
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return Benchmark("misconceptions", "1", digest, read_lines(path, Asked))
