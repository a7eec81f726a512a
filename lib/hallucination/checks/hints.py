"""Checks of Definition 5.1, of Theorem 5.3 in its three readings, and of the last sentence of §5.

In the solver checks nv, nm stand for the distances of an answer v and of a state's mean μ from the mean E of the
target, and inner for the inner product of v − E and μ − E.  They are tied by |inner| ≤ nv nm only, so a proof holds
in every dimension.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import sympy as sp
import z3

from hallucination.checks import Outcome, check, decide, fails, holds
from hallucination.checks.enclosures import HALF
from hallucination.checks.near_optimal import wide_states_suffice
from hallucination.checks.prover import prove
from hallucination.checks.sums import a, i, linear, mu, over_states, p
from hallucination.constructions import separated_gaussians, two_sided_balls
from hallucination.lipschitz import blocked, least_slope, radial_map
from hallucination.mixtures import Mixture
from hallucination.regions import delta_hallucinates
from hallucination.states import Array, Gaussian

FIRST = "estimator first, law afterwards"
SECOND = "law with supported states first, then every L-Lipschitz estimator"
THIRD = "estimators that are optimal at X and at every hint"

nv, nm, inner, rho, reach = z3.Reals("nv nm inner rho reach")
GRAM = [nv >= 0, nm >= 0, inner <= nv * nm, inner >= -nv * nm, rho > 0, reach >= 0]
gap = nv * nv - 2 * inner + nm * nm  # ‖v − μ‖²

# Definition 5.1 -----------------------------------------------------------------------------------------------------

COIN, BIASED = (HALF, HALF), (Fraction(1, 4), Fraction(3, 4))


@check(
    "def-5.1",
    "The equation can hold between the laws of the answers at the two inputs",
    name="equal-laws",
    form="repaired",
    evidence="exact",
    statement={"compare": "laws"},
    control={"compare": "laws", "tilted": BIASED},
)
@check(
    "def-5.1",
    "The equation can hold between the random answers themselves, drawn separately at the two inputs",
    name="equal-answers",
    form="printed",
    evidence="exact",
    statement={"compare": "answers"},
    control={"compare": "answers", "tilted": BIASED},
)
def tilted_answer_is_the_conditional_one(compare: str, tilted: tuple[Fraction, ...] = COIN) -> Outcome:
    """Compare a fair coin as the answer given the state with the answer at X + δ, by law or by independent draws."""
    if compare == "laws":
        return decide(tilted == COIN, "both answers are fair coins", f"P(1) is {COIN[1]} and {tilted[1]}")
    agree = sum((x * y for x, y in zip(COIN, tilted, strict=True)), Fraction(0))
    found = f"two fair coins, one law: separate throws agree with probability {agree} only"
    return decide(agree == 1, found, found if tilted == COIN else f"separate throws agree with probability {agree}")


@check(
    "def-5.1",
    "Hints that differ from each other and from zero can serve any states",
    name="different-hints",
    form="repaired",
    evidence="solver",
    statement={"hints": "different, not zero"},
    control={"hints": "different"},
)
@check(
    "def-5.1",
    "Any hints can serve any states",
    name="any-hints",
    form="printed",
    evidence="solver",
    statement={"hints": "any"},
    control={"hints": "not zero"},
)
def hints_are_consistent(hints: str) -> Outcome:
    """Ask for one law per input: X has law 0, two hinted inputs have the laws of any two states j, k."""
    hint_j, hint_k, law, law_j, law_k = z3.Ints("hint_j hint_k law law_j law_k")
    apart, away = hint_j != hint_k, z3.And(hint_j != 0, hint_k != 0)
    assumed = {"different, not zero": [apart, away], "different": [apart], "not zero": [away], "any": []}[hints]
    goal = z3.And(
        z3.Implies(hint_j == hint_k, law_j == law_k),
        z3.Implies(hint_j == 0, law_j == law),
        z3.Implies(hint_k == 0, law_k == law),
    )
    story = "two states with the hints {hint_j} and {hint_k} (0 is no hint at all): one input would need two laws"
    return prove(assumed, goal, "every input has one law: any two of any number of states, and X itself", story)


@check(
    "def-5.1",
    "Hints lower the least loss by the spread of the states' means, Σ p_i ‖μ_i − E‖²",
    form="stronger",
    evidence="symbolic",
    control={"share": 2},
)
def hints_save_the_spread(share: int = 1) -> Outcome:
    """Compare least losses with and without hints in one coordinate; s_i² is the variance of state i."""
    s, mean = sp.IndexedBase("s"), sp.Symbol("E")
    total, first, second = over_states(p[i]), over_states(p[i] * mu[i]), over_states(p[i] * mu[i] ** 2)
    within = over_states(p[i] * s[i] ** 2)
    without = within + second - mean**2
    spread = linear(over_states(p[i] * (mu[i] - mean) ** 2)).subs({first: mean, total: 1})
    left = sp.expand(without - within - share * spread)
    return decide(left == 0, "identity for every number of states", f"left over: {left}")


# Theorem 5.3, statement: without supported states -------------------------------------------------------------------


@check(
    "thm-5.3",
    "Without the demand that some answer be supported the theorem holds in every reading: under normal states wide "
    "enough for δ every output hallucinates, at every input",
    form="stronger",
    evidence="symbolic",
    control={"width": "below the limit"},
)
def wide_states_silence_all(width: str = "from the limit on") -> Outcome:
    """The laws of Theorem 5.2 serve; with equal means a constant is optimal at every input."""
    return wide_states_suffice(width)


# Theorem 5.3, statement: estimator first ----------------------------------------------------------------------------


@check(
    "thm-5.3",
    "For any one map, Lipschitz or not, there are laws under which it hallucinates at all hints",
    name="law-after-estimator",
    reading=FIRST,
    form="printed",
    evidence="solver",
    control={"separation": "ρ"},
)
def law_after_estimator(separation: str = "ρ + reach") -> Outcome:
    """Put all means farther than ρ + reach, where `reach` is the largest distance of the map's answers from E."""
    least = {"ρ + reach": rho + reach, "ρ": rho}[separation]
    found = "any answers at a bounded distance from E, every dimension; no Lipschitz constant occurs"
    story = "an answer {nv} away from E, a mean {nm} away from E: they are closer than ρ = {rho}"
    return prove([*GRAM, nv <= reach, nm >= least], gap >= rho * rho, found, story)


@check(
    "thm-5.3",
    "A given random map hallucinates at all hints under normal states that keep 95 % of their mass, made for it",
    name="law-after-estimator-built",
    reading=FIRST,
    form="printed",
    evidence="property",
    statement={"made_for": 1.0},
    control={"made_for": 0.1},
)
def built_law_after_estimator(made_for: float, cases: int = 60) -> Outcome:
    """Draw answers at N hints, build the law with this share of their reach as slack, and test every state."""
    rng = np.random.default_rng(53)
    for _ in range(cases):
        n, d = int(rng.integers(2, 7)), int(rng.integers(1, 5))
        answers = rng.normal(size=(n, d)) * 10 ** rng.uniform(0, 3)
        farthest = float(np.linalg.norm(answers, axis=1).max())
        law = separated_gaussians(rng.dirichlet(np.full(n, 5.0)), 0.01, 0.05, d, slack=made_for * farthest)
        safe = np.flatnonzero(~delta_hallucinates(law, answers, 0.01))
        worst = law.state_means[np.linalg.norm(law.state_means, axis=1).argmin()]
        toward = farthest * worst / np.linalg.norm(worst)
        if safe.size or not delta_hallucinates(law, toward, 0.01):
            return fails(f"{n} states in dimension {d}: a map with answers within {farthest:.3g} of E does not")
    return holds(f"{cases} maps, 2 to 6 states, dimensions 1 to 4, and the worst map of the same reach for each law")


# Theorem 5.3, statement: law first ----------------------------------------------------------------------------------


def _made_for(rng: np.random.Generator, slack_share: float = 1.0) -> tuple[Mixture, Array, float]:
    """Draw weights, hints and L, and build the law for them; return the law, the hints and L."""
    n, d, slope = int(rng.integers(2, 7)), int(rng.integers(1, 5)), float(10 ** rng.uniform(-2, 2))
    hints = rng.normal(size=(n, int(rng.integers(1, 4))))
    slack = slack_share * slope * float(np.linalg.norm(hints, axis=1).max())
    return separated_gaussians(rng.dirichlet(np.full(n, 5.0)), 0.01, 0.05, d, slack=slack), hints, slope


@check(
    "thm-5.3",
    "Under a law made for L, every L-Lipschitz estimator that is optimal at X hallucinates at all hints",
    name="optimal-at-X",
    reading=SECOND,
    form="repaired",
    evidence="property",
    statement={"at_X": "optimal"},
    control={"at_X": "optimal", "slack_share": 0.0, "directed": True},
)
@check(
    "thm-5.3",
    "Under a law made for L whose states are supported, every L-Lipschitz estimator hallucinates at all hints",
    name="any-lipschitz-map",
    reading=SECOND,
    form="printed",
    evidence="property",
    statement={"at_X": "anything"},
    control={"at_X": "anything", "slack_share": 2.0},
)
def lipschitz_maps_hallucinate(
    at_X: str, slack_share: float = 1.0, directed: bool = False, cases: int = 60
) -> Outcome:
    """Let the worst maps run towards every state's mean: from E with slope L, or from anywhere (a constant)."""
    rng = np.random.default_rng(5)
    for _ in range(cases):
        law, hints, slope = _made_for(rng, slack_share)
        if directed:  # all hints point the same way with the same length: the reach is L·B at each
            hints = np.tile(hints[np.linalg.norm(hints, axis=1).argmax()], (len(hints), 1))
        for j, goal in enumerate(law.state_means):
            run = radial_map(law.mean, goal, slope) if at_X == "optimal" else radial_map(goal, goal, slope)
            answers = run(hints)
            if not delta_hallucinates(law, answers, 0.01).all():
                height = float(np.exp(law.states[j].log_density(answers).max()))
                what = "that runs straight from E to" if at_X == "optimal" else "with the constant value"
                return fails(
                    f"{len(hints)} states, δ = 0.01, L = {slope:.3g}: at the hints, the map {what} the mean of state "
                    f"{j + 1} has density {height:.3g} under that state"
                )
    return holds(f"{cases} laws with 2 to 6 states in dimensions 1 to 4, L from 0.01 to 100, the worst maps")


@check(
    "thm-5.3",
    "Means at least ρ + L·B away from E: no L-Lipschitz map that answers E at X comes within ρ of one",
    name="reach-and-separation",
    reading=SECOND,
    form="repaired",
    evidence="solver",
    control={"separation": "ρ"},
)
def reach_and_separation(separation: str = "ρ + L·B") -> Outcome:
    """Bound the answer at a hint of length `hint` ≤ B by L·hint, then use the triangle inequality."""
    slope, hint, longest = z3.Reals("slope hint longest")
    least = {"ρ + L·B": rho + slope * longest, "ρ": rho}[separation]
    hypotheses = [*GRAM, slope >= 0, hint >= 0, hint <= longest, nv <= slope * hint, nm >= least]
    story = "L = {slope}, a hint of length {hint}: an answer {nv} away from E is within ρ = {rho} of a mean at {nm}"
    return prove(hypotheses, gap >= rho * rho, "all states, all hints, every dimension", story)


# Theorem 5.3, statement: optimal everywhere -------------------------------------------------------------------------


@check(
    "thm-5.3",
    "There are laws, none of them vacuous, for which L-Lipschitz estimators that are optimal at X and at every hint "
    "exist and hallucinate at every hint",
    name="optimal-everywhere-two-sided",
    reading=THIRD,
    form="repaired",
    evidence="property",
    statement={"states": "two-sided"},
    control={"states": "two-sided", "delta": 1e9},
)
@check(
    "thm-5.3",
    "Under the normal laws of the proof, L-Lipschitz estimators that are optimal at X and at every hint exist and "
    "hallucinate at every hint",
    name="optimal-everywhere-normal",
    reading=THIRD,
    form="printed",
    evidence="property",
    statement={"states": "normal"},
    control={"states": "normal", "delta": 0.001},
)
def optimal_everywhere(states: str, delta: float = 0.01, cases: int = 40) -> Outcome:
    """Compare the slope through E and all means with L, then test the optimal answers, which are the means."""
    rng = np.random.default_rng(35)
    for _ in range(cases):
        law, hints, slope = _made_for(rng)
        n, d = law.state_means.shape
        if states == "two-sided":
            arms = rng.normal(size=(n, d))
            arms *= rng.uniform(2, 4, size=(n, 1)) / np.linalg.norm(arms, axis=1, keepdims=True)
            law = two_sided_balls(law.weights, arms, 1.0)
        needed = least_slope(np.vstack([0 * hints[:1], hints]), np.vstack([law.mean, law.state_means]))
        if needed > slope:
            return fails(
                f"{n} normal states: an estimator that is optimal at X and all hints needs slope {needed:.3g}, "
                f"and L is {slope:.3g}: there is none"
            )
        at_means = delta_hallucinates(law, law.state_means, delta)
        own = law.sample(rng, 50)
        if not at_means.all() or delta_hallucinates(law, own, delta).any():
            return fails(f"δ = {delta:g}: optimal answers hallucinate: {at_means.all()}; true answers do so too")
    return holds(f"{cases} laws on two balls per state: the constant E is optimal everywhere, with density 0")


@check(
    "thm-5.3",
    "If δ < 1, no L-Lipschitz estimator is optimal at X and at a hint under the proof's laws, in no dimension",
    name="no-such-estimator",
    form="stronger",
    evidence="solver",
    control={"threshold": "any"},
)
def no_such_estimator(threshold: str = "below 1") -> Outcome:
    """Contradict ‖μ − E‖ ≥ R + L·B, with R = √(−2 ln δ), by ‖μ − E‖ ≤ L‖δ_i‖; R is positive if δ < 1."""
    R, slope, hint, longest, distance = z3.Reals("R slope hint longest distance")
    assumed = [R > 0] if threshold == "below 1" else [R >= 0]
    hypotheses = [*assumed, slope >= 0, hint >= 0, hint <= longest, distance >= R + slope * longest]
    story = "R = {R}, L = {slope}: a mean {distance} away from E can be reached over a hint of length {hint}"
    return prove(hypotheses, z3.Not(distance <= slope * hint), "for all L, all hints and every δ below 1", story)


# Theorem 5.3, statement: small print --------------------------------------------------------------------------------


@check(
    "thm-5.3",
    "With K > ρ + L·B strictly, the answers lie outside the printed region {f ≥ δ} too",
    form="stronger",
    evidence="solver",
    control={"strict": False},
)
def edge_of_the_region(strict: bool = True) -> Outcome:
    """Compare squared distances with ρ²: f_j > δ inside, f_j = δ on the sphere, f_j < δ outside."""
    apart = nm > rho + reach if strict else nm >= rho + reach
    story = "at separation ρ + L·B = {nm} an answer {nv} away from E lies on the sphere of radius ρ = {rho}: f = δ"
    return prove([*GRAM, nv <= reach, apart], gap > rho * rho, "in every dimension", story)


@check(
    "thm-5.3",
    "“For any i” matters: there are a law, hints and an L such that no L-Lipschitz estimator optimal at X enters the "
    "hinted state's region at any hint, and one enters another state's",
    form="stronger",
    evidence="property",
    control={"slope": 0.1},
)
def hinted_state_or_any(slope: float = 1.0) -> Outcome:
    """Take N(6, 1/4) and N(−2, 1/4) with probabilities 1/4 and 3/4, so that E = 0, and hints 1 and −1/10."""
    law = Mixture([0.25, 0.75], [Gaussian([6.0], 0.25), Gaussian([-2.0], 0.25)])
    own, any_state = blocked(law, [[1.0], [-0.1]], slope, 0.01)
    found = f"L = {slope:g}: out of reach are the hinted state's region at {own.sum()} of 2 hints, and all at "
    return decide(bool(own.all() and not any_state.all()), found + f"{any_state.sum()}", found + f"{any_state.sum()}")


@check(
    "thm-5.3",
    "The laws are infinitely many: the variance of the target grows with K",
    form="stronger",
    evidence="symbolic",
    control={"vary": "E"},
)
def infinitely_many_laws(vary: str = "K") -> Outcome:
    """Differentiate d s² + Σ p_i ‖K a_i/p_i‖² (one coordinate) by K, and compare with moving the centre."""
    K, s, d, m = sp.symbols("K s d E", positive=True)
    variance = d * s**2 + linear(over_states(p[i] * (m + K * a[i] / p[i] - m) ** 2))
    slope = sp.diff(variance, K if vary == "K" else m)
    square = over_states(a[i] ** 2 / p[i])  # positive: no a_i is zero
    found = f"the variance changes at the rate {slope}, with K > 0 and no a_i zero"
    return decide(sp.expand(slope - 2 * K * square) == 0, found, f"rate {slope}")
