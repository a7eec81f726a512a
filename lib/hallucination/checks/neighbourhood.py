"""Checks of the sentence in §1 that describes hallucination by neighbourhoods."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import sympy as sp
import z3

from hallucination.checks import Outcome, check, decide, fails, holds
from hallucination.checks.enclosures import TENTH, ball, certain, phi
from hallucination.checks.prover import prove


@check(
    "sec-1-neighbourhood",
    "An output hallucinates exactly if it is farther than δ from the centre of every state (here N(0, 1), δ = 1/10)",
    reading="distance to the centre of a state",
    form="printed",
    evidence="interval",
    statement={"side": "at most"},
    control={"side": "above"},
)
def neighbourhood_is_threshold(
    side: str, distances: Sequence[Fraction] = (Fraction(1), Fraction(2), Fraction(3)), delta: Fraction = TENTH
) -> Outcome:
    """Compare “distance > δ” with “density at most (or, wrongly, above) δ” at several outputs."""
    for distance in distances:
        density = phi(distance)
        low = certain(bool(density <= ball(delta)), bool(density > ball(delta)))
        if low is None:
            return Outcome("undecided", f"density {density} and δ = {delta}")
        if (low if side == "at most" else not low) != (distance > delta):
            return fails(f"output at distance {distance}: density {float(density.mid()):.3f}, δ = {delta}")
    return holds(f"{len(distances)} outputs")


@check(
    "sec-1-neighbourhood",
    "An output hallucinates exactly if it lies outside the region with density above δ of every state",
    reading="region with density above δ",
    form="printed",
    evidence="solver",
    control={"region": "at least δ"},
)
def region_is_threshold(region: str = "above δ") -> Outcome:
    """Induct over the states: the two properties agree for some states; then one more with density f."""
    f, delta = z3.Reals("f delta")
    outside, hallucinates = z3.Bools("outside hallucinates")
    inside = f > delta if region == "above δ" else f >= delta
    goal = z3.And(outside, z3.Not(inside)) == z3.And(hallucinates, f <= delta)
    story = "density {f} and δ = {delta}: inside the region, and yet a hallucination"
    return prove([outside == hallucinates, f >= 0, delta > 0], goal, "for every number of states (induction)", story)


@check(
    "sec-1-neighbourhood",
    "A larger δ can only make hallucination by Definition 4.2 more frequent",
    name="threshold-catches-more",
    form="stronger",
    evidence="solver",
    statement={"rule": "density", "effect": "more"},
    control={"rule": "density", "effect": "fewer"},
)
@check(
    "sec-1-neighbourhood",
    "A larger distance δ can only make lying outside a δ-neighbourhood rarer",
    name="neighbourhood-catches-fewer",
    form="stronger",
    evidence="solver",
    statement={"rule": "distance", "effect": "fewer"},
    control={"rule": "distance", "effect": "more"},
)
def larger_delta_catches(rule: str, effect: str) -> Outcome:
    """Decide whether a verdict stays when δ grows ("more") or when it shrinks; x is a density or a distance."""
    x, delta, larger = z3.Reals("x delta larger")

    def verdict(level: z3.ArithRef) -> z3.BoolRef:
        return {"density": x <= level, "distance": x > level}[rule]

    given, goal = (delta, larger) if effect == "more" else (larger, delta)
    hypotheses = [x >= 0, delta > 0, larger > delta, larger <= 1, verdict(given)]
    return prove(hypotheses, verdict(goal), "for all outputs and thresholds")


@check(
    "sec-1-neighbourhood",
    "For a normal state the answers with density above δ form an ellipsoid, D² < −2 ln δ − d ln 2π − ln det Σ; "
    "none if the right side is not positive",
    form="stronger",
    evidence="symbolic",
    control={"with_determinant": False},
)
def region_is_an_ellipsoid(with_determinant: bool = True) -> Outcome:
    """Write ln f(v) − ln δ as (τ − D²)/2 for symbolic dimension, ln det Σ and squared distance D²."""
    d, delta, square = sp.symbols("d delta D2", positive=True)
    log_det = sp.Symbol("logdet", real=True)
    log_density = -(d * sp.log(2 * sp.pi) + log_det + square) / 2
    tau = -2 * sp.log(delta) - d * sp.log(2 * sp.pi) - (log_det if with_determinant else 0)
    rest = sp.expand(log_density - sp.log(delta) - (tau - square) / 2)
    return decide(rest.equals(0), "for every dimension, Σ and δ", f"left over: {rest}")
