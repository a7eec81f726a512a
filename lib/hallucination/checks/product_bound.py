"""Checks of the bound that replaces Theorem 6.1: P_H ≥ ∏ (1 − Q_i(r_i/(1 − p_i))), for independent centres.

Their laws are arbitrary. Q_i(ρ) is the largest probability that μ_i lies in a closed ball of radius ρ.
"""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import sympy as sp
import z3

from hallucination.bounds import cells, every, localised
from hallucination.checks import Outcome, check, decide, fails, holds
from hallucination.checks.enclosures import HALF
from hallucination.checks.instances import RationalInstance, random_instances
from hallucination.checks.prover import prove
from hallucination.enumeration import concentration, exact_probability
from hallucination.numerals import scientific
from hallucination.refutations import sharp, symmetric, uniform_radius
from hallucination.setting import Setting
from hallucination.states import Discrete

p, x, R, M = sp.symbols("p x R M", real=True)  # R = Σ_{j≠i} p_j x_j, M = Σ_{j≠i} p_j x_j²
EVERY_DIMENSION = "for every number of states; squared lengths add up over coordinates"
EVERY_NUMBER = "for every number of states and every dimension"


@check(
    "thm-6.1",
    "A* misses the ball of μ_i exactly if μ_i is farther than r_i/(1 − p_i) from z_i, the mean of the others",
    form="stronger",
    evidence="symbolic",
    control={"mean_of": "all"},
)
def one_against_the_others(mean_of: str = "others") -> Outcome:
    """Prove x − S = (1 − p)(x − z) with S = p x + R and z = R/(1 − p)."""
    mean = p * x + R
    z = R / (1 - p) if mean_of == "others" else mean
    gap = sp.simplify(x - mean - (1 - p) * (x - z))
    return decide(gap == 0, EVERY_DIMENSION, f"the two differ by {gap}")


@check(
    "thm-6.1",
    "Along one centre, V = Σ p_i |μ_i|² − |A*|² is p_i(1 − p_i)|μ_i − z_i|² plus a constant: one function orders all",
    form="stronger",
    evidence="symbolic",
    control={"power": 1},
)
def common_potential(power: int = 2) -> Outcome:
    """Differentiate the difference in x; `power` is that of |A*| in V."""
    v = p * x**2 + M - (p * x + R) ** power
    slope = sp.simplify(sp.diff(v - p * (1 - p) * (x - R / (1 - p)) ** 2, x))
    return decide(slope == 0, EVERY_DIMENSION, f"the difference changes with x at the rate {slope}")


def product_of_misses(draw: RationalInstance, shrink: Fraction) -> Fraction:
    """∏ (1 − Q_i(ρ_i)), with ρ_i = `shrink` · r_i/(1 − p_i)."""
    parts = zip(draw.weights, draw.laws, draw.radii, strict=True)
    return math.prod((1 - concentration(law, shrink * r / (1 - w)) for w, law, r in parts), start=Fraction(1))


@check(
    "thm-6.1",
    "P_H ≥ ∏ (1 − Q_i): 200 random rational instances on the line, ties included",
    name="product-bound-on-the-line",
    form="stronger",
    evidence="property",
    statement={"dimension": 1, "count": 200},
    control={"dimension": 1, "count": 200, "shrink": HALF},
)
@check(
    "thm-6.1",
    "P_H ≥ ∏ (1 − Q_i): 50 random rational instances in the plane",
    name="product-bound-in-the-plane",
    form="stronger",
    evidence="property",
    statement={"dimension": 2, "count": 50},
    control={"dimension": 2, "count": 50, "shrink": Fraction(0)},
)
def product_bound(dimension: int, count: int, shrink: Fraction = Fraction(1)) -> Outcome:
    """Compare it with exact P_H; no common mean and no symmetry. Smaller radii in the bound only must break it."""
    equal = positive = 0
    for draw in random_instances(seed=63, count=count, dimension=dimension):
        p_h, bound = exact_probability(draw.weights, draw.laws, draw.radii), product_of_misses(draw, shrink)
        if p_h < bound:
            return fails(f"P_H = {p_h} is below {bound}: {draw.text()}")
        equal, positive = equal + (p_h == bound > 0), positive + (bound > 0)
    return holds(f"{count} instances: the bound is positive in {positive} of them and equal to P_H in {equal}")


@check(
    "thm-6.1",
    "The product can be equal to P_H: three states, mean zero, one radius",
    form="stronger",
    evidence="exact",
    control={"radius": Fraction(9)},
)
def product_is_attained(radius: Fraction = Fraction(19, 4)) -> Outcome:
    """Enumerate the instance: P_H = 1/81 = 1/3 · 1/9 · 1/3, so that no factor can be dropped."""
    instance = sharp()
    factors = [
        1 - concentration(law, radius / (1 - w)) for w, law in zip(instance.weights, instance.laws, strict=True)
    ]
    p_h = instance.probability()
    found = f"P_H = {p_h}, factors {', '.join(map(str, factors))}"
    return decide(p_h == math.prod(factors, start=Fraction(1)), found, found)


@check(
    "thm-6.1",
    "The product stays below P_H on the instances that refute the printed bound",
    form="stronger",
    evidence="exact",
    control={"types": 1},
)
def product_on_refutations(types: int = 5) -> Outcome:
    """Enumerate N = 25 and a small symmetric instance; with the first `types` types of states only it must break."""
    found = []
    for instance in (uniform_radius(), symmetric((2, 3, 1))):
        p_h = instance.probability()
        parts = list(zip(instance.counts, instance.weights, instance.laws, instance.radii, strict=True))[:types]
        bound = math.prod((1 - concentration(law, r / (1 - w))) ** n for n, w, law, r in parts)
        if bound > p_h:
            return fails(f"N = {instance.states}: P_H = {scientific(p_h)} is below {scientific(bound)}")
        found.append(f"N = {instance.states}: {scientific(bound)} ≤ {scientific(p_h)}")
    return holds("; ".join(found))


@check(
    "thm-6.1",
    "No lower bound of this library exceeds the exact P_H on random rational instances of one mean",
    form="stronger",
    evidence="property",
    control={"inflate": 1.5},
)
def library_bounds(inflate: float = 1.0) -> Outcome:
    """Compare the bounds that are quick and apply with exact P_H, on 9 instances on the line and 6 in the plane."""
    compared, closest = 0, 0.0
    draws = [d for dimension, count in ((1, 9), (2, 6)) for d in random_instances(68, count, dimension, True, False)]
    for draw in draws:
        p_h = float(exact_probability(draw.weights, draw.laws, draw.radii))
        for found in every(as_setting(draw), skip=(cells, localised)):
            value = inflate * (found.value or 0.0)
            if value > p_h + 1e-9:
                return fails(f"{found.name} says {value:.6g}, P_H = {p_h:.6g}: {draw.text()}")
            compared += found.met
            closest = max(closest, value / p_h if p_h else 0.0)
    return holds(f"{compared} values of bounds; the best reaches {closest:.3f} of P_H")


def as_setting(draw: RationalInstance) -> Setting:
    """The instance in floating point."""
    laws = [Discrete(np.array(atoms, float), np.array(q, float)) for atoms, q in draw.laws]
    return Setting([float(w) for w in draw.weights], [float(r) for r in draw.radii], laws)


@check(
    "thm-6.1",
    "Two samples per state are enough for a bound: P_H ≥ ∏ ½ P(|μ_i − μ_i'| > 2ρ_i), with μ_i' an independent copy",
    form="stronger",
    evidence="property",
    control={"twice": False},
)
def two_samples(twice: bool = True) -> Outcome:
    """Compare with exact P_H on 150 random instances; without the factor ½ it must break."""
    for draw in random_instances(seed=64, count=150):
        bound = Fraction(1)
        for w, (atoms, masses), r in zip(draw.weights, draw.laws, draw.radii, strict=True):
            pairs = ((a[0] - b[0], q * s) for a, q in zip(atoms, masses, strict=True)
                     for b, s in zip(atoms, masses, strict=True))  # fmt: skip
            apart = sum((mass for gap, mass in pairs if abs(gap) > 2 * r / (1 - w)), Fraction(0))
            bound *= apart / 2 if twice else 2 * apart
        p_h = exact_probability(draw.weights, draw.laws, draw.radii)
        if p_h < bound:
            return fails(f"P_H = {p_h} is below {bound}: {draw.text()}")
    return holds("150 instances, N from 2 to 4")


@check(
    "thm-6.1",
    "For two states P_H is P(|μ_1 − μ_2| > max(r_1/p_2, r_2/p_1))",
    form="stronger",
    evidence="solver",
    control={"worst": False},
)
def two_states_exactly(worst: bool = True) -> Outcome:
    """|μ_1 − A*| = p_2 D and |μ_2 − A*| = p_1 D with D = |μ_1 − μ_2|: both balls are missed iff D exceeds both."""
    w, r1, r2, distance = z3.Reals("p1 r1 r2 D")
    first, second = r1 / (1 - w), r2 / w
    limit = z3.If((first >= second) if worst else (first < second), first, second)
    missed = z3.And((1 - w) * distance > r1, w * distance > r2)
    law = [w > 0, w < 1, r1 >= 0, r2 >= 0, distance >= 0]
    found = "for all weights and radii, in every dimension"
    return prove(law, missed == (distance > limit), found, "p_1 = {p1}, r_1 = {r1}, r_2 = {r2}: not at D = {D}")


@check(
    "thm-6.1",
    "For one common t: P_H ≥ P(|μ_i − μ_0| > r_i + t for all i) − P(|A* − μ_0| > t)",
    form="stronger",
    evidence="solver",
    control={"margin": Fraction(1, 2)},
)
def common_margin(margin: Fraction = Fraction(1)) -> Outcome:
    """Prove that |X| > r + t and |S| ≤ t put X farther than r from S, with c the inner product of X and S."""
    big, small, c, r, t = z3.Reals("X S c r t")
    far = big > r + z3.RealVal(str(margin)) * t
    law = [big >= 0, small >= 0, c <= big * small, r >= 0, t >= 0, far, small <= t]
    goal = big * big - 2 * c + small * small > r * r
    return prove(law, goal, EVERY_NUMBER, "|X| = {X}, |S| = {S}, r = {r}, t = {t}")


@check(
    "thm-6.1",
    "If a state is hit and |A* − m| ≤ t, then the mean z_i of the others is within t + p_i r_i/(1 − p_i) of m",
    name="localised",
    form="stronger",
    evidence="solver",
    control={"reach": 0},
)
def localised_centres(reach: int = 1) -> Outcome:
    """A* − z_i = p_i (μ_i − z_i), so that only centres z near m matter in Q_i."""
    gap, away, rho, w, t, z = z3.Reals("gap away rho p t z")  # gap = |μ − z|, away = |A* − m|, z = |z_i − m|
    law = [w > 0, w < 1, rho >= 0, gap >= 0, gap <= rho, away >= 0, away <= t, z >= 0, z <= away + w * gap]
    return prove(law, z <= t + reach * w * rho, EVERY_NUMBER, "|z_i − m| = {z}, t = {t}: it is farther")
