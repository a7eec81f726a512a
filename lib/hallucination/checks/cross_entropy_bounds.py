"""Checks of the chain of bounds that ends the printed proof of Theorem C.1, and of the variances that do work.

K = (N − 1)/N is the squared distance from the average of N corners to each of them, and the paper allows variances up
to d₀ = K / (2 ln(1/δ)).  See `cross_entropy_proof` for why mended lines are registered as stronger.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import sympy as sp
import z3
from flint import arb

from hallucination.checks import Outcome, check, decide, fails, holds
from hallucination.checks.enclosures import HALF, HUNDREDTH, ball, certain
from hallucination.checks.prover import prove
from hallucination.simplex import admissible_variances, log_printed_variance, log_sufficient_variance

QUARTER = Fraction(1, 4)


def displayed(line: str, states: int, delta: Fraction, variance: Fraction = HALF) -> arb:
    """Enclose a line of the printed chain; `variance` enters in the first line only."""
    spread, log = ball(Fraction(states - 1, states)), -ball(delta).log()
    at = ball(variance) if line == "density" else spread / (2 * log)
    root = (2 * arb.pi()).sqrt()
    if line in ("density", "density at d₀"):
        return (2 * arb.pi() * at).rsqrt() * (-spread / (2 * at)).exp()
    if line == "with δ²/2":
        return (2 * log / arb.pi()).sqrt() * ball(delta) ** 2 / 2
    return ball(delta) ** 2 * log / root  # with ln(1/δ)


@check(
    "thm-C.1",
    "The density grows up to d₀ (N = 2, δ = 9/10, at d = 1/2)",
    name="grows-up-to-d0",
    part="proof",
    form="printed",
    evidence="interval",
    statement={"first": "density", "second": "density at d₀", "delta": Fraction(9, 10)},
    control={"first": "density", "second": "density at d₀", "delta": Fraction(19, 20)},
)
@check(
    "thm-C.1",
    "At d₀ the exponential is at most δ²/2 (N = 2, δ = 1/2)",
    name="exponential-is-half-delta-squared",
    part="proof",
    form="printed",
    evidence="interval",
    statement={"first": "density at d₀", "second": "with δ²/2", "delta": HALF},
    control={"first": "density at d₀", "second": "with δ²/2", "delta": HUNDREDTH},
)
@check(
    "thm-C.1",
    "√ln(1/δ) is at most ln(1/δ) (N = 2, δ = 1/2)",
    name="root-of-logarithm",
    part="proof",
    form="printed",
    evidence="interval",
    statement={"first": "with δ²/2", "second": "with ln(1/δ)", "delta": HALF},
    control={"first": "with δ²/2", "second": "with ln(1/δ)", "delta": Fraction(9, 10)},
)
@check(
    "thm-C.1",
    "√ln(1/δ) is at most ln(1/δ) where δ ≤ 1/e (N = 2, δ = 1/4)",
    name="root-of-logarithm-for-small-delta",
    part="proof",
    form="stronger",
    evidence="interval",
    statement={"first": "with δ²/2", "second": "with ln(1/δ)", "delta": QUARTER},
    control={"first": "with δ²/2", "second": "with ln(1/δ)", "delta": HALF},
)
def next_line_is_no_smaller(first: str, second: str, delta: Fraction, states: int = 2) -> Outcome:
    """Enclose two lines of the printed chain at one point and compare them."""
    if not ball(HALF) <= ball(Fraction(states - 1, states)) / (-2 * ball(delta).log()) and first == "density":
        return Outcome("undecided", "the variance 1/2 is not allowed")
    one, two = (displayed(line, states, delta) for line in (first, second))
    where = f"N = {states}, δ = {delta}" + (", d = 1/2" if first == "density" else "")
    found = f"{where}: {float(one.mid()):.5f}, next line {float(two.mid()):.5f}"
    return decide(certain(bool(one <= two), bool(one > two)), found, found)


@check(
    "thm-C.1",
    "The density grows in d exactly up to K/C, so up to d₀ if ln(1/δ) ≥ C/2 (C = 1 for the printed normaliser)",
    part="proof",
    form="stronger",
    evidence="symbolic",
    control={"factor": 2},
)
def density_grows_up_to(factor: int = 1) -> Outcome:
    """Differentiate ln g = −(C/2) ln(2πd) − K/(2d) and write the slope as (K − C d)/(2d²)."""
    d, spread, classes, log = sp.symbols("d K C L", positive=True)
    slope = sp.diff(-classes / 2 * sp.log(2 * sp.pi * d) - spread / (2 * d), d)
    rest = sp.simplify(slope - (spread - factor * classes * d) / (2 * d**2))
    at_d0 = sp.simplify(slope.subs(d, spread / (2 * log)) * spread / (2 * log**2))  # sign of L − C/2
    right = rest == 0 and sp.simplify(at_d0 - (1 - classes / (2 * log))) == 0
    return decide(bool(right), "slope (K − C d)/(2d²); at d₀ its sign is that of ln(1/δ) − C/2", f"left over {rest}")


@check(
    "thm-C.1",
    "The step to δ²/2 fails for every δ < 1 and every N: the first side is (2/δ)√(N/(2N − 2)) times the second",
    part="proof",
    form="stronger",
    evidence="solver",
    control={"delta_below": 3},
)
def half_delta_squared_always_fails(delta_below: int = 1) -> Outcome:
    """Compare the squares of both sides; z3 ranges over real N ≥ 2 and δ."""
    n, delta, square = z3.Reals("N δ square")
    hypotheses = [n >= 2, delta > 0, delta < delta_below, square * delta * delta * 2 * (n - 1) == 4 * n]
    story = "N = {N}, δ = {δ}: the squared ratio is {square}"
    return prove(hypotheses, square > 1, "for all N ≥ 2 and 0 < δ < 1", story)


@check(
    "thm-C.1",
    "The last two steps hold: ln(1/δ) ≤ 1/δ − 1, and δ²(1/δ − 1)/√(2π) ≤ δ",
    part="proof",
    form="printed",
    evidence="solver",
    control={"tangent": 1},
)
def last_two_steps(tangent: int = -1) -> Outcome:
    """Use ln x ≤ x − 1 for x = 1/δ; c stands for 1/√(2π), of which only 0 < c < 1 is used."""
    delta, x, log, c = z3.Reals("δ x log c")
    hypotheses = [delta > 0, delta < 1, x * delta == 1, log <= x + tangent, c > 0, c < 1]
    middle = delta * delta * (x - 1) * c
    return prove(hypotheses, z3.And(delta * delta * log * c <= middle, middle <= delta), "for every δ in (0, 1)")


CASES = ((2, 2, Fraction(1, 100)), (3, 5, Fraction(1, 10)), (4, 10, Fraction(1, 10**6)), (2, 40, HALF))
_LOG_VARIANCE = {
    "d₀": lambda states, classes, delta: log_printed_variance(states, delta),
    "d₋": lambda states, classes, delta: admissible_variances(states, classes, delta).log_lower,
    "closed form": log_sufficient_variance,
}


@check(
    "thm-C.1",
    "With the right normaliser, every variance up to Lambert's d₋ gives density at most δ (four cases)",
    name="bound-up-to-lambert",
    part="proof",
    form="stronger",
    evidence="interval",
    statement={"limit": "d₋", "cases": CASES},
    control={"limit": "d₀", "cases": CASES},
)
@check(
    "thm-C.1",
    "With the right normaliser, every variance up to δ (2π)^(C/2) (eK/(C+2))^(C/2+1) gives density at most δ (four "
    "cases)",
    name="bound-up-to-closed-form",
    part="proof",
    form="stronger",
    evidence="interval",
    statement={"limit": "closed form", "cases": CASES},
    control={"limit": "d₀", "cases": CASES},
)
@check(
    "thm-C.1",
    "The conclusion: every variance up to d₀ gives density at most δ (N = 2, δ = 1/100, printed normaliser)",
    name="bound-up-to-d0",
    part="proof",
    form="printed",
    evidence="interval",
    statement={"limit": "d₀", "cases": ((2, 1, HUNDREDTH),)},
    control={"limit": "d₀", "cases": ((2, 2, HUNDREDTH),)},
)
def optimum_is_below_delta(limit: str, cases: tuple[tuple[int, int, Fraction], ...]) -> Outcome:
    """Enclose the density at p_X for the library's largest variance; it grows up to there if that is below K/C."""
    worst = arb(0)
    for states, dimension, delta in cases:
        d = ball(Fraction(float(np.exp(_LOG_VARIANCE[limit](states, dimension, float(delta)) - 1e-9))))
        spread = ball(Fraction(states - 1, states))
        value = (2 * arb.pi() * d) ** (-arb(dimension) / 2) * (-spread / (2 * d)).exp()
        if value > ball(delta):
            power = f"normaliser with power {dimension}/2"
            return fails(f"N = {states}, {power}, δ = {delta}: density {float(value.mid()):.5f} at {limit}")
        if not (value <= ball(delta) and d <= spread / dimension):
            return Outcome("undecided", f"N = {states}, dimension {dimension}: {value}")
        worst = value / ball(delta) if value / ball(delta) > worst else worst
    return holds(f"{len(cases)} cases; largest density {float(worst.mid()):.6f} δ")


@check(
    "thm-C.1",
    "At d₀ the density is δ (ln(1/δ)/(πK))^(C/2), so it exceeds δ exactly if δ < exp(−πK)",
    part="proof",
    form="stronger",
    evidence="symbolic",
    control={"exponent": 2},
)
def density_at_d0(exponent: int = 1) -> Outcome:
    """Insert d₀ = K/(2L), L = ln(1/δ), in the logarithm of the density with power C/2 (C = 1 is the printed one)."""
    spread, classes, log = sp.symbols("K C L", positive=True)
    d0 = spread / (2 * log)
    value = -classes / 2 * sp.log(2 * sp.pi * d0) - spread / (2 * d0)
    claimed = -exponent * log + classes / 2 * sp.log(log / (sp.pi * spread))
    rest = sp.simplify(sp.expand_log(value - claimed, force=True))
    return decide(rest == 0, "for all K, C and L = ln(1/δ); exp(−K/(2 d₀)) = δ exactly", f"left over {rest}")


@check(
    "thm-C.1",
    "With N ≤ C and C ≥ 17 classes, every δ has a variance d ≤ d₀ at which the density exceeds δ",
    name="no-delta-from-17-classes",
    part="proof",
    form="stronger",
    evidence="interval",
    statement={"classes": 17, "spread": Fraction(16, 17)},
    control={"classes": 16, "spread": Fraction(15, 16)},
)
@check(
    "thm-C.1",
    "With N = 2 states and C ≥ 9 classes, every δ has a variance d ≤ d₀ at which the density exceeds δ",
    name="no-delta-from-9-classes",
    part="proof",
    form="stronger",
    evidence="interval",
    statement={"classes": 9, "spread": HALF},
    control={"classes": 8, "spread": HALF},
)
@check(
    "thm-C.1",
    "With C ≥ 18 classes and any N, every δ has a variance d ≤ d₀ at which the density exceeds δ",
    name="no-delta-from-18-classes",
    part="proof",
    form="stronger",
    evidence="interval",
    statement={"classes": 18, "spread": Fraction(1)},
    control={"classes": 17, "spread": Fraction(1)},
)
def no_delta_is_safe(classes: int, spread: Fraction) -> Outcome:
    """Decide C > 2πeK: then the peak over d, (C/(2πeK))^(C/2) at K/C, is above 1, and d₀ < K/C means L > C/2 > πK.

    In the second case the density at d₀ is δ (L/(πK))^(C/2) > δ.  C/K grows with C, so larger C follow.
    """
    edge = 2 * arb.pi() * arb(1).exp() * ball(spread)
    found = f"C = {classes}, 2πeK = {float(edge.mid()):.3f} for K = {spread}"
    return decide(certain(bool(classes > edge), bool(classes <= edge)), found, f"{found}: the peak is at most 1")
