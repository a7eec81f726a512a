"""Outcomes, controls and verdict of the checks of §7.2."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from evidence import by_reading, only_failing, results_of, told_in_formulas, unclear_or_slow, uncontrolled
from hallucination import claims, errata, verdicts
from hallucination.checks import questions as judge
from hallucination.questions import recorded
from hallucination.questions.uncertainty import Interval

CLAIM = "sec-7.2"
EXPECTED = {
    "table-rises-with-every-row": "fails",
    "table-never-falls": "holds",
    "true-answers-score-low": "fails",
    "length-alone-moves-the-score": "holds",
    "score-speaks-of-the-answer": "fails",
    "published-score-rises": "holds",
    "chat-score-rises": "holds",
    "shuffled-answers-raise-the-published-score": "holds",
    "shuffled-answers-raise-it-too": "holds",
    "further-epochs-raise-it": "fails",
    "first-epoch-raises-it": "holds",
    "rise-beyond-length": "fails",
    "first-epoch-beyond-length": "holds",
    "gap-widens": "holds",
    "likeliest-answer-hallucinates": "fails",
    "drawn-answer-hallucinates": "fails",
    "averaged-answer-hallucinates": "holds",
    "averaged-answer-hallucinates-as-a-whole": "fails",
    "shuffled-words-hallucinate": "holds",
}
READINGS = {
    judge.BY_PUBLISHED_SCORE: "holds numerically",
    judge.FURTHER_EPOCHS: "false as printed",
    judge.BEYOND_LENGTH: "false as printed",
    judge.TOWARDS_FALSE: "holds numerically",
    judge.LIKELIEST: "false as printed",
    judge.DRAWS: "false as printed",
    judge.AVERAGES: "holds numerically",
    judge.AVERAGES_WHOLE: "false as printed",
}


@pytest.fixture(scope="module")
def results():
    return results_of(CLAIM)


def test_outcomes_are_as_listed(results):
    assert {i.removeprefix(f"{CLAIM}/"): r.outcome for i, r in results.items()} == EXPECTED


def test_every_control_fails(results):
    assert uncontrolled(results) == []
    assert all(r.counts for r in results.values())


def test_every_outcome_has_a_reason_and_is_quick(results):
    assert unclear_or_slow(results) == []


def test_verdicts(results):
    row = verdicts.of_claim(claims.find(CLAIM), results.values())
    assert (row["statement"], row["proof"], row["verdict"]) == ("ambiguous", "false as printed", "ambiguous")


def test_readings(results):
    assert by_reading(results, CLAIM) == READINGS


def test_failing_details_are_sentences(results):
    assert told_in_formulas(results) == []


def test_failing_functions_can_hold():
    outcomes = {f"{CLAIM}/{i}": verb for i, verb in EXPECTED.items()}
    never = only_failing(outcomes)
    assert {f.__name__ for f in never} <= {"true_answers_score_low", "score_speaks_of_the_answer"}


def test_every_failing_printed_check_is_in_one_erratum(results):
    mine = [e for e in errata.load().values() if e.claim == CLAIM]
    refuted = sorted(check for e in mine for check in e.refuted_by)
    printed = [i for i, r in results.items() if r.outcome == "fails" and r.form == "printed"]
    assert refuted == sorted(printed)


def test_functions_that_fail_on_the_record_hold_on_other_records(monkeypatch):
    """Bare scores equal to the published ones, and a measure by which true answers score low."""
    one = recorded.curves(judge.BENCHMARK)
    assert one is not None
    monkeypatch.setattr(judge, "highest", lambda: 0.99)
    assert judge.true_answers_score_low(own=True).verb == "holds"
    assert judge.score_speaks_of_the_answer("wrong").verb == "holds"


@pytest.mark.parametrize(
    ("low", "high", "verb"), [(0.02, 0.1, "holds"), (-0.1, 0.01, "fails"), (0.0, 0.1, "undecided")]
)
def test_an_interval_around_the_bar_decides_nothing(low, high, verb):
    assert judge.above(Interval((low + high) / 2, low, high), judge.SMALL, "").verb == verb


def test_without_records_nothing_is_claimed(monkeypatch, tmp_path: Path):
    def nothing(*_: object) -> None:
        return None

    monkeypatch.setattr(recorded, "curves", nothing)
    monkeypatch.setattr(recorded, "voices", lambda: [])
    outcomes = [
        judge.resemblance_rises("tuned", "chat"),
        judge.gap_widens("tuned"),
        judge.rise_beyond_length(-1, "wrong"),
        judge.score_speaks_of_the_answer("bare_wrong"),
        judge.most_answers_hallucinate("greedy"),
    ]
    assert {o.verb for o in outcomes} == {"not run"}


def test_the_ruler_matters(monkeypatch):
    from hallucination.questions.ways import OWN, Scored

    def way(total: float, tokens: int) -> Scored:
        return Scored("", np.full((2, 50), total), np.full(50, tokens, dtype=float), ("x",) * 50)

    ways = {OWN[0]: way(-20, 10), OWN[1]: way(-20, 10), "long": way(-30, 30), "short": way(-9, 3)}
    monkeypatch.setattr(recorded, "voices", lambda: [ways])
    found = {w: [judge.most_answers_hallucinate(w, per).verb for per in (True, False)] for w in ("long", "short")}
    assert found == {"long": ["fails", "holds"], "short": ["holds", "fails"]}
