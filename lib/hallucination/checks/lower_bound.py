"""Checks of Theorem 6.1 as printed: where its last inequality fails, and how small its right side always is.

Every number of states and every radius is exact; the right side is a rational number certain to be at most ∏ P_i K_i.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import z3

from hallucination.checks import Outcome, check, decide, fails, holds, undecided
from hallucination.checks.enclosures import TENTH
from hallucination.checks.prover import prove
from hallucination.equal_weights import SIX_TYPES, THIRTEEN_TYPES, equal_weights
from hallucination.numerals import scientific
from hallucination.refutations import (
    Instance,
    per_state_radii,
    probability_by_noise,
    symmetric,
    two_point,
    uniform_radius,
)

FAMILIES: dict[str, Callable[[Any], Instance]] = {
    "one radius": uniform_radius,
    "one radius, far apart": lambda light: uniform_radius(light, 1001, 1),
    "a radius per state": per_state_radii,
    "symmetric": symmetric,
}
THEOREM = "If d + r_i < √v_i for all i, then P_H > ∏ P_i K_i"


@check(
    "thm-6.1",
    f"{THEOREM}: two heavy and 23 light states with one radius (N = 25)",
    name="one-radius-25-states",
    form="printed",
    evidence="exact",
    statement={"family": "one radius", "size": 23},
    control={"family": "one radius", "size": 22, "times": 2},
)
@check(
    "thm-6.1",
    f"{THEOREM}: 60 light states that are ±500 with equal probabilities (N = 62)",
    name="one-radius-62-states",
    form="printed",
    evidence="exact",
    statement={"family": "one radius, far apart", "size": 60},
    control={"family": "one radius, far apart", "size": 10, "times": 10**6},
)
@check(
    "thm-6.1",
    f"{THEOREM}: each state with its own radius as r_x (N = 13)",
    name="own-radii-13-states",
    form="printed",
    evidence="exact",
    statement={"family": "a radius per state", "size": 10},
    control={"family": "a radius per state", "size": 9, "times": 2},
)
@check(
    "thm-6.1",
    f"{THEOREM}: all laws symmetric about μ_0 (N = 74)",
    name="symmetric-74-states",
    form="printed",
    evidence="exact",
    statement={"family": "symmetric", "size": (31, 29, 12)},
    control={"family": "symmetric", "size": (20, 20, 8), "times": 10**6},
)
@check(
    "thm-6.1",
    f"{THEOREM}: with 22 light states (N = 24) the family with one radius obeys it",
    name="one-radius-24-states",
    form="stronger",
    evidence="exact",
    statement={"family": "one radius", "size": 22},
    control={"family": "one radius", "size": 24},
)
@check(
    "thm-6.1",
    f"{THEOREM}: with 9 light states (N = 12) the family with own radii obeys it",
    name="own-radii-12-states",
    form="stronger",
    evidence="exact",
    statement={"family": "a radius per state", "size": 9},
    control={"family": "a radius per state", "size": 11},
)
def theorem_on(family: str, size: Any, times: int = 1) -> Outcome:
    """Compare P_H, enumerated exactly, with rational bounds of `times` · ∏ P_i K_i from below and above."""
    instance = FAMILIES[family](size)
    p_h = probability_by_noise(instance, 2) if family == "symmetric" else instance.probability()
    below = times * instance.right_side()
    if below >= p_h:
        ratio = f"{scientific(below / p_h)} times as much{_scaled(times)}"
        return fails(f"N = {instance.states}: P_H is {scientific(p_h)}, ∏ P_i K_i is at least {ratio}")
    above = times * instance.right_side_above()
    if above < p_h:
        return holds(f"N = {instance.states}: P_H is {scientific(p_h)}, ∏ P_i K_i is at most {scientific(above)}")
    return undecided(f"N = {instance.states}: the enclosure of ∏ P_i K_i holds P_H")


def _scaled(times: int) -> str:
    return f" (multiplied by {times})" if times != 1 else ""


@check(
    "thm-6.1",
    f"{THEOREM}: equal weights, six kinds of states, one radius (N = 10⁹)",
    name="equal-weights-a-billion-states",
    form="printed",
    evidence="interval",
    statement={"states": 10**9},
    control={"states": 2 * 10**9},
)
@check(
    "thm-6.1",
    f"{THEOREM}: equal weights, thirteen kinds of states, one radius (N = 2·10⁷)",
    name="equal-weights-20-million-states",
    form="printed",
    evidence="interval",
    statement={"states": 2 * 10**7, "kinds": 13},
    control={"states": 4 * 10**7, "kinds": 13},
)
@check(
    "thm-6.1",
    f"{THEOREM}: equal weights and four fair states obey it",
    name="equal-weights-four-states",
    form="stronger",
    evidence="exact",
    statement={"states": 4},
    control={"states": 4, "times": 10**6},
)
def equal_weights_obey(states: int, kinds: int = 6, times: int = 1) -> Outcome:
    """Enumerate fair states if there are few, else enclose both sides with Chernoff's inequality and intervals."""
    if states < 100:
        fair = Instance((states,), (Fraction(1, states),), (two_point(-1, 1),), (TENTH,))
        p_h, above = fair.probability(), times * fair.right_side_above()
        found = f"N = {states}: P_H = {p_h}, ∏ P_i K_i{_scaled(times)} is at most {scientific(above)}"
        return decide(True if above < p_h else None if times * fair.right_side() < p_h else False, found, found)
    found_both = equal_weights(states, SIX_TYPES if kinds == 6 else THIRTEEN_TYPES)
    left, right = float(found_both.left.upper()), float(found_both.right.lower())
    if not found_both.refutes:
        return undecided(f"rates {left:.6f} and {right:.6f} per state do not tell")
    rates = f"(1/N) ln P_H is at most {left:.6f}, (1/N) ln ∏ P_i K_i at least {right:.6f}"
    return fails(f"N = {scientific(states)}: {rates}".replace("-", "−"))


@check(
    "thm-6.1",
    "There is an α_i > 1 with θ_i(α_i) ≤ 1 exactly if d + r_i < √v_i",
    name="hypothesis-in-one-inequality",
    form="stronger",
    evidence="solver",
    control={"strict": False},
)
def hypothesis(strict: bool = True) -> Outcome:
    """Prove both directions for d > 0; α = (√v − r)/d is admissible if the inequality is strict."""
    d, r, h, alpha = z3.Reals("d r h alpha")
    always = [d > 0, r >= 0, h > 0]
    met = d + r < h if strict else d + r <= h
    first = prove([*always, alpha > 1, alpha * d + r <= h], met, "")
    best = (h - r) / d
    story = "d = {d}, r = {r}, √v = {h}: no α > 1 is admissible"
    second = prove([*always, met], z3.And(best > 1, best * d + r <= h), "for all d, r_i and v_i", story)
    return second if first.verb == "holds" else first


@check(
    "thm-6.1",
    "A single state never satisfies the hypothesis, and r_i < (1 − p_i)√v_i is necessary",
    name="what-the-hypothesis-needs",
    form="stronger",
    evidence="solver",
    control={"share": Fraction(11, 10)},
)
def necessary(share: Fraction = Fraction(1)) -> Outcome:
    """Use d ≥ p_i √v_i, one term of d²; with p = 1 nothing is left for a radius."""
    d, r, h, p = z3.Reals("d r h p")
    always = [h > 0, r >= 0, p > 0, p <= 1, d > 0, d * d >= p * p * h * h, d + r < h]
    goal = z3.And(r < (1 - z3.RealVal(str(share)) * p) * h, p < 1)
    return prove(always, goal, "for every number of states", "p = {p}, √v = {h}, d = {d}, r = {r}")
