"""Checks of Definition A.1 in its three readings: one region per state, their union, one set for all states."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import combinations

import numpy as np
import z3
from flint import arb

from hallucination.checks import Outcome, check, decide, fails, holds
from hallucination.checks.density_regions import COIN, HALVING, QUARTERS, Law, as_state, show_law
from hallucination.checks.enclosures import HALF, ball, certain, normal_mass
from hallucination.checks.prover import prove
from hallucination.density_regions import density_region
from hallucination.regions import hdr_mass

THIRDS: Law = (Fraction(1, 3),) * 3


def show_set(answers: Sequence[int]) -> str:
    """Write a set of answers, {1, 3}."""
    return "{" + ", ".join(map(str, answers)) + "}"


def sets_of_mass(law: Law, mass: Fraction) -> list[tuple[int, ...]]:
    """All sets of answers with exactly this mass, small ones first."""
    answers = range(1, len(law) + 1)
    subsets = (s for size in range(len(law) + 1) for s in combinations(answers, size))
    return [s for s in subsets if sum((law[a - 1] for a in s), Fraction(0)) == mass]


@check(
    "def-A.1",
    "A coin with masses 7/10 and 3/10 has a set of mass 7/10",
    name="coin-attains-seven-tenths",
    form="stronger",
    evidence="exact",
    statement={"mass": Fraction(7, 10)},
    control={"mass": HALF},
)
@check(
    "def-A.1",
    "For every mass M some set of answers has exactly this mass (coin with masses 7/10 and 3/10, M = 1/2)",
    name="every-mass-is-attained",
    reading="one region per state",
    form="printed",
    evidence="exact",
    statement={"mass": HALF},
    control={"mass": Fraction(1, 5)},
)
def mass_is_attained(mass: Fraction, law: Law = COIN) -> Outcome:
    """Try all sets of answers."""
    found = sets_of_mass(law, mass)
    attained = sorted({m for s in range(len(law) + 1) for c in combinations(law, s) for m in [sum(c, Fraction(0))]})
    can = f"masses {show_law(law)}: the sets have masses {', '.join(map(str, attained))}"
    return decide(bool(found), f"{can}; M = {mass}", f"{can}; none has {mass}")


@check(
    "def-A.1",
    "Without ties the smallest set of its mass is unique (masses 1/2, 1/4, 1/4, M = 1/2)",
    name="smallest-is-unique-without-ties",
    form="stronger",
    evidence="exact",
    statement={"law": HALVING},
    control={"law": THIRDS, "mass": Fraction(2, 3)},
)
@check(
    "def-A.1",
    "The smallest set of mass M is unique (four equally likely answers, M = 1/2)",
    name="smallest-is-unique",
    reading="one region per state",
    form="printed",
    evidence="exact",
    statement={"law": QUARTERS},
    control={"law": THIRDS, "mass": Fraction(2, 3)},
)
def smallest_set_is_unique(law: Law, mass: Fraction = HALF) -> Outcome:
    """List all sets of this mass with the fewest answers."""
    fitting = sets_of_mass(law, mass)
    smallest = [s for s in fitting if len(s) == len(fitting[0])]
    listed = ", ".join(show_set(s) for s in smallest[:3])
    found = f"masses {show_law(law)}, M = {mass}: {len(smallest)} smallest sets, {listed}"
    return decide(len(smallest) == 1, found.replace("sets", "set"), found + (", …" if len(smallest) > 3 else ""))


@check(
    "def-A.1",
    "The region {f ≥ t(M)} has mass at least M, and the region of the next higher threshold has less",
    name="threshold-region-covers",
    reading="one region per state",
    form="repaired",
    evidence="exact",
    statement={"side": "at least"},
    control={"side": "above"},
)
def threshold_region_covers(side: str, whole: int = 8) -> Outcome:
    """Compare the library's region with the definition, over all laws with masses k/8 and all M = k/16.

    With `side` "above" the region is taken without the answers of density exactly t(M): then it has too little mass.
    """
    laws = [tuple(Fraction(k, whole) for k in parts) for parts in _partitions(whole)]
    for law in laws:
        for k in range(1, 2 * whole):
            mass = Fraction(k, 2 * whole)
            region = density_region(as_state(law), float(mass))
            heavy = {t: sum((q for q in law if q >= t), Fraction(0)) for t in law}
            best = max(t for t in law if heavy[t] >= mass)
            higher = sum((q for q in law if q > best), Fraction(0))
            kept = heavy[best] if side == "at least" else higher
            agrees = abs(region.mass - kept) < 1e-12 and abs(np.exp(region.log_threshold) - best) < 1e-12
            if not (agrees and kept >= mass > higher):
                return fails(f"masses {show_law(law)}, M = {mass}: the region has mass {region.mass:.4g}, not {kept}")
    return holds(f"{len(laws)} laws, {2 * whole - 1} masses each")


@check(
    "def-A.1",
    "An answer of a discrete law is outside the region of mass 1 − α exactly if its region mass π is at most α",
    form="stronger",
    evidence="exact",
    statement={"mass": "1 − α"},
    control={"mass": "α"},
)
def outside_is_small_region_mass(mass: str, whole: int = 8) -> Outcome:
    """Compare the library's π with its regions, over all laws with masses k/8 and all α = k/16, at every answer."""
    laws = [tuple(Fraction(k, whole) for k in parts) for parts in _partitions(whole)]
    for law in laws:
        state = as_state(law)
        pi = hdr_mass(state, state.answers).value
        for k in range(1, 2 * whole):
            alpha = k / (2 * whole)
            region = density_region(state, alpha if mass == "α" else 1 - alpha)
            outside = ~region.contains(state.answers)
            wrong = np.flatnonzero(outside != (pi <= alpha + 1e-12))
            if wrong.size:
                where = f"masses {show_law(law)}, α = {Fraction(k, 2 * whole)}, answer {wrong[0] + 1}"
                return fails(f"{where}: π = {pi[wrong[0]]:.4g}, outside the region: {bool(outside[wrong[0]])}")
    return holds(f"{len(laws)} laws, {2 * whole - 1} levels each, all answers")


def _partitions(n: int, largest: int | None = None) -> list[tuple[int, ...]]:
    """All ways to write n as a sum of falling positive integers."""
    if n == 0:
        return [()]
    top = min(n, largest or n)
    return [(k, *rest) for k in range(top, 0, -1) for rest in _partitions(n - k, k)]


@check(
    "def-A.1",
    "The union of regions of mass M gives each state mass M (centres 20 apart: up to 1/10²⁰)",
    name="union-has-mass-m-far-apart",
    form="stronger",
    evidence="interval",
    statement={"half_distance": Fraction(10), "slack": Fraction(1, 10**20)},
    control={"half_distance": HALF, "slack": Fraction(1, 10**20)},
)
@check(
    "def-A.1",
    "The union of the states' regions of mass M has exactly mass M under each state (N(±1/2, 1), M = 1/2)",
    name="union-has-mass-m",
    reading="union of the regions",
    form="printed",
    evidence="interval",
    statement={"half_distance": HALF},
    control={"half_distance": Fraction(1)},
)
def union_has_mass_m(half_distance: Fraction, slack: Fraction = Fraction(0), mass: Fraction = HALF) -> Outcome:
    """Bound from both sides the mass that state 1 has in the region of state 2 outside its own."""
    low = Fraction(67448, 100000)  # half length of the region of mass 1/2, between low and high
    high = low + Fraction(1, 50000)
    assert normal_mass(-low, low) < ball(mass) < normal_mass(-high, high)
    gap = 2 * half_distance
    most = normal_mass(max(gap - high, low), gap + high)
    least = normal_mass(max(gap - low, high), gap + low)
    found = f"N(±{half_distance}, 1), M = {mass}: state 1 has in the union"
    more = f"{float(least.mid()):.3g} more than M"
    answer = certain(bool(most <= ball(slack)), bool(least > ball(slack)))
    return decide(answer, f"{found} at most {float(slack):.0e} more than M", f"{found} {more}")


@check(
    "def-A.1",
    "If every state has at least mass M in its own region, the target has at least mass M in the union",
    name="union-covers-the-target",
    reading="union of the regions",
    form="repaired",
    evidence="solver",
    control={"regions_heavy": False},
)
def union_covers_the_target(regions_heavy: bool = True) -> Outcome:
    """Induct over the states: `total` is the mass of the union for some states, then one of weight p more."""
    total, weight, p, own, union, m = z3.Reals("total weight p own union m")
    heavy = [own >= m] if regions_heavy else [own >= m / 2]
    hypotheses = [total >= m * weight, p > 0, union >= own, union <= 1, m > 0, m < 1, *heavy]
    story = "M = {m}: one more state of weight {p} with mass {union} in the union"
    return prove(hypotheses, total + p * union >= m * (weight + p), "for every N (induction)", story)


@check(
    "def-A.1",
    "The bound is sharp: with N(±10, 1) and M = 9/10, at least 0.0999 of the target lies outside the union",
    form="stronger",
    evidence="interval",
    control={"share": Fraction(1001, 10000)},
)
def baseline_is_reached(share: Fraction = Fraction(999, 10000), half_distance: int = 10) -> Outcome:
    """Enclose the mass outside the union of two regions of mass 9/10 by an inner and an outer radius of each."""
    inner, outer = Fraction(164485, 100000), Fraction(164486, 100000)
    assert normal_mass(-inner, inner) < arb(9) / 10 < normal_mass(-outer, outer)
    gap = Fraction(2 * half_distance)
    least = 1 - normal_mass(-outer, outer) - normal_mass(gap - outer, gap + outer)
    most = 1 - normal_mass(-inner, inner) - normal_mass(gap - inner, gap + inner)
    found = f"between {float(least.lower()):.6f} and {float(most.upper()):.6f} of the target lies outside"
    return decide(certain(bool(least >= ball(share)), bool(most < ball(share))), found, found)


@check(
    "def-A.1",
    "One set has mass exactly M under every state at once (masses 2/3, 1/3, 0, 0 and 0, 0, 2/3, 1/3, M = 2/3)",
    name="one-set-for-states-apart",
    form="stronger",
    evidence="exact",
    statement={"laws": ((Fraction(2, 3), Fraction(1, 3), Fraction(0), Fraction(0)),
                        (Fraction(0), Fraction(0), Fraction(2, 3), Fraction(1, 3))), "mass": Fraction(2, 3)},
    control={"laws": ((Fraction(1), Fraction(0)), (HALF, HALF)), "mass": HALF},
)  # fmt: skip
@check(
    "def-A.1",
    "One set has mass exactly M under every state at once (masses 3/5, 1/5, 1/5 and 1/5, 1/5, 3/5, M = 3/5)",
    name="one-set-for-all-states",
    reading="one set for all states",
    form="printed",
    evidence="exact",
    statement={"laws": ((Fraction(3, 5), Fraction(1, 5), Fraction(1, 5)),
                        (Fraction(1, 5), Fraction(1, 5), Fraction(3, 5))), "mass": Fraction(3, 5)},
    control={"laws": ((Fraction(1), Fraction(0)), (HALF, HALF)), "mass": HALF},
)  # fmt: skip
def one_set_for_all_states(laws: tuple[Law, ...], mass: Fraction) -> Outcome:
    """Intersect the lists of sets that have mass M under each state."""
    each = [set(sets_of_mass(law, mass)) for law in laws]
    common = sorted(set.intersection(*each), key=lambda s: (len(s), s))
    listed = "; ".join(
        f"under state {i} {' and '.join(sorted(map(show_set, sets))) or 'no set'}" for i, sets in enumerate(each, 1)
    )
    if common:
        return holds(f"M = {mass}: {show_set(common[0])} has it under every state")
    return fails(f"M = {mass}: no common set; sets of this mass: {listed}")
