"""Checks of how small the right side of Theorem 6.1 always is, and of further cases in which it is true.

With f(t) = max over α > 1 of (1 − α⁻²)(1 − α² t)² every P_i is at most f(t_i), t_i = d²/v_i, and Σ t_i ≥ 1.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import sympy as sp
import z3
from flint import arb

from hallucination.bounds_moments import paper_cap_exponent, paper_factor, paper_optimum
from hallucination.checks import Outcome, check, decide, fails, holds
from hallucination.checks.enclosures import ball, certain
from hallucination.checks.lower_bound_repaired import CAP, GOLDEN, both, decay_exceeds
from hallucination.checks.prover import prove
from hallucination.numerals import scientific

x, t = sp.symbols("x t", positive=True)


def enclose_f(at: Fraction) -> arb:
    """Enclose f(t) = 4(1 − x)³/(2 − x)² with x = (√(t² + 8t) − t)/2."""
    b = ball(at)
    root = ((b * b + 8 * b).sqrt() - b) / 2
    return 4 * (1 - root) ** 3 / (2 - root) ** 2


@check(
    "thm-6.1",
    "For radius 0 the largest P_i is f(t) = 4(1 − x)³/(2 − x)² at α = x^(−1/2), where x² + t x = 2t",
    form="stronger",
    evidence="symbolic",
    control={"power": 2},
)
def best_alpha(power: int = 3) -> Outcome:
    """Derive (1 − x)(1 − t/x)² in x = α⁻²; its zeros are t = x and t = x²/(2 − x)."""
    value = (1 - x) * (1 - t / x) ** 2
    stationary = sp.factor(sp.diff(value, x) * x**3 - (t - x) * (t * x - 2 * t + x**2))
    gap = sp.simplify(value.subs(t, x**2 / (2 - x)) - 4 * (1 - x) ** power / (2 - x) ** 2)
    return decide(stationary == 0 and gap == 0, "for every t in (0, 1)", f"the values differ by {gap}")


@check(
    "thm-6.1",
    "Whatever the states, ∏ P_i ≤ e^(−λ) with λ > 7.1262: the printed lower bound is never above 8.04·10⁻⁴",
    name="cap-of-the-right-side",
    form="stronger",
    evidence="interval",
    statement={"level": "7.1262"},
    control={"level": "7.1263"},
)
def cap(level: str) -> Outcome:
    """Enclose −ln f(t)/t on (0, 1) by bisection; the library's λ must agree."""
    found = f"λ > {level} is proved by intervals; e^(−{level}) = {scientific(float((-arb(level)).exp().mid()))}"
    numeric = paper_cap_exponent()
    agrees = abs(numeric - 7.12625) < 1e-4
    return decide(both(decay_exceeds(level), agrees), found, f"λ is {numeric:.6f}, below {level}")


@check(
    "thm-6.1",
    "The cap is met: two states with equal weights and variances and radius 0 come within one percent of it",
    form="stronger",
    evidence="interval",
    control={"states": 3},
)
def cap_is_nearly_met(states: int = 2) -> Outcome:
    """Enclose f(1/N)^N, which is ∏ P_i for equal weights and variances, and compare it with e^(−λ), λ < 7.1263."""
    value, highest = enclose_f(Fraction(1, states)) ** states, (-arb(CAP)).exp()
    found = f"N = {states}: ∏ P_i = {scientific(float(value.mid()))}, cap {scientific(float(highest.mid()))}"
    close = 100 * value - 99 * highest
    return decide(certain(bool(close > 0), bool(close < 0)), found, found)


@check(
    "thm-6.1",
    "Equal weights, at most 17 states, any variances: the printed inequality holds, as f(1/17) < 2√3 − 3",
    name="equal-weights-17-states",
    form="stronger",
    evidence="interval",
    statement={"at": Fraction(1, 17)},
    control={"at": Fraction(1, 18)},
)
@check(
    "thm-6.1",
    "Equal variances with Σ p_j² ≥ 0.05577: the printed inequality holds, as f(0.05577) < 2√3 − 3",
    name="equal-variances",
    form="stronger",
    evidence="interval",
    statement={"at": Fraction(5577, 100000)},
    control={"at": Fraction(5576, 100000)},
)
def factors_below_constant(at: Fraction) -> Outcome:
    """Compare f(t) with the constant that the repaired product loses per state; f falls with t."""
    value, library = enclose_f(at), float(paper_optimum(float(at)))
    found = f"f({at}) = {float(value.mid()):.6f}, 2√3 − 3 = {float(GOLDEN.mid()):.6f}"
    right = abs(library - float(value.mid())) < 1e-12
    return decide(both(right, certain(bool(value < GOLDEN), bool(value >= GOLDEN))), found, found)


@check(
    "thm-6.1",
    "Equal weights: ∏ f(t_i) is largest for equal variances, because ln f(1/(N² y)) is concave in y",
    form="stronger",
    evidence="solver",
    control={"limit": 3},
)
def equal_variances_are_worst(limit: int = 1) -> Outcome:
    """Its derivative 2N² t²/(x − t) must grow with t; that needs (t + 12)² ≥ 9(t² + 8t) for t < `limit`."""
    s = z3.Real("t")
    goal = (s + 12) * (s + 12) >= 9 * (s * s + 8 * s)
    return prove([s > 0, s < limit], goal, "for every t in (0, 1)", "t = {t}: the derivative falls")


@check(
    "thm-6.1",
    "Symmetric laws and at most 11 states: the printed inequality holds, as 2^(1−N) is above the cap",
    name="symmetric-11-states",
    form="stronger",
    evidence="interval",
    statement={"states": 11},
    control={"states": 12},
)
def symmetric_laws(states: int) -> Outcome:
    """Of the 2^N sign patterns of the centres, the one with the largest V and its negative leave no state hit."""
    least, highest = ball(Fraction(1, 2 ** (states - 1))), (-arb(CAP)).exp()
    found = f"2^(1−{states}) = {scientific(float(least.mid()))}, cap {scientific(float(highest.mid()))}"
    return decide(certain(bool(least > highest), bool(least <= highest)), found, found)


@check(
    "thm-6.1",
    "All |μ_i − μ_0| constant (all K_i = 1): the printed inequality holds for every N, by P_H ≥ 1 − d²/D² > P_i",
    form="stronger",
    evidence="solver",
    control={"radius": "any"},
)
def constant_distances(radius: str = "not negative") -> Outcome:
    """With D = √v − r the least over the states, α ≤ D/d gives 1 − d²/D² ≥ 1 − α⁻², which is above P_i as θ > 0."""
    d, r, h, alpha, theta = z3.Reals("d r h alpha theta")
    law = [d > 0, h > 0, alpha > 1, alpha * d + r <= h]
    law += [r >= 0] if radius == "not negative" else [r < 0]
    gap = h - r if radius == "not negative" else h + r
    story = "√v = {h}, d = {d}, r = {r}: d/D is above 1/α"
    first = prove(law, z3.And(gap > 0, alpha * d <= gap), "", story)
    factor = [theta > 0, theta <= 1, alpha > 1]
    second = prove(factor, (1 - theta) ** 2 * (alpha**2 - 1) < alpha**2 - 1, "for every number of states")
    return second if first.verb == "holds" else first


@check(
    "thm-6.1",
    "No constant above 2√3 − 3 per state is possible: light two-point states lose (β² − β + 1)/(β + β²) each",
    form="stronger",
    evidence="symbolic",
    control={"ratio": 2},
)
def constant_is_best(ratio: int = 0) -> Outcome:
    """Minimise q/K over the ratio β of the two distances: q = 1/(1 + β) and K = β/(β² − β + 1)."""
    beta = sp.Symbol("beta", positive=True)
    loss = sp.simplify(1 / (1 + beta) / (beta / (beta**2 - beta + 1)))
    best = sp.Integer(ratio) if ratio else (1 + sp.sqrt(3)) / 2
    slope = sp.simplify(sp.diff(loss, beta).subs(beta, best))
    value = sp.simplify(loss.subs(beta, best) - (2 * sp.sqrt(3) - 3))
    return decide(slope == 0 and value == 0, f"least at β = {best}: 2√3 − 3", f"at β = {best} it is off by {value}")


@check(
    "thm-6.1",
    "Equal weights and variances: ∏ P_i shrinks with every further state, even for radius 0",
    form="stronger",
    evidence="exact",
    control={"growing": True},
)
def right_side_fades(growing: bool = False) -> Outcome:
    """Evaluate the library's P_i for N = 2, …, 100 equal states."""
    values = [float(paper_factor(1.0, n**-0.5, 0.0) or 0.0) ** n for n in range(2, 101)]
    falls = all(b < a for a, b in pairwise(values))
    found = f"N = 2: {scientific(values[0])}, N = 10: {scientific(values[8])}, N = 100: {scientific(values[-1])}"
    return holds(found) if falls != growing else fails(found)
