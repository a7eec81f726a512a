"""Proofs by z3: a statement holds if its negation has no model; a model is the counterexample."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import z3

from hallucination.checks import Outcome, fails, holds, undecided


def prove(hypotheses: Sequence[Any], goal: Any, found: str, timeout_ms: int = 4000) -> Outcome:
    """Try to prove that the hypotheses imply the goal for all values of their variables.

    Parameters
    ----------
    hypotheses : sequence of z3 formulas
        What may be assumed.
    goal : z3 formula
        What must follow.
    found : str
        What a proof shows, for the page.
    timeout_ms : int
        Patience in milliseconds; beyond it the outcome is undecided.

    Raises
    ------
    ValueError
        If the hypotheses contradict each other, so that anything would follow.
    """
    solver = z3.Solver()
    solver.set("timeout", timeout_ms)
    solver.add(*hypotheses)
    if solver.check() == z3.unsat:
        raise ValueError(f"hypotheses contradict each other: {hypotheses}")
    solver.add(z3.Not(goal))
    answer = solver.check()
    if answer == z3.unknown:
        return undecided(f"z3: {solver.reason_unknown()}")
    return holds(found) if answer == z3.unsat else fails(_show(solver.model()))


def _show(model: z3.ModelRef) -> str:
    """Write a model as ``a = 1/2, b = 0``, sorted by name."""
    values = sorted((v.name(), model[v]) for v in model.decls() if v.arity() == 0)
    return ", ".join(f"{name} = {value}" for name, value in values)
