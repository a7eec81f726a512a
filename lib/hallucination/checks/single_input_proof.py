"""Checks of Appendix B.1: the printed construction for Theorem 5.1, line by line, up to the choice of m_i.

In the symbolic checks D stands for det Σ_i, S for 1ᵀ Σ_i 1 and Q for 1ᵀ Σ_i⁻¹ 1.  In the solver checks ln δ,
ln det Σ_i and c = (d/2) ln 2π are real numbers, so a proof covers every δ, every covariance and every dimension.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np
import sympy as sp
import z3

from hallucination.checks import Outcome, check, decide, fails, holds
from hallucination.checks.enclosures import HALF, HUNDREDTH, ball
from hallucination.checks.prover import prove
from hallucination.checks.single_input import log_densities_at_mean
from hallucination.constructions import printed_single_input, repaired_single_input
from hallucination.mixtures import Mixture

_delta, _D, _Q, _S, _d = sp.symbols("delta D Q S d", positive=True)
_K = -2 * sp.log(_delta) - sp.log(_D)  # the printed radicand


@dataclass(frozen=True)
class Choice:
    """What the printed construction leaves free: weights, covariances of states i < N, δ, and d if N = 1."""

    weights: tuple[Fraction, ...]
    covariances: tuple[Any, ...]
    delta: Fraction
    dimension: int = 1

    def law(self, version: str) -> Mixture:
        """Build the target, ``"printed"`` or ``"repaired"``."""
        build = {"printed": printed_single_input, "repaired": repaired_single_input}[version]
        return build([float(w) for w in self.weights], self.covariances, float(self.delta), self.dimension)

    def __str__(self) -> str:
        n, shares = len(self.weights), " and ".join(map(str, self.weights))
        states = f"{n} states with weights {shares}" if n > 1 else "a single state"
        sigma = f", Σ₁ = {self.covariances[0]:g}" if self.covariances and self.dimension == 1 else ""
        return f"{states} in dimension {self.dimension}, δ = {self.delta}{sigma}"


WIDE_FIRST = Choice((HALF, HALF), (2.0,), HUNDREDTH)
TOO_WIDE_FIRST = Choice((HALF, HALF), (5.0,), HALF)
LIGHT_FIRST = Choice((HUNDREDTH, 1 - HUNDREDTH), (1.0,), HUNDREDTH)
ALONE = Choice((Fraction(1),), (), HUNDREDTH)


def _many() -> list[Choice]:
    rng = np.random.default_rng(5)
    found = [WIDE_FIRST, TOO_WIDE_FIRST, LIGHT_FIRST, ALONE, Choice((Fraction(1),), (), Fraction(1, 10**6), 3)]
    for n, d in product((2, 3, 5), (1, 2, 4)):
        roots = rng.normal(size=(n - 1, d, d)) * 10.0 ** rng.uniform(-2, 2, size=(n - 1, 1, 1))
        shares = rng.integers(1, 60, size=n).tolist()
        weights = tuple(Fraction(s, sum(shares)) for s in shares)
        covariances = tuple((r @ r.T + 0.01 * np.eye(d)).tolist() for r in roots)
        found.append(Choice(weights, covariances, Fraction(1, 10 ** int(rng.integers(0, 8))), d))
    return found


MANY = _many()


def below_delta(version: str, choices: Sequence[Choice], states: str = "all", share: int = 1) -> Outcome:
    """Enclose the densities at the exact mean of the library's law, and compare them with δ/share."""
    for choice in choices:
        densities = log_densities_at_mean(choice.law(version))
        last = len(densities) - 1
        chosen = {"all": range(last + 1), "first": range(last), "last": [last]}[states]
        limit = (ball(choice.delta) / share).log()
        for k in chosen:
            if not densities[k] <= limit:
                value, most = float(densities[k].exp().mid()), float(limit.exp().mid())
                return fails(
                    f"{choice}: the density of state {k + 1} at the mean is {value:.5g}, more than {most:.5g}"
                )
    tried = f"{len(choices)} choices" if len(choices) > 1 else f"{choices[0]}"
    return holds(f"{tried}: densities enclosed")


# Density and existence of the means ---------------------------------------------------------------------------------


@check(
    "thm-5.1",
    "The density of state i integrates to one if its exponent holds the argument a",
    name="density-with-a",
    part="proof",
    form="repaired",
    evidence="symbolic",
    statement={"argument": "a"},
    control={"argument": "2a"},
)
@check(
    "thm-5.1",
    "The density of state i integrates to one if its exponent holds the input X",
    name="density-with-X",
    part="proof",
    form="printed",
    evidence="symbolic",
    statement={"argument": "X"},
    control={"argument": "2a"},
)
def density_integrates_to_one(argument: str) -> Outcome:
    """Integrate the displayed density over a for d = 1, symbolic mean and width; coordinates multiply."""
    a, x, m = sp.symbols("a X mu", real=True)
    s = sp.Symbol("s", positive=True)
    inside = {"a": a, "X": x, "2a": 2 * a}[argument]
    total = sp.integrate(sp.exp(-((inside - m) ** 2) / (2 * s**2)) / (s * sp.sqrt(2 * sp.pi)), (a, -sp.oo, sp.oo))
    total = sp.simplify(total)
    size = "infinite: the exponent does not depend on a" if total is sp.oo else str(total)
    return decide(total == 1, "the integral over a is 1", f"d = 1: the integral over a is {size}")


@check(
    "thm-5.1",
    "For every δ and Σ there is a real m whose density at 0 is at most δ",
    part="proof",
    form="printed",
    evidence="solver",
    control={"clip": False},
)
def means_exist(clip: bool = True) -> Outcome:
    """Show that m² = max(0, −2 ln δ − ln det Σ)/Q is a square and large enough; Q = 1ᵀ Σ⁻¹ 1 is positive."""
    log_delta, log_det, c, Q, m2 = z3.Reals("log_delta log_det c Q m2")
    need = -2 * log_delta - log_det
    chosen = z3.If(need >= 0, need, 0) if clip else need
    goal = z3.And(m2 >= 0, -c - log_det / 2 - m2 * Q / 2 <= log_delta)
    return prove([Q > 0, c > 0, m2 * Q == chosen], goal, "for all real ln δ, ln det Σ and every dimension")


# The choice of m_i and display (B.4) --------------------------------------------------------------------------------


@check(
    "thm-5.1",
    "With μ = m 1, the exponent μᵀ Σ⁻¹ μ is m² 1ᵀ Σ⁻¹ 1",
    name="exponent-with-inverse",
    part="proof",
    form="repaired",
    evidence="symbolic",
    statement={"matrix": "Σ⁻¹"},
    control={"matrix": "Σ"},
)
@check(
    "thm-5.1",
    "With μ = m 1, the exponent μᵀ Σ⁻¹ μ is m² 1ᵀ Σ 1 (second line of B.4)",
    name="exponent-without-inverse",
    part="proof",
    form="printed",
    evidence="symbolic",
    statement={"matrix": "Σ"},
    control={"matrix": "identity"},
)
def exponent_of_the_mean(matrix: str) -> Outcome:
    """Compare the two sides in symbolic dimension; if they differ, show them for d = 1 and Σ = 2."""
    n, m = sp.Symbol("n", integer=True, positive=True), sp.Symbol("m", positive=True)
    sigma, one = sp.MatrixSymbol("Sigma", n, n), sp.OneMatrix(n, 1)
    inside = {"Σ": sigma, "Σ⁻¹": sigma.I, "identity": sp.Identity(n)}[matrix]
    left, right = ((m * one).T * sigma.I * (m * one)).doit(), (m**2 * one.T * inside * one).doit()
    example = {"Σ": Fraction(2), "Σ⁻¹": HALF, "identity": Fraction(1)}[matrix]
    same = True if left == right else None if example == HALF else False
    found = f"d = 1, Σ = 2: the exponent is m²/2, not {example} m²"
    return decide(same, "identity for every covariance, in symbolic dimension", found)


@check(
    "thm-5.1",
    "Once 1ᵀ Σ 1 cancels, lines 3 to 6 of (B.4) give the density (2π)^(−d/2) δ",
    part="proof",
    form="printed",
    evidence="symbolic",
    control={"half": 1},
)
def rest_of_b4(half: Fraction | int = HALF) -> Outcome:
    """Follow the logarithm of the density through the lines; `half` is the factor in the exponent."""
    third = -_d / 2 * sp.log(2 * sp.pi) - sp.log(_D) / 2 - sp.Rational(half) * _K / _S * _S
    gap = sp.simplify(third - sp.log(_delta) + _d / 2 * sp.log(2 * sp.pi))
    return decide(gap == 0, "identity in δ, d and det Σ", f"left over in the logarithm: {gap}")


@check(
    "thm-5.1",
    "With the inverse in m_i, all states but the last have density at most δ at the mean",
    name="first-states-repaired",
    part="proof",
    form="repaired",
    evidence="interval",
    statement={"version": "repaired", "choices": MANY, "states": "first"},
    control={"version": "printed", "choices": [WIDE_FIRST], "states": "first"},
)
@check(
    "thm-5.1",
    "With the printed m_i, all states but the last have density at most δ at the mean",
    name="first-states-as-printed",
    part="proof",
    form="printed",
    evidence="interval",
    statement={"version": "printed", "choices": [WIDE_FIRST], "states": "first"},
    control={"version": "printed", "choices": [WIDE_FIRST], "states": "first", "share": 2},
)
def first_states(version: str, choices: Sequence[Choice], states: str, share: int = 1) -> Outcome:
    """Ask the library's constructions (enclosed)."""
    return below_delta(version, choices, states, share)


@check(
    "thm-5.1",
    "With max(0, ·) and the inverse, the density at 0 is at most (2π)^(−d/2) δ, whatever Σ is",
    part="proof",
    form="repaired",
    evidence="solver",
    control={"ratio": True},
)
def repaired_first_state(ratio: bool = False) -> Outcome:
    """Bound the logarithm of the density; `ratio` leaves the printed quotient Q/S in place of 1."""
    log_delta, log_det, c, square, r = z3.Reals("log_delta log_det c square r")  # square = m² Q
    need = -2 * log_delta - log_det
    clipped = z3.If(need >= 0, need, 0)
    hypotheses = [c > 0, r > 0, square == (clipped * r if ratio else clipped)]
    story = "ln δ = {log_delta}, ln det Σ = {log_det}, Q/S = {r}: the density exceeds the bound"
    goal = -c - log_det / 2 - square / 2 <= -c + log_delta
    return prove(hypotheses, goal, "for every δ, Σ and dimension", story)


@check(
    "thm-5.1",
    "The printed m_i gives a density of at most δ exactly if (−2 ln δ − ln det Σ)(1 − Q/S) ≤ d ln 2π",
    part="proof",
    form="stronger",
    evidence="symbolic",
    control={"swap": True},
)
def printed_mean_works_exactly_if(swap: bool = False) -> Outcome:
    """Compare the logarithm of the density at 0 for m² = K/S with that of the region's boundary."""
    log_f = -_d / 2 * sp.log(2 * sp.pi) - sp.log(_D) / 2 - _K / _S * _Q / 2
    ratio = _S / _Q if swap else _Q / _S
    gap = sp.simplify(2 * (log_f - sp.log(_delta)) - (_K * (1 - ratio) - _d * sp.log(2 * sp.pi)))
    return decide(gap == 0, "identity in δ, d, det Σ, Q and S", f"left over: {gap}")


# The square root ----------------------------------------------------------------------------------------------------


@check(
    "thm-5.1",
    "With max(0, ·) under the root, m_i is a real number for every δ and Σ_i",
    name="root-repaired",
    part="proof",
    form="repaired",
    evidence="property",
    statement={"version": "repaired", "choices": MANY},
    control={"version": "printed", "choices": [TOO_WIDE_FIRST]},
)
@check(
    "thm-5.1",
    "The printed m_i is a real number for every δ ≤ 1 and Σ_i",
    name="root-as-printed",
    part="proof",
    form="printed",
    evidence="exact",
    statement={"version": "printed", "choices": [TOO_WIDE_FIRST]},
    control={"version": "printed", "choices": [Choice((HALF, HALF), (2.0,), Fraction(1))]},
)
def root_is_real(version: str, choices: Sequence[Choice]) -> Outcome:
    """Build each law; the sign under the printed root is that of 1 − δ² det Σ, a rational number."""
    for choice in choices:
        try:
            choice.law(version)
        except ValueError:
            excess = choice.delta**2 * Fraction(str(choice.covariances[0])) - 1
            if excess > 0:
                return fails(f"{choice}: δ² det Σ₁ exceeds 1 by {excess}, so the root is of a negative number")
            raise
    return holds(f"{len(choices)} choices; max(0, ·) is never negative")
