"""Checks of Lemma B.1: the mean as the optimum under the quadratic loss, and its printed derivation.

In the solver checks nv, nm stand for the norms of an output v and of the mean m, and b for their inner product.
They are tied by |b| <= nv nm only, so a proof holds in every dimension.
"""

from __future__ import annotations

import sympy as sp
import z3
from sympy.stats import Expectation
from sympy.stats.rv import RandomMatrixSymbol

from hallucination.checks import Outcome, check, decide, fails
from hallucination.checks.preliminaries import loss_at, plain, target_with
from hallucination.checks.prover import prove

_v = sp.Symbol("v", real=True)


def mean_gap(factor: int = 1) -> sp.Expr:
    """E‖V − A‖² − E‖M − A‖² − factor·‖V − M‖² with M = E[A]: any law, any dimension, as a 1×1 matrix."""
    d = sp.Symbol("d", integer=True, positive=True)
    A, V, M = RandomMatrixSymbol("A", d, 1), sp.MatrixSymbol("V", d, 1), sp.MatrixSymbol("M", d, 1)

    def loss(v: sp.MatrixSymbol) -> sp.Expr:
        expanded = Expectation((v - A).T * (v - A)).expand()
        return expanded.subs({Expectation(A): M, Expectation(A.T): M.T})

    return (loss(V) - loss(M) - factor * (V - M).T * (V - M)).expand().doit()


def vanishes(gap: sp.MatrixExpr) -> bool | None:
    """Tell whether a 1×1 matrix expression in V, M is zero; None if neither algebra nor one example decides."""
    if gap == sp.ZeroMatrix(1, 1):
        return True
    d, one, three = sp.Symbol("d", integer=True, positive=True), sp.Matrix([[1]]), sp.Matrix([[3]])
    example = gap.subs(d, 1).subs({sp.MatrixSymbol("V", 1, 1): three, sp.MatrixSymbol("M", 1, 1): one}).doit()
    return None if example == sp.zeros(1, 1) else False


@check(
    "lem-B.1",
    "With a second moment, the loss at v exceeds the loss at the mean by the squared distance",
    form="repaired",
    evidence="symbolic",
    control={"factor": 2},
)
def loss_splits(factor: int = 1) -> Outcome:
    """Expand the law-free expectation in symbolic dimension."""
    gap = mean_gap(factor)
    return decide(vanishes(gap), "identity for every law and every dimension", f"left over: {gap}")


@check(
    "lem-B.1",
    "If the target has a second moment, the mean is the only minimiser",
    name="only-minimiser-with-second-moment",
    form="repaired",
    evidence="symbolic",
    statement={"target": "second moment"},
    control={"target": "mean"},
)
@check(
    "lem-B.1",
    "The mean is the only minimiser for every target that has a mean",
    name="only-minimiser-for-every-target",
    form="printed",
    evidence="symbolic",
    statement={"target": "mean"},
    control={"target": "nothing"},
)
def mean_is_only_minimiser(target: str) -> Outcome:
    """Decide whether the mean is the only stationary point of a strictly convex loss (one coordinate)."""
    law = target_with(target)
    loss = loss_at(_v, law)
    if loss is sp.oo:
        where = "at every output" if law.first is sp.oo else f"at the mean {law.first}, and at v = 7 too"
        return fails(f"{law.name}: the loss is infinite {where}")
    stationary, bend = sp.solve(sp.diff(loss, _v), _v), sp.diff(loss, _v, 2)
    found = f"loss {plain(loss)}, second derivative {bend}, gradient zero at {', '.join(map(str, stationary))} only"
    return decide(bool(bend.is_positive) and stationary == [law.first], found, found)


_nv, _nm, _b = z3.Reals("nv nm b")
_cauchy = [_nv >= 0, _nm >= 0, _b <= _nv * _nm, _b >= -_nv * _nm]
_gap = _nv * _nv - 2 * _b + _nm * _nm  # ‖v − m‖²


@check(
    "lem-B.1",
    "‖v − m‖² is never negative, and zero only at v = m",
    form="repaired",
    evidence="solver",
    control={"cauchy_schwarz": False},
)
def no_other_minimiser(cauchy_schwarz: bool = True) -> Outcome:
    """Uniqueness from the norms and the inner product alone, hence in every dimension."""
    hypotheses = _cauchy if cauchy_schwarz else _cauchy[:2]
    same = z3.And(_nv == _nm, _b == _nv * _nm)
    return prove(hypotheses, z3.And(_gap >= 0, z3.Implies(_gap == 0, same)), "for all v, m in every dimension")


@check(
    "lem-B.1",
    "An output within ε of the mean is one whose loss is within ε² of the least",
    form="stronger",
    evidence="solver",
    control={"power": 1},
)
def excess_loss_is_squared_distance(power: int = 2) -> Outcome:
    """Translate distance into excess loss; `second` stands for E‖A‖²."""
    eps, second = z3.Reals("eps second")
    loss_v, loss_m = _nv * _nv - 2 * _b + second, second - _nm * _nm
    allowed = eps * eps if power == 2 else eps
    goal = (_gap <= eps * eps) == (loss_v - loss_m <= allowed)
    return prove([*_cauchy, eps >= 0], goal, "for all ε, v and every law with a second moment")


@check(
    "lem-B.1",
    "Among admissible answers the best are those nearest to the mean",
    form="stronger",
    evidence="solver",
    control={"centre": "origin"},
)
def nearest_answer_is_best(centre: str = "mean") -> Outcome:
    """Compare two answers v, w by loss and by distance to `centre`."""
    nw, c, second = z3.Reals("nw c second")
    loss_v, loss_w = _nv * _nv - 2 * _b + second, nw * nw - 2 * c + second
    far_w = nw * nw - 2 * c + _nm * _nm
    nearer = _gap <= far_w if centre == "mean" else _nv <= nw
    hypotheses = [*_cauchy, nw >= 0, c <= nw * _nm, c >= -nw * _nm]
    return prove(hypotheses, (loss_v <= loss_w) == nearer, "for all pairs of answers in every dimension")


@check(
    "lem-B.1",
    "If the second derivative is positive too, a minimiser exists, and it is that point",
    name="stationary-and-convex",
    part="proof",
    form="repaired",
    evidence="solver",
    statement={"premise": "convex"},
    control={"premise": "one stationary point"},
)
@check(
    "lem-B.1",
    "That only one point has zero gradient shows that a minimiser exists",
    name="stationary-only",
    part="proof",
    form="printed",
    evidence="solver",
    statement={"premise": "one stationary point"},
    control={"premise": "concave"},
)
def stationary_point_is_minimum(premise: str) -> Outcome:
    """Decide whether the one stationary point m of the loss k(v − m)² + c is its minimum."""
    k, c, m, v = z3.Reals("k c m v")
    assumed = {"convex": k > 0, "one stationary point": k != 0, "concave": k < 0}[premise]
    story = "a parabola with second derivative 2·({k}): its gradient is zero at v = {m} only, and it has no minimum"
    return prove([assumed], k * (v - m) * (v - m) + c >= c, "for all v, m and every constant", story)


@check(
    "lem-B.1",
    "Setting v minus the integral of a f(a) to zero gives the mean",
    name="last-line-with-a",
    part="proof",
    form="repaired",
    evidence="symbolic",
    statement={"integrand": "a"},
    control={"integrand": "A(X)"},
)
@check(
    "lem-B.1",
    "Setting v minus the integral of A(X) f(a) to zero gives the mean",
    name="last-line-with-random-target",
    part="proof",
    form="printed",
    evidence="symbolic",
    statement={"integrand": "A(X)"},
    control={"integrand": "a squared"},
)
def last_line_gives_the_mean(integrand: str) -> Outcome:
    """Solve 2v − 2∫ integrand·f(a) da = 0 for v, with f normal of symbolic mean and width."""
    m, s, a, target = sp.Symbol("m", real=True), sp.Symbol("s", positive=True), sp.Symbol("a"), sp.Symbol("A(X)")
    density = sp.exp(-((a - m) ** 2) / (2 * s**2)) / (s * sp.sqrt(2 * sp.pi))
    inside = {"a": a, "A(X)": target, "a squared": a**2}[integrand]
    integral = sp.integrate(inside * density, (a, -sp.oo, sp.oo))
    solution = sp.solve(2 * _v - 2 * integral, _v)[0]
    return decide((solution - m).equals(0), f"v = {solution}", f"v = {plain(solution)}, not the mean m")


@check(
    "lem-B.1",
    "Gradient and integral may be exchanged: for steps up to length 1 the difference quotients have an integrable "
    "majorant",
    part="proof",
    form="repaired",
    evidence="solver",
    control={"uses_norm_of_a": False},
)
def gradient_under_the_integral(uses_norm_of_a: bool = True) -> Outcome:
    """Bound | ‖v+h−a‖² − ‖v−a‖² | / ‖h‖ for ‖h‖ <= 1 by 2(‖v‖ + ‖a‖ + 1), which has a finite mean."""
    h, nv, na, gap, inner = z3.Reals("h nv na gap inner")  # gap = ‖v − a‖, inner = <h, v − a>
    geometry = [nv >= 0, na >= 0, gap >= 0, gap <= nv + na, inner <= h * gap, inner >= -h * gap]
    change = 2 * inner + h * h
    bound = h * 2 * (nv + 1 + (na if uses_norm_of_a else 0))
    return prove([*geometry, h > 0, h <= 1], z3.And(change <= bound, -change <= bound), "for all v, a and steps h")
