"""Checks of Remark 4.2: whether a δ-hallucination has a plausible cause."""

from __future__ import annotations

from fractions import Fraction

import z3
from flint import arb

from hallucination.checks import Outcome, check, decide
from hallucination.checks.enclosures import HALF, HUNDREDTH, TENTH, ball, certain, phi
from hallucination.checks.latent_states import equal_mixture_has_modes
from hallucination.checks.prover import prove


@check(
    "rem-4.2",
    "If no state is vacuous, a hallucination is below the peak of every state",
    name="below-every-peak",
    form="repaired",
    evidence="solver",
    statement={"clause": "peak > δ"},
    control={"clause": "none"},
)
@check(
    "rem-4.2",
    "A hallucination is below the peak of every state, so it is no mode of any",
    name="below-every-peak-as-printed",
    form="printed",
    evidence="solver",
    statement={"clause": "none"},
    control={"clause": "peak ≥ δ"},
)
def hallucination_is_below_every_peak(clause: str) -> Outcome:
    """Compare the density f of an output with a state's peak, given f <= δ."""
    f, peak, delta = z3.Reals("f peak delta")
    extra = {"peak > δ": [peak > delta], "peak ≥ δ": [peak >= delta], "none": []}[clause]
    hypotheses = [f >= 0, peak > 0, f <= peak, delta > 0, delta <= 1, f <= delta, *extra]
    story = "density {f} at the output, peak {peak}, δ = {delta}: the output hallucinates at the peak itself"
    return prove(hypotheses, f < peak, "for every state, output and δ", story)


@check(
    "rem-4.2",
    "Even if no state is vacuous, a lower mode of a state may hallucinate (19/20 N(−5,1) + 1/20 N(5,1), δ = 1/10)",
    form="stronger",
    evidence="interval",
    control={"delta": HUNDREDTH},
)
def lower_mode_hallucinates(delta: Fraction = TENTH) -> Outcome:
    """Enclose the density of one state at 4, 5, 6, where it has a mode, and its peak from below."""
    share = Fraction(1, 20)

    def density(a: int) -> arb:
        return ball(1 - share) * phi(a + 5) + ball(share) * phi(a - 5)

    rises_and_falls = bool(density(4) < density(5)) and bool(density(6) < density(5))
    highest = ball(1 - share) * phi(9) + ball(share) * phi(0)  # no density between 4 and 6 is larger
    peak = density(-5)
    if not (rises_and_falls and peak > ball(delta)):
        return Outcome("undecided", "no mode between 4 and 6, or a vacuous state")
    found = (
        f"mode between 4 and 6: density at most {float(highest.mid()):.4f}, peak {float(peak.mid()):.4f}, δ = {delta}"
    )
    return decide(certain(bool(highest <= ball(delta)), bool(density(5) > ball(delta))), found, found)


@check(
    "rem-4.2",
    "Even if no state is vacuous, the one mode of A(X) may hallucinate (normal states at ±1/2, δ = 0.3521)",
    form="stronger",
    evidence="interval",
    control={"half_distance": Fraction(1, 4)},
)
def only_mode_hallucinates(half_distance: Fraction = HALF, delta: Fraction = Fraction(3521, 10000)) -> Outcome:
    """Enclose the density of both states at 0, the only mode of (N(−m,1) + N(m,1))/2 for m <= 1, and their peak."""
    one_mode = equal_mixture_has_modes(half_distance, 1)
    if one_mode.verb != "holds" or not phi(0) > ball(delta):
        return Outcome("undecided", "several modes, or vacuous states")
    there = phi(half_distance)
    found = (
        f"density {float(there.mid()):.5f} at 0 under both states, peak {float(phi(0).mid()):.5f}, δ = {float(delta)}"
    )
    return decide(certain(bool(there <= ball(delta)), bool(there > ball(delta))), found, found)


@check(
    "rem-4.2",
    "Two modes of A(X) do not make the mean hallucinate (normal states at ±3/2, δ = 1/100)",
    form="stronger",
    evidence="interval",
    control={"half_distance": Fraction(4)},
)
def two_modes_are_not_enough(half_distance: Fraction = Fraction(3, 2), delta: Fraction = HUNDREDTH) -> Outcome:
    """Enclose the density of both states at 0, the mean of (N(−m,1) + N(m,1))/2, which has two modes for m > 1."""
    if equal_mixture_has_modes(half_distance, 2).verb != "holds":
        return Outcome("undecided", f"not two modes at m = {half_distance}")
    there = phi(half_distance)
    found = f"m = {half_distance}: density {float(there.mid()):.4f} at the mean under both states, δ = {delta}"
    return decide(certain(bool(there > ball(delta)), bool(there <= ball(delta))), found, found)


@check(
    "rem-4.2",
    "The best answer of a standard normal state in dimension 5 is supported at δ = 1/100",
    name="mode-in-dimension-5",
    form="stronger",
    evidence="interval",
    statement={"dimension": 5},
    control={"dimension": 6},
)
@check(
    "rem-4.2",
    "The most typical answer of a state has a cause, so it does not hallucinate (standard normal, d = 6, δ = 1/100)",
    name="mode-in-dimension-6",
    form="printed",
    evidence="interval",
    statement={"dimension": 6},
    control={"dimension": 512},
)
def mode_is_supported(dimension: int, delta: Fraction = HUNDREDTH) -> Outcome:
    """Compare the density of N(0, I_d) at its own mode with δ."""
    peak = phi(0, dimension)
    found = f"d = {dimension}: density {float(peak.mid()):.3g} at the mode, δ = {delta}"
    return decide(certain(bool(peak > ball(delta)), bool(peak <= ball(delta))), found, f"{found}: it hallucinates")


@check(
    "rem-4.2",
    "If every region keeps mass 1 − η of its state, a true answer hallucinates with probability at most η",
    form="stronger",
    evidence="solver",
    control={"regions_heavy": False},
)
def true_answers_are_safe(regions_heavy: bool = True) -> Outcome:
    """Induct over the states: `miss` is the mass a state has outside all regions, at most that outside its own."""
    partial, weight, p, miss, own, eta = z3.Reals("partial weight p miss own eta")
    heavy = [own >= 1 - eta] if regions_heavy else []
    hypotheses = [partial <= eta * weight, p > 0, miss >= 0, miss <= 1 - own, own >= 0, own <= 1, *heavy]
    return prove([*hypotheses, eta > 0, eta < 1], partial + p * miss <= eta * (weight + p), "for every N (induction)")
