"""Checks of Definition 4.2, continued: what a verdict owes to the unit, the dimension, Z, and the kind of answers."""

from __future__ import annotations

from fractions import Fraction

import z3

from hallucination.checks import Outcome, check, decide, fails, holds
from hallucination.checks.enclosures import HUNDREDTH, TENTH, ball, certain, normal_mass, phi
from hallucination.checks.prover import prove
from hallucination.estimators import bayes_act, nearest_answers
from hallucination.mixtures import Mixture
from hallucination.regions import delta_hallucinates, is_vacuous
from hallucination.states import Discrete


@check(
    "def-4.2",
    "An output of density f > 0 hallucinates exactly in those units that divide densities by f/δ or more",
    form="stronger",
    evidence="solver",
    statement={"border": "f/δ"},
    control={"border": "f·δ"},
)
def unit_that_turns_the_verdict(border: str) -> Outcome:
    """Divide the density by j, the unit factor to the power d, and solve for the j at which it meets δ."""
    f, delta, j = z3.Reals("f delta j")
    at = {"f/δ": f / delta, "f·δ": f * delta}[border]
    story = "density {f}, δ = {delta}, divided by {j}: the rule says otherwise"
    return prove([f > 0, delta > 0, j > 0], (f / j <= delta) == (j >= at), "for every density, factor and δ", story)


@check(
    "def-4.2",
    "A standard normal state of dimension d is vacuous at δ = 1/100 from d = 6 on",
    form="stronger",
    evidence="interval",
    statement={"first": 6},
    control={"first": 5},
)
def standard_normal_is_vacuous_from(first: int, delta: Fraction = HUNDREDTH) -> Outcome:
    """Compare the peak (2π)^(−d/2) with δ just below and at the dimension `first` (the peak falls with d)."""
    before, here = phi(0, first - 1), phi(0, first)
    answer = certain(bool(before > ball(delta) >= here), bool(before <= ball(delta)) or bool(here > ball(delta)))
    peaks = f"peaks {float(before.mid()):.6f} at d = {first - 1}, {float(here.mid()):.6f} at d = {first}"
    return decide(answer, peaks, peaks)


@check(
    "def-4.2",
    "The choice of Z alone can turn a hallucination into a supported answer",
    form="stronger",
    evidence="interval",
    statement={"radius": TENTH},
    control={"radius": Fraction(5)},
)
def latent_variable_decides(radius: Fraction, delta: Fraction = HUNDREDTH) -> Outcome:
    """Take (N(−3,1) + N(3,1))/2 at its mean 0, first with these two states, then with Z = 1{|A| < radius}."""
    by_component = phi(3)
    by_nearness = phi(3) / normal_mass(3 - radius, 3 + radius)
    flips = certain(
        bool(by_component <= ball(delta) < by_nearness),
        bool(by_component > ball(delta)) or bool(by_nearness <= ball(delta)),
    )
    found = f"densities at 0: {float(by_component.mid()):.4f} and {float(by_nearness.mid()):.4f}, δ = {delta}"
    return decide(flips, found, found)


@check(
    "def-4.2",
    "A state with m equally likely answers is vacuous exactly if m ≥ 1/δ",
    form="stronger",
    evidence="exact",
    control={"strict": True},
)
def uniform_answers_are_vacuous(strict: bool = False) -> Outcome:
    """Ask the library about m = 1 … 12 answers and δ = 1/k, 2/k; `strict` claims m > 1/δ."""
    cases = 0
    for m in range(1, 13):
        state = Discrete([[float(k)] for k in range(m)], [1 / m] * m)
        for delta in (Fraction(top, k) for top in (1, 2) for k in range(top, 13)):
            claimed = m > 1 / delta if strict else m >= 1 / delta
            if is_vacuous(state, float(delta)) != claimed:
                return fails(f"{m} equally likely answers, δ = {delta}: vacuous, although m is not above 1/δ")
            cases += 1
    return holds(f"{cases} pairs of m and δ")


@check(
    "def-4.2",
    "Some Z supports the output v exactly if A(X) has positive density there",
    form="stronger",
    evidence="solver",
    statement={"weights": "positive"},
    control={"weights": "not negative"},
)
def some_latent_variable_supports(weights: str) -> Outcome:
    """Take Z = 1{A is near v}, of mass m, or any state of density g at v; f is the density of A(X) at v.

    A ball around v with mass m < f/δ exists because the mass of small balls tends to zero.
    """
    f, m, delta, p, g, rest = z3.Reals("f m delta p g rest")
    near = z3.Implies(z3.And(f > 0, m > 0, m < f / delta), f / m > delta)
    allowed = p > 0 if weights == "positive" else p >= 0
    none = z3.Implies(z3.And(f == 0, allowed, g >= 0, rest >= 0, f == p * g + rest), g == 0)
    story = "a state of probability {p} with density {g} where A(X) has density {f}"
    return prove([delta > 0], z3.And(near, none), "for every law and δ", story)


@check(
    "def-4.2",
    "If answers are probability masses, the mean of a coin hallucinates at every δ, and the nearer answer does not",
    form="stronger",
    evidence="exact",
    statement={"output": "mean"},
    control={"output": "nearer answer"},
)
def mean_is_no_answer(output: str) -> Outcome:
    """Ask the library about coins with q = 1/20 … 19/20, at δ = 10⁻³⁰⁰ and just below the larger probability."""
    for k in range(1, 20):
        coin = Mixture([1.0], [Discrete([[0.0], [1.0]], [1 - k / 20, k / 20])])
        near = nearest_answers([[0.0], [1.0]], bayes_act(coin))[0]
        v = bayes_act(coin) if output == "mean" else near
        if not delta_hallucinates(coin, v, 1e-300):
            return fails(f"q = {Fraction(k, 20)}: the output {v[0]:g} is an answer and has positive probability")
        if delta_hallucinates(coin, near, max(k, 20 - k) / 20 - 0.01):
            return fails(f"q = {Fraction(k, 20)}: the nearer answer hallucinates below its probability")
    return holds("19 coins")


@check(
    "def-4.2",
    "An estimator that must name an answer can hallucinate too, without a vacuous state (masses 9/10, 1/10, δ = 1/5)",
    form="stronger",
    evidence="exact",
    control={"shared": Fraction(3, 10)},
)
def chosen_answer_hallucinates(shared: Fraction = TENTH, delta: Fraction = Fraction(1, 5)) -> Outcome:
    """Two states that share the answer 0, of small mass; their own answers are −1 and 1."""
    masses = [float(1 - shared), float(shared)]
    states = [Discrete([[own], [0.0]], masses) for own in (-1.0, 1.0)]
    law = Mixture([0.5, 0.5], states)
    (chosen,) = nearest_answers([[-1.0], [0.0], [1.0]], bayes_act(law))
    hallucinates = bool(delta_hallucinates(law, chosen, float(delta)))
    vacuous = any(is_vacuous(state, float(delta)) for state in states)
    found = f"best answer {chosen[0]:g}, of mass {shared} under both states; their own answers have {1 - shared}"
    return decide(hallucinates and not vacuous, found, f"{found}, δ = {delta}")
