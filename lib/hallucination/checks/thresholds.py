"""Checks of Definition 4.2, continued: the threshold against the mixture, and the region mass without a scale."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import sympy as sp
import z3
from flint import arb

from hallucination.checks import Outcome, check, fails, holds
from hallucination.checks.enclosures import HALF, TENTH, ball
from hallucination.checks.prover import prove


@check(
    "def-4.2",
    "Mixture density at most δ times the smallest weight means hallucination",
    form="stronger",
    evidence="solver",
    control={"scaled": False},
)
def small_mixture_means_hallucination(scaled: bool = True) -> Outcome:
    """Bound one state's density f by the mixture density, of which p f is a part."""
    p, f, rest, least, delta = z3.Reals("p f rest least delta")
    limit = least * delta if scaled else delta
    hypotheses = [least > 0, p >= least, p <= 1, f >= 0, rest >= 0, delta > 0, delta <= 1, p * f + rest <= limit]
    return prove(hypotheses, f <= delta, "for every state of every mixture")


@check(
    "def-4.2",
    "Region mass: at most a share α of a state's own answers has π(a) ≤ α",
    form="stronger",
    evidence="exact",
    control={"share": HALF},
)
def region_mass_is_never_vacuous(share: Fraction = Fraction(1)) -> Outcome:
    """Enumerate laws on four answers with weights 1 to 4 and α in tenths; `share` tightens the bound."""
    cases = 0
    for weights in product(range(1, 5), repeat=4):
        total = sum(weights)
        pi = [Fraction(sum(u for u in weights if u <= w), total) for w in weights]
        for tenths in range(1, 10):
            alpha = Fraction(tenths, 10)
            rate = Fraction(sum(w for w, mass in zip(weights, pi, strict=True) if mass <= alpha), total)
            if rate > share * alpha:
                return fails(f"weights {weights}, α = {alpha}: share {rate}")
            cases += 1
    return holds(f"{cases} laws and levels")


@check(
    "def-4.2",
    "The squared distance behind the region mass of a normal state is the same in all units",
    form="stronger",
    evidence="symbolic",
    control={"transform_covariance": False},
)
def mahalanobis_is_affine_invariant(transform_covariance: bool = True) -> Outcome:
    """Compare uᵀΣ⁻¹u before and after u -> Bu, Σ -> BΣBᵀ, in symbolic dimension."""
    n = sp.Symbol("n", integer=True, positive=True)
    cov, B, u = sp.MatrixSymbol("Sigma", n, n), sp.MatrixSymbol("B", n, n), sp.MatrixSymbol("u", n, 1)
    after = B * cov * B.T if transform_covariance else cov
    moved = ((B * u).T * sp.Inverse(after) * (B * u)).doit()
    if moved == (u.T * cov.I * u).doit():
        return holds("for every invertible B, Σ and every dimension")
    one = {cov: sp.Matrix([[1]]), B: sp.Matrix([[2]]), u: sp.Matrix([[1]])}
    example = moved.subs(n, 1).subs({k.subs(n, 1): v for k, v in one.items()}).doit()[0, 0]
    return fails(f"Σ = 1, B = 2, u = 1: {example} in place of 1") if example != 1 else Outcome("undecided")


@check(
    "def-4.2",
    "A squared distance of d/α from a normal state is enough for π ≤ α",
    form="stronger",
    evidence="interval",
    statement={"factor": "1/alpha"},
    control={"factor": "1"},
)
def markov_distance_is_enough(factor: str) -> Outcome:
    """Enclose P(χ²_d ≥ d·factor) for d from 1 to 500 and compare with α."""
    worst = arb(0)
    for d, alpha in product((1, 2, 5, 50, 500), (HALF, TENTH, Fraction(1, 1000))):
        distance = arb(d) / ball(alpha) if factor == "1/alpha" else arb(d)
        ratio = (distance / 2).gamma_upper(arb(d) / 2, 1) / ball(alpha)
        if ratio > 1:
            return fails(f"d = {d}, α = {alpha}: π is {float(ratio.mid()):.3g} α")
        if not ratio <= 1:
            return Outcome("undecided", f"d = {d}, α = {alpha}: {ratio}")
        worst = ratio if ratio > worst else worst
    return holds(f"π is at most {float(worst.mid()):.3g} α in 15 cases; Markov's inequality gives the rest")


@check(
    "def-4.2",
    "Normal states whose centres are ε + √(λq) or more from E make all outputs within ε of E atypical: D² ≥ q",
    form="stronger",
    evidence="solver",
    control={"slack": False},
)
def far_centres_are_atypical(slack: bool = True) -> Outcome:
    """Chain the triangle inequality and D ≥ ‖v − μ‖/√λ, where λ is the largest variance in any direction."""
    near, far, eps, reach, root, r, distance = z3.Reals("near far eps reach root r distance")
    hypotheses = [
        near >= 0,
        near <= eps,  # near = ‖v − E‖
        far >= reach - near,  # far = ‖v − μ‖ and reach = ‖E − μ‖
        root > 0,
        r >= 0,  # root = √λ, r = √q
        reach >= (eps if slack else 0) + root * r,
        distance >= 0,
        far <= root * distance,
    ]
    return prove(hypotheses, distance >= r, "for every covariance, ε and q, in every dimension")
