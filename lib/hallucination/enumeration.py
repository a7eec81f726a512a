"""Exact hallucination probabilities of discrete laws, in rational arithmetic (Definition 6.3, the worst case of §6).

State i has a random centre μ_i with a discrete law; it is *hit* if the optimal answer A* = Σ p_j μ_j lies in the
closed ball of radius r_i around μ_i.  No state is hit with probability P_H, which Theorem 6.1 is about.  Every number
is an int or a Fraction, so that ties are decided exactly.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from functools import reduce
from itertools import chain, combinations, product
from math import comb, lcm, prod
from numbers import Rational
from typing import Any, NamedTuple

import numpy as np
from flint import fmpq, fmpq_mat
from numpy.typing import NDArray

Atom = Fraction | int | Sequence[Fraction | int]
Law = tuple[Sequence[Atom], Sequence[Fraction | int]]
Radius = Fraction | int | Sequence[Fraction | int]
Point = tuple[Fraction, ...]

BLOCK = 1 << 15  # outcomes treated at once
OUTCOMES = 5_000_000  # beyond it an enumeration is refused
_SAFE = 1 << 62


class _Type(NamedTuple):
    """States of one type, in exact form."""

    states: int
    weight: Fraction
    atoms: list[Point]
    masses: list[Fraction]
    radii: list[Fraction]  # one per atom


class _Group(NamedTuple):
    """All outcomes of the states of one type, in whole numbers."""

    atoms: NDArray[Any]  # (k, m), on the scale of A*
    limits: list[int]  # hit if the squared distance is at most this, per atom
    occupied: NDArray[np.bool_]  # (outcomes, k): is a state of this type at that atom?
    sums: NDArray[Any]  # (outcomes, m), contribution to A*
    masses: NDArray[Any]  # (outcomes,)


def exact_probability(
    weights: Sequence[Fraction | int], laws: Sequence[Law], radii: Sequence[Radius], limit: int = OUTCOMES
) -> Fraction:
    """P_H = P(|μ_i − A*| > r_i for all i), exactly, for independent states with discrete laws.

    Parameters
    ----------
    weights : sequence of Fraction, length N
        p_i ≥ 0, summing to one.
    laws : sequence of (atoms, probabilities), length N
        Atoms are numbers, or tuples of equal length for centres in R^m.
    radii : sequence of Fraction or of sequences, length N
        r_i ≥ 0. A sequence gives one radius per atom: the radius of a state whose spread changes with its centre.
    limit : int
        Most outcomes that are enumerated.

    Raises
    ------
    ValueError
        If a number is not rational, lengths differ, weights or probabilities do not sum to one, a radius is negative,
        or there are more than `limit` outcomes.

    Notes
    -----
    Definition 6.3 and Theorem 6.1 with U_i the closed ball of radius r_i, the largest set that they allow.
    """
    return exact_probability_by_types([1] * len(weights), weights, laws, radii, limit)


def exact_probability_by_types(
    counts: Sequence[int],
    weights: Sequence[Fraction | int],
    laws: Sequence[Law],
    radii: Sequence[Radius],
    limit: int = OUTCOMES,
) -> Fraction:
    """P_H when there are `counts[t]` independent states of type t, each with weight `weights[t]` and law `laws[t]`.

    Only how many states of a type sit at each atom matters: 23 equal two-point states have 24 outcomes, not 2²³.
    Parameters and errors as for `exact_probability`; the weights sum to one with their multiplicities.
    """
    types = _types(counts, weights, laws, radii)
    scale, groups = _groups(types, limit)
    return Fraction(sum(int(masses[alive].sum()) for alive, masses in _sweep(groups)), scale)


def exact_marginal(
    state: int, weights: Sequence[Fraction | int], laws: Sequence[Law], radii: Sequence[Radius], limit: int = OUTCOMES
) -> Fraction:
    """P(|μ_i − A*| > r_i) for one state i, exactly; parameters and errors as for `exact_probability`.

    Raises
    ------
    ValueError
        Also if there is no such state (they are counted from 0).
    """
    if not 0 <= state < len(weights):
        raise ValueError(f"state must be between 0 and {len(weights) - 1}, got {state!r}")
    scale, groups = _groups(_types([1] * len(weights), weights, laws, radii), limit)
    return Fraction(sum(int(masses[alive].sum()) for alive, masses in _sweep(groups, [state])), scale)


def exact_event(
    weights: Sequence[Fraction | int],
    laws: Sequence[Law],
    event: Callable[[tuple[Point, ...], Point], bool],
    limit: int = OUTCOMES,
) -> Fraction:
    """Probability of any event about the centres and A*, exactly: plain enumeration, for small instances.

    Parameters
    ----------
    weights, laws, limit
        As for `exact_probability`.
    event : callable
        Gets the centres (μ_1, …, μ_N) and A*, each a tuple of m Fractions, and says whether the event happened.

    Raises
    ------
    ValueError
        As for `exact_probability`.
    """
    types = _types([1] * len(weights), weights, laws, [0] * len(weights))
    outcomes = prod(len(t.atoms) for t in types)
    if outcomes > limit:
        raise ValueError(f"exact enumeration is limited to {limit} outcomes, this needs {outcomes}")
    total = Fraction(0)
    for drawn in product(*(zip(t.atoms, t.masses, strict=True) for t in types)):
        centres = tuple(a for a, _ in drawn)
        axes = zip(*centres, strict=True)
        mean = tuple(sum((t.weight * x for t, x in zip(types, xs, strict=True)), Fraction(0)) for xs in axes)
        if event(centres, mean):
            total += prod((q for _, q in drawn), start=Fraction(1))
    return total


def concentration(law: Law, radius: Fraction | int) -> Fraction:
    """Q(ρ) = sup over z of P(|μ − z| ≤ ρ) for a discrete law, exactly.

    Parameters
    ----------
    law : (atoms, probabilities)
        Atoms are numbers, or tuples of equal length m.
    radius : Fraction
        ρ ≥ 0.

    Raises
    ------
    ValueError
        If the law or the radius is not as described.

    Notes
    -----
    The smallest ball around the best set of atoms is centred at the circumcentre of at most m + 1 of them, a rational
    point; it is enough to try all of these.
    """
    atoms, masses = _law(law, "law")
    squared = _radii(radius, 1, "radius")[0] ** 2
    size = len(atoms[0])
    subsets = chain.from_iterable(combinations(sorted(set(atoms)), k) for k in range(1, size + 2))
    centres = {c for c in map(_circumcentre, subsets) if c is not None}
    return max(sum((q for a, q in zip(atoms, masses, strict=True) if _squared(a, c) <= squared), Fraction(0))
               for c in centres)  # fmt: skip


def _squared(a: Sequence[Fraction], b: Sequence[Fraction]) -> Fraction:
    return sum(((x - y) ** 2 for x, y in zip(a, b, strict=True)), Fraction(0))


def _difference(a: Point, b: Point) -> Point:
    return tuple(x - y for x, y in zip(a, b, strict=True))


def _circumcentre(points: Sequence[Point]) -> Point | None:
    """Centre of the sphere through affinely independent points, within their span; None if they are dependent."""
    first, *others = points
    if len(others) <= 1:  # a point, or the middle of two
        last = points[-1]
        return tuple((x + y) / 2 for x, y in zip(first, last, strict=True))
    edges = fmpq_mat([[fmpq(d.numerator, d.denominator) for d in _difference(p, first)] for p in others])
    gram = edges * edges.transpose()
    if gram.det() == 0:
        return None
    halves = fmpq_mat([[gram[i, i] / 2] for i in range(len(others))])
    shift = edges.transpose() * gram.solve(halves)
    return tuple(x + Fraction(int(s.p), int(s.q)) for x, s in zip(first, shift.entries(), strict=True))


def _types(
    counts: Sequence[int], weights: Sequence[Fraction | int], laws: Sequence[Law], radii: Sequence[Radius]
) -> list[_Type]:
    """Check everything and bring it into one form."""
    if not len(counts) == len(weights) == len(laws) == len(radii) > 0:
        lengths = (len(counts), len(weights), len(laws), len(radii))
        raise ValueError(f"counts, weights, laws and radii must have one length above 0, got {lengths}")
    if any(int(n) != n or n < 1 for n in counts):
        raise ValueError(f"counts must be whole numbers of at least 1, got {list(counts)}")
    p = [_rational(w, f"weights[{i}]") for i, w in enumerate(weights)]
    total = sum((n * w for n, w in zip(counts, p, strict=True)), Fraction(0))
    if min(p) < 0 or total != 1:
        raise ValueError(f"weights must be at least 0 and sum to one, got sum {total} and least {min(p)}")
    exact = [_law(law, f"laws[{i}]") for i, law in enumerate(laws)]
    if len({len(atoms[0]) for atoms, _ in exact}) > 1:
        raise ValueError(f"all laws must have one dimension, got {[len(atoms[0]) for atoms, _ in exact]}")
    r = [_radii(x, len(exact[i][0]), f"radii[{i}]") for i, x in enumerate(radii)]
    return [_Type(int(n), w, a, q, x) for n, w, (a, q), x in zip(counts, p, exact, r, strict=True)]


def _rational(x: Any, name: str) -> Fraction:
    if not isinstance(x, Rational):
        raise ValueError(f"{name} must be an int or a Fraction, got {x!r} of type {type(x).__name__}")
    return Fraction(int(x.numerator), int(x.denominator))


def _law(law: Law, name: str) -> tuple[list[Point], list[Fraction]]:
    atoms, masses = law
    if not len(atoms) == len(masses) > 0:
        raise ValueError(f"{name} must have as many probabilities as atoms, got {len(masses)} and {len(atoms)}")
    q = [_rational(x, f"probabilities of {name}") for x in masses]
    if min(q) < 0 or sum(q) != 1:
        raise ValueError(f"probabilities of {name} must be at least 0 and sum to one, got {[str(x) for x in q]}")
    points = [
        tuple(_rational(x, f"atoms of {name}") for x in (a if isinstance(a, Sequence) else (a,)))
        for a in atoms  # a number is a point on the line
    ]
    if len({len(a) for a in points}) > 1 or not points[0]:
        raise ValueError(f"atoms of {name} must have one dimension of at least 1, got {[len(a) for a in points]}")
    return points, q


def _radii(radius: Radius, atoms: int, name: str) -> list[Fraction]:
    per_atom = list(radius) if isinstance(radius, Sequence) else [radius] * atoms
    if len(per_atom) != atoms:
        raise ValueError(f"{name} must be one radius or one per atom ({atoms}), got {len(per_atom)}")
    r = [_rational(x, name) for x in per_atom]
    if min(r) < 0:
        raise ValueError(f"{name} must be at least 0, got {min(r)}")
    return r


def _groups(types: list[_Type], limit: int) -> tuple[int, list[_Group]]:
    """Bring all types to whole numbers; return the common denominator of the masses, and the outcomes per type."""
    outcomes = prod(comb(t.states + len(t.atoms) - 1, t.states) for t in types)
    if outcomes > limit:
        raise ValueError(f"exact enumeration is limited to {limit} outcomes, this needs {outcomes}")
    grid = reduce(lcm, (x.denominator for t in types for a in t.atoms for x in a), 1)
    unit = reduce(lcm, (t.weight.denominator for t in types), 1)
    ceiling = grid * unit * max(abs(x) for t in types for a in t.atoms for x in a)  # no |μ|, |A*| is larger
    room = len(types[0].atoms[0]) * (2 * ceiling) ** 2 < _SAFE
    scales = [reduce(lcm, (q.denominator for q in t.masses), 1) ** t.states for t in types]
    return prod(scales), [_group(t, grid, unit, room, prod(scales) < _SAFE) for t in types]


def _group(t: _Type, grid: int, unit: int, room: bool, small: bool) -> _Group:
    """Outcomes of one type: how many of its states sit at each atom."""
    weight, scale = int(t.weight * unit), grid * unit
    points = np.array([[int(x * grid) for x in a] for a in t.atoms], dtype=np.int64 if room else object)
    common = reduce(lcm, (q.denominator for q in t.masses), 1)
    masses = [int(q * common) for q in t.masses]
    rows = list(_compositions(t.states, len(t.atoms)))
    held = np.array(rows, dtype=np.int64 if room else object)
    likely = [_multinomial(row) * prod(m**c for m, c in zip(masses, row, strict=True)) for row in rows]
    limits = [int((r * scale) ** 2) for r in t.radii]  # an integer is at most x iff it is at most ⌊x⌋
    return _Group(
        points * unit,
        [min(x, _SAFE) for x in limits] if room else limits,
        np.array(rows) > 0,
        weight * (held @ points),
        np.array(likely, dtype=np.int64 if small else object),
    )


def _compositions(total: int, parts: int) -> Iterator[tuple[int, ...]]:
    """All ways to write `total` as an ordered sum of `parts` numbers of at least 0."""
    if parts == 1:
        yield (total,)
        return
    for first in range(total + 1):
        for rest in _compositions(total - first, parts - 1):
            yield (first, *rest)


def _multinomial(parts: Sequence[int]) -> int:
    left, ways = sum(parts), 1
    for n in parts:
        ways *= comb(left, n)
        left -= n
    return ways


def _sweep(
    groups: list[_Group], watched: Sequence[int] | None = None
) -> Iterator[tuple[NDArray[np.bool_], NDArray[Any]]]:
    """For blocks of outcomes: is no watched state hit, and the integer mass of each outcome."""
    watch = range(len(groups)) if watched is None else watched
    cut, size = len(groups), 1
    while cut and size * len(groups[cut - 1].masses) <= BLOCK:
        cut -= 1
        size *= len(groups[cut].masses)
    tail = np.indices([len(g.masses) for g in groups[cut:]]).reshape(len(groups) - cut, size)
    sums = sum((g.sums[i] for g, i in zip(groups[cut:], tail, strict=True)), np.zeros((1, 1), dtype=np.int64))
    masses = reduce(np.multiply, (g.masses[i] for g, i in zip(groups[cut:], tail, strict=True)), np.ones(1, np.int64))
    for head in product(*(range(len(g.masses)) for g in groups[:cut])):
        index = [*(np.full(1, i) for i in head), *tail]
        centre = sum((g.sums[i] for g, i in zip(groups[:cut], head, strict=True)), sums)
        weight = reduce(np.multiply, (g.masses[i] for g, i in zip(groups[:cut], head, strict=True)), masses)
        yield _not_hit(groups, index, watch, centre), weight


def _not_hit(
    groups: list[_Group], index: Sequence[NDArray[Any]], watch: Sequence[int], centre: NDArray[Any]
) -> NDArray[np.bool_]:
    """Tell for each outcome of a block whether A* = `centre` is outside all balls that are watched."""
    alive = np.ones(len(centre), dtype=bool)
    for t in watch:
        for atom, limit, occupied in zip(groups[t].atoms, groups[t].limits, groups[t].occupied.T, strict=True):
            far = np.asarray(((atom - centre) ** 2).sum(axis=1) > limit, dtype=bool)
            alive &= far | ~occupied[index[t]]
    return alive
