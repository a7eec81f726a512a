"""Checks of the printed proof of Theorem C.1, line by line: the risk, its optimum, the target laws.

The chain of bounds at its end is in `cross_entropy_bounds`.  The printed laws leave the simplex for every variance:
there is no small repair of the whole, and what mends single lines is registered as stronger.  The construction that
replaces it is in `cross_entropy`.
"""

from __future__ import annotations

import sympy as sp
import z3

from hallucination.checks import Outcome, check, decide
from hallucination.checks.enclosures import certain, normal_mass
from hallucination.checks.prover import prove

# The optimum --------------------------------------------------------------------------------------------------------


@check(
    "thm-C.1",
    "The third line of the risk follows, with p(a) in the integral",
    name="risk-with-weight",
    part="proof",
    form="stronger",
    evidence="symbolic",
    statement={"weight": "p(a)"},
    control={"weight": "p(a)²"},
)
@check(
    "thm-C.1",
    "The third line of the risk, an integral without p(a), is the expectation of the fourth",
    name="risk-without-weight",
    part="proof",
    form="printed",
    evidence="symbolic",
    statement={"weight": "1"},
    control={"weight": "p(a)²"},
)
def risk_line_is_the_expectation(weight: str) -> Outcome:
    """Take a in [0, 1] with density 2a, and targets (a^k, 1 − a^k) for symbolic k > 0."""
    a, k = sp.Symbol("a", positive=True), sp.Symbol("k", positive=True)
    density = 2 * a
    factor = {"p(a)": density, "1": sp.Integer(1), "p(a)²": density**2}[weight]
    line, expectation = (sp.simplify(sp.integrate(w * a**k, (a, 0, 1))) for w in (factor, density))
    found = f"q = (a, 1 − a), p(a) = 2a: line 3 gives {line.subs(k, 1)}, the expectation is {expectation.subs(k, 1)}"
    return decide(bool(sp.simplify(line - expectation) == 0), "p(a) = 2a, q = (a^k, 1 − a^k), all k > 0", found)


@check(
    "thm-C.1",
    "ln x ≤ x − 1, with equality at x = 1 only (Gibbs' inequality for one class)",
    part="proof",
    form="printed",
    evidence="symbolic",
    control={"slope": 2},
)
def logarithm_lies_below_its_tangent(slope: int = 1) -> Outcome:
    """Show that slope·(x − 1) − ln x is strictly convex with its minimum 0 at x = 1."""
    x = sp.Symbol("x", positive=True)
    gap = slope * (x - 1) - sp.log(x)
    lowest = sp.solve(sp.diff(gap, x), x)
    least = gap.subs(x, lowest[0])
    found = f"x − 1 − ln x has its only stationary point at x = {lowest[0]}, and its second derivative is positive"
    found = found if slope == 1 else f"slope {slope}, minimum at x = {lowest[0]}"
    return decide(bool(sp.diff(gap, x, 2).is_positive and least == 0), found, f"{found}: the gap there is {least}")


@check(
    "thm-C.1",
    "On the simplex p_X = E[q] is the only minimiser of the cross-entropy risk",
    part="proof",
    form="printed",
    evidence="solver",
    control={"sums_to_one": False},
)
def gibbs_for_every_number_of_classes(sums_to_one: bool = True) -> Outcome:
    """Induct over classes: excess ≥ Σ(q̄ − p), strictly if some entry differs; add one class with log-ratio y.

    y stands for ln(p/q̄), of which only ln x ≤ x − 1 is used, strict away from x = 1; a class with q̄ = 0 adds nothing.
    """
    excess, sum_q, sum_p, q, p, y = z3.Reals("excess sum_q sum_p q p y")
    differ = z3.Bool("differ")
    so_far = [excess >= sum_q - sum_p, z3.Implies(differ, excess > sum_q - sum_p)]
    tangent = [q >= 0, p >= 0, z3.Implies(q > 0, z3.And(p > 0, q * y <= p - q)),
               z3.Implies(z3.And(q > 0, p != q), q * y < p - q)]  # fmt: skip
    after = excess - z3.If(q > 0, q * y, z3.RealVal(0))
    step = z3.And(after >= sum_q + q - sum_p - p, z3.Implies(z3.Or(differ, p != q), after > sum_q + q - sum_p - p))
    totals = [sum_q + q == 1, sum_p + p == 1] if sums_to_one else [sum_q + q == 1]
    end = z3.Implies(z3.And(*totals), z3.And(after >= 0, z3.Implies(z3.Or(differ, p != q), after > 0)))
    return prove([*so_far, *tangent], z3.And(step, end), "for every C (induction over the classes)")


@check(
    "thm-C.1",
    "For N = C the Gaussian targets have a risk at p_X, ln N",
    name="gaussian-risk-with-as-many-states",
    part="proof",
    form="stronger",
    evidence="exact",
    statement={"states": 3, "classes": 3},
    control={"states": 3, "classes": 4},
)
@check(
    "thm-C.1",
    "The Gaussian targets have a risk at p_X, so that p_X can minimise it (N = 2 states, C = 3 classes)",
    name="gaussian-risk-with-fewer-states",
    part="proof",
    form="printed",
    evidence="exact",
    statement={"states": 2, "classes": 3},
    control={"states": 2, "classes": 4},
)
def gaussian_risk_exists(states: int, classes: int) -> Outcome:
    """Add up −E[q_t] ln p_X(t), each split into the parts with q_t > 0 and q_t < 0, in extended real numbers.

    Given state i, q_t is normal around 1 or 0, so both parts of it have positive, finite means.
    """
    above, below = sp.symbols("E_plus E_minus", positive=True)
    total = sp.Integer(0)
    for t in range(classes):
        if t < states:
            total += sp.Rational(1, states) * sp.log(states)
        else:
            total += above * sp.oo - below * sp.oo
    found = f"N = {states}, C = {classes}: the risk at p_X is {'∞ − ∞' if total is sp.nan else f'ln {sp.exp(total)}'}"
    return decide(total is not sp.nan, found, f"{found}, since p_X(t) = 0 for t > N but q(t) takes both signs")


# The construction ---------------------------------------------------------------------------------------------------


@check(
    "thm-C.1",
    "Corner-uniform targets are probability vectors",
    name="corner-targets-on-the-simplex",
    part="proof",
    form="stronger",
    evidence="solver",
    statement={"law": "corner"},
    control={"law": "corner, h above 1"},
)
@check(
    "thm-C.1",
    "The targets drawn from N(e_i, d I) are probability vectors",
    name="gaussian-targets-on-the-simplex",
    part="proof",
    form="printed",
    evidence="interval",
    statement={"law": "normal"},
    control={"law": "corner, h above 1"},
)
def targets_are_probability_vectors(law: str) -> Outcome:
    """Bound the entries of a draw: (1 − h) + h W_i and h W_t for the corners, 1 + z √d for the normal law."""
    if law == "normal":
        above = normal_mass(0, 40)  # entry i is 1 + z √d: above 1 if z > 0, whatever d is
        found = f"entry i of N(e_i, d I) exceeds 1 with probability {float(above.mid()):.3g}, for every d"
        return decide(certain(bool(above <= 0), bool(above > 0)), found, found)
    h, own, other = z3.Reals("h W_i W_t")
    size = [h > 0, h < 1] if law == "corner" else [h > 1]
    first = (1 - h) + h * own
    goal = z3.And(first >= 0, first <= 1, h * other >= 0, h * other <= 1)
    story = "h = {h}, W_i = {W_i}, W_t = {W_t}: an entry leaves [0, 1]"
    return prove([*size, own >= 0, other >= 0, own + other <= 1], goal, "for every h, C and draw of W", story)


@check(
    "thm-C.1",
    "With centres q_i = e_i the average has squared distance (N − 1)/N to each",
    name="centres-are-corners",
    part="proof",
    form="printed",
    evidence="symbolic",
    statement={"centre": "e_i"},
    control={"centre": "e_i / 2"},
)
@check(
    "thm-C.1",
    "The centres as displayed, q_i(t) = e_t, have squared distance (N − 1)/N to their average",
    name="centres-as-displayed",
    part="proof",
    form="printed",
    evidence="symbolic",
    statement={"centre": "e_t"},
    control={"centre": "e_i / 2"},
)
def squared_distance_to_average(centre: str) -> Outcome:
    """Add up the squared gaps of one centre to the average: one entry 1 − 1/N, and N − 1 entries 1/N."""
    n = sp.Symbol("N", positive=True, integer=True)
    size = {"e_i": sp.Integer(1), "e_i / 2": sp.Rational(1, 2), "e_t": sp.Integer(1)}[centre]
    average = size if centre == "e_t" else size / n  # e_t is the centre of every state, and so the average
    own, other = size - average, (sp.Integer(0) if centre == "e_t" else size / n)
    distance = sp.simplify(own**2 + (n - 1) * other**2)
    rest = sp.simplify(distance - (n - 1) / n)
    found = f"centres {centre}: squared distance {sp.factor(distance)}"
    one = "; the display does not depend on i, so all states have the same centre" if centre == "e_t" else ""
    return decide(rest == 0, "for symbolic N", found + one)


@check(
    "thm-C.1",
    "With the power C/2 the normal density on ℝ^C has total mass 1",
    name="normaliser-with-power-c",
    part="proof",
    form="stronger",
    evidence="symbolic",
    statement={"power": "C/2"},
    control={"power": "1"},
)
@check(
    "thm-C.1",
    "(2πd)^(−1/2) exp(−‖x − q_i‖²/(2d)) is the density of the targets",
    name="normaliser-with-power-one",
    part="proof",
    form="printed",
    evidence="symbolic",
    statement={"power": "1/2"},
    control={"power": "1"},
)
def normaliser_gives_mass_one(power: str) -> Outcome:
    """Integrate the exponential over ℝ^C, coordinate by coordinate, and multiply by (2πd)^(−power)."""
    d, x, classes = sp.Symbol("d", positive=True), sp.Symbol("x", real=True), sp.Symbol("C", positive=True)
    one = sp.integrate(sp.exp(-(x**2) / (2 * d)), (x, -sp.oo, sp.oo))
    exponent = {"1/2": sp.Rational(1, 2), "1": sp.Integer(1), "C/2": classes / 2}[power]
    mass = sp.simplify(sp.powsimp(one**classes / (2 * sp.pi * d) ** exponent, force=True))
    at_three = sp.powsimp(sp.simplify(mass.subs(classes, 3)))
    found = f"total mass at C = 3: {str(at_three).replace('pi', 'π').replace('**', '^').replace('*', ' ')}"
    return decide(sp.simplify(mass - 1) == 0, "for every C and d", f"{found}, not 1")
