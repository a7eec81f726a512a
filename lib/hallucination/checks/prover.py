"""Proofs by z3: a statement holds if its negation has no model; a model is the counterexample."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import z3

from hallucination.checks import Outcome, fails, holds, undecided

EFFORT = 20_000_000


def prove(
    hypotheses: Sequence[Any], goal: Any, found: str, counterexample: str = "", effort: int = EFFORT
) -> Outcome:
    """Try to prove that the hypotheses imply the goal for all values of their variables.

    Parameters
    ----------
    hypotheses : sequence of z3 formulas
        What may be assumed.
    goal : z3 formula
        What must follow.
    found : str
        What a proof shows, for the page.
    counterexample : str
        A sentence about the counterexample with the variables' names in braces, ``"{x} is below {y}"``;
        without it the values are listed.
    effort : int
        Limit in z3's own units of work; beyond it the outcome is undecided.  Time would not do: an outcome must not
        depend on what else the machine is doing.

    Raises
    ------
    ValueError
        If the hypotheses contradict each other, so that anything would follow.
    """
    # A context of its own: in the shared one the search depends on what was proved before.
    context = z3.Context()
    solver = z3.Solver(ctx=context)
    solver.set("rlimit", effort)
    solver.add(*(h.translate(context) for h in hypotheses))
    if solver.check() == z3.unsat:
        raise ValueError(f"hypotheses contradict each other: {hypotheses}")
    solver.add(z3.Not(goal).translate(context))
    answer = solver.check()
    if answer == z3.unknown:
        return undecided(f"z3: {solver.reason_unknown()}")
    return holds(found) if answer == z3.unsat else fails(_show(solver.model(), counterexample))


class _Values(dict[str, str]):
    """Values of a model; a variable that z3 left open may be anything, so it is 0."""

    def __missing__(self, name: str) -> str:
        return "0"


def _show(model: z3.ModelRef, sentence: str) -> str:
    """Fill the model's values into the sentence, or write them as ``a = 1/2, b = 0``, sorted by name."""
    values = _Values({v.name(): str(model[v]).replace("-", "−") for v in model.decls() if v.arity() == 0})
    return sentence.format_map(values) or ", ".join(f"{name} = {value}" for name, value in sorted(values.items()))
