"""Outcomes, controls and verdict of the checks of §7.3."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import chi2

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
    "more-outside-than-real": "fails",
    "more-dogs-outside-than-real": "holds",
    "more-outside-than-before": "holds",
    "share-fluctuates": "holds",
    "loss-falls": "holds",
    "held-out-loss-falls": "holds",
    "means-of-pictures-hallucinate": "holds",
    "means-pass-in-latents": "holds",
    "one-step-predictions-hallucinate": "holds",
    "sampled-pictures-hallucinate": "fails",
    "others-pass-by-their-mean": "holds",
}
READINGS = {
    judge.BY_MEAN: "false as printed",
    judge.BY_SHARE: "false as printed",
    judge.PERSISTS: "holds numerically",
    judge.FLUCTUATES: "holds numerically",
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
    assert judge.published_rule_fires(1).verb == "holds"
    assert judge.more_outside_than_real(("dog", "cat", "pet")).verb == "holds"


def test_pictures_from_one_noise_are_one_observation(curves, monkeypatch):
    """Half of the noises fail in every epoch and with every seed: many cells, but no more noises."""
    half = with_margins(curves, lambda epoch, k: -1.0 if k % 8 == 0 else 1.0)
    monkeypatch.setattr(recorded, "curves", lambda: half)
    found = judge.more_outside_than_real(("dog",))
    n = half.cells[0].n
    width = 1.96 * np.sqrt(0.125 * 0.875 / (n - 1))
    assert f"dog 0.125 [{0.125 - width:.3f}, {0.125 + width:.3f}]" in found.detail
    assert found.verb == "undecided"
    assert judge.more_outside_than_before(1).verb == "undecided"


def test_cochran_is_mcnemar_without_correction_for_two_conditions():
    rng = np.random.default_rng(1)
    table = (rng.random((200, 2)) < (0.3, 0.4)).astype(float)
    only_first, only_second = (int(((table[:, a] == 1) & (table[:, 1 - a] == 0)).sum()) for a in (0, 1))
    assert judge.cochran(table) == pytest.approx((only_first - only_second) ** 2 / (only_first + only_second))


def test_cochran_without_an_effect_follows_chi_squared():
    rng = np.random.default_rng(2)
    blocks = rng.random((300, 1))
    found = [judge.cochran((rng.random((300, 6)) < blocks).astype(float)) for _ in range(400)]
    assert np.mean(found) == pytest.approx(5, abs=4 * np.sqrt(10 / 400))
    assert np.mean(np.array(found) > chi2.isf(0.05, 5)) == pytest.approx(0.05, abs=0.045)
    with pytest.raises(ValueError, match="no block answers differently"):
        judge.cochran(np.ones((3, 2)))


@pytest.mark.parametrize(
    ("k", "n", "verb"), [(90, 100, "holds"), (10, 100, "fails"), (50, 100, "undecided"), (500, 1000, "undecided")]
)
def test_an_interval_around_the_bar_decides_nothing(k, n, verb):
    assert judge.above(k, n, judge.MAJORITY, "").verb == verb


def test_without_records_nothing_is_claimed(monkeypatch):
    for name in ("curves", "averages", "steps"):
        monkeypatch.setattr(recorded, name, lambda: None)
    for item in of_claim(CLAIM):
        if item.evidence == "experiment":
            assert item.run(**item.statement).verb == "not run", item.id
