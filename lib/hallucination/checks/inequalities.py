"""Checks of Lemmas B.2, B.3 and B.4: the inequalities of Paley and Zygmund, of Chebyshev and of Cauchy.

A law enters z3 through its moments, so that a proof covers every law; induction over the terms covers every n.
"""

from __future__ import annotations

from fractions import Fraction

import z3

from hallucination.checks import Outcome, check, decide, fails, holds
from hallucination.checks.enclosures import HALF, TENTH
from hallucination.checks.prover import prove

Law = tuple[tuple[Fraction, ...], tuple[Fraction, ...]]

RARE: Law = ((Fraction(0), Fraction(10)), (1 - TENTH, TENTH))
SIGNS: Law = ((Fraction(-1), Fraction(1)), (HALF, HALF))


def moment(law: Law, power: int) -> Fraction:
    """E T^power of a discrete law."""
    return sum((x**power * q for x, q in zip(*law, strict=True)), Fraction(0))


@check(
    "lem-B.2",
    "With the moments of the latent variable Z on the right, as printed, the inequality holds",
    name="moments-of-z",
    form="printed",
    evidence="exact",
    statement={"ratio_of": "Z"},
    control={"ratio_of": "Z", "theta": Fraction(1, 2)},
)
@check(
    "lem-B.2",
    "With the moments of T itself on the right, the same laws are no counterexample",
    name="moments-of-t-on-examples",
    form="repaired",
    evidence="exact",
    statement={"ratio_of": "T"},
    control={"ratio_of": "Z"},
)
def paley_zygmund_on_examples(ratio_of: str, theta: Fraction = Fraction(0)) -> Outcome:
    """T = 10 with probability 1/10 and 0 otherwise, and a latent variable Z that is constant."""
    z: Law = ((Fraction(1),), (Fraction(1),))
    source = RARE if ratio_of == "T" else z
    right = (1 - theta) ** 2 * moment(source, 1) ** 2 / moment(source, 2)
    left = sum((q for x, q in zip(*RARE, strict=True) if x > theta * moment(RARE, 1)), Fraction(0))
    found = f"T = 10 with probability 1/10, else 0; Z = 1; θ = {theta}: left side {left}, right side {right}"
    return decide(left >= right, found, found)


@check(
    "lem-B.2",
    "For every T ≥ 0 with 0 < E T² < ∞ and every θ in [0, 1]: P(T > θ E T) ≥ (1 − θ)² (E T)²/E T²",
    form="repaired",
    evidence="solver",
    control={"largest_theta": 2},
)
def paley_zygmund(largest_theta: int = 1) -> Outcome:
    """Prove it from E[T; T ≤ θ E T] ≤ θ E T and Cauchy's inequality E[T; T > θ E T]² ≤ E T² · P."""
    m, s, p, above, theta = z3.Reals("m s p above theta")
    law = [m >= 0, s > 0, m * m <= s, p >= 0, p <= 1, above >= 0, m - above >= 0]
    steps = [m - above <= theta * m, above * above <= s * p]
    found = "for every law, through E T, E T², P(T > θ E T) and E[T; T > θ E T]"
    story = "θ = {theta}: E T = {m}, E T² = {s} and P = {p} contradict it"
    return prove([*law, *steps, theta >= 0, theta <= largest_theta], p * s >= (1 - theta) ** 2 * m**2, found, story)


@check(
    "lem-B.2",
    "Cantelli's inequality, which gives P(T > u) ≥ w²/(Var T + w²) with w = E T − u, is never weaker for 0 ≤ u ≤ E T",
    form="stronger",
    evidence="solver",
    control={"negative_levels": True},
)
def cantelli_is_never_weaker(negative_levels: bool = False) -> Outcome:
    """Compare w²/(E T² − m² + w²) with w²/E T², u = θ m; for u < 0 the second would be larger."""
    m, s, u = z3.Reals("m s u")
    w = m - u
    range_ = [u < 0, u > -m] if negative_levels else [u >= 0, u <= m]
    goal = w**2 * s >= w**2 * (s - m**2 + w**2)
    return prove([m > 0, s > m**2, *range_], goal, "for all first two moments", "E T = {m}, u = {u}: it is weaker")


@check(
    "lem-B.3",
    "Chebyshev's inequality holds for a constant a > 0",
    name="positive-constants-on-an-example",
    form="repaired",
    evidence="exact",
    statement={"constants": (HALF, Fraction(1), Fraction(3, 2))},
    control={"constants": (HALF, Fraction(-3, 2))},
)
@check(
    "lem-B.3",
    "Chebyshev's inequality holds for every constant a",
    name="every-constant",
    form="printed",
    evidence="exact",
    statement={"constants": (Fraction(1), Fraction(-2))},
    control={"constants": (Fraction(1), Fraction(-4))},
)
def chebyshev_for_signs(constants: tuple[Fraction, ...]) -> Outcome:
    """T = ±1 with equal probabilities: mean 0 and variance 1."""
    sides = []
    for c in constants:
        left = sum((q for x, q in zip(*SIGNS, strict=True) if abs(x) >= c), Fraction(0))
        right = moment(SIGNS, 2) / c**2
        if left > right:
            return fails(f"T = ±1, a = {c}: P(|T − E T| ≥ a) = {left} is above Var T/a² = {right}".replace("-", "−"))
        sides.append(f"a = {c}: {left} ≤ {right}")
    return holds("T = ±1: " + "; ".join(sides))


@check(
    "lem-B.3",
    "For a > 0, a² · 1{|t| ≥ a} ≤ t² for every t, and the average of this is Chebyshev's inequality for every law",
    form="repaired",
    evidence="solver",
    control={"sign": "any"},
)
def chebyshev_pointwise(sign: str = "positive") -> Outcome:
    """Prove the inequality between the two functions of t = T − E T."""
    a, t = z3.Reals("a t")
    length = z3.If(t >= 0, t, -t)
    allowed = [a > 0] if sign == "positive" else [a != 0]
    goal = z3.If(length >= a, a * a, 0) <= t * t
    return prove(allowed, goal, "for every t and every a > 0", "a = {a}, t = {t}: the left side is larger")


@check(
    "lem-B.4",
    "Cauchy's inequality holds for every n",
    form="printed",
    evidence="solver",
    control={"last": Fraction(9, 10)},
)
def cauchy(last: Fraction = Fraction(1)) -> Outcome:
    """Induct: from C² ≤ A B follows (C + xy)² ≤ (A + x²)(B + `last`·y²), one more pair of numbers."""
    a, b, c, x, y = z3.Reals("A B C x y")
    goal = (c + x * y) ** 2 <= (a + x**2) * (b + z3.RealVal(str(last)) * y**2)
    story = "sums {A}, {B}, {C} and one more pair {x}, {y} contradict it"
    return prove([a >= 0, b >= 0, c**2 <= a * b], goal, "for every n (start: n = 0; induction step)", story)


@check(
    "lem-B.4",
    "Lagrange's identity gives the gap: half the sum of all (x_i y_j − x_j y_i)²; equality means proportional sets",
    form="stronger",
    evidence="solver",
    control={"sign": 1},
)
def lagrange(sign: int = -1) -> Outcome:
    """Induct: one more pair adds A y² + B x² − 2 C x y to the gap, which is Σ (x_i y − x y_i)²."""
    a, b, c, x, y, gap = z3.Reals("A B C x y gap")
    step = a * y**2 + b * x**2 + 2 * sign * c * x * y  # Σ_i (x_i y ∓ x y_i)² over the old pairs
    return prove([a * b - c**2 == gap], (a + x**2) * (b + y**2) - (c + x * y) ** 2 == gap + step,
                 "for every n (induction step)", "x = {x}, y = {y}: the gap is another one")  # fmt: skip
