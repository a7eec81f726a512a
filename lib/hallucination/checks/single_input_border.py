"""Checks of Theorem 5.1, continued: for which laws the mean hallucinates, with and without a scale.

In solver checks the norms and inner products of vectors are tied by Cauchy–Schwarz only, so a proof holds in every
dimension.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import numpy as np
import sympy as sp
import z3
from flint import arb

from hallucination.checks import Outcome, check, decide, fails, holds
from hallucination.checks.enclosures import HALF, HUNDREDTH, TENTH, ball, certain, chi2_tail, log_normal
from hallucination.checks.prover import prove
from hallucination.checks.single_input import contracted, exact_mean, shape_of
from hallucination.constructions import separated_ellipsoids, widest_scale
from hallucination.mixtures import two_gaussians
from hallucination.regions import alpha_hdr_hallucinates, delta_hallucinates
from hallucination.states import Gaussian


@check(
    "thm-5.1",
    "With two states, the mean is p₂Δ from the first centre and p₁Δ from the second",
    form="stronger",
    evidence="symbolic",
    control={"swap": True},
)
def two_distances(swap: bool = False) -> Outcome:
    """Expand E − μ_i in one coordinate x, y of the centres; all coordinates have the same factor."""
    w, x, y = sp.symbols("p1 x y", real=True)
    mean, shares = w * x + (1 - w) * y, (w, 1 - w) if swap else (1 - w, w)
    left = [sp.expand(mean - x - shares[0] * (y - x)), sp.expand(mean - y - shares[1] * (x - y))]
    return decide(left == [0, 0], "for every weight, in every dimension", f"left over: {left[0]}")


@check(
    "thm-5.1",
    "With two states of one scale, the mean hallucinates exactly if min(p₁, p₂) Δ ≥ ρ",
    name="border-of-two-states",
    form="stronger",
    evidence="property",
    statement={"notion": "delta", "factor": 1.0},
    control={"notion": "delta", "factor": 1.01},
)
@check(
    "thm-5.1",
    "Scale-free: with two states of one scale s, the mean hallucinates exactly if min(p₁, p₂) Δ/s ≥ √χ²",
    name="border-without-a-scale",
    form="stronger",
    evidence="property",
    statement={"notion": "alpha", "factor": 1.0},
    control={"notion": "alpha", "factor": 1.01},
)
def border_of_two_states(notion: str, factor: float) -> Outcome:
    """Ask the library just inside and just outside the predicted border (times `factor`), s = s₀ for η = α."""
    cases = 0
    for weight, d, level, delta in product((0.03, 0.3, 0.5, 0.9), (1, 2, 10, 512), (0.001, 0.1), (1e-12, 0.01, 5.0)):
        s = widest_scale(delta, level, d)
        root = float(np.sqrt(-2 * np.log(delta) - d * np.log(2 * np.pi * s**2)))  # √τ, and √χ² for s = s₀
        for side in (-1e-6, 1e-6):
            gap = factor * (1 + side) * root * s / min(weight, 1 - weight)
            law = two_gaussians(weight, gap, s, d)
            judge = delta_hallucinates(law, law.mean, delta) if notion == "delta" else None
            verdict = bool(alpha_hdr_hallucinates(law, law.mean, level) if judge is None else judge)
            if verdict != (side > 0):
                return fails(
                    f"weight {weight}, d = {d}, level {level}: separation {gap / s:.6g} s has the other verdict"
                )
            cases += 1
    return holds(f"{cases} laws, a millionth inside and outside the border")


@check(
    "thm-5.1",
    "The squared separation that the scale-free border needs grows like d: d ≤ χ² quantile ≤ d/α",
    form="stronger",
    evidence="interval",
    control={"factor": 2},
)
def border_grows_with_dimension(factor: int = 1, alpha: Fraction = TENTH) -> Outcome:
    """Enclose P(χ²_d ≥ factor·d) and P(χ²_d ≥ d/α) and compare both with α."""
    dimensions = [1, 2, 3, 5, 10, 30, 100, 300, 1000, 3000]
    for d in dimensions:
        low, high = chi2_tail(d, arb(factor * d)), chi2_tail(d, d / ball(alpha))
        if not (bool(low >= ball(alpha)) and bool(high <= ball(alpha))):
            return fails(f"d = {d}: P(χ² ≥ {factor} d) is {float(low.mid()):.4f}, below α = {alpha}")
    return holds(f"α = {alpha}, {len(dimensions)} dimensions from 1 to 3000, enclosed")


@check(
    "thm-5.1",
    "Any normal states: the mean α-HDR-hallucinates, with all outputs within ε, if K ≥ ε + √(λ_max χ²)",
    name="any-covariances-without-a-scale",
    form="stronger",
    evidence="solver",
    control={"triangle": False},
)
def far_in_mahalanobis_distance(triangle: bool = True) -> Outcome:
    """Show D² ≥ r² from D² ≥ ‖v − μ‖²/λ_max, where r² is the χ² quantile; the mean of the target is the origin."""
    nv, nm, b, eps, root, r, D2 = z3.Reals("nv nm b eps root r D2")  # ‖v‖, ‖μ‖, <v, μ>, ε, √λ_max
    cauchy = [b <= nv * nm, b >= -nv * nm] if triangle else []
    hypotheses = [nv >= 0, nm >= 0, *cauchy, nv <= eps, root > 0, r >= 0, nm >= eps + root * r]
    hypotheses += [D2 * root * root >= nv * nv - 2 * b + nm * nm]
    story = "‖v‖ = {nv}, ‖μ‖ = {nm}: D² = {D2}"
    return prove(hypotheses, r * r <= D2, "for all covariances, ε and dimensions", story)


@check(
    "thm-5.1",
    "The library's normal states with random covariances: their mean δ-hallucinates",
    name="ellipsoids-at-delta",
    form="stronger",
    evidence="interval",
    statement={"notion": "delta"},
    control={"notion": "delta", "share": 0.001},
)
@check(
    "thm-5.1",
    "The library's normal states with random covariances: their mean α-HDR-hallucinates",
    name="ellipsoids-without-a-scale",
    form="stronger",
    evidence="interval",
    statement={"notion": "alpha"},
    control={"notion": "alpha", "share": 0.001},
)
def ellipsoids_hallucinate(notion: str, share: float = 1.0) -> Outcome:
    """Enclose densities, or P(χ² ≥ D²), at the exact mean for random weights, covariances, dimensions and levels."""
    rng, cases = np.random.default_rng(3), 0
    for d, n in product((1, 2, 5), (2, 3, 6)):
        roots = rng.normal(size=(n, d, d)) * 10.0 ** rng.uniform(-2, 0, size=(n, 1, 1))
        weights, level = rng.dirichlet(np.ones(n)), float(rng.uniform(0.01, 0.9))
        law = separated_ellipsoids(weights, [r @ r.T + 0.05**2 * np.eye(d) for r in roots], **{notion: level})
        law = contracted(law, share) if share < 1 else law
        at = exact_mean(law)
        shapes = [shape_of(s, at) for s in law.states if isinstance(s, Gaussian)]
        found = [log_normal(d, *s).exp() if notion == "delta" else chi2_tail(d, s[1]) for s in shapes]
        if not all(bool(x <= arb(level)) for x in found):
            largest = max(float(x.mid()) for x in found)
            return fails(f"{n} states, d = {d}: {largest:.3g} at the mean, allowed {level:.3g}")
        cases += 1
    return holds(f"{cases} laws with 2 to 6 states in dimensions 1 to 5")


@check(
    "thm-5.1",
    "No knife edge: a whole box of two-state laws has a hallucinating mean and no vacuous state",
    name="a-box-that-hallucinates",
    form="stronger",
    evidence="interval",
    statement={"separation": 6, "hallucinates": True},
    control={"separation": 4, "hallucinates": True},
)
@check(
    "thm-5.1",
    "Not the rule either: in another box of two-state laws, without vacuous states, no mean hallucinates",
    name="a-box-that-does-not",
    form="stronger",
    evidence="interval",
    statement={"separation": 4, "hallucinates": False},
    control={"separation": 6, "hallucinates": False},
)
def box_of_laws(separation: int, hallucinates: bool, delta: Fraction = HUNDREDTH) -> Outcome:
    """Evaluate with intervals for all parameters at once: weight ½ ± 1/100, s = 1 ± 1/100, separation ± 1/10."""
    slack = ball(HUNDREDTH) * arb(0, 1)
    weight, s, gap = ball(HALF) + slack, 1 + slack, separation + 10 * slack
    log_s2 = 2 * s.log()
    at_mean = [log_normal(1, log_s2, (share * gap / s) ** 2) for share in (weight, 1 - weight)]
    log_delta, peak = ball(delta).log(), log_normal(1, log_s2, arb(0))
    if not peak > log_delta:
        return Outcome("undecided", "a state of the box may be vacuous")
    yes = all(bool(f <= log_delta) for f in at_mean)
    answer = certain(yes, any(bool(f > log_delta) for f in at_mean))
    found = f"separation {separation} ± 0.1, δ = {delta}: every mean {'hallucinates' if yes else 'is supported'}"
    return decide(None if answer is None else answer == hallucinates, found, found)
