"""Checks of Remark 3.1: which results survive under cross-entropy, and what happens to decoded tokens.

Facts used about targets q on the simplex with C ≥ 2 classes: ‖q‖² ≤ 1 and ‖p_X‖² ≥ 1/C; the volume of the simplex is
1/(C − 1)!, so a state has at most the mass δ/(C − 1)! where its density is at most δ.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import numpy as np
import z3

from hallucination.checks import Outcome, check, fails, holds
from hallucination.checks.enclosures import HALF, HUNDREDTH
from hallucination.checks.prover import prove
from hallucination.simplex import corner_uniform, decode, free_radius, reach_limit

# Outputs near the optimum -------------------------------------------------------------------------------------------


@check(
    "rem-3.1",
    "Theorem 5.2 carries over at distance 1/2: some target makes every output that near hallucinate",
    name="near-outputs-at-half",
    form="stronger",
    evidence="property",
    statement={"distance": HALF},
    control={"distance": Fraction(1)},
)
@check(
    "rem-3.1",
    "Theorem 5.2 carries over, also at ε = 1: some target makes every output that near hallucinate (δ = 1/100)",
    name="near-outputs-at-one",
    form="printed",
    evidence="solver",
    statement={"distance": Fraction(1)},
    control={"distance": Fraction(3, 2)},
)
@check(
    "rem-3.1",
    "Theorem 5.3 carries over while hints move the output by at most L‖δ_k‖ = 1/2",
    name="hinted-outputs-at-half",
    form="stronger",
    evidence="property",
    statement={"distance": HALF, "story": "hints with L‖δ_k‖"},
    control={"distance": Fraction(1), "story": "hints with L‖δ_k‖"},
)
@check(
    "rem-3.1",
    "Theorem 5.3 carries over, also for L‖δ_k‖ = 1: some target makes every L-Lipschitz estimator that is optimal at "
    "X hallucinate at its hints (δ = 1/100)",
    name="hinted-outputs-at-one",
    form="printed",
    evidence="solver",
    statement={"distance": Fraction(1), "story": "hints with L‖δ_k‖"},
    control={"distance": Fraction(3, 2), "story": "hints with L‖δ_k‖"},
)
def outputs_can_all_hallucinate(distance: Fraction, delta: Fraction = HUNDREDTH, story: str = "ε") -> Outcome:
    """Look for a corner-uniform target; if there is none, prove for every target that a supported output is in reach.

    In the proof c = 1/C, `thin` is the mass outside the regions, and all supported outputs are assumed out of reach.
    """
    for classes in range(2, 9):
        weights, h = np.full(classes, 1 / classes), 1e-3
        to_corner = free_radius(weights, classes, h) * np.sqrt(classes / (classes - 1))
        if to_corner > float(distance):
            return holds(f"N = C = {classes}, h = {h}: every corner is {to_corner:.3f} away from the optimum")
    c, thin, second, centre, square = z3.Reals("c thin second centre square")
    d = z3.Q(delta.numerator, delta.denominator)
    facts = [c > 0, c <= z3.Q(1, 2), thin >= 0, thin <= 2 * d * c, second <= 1, centre >= c]  # (C − 1)! ≥ C/2
    far = second - centre > square * (1 - thin)  # the spread E‖q − p_X‖², if all of U is farther than `square`
    reach = square == z3.Q(distance.numerator**2, distance.denominator**2)
    proof = prove([*facts, reach], z3.Not(far), "")
    if proof.verb != "holds":
        return Outcome("undecided", "neither a target nor a proof that there is none")
    least = reach_limit(2, float(delta))
    return fails(f"{story} = {distance}, δ = {delta}: every target on the simplex, with any C, has an output with "
                 f"density above δ in reach; with C = 2 already from {least:.3f} on")  # fmt: skip


@check(
    "rem-3.1",
    "Some supported output is within √((1 − 1/C)/(1 − δ/(C−1)!)) of the optimum, whatever the target",
    form="stronger",
    evidence="solver",
    control={"factor": HALF},
)
def supported_output_is_near(factor: Fraction = Fraction(1)) -> Outcome:
    """Bound the spread E‖q − p_X‖² = E‖q‖² − ‖p_X‖² from both sides; `limit` is the claimed squared distance."""
    c, thin, second, centre, limit = z3.Reals("c thin E_q2 p_X2 limit")
    size = z3.Q(factor.numerator, factor.denominator) * (1 - c)
    facts = [c > 0, c <= z3.Q(1, 2), thin >= 0, thin < 1, second <= 1, centre >= c, limit * (1 - thin) == size]
    story = "1/C = {c}, mass {thin} outside the regions: squared distance {limit} may not be enough"
    return prove(facts, z3.Not(second - centre > limit * (1 - thin)), "for every C, δ < 1 and target", story)


@check(
    "rem-3.1",
    "√((1 − 1/C)/(1 − δ/(C−1)!)) is sharp for small δ: N = C corner-uniform states keep supported outputs that far "
    "away",
    form="stronger",
    evidence="property",
    control={"stretch": 1.01},
)
def reach_is_sharp(stretch: float = 0.99) -> Outcome:
    """Compare the distance to the corners with the limit for δ -> 0, for five C."""
    worst = np.inf
    for classes in (2, 3, 5, 20, 1000):
        to_corner = free_radius(np.full(classes, 1 / classes), classes, 1e-4) * np.sqrt(classes / (classes - 1))
        ratio = to_corner / reach_limit(classes, 1e-12)
        if ratio < stretch:
            return fails(f"C = {classes}: the corners are at {ratio:.6f} of the limit, below {stretch}")
        worst = min(worst, ratio)
    return holds(f"C = 2, 3, 5, 20, 1000, h = 1e-4: corners at {worst:.4f} of the limit or farther")


@check(
    "rem-3.1",
    "The simplex has diameter √2, and for δ < 1 no state is vacuous: an ε of √2 reaches a supported output",
    form="stronger",
    evidence="solver",
    control={"squared": 1},
)
def diameter_and_average(squared: int = 2) -> Outcome:
    """Bound ‖p − q‖² by the norms and the inner product; the average density (C − 1)! ≥ 1 bounds the largest."""
    norm_p, norm_q, inner, peak, average, delta = z3.Reals("‖p‖² ‖q‖² inner peak average δ")
    geometry = [norm_p >= 0, norm_p <= 1, norm_q >= 0, norm_q <= 1, inner >= 0]
    density = [average >= 1, peak >= average, delta > 0, delta < 1]
    goal = z3.And(norm_p + norm_q - 2 * inner <= squared, peak > delta)
    story = "‖p‖² = {‖p‖²}, ‖q‖² = {‖q‖²}, inner product {inner}: farther apart than that"
    return prove([*geometry, *density], goal, "for every C, target and δ < 1", story)


@check(
    "rem-3.1",
    "The estimator that walks straight from p_X to a supported output and stops there is L-Lipschitz",
    form="stronger",
    evidence="solver",
    control={"speed": 2},
)
def straight_walk_is_lipschitz(speed: int = 1) -> Outcome:
    """Compare min(speed·L s, r) at inputs of distances s, t from X, which are at least |s − t| apart."""
    L, s, t, r, apart = z3.Reals("L s t r apart")

    def walked(distance: z3.ArithRef) -> z3.ArithRef:
        return z3.If(speed * L * distance <= r, speed * L * distance, r)

    hypotheses = [L >= 0, s >= 0, t >= 0, r >= 0, apart >= s - t, apart >= t - s]
    goal = z3.And(walked(s) - walked(t) <= L * apart, walked(t) - walked(s) <= L * apart)
    return prove(hypotheses, goal, "for all inputs; it stays on a segment, so on the simplex")


# Decoded tokens -----------------------------------------------------------------------------------------------------


@check(
    "rem-3.1",
    "A token sampled from p_X hallucinates at most as often as the data's own tokens are unlikely in their state",
    form="stronger",
    evidence="solver",
    control={"token_is_unlikely": False},
)
def sampling_is_no_worse_than_data(token_is_unlikely: bool = True) -> Outcome:
    """Induct over states for one token; `bad` says that all r_i ≤ δ there.  Then add up the tokens."""
    sampled, data, weight, mass, delta = z3.Reals("sampled data weight mass delta")
    bad = z3.Bool("bad")
    link = [z3.Implies(bad, mass <= delta)] if token_is_unlikely else []
    after = sampled + z3.If(bad, weight * mass, z3.RealVal(0))
    goal = after <= data + z3.If(mass <= delta, weight * mass, z3.RealVal(0))
    return prove([sampled <= data, weight > 0, mass >= 0, delta > 0, *link], goal, "for every N, C and δ (induction)")


@check(
    "rem-3.1",
    "The most likely token never hallucinates if δ is below its probability under p_X",
    form="stronger",
    evidence="solver",
    control={"below": False},
)
def argmax_is_supported(below: bool = True) -> Outcome:
    """Induct over states: if all r_i ≤ δ, then the mixture's partial sum is at most δ times the weights."""
    partial, weights, weight, mass, delta = z3.Reals("partial weights weight mass delta")
    step = partial + weight * mass <= delta * (weights + weight)
    total = partial + weight * mass
    above = total > delta if below else total >= delta
    last = z3.Implies(weights + weight == 1, z3.Not(above))
    hypotheses = [partial <= delta * weights, weights >= 0, weight > 0, mass >= 0, mass <= delta, delta > 0]
    return prove(hypotheses, z3.And(step, last), "for every N and C (induction)")


@check(
    "rem-3.1",
    "In small cases: sampled tokens hallucinate at most as often as data tokens are unlikely, and at most δ times "
    "the number of unlikely tokens; the most likely token does not for δ below its probability",
    form="stronger",
    evidence="exact",
    control={"share": 0.5},
)
def decoders_in_enumeration(share: float = 1.0) -> Outcome:
    """Enumerate two states over three tokens with masses and weights in quarters (exact in binary)."""
    rows = np.array([r for r in product(range(5), repeat=3) if sum(r) == 4]) / 4
    pairs = np.array(list(product(rows, rows)))
    for weight, delta in product((0.25, 0.5, 0.75), (0.125, 0.25, 0.5, 0.75)):
        weights = np.array([weight, 1 - weight])
        found = decode(weights, pairs, delta)
        mixed = np.einsum("i,kij->kj", weights, pairs)
        unlikely = (pairs.max(axis=1) <= delta).sum(axis=1)
        wrong = (found.sampling > share * found.data) | (found.sampling > delta * unlikely)
        wrong |= found.argmax & (delta < mixed.max(axis=1))
        if wrong.any():
            k = int(np.flatnonzero(wrong)[0])
            return fails(f"masses {pairs[k].tolist()}, weight {weight}, δ = {delta}: sampled {found.sampling[k]}")
    return holds(f"{12 * len(pairs)} targets and thresholds")


@check(
    "rem-3.1",
    "For larger δ the most likely token can hallucinate: three states share an answer of mass 3/10 each (δ = 3/10)",
    form="stronger",
    evidence="exact",
    control={"delta": Fraction(29, 100)},
)
def argmax_can_hallucinate(delta: Fraction = Fraction(3, 10)) -> Outcome:
    """Decode three states with a token of their own (7/10 each) and one in common, in exact fractions."""
    shared, own = Fraction(3, 10), Fraction(7, 10)
    masses = [[shared, *(own if t == i else Fraction(0) for t in range(3))] for i in range(3)]
    found = decode([Fraction(1, 3)] * 3, masses, delta)
    text = f"common token {shared}, others {own / 3}, δ = {delta}: sampled tokens hallucinate with {found.sampling}"
    return holds(text) if found.argmax else fails(f"{text}, the most likely one does not")


@check(
    "rem-3.1",
    "In the paper's own example, states at the corners, a sampled token never hallucinates for δ < 1",
    form="stronger",
    evidence="exact",
    control={"delta": Fraction(1)},
)
def corner_tokens_never_hallucinate(delta: Fraction = Fraction(99, 100)) -> Outcome:
    """Decode N states that are sure of a token each, and compare with the corner-uniform vector target."""
    for states, extra in product(range(2, 7), (0, 3)):
        weights = [Fraction(1, states)] * states
        masses = [[Fraction(int(t == i)) for t in range(states + extra)] for i in range(states)]
        found = decode(weights, masses, delta)
        if found.sampling != 0 or found.argmax:
            return fails(f"N = {states}, δ = {delta}: sampled tokens hallucinate with probability {found.sampling}")
        target = corner_uniform(np.full(states, 1 / states), states + extra, 0.25)
        if np.isfinite(target.state_log_densities(target.mean)).any():
            return fails(f"N = {states}: the vector p_X lies in a corner")
    return holds("N = 2 to 6, C = N and N + 3: rate 0 for the tokens, while the vector p_X hallucinates for every δ")
