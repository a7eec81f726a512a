"""Checks of the printed proof of Theorem 5.3 (Appendix B.4), and of the last sentence of §5.

The solver's letters are those of `hints`: distances from E, and inner products under Cauchy–Schwarz.
"""

from __future__ import annotations

from fractions import Fraction

import z3
from flint import arb

from hallucination.checks import Outcome, check, decide
from hallucination.checks.enclosures import HALF, HUNDREDTH, ball, certain, log_normal, phi
from hallucination.checks.hints import GRAM, gap, nm, nv, reach, rho
from hallucination.checks.prover import prove

# Theorem 5.3, the printed proof -------------------------------------------------------------------------------------


@check(
    "thm-5.3",
    "(B.8): the answer at X + δ_i is within L‖δ_i‖ ≤ L·B of the answer at X",
    name="line-B.8",
    part="proof",
    form="printed",
    evidence="solver",
    control={"longest_first": False},
)
def line_b8(longest_first: bool = True) -> Outcome:
    """Chain the Lipschitz inequality and the bound on the hints."""
    move, slope, hint, longest = z3.Reals("move slope hint longest")
    order = hint <= longest if longest_first else hint >= longest
    hypotheses = [move >= 0, slope >= 0, hint >= 0, longest >= 0, move <= slope * hint, order]
    return prove(hypotheses, move <= slope * longest, "for all L, all hints, any norm")


@check(
    "thm-5.3",
    "If the estimator is optimal at X, its answers at the hints are ε-near optimal for A(X), with ε = L·B",
    name="near-optimal-for-X",
    part="proof",
    form="repaired",
    evidence="solver",
    statement={"at_X": "optimal"},
    control={"at_X": "anything"},
)
@check(
    "thm-5.3",
    "The answers at the hints are ε-near optimal for A(X), with ε = L·B",
    name="near-the-answer-at-X",
    part="proof",
    form="printed",
    evidence="solver",
    statement={"at_X": "anything"},
    control={"at_X": "anything", "twice": True},
)
def near_the_answer_at_X(at_X: str, twice: bool = False) -> Outcome:
    """Bound the distance of the answer v to E by its distance to g(X) and that of g(X) to E."""
    move, off, away, eps = z3.Reals("move off away eps")
    start = [off == 0] if at_X == "optimal" else [off >= 0]
    triangle = [away <= move + off, away >= move - off, away >= off - move]
    hypotheses = [*start, *triangle, move >= 0, move <= eps, away >= 0]
    story = "the answer at X is {off} away from E, the answer at the hint {away}, and ε is {eps}"
    return prove(hypotheses, away <= (2 * eps if twice else eps), "by the triangle inequality, any norm", story)


@check(
    "thm-5.3",
    "Theorem 5.2, with ε = L·B, applies to the target A(X) at X and the answers given at the hints",
    name="theorem-5.2-at-X",
    part="proof",
    form="repaired",
    evidence="solver",
    statement={"target": "A(X)"},
    control={"target": "A(X)", "slack": 2},
)
@check(
    "thm-5.3",
    "Theorem 5.2, with ε = L·B, applies to every A(X + δ_i), the targets at the hints",
    name="theorem-5.2-at-the-hints",
    part="proof",
    form="printed",
    evidence="solver",
    statement={"target": "A(X + δ_i)"},
    control={"target": "A(X + δ_i)", "slack": 2},
)
def premise_of_theorem_5_2(target: str, slack: int = 1) -> Outcome:
    """Compare the answer's distance to the optimum of the target, E or μ_i, with ε = L·B."""
    hypotheses = [*GRAM, nv <= slack * reach, nm >= rho + slack * reach]
    if target == "A(X)":
        found, story = "the optimum for A(X) is E", "an answer {nv} away from E, and ε is {reach}"
        return prove(hypotheses, nv <= reach, found, story)
    story = "the optimum for A(X + δ_i) is the state's mean, {nm} away from E; the answer is {nv} away, ε is {reach}"
    return prove(hypotheses, gap <= reach * reach, "the optimum is the state's mean", story)


# The last sentence of §5 --------------------------------------------------------------------------------------------


@check(
    "sec-5-end",
    "Some targets make their optimal estimator hallucinate (two normal states at ±4)",
    name="some-targets",
    form="stronger",
    evidence="interval",
    statement={"half_distance": Fraction(4)},
    control={"half_distance": HALF},
)
@check(
    "sec-5-end",
    "Whatever the target, without vacuous states, its optimal estimator hallucinates (two normal states at ±1/2)",
    name="every-target",
    form="printed",
    evidence="interval",
    statement={"half_distance": HALF},
    control={"half_distance": Fraction(0)},
)
def optimum_hallucinates(half_distance: Fraction, delta: Fraction = HUNDREDTH) -> Outcome:
    """Enclose the density of both states N(±m, 1), equally likely, at their mean 0."""
    at_mean, peak = phi(half_distance), phi(0)
    if not peak > ball(delta):
        return Outcome("undecided", "the states are vacuous")
    found = f"N(±{half_distance}, 1), δ = {delta}: both densities at the mean are {float(at_mean.mid()):.4g}"
    return decide(certain(bool(at_mean <= ball(delta)), bool(at_mean > ball(delta))), found, found)


@check(
    "sec-5-end",
    "Not to hallucinate is no accident: it holds for a whole box of targets around N(±1/2, 1) with equal weights",
    form="stronger",
    evidence="interval",
    control={"half_distance": Fraction(8)},
)
def box_of_targets(half_distance: Fraction = HALF, delta: Fraction = HUNDREDTH) -> Outcome:
    """Enclose the log-density of state 1 at the mean over all weights, means and widths within 1/10."""
    m, p1, s = arb(ball(half_distance), 0.1), arb(0.5, 0.1), arb(1, 0.1)
    away = 2 * m * (1 - p1)  # E − μ_1, with means ∓m
    log_f = log_normal(1, 2 * s.log(), (away / s) ** 2)
    ends = f"{float(log_f.lower()):.2f} to {float(log_f.upper()):.2f}".replace("-", "−")
    found = (
        f"weights 0.4 to 0.6, widths 0.9 to 1.1, means ±({half_distance} ± 0.1), δ = {delta}: "
        f"ln f_1(E) lies in {ends}, ln δ is {float(ball(delta).log().mid()):.2f}".replace("is -", "is −")
    )
    return decide(certain(bool(log_f > ball(delta).log()), bool(log_f <= ball(delta).log())), found, found)


@check(
    "sec-5-end",
    "With hints, an L-Lipschitz estimator that is optimal at X hallucinates at the hints, under laws made for L",
    name="hinted-and-lipschitz",
    form="stronger",
    evidence="solver",
    statement={"estimator": "L-Lipschitz"},
    control={"estimator": "L-Lipschitz", "separated": False},
)
@check(
    "sec-5-end",
    "With hints, the estimator of least loss hallucinates at the hints (normal states, none vacuous)",
    name="hinted-and-optimal",
    form="printed",
    evidence="solver",
    statement={"estimator": "optimal"},
    control={"estimator": "optimal", "separated": False},
)
def hinted_estimator_hallucinates(estimator: str, separated: bool = True) -> Outcome:
    """Compare the squared distance x² of the answer to μ_i with ρ² = τ s²; the optimal answer is μ_i itself."""
    x, r = z3.Reals("x r")
    answers = [x == 0] if estimator == "optimal" else [x >= r - reach]
    apart = [r >= rho + reach] if separated else [r >= 0]
    hypotheses = [*answers, *apart, x >= 0, rho > 0, reach >= 0]
    story = "a region of radius {rho} around the state's mean, and the answer is {x} away from that mean"
    return prove(hypotheses, x * x >= rho * rho, "every dimension, every number of states", story)
