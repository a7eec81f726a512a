"""Outcomes, controls and verdicts of the checks of §3 and Lemma B.1."""

import pytest
import sympy as sp
import z3

from evidence import only_failing, results_of, told_in_formulas, unclear_or_slow, uncontrolled
from hallucination import claims, verdicts
from hallucination.checks import optimal_mean, preliminaries
from hallucination.checks.prover import prove

EXPECTED = {
    "def-3.1/objective-for-every-target": "fails",
    "def-3.1/objective-with-second-moment": "holds",
    "def-3.1/regret-needs-first-moment": "holds",
    "def-3.1/pins-every-input-on-average": "fails",
    "def-3.1/pins-every-input-conditionally": "holds",
    "def-3.2/constant-bound-twice": "fails",
    "def-3.2/given-constant": "holds",
    "def-3.2/composition": "holds",
    "lem-B.1/loss-splits": "holds",
    "lem-B.1/only-minimiser-for-every-target": "fails",
    "lem-B.1/only-minimiser-with-second-moment": "holds",
    "lem-B.1/no-other-minimiser": "holds",
    "lem-B.1/excess-loss-is-squared-distance": "holds",
    "lem-B.1/nearest-answer-is-best": "holds",
    "lem-B.1/stationary-only": "fails",
    "lem-B.1/stationary-and-convex": "holds",
    "lem-B.1/last-line-with-random-target": "fails",
    "lem-B.1/last-line-with-a": "holds",
    "lem-B.1/gradient-under-the-integral": "holds",
}
VERDICTS = {
    "def-3.1": ("holds after repair", "no proof printed"),
    "def-3.2": ("holds after repair", "no proof printed"),
    "lem-B.1": ("holds after repair", "holds after repair"),
}


@pytest.fixture(scope="module")
def results():
    return results_of(*VERDICTS)


def test_outcomes_are_as_listed(results):
    assert {i: r.outcome for i, r in results.items()} == EXPECTED


def test_every_control_fails(results):
    assert uncontrolled(results) == []


def test_every_outcome_has_a_reason_and_is_quick(results):
    assert unclear_or_slow(results) == []


@pytest.mark.parametrize("claim", VERDICTS)
def test_verdicts(results, claim):
    row = verdicts.of_claim(claims.find(claim), results.values())
    assert (row["statement"], row["proof"]) == VERDICTS[claim]


def test_every_failing_function_can_hold():
    assert only_failing(EXPECTED) == set()


@pytest.mark.parametrize("tail", [3, 4, 7])
def test_moments_of_the_power_laws(tail):
    assert preliminaries.pareto_moment(tail, 0) == 1
    assert preliminaries.pareto_moment(tail, 1) == sp.Rational(tail, tail - 1)
    assert preliminaries.pareto_moment(tail, 2) == sp.Rational(tail, tail - 2)


def test_moments_at_the_edge_are_infinite():
    assert preliminaries.pareto_moment(1, 1) == preliminaries.pareto_moment(2, 2) == sp.oo


def test_a_target_with_a_second_moment_stands_for_all():
    law = preliminaries.target_with("second moment")
    loss = preliminaries.loss_at(sp.Symbol("v", real=True), law)
    assert law.first.is_Symbol and law.second.is_Symbol and loss.is_finite is True
    assert preliminaries.loss_at(law.first, law._replace(second=sp.oo)).is_finite is False


def test_control_says_that_the_target_has_no_mean():
    found = optimal_mean.mean_is_only_minimiser("nothing")
    assert found.verb == "fails" and "no mean" in found.detail and "oo" not in found.detail


def test_vanishing_is_three_valued():
    gap = optimal_mean.mean_gap(1)
    assert optimal_mean.vanishes(gap) is True and optimal_mean.vanishes(optimal_mean.mean_gap(3)) is False
    hidden = sp.MatrixSymbol("V", 1, 1) * 0
    assert optimal_mean.vanishes(hidden) is True
    d = sp.Symbol("d", integer=True, positive=True)
    V, M = sp.MatrixSymbol("V", d, 1), sp.MatrixSymbol("M", d, 1)
    assert optimal_mean.vanishes(V.T * V - 9 * M.T * M) is None


def test_prover_refuses_contradictory_hypotheses():
    x = z3.Real("x")
    with pytest.raises(ValueError, match="contradict each other"):
        prove([x > 0, x < 0], x == 1, "anything")


def test_prover_says_undecided_when_it_runs_out_of_time(monkeypatch):
    answers = iter([z3.sat, z3.unknown])
    monkeypatch.setattr(z3.Solver, "check", lambda self: next(answers))
    assert prove([], z3.BoolVal(True), "").verb == "undecided"


def test_prover_reports_the_counterexample():
    x = z3.Real("x")
    outcome = prove([x >= 2, x <= 2], x == 1, "")
    assert (outcome.verb, outcome.detail) == ("fails", "x = 2")


def test_prover_tells_the_counterexample_as_a_sentence():
    x, y = z3.Reals("x y")
    outcome = prove([x >= -2, x <= -2], x == 1, "", "{x} it is, and {y} is free")
    assert (outcome.verb, outcome.detail) == ("fails", "−2 it is, and 0 is free")
    assert y.decl().name() == "y"


def test_failing_details_are_sentences(results):
    assert told_in_formulas(results) == []
