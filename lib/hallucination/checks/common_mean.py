"""Checks of Definition 6.1 and Assumption 6.1: what the variances are, and what has to be independent."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import sympy as sp

from hallucination.checks import Outcome, check, decide, fails, holds
from hallucination.checks.enclosures import HALF
from hallucination.checks.sums import N, a, i, linear, over_states, p

Corners = list[tuple[Fraction, ...]]


def corners(sides: tuple[int, ...]) -> Corners:
    """Equally likely centres (±s_1, …, ±s_m): mean zero, variances s_j², coordinates uncorrelated."""
    return [tuple(Fraction(x) for x in xs) for xs in product(*((-s, s) for s in sides))]


def mean_of(values: list[Fraction]) -> Fraction:
    """Average of equally likely values."""
    return sum(values, Fraction(0)) / len(values)


@check(
    "def-6.1",
    "In every dimension, (μ_i − μ_i^d)² in σ^d can be read as |μ_i − μ_i^d|²: one number, the sum of all variances",
    name="squared-length",
    form="repaired",
    evidence="exact",
    statement={"square": "length"},
    control={"square": "first coordinate"},
)
@check(
    "def-6.1",
    "In every dimension, the variance σ_i is one number that later formulas can divide by",
    name="variance-of-a-vector",
    form="printed",
    evidence="exact",
    statement={"square": "covariance"},
    control={"square": "coordinates"},
)
@check(
    "def-6.1",
    "On the line, the variance σ_i is one number",
    name="variance-of-a-number",
    form="printed",
    evidence="exact",
    statement={"square": "covariance", "dimensions": (1,)},
    control={"square": "covariance", "dimensions": (1, 2)},
)
def variance_is_a_number(square: str, dimensions: tuple[int, ...] = (1, 2, 3)) -> Outcome:
    """Average a square of the centre; it must be one number, and the sum of the variances of all coordinates."""
    for m in dimensions:
        law = corners(tuple(range(1, m + 1)))
        covariance = [[mean_of([x[j] * x[k] for x in law]) for k in range(m)] for j in range(m)]
        found = {
            "covariance": [c for row in covariance for c in row],
            "coordinates": [covariance[j][j] for j in range(m)],
            "first coordinate": [covariance[0][0]],
            "length": [mean_of([sum((c * c for c in x), Fraction(0)) for x in law])],
        }[square]
        total = sum(covariance[j][j] for j in range(m))
        if found != [total]:
            shown = f"{len(found)} number{'s' * (len(found) > 1)} ({', '.join(map(str, found))})"
            return fails(f"in dimension {m} the {square} gives {shown}, and the variances sum to {total}")
    where = f"dimension{'s' if len(dimensions) > 1 else ''} {', '.join(map(str, dimensions))}"
    return holds(f"one number in {where}: the sum of all variances")


@check(
    "def-6.1",
    "σ^d is the sum of all σ_i, whether or not the centres are independent",
    form="printed",
    evidence="symbolic",
    control={"of": "sum"},
)
def variances_add_up(of: str = "vector") -> Outcome:
    """Two centres of mean zero with any joint law on four points: E(μ_1² + μ_2²), or E(μ_1 + μ_2)²."""
    q = sp.symbols("q1:5", positive=True)
    values = sp.symbols("x1 x2 y1 y2", real=True)
    outcomes = list(zip(product(values[:2], values[2:]), q, strict=True))

    def average(f: object) -> sp.Expr:
        return sum(w * f(*xy) for xy, w in outcomes)  # type: ignore[operator]

    each = average(lambda x, y: x**2) + average(lambda x, y: y**2)
    together = average(lambda x, y: x**2 + y**2 if of == "vector" else (x + y) ** 2)
    gap = sp.expand(together - each)
    return decide(gap == 0, "for every joint law of two centres with two values each", f"they differ by {gap}")


@check(
    "asm-6.1",
    "If the centres are independent as random variables, the variance of A* is Σ p_j² v_j",
    name="independent-centres",
    form="repaired",
    evidence="exact",
    statement={"coupling": "independent"},
    control={"coupling": "opposite"},
)
@check(
    "asm-6.1",
    "If the laws d_i are independent of each other, the variance of A* is Σ p_j² v_j",
    name="independent-distributions",
    form="printed",
    evidence="exact",
    statement={"coupling": "equal"},
    control={"coupling": "equal", "rare": Fraction(1, 8)},
)
def variance_of_the_mean(coupling: str, rare: Fraction = HALF) -> Outcome:
    """Two centres with one law on two points and weights 1/2; laws are fixed objects, so they exclude no coupling."""
    atoms, masses = (-rare, 1 - rare), (1 - rare, rare)
    v = rare * (1 - rare)
    pairs = list(zip(atoms, masses, strict=True))
    if coupling == "independent":
        spread = sum(((x + y) / 2) ** 2 * q * w for (x, q), (y, w) in product(pairs, pairs))
    else:
        sign = 1 if coupling == "equal" else -1
        spread = sum(((x + sign * x) / 2) ** 2 * q for x, q in pairs)
    found = f"centres with one law, {coupling}: variance of A* is {spread}, Σ p_j² v_j is {v / 2}"
    return decide(spread == v / 2, found, found)


@check(
    "asm-6.1",
    "For any number of states, E|A* − μ_0|² = Σ p_j² v_j as soon as different centres are uncorrelated",
    form="stronger",
    evidence="symbolic",
    control={"covariance": "1/3"},
)
def uncorrelated_is_enough(covariance: str = "0") -> Outcome:
    """Expand E(Σ p_i X_i)² for symbolic N with all covariances equal to one number; coordinates add up."""
    c = sp.sympify(covariance)
    squares = over_states(p[i] ** 2 * a[i])  # a_i: variance of state i
    cross = c * (over_states(p[i]) ** 2 - over_states(p[i] ** 2))  # Σ_{i≠j} p_i p_j c
    gap = linear(squares + cross - over_states(p[i] ** 2 * a[i]))
    return decide(gap == 0, f"for symbolic {N}, all weights and variances", f"the two differ by {gap}")


@check(
    "asm-6.1",
    "For states in R^m the common mean μ_0 is a real number",
    name="common-mean-real",
    form="printed",
    evidence="exact",
    statement={"space": "R"},
    control={"space": "R", "dimension": 3},
)
@check(
    "asm-6.1",
    "For states in R^m the common mean μ_0 is a point of R^m",
    name="common-mean-vector",
    form="repaired",
    evidence="exact",
    statement={"space": "R^m"},
    control={"space": "R"},
)
def common_mean_lives_in(space: str, dimension: int = 2) -> Outcome:
    """Average a centre with equally likely corners, shifted so that its mean is (1, …, m)."""
    shift = range(1, dimension + 1)
    law = [tuple(x + s for x, s in zip(c, shift, strict=True)) for c in corners(tuple(shift))]
    centre = [mean_of([x[j] for x in law]) for j in range(dimension)]
    wanted = 1 if space == "R" else dimension
    found = f"the mean of a centre in R^{dimension} is ({', '.join(map(str, centre))})"
    return decide(len(centre) == wanted, found, f"{found}, not one number")
