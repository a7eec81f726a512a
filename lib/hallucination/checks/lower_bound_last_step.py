"""Checks of the end of the printed proof of Theorem 6.1: one state, then all of them.

That A* misses one ball with probability at least P_i K_i is true, although two of the lines that lead to it are not.
Multiplying these probabilities over the states is not allowed: all the events contain A*.
"""

from __future__ import annotations

import math
from fractions import Fraction

import sympy as sp
import z3

from hallucination.checks import Outcome, check, decide, fails, holds
from hallucination.checks.instances import random_instances
from hallucination.checks.lower_bound_repaired import on_the_line
from hallucination.checks.prover import prove
from hallucination.enumeration import exact_event, exact_marginal
from hallucination.numerals import scientific
from hallucination.refutations import credit_above, three_uniforms, two_point


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
