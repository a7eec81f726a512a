"""Experiment 2 (§7.2), what else moves the resemblance: length, words in common, and the order of the arguments.

An answer can come to resemble false references because it became shorter,
or because true and false references share most words.  The controls: the
references of another question, each question's own true answer, answers
cut to equal lengths, and one unrelated text cut at many.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from hallucination.questions.datasets import Benchmark
from hallucination.questions.resemblance import check_count, cut_at, ratio, resemblance

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def derangement(n: int, seed: int) -> Ints:
    """Return a random permutation of 0, …, n-1 without a fixed point: one cycle through all.

    Raises
    ------
    ValueError
        If `n` is below 2.
    """
    if n < 2:
        raise ValueError(f"only two questions or more can change places; got {n}")
    order = np.random.default_rng(seed).permutation(n)
    partner = np.empty(n, dtype=np.int64)
    partner[order] = np.roll(order, -1)
    return partner


def elsewhere(texts: Sequence[str], benchmark: Benchmark, seed: int) -> Floats:
    """Resemblance of each answer to the incorrect references of another question, shape (Q,).

    Each question lends its references to exactly one other, so the references as a whole stay the same.
    """
    check_count(texts, benchmark)
    asked = [benchmark.questions[k] for k in derangement(len(texts), seed)]
    return np.array([resemblance(text, other.incorrect) for text, other in zip(texts, asked, strict=True)])


def best_human(benchmark: Benchmark) -> Floats:
    """Resemblance of each question's own best, true answer to its incorrect references, shape (Q,).

    What an answerer without fault would score by the paper's measure.
    """
    return np.array([resemblance(asked.best, asked.incorrect) for asked in benchmark.questions])


def asymmetry(texts: Sequence[str], references: Sequence[Sequence[str]]) -> float:
    """Mean absolute change of the ratio when text and reference change places, over all pairs.

    Parameters
    ----------
    texts : sequence of Q texts
    references : sequence of Q reference lists
        Those with which each text is compared.

    Raises
    ------
    ValueError
        If there are not as many lists as texts, or no pair at all.
    """
    pairs = [(a, b) for a, those in zip(texts, references, strict=True) for b in those]
    if not pairs:
        raise ValueError("there is no pair of text and reference to compare")
    return float(np.mean([abs(ratio(a, b) - ratio(b, a)) for a, b in pairs]))


def length_curve(text: str, references: Sequence[Sequence[str]], cuts: Sequence[int]) -> Floats:
    """Mean resemblance of one text, cut at each of `cuts` characters, to Q reference lists, shape (len(cuts),)."""
    return np.array([np.mean([resemblance(cut_at(text, cut), those) for those in references]) for cut in cuts])


def length_matched(texts: Sequence[str], lengths: Iterable[float]) -> list[str]:
    """Cut each text at the length of its counterpart: the original model's answers, as short as the tuned one's.

    A text that is shorter than its counterpart stays as it is.
    """
    return [cut_at(text, int(length)) for text, length in zip(texts, lengths, strict=True)]
