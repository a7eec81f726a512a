"""Outcomes, controls and verdicts of the checks of §4, the sentence in §1 and Figure 2."""

from fractions import Fraction as F

import pytest
from flint import arb
from scipy.stats import norm

from evidence import by_reading, only_failing, results_of, told_in_formulas, unclear_or_slow, uncontrolled
from hallucination import claims, verdicts
from hallucination.checks import enclosures, hallucination, latent_states, neighbourhood, plausibility

EXPECTED = {
    "def-4.1/conditional-density-of-every-state": "fails",
    "def-4.1/conditional-density-of-possible-states": "holds",
    "def-4.1/mixing-gives-back-the-target": "holds",
    "rem-4.1/mixes-the-states": "holds",
    "rem-4.1/one-state-one-mode": "fails",
    "rem-4.1/modes-from-states": "holds",
    "rem-4.1/states-without-modes": "holds",
    "def-4.2/any-version": "fails",
    "def-4.2/continuous-version": "holds",
    "def-4.2/unit-and-value": "fails",
    "def-4.2/unit-and-rank": "holds",
    "def-4.2/unit-and-converted-delta": "holds",
    "def-4.2/masses-have-no-unit": "holds",
    "def-4.2/probability-decides-for-densities": "fails",
    "def-4.2/probability-decides-for-masses": "holds",
    "def-4.2/loss-is-low": "fails",
    "def-4.2/least-loss-is-possible": "holds",
    "def-4.2/monotone-in-delta": "holds",
    "def-4.2/mixture-at-most-max": "holds",
    "def-4.2/small-mixture-means-hallucination": "holds",
    "def-4.2/standard-normal-is-vacuous-from": "holds",
    "def-4.2/latent-variable-decides": "holds",
    "def-4.2/region-mass-is-never-vacuous": "holds",
    "def-4.2/mahalanobis-is-affine-invariant": "holds",
    "def-4.2/markov-distance-is-enough": "holds",
    "def-4.2/far-centres-are-atypical": "holds",
    "def-4.2/unit-that-turns-the-verdict": "holds",
    "def-4.2/uniform-answers-are-vacuous": "holds",
    "def-4.2/some-latent-variable-supports": "holds",
    "def-4.2/mean-is-no-answer": "holds",
    "def-4.2/chosen-answer-hallucinates": "holds",
    "rem-4.2/below-every-peak-as-printed": "fails",
    "rem-4.2/below-every-peak": "holds",
    "rem-4.2/lower-mode-hallucinates": "holds",
    "rem-4.2/only-mode-hallucinates": "holds",
    "rem-4.2/two-modes-are-not-enough": "holds",
    "rem-4.2/mode-in-dimension-6": "fails",
    "rem-4.2/mode-in-dimension-5": "holds",
    "rem-4.2/true-answers-are-safe": "holds",
    "sec-1-neighbourhood/neighbourhood-is-threshold": "fails",
    "sec-1-neighbourhood/region-is-threshold": "holds",
    "sec-1-neighbourhood/neighbourhood-catches-fewer": "holds",
    "sec-1-neighbourhood/threshold-catches-more": "holds",
    "sec-1-neighbourhood/region-is-an-ellipsoid": "holds",
    "fig-2/as-posterior": "fails",
    "fig-2/as-probabilities-of-outputs": "fails",
    "fig-2/as-densities": "holds",
    "fig-2/smaller-numbers-fit-all": "holds",
    "fig-2/first-output-is-better": "holds",
    "fig-2/mixture-needs-heavy-category": "holds",
}
VERDICTS = {
    "def-4.1": "holds after repair",
    "rem-4.1": "ambiguous",
    "def-4.2": "ambiguous",
    "rem-4.2": "holds after repair",
    "sec-1-neighbourhood": "ambiguous",
    "fig-2": "ambiguous",
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
    assert verdicts.of_claim(claims.find(claim), results.values())["verdict"] == VERDICTS[claim]


READINGS = {
    "rem-4.1": {
        "several modes come only from Z": "false as printed",
        "several modes can come from Z": "holds as printed",
    },
    "def-4.2": {
        "any version of the density": "false as printed",
        "continuous version of the density": "holds as printed",
        "probability mass": "holds as printed",
    },
    "sec-1-neighbourhood": {
        "distance to the centre of a state": "false as printed",
        "region with density above δ": "holds as printed",
    },
    "fig-2": {
        "densities of the output under each category": "holds as printed",
        "probabilities of the category given the output": "false as printed",
        "probabilities of the output under each category": "false as printed",
    },
}


@pytest.mark.parametrize("claim", READINGS)
def test_readings_differ(results, claim):
    assert by_reading(results, claim) == READINGS[claim]


def test_a_general_repair_stands_behind_remark_4_2(results):
    repaired = [r for r in results.values() if r.claim == "rem-4.2" and r.form == "repaired"]
    assert [r.evidence for r in repaired] == ["solver"]


def test_failing_details_are_sentences(results):
    assert told_in_formulas(results) == []


def test_a_witness_that_does_not_meet_its_premise_is_no_evidence():
    assert hallucination.hallucination_loses_little(0, 1, 2).verb == "undecided"
    assert plausibility.only_mode_hallucinates(F(2)).verb == "undecided"
    assert plausibility.two_modes_are_not_enough(F(1, 2)).verb == "undecided"
    assert plausibility.lower_mode_hallucinates(F(1)).verb == "undecided"


def test_every_failing_function_can_hold():
    elsewhere = {latent_states.one_state_has_few_modes, neighbourhood.neighbourhood_is_threshold}
    assert only_failing(EXPECTED) <= elsewhere
    assert latent_states.one_state_has_few_modes(2, 1).verb == "holds"
    assert neighbourhood.neighbourhood_is_threshold("at most", [F(3)]).verb == "holds"


@pytest.mark.parametrize(("x", "dimension"), [(0, 1), (F(3, 2), 1), (2, 3)])
def test_enclosures_hold_the_true_density(x, dimension):
    true = norm.pdf(float(x)) * norm.pdf(0) ** (dimension - 1)
    assert abs(float(enclosures.phi(x, dimension).mid()) / true - 1) < 1e-12
    assert enclosures.phi(x, dimension).rad() < 1e-12


def test_enclosures_hold_the_true_mass():
    assert float(enclosures.normal_mass(-1, 2).mid()) == pytest.approx(norm.cdf(2) - norm.cdf(-1))


def test_a_wide_enclosure_leaves_the_question_open():
    wide = arb(1, 1)  # between 0 and 2
    assert enclosures.certain(bool(wide > 1), bool(wide <= 1)) is None


@pytest.mark.parametrize(("half_distance", "modes"), [(F(1), 1), (F(101, 100), 2), (F(5), 2)])
def test_modes_agree_with_a_fine_grid(half_distance, modes):
    m, x = float(half_distance), [k / 200 for k in range(-1600, 1601)]
    f = [norm.pdf(a - m) + norm.pdf(a + m) for a in x]
    peaks = sum(f[k - 1] < f[k] >= f[k + 1] for k in range(1, len(f) - 1))
    assert latent_states.equal_mixture_has_modes(half_distance, modes).verb == "holds"
    assert peaks == modes
