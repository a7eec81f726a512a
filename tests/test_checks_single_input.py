"""Outcomes, controls and verdict of the checks of Theorem 5.1, and its errata."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from evidence import only_failing, results_of, told_in_formulas, unclear_or_slow, uncontrolled
from hallucination import claims, errata, verdicts
from hallucination.checks import single_input as statement
from hallucination.checks import single_input_border as border
from hallucination.checks import single_input_last_state as last_state
from hallucination.checks import single_input_proof as proof
from hallucination.constructions import separated_gaussians
from hallucination.mixtures import Mixture
from hallucination.states import Gaussian

CLAIM = "thm-5.1"
FAILING = {
    "density-with-X",
    "exponent-without-inverse",
    "first-states-as-printed",
    "root-as-printed",
    "balance-with-p_n",
    "determinant-as-printed",
    "conclusion-as-printed",
    "one-state-as-printed",
}
HOLDING = {
    "printed": {
        "wide-states-hallucinate",
        "means-exist",
        "rest-of-b4",
        "mean-of-the-target",
        "line-2-of-b6",
        "power-in-b6",
    },
    "repaired": {
        "density-with-a",
        "exponent-with-inverse",
        "first-states-repaired",
        "repaired-first-state",
        "root-repaired",
        "balance-with-p_N",
        "determinant-repaired",
        "conclusion-repaired",
        "one-state-repaired",
    },
    "stronger": {
        "one-normal-state-needs-vacuity",
        "widest-scale-meets-quantile",
        "means-average-to-centre",
        "mean-is-outside",
        "separated-states-hallucinate",
        "mean-outside-balls",
        "ball-states-hallucinate",
        "one-state-on-two-balls",
        "other-shapes-fade",
        "two-distances",
        "border-of-two-states",
        "border-without-a-scale",
        "border-grows-with-dimension",
        "any-covariances-without-a-scale",
        "ellipsoids-at-delta",
        "ellipsoids-without-a-scale",
        "a-box-that-hallucinates",
        "a-box-that-does-not",
        "printed-mean-works-exactly-if",
        "printed-last-state-fails-exactly-if",
        "last-state-is-vacuous",
    },
}
EXPECTED = {f"{CLAIM}/{name}": "fails" for name in FAILING} | {
    f"{CLAIM}/{name}": "holds" for names in HOLDING.values() for name in names
}


@pytest.fixture(scope="module")
def results():
    return results_of(CLAIM)


def test_outcomes_are_as_listed(results):
    assert {i: r.outcome for i, r in results.items()} == EXPECTED


def test_forms_are_as_listed(results):
    for form, names in HOLDING.items():
        assert {r.id for r in results.values() if r.form == form and r.outcome == "holds"} == {
            f"{CLAIM}/{name}" for name in names
        }


def test_every_control_fails(results):
    assert uncontrolled(results) == []


def test_every_outcome_has_a_reason_and_is_quick(results):
    assert unclear_or_slow(results) == []


def test_failing_details_are_sentences(results):
    assert told_in_formulas(results) == []


def test_verdict(results):
    row = verdicts.of_claim(claims.find(CLAIM), results.values())
    assert (row["statement"], row["proof"]) == ("holds as printed", "holds after repair")
    assert row["verdict"] == "holds after repair"


def test_every_failing_function_can_hold():
    assert only_failing(EXPECTED) == set()


def test_each_failing_line_is_in_one_erratum_and_each_repair_holds(results):
    mine = [e for e in errata.load().values() if e.claim == CLAIM]
    refuted = [i for e in mine for i in e.refuted_by]
    assert sorted(refuted) == sorted(f"{CLAIM}/{name}" for name in FAILING)
    assert {results[i].outcome for e in mine for i in e.repaired_by} == {"holds"}
    assert all(results[i].form == "printed" for i in refuted)


# The enclosures -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("covariance", [0.3, [0.3, 2.0], [[2.0, 0.3], [0.3, 1.0]]])
def test_enclosures_hold_the_densities_at_the_mean(covariance):
    p, centres = [0.25, 0.75], np.array([[1.0, -2.0], [4.0, 0.5]])
    law = Mixture(p, [Gaussian(c, covariance) for c in centres])
    full = np.asarray(covariance) if np.ndim(covariance) == 2 else np.diag(np.broadcast_to(covariance, 2))
    for found, centre in zip(statement.log_densities_at_mean(law), centres, strict=True):
        assert found.rad() < 1e-12
        assert float(found.mid()) == pytest.approx(multivariate_normal(centre, full).logpdf(p @ centres))


def test_exact_mean_does_not_feel_the_rounding_of_weights():
    law = Mixture([0.1] * 10, [Gaussian([float(k)]) for k in range(10)])
    assert float((statement.exact_mean(law)[0] - 4.5).abs_upper()) < 1e-14


def test_contracting_keeps_the_mean():
    law = separated_gaussians([0.2, 0.8], 0.01, 0.1, 3)
    near = statement.contracted(law, 0.5)
    np.testing.assert_allclose(near.mean, law.mean, atol=1e-12)
    np.testing.assert_allclose(near.state_means, law.state_means / 2, atol=1e-12)


# A wrong construction is caught -------------------------------------------------------------------------------------


def test_a_wrong_library_is_caught(monkeypatch):
    """Swap the printed law in for the repaired one, and shrink the separated ones: the checks must notice."""
    monkeypatch.setattr(proof, "repaired_single_input", proof.printed_single_input)
    assert proof.below_delta("repaired", [proof.WIDE_FIRST]).verb == "fails"
    assert last_state.conclusion("repaired", [proof.LIGHT_FIRST]).verb == "fails"
    right = separated_gaussians
    monkeypatch.setattr(statement, "separated_gaussians", lambda *args: statement.contracted(right(*args), 0.2))
    assert statement.separated_states_hallucinate().verb == "fails"
    for factor in (0.5, 2.0):  # too wide for δ, so mass is lost; or too near for δ
        monkeypatch.setattr(
            statement, "separated_gaussians", lambda p, delta, eta, d, f=factor: right(p, f * delta, eta, d)
        )
        assert statement.separated_states_hallucinate().verb == "fails"
    monkeypatch.setattr(statement, "separated_gaussians", right)
    assert statement.separated_states_hallucinate().verb == "holds"


def test_a_box_across_the_border_is_left_open():
    assert (
        border.box_of_laws(5, True).verb == "fails"
    )  # at separation 5 some law of the box is certain to be supported
    wide = border.box_of_laws(6, True, delta=proof.HUNDREDTH * 100)
    assert wide.verb == "undecided" and "vacuous" in wide.detail


@pytest.mark.parametrize(
    ("p1", "variance", "level"), [(0.5, 2.0, 0.01), (0.5, 0.5, 0.2), (0.01, 1.0, 0.01), (0.2, 9, 0.1)]
)
def test_exact_failure_regions_agree_with_the_library(p1, variance, level):
    """Compare the formulas of the two symbolic checks with the printed law itself, N = 2 and d = 1."""
    law = proof.printed_single_input([p1, 1 - p1], [variance], level)
    radicand = -2 * np.log(level) - np.log(variance)
    first = radicand * (1 - variance**-2) <= np.log(2 * np.pi)
    square = (p1 / (1 - p1)) ** 2 * radicand / variance
    last = square >= level**2 * (-4 * np.log(level) - np.log(2 * np.pi))
    assert [bool(x) for x in law.state_log_densities([0.0]) <= np.log(level)] == [first, last]
