"""Checks of the end of the printed proof of Theorem 5.2 (Appendix B.3): the pairing of the means, and the example.

The solver checks of the pairing run over all integers i and N; those of the example over all weights and distances.
"""

from __future__ import annotations

from fractions import Fraction

import sympy as sp
import z3
from flint import arb

from hallucination.checks import Outcome, check, decide, fails, holds, sums
from hallucination.checks.enclosures import HUNDREDTH, ball, certain, log_normal
from hallucination.checks.prover import prove
from hallucination.constructions import offsets, printed_near_optimal_means, spread_means
from hallucination.states import Array

WEIGHTS = (Fraction(1, 5), Fraction(2, 5), Fraction(1, 5), Fraction(1, 5))

_i, _n, _h = z3.Ints("i N h")
_even = [_n >= 2, _n == 2 * _h, _i >= 1, _i <= _n]
PARTNERS = {"N − i": _n - _i, "N + 1 − i": _n + 1 - _i, "N − 1 − i": _n - 1 - _i, "i": _i}


@check(
    "thm-5.2",
    "For every even N the partner N + 1 − i of a state is a state",
    name="partner-is-a-state",
    part="proof",
    form="repaired",
    evidence="solver",
    statement={"partner": "N + 1 − i"},
    control={"partner": "N − i"},
)
@check(
    "thm-5.2",
    "For every even N the partner N − i of a state is a state",
    name="partner-is-a-state-as-printed",
    part="proof",
    form="printed",
    evidence="solver",
    statement={"partner": "N − i"},
    control={"partner": "N − 1 − i"},
)
def partner_is_a_state(partner: str) -> Outcome:
    """Prove 1 <= partner <= N for all integers i, N; a counterexample names the pair."""
    other = z3.Int("other")
    story = "N = {N}: the partner of state {i} would be state {other}"
    goal = z3.And(other >= 1, other <= _n)
    return prove([*_even, other == PARTNERS[partner]], goal, "for every even N and every state", story)


@check(
    "thm-5.2",
    "With partners N + 1 − i the pairing can be met by means at any distance: take K, −K, K, −K, … over p_i",
    name="pairing-can-be-met",
    part="proof",
    form="repaired",
    evidence="solver",
    statement={"partner": "N + 1 − i"},
    control={"partner": "N − i"},
)
@check(
    "thm-5.2",
    "With partners N − i the pairing can be met by means at a positive distance",
    name="pairing-can-be-met-as-printed",
    part="proof",
    form="printed",
    evidence="solver",
    statement={"partner": "N − i"},
    control={"partner": "i"},
)
def pairing_can_be_met(partner: str) -> Outcome:
    """Show that state N/2 is its own partner, which forces its mean to zero; if it is not, alternate the signs."""
    p, mu, half = z3.Real("p"), z3.Real("mu"), z3.Int("half")
    alone = prove([*_even, _i == _h], PARTNERS[partner] == _i, "for every even N state N/2 is its own partner")
    if alone.verb == "holds":
        forced = prove([p > 0, p * mu == -p * mu], mu == 0, "so its mean is minus itself: 0, at no positive distance")
        return fails(f"{alone.detail}, {forced.detail}") if forced.verb == "holds" else forced
    # Partners have opposite signs if i + partner is odd; then p_i μ_i = ±K and −p_j μ_j agree.
    return prove([*_even, half == _h], _i + PARTNERS[partner] == 2 * half + 1, "for every even N: opposite signs")


@check(
    "thm-5.2",
    "Partners N + 1 − i with opposite weighted means make the mean zero",
    name="pairing-centres-the-mean",
    part="proof",
    form="repaired",
    evidence="solver",
    statement={"partner": "N + 1 − i"},
    control={"partner": "N − i"},
)
@check(
    "thm-5.2",
    "Partners N − i with opposite weighted means make the mean zero",
    name="pairing-centres-the-mean-as-printed",
    part="proof",
    form="printed",
    evidence="solver",
    statement={"partner": "N − i"},
    control={"partner": "N − 1 − i"},
)
def pairing_centres_the_mean(partner: str) -> Outcome:
    """Add up a paired part, which is its own negative, and what has no partner; one coordinate, any N."""
    paired, p, mu, r = z3.Reals("paired p mu r")
    covered = partner_is_a_state(partner).verb == "holds"
    rest = z3.RealVal(0) if covered else p * mu  # the part of the state without a partner
    hypotheses = [paired == -paired, p > 0, p < 1, r > 0, mu >= r]
    story = "the last state has no partner: with p_N = {p} and μ_N = {mu} the mean is not 0"
    return prove(hypotheses, paired + rest == 0, "for every even N and all weights", story)


@check(
    "thm-5.2",
    "For partners N − i among the first N − 1 states, none is its own partner if N is odd",
    form="stronger",
    part="proof",
    evidence="solver",
    control={"parity": 0},
)
def odd_is_the_right_parity(parity: int = 1) -> Outcome:
    """Decide N − i ≠ i for all i < N, N = 2h + parity."""
    story = "N = {N}: state {i} is its own partner"
    return prove([_n == 2 * _h + parity, _i >= 1, _i < _n], _n - _i != _i, "for every odd N", story)


def example_means(example: str, weights: tuple[Fraction, ...], dimension: int = 1) -> Array:
    """Means of the printed example or of the library's spread means, for reach 1."""
    p = [float(w) for w in weights]
    if example == "printed":
        return printed_near_optimal_means(p, 1.0, dimension)
    if example == "same side":
        return printed_near_optimal_means(p, 1.0, dimension) + 1.0
    return spread_means(p, 1.0, offsets(len(p), dimension))


def nearby(x: float) -> Fraction:
    """Read a float as the simple fraction that it rounds."""
    return Fraction(x).limit_denominator(10**6)


@check(
    "thm-5.2",
    "Means (−1)^i K/p_i satisfy the pairing with partners N + 1 − i",
    name="example-satisfies-the-pairing",
    part="proof",
    form="repaired",
    evidence="solver",
    statement={"example": "alternating"},
    control={"example": "printed"},
)
@check(
    "thm-5.2",
    "Means C i (N − i) K/p_{N−i} satisfy the pairing with partners N − i",
    name="example-satisfies-the-pairing-as-printed",
    part="proof",
    form="printed",
    evidence="solver",
    statement={"example": "printed"},
    control={"example": "printed, C < 0"},
)
def example_satisfies_the_pairing(example: str) -> Outcome:
    """Compare p_i μ_i with −p_j μ_j for partners i, j; x, y stand for i and N − i, so this covers every N."""
    p, q, C, K, x, y = z3.Reals("p q C K x y")
    sign = C < -1 if "C < 0" in example else C > 1
    first, second = (C * x * y * K / q, C * y * x * K / p) if example != "alternating" else (K / p, -K / q)
    story = "p_i = {p}, p_j = {q}: both means have the sign of C, so neither is a negative multiple of the other"
    hypotheses = [p > 0, q > 0, sign, K > 0, x >= 1, y >= 1]
    return prove(hypotheses, p * first == -q * second, "for all N, weights and K", story)


@check(
    "thm-5.2",
    "The library's spread means, weighted, add up to 0 (here N = 4, weights 1/5, 2/5, 1/5, 1/5)",
    name="example-centres-the-mean",
    part="proof",
    form="repaired",
    evidence="exact",
    statement={"example": "spread"},
    control={"example": "printed"},
)
@check(
    "thm-5.2",
    "The printed example's means, weighted, add up to 0 (here N = 4, weights 1/5, 2/5, 1/5, 1/5)",
    name="example-centres-the-mean-as-printed",
    part="proof",
    form="printed",
    evidence="exact",
    statement={"example": "printed"},
    control={"example": "same side"},
)
def example_centres_the_mean(example: str) -> Outcome:
    """Add up the library's means, read as fractions, in units of C K along one axis."""
    means = [nearby(x) for x in example_means(example, WEIGHTS)[:, 0]]
    total = sum((p * x for p, x in zip(WEIGHTS, means, strict=True)), Fraction(0))
    shown = ", ".join(map(str, means)).replace("-", "−")
    same = [f", exactly the mean of state {i + 1}" for i, x in enumerate(means) if x == total]
    return decide(total == 0, f"means {shown} times K: mean 0", f"means {shown} times K: mean {total}{''.join(same)}")


@check(
    "thm-5.2",
    "Means m + K a_i/p_i with offsets a_i that add up to 0 have the weighted mean m, for every N",
    part="proof",
    form="repaired",
    evidence="symbolic",
    control={"divide": False},
)
def spread_means_are_centred(divide: bool = True) -> Outcome:
    """Expand the sum for symbolic N, weights and offsets."""
    m, K = sp.symbols("m K")
    p, a = sums.p[sums.i], sums.a[sums.i]
    total = sums.linear(sums.over_states(p * (m + K * a / (p if divide else 1))))
    all_p, all_a = sums.over_states(p), sums.over_states(a)
    rest = sp.expand(total.subs({all_p: 1, all_a: 0}) - m)
    return holds("identity in N, p, a, m, K") if rest == 0 else fails(f"left over: {rest}".replace("*", "·"))


@check(
    "thm-5.2",
    "With the library's spread means the optimum hallucinates (unit covariances, N = 4, δ = 1/100, K = R)",
    name="example-hallucinates",
    part="proof",
    form="repaired",
    evidence="interval",
    statement={"example": "spread"},
    control={"example": "printed"},
)
@check(
    "thm-5.2",
    "With the printed example the optimum hallucinates (unit covariances, N = 4, δ = 1/100)",
    name="example-hallucinates-as-printed",
    part="proof",
    form="printed",
    evidence="interval",
    statement={"example": "printed"},
    control={"example": "printed", "delta": Fraction(1, 1000)},
)
def example_hallucinates(example: str, delta: Fraction = HUNDREDTH) -> Outcome:
    """Enclose the largest density at the mean for means at distance R and more (d = 1, C K = R)."""
    root = (-2 * ball(delta).log()).sqrt()
    means = [nearby(x) for x in example_means(example, WEIGHTS)[:, 0]]
    E = sum((p * x for p, x in zip(WEIGHTS, means, strict=True)), Fraction(0))
    logs = [log_normal(1, arb(0), (root * ball(x - E)) ** 2) for x in means]
    best = max(range(len(logs)), key=lambda i: float(logs[i].mid()))
    found = f"state {best + 1} has the largest density {float(logs[best].exp().mid()):.4g} there, δ = {delta}"
    low = all(bool(x <= ball(delta).log()) for x in logs)
    return decide(certain(low, bool(logs[best] > ball(delta).log())), found, found)
