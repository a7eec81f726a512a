"""Checks of Definition 6.2, Remarks 6.1 and 6.2 and Appendix A's opening sentence.

Statements about N states are proved for every N by induction: the solver adds one more state to a partial sum.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import z3
from flint import arb

from hallucination.checks import Outcome, check, decide, fails, holds
from hallucination.checks.enclosures import HALF, TENTH, ball, certain, chi2_tail, phi
from hallucination.checks.prover import prove
from hallucination.density_regions import conditional_region_above, density_region
from hallucination.mixtures import Mixture
from hallucination.regions import delta_hallucinates
from hallucination.states import Discrete

Law = tuple[Fraction, ...]  # probabilities of the answers 1, 2, …

COIN: Law = (Fraction(7, 10), Fraction(3, 10))
QUARTERS: Law = (Fraction(1, 4),) * 4
HALVING: Law = (HALF, Fraction(1, 4), Fraction(1, 4))
VALLEY: Law = (Fraction(2, 5), Fraction(1, 5), Fraction(2, 5))


def as_state(law: Law) -> Discrete:
    """Probabilities of the answers 1, 2, … as a state of the library."""
    return Discrete(np.arange(1.0, len(law) + 1)[:, None], [float(p) for p in law])


def show_law(law: Law) -> str:
    """Write the probabilities of the answers 1, 2, …."""
    return ", ".join(map(str, law))


# Definition 6.2 -----------------------------------------------------------------------------------------------------


@check(
    "def-6.2",
    "A point lies in the region of state i exactly if the posterior probability of Z_i there exceeds δ p_i / f(a)",
    name="region-by-scaled-posterior",
    form="repaired",
    evidence="solver",
    statement={"threshold": "δ p/f"},
    control={"threshold": "δ p"},
)
@check(
    "def-6.2",
    "A point lies in the region of state i exactly if the posterior probability of Z_i there exceeds δ",
    name="region-by-posterior",
    form="printed",
    evidence="solver",
    statement={"threshold": "δ"},
    control={"threshold": "δ p"},
)
def region_by_posterior(threshold: str) -> Outcome:
    """Compare f_i > δ with a bound on the posterior q, where q f = p f_i and f is p f_i plus what the others add."""
    p, state, others, f, q, delta = z3.Reals("p state others f q delta")
    bayes = [f == p * state + others, q * f == p * state]
    hypotheses = [p > 0, p < 1, state >= 0, others >= 0, f > 0, delta > 0, delta <= 1, *bayes]
    high = {"δ p/f": q * f > delta * p, "δ": q > delta, "δ p": q > delta * p}[threshold]
    if threshold == "δ":  # prefer a witness that is easy to read, if there is one
        easy = [p == z3.Q(1, 10), state == 1, others == z3.Q(9, 10), delta == z3.Q(3, 5)]
        found = prove([*hypotheses, *easy], (state > delta) == high, "", POSTERIOR_STORY)
        if found.verb == "fails":
            return found
    return prove(hypotheses, (state > delta) == high, "for every weight, density and δ, any other states",
                 POSTERIOR_STORY)  # fmt: skip


POSTERIOR_STORY = (
    "at one answer a state of weight {p} has density {state} and the target {f}, so the posterior is {q}; δ = {delta}"
)


@check(
    "def-6.2",
    "Were the regions those of the posterior, nothing would hallucinate at δ < 1/N: one posterior is at least 1/N",
    form="stronger",
    evidence="solver",
    statement={"share": "1/N"},
    control={"share": "2/N"},
)
def some_posterior_is_large(share: str) -> Outcome:
    """Induct over the states: posteriors of at most δ sum to at most N δ, which is below 1 if δ < 1/N."""
    total, k, q, delta, n = z3.Reals("total k q delta n")
    step = prove([total <= k * delta, q >= 0, q <= delta, k >= 0], total + q <= (k + 1) * delta, "induction step")
    if step.verb != "holds":
        return step
    bound = delta * n < 1 if share == "1/N" else delta * n < 2
    story = "N = {n}, δ = {delta}: posteriors of at most δ can sum to 1"
    return prove([n >= 2, delta > 0, bound, total <= n * delta], total < 1, "for every N (induction)", story)


# Remark 6.1 ---------------------------------------------------------------------------------------------------------


@check(
    "rem-6.1",
    "An output hallucinates exactly if it lies in no region",
    form="printed",
    evidence="solver",
    control={"region": "at least δ"},
)
def hallucination_is_outside_all_regions(region: str = "above δ") -> Outcome:
    """Induct over the states: the two properties agree for some states; then one more with density f."""
    f, delta = z3.Reals("f delta")
    outside, hallucinates = z3.Bools("outside hallucinates")
    inside = f > delta if region == "above δ" else f >= delta
    goal = z3.And(outside, z3.Not(inside)) == z3.And(hallucinates, f <= delta)
    story = "density {f} and δ = {delta}: in the region, and yet a hallucination"
    return prove([outside == hallucinates, f >= 0, delta > 0], goal, "for every number of states (induction)", story)


@check(
    "rem-6.1",
    "The library's regions and its hallucination agree on every answer and threshold of a family of discrete targets",
    name="library-agrees",
    form="stronger",
    evidence="exact",
    statement={"shift": 0},
    control={"shift": 1},
)
def library_agrees(shift: int) -> Outcome:
    """Compare `delta_hallucinates` with the union of regions, at δ between (or, wrongly, above) the masses."""
    target, answers = Mixture([0.75, 0.25], [as_state(HALVING), as_state((*COIN[::-1],))]), np.arange(5.0)[:, None]
    count = 0
    for delta in (0.1, 0.27, 0.4, 0.6, 0.8):
        inside = conditional_region_above(target, float(np.log(delta + shift))).contains(answers)
        wrong = np.flatnonzero(inside == delta_hallucinates(target, answers, delta))
        if wrong.size:
            return fails(f"answer {wrong[0]}, δ = {delta}: in the region {bool(inside[wrong[0]])}")
        count += inside.size
    return holds(f"{count} pairs of answer and threshold, two states")


@check(
    "rem-6.1",
    "“Not a subset of U_i”, as Appendix B.5 restates it, means “not in U_i” for one answer, read as a set of one",
    form="stronger",
    evidence="solver",
    statement={"answers": 1},
    control={"answers": 2},
)
def subset_and_element_agree(answers: int) -> Outcome:
    """Compare "no answer of the set lies in U" with "the set is not a subset of U" for sets of one or two answers."""
    inside = [z3.Bool(f"in{k}") for k in range(answers)]
    goal = z3.Not(z3.Or(inside)) == z3.Not(z3.And(inside))
    story = "of two answers one lies in U and one outside: not a subset of U, and yet not disjoint from it"
    return prove([], goal, "for every region", story)


# Remark 6.2 ---------------------------------------------------------------------------------------------------------


@check(
    "rem-6.2",
    "With one state, to hallucinate is that the output of the estimator falls outside the region above δ (the mean "
    "of N(0, 1), at δ = 1/10 and 1/2)",
    name="estimator-falls-outside",
    form="repaired",
    evidence="interval",
    statement={"who": "estimator"},
    control={"who": "target"},
)
@check(
    "rem-6.2",
    "With one state, to hallucinate is that the target falls outside the region above δ",
    name="target-falls-outside",
    form="printed",
    evidence="interval",
    statement={"who": "target"},
    control={"who": "anything"},
)
def hallucination_is_falling_outside(who: str, deltas: Sequence[Fraction] = (TENTH, HALF)) -> Outcome:
    """Compare the probability of falling outside with 1 (E hallucinates) or 0 (it does not) for N(0, 1), E = 0."""
    for delta in deltas:
        tau = -2 * ball(delta).log() - (2 * arb.pi()).log()  # the region is {a : a² < τ}
        hallucinates = certain(bool(phi(0) <= ball(delta)), bool(phi(0) > ball(delta)))
        at_e = arb(1) if not tau > 0 else arb(0)
        target = chi2_tail(1, tau) if tau > 0 else arb(1)
        outside = {"estimator": at_e, "target": target, "anything": target / 2}[who]
        if hallucinates is None:
            return Outcome("undecided", f"density {phi(0)} and δ = {delta}")
        if outside < int(hallucinates) or outside > int(hallucinates):
            verb = "hallucinates" if hallucinates else "does not hallucinate"
            share = f"{float(outside.mid()):.4f}"
            return fails(f"N(0, 1), δ = {delta}: the mean {verb}, but {share} of the target falls outside")
    return holds(f"N(0, 1) at δ = {' and '.join(map(str, deltas))}; Remark 6.1 gives every law")


@check(
    "rem-6.2",
    "Where no two answers are equally likely, M = 1/2 and M = 4/5 have different thresholds (masses 7/10 and 3/10)",
    name="mass-moves-the-threshold-without-ties",
    form="stronger",
    evidence="exact",
    statement={"law": COIN, "masses": (Fraction(1, 2), Fraction(4, 5))},
    control={"law": QUARTERS, "masses": (HALF, Fraction(3, 4))},
)
@check(
    "rem-6.2",
    "A density threshold corresponds to one mass: M = 1/2 and M = 3/4 have different thresholds (four equally likely "
    "answers)",
    name="threshold-fixes-the-mass",
    form="printed",
    evidence="exact",
    statement={"law": QUARTERS, "masses": (HALF, Fraction(3, 4))},
    control={"law": QUARTERS, "masses": (Fraction(1, 10), Fraction(9, 10))},
)
def mass_moves_the_threshold(law: Law, masses: tuple[Fraction, Fraction]) -> Outcome:
    """Compare the library's thresholds t(M) for two masses of a law on finitely many answers."""
    first, second = (density_region(as_state(law), float(m)).log_threshold for m in masses)
    low, high = np.exp(first), np.exp(second)
    found = f"masses {show_law(law)}: threshold {low:.3g} for M = {masses[0]} and {high:.3g} for M = {masses[1]}"
    return decide(first != second, found, found)


@check(
    "rem-6.2",
    "For every law, {f > δ} is a smallest set of its mass M(δ) = P(f(A) > δ)",
    name="region-above-is-smallest",
    form="repaired",
    evidence="solver",
    statement={"mass": "at least"},
    control={"mass": "any"},
)
@check(
    "def-A.1",
    "For every law and t > 0, no set of at least the mass of {f ≥ t} has a smaller volume",
    name="region-is-smallest-of-its-mass",
    reading="one region per state",
    form="repaired",
    evidence="solver",
    statement={"mass": "at least"},
    control={"mass": "any"},
)
def region_is_smallest(mass: str) -> Outcome:
    """Neyman and Pearson's argument for S = {f ≥ t} or {f > t} and a rival B, both split along their overlap.

    The variables are volumes and masses of S minus B, B minus S and the overlap. On S minus B the density is at
    least t, on B minus S at most t; so mass and volume of the two parts compare as the first two hypotheses say.
    """
    t, v_s, v_b, p_s, p_b, v, p = z3.Reals("t v_s v_b p_s p_b v p")
    parts = [x >= 0 for x in (v_s, v_b, p_s, p_b, v, p)]
    hypotheses = [t > 0, p_s >= t * v_s, p_b <= t * v_b, *parts]
    hypotheses += [p_b + p >= p_s + p] if mass == "at least" else []
    story = "t = {t}: {v_s} against {v_b} of volume apart from the overlap, with masses {p_s} and {p_b}"
    return prove(hypotheses, v_s + v <= v_b + v, "for every law, dimension, rival set and t > 0", story)


@check(
    "rem-6.2",
    "A threshold δ with P(f(A) = δ) = 0 belongs to one mass: {f > δ} and {f ≥ δ} have the same",
    form="repaired",
    evidence="solver",
    control={"plateau": True},
)
def threshold_without_plateau_has_one_mass(plateau: bool = False) -> Outcome:
    """Compare P(f > δ) with P(f ≥ δ), which adds P(f = δ)."""
    above, level = z3.Reals("above level")
    hypotheses = [above >= 0, level >= 0, above + level <= 1, *([] if plateau else [level == 0])]
    return prove(hypotheses, above + level == above, "for every law", "{level} of the mass has density exactly δ")


# Appendix A, opening ------------------------------------------------------------------------------------------------


@check(
    "app-A-single-state",
    "Where the mean does not have density exactly δ, both descriptions agree (masses 2/5, 1/5, 2/5)",
    name="mean-off-the-threshold",
    form="stronger",
    evidence="exact",
    statement={"law": VALLEY, "deltas": (TENTH, Fraction(3, 10))},
    control={"law": VALLEY, "deltas": (Fraction(1, 5),)},
)
@check(
    "app-A-single-state",
    "With one state, the mean hallucinates exactly if it lies outside the density region with threshold δ",
    name="mean-outside-the-region-of-threshold-delta",
    form="printed",
    evidence="exact",
    statement={"law": (Fraction(1, 3),) * 3, "deltas": (Fraction(1, 3),)},
    control={"law": VALLEY, "deltas": (Fraction(1, 5),)},
)
def mean_is_outside_region_with_threshold(law: Law, deltas: Sequence[Fraction]) -> Outcome:
    """Compare f(E) ≤ δ with "E is outside the library's region of mass M = P(f(A) ≥ δ)"."""
    mean = sum((Fraction(k) * p for k, p in enumerate(law, 1)), Fraction(0))
    at_mean = law[int(mean) - 1] if mean.denominator == 1 else Fraction(0)
    for delta in deltas:
        mass = sum((q for q in law if q >= delta), Fraction(0))
        region = density_region(as_state(law), float(mass) - 1e-9)  # M = 1 is no mass of a region; this one is
        outside = not region.contains([float(mean)])
        if outside != (at_mean <= delta):
            return fails(
                f"masses {show_law(law)}, δ = {delta}: the mean {mean} has mass {at_mean}, so it hallucinates, "
                f"and the region of mass {mass} holds it"
            )
    return holds(f"masses {show_law(law)}, mean {mean}, δ = {' and '.join(map(str, deltas))}")


@check(
    "app-A-single-state",
    "With one state, an estimator that answers with the mean hallucinates exactly if the mean is not in {f > δ}",
    name="mean-outside-for-the-optimal-estimator",
    form="repaired",
    evidence="solver",
    statement={"output": "mean"},
    control={"output": "any"},
)
@check(
    "app-A-single-state",
    "With one state, an estimator hallucinates exactly if the expectation of the target is not in {f > δ}",
    name="mean-outside-for-every-estimator",
    form="printed",
    evidence="solver",
    statement={"output": "any"},
    control={"output": "denser than the mean"},
)
def mean_outside_means_hallucination(output: str) -> Outcome:
    """Compare f(v) ≤ δ for the output v with "the mean lies outside {f > δ}"; only the two densities matter."""
    at_output, at_mean, delta = z3.Reals("at_output at_mean delta")
    link = {"mean": [at_output == at_mean], "any": [], "denser than the mean": [at_output > at_mean]}[output]
    goal = (at_output <= delta) == z3.Not(at_mean > delta)
    story = "density {at_output} at the output, {at_mean} at the mean, δ = {delta}: only one of them is outside"
    return prove([at_output >= 0, at_mean >= 0, delta > 0, *link], goal, "for every law and δ", story)
