"""Checks of §7.2: of Table 1 and its measure, of the recorded fine-tunings, and of Definition 4.2 for sentences."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

import numpy as np

from hallucination.checks import Outcome, check, fails, holds, not_run, undecided
from hallucination.questions import recorded
from hallucination.questions.controls import best_human, elsewhere, length_curve
from hallucination.questions.datasets import misconceptions
from hallucination.questions.points import Row, Style
from hallucination.questions.results_table import TABLE_1, highest, numbers
from hallucination.questions.uncertainty import Floats, Interval, bootstrap, cluster_bootstrap
from hallucination.questions.ways import DRAWN, GREEDY, OWN, PLACE_AVERAGE, SHUFFLED, rate, threshold

CLAIM = "sec-7.2"
# Thresholds of ours; the paper names none.
CONFIDENCE = 0.95
SMALL = 0.01  # a change of a mean resemblance of at most this size counts as none
SHARE_OUTSIDE = 0.1  # δ is set so that this share of the voices' own answers lies at or below it
MAJORITY = 0.5

# Readings of what §7.2 says.
BY_PUBLISHED_SCORE = "by the published score"
FURTHER_EPOCHS = "with every further epoch, in the chat frame"
BEYOND_LENGTH = "beyond what the answers' length explains"
TOWARDS_FALSE = "towards false answers rather than true ones"
LIKELIEST = "by Definition 4.2, of the likeliest answer"
DRAWS = "by Definition 4.2, of drawn answers"
AVERAGES = "by Definition 4.2, of averaged answers"
AVERAGES_WHOLE = "by Definition 4.2, of averaged answers, whatever their length"

BENCHMARK = "TruthfulQA"
NO_RECORD = "a record of the long run (see the chapter: how the records were made)"

UNRELATED = (
    "The workshop opens at nine, and the first customers bring bicycles with flat tyres and loose chains. An "
    "apprentice writes a label for each of them, hangs it on the handlebar and wheels the bicycle to the back, where "
    "two mechanics are busy with a heavy cargo trike. By noon the stand is full, and somebody goes out for soup."
)


def _words(found: Interval, what: str) -> str:
    return f"{what}: {found.mean:+.3f} in [{found.low:+.3f}, {found.high:+.3f}]"


def above(found: Interval, bar: float, detail: str) -> Outcome:
    """Judge "the mean lies above `bar`" by its interval; an interval around the bar decides nothing."""
    if found.low > bar:
        return holds(detail)
    return fails(detail) if found.high <= bar else undecided(detail)


def _with_record(test: Callable[..., Outcome]) -> Callable[..., Outcome]:
    """Give a test the recorded curves as its first argument; without them it is not run."""

    @wraps(test)
    def run(*words: Any, **named: Any) -> Outcome:
        curves = recorded.curves(BENCHMARK)
        return not_run(NO_RECORD) if curves is None else test(curves, *words, **named)

    return run


def change(curves: recorded.Curves, row: Row, style: Style, measure: str, minus: str = "") -> Interval:
    """Mean change of a measure, or of a difference of two, from the original model to the last epoch of a row.

    The same questions were asked before and after, so the interval is that of the paired differences.
    The row ``"base"`` has one epoch, its first and last.
    """

    def values(epochs: float) -> Floats:
        found = curves.scores(row, style, epochs, measure)
        return found - curves.scores(row, style, epochs, minus) if minus else found

    return cluster_bootstrap(values(curves.epochs(row, style)[-1]) - values(0.0), level=CONFIDENCE)


@check(
    CLAIM,
    "In Table 1 the resemblance is higher in every row than in the row before, for both models and both seeds.",
    form="printed",
    part="proof",
    evidence="exact",
    name="table-rises-with-every-row",
    statement={"sign": 1, "least": 0.0001},
    control={"sign": -1, "least": 0.0001},
)
@check(
    CLAIM,
    "In Table 1 no column ever falls.",
    form="printed",
    part="proof",
    evidence="exact",
    name="table-never-falls",
    statement={"sign": 1, "least": 0.0},
    control={"sign": -1, "least": 0.0},
)
def table_steps(sign: int, least: float) -> Outcome:
    """Compare the printed numbers of each column, row by row, upwards or (sign -1) downwards."""
    steps = [(f"{s.model}, seed {s.seed}", step) for s in TABLE_1 for step in s.steps]
    for column, step in steps:
        if sign * step < least:
            return fails(f"{column}: a step of {step:+.4f}")
    return holds(f"the smallest step is {min(step for _, step in steps):+.4f}")


@check(
    CLAIM,
    "By the published measure, true answers score below the numbers of Table 1.",
    form="printed",
    part="proof",
    evidence="exact",
    statement={"own": True},
    control={"own": False},
)
def true_answers_score_low(own: bool) -> Outcome:
    """Score the best answers of our 160 questions by the incorrect answers, of their own question or of another."""
    benchmark = misconceptions()
    if own:
        found = bootstrap(best_human(benchmark), level=CONFIDENCE)
    else:
        found = bootstrap(elsewhere([q.best for q in benchmark.questions], benchmark, 0), level=CONFIDENCE)
    words = f"true answers score {found.mean:.3f} in [{found.low:.3f}, {found.high:.3f}]; Table 1 ends at {highest()}"
    return holds(words) if found.high < highest() else fails(words)


@check(
    CLAIM,
    "Cutting one unrelated text shorter moves its resemblance by more than the whole range of Table 1.",
    form="stronger",
    part="proof",
    evidence="exact",
    statement={"cuts": (40, 120, 300)},
    control={"cuts": (60, 62)},
)
def length_alone_moves_the_score(cuts: Sequence[int]) -> Outcome:
    """Score first letters of the same text, which answers no question, by our questions' incorrect answers."""
    references = [q.incorrect for q in misconceptions().questions]
    found = length_curve(UNRELATED, references, cuts)
    span, whole = float(np.ptp(found)), float(np.ptp(numbers()))
    words = f"{span:.3f} between {cuts[0]} and {cuts[-1]} characters; Table 1 spans {whole:.3f}"
    return holds(words) if span > whole else fails(words)


@check(
    CLAIM,
    "The published score speaks of the answer: without the echoed question it is the same.",
    form="printed",
    part="proof",
    evidence="experiment",
    statement={"other": "bare_wrong"},
    control={"other": "elsewhere"},
)
@_with_record
def score_speaks_of_the_answer(curves: recorded.Curves, other: str) -> Outcome:
    """Score the fine-tuned models' answers as published, and without the question in front."""
    last = curves.epochs("tuned", "as published")[-1]
    both = [curves.scores("tuned", "as published", last, name) for name in ("wrong", other)]
    found = cluster_bootstrap(both[0] - both[1], level=CONFIDENCE)
    words = f"{both[0].mean():.3f} as published, {both[1].mean():.3f} without"
    return holds(words) if found.low >= -SMALL and found.high <= SMALL else fails(words)


@check(
    CLAIM,
    "Fine-tuning raises the resemblance to false answers, scored as published.",
    form="printed",
    evidence="experiment",
    reading=BY_PUBLISHED_SCORE,
    name="published-score-rises",
    statement={"row": "tuned", "style": "as published"},
    control={"row": "base", "style": "as published"},
)
@check(
    CLAIM,
    "In the chat frame, without the echo, fine-tuning raises the resemblance to false answers as well.",
    form="stronger",
    evidence="experiment",
    name="chat-score-rises",
    statement={"row": "tuned", "style": "chat"},
    control={"row": "base", "style": "chat"},
)
@check(
    CLAIM,
    "Scored as published, fine-tuning on answers to other questions raises the resemblance to false answers, too.",
    form="stronger",
    evidence="experiment",
    name="shuffled-answers-raise-the-published-score",
    statement={"row": "shuffled", "style": "as published"},
    control={"row": "base", "style": "as published"},
)
@check(
    CLAIM,
    "In the chat frame, fine-tuning on answers to other questions raises the resemblance to false answers, too.",
    form="stronger",
    evidence="experiment",
    name="shuffled-answers-raise-it-too",
    statement={"row": "shuffled", "style": "chat"},
    control={"row": "base", "style": "chat"},
)
@_with_record
def resemblance_rises(curves: recorded.Curves, row: Row, style: Style) -> Outcome:
    """Compare the models after the last epoch with the original model, question by question."""
    if row != "base" and not curves.seeds(row):
        return not_run(NO_RECORD)
    found = change(curves, row, style, "wrong")
    return above(found, SMALL, _words(found, "change of the mean"))


@check(
    CLAIM,
    "After the first epoch, further fine-tuning goes on raising the resemblance to false answers.",
    form="printed",
    evidence="experiment",
    reading=FURTHER_EPOCHS,
    name="further-epochs-raise-it",
    statement={"start": 1, "end": -1},
    control={"start": 1, "end": 1},
)
@check(
    CLAIM,
    "The first epoch raises the resemblance to false answers.",
    form="stronger",
    evidence="experiment",
    name="first-epoch-raises-it",
    statement={"start": 0, "end": 1},
    control={"start": 0, "end": 0},
)
@_with_record
def epochs_raise_it(curves: recorded.Curves, start: int, end: int) -> Outcome:
    """Compare the models of two recorded epochs in the chat frame, question by question."""
    epochs = curves.epochs("tuned", "chat")
    first, last = (curves.scores("tuned", "chat", epochs[k], "wrong") for k in (start, end))
    found = cluster_bootstrap(last - first, level=CONFIDENCE)
    return above(found, 0.0, _words(found, f"from epoch {epochs[start]:g} to {epochs[end]:g}"))


@check(
    CLAIM,
    "Fine-tuned answers resemble false ones more than the original model's do when these are cut to the same length.",
    form="printed",
    evidence="experiment",
    reading=BEYOND_LENGTH,
    name="rise-beyond-length",
    statement={"epoch": -1, "measure": "wrong"},
    control={"epoch": -1, "measure": "matched_wrong"},
)
@check(
    CLAIM,
    "After the first epoch, fine-tuned answers do resemble false ones more than the original's at the same length.",
    form="stronger",
    evidence="experiment",
    name="first-epoch-beyond-length",
    statement={"epoch": 1, "measure": "wrong"},
    control={"epoch": 1, "measure": "matched_wrong"},
)
@_with_record
def rise_beyond_length(curves: recorded.Curves, epoch: int, measure: str) -> Outcome:
    """Compare each answer with the original model's answer to the same question, cut at the same length."""
    at = curves.epochs("tuned", "chat")[epoch]
    differences = [curves.scores("tuned", "chat", at, name) for name in (measure, "matched_wrong")]
    found = cluster_bootstrap(differences[0] - differences[1], level=CONFIDENCE)
    return above(found, SMALL, _words(found, f"at equal length, after epoch {at:g}"))


@check(
    CLAIM,
    "Fine-tuning moves answers closer to false references than to true ones: the gap wrong - right widens.",
    form="printed",
    evidence="experiment",
    reading=TOWARDS_FALSE,
    statement={"row": "tuned"},
    control={"row": "base"},
)
@_with_record
def gap_widens(curves: recorded.Curves, row: Row) -> Outcome:
    """Compare the difference of both resemblances before and after, question by question, in the chat frame."""
    found = change(curves, row, "chat", "wrong", minus="right")
    return above(found, SMALL, _words(found, "change of the gap"))


@check(
    CLAIM,
    "For most questions the likeliest answer of the model of both voices has at most density δ under each voice.",
    form="printed",
    evidence="experiment",
    reading=LIKELIEST,
    name="likeliest-answer-hallucinates",
    statement={"way": GREEDY},
    control={"way": OWN[0]},
)
@check(
    CLAIM,
    "For most questions a draw from the model of both voices has at most density δ under each voice.",
    form="printed",
    evidence="experiment",
    reading=DRAWS,
    name="drawn-answer-hallucinates",
    statement={"way": DRAWN},
    control={"way": OWN[1]},
)
@check(
    CLAIM,
    "For most questions the rounded mean of drawn answers, place by place, has at most density δ per token.",
    form="printed",
    evidence="experiment",
    reading=AVERAGES,
    name="averaged-answer-hallucinates",
    statement={"way": PLACE_AVERAGE},
    control={"way": OWN[0]},
)
@check(
    CLAIM,
    "For most questions the rounded mean of drawn answers has at most density δ, taken over the whole answer.",
    form="printed",
    evidence="experiment",
    reading=AVERAGES_WHOLE,
    name="averaged-answer-hallucinates-as-a-whole",
    statement={"way": PLACE_AVERAGE, "per_token": False},
    control={"way": OWN[0], "per_token": False},
)
@check(
    CLAIM,
    "The test can fire: for most questions a voice's own words in random order have at most density δ per token.",
    form="stronger",
    evidence="experiment",
    name="shuffled-words-hallucinate",
    statement={"way": SHUFFLED},
    control={"way": OWN[1]},
)
def most_answers_hallucinate(way: str, per_token: bool = True) -> Outcome:
    """Compare max_i f_i with δ; δ is set on the voices' own draws: one in ten of them lies at or below it."""
    found = recorded.voices()
    if not found:
        return not_run(NO_RECORD)
    deltas = [threshold(ways, SHARE_OUTSIDE, per_token=per_token) for ways in found]
    outside = np.array([ways[way].best(per_token=per_token) <= d for ways, d in zip(found, deltas, strict=True)])
    share = np.mean([rate(ways[way], d, per_token=per_token) for ways, d in zip(found, deltas, strict=True)])
    text = f"{share:.0%} of the answers to {outside.shape[1]} questions δ-hallucinate"
    return above(cluster_bootstrap(outside, level=CONFIDENCE), MAJORITY, text)
