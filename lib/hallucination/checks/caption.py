"""Checks of the caption of Figure 2: what its four numbers can be, and how they rank."""

from __future__ import annotations

from fractions import Fraction

import z3

from hallucination.checks import Outcome, check, decide, fails, holds
from hallucination.checks.enclosures import HALF, TENTH
from hallucination.checks.prover import prove

CAPTION = ((Fraction(9, 10), TENTH), (Fraction(7, 10), Fraction(7, 10)))  # rows: the two outputs; columns: cat, dog
LOWER = ((Fraction(6, 10), TENTH), (Fraction(4, 10), Fraction(4, 10)))


@check(
    "fig-2",
    "Numbers that fit all three readings exist: 0.6, 0.1 against 0.4, 0.4",
    name="smaller-numbers-fit-all",
    form="stronger",
    evidence="exact",
    statement={"sums": "both", "table": LOWER},
    control={"sums": "both"},
)
@check(
    "fig-2",
    "The caption's four numbers can occur together",
    name="as-probabilities-of-outputs",
    reading="probabilities of the output under each category",
    form="printed",
    evidence="exact",
    statement={"sums": "outputs"},
    control={"sums": "both"},
)
@check(
    "fig-2",
    "The caption's four numbers can occur together",
    name="as-posterior",
    reading="probabilities of the category given the output",
    form="printed",
    evidence="exact",
    statement={"sums": "categories"},
    control={"sums": "both"},
)
def table_is_possible(sums: str, table: tuple[tuple[Fraction, ...], ...] = CAPTION) -> Outcome:
    """Test that probabilities which exclude each other do not add up to more than one."""
    totals: list[tuple[str, Fraction]] = []
    if sums in ("categories", "both"):  # each output belongs to one category
        totals += [("one output", sum(row, Fraction(0))) for row in table]
    if sums in ("outputs", "both"):  # each category produces one output at a time
        totals += [("one category", sum(column, Fraction(0))) for column in zip(*table, strict=True)]
    bad = [f"{where} sums to {total}" for where, total in totals if total > 1]
    return fails(", ".join(bad)) if bad else holds(f"no sum exceeds 1 in {len(totals)} sums")


@check(
    "fig-2",
    "The caption's four numbers can occur together",
    name="as-densities",
    reading="densities of the output under each category",
    form="printed",
    evidence="exact",
    statement={"cell": HALF},
    control={"cell": Fraction(1)},
)
def table_as_densities(cell: Fraction) -> Outcome:
    """Build a density per category: its two values on two cells of this length, the rest on a third cell."""
    found = []
    for category, column in zip(("cat", "dog"), zip(*CAPTION, strict=True), strict=True):
        masses = [cell * value for value in column]
        rest = 1 - sum(masses)
        if rest < 0:
            return fails(f"cells of length {cell}: {category} would have mass {sum(masses)} on two cells")
        assert min(masses) >= 0 and sum(masses) + rest == 1
        found.append(f"{category} has mass {masses[0]} + {masses[1]} on them and {rest} elsewhere")
    return holds(f"constant densities on two cells of length {cell}: {', '.join(found)}")


@check(
    "fig-2",
    "By the largest entry the first output is better",
    form="printed",
    evidence="exact",
    control={"rule": "mean"},
)
def first_output_is_better(rule: str = "max") -> Outcome:
    """Rank the caption's outputs by their largest entry or by their equal-weight mean."""
    first, second = (max(row) if rule == "max" else sum(row) / len(row) for row in CAPTION)
    return decide(first > second, f"{first} against {second}", f"{first} against {second}: the second is better")


@check(
    "fig-2",
    "The mixture ranks the first output first only if cats have weight 3/4 or more",
    form="stronger",
    evidence="solver",
    statement={"threshold": Fraction(3, 4)},
    control={"threshold": HALF},
)
def mixture_needs_heavy_category(threshold: Fraction) -> Outcome:
    """Compare the mixtures of both outputs for every weight p of the first category."""
    p = z3.Real("p")
    first, second = (
        z3.Q(a.numerator, a.denominator) * p + z3.Q(b.numerator, b.denominator) * (1 - p) for a, b in CAPTION
    )
    goal = (first >= second) == (p >= z3.Q(threshold.numerator, threshold.denominator))
    return prove([p >= 0, p <= 1], goal, f"for every weight: from {threshold} on")
