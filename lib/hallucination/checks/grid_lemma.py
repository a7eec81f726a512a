"""Checks of the lemma behind the product bound, on strictly ordered grids [k_1] × … × [k_N].

An element is i-top if fewer than m_i elements of its line in direction i are larger.  At least ∏ m_i elements are
i-top for all i.  The proof: let W be the vectors on the grid that are polynomials of degree below m_i along each
direction i; its dimension is ∏ m_i, and a vector of W that vanishes on all these elements vanishes everywhere.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from itertools import permutations, product

import numpy as np
import sympy as sp
from flint import fmpz_mat
from numpy.typing import NDArray

from hallucination.checks import Outcome, check, decide, fails, holds

Shape = tuple[int, ...]
Ranks = NDArray[np.int8]


def larger_on_line(ranks: Ranks, shape: Shape) -> list[Ranks]:
    """How many elements of its line are larger, per direction; ranks of shape (orders, elements)."""
    cube = ranks.reshape(-1, *shape)
    counts = []
    for axis in range(1, cube.ndim):
        line = np.moveaxis(cube, axis, -1)
        above = (line[..., None, :] > line[..., :, None]).sum(axis=-1, dtype=np.int8)
        counts.append(np.moveaxis(above, -1, axis).reshape(ranks.shape))
    return counts


def all_top(counts: list[Ranks], m: Shape) -> NDArray[np.bool_]:
    """Tell which elements are i-top for all i."""
    return np.logical_and.reduce([c < bound for c, bound in zip(counts, m, strict=True)])


def choices(shape: Shape) -> Iterator[Shape]:
    """All (m_1, …, m_N) with 0 ≤ m_i ≤ k_i."""
    return product(*(range(k + 1) for k in shape))


def wanted(m: Shape, shape: Shape, extra: int) -> int:
    """∏ m_i, and `extra` more where no m_i is 0 or k_i."""
    return math.prod(m) + extra * all(0 < x < k for x, k in zip(m, shape, strict=True))


def name(shape: Shape) -> str:
    """2×3 for (2, 3)."""
    return "×".join(map(str, shape))


def random_orders(shape: Shape, count: int, seed: int) -> Ranks:
    """Ranks of random strict orders of the grid."""
    rng = np.random.default_rng(seed)
    return rng.permuted(np.tile(np.arange(math.prod(shape), dtype=np.int8), (count, 1)), axis=1)


@check(
    "thm-6.1",
    "Grid lemma: at least ∏ m_i elements are top in every direction, in all orders of grids of up to 9 elements",
    form="stronger",
    evidence="exact",
    control={"extra": 1},
)
def grid_lemma_exhaustively(extra: int = 0) -> Outcome:
    """Try every strict order and every (m_i) on 2×2, 2×3, 2×2×2 and 3×3, with the largest element in the corner.

    Exchanging lines takes it there, and changes no count. `extra` claims that much more wherever 0 < m_i < k_i.
    """
    orders = 0
    for shape in ((2, 2), (2, 3), (2, 2, 2), (3, 3)):
        last = math.prod(shape) - 1
        ranks = np.array([(last, *rest) for rest in permutations(range(last))], dtype=np.int8)
        counts, orders = larger_on_line(ranks, shape), orders + len(ranks)
        for m in choices(shape):
            least = int(all_top(counts, m).sum(axis=1).min())
            if least < wanted(m, shape, extra):
                return fails(f"{name(shape)} grid, m = {m}: only {least} elements are top in every direction")
    return holds(f"all {orders} orders of 2×2, 2×3, 2×2×2 and 3×3 with the largest in a corner, every m: never fewer")


@check(
    "thm-6.1",
    "Grid lemma: no larger number than ∏ m_i is possible, for any grid and any m",
    form="stronger",
    evidence="exact",
    control={"rank_by": "first"},
)
def grid_lemma_is_attained(rank_by: str = "sum") -> Outcome:
    """Order by the sum of the coordinates: top in direction i means a_i ≥ k_i − m_i, a box of ∏ m_i elements."""
    for shape in ((2, 2), (4, 3), (3, 3, 2), (2, 3, 2, 2)):
        index = np.indices(shape).reshape(len(shape), -1)
        key = index.sum(axis=0) if rank_by == "sum" else -index[0] + index[1:].sum(axis=0) * (-1) ** index[0]
        ranks = np.argsort(np.argsort(key, kind="stable")).astype(np.int8)[None]
        for m in choices(shape):
            found = int(all_top(larger_on_line(ranks, shape), m).sum())
            if found != math.prod(m):
                return fails(f"{name(shape)} grid, m = {m}: {found} elements")
    return holds("four grids of up to 24 elements, every m: exactly ∏ m_i")


@check(
    "thm-6.1",
    "Proof of the grid lemma, step 1: a polynomial of degree below 4 that vanishes at 4 different points is 0",
    form="stronger",
    evidence="symbolic",
    control={"points": 3},
)
def few_zeros(points: int = 4) -> Outcome:
    """The values at four points determine the four coefficients: Vandermonde's determinant is ∏ (t_b − t_a).

    It is so for every degree; four is what the symbols here show.
    """
    nodes = sp.symbols("t1:5")[:points]
    padded = (*nodes, *nodes[: 4 - points])  # a repeated point is no new condition
    determinant = sp.Matrix(4, 4, lambda r, c: padded[r] ** c).det()
    product_of_gaps = math.prod((b - a for k, a in enumerate(nodes) for b in nodes[k + 1 :]), start=sp.Integer(1))
    gap = sp.expand(determinant - product_of_gaps)
    found = "the determinant is ∏ (t_b − t_a), not 0 for four different points"
    return decide(gap == 0, found, f"the determinant is {determinant}")


def tensor_basis(shape: Shape, m: Shape) -> list[list[int]]:
    """Values on the grid of the products of powers a_i^(e_i), e_i < m_i: one row per element of the grid."""
    exponents = list(product(*(range(k) for k in m)))
    return [
        [math.prod((a + 1) ** e for a, e in zip(point, power, strict=True)) for power in exponents]
        for point in product(*(range(k) for k in shape))
    ]


@check(
    "thm-6.1",
    "Proof of the grid lemma, step 2: a vector of W that vanishes on the elements top in every direction is 0",
    form="stronger",
    evidence="exact",
    control={"shift": 1},
)
def vanishing_vectors(shift: int = 0) -> Outcome:
    """Rank over the rationals of W restricted to these elements, for random orders; it must be ∏ m_i.

    With degrees up to m_i + `shift` − 1 in place of m_i − 1 the space is too large.
    """
    rng, tried = random.Random(65), 0
    for shape in ((4, 3), (3, 3, 2), (2, 3, 2, 2)):
        for ranks in random_orders(shape, 12, seed=66):
            m = tuple(rng.randint(1, k - 1) for k in shape)
            degrees = tuple(x + shift for x in m)
            basis = tensor_basis(shape, degrees)
            top = all_top(larger_on_line(ranks[None], shape), m)[0]
            rank = fmpz_mat([row for row, keep in zip(basis, top, strict=True) if keep]).rank()
            if rank != math.prod(degrees):
                return fails(f"{name(shape)} grid: {rank} conditions for {math.prod(degrees)} dimensions")
            tried += 1
    return holds(f"{tried} random orders of 4×3, 3×3×2 and 2×3×2×2")


@check(
    "thm-6.1",
    "Grid lemma: random orders of larger grids",
    form="stronger",
    evidence="property",
    control={"extra": 1},
)
def grid_lemma_on_random_orders(extra: int = 0) -> Outcome:
    """Try 400 random orders and every (m_i) on each of four grids of 18 to 64 elements; `extra` as above."""
    for shape in ((6, 5), (3, 3, 2), (4, 4, 4), (2, 3, 2, 3)):
        counts = larger_on_line(random_orders(shape, 400, seed=67), shape)
        for m in choices(shape):
            least = int(all_top(counts, m).sum(axis=1).min())
            if least < wanted(m, shape, extra):
                return fails(f"{name(shape)} grid, m = {m}: only {least} elements are top in every direction")
    return holds("400 orders each of 6×5, 3×3×2, 4×4×4 and 2×3×2×3, every m: never fewer")
