"""Checks of what sharpens Theorem 5.3: which hints an L-Lipschitz estimator can use, and what smoothness costs.

All of them are stronger than the paper.  In the solver checks r is the distance of a state's mean from E, ρ the
radius of its region, and reach the product L‖δ_k‖; only distances occur, so a proof holds in every dimension.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import sympy as sp
import z3

from hallucination.checks import Outcome, check, decide, fails, holds
from hallucination.checks.prover import prove
from hallucination.checks.sums import linear
from hallucination.lipschitz import critical_slopes, distance_to_region, joint_slope, least_slope, radial_map
from hallucination.mixtures import Mixture
from hallucination.smoothness_price import Questions, best_outputs, price_bound, proportion, proportional_excess
from hallucination.states import Array, Gaussian, State

_HALF = sp.Rational(1, 2)
_rho, _r, _reach, _slope = z3.Reals("rho r reach slope")

# Which hints can be used --------------------------------------------------------------------------------------------


@check(
    "thm-5.3",
    "x ↦ E + min(L‖x − X‖, c) u, with a unit vector u, is L-Lipschitz",
    form="stronger",
    evidence="solver",
    control={"cap": "none, and squared"},
)
def radial_map_is_lipschitz(cap: str = "min") -> Outcome:
    """Let s, t be the distances of two inputs to X, at least |s − t| from each other."""
    s, t, c, apart = z3.Reals("s t c apart")

    def run(u: z3.ArithRef) -> z3.ArithRef:
        return z3.If(_slope * u <= c, _slope * u, c) if cap == "min" else _slope * u * u

    hypotheses = [s >= 0, t >= 0, _slope >= 0, c >= 0, apart >= s - t, apart >= t - s]
    step = run(s) - run(t)
    goal = z3.And(step <= _slope * apart, -step <= _slope * apart)
    story = "L = {slope}, inputs {s} and {t} away from X and {apart} from each other: too steep"
    return prove(hypotheses, goal, "for all L, all pairs of inputs and every dimension", story)


@check(
    "thm-5.3",
    "Every answer within L‖δ_k‖ of E is given at X + δ_k by some L-Lipschitz map that answers E at X",
    form="stronger",
    evidence="property",
    control={"beyond": 1.01},
)
def radial_map_reaches_the_ball(beyond: float = 1.0, cases: int = 200) -> Outcome:
    """Draw goals in the ball of radius L‖δ‖ around E, and measure the map that the library gives for them."""
    rng = np.random.default_rng(1)
    for case in range(cases):
        dx, d, slope = int(rng.integers(1, 6)), int(rng.integers(1, 6)), float(10 ** rng.uniform(-3, 3))
        center, hint, way = rng.normal(size=d), rng.normal(size=dx), rng.normal(size=d)
        share = beyond if case % 2 == 0 else float(rng.uniform(0, 1))
        goal = center + share * slope * np.linalg.norm(hint) * way / np.linalg.norm(way)
        g, inputs = radial_map(center, goal, slope), np.vstack([0 * hint, hint, rng.normal(size=(8, dx))])
        steep, miss = least_slope(inputs, g(inputs)) / slope, np.linalg.norm(g(hint) - goal)
        if steep > 1 + 1e-9 or miss > 1e-9 * (1 + np.linalg.norm(goal)) or (g(inputs[0]) != center).any():
            return fails(f"L = {slope:.3g}: slope {steep:.6f} L, and the goal is missed by {miss:.3g}")
    return holds(f"{cases} goals in 1 to 5 dimensions, half of them on the edge of the ball")


@check(
    "thm-5.3",
    "The answers within reach = L‖δ_k‖ of E meet the open ball U_k of radius ρ exactly if r < ρ + reach",
    form="stronger",
    evidence="solver",
    control={"strict": False},
)
def hint_is_usable_iff(strict: bool = True) -> Outcome:
    """Use that the nearest point of the reachable ball is (r − reach)₊ away from the mean."""
    nearest = z3.If(_r >= _reach, _r - _reach, 0)
    predicted = _r < _rho + _reach if strict else _r <= _rho + _reach
    story = "r = {r}, ρ = {rho}, reach = {reach}: the nearest reachable answer lies on the edge"
    hypotheses = [_r >= 0, _rho > 0, _reach >= 0]
    return prove(hypotheses, (nearest < _rho) == predicted, "so it is usable exactly if L > (r − ρ)/‖δ_k‖", story)


def _random_gaussians(rng: np.random.Generator) -> tuple[Mixture, Array, float]:
    """Draw normal states with any covariances, hints, and a δ at which no state is vacuous."""
    n, d = int(rng.integers(2, 5)), int(rng.integers(1, 5))
    roots = rng.normal(size=(n, d, d))
    states = [Gaussian(8 * rng.normal(size=d), a @ a.T + 0.05 * np.eye(d)) for a in roots]
    delta = float(np.exp(min(s.peak_log_density for s in states) - rng.uniform(0.1, 3)))
    return Mixture(rng.dirichlet(np.full(n, 5.0)), states), rng.normal(size=(n, 2)), delta


@check(
    "thm-5.3",
    "The library's critical slopes are right for normal states of any covariance: the map straight to the nearest "
    "point of U_k enters U_k at X + δ_k just above the slope, and not just below",
    form="stronger",
    evidence="property",
    control={"off": 0.99},
)
def critical_slopes_are_sharp(off: float = 1.0, cases: int = 60) -> Outcome:
    """Run with the radial map to the nearest point of U_k, a little faster and a little slower than the slope."""
    rng, used = np.random.default_rng(2), 0
    for _ in range(cases):
        law, hints, delta = _random_gaussians(rng)
        slopes = off * critical_slopes(law, hints, delta)
        for state, hint, slope in zip(law.states, hints, slopes, strict=True):
            if slope == 0:
                continue
            used += 1
            goal = _nearest(state, law.mean, delta)
            above = radial_map(law.mean, law.mean + 1.001 * (goal - law.mean), 1.001 * slope)(hint)
            at = radial_map(law.mean, goal, 0.999 * slope)(hint)
            if not state.log_density(at) < np.log(delta) < state.log_density(above):
                return fails(f"at L = {slope:.4g}, the map straight to U_k does not enter just above this slope")
    return holds(f"{used} hints of {cases} laws with 2 to 4 states in 1 to 4 dimensions, to one part in a thousand")


def _nearest(state: State, point: Array, delta: float) -> Array:
    """Point of the state's region nearest to `point`, from the gradient of the distance."""
    step = 1e-6 * (1 + float(np.linalg.norm(point - state.mean)))
    away = distance_to_region(state, point, delta)
    moved = [
        distance_to_region(state, point + e, delta) - distance_to_region(state, point - e, delta)
        for e in step * np.eye(point.size)
    ]
    gradient = np.array(moved) / (2 * step)
    return np.asarray(point - away * gradient / np.linalg.norm(gradient))


@check(
    "thm-5.3",
    "Hints that can be used one by one need not be usable together (hints 1 and 1 + gap, means ±5, ρ = 1, L = 10)",
    form="stronger",
    evidence="exact",
    statement={"gap": Fraction(1, 100)},
    control={"gap": Fraction(1)},
)
def alone_but_not_together(gap: Fraction) -> Outcome:
    """Compare 4/‖δ_k‖ and 8/gap with L = 10 in fractions, and the latter with the library's solver."""
    first, second = Fraction(1), 1 + gap
    alone, together = max(4 / first, 4 / second), max(4 / first, 4 / second, 8 / gap)
    solver = joint_slope([0.0], [[1.0], [float(second)]], [[5.0], [-5.0]], [1.0, 1.0])
    if abs(solver / together - 1) > 1e-6:
        return Outcome("undecided", f"the solver says {solver:.6g}, not {together}")
    found = f"alone L = {alone} is enough, together it takes L = {together}"
    return decide(alone < 10 < together, found, found)


# The price ----------------------------------------------------------------------------------------------------------


@check(
    "thm-5.3",
    "Errors e_k of a map with weights w_k (sum 1): Σ w_k e_k² − (Σ w_k e_k)² = ½ Σ_jk w_j w_k (e_j − e_k)²",
    form="stronger",
    evidence="symbolic",
    control={"factor": 1},
)
def lagrange_identity(factor: sp.Expr = _HALF) -> Outcome:
    """Split the double sum for a symbolic number of inputs; coordinates add up, so this covers every dimension."""
    j, k, n = sp.symbols("j k n", integer=True, positive=True)
    w, e = sp.IndexedBase("w"), sp.IndexedBase("e")

    def double(term: sp.Expr) -> sp.Sum:
        return sp.Sum(term, (j, 1, n), (k, 1, n))

    # Σ_jk w_j w_k e_j² = Σ_k w_k · Σ_j w_j e_j², and the first factor is 1.
    squares = double(w[j] * w[k] * e[j] ** 2) / 2 + double(w[j] * w[k] * e[k] ** 2) / 2
    left = squares - double(w[j] * w[k] * e[j] * e[k])
    rest = sp.expand(linear(left) - linear(double(factor * w[j] * w[k] * (e[j] - e[k]) ** 2)))
    return decide(rest == 0, "for every number of inputs and every dimension", f"left over: {rest}")


@check(
    "thm-5.3",
    "For two inputs: the errors of an L-Lipschitz map differ by at least ‖m_j − m_k‖ − L‖x_j − x_k‖",
    form="stronger",
    evidence="solver",
    control={"without_slope": True},
)
def each_pair_pays(without_slope: bool = False) -> Outcome:
    """Write m_j − m_k = (v_j − v_k) − (e_j − e_k) and use the triangle inequality for the three lengths."""
    wanted, given, errors, apart = z3.Reals("wanted given errors apart")
    hypotheses = [wanted >= 0, given >= 0, errors >= 0, apart >= 0, _slope >= 0, given <= _slope * apart]
    sides = [wanted <= given + errors, given <= wanted + errors, errors <= wanted + given]
    least = wanted if without_slope else wanted - _slope * apart
    story = "means {wanted} apart, answers {given} apart, errors {errors} apart"
    return prove([*hypotheses, *sides], errors >= least, "any norm, any pair of inputs", story)


@check(
    "thm-5.3",
    "For two inputs the bound w₁w₂(‖m₁ − m₂‖ − L‖x₁ − x₂‖)₊² is a lower bound, and it is reached",
    form="stronger",
    evidence="solver",
    control={"share": 2},
)
def two_inputs_are_exact(share: int = 1) -> Outcome:
    """Let e₁, e₂ be the lengths of the errors, at least `short` together; the best split is w₂ : w₁."""
    w, e1, e2, short = z3.Reals("w e1 e2 short")
    loss, bound = w * e1 * e1 + (1 - w) * e2 * e2, share * w * (1 - w) * short * short
    f1, f2 = (1 - w) * short, w * short
    reached = z3.And(f1 + f2 == short, w * f1 * f1 + (1 - w) * f2 * f2 == bound)
    hypotheses = [w > 0, w < 1, e1 >= 0, e2 >= 0, short >= 0, e1 + e2 >= short]
    story = "weights {w} and the rest, errors {e1} and {e2}, short by {short}"
    return prove(hypotheses, z3.And(loss >= bound, reached), "for all weights and all distances", story)


def _random_questions(rng: np.random.Generator, kappa: float | None = None) -> Questions:
    """Draw weights, targets and inputs; the inputs are proportional to the targets if κ is given."""
    n, d = int(rng.integers(2, 7)), int(rng.integers(1, 4))
    targets, weights = 3 * rng.normal(size=(n, d)), rng.dirichlet(np.full(n, 2.0))
    if kappa is None:
        return Questions(rng.normal(size=(n, 2)), targets, weights)
    turn = np.linalg.qr(rng.normal(size=(d + 1, d)))[0]  # distances stay under an isometry
    return Questions(targets @ turn.T / kappa, targets, weights)


@check(
    "thm-5.3",
    "No L-Lipschitz answers have a smaller excess loss than ½ Σ_jk w_j w_k (‖m_j − m_k‖ − L‖x_j − x_k‖)₊²",
    form="stronger",
    evidence="property",
    control={"factor": 1.5},
)
def price_is_a_lower_bound(factor: float = 1.0, cases: int = 60) -> Outcome:
    """Compare with the least excess that the solver finds, which a dual bound certifies."""
    rng, tightest, gap = np.random.default_rng(3), np.inf, 0.0
    for _ in range(cases):
        asked = _random_questions(rng)
        slope = float(rng.uniform(0.05, 0.9)) * least_slope(asked.inputs, asked.targets)
        best, bound = best_outputs(asked, slope), factor * float(price_bound(asked, slope))
        if best.excess < bound - 1e-8 * asked.spread:
            return fails(f"{len(asked.weights)} inputs, L = {slope:.3g}: excess {best.excess:.6g}, below {bound:.6g}")
        tightest, gap = min(tightest, best.excess / bound), max(gap, best.gap / asked.spread)
    return holds(f"{cases} problems: least excess at least {tightest:.4f} bounds; duality gap at most {gap:.0e}")


@check(
    "thm-5.3",
    "If hints are proportional to means, ‖m_j − m_k‖ = κ‖x_j − x_k‖, the least excess is the share (1 − L/κ)² of the "
    "spread, and the best answers go the share L/κ of the way from the mean",
    form="stronger",
    evidence="property",
    control={"power": 1},
)
def proportional_hints_are_exact(power: int = 2, cases: int = 40) -> Outcome:
    """Compare formula, general bound and numerical optimum, and the outputs with the shrunken targets."""
    rng, worst = np.random.default_rng(4), 0.0
    for _ in range(cases):
        kappa, share = float(10 ** rng.uniform(-1, 1)), float(rng.uniform(0.05, 1.2))
        asked = _random_questions(rng, kappa)
        best = best_outputs(asked, share * kappa)
        formula = max(0.0, 1 - share) ** power * asked.spread
        if power == 2:
            formula = float(proportional_excess(asked.spread, share * kappa, proportion(asked) or np.nan))
        shrunk = asked.mean + min(1.0, share) * (asked.targets - asked.mean)
        gaps = (best.excess - formula, float(price_bound(asked, share * kappa)) - formula)
        off = max(*np.abs(gaps), float(asked.excess(best.outputs + asked.targets - shrunk))) / asked.spread
        if off > 1e-7:
            return fails(f"L/κ = {share:.3f}: the least excess is {best.excess:.6g}, the formula says {formula:.6g}")
        worst = max(worst, off)
    return holds(f"{cases} problems with 2 to 6 inputs: formula, bound and optimum agree to {worst:.0e}")


@check(
    "thm-5.3",
    "An L-Lipschitz estimator that answers E at X has excess loss at least (r − L‖δ_k‖)₊² at X + δ_k",
    form="stronger",
    evidence="solver",
    control={"linear": True},
)
def pinned_excess(linear: bool = False) -> Outcome:
    """Let the answer v be nv ≤ reach away from E; b is the inner product with μ_k − E."""
    nv, b = z3.Reals("nv b")
    hypotheses = [nv >= 0, _r >= 0, _reach >= 0, nv <= _reach, b <= nv * _r, b >= -nv * _r, _r >= _reach]
    least = (_r - _reach) * (_r + _reach) if linear else (_r - _reach) * (_r - _reach)
    story = "r = {r}, reach = {reach}, an answer {nv} away from E"
    return prove(hypotheses, nv * nv - 2 * b + _r * _r >= least, "in every dimension", story)


@check(
    "thm-5.3",
    "With hints proportional to means and L ≤ κ, the answer at X is E even if no question is asked there",
    form="stronger",
    evidence="symbolic",
    control={"balanced": False},
)
def answer_at_x_is_forced(balanced: bool = True) -> Outcome:
    """Add up ‖y − d_i‖² ≤ ‖d_i‖² with the weights p_i, where Σ p_i d_i = 0: what remains is ‖y‖² ≤ 0.

    Here y = v₀ − E, and d_i = (L/κ)(μ_i − E) is the best answer at hint i, seen from E (one coordinate).
    """
    i, n = sp.symbols("i n", integer=True, positive=True)
    p, d, y = sp.IndexedBase("p"), sp.IndexedBase("d"), sp.Symbol("y")

    def total(term: sp.Expr) -> sp.Sum:
        return sp.Sum(term, (i, 1, n))

    known = {total(p[i]): 1} | ({total(p[i] * d[i]): 0} if balanced else {})
    left = sp.expand(linear(total(p[i] * (y - d[i]) ** 2) - total(p[i] * d[i] ** 2)).subs(known))
    return decide(left == y**2, "the sum is y², for every number of states", f"the sum is {left}")
