"""Checks of Theorem 5.1: its statement, and a version whose states are not vacuous.

τ stands for −2 ln δ − d ln 2π − ln det Σ_i, so that a normal state exceeds δ where its squared Mahalanobis distance
D² is below τ.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product

import numpy as np
import sympy as sp
import z3
from flint import arb, arb_mat

from hallucination.checks import Outcome, check, decide, fails, holds
from hallucination.checks.enclosures import chi2_tail, log_normal
from hallucination.checks.prover import prove
from hallucination.checks.sums import a, i, linear, over_states, p
from hallucination.constructions import (
    largest_ball,
    separated_balls,
    separated_gaussians,
    two_sided_balls,
)
from hallucination.mixtures import Mixture
from hallucination.states import Array, Gaussian

# Enclosures of laws that the library built --------------------------------------------------------------------------


def exact_mean(law: Mixture) -> list[arb]:
    """Enclose Σ p_i μ_i, reading the library's numbers as exact and the weights as shares of their sum."""
    total = sum((arb(w) for w in law.weights.tolist()), arb(0))
    columns = zip(*law.state_means.tolist(), strict=True)
    return [sum((arb(w) * x for w, x in zip(law.weights.tolist(), c, strict=True)), arb(0)) / total for c in columns]


def shape_of(state: Gaussian, at: Sequence[arb]) -> tuple[arb, arb]:
    """Enclose ln det Σ and the squared Mahalanobis distance of a point."""
    gap, sigma = [x - m for x, m in zip(at, state.mean.tolist(), strict=True)], np.asarray(state.covariance)
    if sigma.ndim == 2:
        matrix, column = arb_mat(sigma.tolist()), arb_mat([[x] for x in gap])
        return matrix.det().log(), (column.transpose() * matrix.inv() * column)[0, 0]
    variances = np.broadcast_to(sigma, len(gap)).tolist()
    logs = sum((arb(v).log() for v in set(variances)), arb(0)) * (len(gap) / len(set(variances)))
    return logs, sum((x * x / v for x, v in zip(gap, variances, strict=True)), arb(0))


def log_densities_at_mean(law: Mixture) -> list[arb]:
    """Enclose the logarithms of all state densities at the exact mean of a mixture of normal states."""
    at = exact_mean(law)
    return [log_normal(len(at), *shape_of(state, at)) for state in law.states if isinstance(state, Gaussian)]


def contracted(law: Mixture, share: float) -> Mixture:
    """Pull normal states towards the mean of their mixture; for controls."""
    normal = [state for state in law.states if isinstance(state, Gaussian)]
    return Mixture(law.weights, [Gaussian(law.mean + share * (s.mean - law.mean), s.covariance) for s in normal])


def laws_to_build() -> Iterator[tuple[Array, float, float, int]]:
    """Weights, δ, η and d over wide ranges."""
    rng = np.random.default_rng(7)
    for n, d, delta in product((2, 3, 7), (1, 2, 10, 512), (1e-30, 0.01, 1.0, 1000.0)):
        weights = rng.dirichlet(np.full(n, 0.7)) + 1e-6
        yield weights / weights.sum(), delta, float(10 ** rng.uniform(-9, -0.05)), d


# The statement ------------------------------------------------------------------------------------------------------


@check(
    "thm-5.1",
    "For every δ and d there are infinitely many laws whose mean δ-hallucinates: take wide enough normal states",
    form="printed",
    evidence="symbolic",
    control={"power": 1},
)
def wide_states_hallucinate(power: int = 2) -> Outcome:
    """Put s² = t/(2π δ^(power/d)), t ≥ 1, and write ln f(v) − ln δ for any v at squared distance D² from any mean."""
    delta, d, t = sp.symbols("delta d t", positive=True)
    D2 = sp.Symbol("D2", nonnegative=True)
    square = t / (2 * sp.pi * delta ** (power / d))
    excess = sp.expand(sp.expand_log(-d / 2 * sp.log(2 * sp.pi * square) - D2 / 2 - sp.log(delta), force=True))
    if sp.simplify(excess + (d * sp.log(t) + D2) / 2) == 0:
        return holds(
            "ln f_i(v) − ln δ = −(d ln t + D²)/2 at every v; each t ≥ 1 is another law, as its variance is larger"
        )
    value = excess.subs({D2: 0, t: 1, delta: sp.Rational(1, 100)})
    return decide(
        None if not value.is_positive else False, "", f"at the peak, t = 1, δ = 1/100: ln f − ln δ is {value}"
    )


@check(
    "thm-5.1",
    "A single normal state can hallucinate at its mean only if it is vacuous",
    form="stronger",
    evidence="solver",
    control={"at_mean": False},
)
def one_normal_state_needs_vacuity(at_mean: bool = True) -> Outcome:
    """With N = 1 the mean is the peak: D² = 0."""
    tau, D2 = z3.Reals("tau D2")
    where = [D2 == 0] if at_mean else [D2 >= 0]
    story = "τ = {tau}, D² = {D2}: it hallucinates and is not vacuous"
    return prove(where, z3.Implies((tau - D2) / 2 <= 0, tau <= 0), "for every δ, dimension and covariance", story)


# The version that is not vacuous ------------------------------------------------------------------------------------


@check(
    "thm-5.1",
    "A normal state with standard deviation s₀ has τ = q, and a narrower one has more",
    form="stronger",
    evidence="symbolic",
    control={"power": 1},
)
def widest_scale_meets_quantile(power: int = 2) -> Outcome:
    """Insert s² = u² exp(−q/d)/(2π δ^(power/d)) into τ; u ≤ 1 is the width as a share of s₀."""
    delta, d, q, u = sp.symbols("delta d q u", positive=True)
    square = u**2 * sp.exp(-q / d) / (2 * sp.pi * delta ** (power / d))
    tau = sp.expand(sp.expand_log(-2 * sp.log(delta) - d * sp.log(2 * sp.pi * square), force=True))
    gap = sp.simplify(tau - (q - 2 * d * sp.log(u)))
    return decide(gap == 0, "τ = q − 2 d ln(s/s₀) for all δ, d, q", f"left over: {gap}")


@check(
    "thm-5.1",
    "The means m + K a_i/p_i average to m if the a_i sum to zero",
    form="stronger",
    evidence="symbolic",
    control={"divided": False},
)
def means_average_to_centre(divided: bool = True) -> Outcome:
    """Compute Σ p_i μ_i − m for symbolic N, replacing Σ p_i by 1 and Σ a_i by 0."""
    m, K = sp.symbols("m K")
    mean = linear(over_states(p[i] * (m + K * a[i] / (p[i] if divided else 1))))
    gap = sp.simplify(mean.subs({over_states(p[i]): 1, over_states(a[i]): 0}) - m)
    return decide(gap == 0, "for every number of states and all weights", f"left over: {gap}")


@check(
    "thm-5.1",
    "If K ≥ ρ and ‖a_i‖ ≥ 1, every centre m + K a_i/p_i is at least ρ away from the mean m",
    form="stronger",
    evidence="solver",
    control={"divided": False},
)
def mean_is_outside(divided: bool = True) -> Outcome:
    """Bound the distance K‖a‖/p; the control has K‖a‖ and ‖a‖ ≥ p only."""
    rho, K, length, weight, distance = z3.Reals("rho K length weight distance")
    least, factor = (1, weight) if divided else (weight, 1)
    hypotheses = [rho > 0, rho <= K, weight > 0, weight <= 1, length >= least, distance * factor == K * length]
    story = "ρ = {rho}, weight {weight}: the centre is only {distance} away"
    return prove(hypotheses, distance >= rho, "for all weights, offsets and dimensions", story)


@check(
    "thm-5.1",
    "The library's normal states keep mass 1 − η above δ each, and their mean δ-hallucinates",
    form="stronger",
    evidence="interval",
    control={"share": 0.001},
)
def separated_states_hallucinate(share: float = 1.0) -> Outcome:
    """Enclose densities at the exact mean and lost masses for laws over wide ranges of N, d, δ, η and weights."""
    cases = 0
    for weights, delta, eta, d in laws_to_build():
        law = contracted(separated_gaussians(weights, delta, eta, d), share) if share < 1 else None
        law = law or separated_gaussians(weights, delta, eta, d)
        log_delta, where = arb(delta).log(), f"{len(weights)} states, d = {d}, δ = {delta:g}, η = {eta:.3g}"
        if not all(bool(f < log_delta) for f in log_densities_at_mean(law)):
            return fails(f"{where}: some density at the mean is above δ")
        state = law.states[0]
        assert isinstance(state, Gaussian)
        tau = 2 * (log_normal(d, shape_of(state, [arb(x) for x in state.mean.tolist()])[0], arb(0)) - log_delta)
        if not chi2_tail(d, tau) <= arb(eta):
            return fails(f"{where}: a state loses more than η")
        cases += 1
    return holds(f"{cases} laws, 2 to 7 states, d up to 512, δ from 1e−30 to 1000")


@check(
    "thm-5.1",
    "Uniform states on balls of radius R < K: the mean lies in none, so it has density 0 and hallucinates at every δ",
    form="stronger",
    evidence="solver",
    control={"apart": False},
)
def mean_outside_balls(apart: bool = True) -> Outcome:
    """Compare the distance K‖a‖/p of the mean from a centre with the radius R < K."""
    K, R, length, weight, distance = z3.Reals("K R length weight distance")
    least = R if apart else 0
    hypotheses = [R > 0, least < K, length >= 1, weight > 0, weight <= 1, distance * weight == K * length]
    story = "R = {R}, distance of the mean {distance}: inside the ball"
    return prove(hypotheses, distance > R, "for all weights and dimensions", story)


@check(
    "thm-5.1",
    "The library's uniform balls are denser than δ, and density 0 at their mean, in dimensions 1 to 512",
    form="stronger",
    evidence="property",
    control={"share": 1.1},
)
def ball_states_hallucinate(share: float = 0.9) -> Outcome:
    """Take balls of a share of the largest radius and ask the library for densities at the mean and the centres."""
    cases = 0
    for weights, delta, _, d in laws_to_build():
        law = separated_balls(weights, share * largest_ball(delta, d), d)
        where = f"{len(weights)} balls, d = {d}, δ = {delta:g}"
        if law.state_log_densities(law.mean).max() != -np.inf:
            return fails(f"{where}: the mean lies in a ball")
        if not law.states[0].log_density(law.states[0].mean) > np.log(delta):
            return fails(f"{where}: the states are vacuous")
        cases += 1
    return holds(f"{cases} laws")


@check(
    "thm-5.1",
    "With a single state the same can happen without vacuity: uniform on two balls at ±h",
    form="stronger",
    evidence="exact",
    control={"shift": 2.0},
)
def one_state_on_two_balls(shift: float = 0.0) -> Outcome:
    """Ask the library for the densities at the mean (moved by `shift`) and at h."""
    law = two_sided_balls([1.0], [[2.0]], 0.5)
    middle, inside = (float(np.exp(law.log_density(x))) for x in (law.mean + shift, [2.0]))
    found = f"density {middle:g} at {float(law.mean[0]) + shift:g}, {inside:g} on the balls"
    return decide(middle == 0 < inside, found, found)


@check(
    "thm-5.1",
    "States of other shapes do as well (normal, Laplace, logistic, Student with 3 degrees): far from its centre each "
    "density falls below every δ",
    form="stronger",
    evidence="symbolic",
    control={"offset": 0},
)
def other_shapes_fade(offset: int = 1) -> Outcome:
    """Take the limit of g(−K a/p) as K grows, with a > 0 symbolic; offset 0 puts a = 0."""
    K, length, weight = sp.symbols("K a p", positive=True)
    x = offset * K * length / weight
    shapes = {
        "normal": sp.exp(-(x**2) / 2) / sp.sqrt(2 * sp.pi),
        "Laplace": sp.exp(-x) / 2,
        "logistic": sp.exp(-x) / (1 + sp.exp(-x)) ** 2,
        "Student": 6 * sp.sqrt(3) / (sp.pi * (3 + x**2) ** 2),
    }
    limits = {name: sp.limit(g, K, sp.oo) for name, g in shapes.items()}
    found = ", ".join(f"{name} {value}" for name, value in limits.items())
    return decide(all(v == 0 for v in limits.values()), f"limits {found}, for all a and p", f"limits {found}")
