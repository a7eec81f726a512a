"""Each erratum rests on a check that refutes, and each refuted printed sentence is in one erratum."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, replace

import pytest

from evidence import results_of
from hallucination import claims, errata, errata_page, verdicts
from hallucination.checks import Result, coins
from hallucination.errata import Erratum

ROUNDS: coins.Rounds = {2: [0.5, 0.6]}
EXPERIMENTS = {r.id for r in coins.from_experiment(ROUNDS, ROUNDS, ROUNDS, ROUNDS, 1.0)}


@pytest.fixture(scope="module")
def results() -> dict[str, Result]:
    """Every check of the library."""
    return results_of()


ERRATA = list(errata.load().values())
each_erratum = pytest.mark.parametrize("erratum", ERRATA, ids=lambda e: e.id)


def faults(known: Iterable[Erratum], results: dict[str, Result]) -> list[str]:
    """Whatever is wrong between errata and evidence, one line each."""
    known = list(known)
    found = []
    for erratum in known:
        for check in erratum.refuted_by:
            if check in results and results[check].outcome != "fails":
                found.append(f"{erratum.id}: {check} {results[check].outcome}")
        for check in erratum.repaired_by:
            if check in results and results[check].outcome != "holds":
                found.append(f"{erratum.id}: repair {check} {results[check].outcome}")
        for check in (*erratum.refuted_by, *erratum.repaired_by):
            if check not in results and check not in EXPERIMENTS:
                found.append(f"{erratum.id}: no check {check}")
    named = Counter(check for erratum in known for check in erratum.refuted_by)
    found += [f"{check} is in {n} errata" for check, n in named.items() if n > 1]
    failing = [r.id for r in results.values() if r.form == "printed" and r.outcome == "fails"]
    return found + [f"{check} is in no erratum" for check in failing if check not in named]


def test_errata_and_evidence_agree(results: dict[str, Result]) -> None:
    assert faults(ERRATA, results) == []


def test_errata_of_experiments_name_checks_that_a_run_can_refute() -> None:
    """What only an experiment can refute cannot be tested here; its page says so when it was not run."""
    named = {check for e in ERRATA for check in e.refuted_by}
    assert named & EXPERIMENTS <= {f"{coins.CLAIM}/published-networks-are-unrelated-to-loss"}


GOOD = "lem-B.1/last-line-with-a"
BAD = "lem-B.1/last-line-with-random-target"


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"refuted_by": (GOOD,)}, f"x: {GOOD} holds"),
        ({"repaired_by": (BAD,)}, f"x: repair {BAD} fails"),
        ({"refuted_by": ("lem-B.1/nothing",)}, "x: no check lem-B.1/nothing"),
        ({"refuted_by": (BAD, BAD)}, f"{BAD} is in 2 errata"),
        ({"refuted_by": ("lem-B.1/stationary-only",)}, f"{BAD} is in no erratum"),
    ],
)
def test_a_wrong_erratum_is_caught(
    results: dict[str, Result], changes: dict[str, tuple[str, ...]], complaint: str
) -> None:
    """The control of the test above."""
    right = Erratum("x", "lem-B.1", "here", "this", "no", "that", (BAD,), (GOOD,))
    mine = {i: results[i] for i in (GOOD, BAD, "lem-B.1/stationary-only")}
    assert f"{BAD} is in no erratum" not in faults([right], mine)
    wrong = replace(right, **changes)
    assert complaint in faults([wrong], mine)


@each_erratum
def test_fields_say_something(erratum: Erratum) -> None:
    texts = (erratum.where, erratum.printed, erratum.defect, erratum.repair)
    assert all(text == text.strip() and len(text) > 3 for text in texts)
    assert all(text.count("$") % 2 == 0 for text in texts)
    assert all(text.endswith((".", ")", "”", "$", "?")) for text in texts[2:]), "defect and repair are sentences"
    assert erratum.id.startswith(f"{erratum.claim}/")


def test_a_second_erratum_of_the_same_name_is_refused() -> None:
    first = ERRATA[0]
    with pytest.raises(ValueError, match="is taken"):
        errata.erratum(
            first.claim, first.id.split("/", 1)[1], where="a", printed="b", defect="c", repair="d", refuted_by=("e",)
        )


def test_an_erratum_without_a_refutation_is_refused() -> None:
    with pytest.raises(ValueError, match="needs a check that refutes"):
        errata.erratum("lem-B.1", "new", where="a", printed="b", defect="c", repair="d", refuted_by=())


@pytest.mark.parametrize("claim", [*claims.CLAIMS.values(), *claims.UNNUMBERED.values()], ids=lambda c: c.id)
def test_every_statement_has_a_section_of_the_paper(claim: claims.Claim) -> None:
    assert errata_page.section_of(claim) in errata_page.SECTIONS


def test_a_place_outside_the_paper_is_refused() -> None:
    with pytest.raises(ValueError, match="must begin with one of"):
        errata_page.section_of(replace(claims.find("lem-B.1"), place="the margin"))


class TestPage:
    """What the page prints is what the evidence says."""

    def test_refuted_passages_carry_their_counterexamples(self, results: dict[str, Result]) -> None:
        found = errata_page.remarks(verdicts.table(results.values()))
        assert [r.number for r in found] == list(range(1, len(ERRATA) + 1))
        refuted = [r for r in found if r.finding == "refuted"]
        text = "\n".join(errata_page.section(found, s).data for s in errata_page.SECTIONS)
        assert text.count("**Counterexample**") == len(refuted) > 0
        assert text.count(":::::{admonition}") == len(found)
        assert all(errata_page.plain(c["detail"])[1:-1] in text for r in refuted for c in r.refuting)
        assert f"refuted {len(refuted)} printed passages" in errata_page.sentence(found)
        assert f"refuted {len(refuted)} printed passages" in errata_page.opening(found).data

    def test_nothing_is_claimed_without_evidence(self) -> None:
        found = errata_page.remarks(verdicts.table([]))
        assert {r.finding for r in found} == {"not run"}
        text = "\n".join(errata_page.section(found, s).data for s in errata_page.SECTIONS)
        assert "Counterexample" not in text
        assert text.count("No check of this build looked at this place") == len(found)
        assert "On " + str(len(found)) + " more passages" in errata_page.opening(found).data

    @pytest.mark.parametrize("change", [{"outcome": "holds"}, {"outcome": "undecided"}, {"control": "holds"}])
    def test_nothing_is_claimed_that_was_not_refuted(
        self, results: dict[str, Result], change: dict[str, str]
    ) -> None:
        erratum = errata.ERRATA["lem-B.1/random-integrand"]
        evidence = [replace(results[BAD], **change)]  # type: ignore[arg-type]
        (remark,) = errata_page.remarks(verdicts.table(evidence), [erratum])
        assert remark.finding == "not refuted"
        text = errata_page.section([remark], "Appendix B").data
        assert "did not refute" in text
        assert erratum.defect not in text

    def test_every_refuting_check_that_ran_must_refute(self, results: dict[str, Result]) -> None:
        erratum = errata.ERRATA["rem-4.2/vacuous-state"]
        first, second = (results[i] for i in erratum.refuted_by)
        for evidence, finding in (
            ([first, second], "refuted"),
            ([first], "refuted"),
            ([first, replace(second, outcome="holds")], "not refuted"),
        ):
            (remark,) = errata_page.remarks(verdicts.table(evidence), [erratum])
            assert remark.finding == finding

    def test_survival_follows_the_verdict(self, results: dict[str, Result]) -> None:
        erratum = errata.ERRATA["lem-B.1/second-moment"]
        failing = results["lem-B.1/only-minimiser-for-every-target"]
        repaired = results["lem-B.1/only-minimiser-with-second-moment"]
        doubtful = replace(repaired, id="lem-B.1/doubtful", outcome="undecided")
        cases = (
            ([failing], verdicts.FALSE),
            ([failing, repaired], verdicts.AFTER_REPAIR),
            ([failing, repaired, doubtful], verdicts.FALSE),
        )
        for evidence, answer in cases:
            (remark,) = errata_page.remarks(verdicts.table(evidence), [erratum])
            text = errata_page.section([remark], "Appendix B").data
            assert f"**Does the statement survive?** {errata_page.SURVIVES[answer]}" in text

    @pytest.mark.parametrize(
        ("detail", "shown"),
        [
            ("a state of mass 0", "A state of mass 0."),
            ("two laws.", "Two laws."),
            ("d = 6", "d = 6."),
            ("a = 1", "a = 1."),
        ],
    )
    def test_details_become_sentences(self, results: dict[str, Result], detail: str, shown: str) -> None:
        erratum = errata.ERRATA["lem-B.1/random-integrand"]
        evidence = [replace(results[BAD], detail=detail)]
        (remark,) = errata_page.remarks(verdicts.table(evidence), [erratum])
        assert f"**Counterexample** *(symbolic)*. {shown}\n" in errata_page.section([remark], "Appendix B").data

    def test_long_formulas_may_wrap_before_a_relation(self) -> None:
        assert errata_page.breakable(r"so $a=b\le c$.", 5) == r"so $a$ $=b$ $\le c$."
        assert errata_page.breakable(r"$a:=b$ and $A\overset d=B$", 3) == r"$a$ $:=b$ and $A\overset d=B$"
        for kept in (r"$a=b\le c$", r"$\frac{a=b}{c<d}(x=y)$", "$$a=b$$", r"$\left(x\right)$", "no formula = here"):
            assert errata_page.breakable(kept, 10) == kept
        for erratum in ERRATA:
            joined = errata_page.breakable(erratum.repair).replace("$ $", "").replace(" ", "")
            assert joined == erratum.repair.replace("$ $", "").replace(" ", "")

    def test_plain_text_stays_plain(self) -> None:
        assert errata_page.plain("a*b_c [d] $e$ <f> x^2") == r"a\*b\_c \[d\] \$e\$ \<f\> x\^2"


def test_evidence_is_plain_data(results: dict[str, Result]) -> None:
    assert {type(v) for r in results.values() for v in asdict(r).values()} <= {str, float}
