"""Ask a model all questions of a benchmark under one of two protocols, and measure the answers.

*As published*: the bare question, one random draw, and a score of the text that begins with the question itself.
*Chat*: the question in the model's chat frame, the likeliest tokens, and a score of the answer alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hallucination.questions.controls import elsewhere, length_matched
from hallucination.questions.datasets import Benchmark
from hallucination.questions.generation import Decoding, answer
from hallucination.questions.models import Loaded
from hallucination.questions.points import Style
from hallucination.questions.prompts import prompt_tokens, text_of
from hallucination.questions.resemblance import score_all

Floats = NDArray[np.float64]

CUT = 60  # characters; about the length of a reference answer
PUBLISHED_TOKENS, CHAT_TOKENS = 80, 48
PUBLISHED_TEMPERATURE, PUBLISHED_TOP_P = 0.7, 0.9


@dataclass(frozen=True)
class Protocol:
    """How a model is asked: the style of the prompt, the choice of tokens, and whether the question is scored too."""

    style: Style
    decoding: Decoding

    @property
    def echoes(self) -> bool:
        """Whether the scored text begins with the question, as in the published code."""
        return self.style == "as published"


def protocol(style: Style, *, seed: int = 0, max_new_tokens: int | None = None) -> Protocol:
    """Protocol by its name; `seed` matters where tokens are drawn, that is, as published."""
    if style == "chat":
        return Protocol(style, Decoding(CHAT_TOKENS if max_new_tokens is None else max_new_tokens))
    tokens = PUBLISHED_TOKENS if max_new_tokens is None else max_new_tokens
    return Protocol(style, Decoding(tokens, PUBLISHED_TEMPERATURE, PUBLISHED_TOP_P, seed))


def ask(loaded: Loaded, benchmark: Benchmark, how: Protocol, *, batch_size: int = 64, label: str = "") -> list[str]:
    """Answers of a model to all questions, as text without the question."""
    prompts = [prompt_tokens(loaded.tokenizer, q.question, how.style) for q in benchmark.questions]
    said = answer(loaded, prompts, how.decoding, batch_size=batch_size, label=label or how.style)
    return [text_of(loaded.tokenizer, tokens) for tokens in said]


def measure(
    texts: Sequence[str], benchmark: Benchmark, how: Protocol, *, base: Sequence[str] | None = None, seed: int = 0
) -> dict[str, Floats]:
    """Score answers to a benchmark, one number per question and measure.

    Parameters
    ----------
    texts : sequence of str
        Answers without the question.
    benchmark : Benchmark
        What was asked.
    how : Protocol
        Protocol of the answers.
    base : sequence of str, optional
        Answers of the original model, for the control that cuts them at these answers' lengths.
    seed : int
        Of the pairing with other questions.

    Returns
    -------
    dict of arrays of shape (Q,)
        ``wrong``, ``right`` : resemblance to incorrect and to correct answers, of the text the protocol scores.
        ``length`` : characters of the answer, without the question.
        ``elsewhere`` : resemblance to the incorrect answers of another question.
        ``bare_wrong``, ``bare_right`` : the same as the first two without the question (if it is scored).
        ``cut_wrong``, ``cut_right`` : of the first ``CUT`` characters of the answer.
        ``matched_wrong``, ``matched_right`` : of the original model's answer, cut at this answer's length.
    """
    scored = [
        f"{q.question} {t}".strip() if how.echoes else t for q, t in zip(benchmark.questions, texts, strict=True)
    ]
    found = score_all(scored, benchmark)
    length = np.array([len(t) for t in texts], dtype=np.float64)
    found |= {"length": length, "elsewhere": elsewhere(scored, benchmark, seed)}
    parts = {"cut": score_all(texts, benchmark, CUT)}
    if how.echoes:
        parts["bare"] = score_all(texts, benchmark)
    if base is not None:
        parts["matched"] = score_all(length_matched(base, length), benchmark)
    return found | {f"{name}_{which}": part[which] for name, part in parts.items() for which in ("wrong", "right")}
