"""Checks of Definition C.1 and of the statement of Theorem C.1; the printed proof stands in its own module.

The printed laws leave the simplex whatever their variance, so no small correction mends the printed proof. What
repairs the theorem is another construction, and it is registered here, with the statement.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import numpy as np
import sympy as sp
import z3

from hallucination.checks import Outcome, check, decide, fails, holds
from hallucination.checks.enclosures import HALF, HUNDREDTH
from hallucination.checks.prover import prove
from hallucination.checks.sums import a, linear, over_states, p
from hallucination.mixtures import Mixture
from hallucination.regions import delta_hallucinates
from hallucination.simplex import CornerUniform, admissible_h, corner_uniform, smallest_kappa
from hallucination.states import Discrete

TINY = 1e-300

# Definition C.1 -----------------------------------------------------------------------------------------------------


@check(
    "def-C.1",
    "With 0 · log 0 = 0, the limit, the cross-entropy has a value in [0, ∞] for all probability vectors",
    name="value-with-convention",
    form="repaired",
    evidence="exact",
    statement={"zero_log_zero": "0"},
    control={"zero_log_zero": "1"},
)
@check(
    "def-C.1",
    "The displayed sum has a value for all probability vectors q and p",
    name="value-as-displayed",
    form="printed",
    evidence="exact",
    statement={"zero_log_zero": "as computed"},
    control={"zero_log_zero": "1"},
)
def loss_has_a_value(zero_log_zero: str) -> Outcome:
    """Evaluate −q log p term by term for vectors in quarters; where q = 0 the value must be that for p → 0."""
    y = sp.Symbol("y", positive=True)
    limit = sp.limit(-sp.Integer(0) * sp.log(y), y, 0, "+")
    at_zero = {"as computed": sp.Integer(0) * sp.log(0), "0": sp.Integer(0), "1": sp.Integer(1)}[zero_log_zero]
    vectors = [v for v in product(range(5), repeat=3) if sum(v) == 4]
    for q, prediction in product(vectors, vectors):
        if (0, 0) in zip(q, prediction, strict=True) and at_zero != limit:
            written = [", ".join(str(Fraction(k, 4)) for k in v) for v in (q, prediction)]
            value = "undefined" if at_zero is sp.nan else at_zero
            return fails(f"q = ({written[0]}), p = ({written[1]}): the term 0 · log 0 is {value}, its limit {limit}")
    return holds(f"{len(vectors) ** 2} pairs of vectors with three entries; the limit of −0 · log p is {limit}")


@check(
    "def-C.1",
    "Every Bregman loss has the mean of the targets as its optimum; squared distance is one, and cross-entropy is "
    "one up to a term without the prediction",
    form="stronger",
    evidence="symbolic",
    control={"slope": 2},
)
def bregman_losses_share_the_optimum(slope: int = 1) -> Outcome:
    """Show E D(q, v) − E D(q, m) = D(m, v) for D(q, v) = φ(q) − φ(v) − φ'(v)(q − v), any φ, N and weights."""
    v, m = sp.symbols("v m", real=True)
    phi, derivative = sp.Function("phi"), sp.Function("dphi")
    q, w = a[sp.Symbol("i", integer=True, positive=True)], p[sp.Symbol("i", integer=True, positive=True)]

    def bregman(first: sp.Expr, second: sp.Expr) -> sp.Expr:
        return phi(first) - phi(second) - slope * derivative(second) * (first - second)

    def expected(second: sp.Expr) -> sp.Expr:
        return linear(over_states(w * bregman(q, second))).subs({over_states(w): 1, over_states(w * q): m})

    rest = sp.expand(expected(v) - expected(m) - (phi(m) - phi(v) - derivative(v) * (m - v)))
    found = "E D(q, v) − E D(q, m) = D(m, v) ≥ 0 for every convex φ, number of states and weights"
    return decide(rest == 0, found, f"left over: {rest}")


# Theorem C.1: the statement -----------------------------------------------------------------------------------------


@check(
    "thm-C.1",
    "Target vectors on the simplex have a density in their first C − 1 entries",
    name="density-in-free-coordinates",
    form="repaired",
    evidence="symbolic",
    statement={"coordinates": "all but the last"},
    control={"coordinates": "all"},
)
@check(
    "thm-C.1",
    "Target vectors with C entries have a density on ℝ^C, as Definition 4.2 needs",
    name="density-in-all-coordinates",
    form="printed",
    evidence="symbolic",
    statement={"coordinates": "all"},
    control={"coordinates": "all, and their sum"},
)
def simplex_has_volume(coordinates: str) -> Outcome:
    """Take the volume of the simplex, thickened by w in each coordinate that the others fix, for w → 0."""
    n, x, w = sp.Symbol("n", integer=True, positive=True), sp.Symbol("x"), sp.Symbol("w", positive=True)
    if sp.simplify(sp.integrate((1 - x) ** n, (x, 0, 1)) - 1 / (n + 1)) != 0:  # step of V_n = 1/n!, n -> n + 1
        return Outcome("undecided", "SymPy could not integrate a slice")
    fixed = {"all but the last": 0, "all": 1, "all, and their sum": 2}[coordinates]
    volume = sp.limit((2 * w) ** fixed / sp.factorial(n), w, 0)
    written = "1/(C − 1)!" if volume.is_positive else str(volume)
    found = f"the simplex has volume {written} in these coordinates, for every C"
    return decide(bool(volume.is_positive), found, f"{found}: no law on it has a density there")


@check(
    "thm-C.1",
    "Corner-uniform states of admissible size: the optimum lies in no corner, so it hallucinates for every δ",
    form="repaired",
    evidence="solver",
    control={"admissible": False},
)
def optimum_lies_in_no_corner(admissible: bool = True) -> Outcome:
    """Compare p_X(i) = (1 − h) p_i + h/C with the edge 1 − h of the corner, with the library's admissible sizes."""
    h, weight, heaviest, classes = z3.Reals("h p_i p_max C")
    ranges = [h > 0, h < 1, classes >= 2, weight > 0, weight <= heaviest, heaviest < 1]
    limit = [h < admissible_h(heaviest, classes)] if admissible else []
    story = "C = {C}, p_i = {p_i}, h = {h}: the optimum lies in corner i"
    return prove([*ranges, *limit], (1 - h) * weight + h / classes < 1 - h, "for all weights, h, N and C", story)


@check(
    "thm-C.1",
    "Corner-uniform states are not vacuous: every target of theirs has density above 1, and so above δ",
    form="repaired",
    evidence="solver",
    control={"below_one": False},
)
def corners_are_dense(below_one: bool = True) -> Outcome:
    """Induct over C for the density (C − 1)! h^(−(C−1)): 1/h at C = 2, then times C/h."""
    h, density, classes = z3.Reals("h density C")
    size = [h > 0, h < 1] if below_one else [h > 0]
    goal = z3.And(1 / h > 1, density * classes / h > 1)
    return prove([*size, density > 1, classes >= 2], goal, "for every C ≥ 2 and 0 < h < 1 (induction)")


@check(
    "thm-C.1",
    "The library's corner-uniform target hallucinates at its optimum, and its own draws never do",
    form="repaired",
    evidence="property",
    control={"share": 1.001},
)
def corner_targets_behave(share: float = 0.999) -> Outcome:
    """Ask the library for random weights, N ≤ C, and corners of this share of the admissible size."""
    rng = np.random.default_rng(0)
    for case in range(60):
        states = int(rng.integers(2, 7))
        classes = states + int(rng.integers(0, 30))
        weights = rng.dirichlet(np.ones(states))
        h = share * float(admissible_h(float(weights.max()), classes))
        target = corner_uniform(weights, classes, h)
        if not delta_hallucinates(target, target.mean, TINY):
            return fails(f"N = {states}, C = {classes}, case {case}: the optimum lies in a corner (h = {h:.4g})")
        if delta_hallucinates(target, target.sample(rng, 20), 1.0).any():
            return fails(f"N = {states}, C = {classes}, case {case}: a draw hallucinates")
    return holds("60 random targets with 20 draws each; optimum at δ = 1e-300, draws at δ = 1")


@check(
    "thm-C.1",
    "More states than classes are no obstacle: three states in two classes, two of them in one corner",
    form="stronger",
    evidence="exact",
    statement={"corners": (0, 0, 1)},
    control={"corners": (0, 0, 0)},
)
def states_may_share_a_corner(corners: tuple[int, ...]) -> Outcome:
    """Put three states of weights 1/4, 1/4, 1/2 in these corners and ask the library about the optimum."""
    target = Mixture([0.25, 0.25, 0.5], [CornerUniform(i, 2, 0.25) for i in corners])
    found = f"corners {', '.join(str(i + 1) for i in corners)}, h = 1/4: optimum ({target.mean[0]}, {target.mean[1]})"
    return decide(bool(delta_hallucinates(target, target.mean, TINY)), found, f"{found} lies in a corner")


@check(
    "thm-C.1",
    "The Dirichlet states have density κ(κ+1)…(κ+C−2) q_i^(κ−1) and mean κ/(κ+C−1) at i",
    form="stronger",
    evidence="symbolic",
    control={"slice_power": 1},
)
def dirichlet_density_and_mean(slice_power: int = 2) -> Outcome:
    """Integrate the density over q_i by Beta integrals; the slice at q_i has volume (1 − q_i)^(C−2)/(C−2)!."""
    k, n = sp.symbols("kappa n", positive=True)  # n = C − 1
    rising, power = sp.gamma(k + n) / sp.gamma(k), n - slice_power + 1  # power of 1 − q_i
    beta = [sp.beta(k + r, power + 1).rewrite(sp.gamma) for r in (0, 1)]  # ∫ q^(κ−1+r) (1 − q)^power dq
    mass, mean = (sp.gammasimp(rising / sp.gamma(n) * integral) for integral in beta)
    right = sp.simplify(mass - 1) == 0 and sp.simplify(mean - k / (k + n)) == 0
    return decide(bool(right), "mass 1 and mean κ/(κ + C − 1), for symbolic κ and C", f"mass {mass}, n = C − 1")


@check(
    "thm-C.1",
    "The inequality by which f_i(p_X) of the Dirichlet states falls with κ for ever, once it is below 1: "
    "ln(1 + x) − x/(1 + x) ≥ x²/((1 + x)(2 + x)), where x = κ − 1",
    form="stronger",
    evidence="symbolic",
    control={"factor": 2},
)
def density_at_optimum_falls(factor: int = 1) -> Outcome:
    """Show ln(1+x) − x/(1+x) ≥ x²/((1+x)(2+x)) for x = κ − 1 > 0; see the proof in the chapter."""
    x = sp.Symbol("x", positive=True)
    gap = sp.log(1 + x) - factor * x / (1 + x) - x**2 / ((1 + x) * (2 + x))
    slope = sp.factor(sp.diff(gap, x))
    found = f"the gap is {gap.subs(x, 0)} at κ = 1, its slope in x = κ − 1 is {str(slope).replace('**', '^')}"
    return decide(bool(gap.subs(x, 0) == 0 and slope.is_positive), found, found)


CASES = ((2, 2, HUNDREDTH), (3, 5, Fraction(1, 1000)), (4, 10, Fraction(1, 10**6)), (7, 40, HALF))


@check(
    "thm-C.1",
    "At the library's smallest κ the optimum of the Dirichlet states hallucinates, at κ − 1 it does not (four cases)",
    form="stronger",
    evidence="exact",
    control={"shift": -1},
)
def smallest_kappa_is_smallest(shift: int = 0) -> Outcome:
    """Evaluate f_i(p_X) in whole numbers at κ and at κ − 1, with equal weights."""
    found = []
    for states, classes, delta in CASES:
        kappa = smallest_kappa(Fraction(1, states), classes, delta) + shift
        here, before = (_dirichlet_at_optimum(k, Fraction(1, states), classes) for k in (kappa, kappa - 1))
        if not here <= delta < before:
            return fails(f"N = {states}, C = {classes}, δ = {delta}, κ = {kappa}: density {float(here):.3g}")
        found.append(f"κ = {kappa} for N = {states}, C = {classes}, δ = {delta}")
    return holds("; ".join(found))


def _dirichlet_at_optimum(kappa: int, weight: Fraction, classes: int) -> Fraction:
    rising = Fraction(1)
    for k in range(kappa, kappa + classes - 1):
        rising *= k
    return rising * ((weight * (kappa - 1) + 1) / (kappa + classes - 1)) ** (kappa - 1)


@check(
    "thm-C.1",
    "If the excess cross-entropy is below 2s², with s the room to the nearest corner, the output still hallucinates",
    form="stronger",
    evidence="solver",
    control={"factor": 3},
)
def semi_optimal_outputs_hallucinate(factor: int = 2) -> Outcome:
    """Use Pinsker's inequality, excess ≥ ‖p' − p_X‖₁²/2; one entry rises by at most half of ‖p' − p_X‖₁."""
    excess, total, rise, room = z3.Reals("excess total rise room")
    pinsker = [2 * excess >= total * total, total >= 0, 2 * rise <= total]
    story = "room {room}: with excess {excess} an entry may rise by {rise}"
    return prove([*pinsker, room > 0, excess < factor * room * room], rise < room, "for all outputs, N and C", story)


@check(
    "thm-C.1",
    "With one-hot targets every optimum that is not sure of one class hallucinates, whatever δ",
    form="stronger",
    evidence="exact",
    control={"with_certain_targets": True},
)
def one_hot_targets_say_nothing(with_certain_targets: bool = False) -> Outcome:
    """Take states in tenths over three classes, two states of equal weight, and ask the library."""
    rows = [r for r in product(range(0, 11, 2), repeat=3) if sum(r) == 10]
    cases = 0
    for first, second in product(rows, rows):
        sure = max(x + y for x, y in zip(first, second, strict=True)) == 20
        if sure and not with_certain_targets:
            continue
        target = Mixture([0.5, 0.5], [_one_hot(first), _one_hot(second)])
        if not delta_hallucinates(target, target.mean, TINY):
            return fails(
                f"both states are sure of {', '.join(str(k // 10) for k in first)}: the optimum is the target"
            )
        cases += 1
    return holds(f"{cases} pairs of states: the optimum is no target, its probability is 0")


def _one_hot(tenths: tuple[int, ...]) -> Discrete:
    masses = np.array(tenths) / 10
    return Discrete(np.eye(3)[masses > 0], masses[masses > 0])
