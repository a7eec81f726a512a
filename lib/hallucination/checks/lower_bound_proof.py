"""Checks of the printed proof of Theorem 6.1 in Appendix B.5, line by line.

The proof bounds the probability of missing one ball and multiplies over the states.  The bound for one state is true,
although two of the lines that lead to it are not; the multiplication is not allowed.
"""

from __future__ import annotations

import math
from fractions import Fraction

import sympy as sp
import z3

from hallucination.checks import Outcome, check, decide, fails, holds
from hallucination.checks.enclosures import TENTH
from hallucination.checks.instances import random_instances, scientific
from hallucination.checks.lower_bound_repaired import on_the_line
from hallucination.checks.prover import prove
from hallucination.enumeration import exact_event, exact_marginal
from hallucination.refutations import (
    Display,
    credit_above,
    display_with_four_states,
    display_with_two_states,
    three_uniforms,
    two_point,
)


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


@check(
    "thm-6.1",
    "Display, conclusion: A* misses U_i with probability at least P_i K_i",
    name="one-state-on-instances",
    part="proof",
    form="printed",
    evidence="property",
    control={"times": 10**4},
)
def one_state(times: int = 1, wanted: int = 12) -> Outcome:
    """Compare exact probabilities with rational upper bounds of P_i K_i on random instances; it is true."""
    checked, closest = 0, math.inf
    for draw in random_instances(seed=70, count=200, centred=True):
        instance = on_the_line(draw)
        below = Fraction(math.sqrt(instance.spread_squared()) * (1 - 1e-12))
        room = [math.sqrt(v) - float(below) for v, _ in instance.moments()]
        if min(room) <= 0.02:
            continue
        r = Fraction(min(room) / 3).limit_denominator(50)
        for i, (v, k) in enumerate(instance.moments()):
            left = exact_marginal(i, draw.weights, draw.laws, [r] * instance.states)
            right = times * credit_above(v, below, r, 40) * k
            if left < right:
                return fails(f"probability {float(left):.4g}, {times} · P_i K_i is up to {float(right):.4g}")
            closest = min(closest, float(left / right))
        checked += 1
        if checked == wanted:
            break
    return holds(f"all states of {checked} instances: the probability is at least {scientific(closest)} · P_i K_i")


@check(
    "thm-6.1",
    "Display, conclusion, by another way: with R the part of A* − μ_0 without μ_i, Cantelli gives 1 − α⁻² for ⟨R, e⟩",
    name="one-state-by-leaving-it-out",
    part="proof",
    form="stronger",
    evidence="solver",
    control={"radius": "larger"},
)
def one_state_repaired(radius: str = "admissible") -> Outcome:
    """Three steps: the level λ is positive, λ² ≥ (α² − 1) Var R, and this is what Cantelli's inequality needs."""
    alpha, d, p, h, r = z3.Reals("alpha d p h r")
    law = [alpha > 1, d > 0, p > 0, p < 1, h > 0, r >= 0, d >= p * h]
    law += [r <= h - alpha * d] if radius == "admissible" else [r <= 2 * (h - alpha * d), h >= alpha * d]
    level = (1 - p) * alpha * d - p * r  # λ: |X_i − S| > r if ⟨R, e⟩ < λ
    story = "α = {alpha}, d = {d}, p = {p}, √v = {h}, r = {r}: the level is too low"
    lower = prove(law, z3.And(level >= alpha * d - p * h, level > 0), "", story)
    if lower.verb != "holds":
        return lower
    least = alpha * d - p * h
    square = prove([alpha > 1], least**2 - (alpha**2 - 1) * (d**2 - p**2 * h**2) == (d - alpha * p * h) ** 2, "")
    lam, var = z3.Reals("lam var")
    cantelli = prove(
        [alpha > 1, var >= 0, lam > 0, lam**2 >= (alpha**2 - 1) * var],
        lam**2 * alpha**2 >= (alpha**2 - 1) * (lam**2 + var),
        "for every number of states and every dimension",
    )
    return cantelli if square.verb == "holds" else square


@check(
    "thm-6.1",
    "Last step: as the centres are independent, P(A* misses all U_i) ≥ ∏ P(A* misses U_i)",
    name="product-of-probabilities",
    part="proof",
    form="printed",
    evidence="symbolic",
    statement={"radius": Fraction(1, 5)},
    control={"radius": Fraction(1, 10)},
)
@check(
    "thm-6.1",
    "Last step: for radius 0 both sides are 1",
    name="product-without-radius",
    part="proof",
    form="stronger",
    evidence="symbolic",
    statement={"radius": Fraction(0)},
    control={"radius": Fraction(2, 5)},
)
def product_of_probabilities(radius: Fraction) -> Outcome:
    """Integrate for three centres uniform on [−1, 1] with equal weights, and compare; the closed forms must agree."""
    everywhere, one = integrals()
    r = sp.Rational(radius.numerator, radius.denominator)
    both = [Fraction(str(f.subs(_r, r))) for f in (everywhere, one)]
    if tuple(both) != three_uniforms(radius):
        return fails("the integrals and the closed forms differ")
    found = f"three uniform centres, r = {radius}: all balls missed {both[0]}, product {float(both[1] ** 3):.5f}"
    return decide(both[0] >= both[1] ** 3, found, found)


_r, _a, _b, _w = sp.symbols("r a b w", positive=True)


def integrals() -> tuple[sp.Expr, sp.Expr]:
    """P(no ball is hit) and P(the first is not) as polynomials in r ≤ 2/3.

    The first integrates over two of the differences Y_i = μ_i − A* of one sign (12 equal regions by symmetry), with
    the room 2 − 2a − b that is left for A*.  The second is 1 − P(|μ_1 − W| ≤ 3r/2), W the mean of the others, with
    the part of the interval around W that leaves [−1, 1].
    """
    inner = sp.integrate(2 - 2 * _a - _b, (_a, _b, (2 - _b) / 2))
    everywhere = sp.Rational(9, 2) * sp.integrate(sp.expand(inner), (_b, _r, sp.Rational(2, 3)))
    rho = sp.Rational(3, 2) * _r
    lost = sp.integrate(sp.expand(2 * (_w + rho - 1) * (1 - _w)), (_w, 1 - rho, 1)) / 2
    return sp.expand(everywhere), sp.expand(1 - rho + lost)


@check(
    "thm-6.1",
    "Last step: for the three uniform centres it fails for every radius up to 2/3, not for one only",
    name="product-fails-for-every-radius",
    part="proof",
    form="stronger",
    evidence="solver",
    control={"from_zero": True},
)
def fails_for_every_radius(from_zero: bool = False) -> Outcome:
    """Prove (1 − ρ)³ < (1 − ρ + ρ³/6)³ for ρ = 3r/2 in (0, 1]: a cube grows with its root."""
    rho = z3.Real("rho")
    range_ = [rho >= 0 if from_zero else rho > 0, rho <= 1]
    return prove(range_, 1 - rho < 1 - rho + rho**3 / 6, "for every r in (0, 2/3]", "ρ = {rho}: both sides are equal")


@check(
    "thm-6.1",
    "Last step: independent centres do not make the events independent, since all of them contain A*",
    name="events-share-the-mean",
    part="proof",
    form="stronger",
    evidence="exact",
    control={"weight": Fraction(0)},
)
def events_share_the_mean(weight: Fraction = Fraction(1, 2)) -> Outcome:
    """Two fair states: P(both missed) against the product; with weight 0 on state 2 its law would not matter."""
    fair, r = two_point(-1, 1), Fraction(1, 4)
    weights = [1 - weight, weight]

    def missed(i: int) -> Fraction:
        return exact_event(weights, [fair, fair], lambda mu, mean: abs(mu[i][0] - mean[0]) > r)

    together = exact_event(weights, [fair, fair], lambda mu, mean: all(abs(x[0] - mean[0]) > r for x in mu))
    found = f"together {together}, separately {missed(0)} and {missed(1)}"
    return decide(together != missed(0) * missed(1), found, f"{found}: independent")
