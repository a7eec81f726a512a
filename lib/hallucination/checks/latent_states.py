"""Checks of Definition 4.1 and Remark 4.1: the target with its latent states, and where several modes come from.

Statements about N states are proved for every N by induction: the solver adds one more state to a partial sum.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import sympy as sp
import z3

from hallucination.checks import Outcome, check, decide, fails, holds
from hallucination.checks.enclosures import HALF
from hallucination.checks.prover import prove


@check(
    "def-4.1",
    "If every state has positive probability, the joint density fixes each conditional density",
    name="conditional-density-of-possible-states",
    form="repaired",
    evidence="solver",
    statement={"weights": "positive"},
    control={"weights": "not negative"},
)
@check(
    "def-4.1",
    "The joint density fixes the conditional density of every state of Z",
    name="conditional-density-of-every-state",
    form="printed",
    evidence="solver",
    statement={"weights": "not negative"},
    control={"weights": "any"},
)
def conditional_density_is_fixed(weights: str) -> Outcome:
    """Decide whether two numbers f, g with p f = p g = joint must agree."""
    p, joint, f, g = z3.Reals("p joint f g")
    allowed = {"positive": [p > 0], "not negative": [p >= 0], "any": []}[weights]
    hypotheses = [*allowed, p <= 1, joint >= 0, f >= 0, g >= 0, p * f == joint, p * g == joint]
    story = "a state of probability {p}: the values {f} and {g} both fit the joint density {joint}"
    return prove(hypotheses, f == g, "the quotient joint/p is the only choice", story)


@check(
    "rem-4.1",
    "The density of A(X) is the sum of the states' densities times their probabilities",
    name="mixes-the-states",
    form="printed",
    evidence="solver",
    control={"power": 2},
)
@check(
    "def-4.1",
    "The conditional densities, mixed with the weights, give back the density of the target",
    form="repaired",
    evidence="solver",
    control={"power": 2},
)
def mixing_gives_back_the_target(power: int = 1) -> Outcome:
    """Induct over the states: partial sum of p_i f_i equals partial sum of the joint densities, then one more."""
    mixed, marginal, p, f, joint = z3.Reals("mixed marginal p f joint")
    hypotheses = [mixed == marginal, p > 0, p <= 1, joint >= 0, p * f == joint]
    term = p * f if power == 1 else p * p * f
    return prove(hypotheses, mixed + term == marginal + joint, "for every number of states (induction step)")


@check(
    "rem-4.1",
    "Several modes come from nothing but Z: a target with a single latent state has at most one",
    name="one-state-one-mode",
    reading="several modes come only from Z",
    form="printed",
    evidence="exact",
    statement={"answers": 3, "most": 1},
    control={"answers": 3, "most": 0},
)
def one_state_has_few_modes(answers: int, most: int) -> Outcome:
    """Look for a law of one state on 1, 2, …, with probabilities proportional to 1, 2 or 3, with more modes."""
    laws = list(product((1, 2, 3), repeat=answers))
    for law in laws:
        padded = (0, *law, 0)
        modes = [k for k in range(1, answers + 1) if padded[k - 1] < padded[k] > padded[k + 1]]
        if len(modes) > most:
            masses = ", ".join(str(Fraction(m, sum(law))) for m in law)
            return fails(f"one state with masses {masses} on {', '.join(map(str, range(1, answers + 1)))}: "
                         f"modes at {' and '.join(map(str, modes))}")  # fmt: skip
    return holds(f"{len(laws)} laws of one state")


@check(
    "rem-4.1",
    "Different states need not give several modes (normal states at ±1/2)",
    name="states-without-modes",
    form="stronger",
    evidence="symbolic",
    statement={"half_distance": HALF, "modes": 1},
    control={"half_distance": Fraction(2), "modes": 1},
)
@check(
    "rem-4.1",
    "Several modes can come from Z: two states with one mode each, and two modes of A(X) (normal states at ±2)",
    name="modes-from-states",
    reading="several modes can come from Z",
    form="printed",
    evidence="symbolic",
    statement={"half_distance": Fraction(2), "modes": 2},
    control={"half_distance": HALF, "modes": 2},
)
def equal_mixture_has_modes(half_distance: Fraction, modes: int) -> Outcome:
    """Count the modes of (N(−m,1) + N(m,1))/2 from the slope g(x) = m tanh(m x) − x, concave for x > 0.

    The derivative of the density has the sign of g.  As g(0) = 0 and g is concave, g'(0) = m² − 1 decides:
    not positive means one mode, positive means two.
    """
    m, x = sp.symbols("m x", positive=True)
    slope = m * sp.tanh(m * x) - x
    negative = -2 * m**3 * sp.tanh(m * x) * (1 - sp.tanh(m * x) ** 2)
    if sp.expand(sp.diff(slope, x, 2) - negative) != 0:
        return Outcome("undecided", "SymPy could not show that the slope is concave")
    start = sp.diff(slope, x).subs(x, 0).subs(m, sp.Rational(half_distance))
    found = 1 if start <= 0 else 2
    detail = f"m = {half_distance}: g'(0) = {start}, so {found} mode{'s' * (found > 1)}"
    return decide(found == modes, detail, detail)
