"""Checks of Lemmas B.5 and B.6: how far A* strays from the common mean, and how far the centres do.

Vectors enter z3 through lengths and inner products, so that a proof covers every dimension.
"""

from __future__ import annotations

from fractions import Fraction

import sympy as sp
import z3

from hallucination.checks import Outcome, check, decide, holds
from hallucination.checks.enclosures import HALF
from hallucination.checks.prover import prove
from hallucination.checks.sums import a, i, linear, mu, over_states, p
from hallucination.enumeration import exact_event

EVERY_N = "for every number of states and every dimension (induction step)"


@check(
    "lem-B.5",
    "The probability that A* is at least d_1 away from μ_0 is at most (Σ p_i²)(Σ v_i)/d_1²",
    form="printed",
    evidence="solver",
    control={"last": HALF},
)
@check(
    "lem-B.5",
    "Line 4 of the proof, Cauchy's inequality: |Σ p_i X_i|² ≤ (Σ p_i²)(Σ |X_i|²)",
    name="line-cauchy",
    part="proof",
    form="printed",
    evidence="solver",
    control={"last": Fraction(9, 10)},
)
def strays_at_most(last: Fraction = Fraction(1)) -> Outcome:
    """Markov's inequality for |S|², and by induction |S + p x|² ≤ (P + p²)(Q + `last`·|x|²)."""
    markov = prove([*_distances()], z3.If(_s2 >= _d**2, _d**2, 0) <= _s2, "")
    if markov.verb != "holds":
        return markov
    s2, x2, c, weights, squares, w = z3.Reals("s2 x2 c P Q p")  # c is the inner product of S and x
    law = [s2 >= 0, x2 >= 0, weights >= 0, squares >= 0, w >= 0, c * c <= s2 * x2, s2 <= weights * squares]
    goal = s2 + 2 * w * c + w * w * x2 <= (weights + w * w) * (squares + z3.RealVal(str(last)) * x2)
    return prove(law, goal, EVERY_N, "|S|² = {s2}, |x|² = {x2}, p = {p}: the right side is too small")


_s2, _d = z3.Reals("s2 d")


def _distances() -> list[z3.BoolRef]:
    return [_s2 >= 0, _d > 0]


@check(
    "lem-B.5",
    "Line 1 of the proof: P(|A* − μ_0|² ≥ d_1²) ≤ E|A* − μ_0|²/d_1²",
    part="proof",
    form="printed",
    evidence="solver",
    control={"power": 1},
)
def line_markov(power: int = 2) -> Outcome:
    """Prove d^`power`·1{s² ≥ d²} ≤ s² for every value s² of |A* − μ_0|²; the average is the line."""
    goal = z3.If(_s2 >= _d**2, _d**power, 0) <= _s2
    return prove(_distances(), goal, "for every law, in every dimension", "|A* − μ_0|² = {s2}, d_1 = {d}")


@check(
    "lem-B.5",
    "Lines 2 and 3 of the proof: A* − μ_0 = Σ p_i (μ_i − μ_0), because the weights sum to one",
    part="proof",
    form="printed",
    evidence="symbolic",
    control={"total": 2},
)
def line_centres(total: int = 1) -> Outcome:
    """Compare the two sums for symbolic N; `total` is the sum of the weights."""
    centre = sp.Symbol("mu0")
    gap = linear(over_states(p[i] * mu[i]) - centre - over_states(p[i] * (mu[i] - centre)))
    gap = sp.expand(gap.subs(over_states(p[i]), total))
    return decide(gap == 0, "for symbolic N, all weights and centres", f"the two differ by {gap}")


@check(
    "lem-B.5",
    "Lines 5 and 6 of the proof: E Σ |μ_i − μ_0|² is σ^d, because every centre has mean μ_0",
    part="proof",
    form="printed",
    evidence="symbolic",
    control={"shift": 1},
)
def line_sum_of_variances(shift: int = 0) -> Outcome:
    """Compare second moments about μ_0 with variances a_i, for centres of mean μ_0 + `shift`."""
    gap = linear(over_states(a[i] + sp.Integer(shift) ** 2) - over_states(a[i]))
    return decide(gap == 0, "for symbolic N and all variances", f"the two differ by {gap}")


@check(
    "lem-B.5",
    "With the exact variance d² = Σ p_i² v_i in the numerator the bound can be an equality",
    name="exact-variance-is-attained",
    form="stronger",
    evidence="exact",
    statement={"numerator": "d²"},
    control={"numerator": "Lemma B.5"},
)
def attained(numerator: str) -> Outcome:
    """Two fair states ±1 with weights 1/2 and d_1 = 1: A* is −1, 0 or 1."""
    fair = (Fraction(-1), Fraction(1)), (HALF, HALF)
    left = exact_event([HALF, HALF], [fair, fair], lambda _, mean: mean[0] ** 2 >= 1)
    right = {"d²": 2 * HALF**2, "Lemma B.5": 2 * HALF**2 * 2}[numerator]
    found = f"probability {left}, bound {right}"
    return decide(left == right, found, f"{found}: no equality")


@check(
    "lem-B.5",
    "For two or more states the printed numerator is larger than the variance of A*",
    form="stronger",
    evidence="solver",
    control={"first": 0},
)
def numerator_is_too_large(first: int = 1) -> Outcome:
    """Induct from one state (`first` = 1): Σ p² Σ v ≥ Σ p² v, and adding a state makes it strict."""
    weights, squares, both, w, v = z3.Reals("P V B p v")
    start = [weights > 0, squares > 0] if first else [weights >= 0, squares >= 0]
    goal = (weights + w**2) * (squares + v) > both + w**2 * v
    law = [*start, both >= 0, both <= weights * squares, w > 0, v > 0]
    return prove(law, goal, "for every number of states from 2 (induction step)", "equal for Σ p² = {P}, Σ v = {V}")


@check(
    "lem-B.6",
    "For θ in [0, 1]: P(|μ_i − μ_0|² ≥ θ v_i) ≥ (1 − θ)² K_i",
    name="centres-stray",
    form="printed",
    evidence="solver",
    statement={"strict": False},
    control={"strict": False, "largest_theta": 2},
)
@check(
    "lem-B.6",
    "The same bound holds for the strict event |μ_i − μ_0|² > θ v_i, which closed balls need",
    name="centres-stray-strictly",
    form="stronger",
    evidence="solver",
    statement={"strict": True},
    control={"strict": True, "largest_theta": 2},
)
@check(
    "lem-B.6",
    "Line 1 of the proof: the inequality of Paley and Zygmund for T = |μ_i − μ_0|², with K_i on the right",
    name="line-paley-zygmund",
    part="proof",
    form="printed",
    evidence="solver",
    statement={"strict": False},
    control={"strict": False, "exponent": 1},
)
def centres_stray(strict: bool, largest_theta: int = 1, exponent: int = 2) -> Outcome:
    """Prove it from v = E T and f = E T² of T = |μ_i − μ_0|², with K = v²/f and `far` = E[T; T > θ v]."""
    v, f, above, far, theta, p_event = z3.Reals("v f above far theta p")
    law = [v > 0, f >= v * v, above >= 0, above <= 1, far >= 0, far <= v, far * far <= f * above]
    cut = [v - far <= theta * v * (1 - above)]  # E[T; T ≤ θ v] ≤ θ v P(T ≤ θ v)
    event = p_event == above if strict else z3.And(p_event >= above, p_event <= 1)  # T ≥ θ v is likelier
    law = [*law, *cut, event, theta >= 0, theta <= largest_theta]
    goal = p_event * f >= ((1 - theta) ** exponent) * v * v
    story = "θ = {theta}, v = {v}, E|μ − μ_0|⁴ = {f}: probability {p} is too small"
    return prove(law, goal, "for every law, in every dimension", story)


@check(
    "lem-B.6",
    "Line 2 of the proof: E|μ_i − μ_0|² is v_i, as the centre has mean μ_0",
    part="proof",
    form="printed",
    evidence="symbolic",
    control={"shift": 1},
)
def line_variance(shift: int = 0) -> Outcome:
    """Expand E(μ − μ_0)² for a centre with mean μ_0 + `shift` and variance v; coordinates add up."""
    x, v, centre = sp.symbols("x v mu0", real=True)
    second = v + (centre + shift) ** 2
    expanded = sp.Poly((x - centre) ** 2, x)
    average = expanded.coeff_monomial(x**2) * second + expanded.coeff_monomial(x) * (centre + shift)
    gap = sp.expand(average + expanded.coeff_monomial(1) - v)
    return decide(gap == 0, "for every variance and mean", f"they differ by {gap}")


@check(
    "lem-B.6",
    "The bound can be an equality for every θ: a centre that is at a distance 1 or 0",
    form="stronger",
    evidence="exact",
    control={"theta": HALF},
)
def paley_zygmund_is_attained(theta: Fraction = Fraction(0)) -> Outcome:
    """Centre 0 or ±1: at θ = 0 both sides of the strict version are P(μ ≠ μ_0)."""
    away = Fraction(1, 5)
    k = away**2 / away
    found = f"probability {away}, bound {(1 - theta) ** 2 * k}"
    return holds(found) if away == (1 - theta) ** 2 * k else decide(False, "", f"{found}: no equality")
