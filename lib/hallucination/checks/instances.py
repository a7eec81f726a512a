"""Random instances of §6 in rational numbers, for checks that compare a bound with the exact probability."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from fractions import Fraction
from typing import NamedTuple

from hallucination.enumeration import exact_event

Point = tuple[Fraction, ...]


class RationalInstance(NamedTuple):
    """Weights, laws (atoms, probabilities) and radii, one each per state."""

    weights: list[Fraction]
    laws: list[tuple[list[Point], list[Fraction]]]
    radii: list[Fraction]

    def text(self) -> str:
        """The instance in one line, for a counterexample."""
        states = []
        for p, (atoms, masses), r in zip(self.weights, self.laws, self.radii, strict=True):
            law = ", ".join(f"{shown(a)} ({q})" for a, q in zip(atoms, masses, strict=True))
            states.append(f"p {p}, r {r}, μ in {law}")
        return "; ".join(states)


def shown(point: Point) -> str:
    """A point for readers: 1/2, or (1/2, 3)."""
    return str(point[0]) if len(point) == 1 else f"({', '.join(map(str, point))})"


def random_instances(
    seed: int, count: int, dimension: int = 1, centred: bool = False, edges: bool = True
) -> Iterator[RationalInstance]:
    """Draw instances with 2 to 4 states of 2 or 3 atoms each; with `edges`, A* can be on the edge of some balls.

    With `centred` every law has mean zero (Assumption 6.1).
    """
    rng = random.Random(seed)
    for number in range(count):
        n = rng.randint(2, 4)
        weights = _simplex(rng, n)
        laws = [_law(rng, dimension, centred) for _ in range(n)]
        radii = [Fraction(rng.randint(0, 8), 4) for _ in range(n)]
        instance = RationalInstance(weights, laws, radii)
        yield _on_the_edge(rng, instance) if edges and number % 3 == 0 else instance


def _simplex(rng: random.Random, size: int) -> list[Fraction]:
    parts = [rng.randint(1, 9) for _ in range(size)]
    return [Fraction(x, sum(parts)) for x in parts]


def _law(rng: random.Random, dimension: int, centred: bool) -> tuple[list[Point], list[Fraction]]:
    masses = _simplex(rng, rng.randint(2, 3))
    atoms = [tuple(Fraction(rng.randint(-8, 8)) for _ in range(dimension)) for _ in masses]
    while len(set(atoms)) < len(atoms):
        atoms = [tuple(Fraction(rng.randint(-8, 8)) for _ in range(dimension)) for _ in masses]
    mean = [sum((a[k] * q for a, q in zip(atoms, masses, strict=True)), Fraction(0)) for k in range(dimension)]
    shift = mean if centred else [Fraction(0)] * dimension
    return [tuple(x - m for x, m in zip(a, shift, strict=True)) for a in atoms], masses


def _on_the_edge(rng: random.Random, instance: RationalInstance) -> RationalInstance:
    """Let the balls of all states just reach A* in one outcome: exactly on the line, up to 1/4 in the plane."""
    centres = [rng.choice(atoms) for atoms, _ in instance.laws]
    columns = zip(*centres, strict=True)
    mean = [sum((p * x for p, x in zip(instance.weights, xs, strict=True)), Fraction(0)) for xs in columns]
    gaps = [[x - m for x, m in zip(c, mean, strict=True)] for c in centres]
    chosen = rng.sample(range(len(gaps)), rng.randint(1, len(gaps)))
    radii = [_length_above(gap) if i in chosen else instance.radii[i] for i, gap in enumerate(gaps)]
    return instance._replace(radii=radii)


def _length_above(gap: list[Fraction]) -> Fraction:
    if len(gap) == 1:
        return abs(gap[0])
    return Fraction(math.isqrt(math.ceil(16 * sum(x * x for x in gap))) + 1, 4)


def no_state_hit(instance: RationalInstance, shrink: Fraction = Fraction(1)) -> Fraction:
    """P(|μ_i − A*| > `shrink`·r_i for all i) by plain enumeration, without the library's shortcuts."""

    def event(centres: tuple[Point, ...], mean: Point) -> bool:
        return all(
            sum((x - y) ** 2 for x, y in zip(c, mean, strict=True)) > (shrink * r) ** 2
            for c, r in zip(centres, instance.radii, strict=True)
        )

    return exact_event(instance.weights, instance.laws, event)
