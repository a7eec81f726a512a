"""Checks of the repairs of Theorem 6.1: a bound from the same moments for every N, and where the printed one is true.

The bound is ∏ s_i²/(1 + s_i²) with s_i² + g_i s_i = 1 − u_i, g_i² = 1/K_i − 1 and u_i = r_i²/((1 − p_i)² v_i).
"""

from __future__ import annotations

import math
from fractions import Fraction
from functools import cache

import z3
from flint import arb

from hallucination.bounds_moments import moment_factor
from hallucination.checks import Outcome, check, decide, fails, holds
from hallucination.checks.enclosures import ball, certain
from hallucination.checks.instances import RationalInstance, no_state_hit, random_instances
from hallucination.checks.prover import prove
from hallucination.enumeration import exact_probability
from hallucination.numerals import scientific
from hallucination.refutations import Instance, per_state_radii, symmetric, uniform_radius

ROUNDING = 1e-9
GOLDEN = 2 * arb(3).sqrt() - 3  # what one state costs at most: 0.4641…


def product_from_moments(instance: Instance, shrink: Fraction = Fraction(1)) -> float:
    """∏ s_i²/(1 + s_i²) by the library's factor, with radii multiplied by `shrink`."""
    parts = zip(instance.counts, instance.weights, instance.moments(), instance.radii, strict=True)
    return math.prod(
        float(moment_factor(float(k), float((shrink * r / (1 - p)) ** 2 / v))) ** n for n, p, (v, k), r in parts
    )


@check(
    "thm-6.1",
    "A law with variance v and E|X|⁴ = v²/K leaves every ball of radius √(u v) with probability ≥ s²/(1 + s²)",
    form="stronger",
    evidence="solver",
    control={"slope": 1},
)
def one_state_from_moments(slope: int = 2) -> Outcome:
    """Three steps for T = |X − z|², v = 1: its deviation, Cantelli's inequality, and the worst |z|.

    T − E T = (|X|² − 1) − 2⟨X, z⟩ is a difference of terms with deviations g and at most 2|z| (`slope`).
    """
    g, z, s, u, b, c, mean, var, p, above = z3.Reals("g z s u b c mean var p above")
    deviation = prove(
        [g >= 0, z >= 0, b >= 0, b <= 2 * z, c <= g * b, c >= -g * b, var == g * g + b * b - 2 * c],
        var <= (g + slope * z) ** 2,
        "",
        "g = {g}, |z| = {z}: the deviation of T can be larger",
    )
    w = mean - u
    above_u = [w > 0, p >= 0, p <= 1, var >= 0, above >= w, above * above <= (var + w * w) * p]  # E[T − u; T > u]
    cantelli = prove(above_u, p * (var + w * w) >= w * w, "")
    root = [s > 0, g >= 0, z >= 0, u >= 0, u < 1, s * s + g * s == 1 - u]
    worst = prove(root, 1 + z * z - u >= s * (g + slope * z), "for every law, in every dimension, and every centre z")
    return next((step for step in (deviation, cantelli) if step.verb != "holds"), worst)


@check(
    "thm-6.1",
    "P_H ≥ ∏ s_i²/(1 + s_i²): one factor per state from the same moments, whatever the number of states",
    name="product-from-the-same-moments",
    form="stronger",
    evidence="property",
    statement={"shrink": Fraction(1)},
    control={"shrink": Fraction(1, 8)},
)
def moments_are_enough(shrink: Fraction) -> Outcome:
    """Compare it with exact P_H: on the instances that refute the theorem, and on 150 random ones.

    A smaller radius in the bound only must break it.
    """
    examples = [uniform_radius(), uniform_radius(60, 1001, 1), per_state_radii(), symmetric((2, 3, 1))]
    values = [(instance.probability(), product_from_moments(instance, shrink)) for instance in examples]
    for draw in random_instances(seed=61, count=150, centred=True):
        instance = on_the_line(draw)
        p_h = exact_probability(draw.weights, draw.laws, draw.radii)
        values.append((p_h, product_from_moments(instance, shrink)))
    broken = [(p_h, bound) for p_h, bound in values if bound > float(p_h) * (1 + ROUNDING)]
    if broken:
        p_h, bound = broken[0]
        return fails(f"P_H = {scientific(p_h)}, product {scientific(bound)}")
    tight = max(bound / float(p_h) for p_h, bound in values if p_h)
    return holds(f"{len(values)} instances, N = 25 and N = 62 among them; the product reaches {tight:.3f} of P_H")


def on_the_line(draw: RationalInstance) -> Instance:
    """Read a random instance in one dimension as one of the theorem."""
    laws = tuple((tuple(x for (x,) in atoms), tuple(q)) for atoms, q in draw.laws)
    return Instance((1,) * len(laws), tuple(draw.weights), laws, tuple(draw.radii))


@check(
    "thm-6.1",
    "Each factor s²/(1 + s²) is at least (2√3 − 3)(1 − u)² K",
    form="stronger",
    evidence="solver",
    control={"constant": "0.4642"},
)
def factor_at_least(constant: str = "0.4641") -> Outcome:
    """With w = 1 − u, y = s² and 1/K = 1 + (w − y)²/y, prove y + (w − y)² ≥ c w² (1 + y), c just below 2√3 − 3."""
    w, y = z3.Reals("w y")
    goal = y + (w - y) ** 2 >= z3.RealVal(constant) * w * w * (1 + y)
    found = f"for all K and u, with {constant} for 2√3 − 3 = {float(GOLDEN.mid()):.6f}"
    return prove([y >= 0, y <= w, w > 0, w <= 1], goal, found, "1 − u = {w}, s² = {y}: the factor is smaller")


@check(
    "thm-6.1",
    "P_i ≤ f(t_i)(1 − u_i)² with t_i = d²/v_i: the radius costs the printed factor at least as much",
    form="stronger",
    evidence="solver",
    control={"weight": "more than d"},
)
def printed_factor_at_most(weight: str = "at most d") -> Outcome:
    """For √v = 1, y = α d: prove 1 − (y + r)² ≤ (1 − y²)(1 − r²/(1 − p)²); p ≤ d ≤ y makes 1 − p ≥ 1 − y."""
    y, r, p = z3.Reals("y r p")
    size = [p <= y] if weight == "at most d" else [p > y, p < 1]
    goal = (1 - (y + r) ** 2) * (1 - p) ** 2 <= (1 - y * y) * ((1 - p) ** 2 - r * r)
    story = "α d = {y}, r = {r}, p = {p}: the printed factor is larger"
    law = [p > 0, y > 0, y < 1, r >= 0, y + r <= 1, *size]
    return prove(law, goal, "for every α, d, r_i and p_i ≤ d/√v_i", story)


@check(
    "thm-6.1",
    "d²/v_1 + … + d²/v_N is at least 1",
    form="stronger",
    evidence="solver",
    control={"weights_sum": Fraction(11, 10)},
)
def shares_sum_to_one(weights_sum: Fraction = Fraction(1)) -> Outcome:
    """Σ p_i²/t_i = 1 and Σ p_i = 1 with Cauchy's inequality (Σ p_i)² ≤ Σ p_i²/t_i · Σ t_i.

    The induction: from C² ≤ T (C = Σ p_i, A = Σ p_i²/t_i, T = Σ t_i) to one more state.
    """
    a, c, t, p, s = z3.Reals("A C T p s")
    step = prove([a >= 0, t >= 0, c * c <= a * t, s > 0], (c + p) ** 2 <= (a + p * p / s) * (t + s), "")
    last = z3.RealVal(str(weights_sum))
    end = prove([a == 1, c == 1, t >= 0, c * c <= a * t], t >= last, "for every number of states (induction step)")
    return end if step.verb == "holds" else step


def decay(x: arb) -> arb:
    """Enclose G(x) = −ln f(t)/t for t = x²/(2 − x); its least value λ gives ∏ P_i ≤ e^(−λ)."""
    return (2 - x) / x**2 * (2 * (1 - x / 2).log() - 3 * (1 - x).log())


@cache
def decay_exceeds(least: str) -> bool | None:
    """Decide G > `least` on (0, 1) by bisection, with G ≥ 2(2 − x)/x below 0.01 and G ≥ −3 ln(1 − x) − 2 ln 2 near 1.

    The first holds as −3 ln(1 − x) + 2 ln(1 − x/2) has a power series with positive terms that starts with 2x.
    """
    level, low, high = arb(least), Fraction(1, 100), Fraction(9999, 10000)
    small, large = 2 * (2 - ball(low)) / ball(low), -3 * (1 - ball(high)).log() - 2 * arb(2).log()
    tails = bool(small > level) and bool(large > level)
    boxes, seen = [(low, high)], 0
    while boxes:
        a, b = boxes.pop()
        middle, seen = (a + b) / 2, seen + 1
        if bool(decay(ball(middle)) < level):
            return False
        if not bool(decay(ball(a).union(ball(b))) > level):
            if seen > 20000:
                return None
            boxes += [(a, middle), (middle, b)]
    return True if tails else None


CAP = "7.1262"  # λ = 7.12624…


@check(
    "thm-6.1",
    "For at most 9 states the printed inequality holds: (2√3 − 3)⁹ is above the cap of ∏ P_i",
    name="at-most-nine-states",
    form="stronger",
    evidence="interval",
    statement={"states": 9},
    control={"states": 10},
)
def few_states(states: int) -> Outcome:
    """Compare c₀^N, from the repaired product, with e^(−λ) ≥ ∏ P_i, λ = min −ln f(t)/t enclosed by intervals."""
    cap, least = (-arb(CAP)).exp(), GOLDEN**states
    margins = f"(2√3 − 3)^{states} = {scientific(float(least.mid()))}, cap {scientific(float(cap.mid()))}"
    return decide(both(decay_exceeds(CAP), certain(bool(least > cap), bool(least <= cap))), margins, margins)


def both(*answers: bool | None) -> bool | None:
    """Three-valued "and"."""
    return False if False in answers else None if None in answers else True


@check(
    "thm-6.1",
    "If a law is symmetric and unimodal about μ_0, no interval of a given length holds more than the one around μ_0",
    name="centred-balls-hold-most",
    form="stronger",
    evidence="solver",
    statement={"centred": True},
    control={"centred": False},
)
def centred_balls_hold_most(centred: bool) -> Outcome:
    """On the line such a law mixes uniform laws on [−a, a]; compare the overlaps with [z − ρ, z + ρ] and [−ρ, ρ]."""
    a, rho, z = z3.Reals("a rho z")
    low, high = (-a if centred else -a / 2), a

    def overlap(x: z3.ArithRef) -> z3.ArithRef:
        left, right = z3.If(x - rho > low, x - rho, low), z3.If(x + rho < high, x + rho, high)
        return z3.If(right > left, right - left, 0)

    story = "uniform law with a = {a}, ρ = {rho}: the ball around {z} holds more"
    return prove([a > 0, rho >= 0], overlap(z) <= overlap(z3.RealVal(0)), "for every z, ρ and half-length a", story)


@check(
    "thm-6.1",
    "Then the printed inequality holds for every N: each 1 − Q_i ≥ (1 − u_i)² K_i, and that is above P_i K_i",
    name="symmetric-unimodal-laws",
    form="stronger",
    evidence="solver",
    control={"least_alpha": "any"},
)
def symmetric_unimodal(least_alpha: str = "above 1") -> Outcome:
    """Prove (1 − α⁻²) f-factor < 1: with x = α⁻², (1 − x)(1 − θ)² < (1 − u)² from 1 − θ ≤ (1 − y²)(1 − u)."""
    x, theta, u, y = z3.Reals("x theta u y")
    size = [x > 0, x < 1] if least_alpha == "above 1" else [x < 0]
    law = [theta >= 0, theta <= 1, u >= 0, u < 1, y > 0, y < 1, 1 - theta <= (1 - y * y) * (1 - u)]
    goal = (1 - x) * (1 - theta) ** 2 < (1 - u) ** 2
    found = "for every number of states and every α_i > 1"
    return prove([*size, *law], goal, found, "α⁻² = {x}: the factor is larger")


@check(
    "thm-6.1",
    "With at most 4 states the printed inequality holds on random instances that meet its hypothesis",
    name="few-states-on-random-instances",
    form="stronger",
    evidence="property",
    statement={"times": 1},
    control={"times": 10**6},
)
def few_states_on_instances(times: int, wanted: int = 25) -> Outcome:
    """Shrink the radii of random instances until d + r_i < √v_i, and compare exactly."""
    checked, closest = 0, math.inf
    for draw in random_instances(seed=62, count=400, centred=True):
        instance = on_the_line(draw)
        room = [math.sqrt(v) - math.sqrt(instance.spread_squared()) for v, _ in instance.moments()]
        if min(room) <= 0:
            continue
        r = Fraction(min(room) / 2).limit_denominator(100)
        small = Instance(instance.counts, instance.weights, instance.laws, (r,) * instance.states)
        p_h, above = no_state_hit(draw._replace(radii=list(small.radii))), times * small.right_side_above(40)
        if p_h <= above:
            return fails(f"P_H = {scientific(p_h)}, {times} times ∏ P_i K_i can be {scientific(above)}")
        checked, closest = checked + 1, min(closest, float(p_h / above) if above else math.inf)
        if checked == wanted:
            break
    return holds(f"{checked} instances; P_H is at least {scientific(closest)} times the product")
