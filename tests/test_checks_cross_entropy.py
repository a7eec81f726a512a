"""Outcomes, controls and verdicts of the checks of Appendix C and Remark 3.1."""

from fractions import Fraction as F

import numpy as np
import pytest
from pydantic import ValidationError
from scipy.stats import norm

from evidence import only_failing, results_of, unclear_or_slow, uncontrolled
from hallucination import checks, claims, errata, verdicts
from hallucination.checks import cross_entropy, cross_entropy_bounds, cross_entropy_proof, decoding
from hallucination.parameters import CrossEntropy

EXPECTED = {
    "def-C.1/value-as-displayed": "fails",
    "def-C.1/value-with-convention": "holds",
    "def-C.1/bregman-losses-share-the-optimum": "holds",
    "thm-C.1/density-in-all-coordinates": "fails",
    "thm-C.1/density-in-free-coordinates": "holds",
    "thm-C.1/optimum-lies-in-no-corner": "holds",
    "thm-C.1/corners-are-dense": "holds",
    "thm-C.1/corner-targets-behave": "holds",
    "thm-C.1/states-may-share-a-corner": "holds",
    "thm-C.1/dirichlet-density-and-mean": "holds",
    "thm-C.1/density-at-optimum-falls": "holds",
    "thm-C.1/smallest-kappa-is-smallest": "holds",
    "thm-C.1/semi-optimal-outputs-hallucinate": "holds",
    "thm-C.1/one-hot-targets-say-nothing": "holds",
    "thm-C.1/risk-without-weight": "fails",
    "thm-C.1/risk-with-weight": "holds",
    "thm-C.1/logarithm-lies-below-its-tangent": "holds",
    "thm-C.1/gibbs-for-every-number-of-classes": "holds",
    "thm-C.1/gaussian-risk-with-fewer-states": "fails",
    "thm-C.1/gaussian-risk-with-as-many-states": "holds",
    "thm-C.1/gaussian-targets-on-the-simplex": "fails",
    "thm-C.1/corner-targets-on-the-simplex": "holds",
    "thm-C.1/centres-as-displayed": "fails",
    "thm-C.1/centres-are-corners": "holds",
    "thm-C.1/normaliser-with-power-one": "fails",
    "thm-C.1/normaliser-with-power-c": "holds",
    "thm-C.1/root-of-logarithm-for-small-delta": "holds",
    "thm-C.1/root-of-logarithm": "fails",
    "thm-C.1/exponential-is-half-delta-squared": "fails",
    "thm-C.1/grows-up-to-d0": "fails",
    "thm-C.1/density-grows-up-to": "holds",
    "thm-C.1/half-delta-squared-always-fails": "holds",
    "thm-C.1/last-two-steps": "holds",
    "thm-C.1/bound-up-to-d0": "fails",
    "thm-C.1/bound-up-to-closed-form": "holds",
    "thm-C.1/bound-up-to-lambert": "holds",
    "thm-C.1/density-at-d0": "holds",
    "thm-C.1/no-delta-from-18-classes": "holds",
    "thm-C.1/no-delta-from-9-classes": "holds",
    "thm-C.1/no-delta-from-17-classes": "holds",
    "rem-3.1/hinted-outputs-at-one": "fails",
    "rem-3.1/hinted-outputs-at-half": "holds",
    "rem-3.1/near-outputs-at-one": "fails",
    "rem-3.1/near-outputs-at-half": "holds",
    "rem-3.1/supported-output-is-near": "holds",
    "rem-3.1/reach-is-sharp": "holds",
    "rem-3.1/diameter-and-average": "holds",
    "rem-3.1/straight-walk-is-lipschitz": "holds",
    "rem-3.1/sampling-is-no-worse-than-data": "holds",
    "rem-3.1/argmax-is-supported": "holds",
    "rem-3.1/decoders-in-enumeration": "holds",
    "rem-3.1/argmax-can-hallucinate": "holds",
    "rem-3.1/corner-tokens-never-hallucinate": "holds",
}
VERDICTS = {
    "def-C.1": ("holds after repair", "no proof printed", "holds after repair"),
    "thm-C.1": ("holds after repair", "false as printed", "holds after repair"),
    "rem-3.1": ("false as printed", "no proof printed", "false as printed"),
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


def test_every_failing_function_can_hold():
    assert only_failing(EXPECTED) == set()


def test_every_printed_failure_is_in_one_erratum_and_is_repaired():
    registry = checks.load()
    mine = [e for e in errata.load().values() if e.claim in VERDICTS]
    failing = sorted(i for i, verb in EXPECTED.items() if verb == "fails" and registry[i].form == "printed")
    assert sorted(check for e in mine for check in e.refuted_by) == failing
    assert all(EXPECTED[check] == "holds" for e in mine for check in e.repaired_by)


def test_what_could_not_be_decided_says_so():
    assert cross_entropy_bounds.next_line_is_no_smaller("density", "density at d₀", F(1, 100)).verb == "undecided"
    assert decoding.outputs_can_all_hallucinate(F(95, 100), F(99, 100)).verb == "undecided"


@pytest.mark.parametrize("delta", [F(1, 2), F(1, 100), F(9, 10)])
@pytest.mark.parametrize("states", [2, 5])
def test_printed_lines_are_those_of_the_paper(states, delta):
    level, spread = float(delta), (states - 1) / states
    d0 = -(states - 1) / (states * np.log(level**2))
    at_d0 = norm.pdf(np.sqrt(spread), scale=np.sqrt(d0))
    lines = {
        "density at d₀": at_d0,
        "with δ²/2": 1 / np.sqrt(-np.pi / np.log(level**2)) * level**2 / 2,
        "with ln(1/δ)": level**2 * np.log(1 / level) / np.sqrt(2 * np.pi),
    }
    for name, value in lines.items():
        assert float(cross_entropy_bounds.displayed(name, states, delta).mid()) == pytest.approx(value)
    assert float(cross_entropy_bounds.displayed("density", states, delta, F(1, 3)).mid()) == pytest.approx(
        norm.pdf(np.sqrt(spread), scale=np.sqrt(1 / 3))
    )


@pytest.mark.parametrize(("states", "first"), [(2, 9), (3, 12), (17, 17)])
def test_first_number_of_classes_for_which_no_delta_is_safe(states, first):
    spread = F(states - 1, states)
    assert cross_entropy_bounds.no_delta_is_safe(first, spread).verb == "holds"
    assert cross_entropy_bounds.no_delta_is_safe(first - 1, spread).verb == "fails"


@pytest.mark.parametrize(("distance", "verb"), [(F(7, 10), "holds"), (F(9, 10), "holds"), (F(1), "fails")])
def test_near_outputs(distance, verb):
    assert decoding.outputs_can_all_hallucinate(distance).verb == verb


def test_the_gaussian_risk_needs_a_state_for_each_class():
    verbs = {(n, c): cross_entropy_proof.gaussian_risk_exists(n, c).verb for n in (2, 4) for c in (n, n + 1)}
    assert verbs == {(2, 2): "holds", (2, 3): "fails", (4, 4): "holds", (4, 5): "fails"}


def test_states_may_share_corners_if_none_takes_all():
    assert cross_entropy.states_may_share_a_corner((0, 1, 1)).verb == "holds"
    assert cross_entropy.states_may_share_a_corner((1, 1, 1)).verb == "fails"


def test_too_few_classes_are_refused_before_anything_runs():
    good = {
        "delta": 0.01,
        "n_states": 3,
        "n_classes": 3,
        "first_weight": 0.4,
        "h_share": 0.5,
        "epsilon": 0.2,
        "n_draws": 100,
        "seed": 0,
    }
    assert CrossEntropy(**good).n_classes == 3
    with pytest.raises(ValidationError, match="a class of its own: n_classes must be at least n_states = 3"):
        CrossEntropy(**{**good, "n_classes": 2})
