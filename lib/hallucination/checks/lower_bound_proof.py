"""Checks of the printed proof of Theorem 6.1 in Appendix B.5, from (B.9) to the end of the display, line by line."""

from __future__ import annotations

from fractions import Fraction

import sympy as sp
import z3

from hallucination.checks import Outcome, check, decide, fails, holds
from hallucination.checks.enclosures import TENTH
from hallucination.checks.instances import random_instances
from hallucination.checks.lower_bound_repaired import on_the_line
from hallucination.checks.prover import prove
from hallucination.refutations import Display, display_with_four_states, display_with_two_states


@check(
    "thm-6.1",
    "Set-up: the factor P_i of the right side is fixed by what the theorem says of it, an α_i > 1 with θ_i(α_i) ≤ 1",
    name="factor-left-open",
    part="proof",
    form="printed",
    evidence="exact",
    statement={"choice": "any admissible"},
    control={"choice": "any admissible", "radius": Fraction(1, 5)},
)
@check(
    "thm-6.1",
    "Set-up: P_i is fixed if it is the largest value of (1 − α⁻²)(1 − θ_i(α))²; the maximiser is unique",
    name="factor-as-maximum",
    part="proof",
    form="stronger",
    evidence="exact",
    statement={"choice": "the maximiser"},
    control={"choice": "any admissible"},
)
def factor_is_fixed(choice: str, radius: Fraction = TENTH) -> Outcome:
    """Take d = 1/4 and v = 1: compare two admissible α, or count the stationary points between 1 and (1 − r)/d."""
    alpha = sp.Symbol("alpha", positive=True)
    r, d = sp.Rational(radius.numerator, radius.denominator), sp.Rational(1, 4)
    value = (1 - alpha**-2) * (1 - (alpha * d + r) ** 2) ** 2
    last = (1 - r) / d
    if choice == "the maximiser":
        slope = sp.Poly(sp.numer(sp.together(sp.diff(value, alpha))), alpha)
        inside = slope.count_roots(1, last) - sum(slope.eval(end) == 0 for end in (1, last))
        return decide(inside == 1, f"one stationary point for 1 < α < {last}", f"{inside} stationary points")
    two = [sp.Rational(3, 2), sp.Integer(2)]
    first, second = (float(value.subs(alpha, a)) for a in two)
    found = f"d = 1/4, r = {radius}, v = 1: α = 3/2 gives {first:.4f}, α = 2 gives {second:.4f}"
    return decide(first == second, found, found)


@check(
    "thm-6.1",
    "(B.9): the complement of Lemma B.5, P(|A* − μ_0| ≤ d_i) ≥ 1 − (Σ p_i²)(Σ v_i)/d_i²",
    name="complement",
    part="proof",
    form="printed",
    evidence="solver",
    control={"overlap": False},
)
def complement(overlap: bool = True) -> Outcome:
    """Both events hold where the distance is d_i, so that their probabilities sum to at least one."""
    near, far, bound = z3.Reals("near far bound")
    law = [near >= 0, far >= 0, near + far >= 1 if overlap else near + far <= 1, far <= bound]
    return prove(law, near >= 1 - bound, "for every law", "probabilities {near} and {far}, bound {bound}")


@check(
    "thm-6.1",
    "Display, line 1: A* misses U_i at least as often as a ball that holds U_i",
    name="display-line-1",
    part="proof",
    form="printed",
    evidence="solver",
    control={"covers": False},
)
def ball_holds_region(covers: bool = True) -> Outcome:
    """Outside the ball means outside the region, if the region lies in the ball."""
    in_region, in_ball = z3.Bools("region ball")
    law = [z3.Implies(in_region, in_ball)] if covers else []
    return prove(law, z3.Implies(z3.Not(in_ball), z3.Not(in_region)), "for every outcome", "outside the ball, in U_i")


@check(
    "thm-6.1",
    "Display, line 2: P(A* misses the ball of state 1) ≥ P(|A* − μ_0| ≤ d_1) · P(|μ_1 − μ_0| ≥ d_1 + r)",
    name="display-line-2",
    part="proof",
    form="printed",
    evidence="exact",
    statement={"states": 4},
    control={"states": 4, "exponent": 0},
)
@check(
    "thm-6.1",
    "Display, line 2 holds on the example with two states, although its events are dependent there",
    name="display-line-2-two-states",
    part="proof",
    form="stronger",
    evidence="exact",
    statement={"states": 2},
    control={"states": 4},
)
def display_line_two(states: int, exponent: int = 1) -> Outcome:
    """Enumerate the examples; all hypotheses hold in them. `exponent` 0 drops the second factor."""
    d: Display = display_with_four_states() if states == 4 else display_with_two_states()
    right = d.right if exponent else d.first
    product = f"{d.first} · {d.second} = {right}" if exponent else f"{right}"
    found = f"N = {states}, d_1 = {d.near}, r = {d.instance.radii[0]}: left side {d.left}, right side {product}"
    return decide(d.left >= right, found, found)


@check(
    "thm-6.1",
    "Display, line 2: A* and μ_1 may be treated as independent, so that the joint probability is the product",
    name="display-independence",
    part="proof",
    form="printed",
    evidence="exact",
    statement={"rare": Fraction(1, 16)},
    control={"rare": Fraction(1, 17)},
)
@check(
    "thm-6.1",
    "Display, line 2: what it needs is a joint probability; on the example this is far below the product",
    name="display-joint-probability",
    part="proof",
    form="stronger",
    evidence="exact",
    statement={"rare": Fraction(1, 16), "claim": "below"},
    control={"rare": Fraction(1, 16), "claim": "above"},
)
def events_are_independent(rare: Fraction, claim: str = "equal") -> Outcome:
    """Two states with centres 0 or, rarely, ±1: A* contains half of μ_1."""
    d = display_with_two_states(rare)
    found = f"N = 2: both events together have probability {d.joint}, the product is {d.right}"
    answer = {"equal": d.joint == d.right, "below": d.joint * 10 < d.right, "above": d.joint > d.right}[claim]
    return decide(answer, found, found)


@check(
    "thm-6.1",
    "Display, line 2: |A* − μ_0| ≤ d_i and |μ_i − μ_0| ≥ d_i + r put A* outside the closed ball of radius r",
    name="display-boundary",
    part="proof",
    form="printed",
    evidence="solver",
    statement={"strict": False},
    control={"strict": False, "share": Fraction(1, 2)},
)
@check(
    "thm-6.1",
    "Display, line 2: with |μ_i − μ_0| > d_i + r they do",
    name="display-strict",
    part="proof",
    form="stronger",
    evidence="solver",
    statement={"strict": True},
    control={"strict": True, "share": Fraction(1, 2)},
)
def outside_the_closed_ball(strict: bool, share: Fraction = Fraction(1)) -> Outcome:
    """Prove |X − S| > r from the lengths of X and S and their inner product c."""
    x, s, c, d, r = z3.Reals("X S c d r")
    reach = z3.RealVal(str(share)) * d + r
    law = [x >= 0, s >= 0, c <= x * s, c >= -x * s, d > 0, r >= 0, s <= d, (x > reach) if strict else (x >= reach)]
    story = "d_i = {d}, r = {r}: with |μ_i − μ_0| = {X} and |A* − μ_0| = {S} the ball can still hold A*"
    return prove(law, x * x - 2 * c + s * s > r * r, "for every law, in every dimension", story)


@check(
    "thm-6.1",
    "Display, line 3: by Lemma B.6 with θ_i v_i = (d_i + r)², P(|μ_i − μ_0| ≥ d_i + r) ≥ (1 − θ_i)² K_i",
    name="display-line-3",
    part="proof",
    form="printed",
    evidence="property",
    control={"power": 1},
)
def display_line_three(power: int = 2) -> Outcome:
    """Compare both sides exactly for the laws of 100 random instances and three levels."""
    tight = Fraction(0)
    for draw in random_instances(seed=69, count=100, centred=True):
        instance = on_the_line(draw)
        for (atoms, masses), (v, k) in zip(instance.laws, instance.moments(), strict=True):
            for theta in (TENTH, Fraction(1, 2), Fraction(9, 10)):
                left = sum((q for a, q in zip(atoms, masses, strict=True) if a * a >= theta * v), Fraction(0))
                right = (1 - theta) ** power * k
                if left < right:
                    return fails(f"θ = {theta}: probability {left}, bound {right}")
                tight = max(tight, right / left)
    return holds(f"laws of 100 instances; the bound reaches {float(tight):.3f} of the probability")


@check(
    "thm-6.1",
    "Display, last line: with d_i = α_i d the bound of Lemma B.5 is 1 − 1/α_i²",
    name="display-last-line",
    part="proof",
    form="printed",
    evidence="exact",
    statement={"numerator": "Lemma B.5"},
    control={"numerator": "Lemma B.5", "states": 3},
)
@check(
    "thm-6.1",
    "Display, last line: with the exact variance of A* in place of Lemma B.5 it is 1 − 1/α_i²",
    name="display-last-line-exact-variance",
    part="proof",
    form="stronger",
    evidence="exact",
    statement={"numerator": "d²"},
    control={"numerator": "Lemma B.5"},
)
def last_line(numerator: str, states: int = 2, alpha: int = 3) -> Outcome:
    """Evaluate 1 − numerator/(α d)² for equal weights and unit variances, where d² = 1/N."""
    d2 = Fraction(1, states)
    top = d2 if numerator == "d²" else Fraction(states, states**2) * states
    value, wanted = 1 - top / (alpha**2 * d2), 1 - Fraction(1, alpha**2)
    found = f"N = {states}, equal weights and variances, α = {alpha}: the bound is {value}, 1 − 1/α² is {wanted}"
    return decide(value == wanted, found, found)
