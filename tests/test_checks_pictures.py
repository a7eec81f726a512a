"""Outcomes, controls and verdict of the checks of §7.3."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from evidence import by_reading, only_failing, results_of, told_in_formulas, unclear_or_slow, uncontrolled
from hallucination import claims, errata, verdicts
from hallucination.checks import of_claim
from hallucination.checks import pictures as judge
from hallucination.pictures import recorded
from hallucination.pictures.points import cell_of

CLAIM = "sec-7.3"
EXPECTED = {
    "mean-rule-fires": "fails",
    "single-pictures-fire": "holds",
    "mean-gains-half-the-dimension": "holds",
    "rule-needs-nearly-all-outside": "holds",
    "published-rate-is-a-portion": "fails",
    "counted-rate-is-a-portion": "holds",
    "published-rule-fires": "fails",
    "share-above-zero": "holds",
    "more-dogs-outside-than-real": "holds",
    "more-pets-outside-than-real": "holds",
    "fewer-cats-outside-than-real": "holds",
    "more-outside-than-before": "holds",
    "more-dogs-outside-than-before": "holds",
    "more-pets-outside-than-before": "holds",
    "share-differs-between-epochs": "holds",
    "loss-falls": "holds",
    "held-out-loss-falls": "holds",
    "means-of-pictures-hallucinate": "holds",
    "means-pass-in-latents": "holds",
    "minimiser-hallucinates": "holds",
    "one-step-pictures-hallucinate": "holds",
    "sampled-pictures-hallucinate": "fails",
    "others-pass-by-their-mean": "holds",
}
READINGS = {
    judge.BY_MEAN: "false as printed",
    judge.BY_SHARE: "holds numerically",
    judge.PERSISTS: "holds numerically",
    judge.DIFFERS: "holds numerically",
}


@pytest.fixture(scope="module")
def results():
    return results_of(CLAIM)


@pytest.fixture(scope="module")
def curves():
    found = recorded.curves()
    assert found is not None
    return found


def test_outcomes_are_as_listed(results):
    assert {i.removeprefix(f"{CLAIM}/"): r.outcome for i, r in results.items()} == EXPECTED


def test_every_control_fails(results):
    assert uncontrolled(results) == []
    assert all(r.counts for r in results.values())


def test_every_outcome_has_a_reason_and_is_quick(results):
    assert unclear_or_slow(results) == []


def test_verdicts(results):
    row = verdicts.of_claim(claims.find(CLAIM), results.values())
    assert (row["statement"], row["proof"], row["verdict"]) == ("ambiguous", "holds after repair", "ambiguous")


def test_readings(results):
    assert by_reading(results, CLAIM) == READINGS


def test_failing_details_are_sentences(results):
    assert told_in_formulas(results) == []


def test_every_failing_printed_check_is_in_one_erratum(results):
    mine = [e for e in errata.load().values() if e.claim == CLAIM]
    refuted = sorted(check for e in mine for check in e.refuted_by)
    printed = [i for i, r in results.items() if r.outcome == "fails" and r.form == "printed"]
    assert refuted == sorted(printed)


def with_margins(curves, margin_of):
    """The same cells with other margins, a function of the epoch and the number of the picture."""
    cells = []
    for old in curves.cells:
        margins = np.array([margin_of(old.what["epoch"], k) for k in range(old.n)], dtype=np.float64)
        cells.append(cell_of(old.what, margins, float(margins.mean())))
    return replace(curves, cells=tuple(cells))


def test_functions_that_fail_on_the_record_hold_on_other_records(curves, monkeypatch):
    outcomes = {f"{CLAIM}/{i}": verb for i, verb in EXPECTED.items()}
    assert {f.__name__ for f in only_failing(outcomes)} <= {"published_rule_fires"}
    far = with_margins(curves, lambda epoch, k: -1.0 if epoch else 1.0)
    monkeypatch.setattr(recorded, "curves", lambda: far)
    assert judge.published_rule_fires("generated").verb == "holds"


def test_a_prompt_without_pictures_outside_refutes_the_literal_sentence(curves, monkeypatch):
    none = with_margins(curves, lambda epoch, k: 1.0)
    monkeypatch.setattr(recorded, "curves", lambda: none)
    assert judge.share_above_zero("pictures").verb == "fails"


def test_pictures_from_one_noise_are_one_observation(curves, monkeypatch):
    """One noise in eight fails in every epoch and with every seed: many cells, but no more noises."""
    some = with_margins(curves, lambda epoch, k: -1.0 if k % 8 == 0 else 1.0)
    monkeypatch.setattr(recorded, "curves", lambda: some)
    found = judge.against_real("dog", 1)
    n = some.cells[0].n
    width = 1.96 * np.sqrt(0.125 * 0.875 / (n - 1))
    assert f"0.125 [{0.125 - width:.3f}, {0.125 + width:.3f}]" in found.detail
    assert found.verb == "undecided"
    assert judge.more_outside_than_before(("dog", "cat", "pet"), 1).verb == "undecided"


def test_mixing_keeps_each_noise_and_its_prompts_together():
    rng = np.random.default_rng(0)
    table = rng.random((5, 7, 3))
    mixed = judge.mix(table, rng)
    for k in range(7):
        assert sorted(map(tuple, mixed[:, k])) == sorted(map(tuple, table[:, k]))
    assert not np.array_equal(mixed, table)


def test_the_permutation_test_keeps_its_level_and_finds_an_epoch(monkeypatch):
    monkeypatch.setattr(judge, "MIXES", 99)
    rng = np.random.default_rng(3)
    likely = rng.random((1, 60, 3))
    p_values = [judge.mixing_p_value((rng.random((8, 60, 3)) < likely).astype(float), rng) for _ in range(60)]
    assert 0.3 < np.mean(p_values) < 0.7
    assert np.mean(np.array(p_values) <= 0.05) < 0.2
    table = (rng.random((8, 60, 3)) < likely).astype(float)
    table[4] = 1
    assert judge.mixing_p_value(table, rng) == pytest.approx(0.01)
    assert judge.mixing_p_value(np.ones((4, 5, 1)), rng) == 1


@pytest.mark.parametrize(
    ("k", "n", "verb"), [(90, 100, "holds"), (10, 100, "fails"), (50, 100, "undecided"), (500, 1000, "undecided")]
)
def test_an_interval_around_the_bar_decides_nothing(k, n, verb):
    cell = cell_of({}, np.where(np.arange(n) < k, -1.0, 1.0), 0.0)
    assert judge.above([cell], judge.MAJORITY, "").verb == verb


def test_without_records_nothing_is_claimed(monkeypatch):
    for name in ("curves", "averages", "steps"):
        monkeypatch.setattr(recorded, name, lambda: None)
    for item in of_claim(CLAIM):
        if item.evidence == "experiment":
            assert item.run(**item.statement).verb == "not run", item.id
