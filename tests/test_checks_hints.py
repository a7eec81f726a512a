"""Outcomes, controls and verdicts of the checks of Definition 5.1, Theorem 5.3 and the last sentence of §5."""

from fractions import Fraction as F

import pytest

from evidence import by_reading, only_failing, results_of, told_in_formulas, unclear_or_slow, uncontrolled
from hallucination import claims, errata, verdicts
from hallucination.checks import hints, hints_proof, smoothness

EXPECTED = {
    "def-5.1/equal-answers": "fails",
    "def-5.1/equal-laws": "holds",
    "def-5.1/any-hints": "fails",
    "def-5.1/different-hints": "holds",
    "def-5.1/hints-save-the-spread": "holds",
    "thm-5.3/wide-states-silence-all": "holds",
    "thm-5.3/law-after-estimator": "holds",
    "thm-5.3/law-after-estimator-built": "holds",
    "thm-5.3/any-lipschitz-map": "fails",
    "thm-5.3/optimal-at-X": "holds",
    "thm-5.3/reach-and-separation": "holds",
    "thm-5.3/optimal-everywhere-normal": "fails",
    "thm-5.3/optimal-everywhere-two-sided": "holds",
    "thm-5.3/no-such-estimator": "holds",
    "thm-5.3/edge-of-the-region": "holds",
    "thm-5.3/hinted-state-or-any": "holds",
    "thm-5.3/infinitely-many-laws": "holds",
    "thm-5.3/line-B.8": "holds",
    "thm-5.3/near-the-answer-at-X": "fails",
    "thm-5.3/near-optimal-for-X": "holds",
    "thm-5.3/theorem-5.2-at-the-hints": "fails",
    "thm-5.3/theorem-5.2-at-X": "holds",
    "thm-5.3/radial-map-is-lipschitz": "holds",
    "thm-5.3/radial-map-reaches-the-ball": "holds",
    "thm-5.3/hint-is-usable-iff": "holds",
    "thm-5.3/critical-slopes-are-sharp": "holds",
    "thm-5.3/alone-but-not-together": "holds",
    "thm-5.3/lagrange-identity": "holds",
    "thm-5.3/each-pair-pays": "holds",
    "thm-5.3/two-inputs-are-exact": "holds",
    "thm-5.3/price-is-a-lower-bound": "holds",
    "thm-5.3/proportional-hints-are-exact": "holds",
    "thm-5.3/pinned-excess": "holds",
    "thm-5.3/answer-at-x-is-forced": "holds",
    "sec-5-end/every-target": "fails",
    "sec-5-end/some-targets": "holds",
    "sec-5-end/box-of-targets": "holds",
    "sec-5-end/hinted-and-optimal": "fails",
    "sec-5-end/hinted-and-lipschitz": "holds",
}
VERDICTS = {
    "def-5.1": ("holds after repair", "no proof printed", "holds after repair"),
    "thm-5.3": ("ambiguous", "holds after repair", "ambiguous"),
    "sec-5-end": ("false as printed", "no proof printed", "false as printed"),
}
READINGS = {
    hints.FIRST: "holds as printed",
    hints.SECOND: "holds after repair",
    hints.THIRD: "holds after repair",
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
    assert (row["statement"], row["proof"], row["verdict"]) == VERDICTS[claim]


def test_readings_of_theorem_5_3_differ(results):
    assert by_reading(results, "thm-5.3") == READINGS


def test_a_proof_for_every_dimension_stands_behind_the_repair(results):
    repaired = [r for r in results.values() if r.reading == hints.SECOND and r.form == "repaired"]
    assert "solver" in {r.evidence for r in repaired}


def test_failing_details_are_sentences(results):
    assert told_in_formulas(results) == []


def test_every_failing_function_can_hold():
    assert only_failing(EXPECTED) == set()


def test_every_failing_printed_check_is_in_one_erratum(results):
    mine = [e for e in errata.load().values() if e.claim in VERDICTS]
    refuted = [check for e in mine for check in e.refuted_by]
    assert sorted(refuted) == sorted(i for i, verb in EXPECTED.items() if verb == "fails")
    assert {EXPECTED[check] for e in mine for check in e.repaired_by} == {"holds"}


@pytest.mark.parametrize("states", ["normal", "two-sided"])
def test_optimal_everywhere_tells_the_laws_apart(states):
    assert hints.optimal_everywhere(states, cases=5).verb == ("fails" if states == "normal" else "holds")


def test_a_vacuous_law_is_no_evidence():
    assert hints_proof.optimum_hallucinates(F(4), delta=F(1)).verb == "undecided"


def test_a_box_on_both_sides_of_the_threshold_is_undecided():
    assert hints_proof.box_of_targets(F(3)).verb == "undecided"


def test_a_solver_that_disagrees_decides_nothing(monkeypatch):
    monkeypatch.setattr(smoothness, "joint_slope", lambda *_: 1.0)
    assert smoothness.alone_but_not_together(F(1, 100)).verb == "undecided"


@pytest.mark.parametrize("factor", [0.5, 0.9])
def test_a_smaller_price_is_a_bound_too(factor):
    assert smoothness.price_is_a_lower_bound(factor, cases=10).verb == "holds"
