"""Checks of Appendix B.1, continued: the last state of the printed construction, and its conclusion."""

from __future__ import annotations

from collections.abc import Sequence

import sympy as sp
import z3

from hallucination.checks import Outcome, check, decide
from hallucination.checks.prover import prove
from hallucination.checks.single_input_proof import ALONE, LIGHT_FIRST, MANY, Choice, below_delta
from hallucination.checks.sums import N, i, linear, mu, over_states, p

_delta, _d = sp.symbols("delta d", positive=True)


@check(
    "thm-5.1",
    "With μ_N = −Σ (p_i/p_N) μ_i the mean of the target is 0",
    name="balance-with-p_N",
    part="proof",
    form="repaired",
    evidence="symbolic",
    statement={"divisor": "p_N"},
    control={"divisor": "p_n"},
)
@check(
    "thm-5.1",
    "With μ_N = −Σ (p_i/p_n) μ_i, n not yet fixed, the mean of the target is 0",
    name="balance-with-p_n",
    part="proof",
    form="printed",
    evidence="symbolic",
    statement={"divisor": "p_n"},
    control={"divisor": "1"},
)
def mean_is_zero(divisor: str) -> Outcome:
    """Compute Σ_{i<N} p_i μ_i + p_N μ_N for symbolic N."""
    q = {"p_N": p[N], "p_n": sp.Symbol("p_n", positive=True), "1": sp.Integer(1)}[divisor]
    head = sp.Sum(p[i] * mu[i], (i, 1, N - 1))
    total = linear(head + p[N] * sp.Sum(-p[i] / q * mu[i], (i, 1, N - 1)))
    left = linear(total - (1 - p[N] / q) * head)  # zero too, so that the counterexample is what it says
    found = f"the mean is (1 − p_N/{divisor}) times the sum of the p_i μ_i, i < N"
    return decide(True if total == 0 else False if left == 0 else None, "the mean is 0 for every N", found)


@check(
    "thm-5.1",
    "The mean of the target is Σ p_i μ_i (law of total expectation in the last display)",
    part="proof",
    form="printed",
    evidence="symbolic",
    control={"weighted": False},
)
def mean_of_the_target(weighted: bool = True) -> Outcome:
    """Integrate a times the mixture of N normal densities: the mean of each is its centre."""
    a, m, s, w = sp.Symbol("a", real=True), sp.Symbol("m", real=True), sp.Symbol("s", positive=True), sp.Symbol("w")
    density = sp.exp(-((a - m) ** 2) / (2 * s**2)) / (s * sp.sqrt(2 * sp.pi))
    term = sp.integrate(a * density, (a, -sp.oo, sp.oo)).subs(m, mu[i]) * (w if weighted else 1)
    gap = linear(over_states(term.subs(w, p[i])) - over_states(p[i] * mu[i]))
    return decide(gap == 0, "term by term, for every N", f"left over: {gap}")


@check(
    "thm-5.1",
    "Line 2 of (B.6): the density of a normal state is at most det(Σ_N)^(−1/2)",
    part="proof",
    form="printed",
    evidence="solver",
    control={"positive_definite": False},
)
def line_2_of_b6(positive_definite: bool = True) -> Outcome:
    """Drop −(d/2) ln 2π and the exponent from the logarithm; `square` is μᵀ Σ⁻¹ μ."""
    c, square, log_det = z3.Reals("c square log_det")
    hypotheses = [c > 0, *([square >= 0] if positive_definite else [])]
    return prove(
        hypotheses, -c - log_det / 2 - square / 2 <= -log_det / 2, "for every dimension, mean and covariance"
    )


@check(
    "thm-5.1",
    "With Σ_N = I/m_N and m_N = δ^(2/d), det(Σ_N)^(−1/2) is δ",
    name="determinant-repaired",
    part="proof",
    form="repaired",
    evidence="symbolic",
    statement={"exponent": 2},
    control={"exponent": -2},
)
@check(
    "thm-5.1",
    "With Σ_N = I/m_N and m_N = δ^(−2/d), det(Σ_N)^(−1/2) is δ",
    name="determinant-as-printed",
    part="proof",
    form="printed",
    evidence="symbolic",
    statement={"exponent": -2},
    control={"exponent": -1},
)
def determinant_of_last_state(exponent: int) -> Outcome:
    """Compute the determinant of the matrix I/m_N in symbolic dimension, then the power."""
    n = sp.Symbol("d", integer=True, positive=True)
    m_N = _delta ** (sp.Integer(exponent) / n)
    determinant = sp.Determinant(sp.Identity(n) / m_N).doit().subs(sp.Determinant(sp.Identity(n)), 1)
    power = sp.simplify(sp.expand_log(-sp.log(determinant) / 2, force=True) / sp.log(_delta))
    written = str(power).replace("-", "−")
    return decide(power == 1, "δ for every d", f"the power det(Σ_N)^(−1/2) is δ^({written}), at least 1 for δ ≤ 1")


@check(
    "thm-5.1",
    "Lines 4 and 5 of (B.6): (m_N^d)^(−1/2) is δ for the printed m_N = δ^(−2/d)",
    part="proof",
    form="printed",
    evidence="symbolic",
    control={"exponent": 2},
)
def power_in_b6(exponent: int = -2) -> Outcome:
    """Multiply the exponents; this algebra is right, only it is not the determinant."""
    power = sp.Rational(exponent) / _d * _d * sp.Rational(-1, 2)
    return decide(power == 1, "δ to the power 1", f"δ to the power {str(power).replace('-', '−')}")


@check(
    "thm-5.1",
    "With m_N = δ^(2/d), the mean of the target has density at most δ under every state",
    name="conclusion-repaired",
    part="proof",
    form="repaired",
    evidence="interval",
    statement={"version": "repaired", "choices": MANY},
    control={"version": "printed", "choices": MANY[2:]},
)
@check(
    "thm-5.1",
    "For the printed law the mean has density at most δ under every state",
    name="conclusion-as-printed",
    part="proof",
    form="printed",
    evidence="interval",
    statement={"version": "printed", "choices": [LIGHT_FIRST]},
    control={"version": "printed", "choices": [LIGHT_FIRST], "share": 2},
)
@check(
    "thm-5.1",
    "The repaired construction works with a single state, too",
    name="one-state-repaired",
    part="proof",
    form="repaired",
    evidence="interval",
    statement={"version": "repaired", "choices": [ALONE]},
    control={"version": "printed", "choices": [ALONE]},
)
@check(
    "thm-5.1",
    "The printed construction works for any positive number N of states, so with a single one",
    name="one-state-as-printed",
    part="proof",
    form="printed",
    evidence="interval",
    statement={"version": "printed", "choices": [ALONE]},
    control={"version": "printed", "choices": [ALONE], "share": 2},
)
def conclusion(version: str, choices: Sequence[Choice], share: int = 1) -> Outcome:
    """Ask the library's constructions (enclosed)."""
    return below_delta(version, choices, "all", share)


@check(
    "thm-5.1",
    "The printed last state exceeds δ at the mean exactly if ‖μ_N‖² < δ^(2/d) (−4 ln δ − d ln 2π)",
    part="proof",
    form="stronger",
    evidence="symbolic",
    control={"factor": 2},
)
def printed_last_state_fails_exactly_if(factor: int = 4) -> Outcome:
    """Write ln f_N(0) − ln δ as a positive multiple of the bound minus ‖μ_N‖²; Σ_N = δ^(2/d) I."""
    square = sp.Symbol("square", nonnegative=True)
    log_f = -_d / 2 * sp.log(2 * sp.pi) - sp.log(_delta) - square * _delta ** (-2 / _d) / 2
    bound = _delta ** (2 / _d) * (-factor * sp.log(_delta) - _d * sp.log(2 * sp.pi))
    gap = sp.simplify(sp.expand(log_f - sp.log(_delta) - (bound - square) * _delta ** (-2 / _d) / 2))
    return decide(gap == 0, "identity in δ, d and ‖μ_N‖", f"left over: {gap}")


@check(
    "thm-5.1",
    "The repaired last state is vacuous: even its peak (2π)^(−d/2) δ is below δ",
    part="proof",
    form="stronger",
    evidence="solver",
    control={"repaired": False},
)
def last_state_is_vacuous(repaired: bool = True) -> Outcome:
    """Compare the peak −c − ½ ln det Σ_N with ln δ; ln det Σ_N is −2 ln δ repaired and 2 ln δ printed."""
    log_delta, c = z3.Reals("log_delta c")
    log_det = (-2 if repaired else 2) * log_delta
    story = "ln δ = {log_delta}, (d/2) ln 2π = {c}: the peak is above δ"
    return prove([c > 0, log_delta <= 0], -c - log_det / 2 < log_delta, "for every δ and every dimension", story)
