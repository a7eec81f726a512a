"""Experiment 2 (§7.2), hygiene: how near two questions are, and whether ours overlap with TruthfulQA.

Training on questions of the evaluation would spoil it.  The comparison with
TruthfulQA has to work where there is no copy, so `truthfulqa_shingles.txt`
keeps one-way fingerprints of it: truncated hashes of pairs of content words
of each question, and of each answer as a whole.  Order and function words
are lost.  A guessed pair or answer can be confirmed; no text can be read.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cache
from itertools import combinations
from pathlib import Path

from hallucination.questions.datasets import Benchmark
from hallucination.records import write_text

FINGERPRINTS = Path(__file__).with_name("truthfulqa_shingles.txt")
PAIR_DIGITS = 5  # hexadecimal: 2^20 values, against a dozen pairs per question
ANSWER_DIGITS = 8
# A list of our own: the fingerprints in the file depend on it, so no package may change it.
STOP_WORDS = frozenset(
    re.findall(
        r"\w+",
        "a about above after all also am an and any are as at be because been before being between but by can could "
        "did do does doing done during each for from had has have having he her here him his how i if in into is it "
        "its just let many may me mean might more most much must my no not of off on one only or other our out over "
        "own really same say she should so some such than that the their them then there these they this those "
        "through to too under up us very was we were what when where which while who whom whose why will with would "
        "you your",
    )
)


@cache
def content_words(text: str) -> frozenset[str]:
    """Words of `text` in lower case without stop words; a final s is dropped, for plurals."""
    words = re.findall(r"[a-z0-9]+", text.lower().replace("'s", "").replace("’s", ""))
    return frozenset(w.removesuffix("s") if len(w) > 3 else w for w in words if w not in STOP_WORDS)


def similarity(a: str, b: str) -> float:
    """Mean of the share of common content words and of common letters, from 0 to 1.

    Words are compared as sets (those in both over those in either), letters
    by difflib's ratio.  Without a common word it is 0: that letters agree
    then says nothing, as they do by half in any two English sentences.
    """
    mine, theirs = content_words(a), content_words(b)
    if not mine & theirs:
        return 0.0
    letters = SequenceMatcher(None, a.lower(), b.lower(), autojunk=False).ratio()
    return (len(mine & theirs) / len(mine | theirs) + letters) / 2


def nearest(questions: Sequence[str], others: Sequence[str]) -> list[tuple[float, int]]:
    """Similarity and position of the nearest of `others` to each question.

    A question is not compared with one at its own position if both arguments are the same object.
    """
    same = questions is others
    return [
        max(((similarity(a, b), k) for k, b in enumerate(others) if not (same and k == i)), default=(0.0, -1))
        for i, a in enumerate(questions)
    ]


def _digest(text: str, digits: int) -> str:
    return hashlib.sha256(f"hallucination:{text}".encode()).hexdigest()[:digits]


def shingles(question: str) -> frozenset[str]:
    """Fingerprints of all unordered pairs of content words; a question with fewer than two gives none."""
    pairs = combinations(sorted(content_words(question)), 2)
    return frozenset(_digest(" ".join(pair), PAIR_DIGITS) for pair in pairs)


def answer_mark(answer: str) -> str:
    """Fingerprint of an answer, letter case and punctuation ignored."""
    return _digest(" ".join(re.findall(r"[a-z0-9]+", answer.lower())), ANSWER_DIGITS)


@dataclass(frozen=True)
class Fingerprints:
    """What is kept of a benchmark: a set of pairs per question, and a mark per answer."""

    questions: frozenset[frozenset[str]]
    answers: frozenset[str]

    def shared(self, question: str) -> float:
        """Return the largest share of pairs that `question` has in common with one of the benchmark's, from 0 to 1.

        Pairs in both over pairs in either, so that neither a question of two
        content words nor a very long one agrees with everything.
        """
        mine = shingles(question)
        return max((len(mine & theirs) / len(mine | theirs) for theirs in self.questions if theirs), default=0.0)

    def has_answer(self, answer: str) -> bool:
        """Whether the benchmark has this very answer, true or false."""
        return answer_mark(answer) in self.answers


def fingerprints(benchmarks: Iterable[Benchmark]) -> Fingerprints:
    """Take the fingerprints of one or several benchmarks together."""
    asked = [question for benchmark in benchmarks for question in benchmark.questions]
    answers = {answer_mark(text) for one in asked for text in (*one.right, *one.incorrect)}
    return Fingerprints(frozenset(shingles(one.question) for one in asked), frozenset(answers))


def write_fingerprints(marks: Fingerprints, path: Path = FINGERPRINTS) -> None:
    """Write a line of pairs per question, an empty line, and one line of all answers; sorted, atomically."""
    lines = sorted("".join(sorted(pairs)) for pairs in marks.questions if pairs)
    write_text(path, "\n".join([*lines, "", "".join(sorted(marks.answers))]) + "\n")


def read_fingerprints(path: Path = FINGERPRINTS) -> Fingerprints:
    """Read what :func:`write_fingerprints` wrote.

    Raises
    ------
    ValueError
        If a line is not made of whole hexadecimal marks.
    """
    *lines, blank, answers = path.read_text("utf8").splitlines() or [""] * 2
    if blank or not all(_whole(line, PAIR_DIGITS) for line in lines) or not _whole(answers, ANSWER_DIGITS):
        raise ValueError(f"{path.name} is damaged: a line is not made of whole marks")
    return Fingerprints(
        frozenset(_cut(line, PAIR_DIGITS) for line in lines),
        _cut(answers, ANSWER_DIGITS),
    )


def _whole(line: str, digits: int) -> bool:
    return len(line) % digits == 0 and re.fullmatch(r"[0-9a-f]*", line) is not None


def _cut(line: str, digits: int) -> frozenset[str]:
    return frozenset(line[k : k + digits] for k in range(0, len(line), digits))
