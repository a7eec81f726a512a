"""Outcomes, controls and verdicts of the checks of Theorem 5.2 and Corollary 5.2.1, and their errata."""

from fractions import Fraction as F

import numpy as np
import pytest
import z3

from evidence import only_failing, results_of, unclear_or_slow, uncontrolled
from hallucination import claims, errata, verdicts
from hallucination.checks import near_optimal as module
from hallucination.checks import near_optimal_pairing as pairing
from hallucination.checks import near_optimal_proof as proof
from hallucination.checks import several_inputs as several

EXPECTED = {
    "thm-5.2/wide-states-suffice": "holds",
    "thm-5.2/ball-lies-outside-every-region": "holds",
    "thm-5.2/other-covariances-too": "holds",
    "thm-5.2/condition-is-sharp": "holds",
    "thm-5.2/law-depends-on-epsilon": "holds",
    "thm-5.2/stated-in-loss": "holds",
    "thm-5.2/closed-form-of-the-radius": "holds",
    "thm-5.2/library-law-is-safe": "holds",
    "thm-5.2/tolerance-is-sharp": "holds",
    "thm-5.2/markov-keeps-the-mass": "holds",
    "thm-5.2/density-of-a-state": "holds",
    "thm-5.2/normaliser-is-at-most-one": "holds",
    "thm-5.2/chain-second-step-as-printed": "fails",
    "thm-5.2/chain-second-step": "holds",
    "thm-5.2/chain-third-step-as-printed": "fails",
    "thm-5.2/chain-third-step": "holds",
    "thm-5.2/chain-ends-at-delta": "holds",
    "thm-5.2/unit-covariances-become-vacuous": "holds",
    "thm-5.2/partner-is-a-state-as-printed": "fails",
    "thm-5.2/partner-is-a-state": "holds",
    "thm-5.2/pairing-can-be-met-as-printed": "fails",
    "thm-5.2/pairing-can-be-met": "holds",
    "thm-5.2/pairing-centres-the-mean-as-printed": "fails",
    "thm-5.2/pairing-centres-the-mean": "holds",
    "thm-5.2/odd-is-the-right-parity": "holds",
    "thm-5.2/example-satisfies-the-pairing-as-printed": "fails",
    "thm-5.2/example-satisfies-the-pairing": "holds",
    "thm-5.2/example-centres-the-mean-as-printed": "fails",
    "thm-5.2/example-centres-the-mean": "holds",
    "thm-5.2/spread-means-are-centred": "holds",
    "thm-5.2/example-hallucinates-as-printed": "fails",
    "thm-5.2/example-hallucinates": "holds",
    "cor-5.2.1/at-the-input-x": "fails",
    "cor-5.2.1/at-an-input-with-weight-zero": "fails",
    "cor-5.2.1/at-every-input-with-positive-weight": "holds",
    "cor-5.2.1/input-listed-twice": "fails",
    "cor-5.2.1/minimiser-in-any-class": "fails",
    "cor-5.2.1/different-inputs-all-estimators": "holds",
    "cor-5.2.1/library-laws-at-several-inputs": "holds",
    "cor-5.2.1/total-loss-separates": "holds",
    "cor-5.2.1/construction-at-each-input-as-printed": "fails",
    "cor-5.2.1/construction-at-each-input": "holds",
}
VERDICTS = {
    "thm-5.2": ("holds as printed", "holds after repair", "holds after repair"),
    "cor-5.2.1": ("holds after repair", "holds after repair", "holds after repair"),
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


def test_each_failing_check_is_in_one_erratum_and_each_repair_holds():
    mine = [e for e in errata.load().values() if e.claim in VERDICTS]
    refuting = [i for e in mine for i in e.refuted_by]
    assert sorted(refuting) == sorted(i for i, verb in EXPECTED.items() if verb == "fails")
    assert {EXPECTED[i] for e in mine for i in e.repaired_by} == {"holds"}


def test_details_of_failing_checks_show_numbers(results):
    assert [r.id for r in results.values() if r.outcome == "fails" and not any(map(str.isdigit, r.detail))] == []


def test_the_two_steps_by_floating_point():
    R = np.sqrt(-2 * np.log(0.5))
    assert np.exp(-(R**2) / 2) > np.exp(-((R - 3) ** 2) / 2)
    assert f"{np.exp(-((R - 3) ** 2) / 2):.5f}" in proof.second_step("‖v₀ − μ‖ − ‖v₀‖").detail
    R = np.sqrt(-2 * np.log(0.01))
    assert f"{np.exp(-((R - 1) ** 2) / 2):.5f}" in proof.third_step("‖v₀ − μ‖ − ‖v₀‖").detail


@pytest.mark.parametrize("partner", ["N − i", "N + 1 − i"])
def test_the_pairing_by_enumeration(partner):
    shift = 0 if partner == "N − i" else 1
    states = {n: range(1, n + 1) for n in range(2, 40, 2)}
    inside = all(1 <= n + shift - i <= n for n, indices in states.items() for i in indices)
    alone = all(any(n + shift - i == i for i in indices) for n, indices in states.items())
    assert (pairing.partner_is_a_state(partner).verb == "holds") == inside
    assert (pairing.pairing_can_be_met(partner).verb == "fails") == alone


def test_the_printed_example_in_fractions():
    p, n = pairing.WEIGHTS, 4
    means = [i * (n - i) / p[n - i - 1] for i in (1, 2, 3)] + [F(0)]
    assert sum(a * b for a, b in zip(p, means, strict=True)) == means[1] == 10
    np.testing.assert_allclose(pairing.example_means("printed", p)[:, 0], [float(x) for x in means])


def test_the_printed_example_fails_for_other_weights_too():
    rng = np.random.default_rng(0)
    for _ in range(50):
        weights = tuple(F(int(k)) for k in rng.integers(1, 9, size=int(rng.integers(2, 9))))
        total = sum(weights, F(0))
        shares = tuple(w / total for w in weights)
        mean = float(np.array(shares, dtype=float) @ pairing.example_means("printed", shares)[:, 0])
        assert mean > 0.5
        spread = pairing.example_means("spread", shares)[:, 0]
        assert abs(float(np.array(shares, dtype=float) @ spread)) < 1e-12 and np.abs(spread).min() >= 1


def test_a_law_that_loses_too_much_is_noticed():
    law = module.law_of((1, 1), 0.01, 0.5, 3, 1.0)
    assert module.verified(law, 0.01, 0.5, 1.0) == ""
    assert "mass" in module.verified(law, 0.01, 0.1, 1.0)
    assert "meets its region" in module.verified(law, 0.01, 0.5, 100.0)


def test_wide_states_are_vacuous_in_numbers():
    for d in (1, 7, 300):
        s2 = 1.001 / (2 * np.pi * 0.01 ** (2 / d))
        assert -d / 2 * np.log(2 * np.pi * s2) < np.log(0.01)


def test_targets_at_two_inputs_share_a_centre():
    first, second = several.two_inputs()
    assert (float(first.mean[0]), float(second.mean[0])) == (0.0, 8.0)
    assert several.best_constant([0.5, 0.5], [first, second]) == pytest.approx(4.0)


def test_the_chain_has_a_model():
    solver = z3.Solver()
    solver.add(*proof.CHAIN, proof.R > 0, proof.eps > 0)
    assert solver.check() == z3.sat
