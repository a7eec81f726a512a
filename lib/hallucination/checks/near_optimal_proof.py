"""Checks of the printed proof of Theorem 5.2 (Appendix B.3), line by line up to the end of its chain.

In the chain, D = ‖v₀ − μ‖, nv = ‖v₀‖, nm = ‖μ‖ and R = √(−2 ln δ); the optimum is 0.
"""

from __future__ import annotations

from fractions import Fraction

import sympy as sp
import z3
from flint import arb

from hallucination.checks import Outcome, check, decide, fails, sums, undecided
from hallucination.checks.enclosures import HALF, HUNDREDTH, ball, certain, phi
from hallucination.checks.near_optimal import CAUCHY, GAP, eps, nm, nv
from hallucination.checks.prover import prove

D, R = z3.Reals("D R")
CHAIN = [*CAUCHY, D >= 0, D * D == GAP, R >= 0, eps >= 0, nv <= eps, nm >= R + eps]
EVERYWHERE = "for all v₀, μ, ε, δ in every dimension"

# The base of the middle term of the chain, exp(−½ base²).
BASES = {
    "‖μ‖ − ‖v₀‖": lambda D, nv, nm: nm - nv,
    "‖v₀ − μ‖ − ‖v₀‖": lambda D, nv, nm: D - nv,
    "‖v₀ − μ‖ − 2‖v₀‖": lambda D, nv, nm: D - 2 * nv,
}


@check(
    "thm-5.2",
    "The density of N(μ, I) at v₀ is (2π)^(−d/2) exp(−½‖v₀ − μ‖²)",
    part="proof",
    form="printed",
    evidence="symbolic",
    control={"normaliser": "of one coordinate"},
)
def density_of_a_state(normaliser: str = "of all coordinates") -> Outcome:
    """Add up the log-densities of the coordinates, which are independent; symbolic number d of coordinates."""
    k, d = sp.symbols("k d", integer=True, positive=True)
    v, mu = sp.IndexedBase("v"), sp.IndexedBase("mu")
    one = -sp.log(2 * sp.pi) / 2 - (v[k] - mu[k]) ** 2 / 2
    count = d if normaliser == "of all coordinates" else sp.Integer(1)
    claimed = -count * sp.log(2 * sp.pi) / 2 - sp.Sum((v[k] - mu[k]) ** 2, (k, 1, d)) / 2
    rest = sp.factor(sp.expand_log((sums.linear(sp.Sum(one, (k, 1, d))) - sums.linear(claimed)).doit()))
    differ = None if rest == 0 else bool(abs(sp.N(rest.subs(d, 3))) > 1e-9)
    shown = f"d = 3: the logarithms differ by {sp.N(rest.subs(d, 3), 4)}"
    return decide(rest == 0 or (False if differ else None), "identity for every d", shown)


@check(
    "thm-5.2",
    "The normaliser (2π)^(−d/2) may be dropped: it is at most 1",
    part="proof",
    form="printed",
    evidence="symbolic",
    control={"sign": 1},
)
def normaliser_is_at_most_one(sign: int = -1) -> Outcome:
    """Decide the sign of its logarithm for symbolic d."""
    log = sign * sp.Symbol("d", positive=True) / 2 * sp.log(2 * sp.pi)
    return decide(log.is_nonpositive, "its logarithm −(d/2) ln 2π is negative for every d", "(2π)^(d/2) exceeds 1")


def _chain_value(middle: str, v0: Fraction, delta: Fraction, epsilon: Fraction) -> tuple[arb, arb, arb]:
    """Enclose R, exp(−½D²) and exp(−½ base²) for d = 1 and μ = R + ε."""
    root = (-2 * ball(delta).log()).sqrt()
    mu = root + ball(epsilon)
    distance = abs(ball(v0) - mu)
    base = BASES[middle](distance, abs(ball(v0)), mu)
    return root, (-(distance**2) / 2).exp(), (-(base**2) / 2).exp()


@check(
    "thm-5.2",
    "Chain, second step: exp(−½‖v₀ − μ‖²) ≤ exp(−½(‖μ‖ − ‖v₀‖)²)",
    name="chain-second-step",
    part="proof",
    form="repaired",
    evidence="solver",
    statement={"middle": "‖μ‖ − ‖v₀‖"},
    control={"middle": "‖v₀ − μ‖ − ‖v₀‖"},
)
@check(
    "thm-5.2",
    "Chain, second step: exp(−½‖v₀ − μ‖²) ≤ exp(−½(‖v₀ − μ‖ − ‖v₀‖)²)",
    name="chain-second-step-as-printed",
    part="proof",
    form="printed",
    evidence="interval",
    statement={"middle": "‖v₀ − μ‖ − ‖v₀‖"},
    control={"middle": "‖v₀ − μ‖ − 2‖v₀‖"},
)
def second_step(middle: str) -> Outcome:
    """Prove it from the norms; if that fails, enclose both sides at d = 1, δ = 1/2, ε = 3, v₀ = 3, μ = R + 3."""
    base = BASES[middle](D, nv, nm)
    proof = prove(CHAIN, base * base <= D * D, EVERYWHERE)
    if proof.verb != "fails":
        return proof
    _, left, right = _chain_value(middle, Fraction(3), HALF, Fraction(3))
    found = f"d = 1, δ = 1/2, ε = v₀ = 3, μ = R + 3: left {float(left.mid()):.5f}, right {float(right.mid()):.5f}"
    return fails(found) if left > right else undecided("z3 refutes it, the example does not")


@check(
    "thm-5.2",
    "Chain, third step: exp(−½(‖μ‖ − ‖v₀‖)²) ≤ exp(−½(√(−2 ln δ) + ε − ε)²)",
    name="chain-third-step",
    part="proof",
    form="repaired",
    evidence="solver",
    statement={"middle": "‖μ‖ − ‖v₀‖"},
    control={"middle": "‖v₀ − μ‖ − ‖v₀‖"},
)
@check(
    "thm-5.2",
    "Chain, third step: exp(−½(‖v₀ − μ‖ − ‖v₀‖)²) ≤ exp(−½(√(−2 ln δ) + ε − ε)²)",
    name="chain-third-step-as-printed",
    part="proof",
    form="printed",
    evidence="interval",
    statement={"middle": "‖v₀ − μ‖ − ‖v₀‖"},
    control={"middle": "‖v₀ − μ‖ − 2‖v₀‖"},
)
def third_step(middle: str) -> Outcome:
    """Prove it from the norms; if that fails, enclose both sides at d = 1, δ = 1/100, ε = 1, v₀ = 1, μ = R + 1."""
    base = BASES[middle](D, nv, nm)
    proof = prove(CHAIN, base * base >= R * R, EVERYWHERE)
    if proof.verb != "fails":
        return proof
    root, _, left = _chain_value(middle, Fraction(1), HUNDREDTH, Fraction(1))
    right = (-(root**2) / 2).exp()
    found = f"d = 1, δ = 1/100, ε = v₀ = 1, μ = R + 1: left {float(left.mid()):.5f}, right {float(right.mid()):.5f}"
    return fails(found) if left > right else undecided("z3 refutes it, the example does not")


@check(
    "thm-5.2",
    "Chain, last step: exp(−½(√(−2 ln δ))²) is δ",
    part="proof",
    form="printed",
    evidence="symbolic",
    control={"factor": 1},
)
def chain_ends_at_delta(factor: int = 2) -> Outcome:
    """Compare the exponent of the last term with ln δ."""
    log_delta = sp.log(sp.Symbol("delta", positive=True))
    power = sp.cancel(-(sp.sqrt(-factor * log_delta) ** 2) / 2 / log_delta)  # the term is δ to this power
    return decide(power == 1, "identity for every δ", f"it is δ to the power {power}")


@check(
    "thm-5.2",
    "With unit covariances all states are vacuous in dimension 512 for every δ from 10^−204 on",
    form="stronger",
    part="proof",
    evidence="interval",
    control={"dimension": 510},
)
def unit_covariances_become_vacuous(dimension: int = 512, exponent: int = 204) -> Outcome:
    """Compare the peak of N(μ, I_d) with δ."""
    peak, delta = phi(0, dimension).log(), -exponent * arb(10).log()
    found = f"d = {dimension}: log10 of the peak is {float((peak / arb(10).log()).mid()):.2f}"
    return decide(certain(bool(peak <= delta), bool(peak > delta)), found, found)
