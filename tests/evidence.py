"""What the checks of the library find, run at most once in a session, and what is asked of every check."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache

from hallucination import checks, claims, verdicts
from hallucination.checks import Outcome, Result


@cache
def _run(claim_id: str) -> tuple[Result, ...]:
    return tuple(verdicts.run(claim_id))


def results_of(*claim_ids: str) -> dict[str, Result]:
    """Results by id of the checks of the given claims (of all claims if none is given)."""
    checks.load()
    wanted = claim_ids or (*claims.CLAIMS, *claims.UNNUMBERED)
    return {r.id: r for claim_id in wanted for r in _run(claim_id)}


def uncontrolled(results: Mapping[str, Result]) -> list[str]:
    """Checks that do not count, because their control did not fail."""
    return [r.id for r in results.values() if r.control != "fails"]


def unclear_or_slow(results: Mapping[str, Result], seconds: float = 5) -> list[str]:
    """Checks without a reason for outcome and control in one line, or that take too long."""
    clear = {
        r.id
        for r in results.values()
        if r.detail and r.control_detail and "\n" not in r.detail and r.seconds < seconds
    }
    return [i for i in results if i not in clear]


def told_in_formulas(results: Mapping[str, Result]) -> list[str]:
    """Failing checks that list numbers where a sentence should tell the counterexample."""
    return [r.id for r in results.values() if r.outcome == "fails" and r.detail.count(" = ") > 2]


def only_failing(outcomes: Mapping[str, str]) -> set[Callable[..., Outcome]]:
    """Check functions of the given outcomes by id that hold on none of their statements: what do these show?"""
    registry = checks.load()
    holding = {registry[i].run for i, verb in outcomes.items() if verb == "holds"}
    return {registry[i].run for i in outcomes} - holding


def by_reading(results: Mapping[str, Result], claim_id: str) -> dict[str, str]:
    """Verdict of a statement in each of its readings."""
    mine = [r for r in results.values() if r.claim == claim_id]
    readings = {r.reading for r in mine} - {""}
    return {x: verdicts.of_part([r for r in mine if r.reading in ("", x)], "statement") for x in readings}
