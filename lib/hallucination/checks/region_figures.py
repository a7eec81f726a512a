"""Checks of Figures 7 and 8 and of the metric of §7.3: what a threshold keeps, and which region holds which.

Ranks are counted for every size n: the solver's n and k are integers, and a tenth is written as 10 k ≥ n.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import numpy as np
import sympy as sp
import z3
from flint import arb

from hallucination.calibration import calibrate
from hallucination.checks import Outcome, check, decide, fails, holds, undecided
from hallucination.checks.enclosures import HALF, TENTH, ball, certain, normal_mass, phi
from hallucination.checks.latent_states import equal_mixture_has_modes
from hallucination.checks.prover import prove
from hallucination.density_regions import density_region
from hallucination.mixtures import two_gaussians
from hallucination.states import Gaussian

# Figure 7 -----------------------------------------------------------------------------------------------------------


@check(
    "fig-7",
    "Right of the 10% quantile lie 90% of the calibration scores, up to one score",
    name="right-of-the-quantile-lie-ninety-percent",
    form="stronger",
    evidence="solver",
    statement={"tenths": 9},
    control={"tenths": 1},
)
@check(
    "fig-7",
    "Right of the 10% quantile lie the most probable 10% of the calibration scores, up to one score",
    name="right-of-the-quantile-lie-ten-percent",
    form="printed",
    evidence="solver",
    statement={"tenths": 1},
    control={"tenths": 5},
)
def share_right_of_quantile(tenths: int) -> Outcome:
    """Count the scores above the k-th of n different ones, k the least with 10 k ≥ n; compare with n·tenths/10."""
    n, k = z3.Ints("n k")
    quantile = [n >= 10, 10 * k >= n, 10 * (k - 1) < n]
    right = n - k
    goal = z3.And(10 * right <= tenths * n + 10, 10 * right >= tenths * n - 10)
    story = "n = {n} scores: the quantile is the score of rank {k}, and all higher ranks lie right of it"
    return prove(quantile, goal, "for every n from 10 on", story)


@check(
    "fig-7",
    "A score left of the threshold is outside the region, one right of it is inside",
    form="printed",
    evidence="exact",
    control={"mirrored": True},
)
def left_of_threshold_is_outside(mirrored: bool = False) -> Outcome:
    """Ask on which side of the threshold the library's regions lie, for one normal state and for two."""
    grid = np.linspace(-8, 8, 641)[:, None]
    for law in (Gaussian([0.0]), two_gaussians(0.3, 6.0)):
        region = density_region(law, 0.9)
        assert region.intervals is not None
        low, high = region.intervals.T
        inside = ((grid >= low) & (grid <= high)).any(axis=1)
        score = law.log_density(grid)
        right = score < region.log_threshold if mirrored else score > region.log_threshold
        wrong = np.flatnonzero(inside != right)
        if wrong.size:
            return fails(f"answer {grid[wrong[0], 0]:g}: log-density {score[wrong[0]]:.3g}, "
                         f"threshold {region.log_threshold:.3g}, and inside: {bool(inside[wrong[0]])}")  # fmt: skip
    return holds("641 answers under one normal state and under two, M = 0.9")


# §7.3, metric -------------------------------------------------------------------------------------------------------


@check(
    "sec-7.3-outside",
    "If “outside” means below the threshold, new data of the class are outside with probability at most 10%",
    name="outside-is-below",
    form="stronger",
    evidence="exact",
    statement={"rule": "below"},
    control={"rule": "above"},
)
@check(
    "sec-7.3-outside",
    "If “outside” means above the threshold, 90% of the class's own data are inside",
    name="outside-is-above",
    form="printed",
    evidence="exact",
    statement={"rule": "above"},
    control={"rule": "not the threshold"},
)
def own_data_are_inside(rule: str, alpha: Fraction = TENTH, largest: int = 60) -> Outcome:
    """Let each of n + 1 different scores be the new one and calibrate with the others: all are equally likely."""
    worst = Fraction(0)
    for n in range(1, largest + 1):
        scores = np.arange(n + 1.0)
        limits = [(new, calibrate(np.delete(scores, new), alpha)) for new in range(n + 1)]
        outside = {
            "below": sum(bool(limit.outside(scores[new])) for new, limit in limits),
            "above": sum(bool(scores[new] > limit.value) for new, limit in limits),
            "not the threshold": sum(bool(scores[new] != limit.value) for new, limit in limits),
        }[rule]
        worst = max(worst, Fraction(outside, n + 1))
        if n >= 9 and Fraction(outside, n + 1) > alpha:
            return fails(f"{n} calibration scores: a new one is outside in {outside} of {n + 1} equally likely cases")
    return decide(worst <= alpha, f"n up to {largest}: at most {worst} outside", f"{worst} outside for some n < 9")


@check(
    "sec-7.3-outside",
    "Below the threshold of rank ⌊α (n + 1)⌋ lies a new score with probability at most α, for every n and α",
    name="rank-rule-covers",
    form="stronger",
    evidence="solver",
    statement={"size": "n + 1"},
    control={"size": "n + 2"},
)
def rank_rule_covers(size: str) -> Outcome:
    """Show that the new score is below the threshold at k of its n + 1 equally likely ranks, and k ≤ α (n + 1).

    The k-th smallest of the other scores has rank k among all if the new one has a higher rank, else rank k + 1.
    """
    n, k, new = z3.Ints("n k new")
    alpha = z3.Real("alpha")
    room = n + 1 if size == "n + 1" else n + 2
    floor = [k <= alpha * room, k + 1 > alpha * room]
    threshold = z3.If(k < new, k, k + 1)
    story = "n = {n}, rank {k}, α = {alpha}: the new score is outside at too many of its ranks"
    hypotheses = [n >= 1, k >= 0, k <= n, alpha > 0, alpha < 1, new >= 1, new <= n + 1, *floor]
    goal = z3.And((new < threshold) == (new <= k), k <= alpha * (n + 1))
    return prove(hypotheses, goal, "for every n, α and score law without ties", story)


@check(
    "sec-7.3-outside",
    "Normal states of one shape have one threshold for one mass, as in Definition 6.2",
    name="common-threshold-for-one-shape",
    form="stronger",
    evidence="symbolic",
    statement={"ratio": 1},
    control={"ratio": 2},
)
@check(
    "sec-7.3-outside",
    "The class-specific thresholds of the experiment make the regions of Definition 6.2, with one δ for all states",
    name="class-thresholds-are-one-delta",
    form="printed",
    evidence="symbolic",
    statement={"ratio": 2},
    control={"ratio": 3},
)
def thresholds_agree(ratio: int) -> Outcome:
    """Compare ln t of two normal states of one mass, the second `ratio` times as wide, in symbolic dimension."""
    d, q, s = sp.symbols("d q s", positive=True)  # q is the chi-squared quantile of the mass

    def log_threshold(width: sp.Expr) -> sp.Expr:
        return -(d * sp.log(2 * sp.pi) + 2 * d * sp.log(width) + q) / 2

    gap = sp.simplify(sp.expand_log(log_threshold(s) - log_threshold(ratio * s), force=True))
    text = str(gap).replace("*", " ").replace("log", "ln")
    widths = "equal widths" if ratio == 1 else f"widths s and {ratio} s"
    found = f"{widths}, any mass: the log-thresholds differ by {text}"
    return decide(gap.equals(0), found, found)


# Figure 8 -----------------------------------------------------------------------------------------------------------


@check(
    "fig-8",
    "A density region may hold points outside the conditional one",
    name="hdr-leaves-hcdr-for-higher-thresholds",
    reading="thresholds with δ₁ > δ",
    form="printed",
    evidence="solver",
    statement={"relation": "δ1 > δ"},
    control={"relation": "δ1 ≤ δ"},
)
@check(
    "fig-8",
    "A density region may hold points outside the conditional one",
    name="hdr-leaves-hcdr-for-lower-thresholds",
    reading="thresholds with δ₁ ≤ δ, as in the caption",
    form="printed",
    evidence="solver",
    statement={"relation": "δ1 ≤ δ"},
    control={"relation": "δ1 = δ/2"},
)
def hdr_can_leave_hcdr(relation: str) -> Outcome:
    """Look for one state whose density is in (δ, δ₁]; if there is none, try to prove the inclusion for every N."""
    f, delta, bound = z3.Reals("f delta bound")
    link = {"δ1 ≤ δ": bound <= delta, "δ1 > δ": bound > delta, "δ1 = δ/2": bound == delta / 2}[relation]
    solver = z3.Solver()
    solver.add(delta > 0, bound > 0, bound <= 1, link, f > delta, f <= bound)
    if solver.check() == z3.sat:
        value = {name: solver.model()[x] for name, x in (("f", f), ("δ", delta), ("δ₁", bound))}
        return holds("all states alike, " + ", ".join(f"{name} = {x}" for name, x in value.items()))
    proof = inclusion_of_hdr(relation)
    if proof.verb != "holds":
        return undecided(proof.detail)
    return fails(f"impossible: where every f_i ≤ δ₁ ≤ δ, the mixture is at most δ, {proof.detail}")


@check(
    "fig-8",
    "If δ₁ ≤ δ, {f > δ} lies inside the union of the {f_i > δ₁}",
    form="stronger",
    evidence="solver",
    statement={"relation": "δ1 ≤ δ"},
    control={"relation": "δ1 > δ"},
)
def inclusion_of_hdr(relation: str) -> Outcome:
    """Induct over the states outside all regions: their part of the mixture is at most δ times their weight."""
    part, weight, p, f, delta, bound = z3.Reals("part weight p f delta bound")
    link = {"δ1 ≤ δ": bound <= delta, "δ1 > δ": bound > delta, "δ1 = δ/2": bound == delta / 2}[relation]
    signs = [part >= 0, weight >= 0, p > 0, f >= 0, delta > 0, bound > 0]
    hypotheses = [*signs, part <= delta * weight, link, f <= bound]
    story = "one more state with density {f} ≤ δ₁ = {bound}, weight {p}, δ = {delta}"
    return prove(hypotheses, part + p * f <= delta * (weight + p), "for every number of states (induction)", story)


@check(
    "fig-8",
    "If δ/2 bounds both p_i f_i, {f > δ} lies inside the union of the {p_i f_i > δ/2}",
    form="stronger",
    evidence="solver",
    control={"states": 3},
)
def weighted_reading_includes_too(states: int = 2) -> Outcome:
    """Add up the weighted densities of points outside all regions."""
    parts, delta = z3.RealVector("u", states), z3.Real("delta")
    low = [z3.And(u >= 0, u <= delta / 2) for u in parts]
    story = f"{states} states with p_i f_i = δ/2: their sum exceeds δ = {{delta}}"
    return prove([delta > 0, *low], z3.Sum(parts) <= delta, "for two states, all weights and densities", story)


@check(
    "fig-8",
    "Between {f > δ} and {f > p_min δ} lies the union of the {f_i > δ}",
    form="stronger",
    evidence="solver",
    statement={"factor": "p_min"},
    control={"factor": "1"},
)
def union_is_sandwiched(factor: str) -> Outcome:
    """Show the right half for one dense state and any others; the left half is `inclusion_of_hdr` with δ₁ = δ."""
    left = inclusion_of_hdr("δ1 ≤ δ")
    p, least, f, others, delta = z3.Reals("p least f others delta")
    hypotheses = [least > 0, p >= least, p <= 1, f > delta, delta > 0, others >= 0]
    bound = least * delta if factor == "p_min" else delta
    story = "a state of weight {p} with density {f}, the others add {others}; δ = {delta}"
    right = prove(hypotheses, p * f + others > bound, "for every number of states", story)
    return left if left.verb != "holds" else right


@check(
    "fig-8",
    "A density region may hold points outside the conditional one: at M = 1/10 and N(±1/2, 1) the two are disjoint",
    name="hdr-leaves-hcdr-for-masses",
    reading="regions of one mass",
    form="printed",
    evidence="interval",
    statement={"half_distance": HALF},
    control={"half_distance": Fraction(1, 5)},
)
def regions_are_disjoint(half_distance: Fraction, mass: Fraction = TENTH) -> Outcome:
    """Enclose half the length of the regions of (N(−m, 1) + N(m, 1))/2, which has one mode, and of its states."""
    m = half_distance
    if equal_mixture_has_modes(m, 1).verb != "holds":
        return undecided(f"m = {m}: not certain that there is one mode")
    state_low, state_high = _bracket(lambda w: normal_mass(-w, w), mass)
    low, high = _bracket(lambda c: normal_mass(m - c, m + c), mass)  # mass of (−c, c) under either state
    found = f"m = {m}, M = {mass}: |a| < {float(high):.4f} against |a ∓ {m}| < {float(state_high):.4f}"
    return decide(certain(high < m - state_high, low > m - state_low), found, found)


def _bracket(mass_of: Callable[[Fraction], arb], mass: Fraction) -> tuple[Fraction, Fraction]:
    """Rational numbers between which an increasing enclosed mass takes a value, by bisection of (0, 4)."""
    low, high = Fraction(0), Fraction(4)
    for _ in range(24):
        middle = (low + high) / 2
        low, high = (middle, high) if mass_of(middle) < ball(mass) else (low, middle)
    assert mass_of(low) < ball(mass) < mass_of(high)
    return low, high


@check(
    "fig-8",
    "Nor need the conditional region lie in the density region: weights 99/100 and 1/100, N(0, 1), N(10, 1), M = 1/2",
    form="stronger",
    evidence="interval",
    control={"rare": Fraction(60, 100)},
)
def hcdr_leaves_hdr(rare: Fraction = Fraction(1, 100), mass: Fraction = HALF) -> Outcome:
    """Show that the centre of state 2 is less dense than an interval around 0 which holds more than M."""
    half = Fraction(69, 100)
    inside = ball(1 - rare) * phi(half)  # at least this on (−0.69, 0.69)
    held = ball(1 - rare) * normal_mass(-half, half)
    there = ball(1 - rare) * phi(10) + ball(rare) * phi(0)
    found = f"density {float(there.mid()):.4f} at 10; at least {float(inside.mid()):.4f} on a set of mass "
    found += f"{float(held.mid()):.4f}"
    out = bool(there < inside) and bool(held > ball(mass))
    return decide(certain(out, bool(there > inside) or bool(held < ball(mass))), found, found)


@check(
    "fig-8",
    "With one δ for both, the conditional region may hold points that the density region does not",
    form="stronger",
    evidence="exact",
    control={"densities": (Fraction(3, 5), Fraction(3, 5))},
)
def conditional_region_is_larger(densities: tuple[Fraction, Fraction] = (Fraction(3, 5), Fraction(0))) -> Outcome:
    """Compare the largest of two densities, and their mean with equal weights, with δ = 1/2."""
    mixed, largest = sum(densities, Fraction(0)) / 2, max(densities)
    found = f"equal weights, densities {densities[0]} and {densities[1]}, δ = 1/2: mixture {mixed}"
    return decide(mixed <= HALF < largest, found, found)


@check(
    "fig-8",
    "The library's regions show the same: at M = 1/10 and N(±1/2, 1) no answer lies in both",
    form="stronger",
    evidence="property",
    control={"separation": 0.2},
)
def library_shows_disjoint_regions(separation: float = 1.0, mass: float = 0.1) -> Outcome:
    """Compare the library's intervals of the mixture with those of its states."""
    target = two_gaussians(0.5, separation)
    whole, left = density_region(target, mass).intervals, density_region(target.states[0], mass).intervals
    assert whole is not None and left is not None
    middle, side = (np.round(part[0], 4).tolist() for part in (whole, left))
    found = f"mixture {middle}, left state {side}; the right state mirrors it"
    return decide(bool(left[-1, 1] < whole[0, 0]), found, found)
