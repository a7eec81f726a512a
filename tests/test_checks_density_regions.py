"""Outcomes, controls and verdicts of the checks of Definitions 6.2 and A.1, remarks, Figures 7 and 8 and §7.3."""

from __future__ import annotations

from fractions import Fraction as F

import pytest
from scipy.stats import norm

from evidence import by_reading, only_failing, results_of, unclear_or_slow, uncontrolled
from hallucination import checks, claims, errata, verdicts
from hallucination.checks import conditional_regions, density_regions, region_figures

EXPECTED = {
    "def-6.2/region-by-posterior": "fails",
    "def-6.2/region-by-scaled-posterior": "holds",
    "def-6.2/some-posterior-is-large": "holds",
    "rem-6.1/hallucination-is-outside-all-regions": "holds",
    "rem-6.1/library-agrees": "holds",
    "rem-6.1/subset-and-element-agree": "holds",
    "rem-6.2/target-falls-outside": "fails",
    "rem-6.2/estimator-falls-outside": "holds",
    "rem-6.2/threshold-fixes-the-mass": "fails",
    "rem-6.2/mass-moves-the-threshold-without-ties": "holds",
    "def-A.1/region-is-smallest-of-its-mass": "holds",
    "rem-6.2/region-above-is-smallest": "holds",
    "rem-6.2/threshold-without-plateau-has-one-mass": "holds",
    "app-A-single-state/mean-outside-the-region-of-threshold-delta": "fails",
    "app-A-single-state/mean-off-the-threshold": "holds",
    "app-A-single-state/mean-outside-for-every-estimator": "fails",
    "app-A-single-state/mean-outside-for-the-optimal-estimator": "holds",
    "def-A.1/every-mass-is-attained": "fails",
    "def-A.1/coin-attains-seven-tenths": "holds",
    "def-A.1/smallest-is-unique": "fails",
    "def-A.1/smallest-is-unique-without-ties": "holds",
    "def-A.1/threshold-region-covers": "holds",
    "def-A.1/union-has-mass-m": "fails",
    "def-A.1/outside-is-small-region-mass": "holds",
    "def-A.1/union-has-mass-m-far-apart": "holds",
    "def-A.1/union-covers-the-target": "holds",
    "def-A.1/baseline-is-reached": "holds",
    "def-A.1/one-set-for-all-states": "fails",
    "def-A.1/one-set-for-states-apart": "holds",
    "fig-7/right-of-the-quantile-lie-ten-percent": "fails",
    "fig-7/right-of-the-quantile-lie-ninety-percent": "holds",
    "fig-7/left-of-threshold-is-outside": "holds",
    "sec-7.3-outside/outside-is-above": "fails",
    "sec-7.3-outside/outside-is-below": "holds",
    "sec-7.3-outside/rank-rule-covers": "holds",
    "sec-7.3-outside/class-thresholds-are-one-delta": "fails",
    "sec-7.3-outside/common-threshold-for-one-shape": "holds",
    "fig-8/hdr-leaves-hcdr-for-lower-thresholds": "fails",
    "fig-8/hdr-leaves-hcdr-for-higher-thresholds": "holds",
    "fig-8/inclusion-of-hdr": "holds",
    "fig-8/weighted-reading-includes-too": "holds",
    "fig-8/union-is-sandwiched": "holds",
    "fig-8/hdr-leaves-hcdr-for-masses": "holds",
    "fig-8/hcdr-leaves-hdr": "holds",
    "fig-8/conditional-region-is-larger": "holds",
    "fig-8/library-shows-disjoint-regions": "holds",
}
VERDICTS = {
    "def-6.2": "holds after repair",
    "rem-6.1": "holds as printed",
    "rem-6.2": "holds after repair",
    "def-A.1": "ambiguous",
    "app-A-single-state": "holds after repair",
    "fig-7": "false as printed",
    "fig-8": "ambiguous",
    "sec-7.3-outside": "false as printed",
}
READINGS = {
    "def-A.1": {
        "one region per state": "holds after repair",
        "union of the regions": "holds after repair",
        "one set for all states": "false as printed",
    },
    "fig-8": {
        "thresholds with δ₁ ≤ δ, as in the caption": "false as printed",
        "thresholds with δ₁ > δ": "holds as printed",
        "regions of one mass": "holds as printed",
    },
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


@pytest.mark.parametrize("claim", READINGS)
def test_readings_differ(results, claim):
    assert by_reading(results, claim) == READINGS[claim]


def test_every_failing_function_can_hold():
    assert only_failing(EXPECTED) == set()


def test_each_failing_check_is_in_one_erratum_and_repairs_hold():
    mine = [e for e in errata.load().values() if e.claim in VERDICTS]
    refuted = [i for e in mine for i in e.refuted_by]
    printed = {i for i, verb in EXPECTED.items() if verb == "fails" and checks.load()[i].form == "printed"}
    assert sorted(refuted) == sorted(printed)
    assert {EXPECTED[i] for e in mine for i in e.repaired_by} == {"holds"}
    assert all(e.repaired_by for e in mine)


def test_a_witness_that_does_not_meet_its_premise_is_no_evidence():
    assert region_figures.regions_are_disjoint(F(2)).verb == "undecided"
    assert region_figures.hdr_can_leave_hcdr("δ1 = δ/2").verb == "fails"


@pytest.mark.parametrize("mass", [F(1, 10), F(1, 2), F(9, 10)])
def test_bracket_holds_the_half_length_of_a_normal_region(mass):
    low, high = region_figures._bracket(lambda w: density_regions_mass(w), mass)
    assert low < norm.ppf((1 + float(mass)) / 2) < high and high - low < 1e-6


def density_regions_mass(w):
    return conditional_regions.normal_mass(-w, w)


def test_sets_of_a_mass_by_hand():
    assert conditional_regions.sets_of_mass(density_regions.QUARTERS, F(1, 4)) == [(1,), (2,), (3,), (4,)]
    assert conditional_regions.sets_of_mass(density_regions.COIN, F(1, 2)) == []
    assert conditional_regions.sets_of_mass(density_regions.COIN, F(1)) == [(1, 2)]


def test_partitions_are_counted_by_euler():
    assert [len(conditional_regions._partitions(n)) for n in range(1, 9)] == [1, 2, 3, 5, 7, 11, 15, 22]
