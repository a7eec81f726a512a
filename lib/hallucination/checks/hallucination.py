"""Checks of Definition 4.2: δ-hallucination, what its verdict depends on, and the sentences beside it.

Statements about N states are proved for every N by induction: the solver adds one more state to a partial sum.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from itertools import product

import z3
from flint import arb

from hallucination.checks import Outcome, check, decide, fails, holds
from hallucination.checks.enclosures import HALF, HUNDREDTH, TENTH, ball, certain, normal_mass, phi
from hallucination.checks.prover import prove
from hallucination.mixtures import Mixture
from hallucination.regions import delta_hallucinates
from hallucination.states import Discrete, UniformBall


@check(
    "def-4.2",
    "The law of the answer decides whether its mean hallucinates",
    name="continuous-version",
    reading="continuous version of the density",
    form="printed",
    evidence="interval",
    statement={"redefined": False},
    control={"redefined": True},
)
@check(
    "def-4.2",
    "The law of the answer decides whether its mean hallucinates",
    name="any-version",
    reading="any version of the density",
    form="printed",
    evidence="interval",
    statement={"redefined": True},
    control={"redefined": False, "decides": False},
)
def law_decides(redefined: bool, decides: bool = True, delta: Fraction = TENTH) -> Outcome:
    """Compare δ with the stated density of N(0,1) at 0, and with its averages over small intervals around 0.

    The law decides if both give one verdict; `decides` says whether that is claimed.
    """
    stated = arb(0) if redefined else phi(0)
    radius = Fraction(1, 1000)
    average = normal_mass(-radius, radius) / (2 * ball(radius))
    first = certain(bool(stated <= ball(delta)), bool(stated > ball(delta)))
    second = certain(bool(average <= ball(delta)), bool(average > ball(delta)))
    agree = None if None in (first, second) else first == second
    found = f"f(0) = {float(stated.mid()):.4f}, average near 0 is {float(average.mid()):.4f}, δ = {delta}"
    verdicts = "one verdict" if agree else "the same law, two verdicts"
    return decide(None if agree is None else agree == decides, found, f"{found}: {verdicts}")


@check(
    "def-4.2",
    "Changing the unit of the answers does not change the verdict, if δ is converted like a density",
    name="unit-and-converted-delta",
    form="stronger",
    evidence="solver",
    statement={"compare": "value, δ converted"},
    control={"compare": "value, δ converted the wrong way"},
)
@check(
    "def-4.2",
    "Changing the unit of the answers does not change the verdict, if the density's rank replaces its value",
    name="unit-and-rank",
    form="stronger",
    evidence="solver",
    statement={"compare": "rank"},
    control={"compare": "value"},
)
@check(
    "def-4.2",
    "Changing the unit of the answers does not change the verdict",
    name="unit-and-value",
    form="stronger",
    evidence="solver",
    statement={"compare": "value"},
    control={"compare": "value, δ converted the wrong way"},
)
def unit_does_not_matter(compare: str) -> Outcome:
    """Divide densities by the factor j = |det B| > 0 of a change of unit, in any dimension."""
    f, g, delta, j = z3.Reals("f g delta j")
    hypotheses = [f >= 0, g >= 0, delta > 0, delta <= 1, j > 0]
    goal = {
        "value": (f <= delta) == (f / j <= delta),
        "rank": (g <= f) == (g / j <= f / j),
        "value, δ converted": (f <= delta) == (f / j <= delta / j),
        "value, δ converted the wrong way": (f <= delta) == (f / j <= delta * j),
    }[compare]
    story = "density {f}, δ = {delta}: divided by {j}, the density is on the other side of δ"
    return prove(hypotheses, goal, "for every factor and all densities", story)


@check(
    "def-4.2",
    "For probabilities of single answers, the definition depends on the law alone",
    reading="probability mass",
    form="printed",
    evidence="exact",
    statement={"value": "mass"},
    control={"value": "density"},
)
def masses_have_no_unit(value: str) -> Outcome:
    """Send four equally likely outcomes through k -> 3k, count them anew, and ask the library for both verdicts.

    The control takes the heights of a histogram with one cell per answer: densities in place of masses.
    """

    def target(outcomes: Sequence[int], cell: int) -> Mixture:
        counts = Counter(outcomes)
        masses, answers = [n / len(outcomes) for n in counts.values()], [[float(k)] for k in counts]
        if value == "mass":
            return Mixture([1.0], [Discrete(answers, masses)])
        return Mixture([1.0], [Mixture(masses, [UniformBall(a, cell / 2) for a in answers])])

    cases = 0
    for outcomes in product(range(3), repeat=4):
        before, after = target(outcomes, 1), target([3 * k for k in outcomes], 3)
        for k, delta in product(range(3), (0.3, 0.6)):  # masses are quarters, so no case is at the threshold
            if delta_hallucinates(before, [k], delta) != delta_hallucinates(after, [3 * k], delta):
                return fails(f"outcomes {outcomes}, answer {k}, δ = {delta}: another verdict after k -> 3k")
            cases += 1
    return holds(f"{cases} outcome lists, answers and thresholds")


@check(
    "def-4.2",
    "For densities: an output hallucinates exactly if the probability of producing it is at most δ",
    name="probability-decides-for-densities",
    form="stronger",
    evidence="interval",
    statement={"law": "normal"},
    control={"law": "narrow"},
)
@check(
    "def-4.2",
    "For probability masses: an output hallucinates exactly if the probability of producing it is at most δ",
    name="probability-decides-for-masses",
    form="stronger",
    evidence="interval",
    statement={"law": "coin"},
    control={"law": "normal"},
)
def probability_decides(law: str, delta: Fraction = HUNDREDTH) -> Outcome:
    """Compare f(v) <= δ with P(A = v) <= δ for one output v of one state."""
    name, probability, f = {
        "coin": ("a fair coin", HALF, ball(HALF)),
        "normal": ("N(0, 1) at 0", Fraction(0), phi(0)),
        "narrow": ("the uniform law on [0, 1/2] at 1/4", Fraction(0), arb(2)),
    }[law]
    low = certain(bool(f <= ball(delta)), bool(f > ball(delta)))
    found = f"{name}: probability {probability}, value of Definition 4.2 {float(f.mid()):.3g}, δ = {delta}"
    return decide(None if low is None else low == (probability <= delta), found, found)


@check(
    "def-4.2",
    "A hallucination can have the least loss (normal states at ±3, output 0)",
    name="least-loss-is-possible",
    form="stronger",
    evidence="interval",
    statement={"half_distance": 3, "output": 0, "factor": 1},
    control={"half_distance": 3, "output": 10, "factor": 1},
)
@check(
    "def-4.2",
    "A hallucination has a low loss, say at most twice the least one",
    name="loss-is-low",
    form="stronger",
    evidence="interval",
    statement={"half_distance": 0, "output": 100, "factor": 2},
    control={"half_distance": 0, "output": 100, "factor": 1000},
)
def hallucination_loses_little(half_distance: int, output: int, factor: int, delta: Fraction = HUNDREDTH) -> Outcome:
    """Compare the loss of a hallucinating output of (N(−m,1) + N(m,1))/2 with the least loss 1 + m²."""
    nearest = abs(abs(output) - half_distance)
    if not phi(nearest) <= ball(delta):
        return Outcome("undecided", f"output {output} does not hallucinate")
    least = 1 + half_distance**2
    loss = least + output**2
    found = f"output {output} hallucinates at δ = {delta}: loss {loss}, least loss {least}"
    return decide(loss <= factor * least, found, found)


@check(
    "def-4.2",
    "What hallucinates at δ hallucinates at every larger δ, too",
    form="printed",
    evidence="solver",
    control={"larger": False},
)
def monotone_in_delta(larger: bool = True) -> Outcome:
    """Move the threshold of one state; all states move together."""
    f, delta, other = z3.Reals("f delta other")
    return prove([f <= delta, delta <= other if larger else other < delta], f <= other, "for all densities and δ")


@check(
    "def-4.2",
    "A hallucination has mixture density at most δ",
    form="stronger",
    evidence="solver",
    control={"bounded_states": False},
)
def mixture_at_most_max(bounded_states: bool = True) -> Outcome:
    """Induct over the states: partial sum of p_i f_i <= δ · (partial sum of p_i), then one more state."""
    partial, weight, p, f, delta = z3.Reals("partial weight p f delta")
    step = [f <= delta] if bounded_states else []
    hypotheses = [partial <= delta * weight, p > 0, f >= 0, weight >= 0, *step]
    return prove(hypotheses, partial + p * f <= delta * (weight + p), "for every number of states (induction step)")
