"""Checks of Corollary 5.2.1: several inputs, one estimator, one total loss."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import sympy as sp
import z3

from hallucination.checks import Outcome, check, decide, fails, holds, undecided
from hallucination.checks.enclosures import HUNDREDTH, ball, certain, phi
from hallucination.checks.near_optimal import verified
from hallucination.checks.prover import prove
from hallucination.constructions import printed_single_input, separated_gaussians
from hallucination.mixtures import Mixture
from hallucination.near_optimal import best_constant
from hallucination.regions import is_vacuous
from hallucination.states import Gaussian


@check(
    "cor-5.2.1",
    "A minimiser of the total loss is optimal at every listed input with positive weight, so it hallucinates there",
    name="at-every-input-with-positive-weight",
    form="repaired",
    evidence="solver",
    statement={"at": "an input with positive weight"},
    control={"at": "an input with weight zero"},
)
@check(
    "cor-5.2.1",
    "A minimiser of a weighted total loss hallucinates at every input of the list, whatever the weights",
    name="at-an-input-with-weight-zero",
    form="printed",
    evidence="solver",
    statement={"at": "an input with weight zero"},
    control={"at": "an input with negative weight"},
)
@check(
    "cor-5.2.1",
    "A minimiser of the loss at the inputs X_j hallucinates at X, an input that the list does not name",
    name="at-the-input-x",
    form="printed",
    evidence="solver",
    statement={"at": "another input"},
    control={"at": "an input with negative weight"},
)
def minimiser_hallucinates(at: str) -> Outcome:
    """Induct over the list: `before` is the excess loss of the inputs so far, then one more with distance `gap`."""
    before, w, gap, reach = z3.Reals("before w gap reach")
    weight = {
        "an input with positive weight": w > 0,
        "an input with weight zero": w == 0,
        "another input": w == 0,  # it does not occur in the loss at all
        "an input with negative weight": w < 0,
    }[at]
    # reach > 0 is the distance from the optimum to the nearest region; zero total excess makes v a minimiser.
    hypotheses = [before >= 0, weight, gap >= 0, reach > 0, before + w * gap * gap == 0]
    found = "zero total excess forces every gap to zero, for every number of inputs (induction)"
    story = f"the output at {at} may lie {{gap}} from the optimum, where a region begins at {{reach}}"
    return prove(hypotheses, gap < reach, found, story)


def two_inputs(half_distance: float = 4.0) -> list[Mixture]:
    """Targets at two inputs: normal states at −m, m and at m, 3m, with equal weights and unit variance."""
    m = half_distance
    return [Mixture([0.5, 0.5], [Gaussian([x]) for x in pair]) for pair in ((-m, m), (m, 3 * m))]


@check(
    "cor-5.2.1",
    "With different inputs and all estimators allowed, the minimiser hallucinates at both of two inputs",
    name="different-inputs-all-estimators",
    form="repaired",
    evidence="interval",
    statement={"inputs": "different", "estimators": "all"},
    control={"inputs": "different", "estimators": "all", "delta": Fraction(1, 10**5)},
)
@check(
    "cor-5.2.1",
    "A minimiser of the total loss hallucinates at every input, whatever the class of estimators",
    name="minimiser-in-any-class",
    form="printed",
    evidence="interval",
    statement={"inputs": "different", "estimators": "constant"},
    control={"inputs": "equal", "estimators": "constant"},
)
@check(
    "cor-5.2.1",
    "The laws at X_1, …, X_S may be chosen one by one, even if an input is listed twice",
    name="input-listed-twice",
    form="printed",
    evidence="interval",
    statement={"inputs": "equal", "estimators": "all"},
    control={"inputs": "equal", "estimators": "constant"},
)
def minimiser_at_two_inputs(inputs: str, estimators: str, delta: Fraction = HUNDREDTH) -> Outcome:
    """Enclose the largest density at the best outputs: own means, or one output for both if they are tied."""
    targets = two_inputs()
    tied = inputs == "equal" or estimators == "constant"
    common = best_constant([0.5, 0.5], targets)
    reason = "an input has one output" if inputs == "equal" else "constant estimators"
    for j, target in enumerate(targets):
        v = float((common if tied else target.mean)[0])
        gaps = [abs(Fraction(v) - Fraction(float(mu))) for mu in target.state_means[:, 0]]
        density = phi(min(gaps))
        low = certain(bool(density <= ball(delta)), bool(density > ball(delta)))
        if low is None:
            return undecided(f"density {density}")
        if not low:
            output = f"{reason}: the best is {v:g}" if tied else f"output {v:g}"
            where = f"at distance {min(gaps)} from a mean at X_{j + 1}"
            return fails(f"{output}, {where}; density {float(density.mid()):.3g} there, δ = {delta}")
    return holds(f"states at ±4 and at 4, 12: outputs 0 and 8, density {float(phi(4).mid()):.3g}, δ = {delta}")


@check(
    "cor-5.2.1",
    "At each of several inputs the library's law keeps the states' mass and makes the optimum hallucinate",
    form="repaired",
    evidence="interval",
    control={"first_at_the_optimum": True},
)
def library_laws_at_several_inputs(first_at_the_optimum: bool = False) -> Outcome:
    """Build eight laws with centres of their own; in the control the first state is put at the centre."""
    rng = np.random.default_rng(0)
    for j in range(8):
        n, d = int(rng.integers(2, 6)), int(rng.integers(1, 5))
        w, delta, center = rng.dirichlet(np.full(n, 5.0)), float(10 ** rng.uniform(-9, 0)), rng.normal(size=d) * 100
        law = separated_gaussians(w, delta, 0.1, d, center=center)
        if first_at_the_optimum:
            first, second, *others = _normal(law)  # the second makes up for it, so that the mean stays
            shift = law.weights[0] / law.weights[1] * (first.mean - law.mean)
            moved = [Gaussian(law.mean, first.covariance), Gaussian(second.mean + shift, second.covariance)]
            law = Mixture(law.weights, [*moved, *others])
        wrong = verified(law, delta, 0.1, 0.0)
        if wrong:
            return fails(f"input {j + 1}: {wrong}")
    return holds("8 inputs, 2 to 5 states, d from 1 to 4, δ from 1e-9 to 1")


def _normal(law: Mixture) -> list[Gaussian]:
    return [state for state in law.states if isinstance(state, Gaussian)]


@check(
    "cor-5.2.1",
    "The total excess loss is the sum of w_j ‖v_j − E_j‖²: each input is a problem of its own",
    part="proof",
    form="repaired",
    evidence="symbolic",
    control={"same_output": True},
)
def total_loss_separates(same_output: bool = False) -> Outcome:
    """Compare both sums term by term, for a symbolic number of inputs (one coordinate; coordinates add up)."""
    S, j = sp.symbols("S j", integer=True, positive=True)
    w, v, E, second = (sp.IndexedBase(name) for name in ("w", "v", "E", "m"))

    def loss(out: Any, mean: Any) -> Any:
        return out**2 - 2 * out * mean  # plus E‖A‖², which no output changes

    common = sp.Symbol("u")
    out = common if same_output else v[j]
    excess = w[j] * (loss(out, E[j]) + second[j] - loss(E[j], E[j]) - second[j])
    claimed = w[j] * (v[j] - E[j]) ** 2
    rest = sp.expand(excess - claimed)
    total = sp.Sum(rest, (j, 1, S)).doit()
    shown = str(rest).replace("**2", "²").replace("*", " ").replace(" - ", " − ")
    return decide(total == 0, "identity for every number of inputs and all weights", f"left over per input: {shown}")


@check(
    "cor-5.2.1",
    "With the repaired law of Theorem 5.1 at each input, both optima hallucinate and no state is vacuous",
    name="construction-at-each-input",
    part="proof",
    form="repaired",
    evidence="interval",
    statement={"construction": "repaired"},
    control={"construction": "printed"},
)
@check(
    "cor-5.2.1",
    "With the printed law of Theorem B.1 at each input, every optimum hallucinates",
    name="construction-at-each-input-as-printed",
    part="proof",
    form="printed",
    evidence="interval",
    statement={"construction": "printed"},
    control={"construction": "printed", "delta": Fraction(1, 50)},
)
def construction_at_each_input(construction: str, delta: Fraction = HUNDREDTH) -> Outcome:
    """Build the law at two inputs, with weights 1/2, 1/2 and 1/100, 99/100, and enclose the densities at the mean."""
    for j, share in enumerate((Fraction(1, 2), HUNDREDTH)):
        w, level = [float(share), float(1 - share)], float(delta)
        if construction == "printed":
            law = printed_single_input(w, [[[1.0]]], level)
        else:
            law = separated_gaussians(w, level, 0.1)
            if any(is_vacuous(state, level) for state in _normal(law)):
                return fails("a state is vacuous")
        for i, state in enumerate(_normal(law)):
            s = float(np.sqrt(state.variance))
            density = phi(Fraction(float(law.mean[0] - state.mean[0])) / Fraction(s)) / ball(Fraction(s))
            if not density <= ball(delta):
                found = f"input {j + 1}, weights {share} and {1 - share}: state {i + 1} has density "
                return fails(f"{found}{float(density.mid()):.4f} at the mean, δ = {delta}")
    return holds(f"two inputs with different weights, δ = {delta}")
