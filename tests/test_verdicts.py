"""Verdicts follow from evidence, and from nothing else."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from evidence import results_of
from hallucination import checks, claims, verdicts
from hallucination.checks import Outcome, Result

BASE = Result(
    id="lem-B.1/x",
    claim="lem-B.1",
    part="statement",
    form="printed",
    evidence="symbolic",
    says="a sentence",
    reading="",
    outcome="holds",
    detail="",
    control="fails",
    control_detail="",
    seconds=0.0,
)


def result(**changes: Any) -> Result:
    return replace(BASE, **changes)


@pytest.mark.parametrize(
    ("results", "verdict"),
    [
        ([], verdicts.NOT_CHECKED),
        ([result()], verdicts.AS_PRINTED),
        ([result(control="holds")], verdicts.NOT_CHECKED),
        ([result(control="undecided")], verdicts.NOT_CHECKED),
        ([result(outcome="fails")], verdicts.FALSE),
        ([result(outcome="fails"), result(form="repaired")], verdicts.AFTER_REPAIR),
        ([result(outcome="fails"), result(form="repaired", outcome="fails")], verdicts.FALSE),
        ([result(outcome="fails"), result(form="repaired", outcome="undecided")], verdicts.FALSE),
        ([result(outcome="fails"), result(form="stronger")], verdicts.FALSE),
        ([result(form="stronger")], verdicts.NOT_CHECKED),
        ([result(outcome="undecided"), result()], verdicts.UNDECIDED),
        ([result(outcome="not run")], verdicts.NOT_RUN),
        ([result(outcome="not run", control="not run")], verdicts.NOT_RUN),
        ([result(evidence="quoted")], verdicts.QUOTED),
        ([result(evidence="simulation")], verdicts.NUMERICALLY),
        ([result(evidence="simulation"), result()], verdicts.AS_PRINTED),
        ([result(reading="a"), result(reading="b", outcome="fails")], verdicts.AMBIGUOUS),
        ([result(reading="a"), result(reading="b")], verdicts.AS_PRINTED),
        ([result(part="proof")], verdicts.NOT_CHECKED),
    ],
)
def test_verdict_of_a_statement(results: list[Result], verdict: str) -> None:
    assert verdicts.of_part(results, "statement") == verdict


@pytest.mark.parametrize(
    ("statement", "proof", "verdict"),
    [
        (verdicts.AS_PRINTED, verdicts.AS_PRINTED, verdicts.AS_PRINTED),
        (verdicts.AS_PRINTED, verdicts.NO_PROOF, verdicts.AS_PRINTED),
        (verdicts.AS_PRINTED, verdicts.FALSE, verdicts.AFTER_REPAIR),
        (verdicts.AS_PRINTED, verdicts.AFTER_REPAIR, verdicts.AFTER_REPAIR),
        (verdicts.AFTER_REPAIR, verdicts.AS_PRINTED, verdicts.AFTER_REPAIR),
        (verdicts.FALSE, verdicts.AS_PRINTED, verdicts.FALSE),
        (verdicts.AMBIGUOUS, verdicts.FALSE, verdicts.AMBIGUOUS),
        (verdicts.NOT_CHECKED, verdicts.FALSE, verdicts.NOT_CHECKED),
    ],
)
def test_summary(statement: str, proof: str, verdict: str) -> None:
    assert verdicts.summarise(statement, proof) == verdict


def test_statement_without_a_proof_check_is_not_called_proved() -> None:
    row = verdicts.of_claim(claims.find("lem-B.1"), [result()])
    assert row["proof"] == verdicts.NOT_CHECKED
    assert row["verdict"] == verdicts.NOT_CHECKED


def test_table_has_every_statement_and_grounds_follow_the_graph() -> None:
    proof = result(part="proof")
    rows = {r["id"]: r for r in verdicts.table([BASE, proof])}
    assert list(rows) == [*claims.CLAIMS, *claims.UNNUMBERED]
    assert rows["lem-B.1"]["verdict"] == verdicts.AS_PRINTED
    assert not rows["lem-B.1"]["grounded"]  # Definition 3.1 has no verdict here
    with_definition = [BASE, proof, result(claim="def-3.1", id="def-3.1/x")]
    rows = {r["id"]: r for r in verdicts.table(with_definition)}
    assert rows["lem-B.1"]["grounded"]
    assert not rows["thm-5.1"]["grounded"]


def test_evidence_survives_the_file(tmp_path: Path) -> None:
    (tmp_path / "01.json").write_text(json.dumps([asdict(BASE)]), "utf8")
    assert verdicts.read(tmp_path) == [BASE]


def test_broken_evidence_names_the_file(tmp_path: Path) -> None:
    (tmp_path / "01.json").write_text('[{"id": 1}]', "utf8")
    with pytest.raises(ValueError, match=r"01\.json is not an evidence file"):
        verdicts.read(tmp_path)


def divides(number: int) -> Outcome:
    return checks.decide(12 % number == 0, f"{number} divides 12", f"12 = {12 // number}·{number} + {12 % number}")


def make(**changes: Any) -> checks.Check:
    plain = checks.Check(
        "def-3.1/d", "def-3.1", "statement", "printed", "exact", "s", "", divides, {"number": 4}, {"number": 5}
    )
    return replace(plain, **changes)


def test_run_reports_outcome_and_control() -> None:
    found = checks.run(make())
    assert (found.outcome, found.control, found.counts) == ("holds", "fails", True)
    assert found.control_detail == "12 = 2·5 + 2"


def test_control_that_holds_does_not_count() -> None:
    assert not checks.run(make(control={"number": 3})).counts


def test_time_limit_is_undecided() -> None:
    def slow(seconds: float) -> Outcome:
        end = time.process_time() + seconds
        while time.process_time() < end:
            pass
        return checks.holds()

    found = checks.run(make(run=slow, statement={"seconds": 5.0}, control={"seconds": 0.0}), time_limit=0.2)
    assert found.outcome == "undecided"
    assert found.control == "holds"


def test_no_answer_is_undecided() -> None:
    assert checks.decide(None, "", "").verb == "undecided"


def test_control_equal_to_the_statement_is_refused() -> None:
    with pytest.raises(ValueError, match=r"the control of a check of def-3\.1 must differ"):
        checks.check("def-3.1", "s", form="printed", evidence="exact", statement={"a": 1}, control={"a": 1})


def test_check_of_an_unknown_claim_is_refused() -> None:
    with pytest.raises(KeyError, match=r"no claim 'def-0'"):
        checks.check("def-0", "s", form="printed", evidence="exact", control={"a": 1})


def test_show_without_a_registered_check_says_what_to_import(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "REGISTRY", {})
    with pytest.raises(ValueError, match=r"no check of lem-B\.4 is registered: import its module"):
        verdicts.show("lem-B.4")


@pytest.fixture(scope="module")
def results() -> list[Result]:
    """Every check of the library."""
    return list(results_of().values())


class TestAllChecks:
    """What holds for every check."""

    def test_every_control_fails(self, results: list[Result]) -> None:
        assert [r.id for r in results if not r.counts] == []

    def test_every_check_is_decided(self, results: list[Result]) -> None:
        assert [r.id for r in results if r.outcome == "undecided"] == []

    def test_details_say_something(self, results: list[Result]) -> None:
        assert [r.id for r in results if not r.detail] == []

    def test_a_function_that_refutes_can_also_hold(self, results: list[Result]) -> None:
        """A check that fails on everything shows nothing; some statement must pass the same function."""
        outcomes: dict[Any, set[str]] = {}
        for r in results:
            outcomes.setdefault(checks.REGISTRY[r.id].run, set()).add(r.outcome)
        never = {f.__name__ for f, verbs in outcomes.items() if not verbs & {"holds", "not run"}}
        # These hold on statements that are no part of the book; test_checks_hallucination, _questions and _pictures
        # show it.
        elsewhere = {"one_state_has_few_modes", "neighbourhood_is_threshold", "published_rule_fires"}
        assert never == elsewhere | {"true_answers_score_low", "score_speaks_of_the_answer"}
