"""Checks of Definition 6.3 and Remark 6.3: the covering radius of a density region."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import z3

from hallucination.checks import Outcome, check, decide, fails, holds
from hallucination.checks.enclosures import HALF, TENTH
from hallucination.checks.prover import prove
from hallucination.enumeration import exact_probability
from hallucination.refutations import Instance, two_point
from hallucination.regions import squared_radius
from hallucination.states import Gaussian

Interval = tuple[Fraction, Fraction]


def spikes(count: int) -> list[Interval]:
    """Start of a density of height 1: on [k, k + 2^(−k)] for k = 1, 2, …, which has total mass 1."""
    return [(Fraction(k), k + Fraction(1, 2**k)) for k in range(1, count + 1)]


@check(
    "def-6.3",
    "If U_i is bounded and not empty, the least covering radius is sup |a − μ_i| over U_i",
    name="bounded-region",
    form="repaired",
    evidence="exact",
    statement={"shape": "bounded"},
    control={"shape": "unbounded"},
)
@check(
    "def-6.3",
    "Every region U_i lies in some ball around μ_i, so that r_i is a number",
    name="every-region",
    form="printed",
    evidence="exact",
    statement={"shape": "unbounded"},
    control={"shape": "unbounded", "claimed": Fraction(2000)},
)
def region_has_a_radius(shape: str, claimed: Fraction = Fraction(1000)) -> Outcome:
    """Look for points of U = {f > 1/2} outside a ball, for the density of height 1 on ever thinner spikes.

    `bounded` keeps the first three spikes (and spreads the missing mass below the threshold).
    """
    if shape == "unbounded":
        mean = Fraction(13, 6)  # Σ k 2^(−k) + Σ 4^(−k)/2
        start = spikes(int(claimed) + 4)[-1][0]
        found = f"density 1 on [k, k + 2^(−k)], k = 1, 2, …: the spike at {start} leaves the ball of radius {claimed}"
        return decide(start - mean <= claimed, f"radius {claimed} covers", found)
    ends, centre = [end for piece in spikes(3) for end in piece], Fraction(2)
    radius = max(abs(end - centre) for end in ends)
    covers = all(abs(end - centre) <= radius for end in ends)
    misses = all(any(abs(end - centre) > radius * (1 - eps) for end in ends) for eps in (TENTH, HALF))
    return decide(covers and misses, f"radius {radius} covers three spikes, no smaller does", f"{radius} not least")


@check(
    "def-6.3",
    "With r_i the radius at one realisation of the centre, the bound of Theorem 6.1 is safe",
    name="radius-at-one-realisation",
    form="printed",
    evidence="exact",
    statement={"pick": "one"},
    control={"pick": "one", "small": Fraction(1, 5)},
)
@check(
    "def-6.3",
    "With r_i the largest radius over all realisations, the same states are no counterexample",
    name="radius-over-all-realisations",
    form="repaired",
    evidence="exact",
    statement={"pick": "largest"},
    control={"pick": "one"},
)
def radius_supports_the_bound(pick: str, small: Fraction = TENTH) -> Outcome:
    """Two fair states at ±1, spread over a small radius at −1 and a large one at +1, for two large radii."""
    fair = two_point(-1, 1)
    found = []
    for large in (Fraction(11, 10), 2 * small):
        p_h = exact_probability([HALF, HALF], [fair, fair], [(small, large)] * 2)
        r = max(small, large) if pick == "largest" else small
        try:
            right = Instance((2,), (HALF,), (fair,), (r,)).right_side()
        except ValueError:
            found.append(f"radii {small}, {large}: hypothesis not met")
            continue
        if p_h <= right:
            bound = f"the bound with r = {r} is at least {float(right):.2e}"
            return fails(f"radius {small} at −1 and {large} at +1: P_H = {p_h}, but {bound}")
        found.append(f"radii {small}, {large}: P_H = {p_h} > {float(right):.2e}")
    return holds("; ".join(found))


@check(
    "def-6.3",
    "The ball is least among those around μ_i only: one with another centre can have half the radius",
    form="stronger",
    evidence="exact",
    control={"factor": Fraction(1, 3)},
)
def another_centre_is_better(factor: Fraction = Fraction(51, 100)) -> Outcome:
    """Region [0, 1] with the mean at 1/1000: radius around the mean against the radius of the interval."""
    mean = Fraction(1, 1000)
    around_mean, least = max(mean, 1 - mean), HALF
    found = f"around the mean {around_mean}, around the middle {least}"
    return decide(least <= factor * around_mean, found, f"{found}: more than {factor} of it")


@check(
    "rem-6.3",
    "No point of U_i is farther from μ_i than r_i, and points of U_i come as close to that distance as wanted",
    form="printed",
    evidence="solver",
    control={"scale": Fraction(9, 10)},
)
def radius_is_the_largest_distance(scale: Fraction = Fraction(1)) -> Outcome:
    """Normal state: U_i = {x² < τ}, with ρ = `scale`·√τ for the radius; any τ > 0, any shorter radius s."""
    tau, root, x, s = z3.Reals("tau root x s")
    rho = z3.RealVal(str(scale)) * root
    always = [tau > 0, root > 0, root * root == tau]
    covered = prove([*always, x * x < tau], z3.And(x <= rho, -x <= rho), "covered", "τ = {tau}: U reaches to {x}")
    if covered.verb != "holds":
        return covered
    between = (s + root) / 2  # a witness that a smaller radius s misses
    near = z3.And(between * between < tau, between > s)
    return prove([*always, s >= 0, s < rho], near, "every normal state on the line, every δ below its peak")


@check(
    "rem-6.3",
    "The distance r_i itself is a supremum: for a normal state no point of U_i lies that far out",
    form="stronger",
    evidence="exact",
    control={"delta": 0.5},
)
def largest_distance_is_not_attained(delta: float = 0.1) -> Outcome:
    """Ask the library for U_i of N(0, 1): the open interval of half-length √τ, τ its squared radius."""
    tau = squared_radius(Gaussian(np.zeros(1), np.eye(1)), delta)
    x = z3.Real("x")
    level = z3.RealVal(repr(tau))
    found = f"δ = {delta}: U = {{x² < {tau:.4f}}}, an open interval"
    open_ = tau > 0 and prove([x * x < level], x * x != level, "").verb == "holds"
    return decide(open_, found, f"δ = {delta}: U is empty")


@check(
    "rem-6.3",
    "The uniform radius r covers all states at once, and nothing smaller does",
    form="printed",
    evidence="solver",
    control={"largest": False},
)
def uniform_radius_covers_all(largest: bool = True) -> Outcome:
    """Induct over the states: r is the maximum so far and r' the next radius; the smaller one must not do."""
    r, other, s = z3.Reals("r other s")
    both = z3.If((r >= other) if largest else (r < other), r, other)
    goal = z3.And(both >= r, both >= other, z3.Implies(z3.And(s >= r, s >= other), s >= both))
    return prove([r >= 0, other >= 0], goal, "for every number of states (induction step)", "radii {r} and {other}")
