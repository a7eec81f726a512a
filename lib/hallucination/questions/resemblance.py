"""Experiment 2 (§7.2), the measure: how much an answer resembles common false answers, letter by letter.

The paper scores an answer by Gestalt pattern matching (Python's difflib)
with the incorrect reference it matches best.  Here the true references are
scored beside them; :mod:`hallucination.questions.controls` asks what else
moves the number.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

import numpy as np
from numpy.typing import NDArray

from hallucination.questions.datasets import Asked, Benchmark

Floats = NDArray[np.float64]

MEASURES = ("wrong", "right", "length")


def ratio(text: str, reference: str) -> float:
    """Return the share of letters that lie in common blocks, 2M/(|a|+|b|), from 0 to 1, letter case ignored.

    The order matters.  The search for blocks is greedy and breaks ties by
    position, and difflib leaves frequent letters of its second argument out
    of the search when that has 200 characters or more.  The answer comes
    first, as in the published code, so that only a long reference could
    set that off.
    """
    return SequenceMatcher(None, text.lower(), reference.lower()).ratio()


def resemblance(text: str, references: Sequence[str]) -> float:
    """Return the largest ratio of `text` with one of `references`.

    Raises
    ------
    ValueError
        If there is no reference.
    """
    if not references:
        raise ValueError(f"an answer is compared with one reference or more; got none for {text!r}")
    return max(ratio(text, reference) for reference in references)


@dataclass(frozen=True)
class Scores:
    """One answer's resemblance to its question's false and true references, and its length in characters."""

    wrong: float
    right: float
    length: int


def score(text: str, asked: Asked, cut: int | None = None) -> Scores:
    """Score an answer, or its first `cut` characters, by the references of the question `asked`.

    Raises
    ------
    ValueError
        If `cut` is negative.
    """
    part = text if cut is None else cut_at(text, cut)
    return Scores(resemblance(part, asked.incorrect), resemblance(part, asked.right), len(part))


def cut_at(text: str, length: int) -> str:
    """First `length` characters of `text`, or all of it if it is shorter.

    Raises
    ------
    ValueError
        If `length` is negative.
    """
    if length < 0:
        raise ValueError(f"a text is cut at 0 characters or more; got {length}")
    return text[:length]


def score_all(texts: Sequence[str], benchmark: Benchmark, cut: int | None = None) -> dict[str, Floats]:
    """Score one answer to each question.

    Returns
    -------
    dict of arrays of shape (Q,)
        ``wrong``, ``right`` and ``length`` (characters, after the cut), in the order of the questions.

    Raises
    ------
    ValueError
        If there are not as many texts as questions.
    """
    check_count(texts, benchmark)
    rows = [score(text, asked, cut) for text, asked in zip(texts, benchmark.questions, strict=True)]
    return {name: np.array([getattr(row, name) for row in rows], dtype=np.float64) for name in MEASURES}


def check_count(texts: Sequence[str], benchmark: Benchmark) -> None:
    """Refuse answers of which there are not as many as questions.

    Raises
    ------
    ValueError
        With both numbers.
    """
    if len(texts) != len(benchmark.questions):
        raise ValueError(f"{benchmark.name} asks {len(benchmark.questions)} questions; got {len(texts)} answers")
