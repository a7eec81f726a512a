"""A search for discrete laws that bring the hallucination probability close to a bound, or below it (§6)."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from scipy.optimize import Bounds, differential_evolution

from hallucination.enumeration import Law, exact_probability
from hallucination.hallucination_probability import by_enumeration
from hallucination.records import write_json
from hallucination.setting import Bound, Setting
from hallucination.states import Array, Discrete

GENERATIONS = 10  # per round; the state is saved after every round
UNMET = 1e3  # objective where a hypothesis is not met
Widest = Callable[[Array, Array], float]


@dataclass(frozen=True, eq=False)
class Instance:
    """Discrete laws of numbers with mean 0, weights and one radius.

    Attributes
    ----------
    weights : ndarray, shape (N,)
    atoms, masses : ndarray, shape (N, k)
    radius : float
    """

    weights: Array
    atoms: Array
    masses: Array
    radius: float

    @property
    def setting(self) -> Setting:
        """The same as a setting."""
        laws = [Discrete(a[:, None], q) for a, q in zip(self.atoms, self.masses, strict=True)]
        return Setting(self.weights, self.radius, laws)

    def rational(self, digits: int = 9) -> tuple[list[Fraction], list[Law], list[Fraction]]:
        """Nearby weights, laws of mean exactly 0, and radii in rational numbers, for `hallucination.enumeration`."""
        grid = 10**digits

        def shares(values: Array) -> list[Fraction]:
            counts = [max(1, round(float(x) * grid)) for x in values]
            return [Fraction(c, sum(counts)) for c in counts]

        laws: list[Law] = []
        for a, q in zip(self.atoms, self.masses, strict=True):
            exact, mass = [Fraction(float(x)).limit_denominator(grid) for x in a], shares(q)
            mean = sum((x * m for x, m in zip(exact, mass, strict=True)), Fraction(0))
            laws.append(([x - mean for x in exact], mass))
        radius = Fraction(self.radius).limit_denominator(grid)
        return shares(self.weights), laws, [radius] * len(laws)


class Found(NamedTuple):
    """Result of a search: P_H exactly, the bound, and their ratio for the best instance in rational numbers."""

    ratio: float
    probability: Fraction
    bound: float
    instance: Instance
    evaluations: int


def paper_radius(p: Array, v: Array) -> float:
    """Largest radius under the hypothesis of Theorem 6.1: min √v_i − d."""
    return float(np.sqrt(v).min() - math.sqrt(p**2 @ v))


def product_radius(p: Array, v: Array) -> float:
    """Largest radius under the hypothesis of the product bound: min (1 − p_i) √v_i."""
    return float(((1 - p) * np.sqrt(v)).min())


def decode(x: Array, states: int, atoms: int = 2, widest: Widest = product_radius) -> Instance | None:
    """Turn numbers in [0, 1] into an instance; None if no radius is allowed.

    Parameters
    ----------
    x : ndarray, shape (states (atoms + 1) + 1,)
        Per state: its weight, standard deviation and the ratio of its outer atoms, all on logarithmic scales, and
        with three atoms the mass of the atom at 0; last the share of the largest radius.
    states, atoms : int
        N ≥ 2, and 2 or 3 atoms per law.
    widest : callable
        Largest radius as a function of weights and variances.
    """
    rows = x[:-1].reshape(atoms + 1, states)
    p = np.exp(14 * (rows[0] - 1))
    p /= p.sum()
    h, b = np.exp(6 * (rows[1] - 0.5)), np.exp(10 * (rows[2] - 0.5))
    middle = 0.95 * rows[3] if atoms == 3 else np.zeros(states)
    scale = h / np.sqrt(1 - middle)
    places, masses = [-scale / np.sqrt(b), scale * np.sqrt(b)], [(1 - middle) * b / (1 + b), (1 - middle) / (1 + b)]
    if atoms == 3:
        places, masses = [*places, np.zeros(states)], [*masses, np.maximum(middle, 1e-9)]
    mass = np.stack(masses, axis=1)
    most = widest(p, h**2)
    if most <= 0:
        return None
    return Instance(p, np.stack(places, axis=1), mass / mass.sum(axis=1, keepdims=True), float(x[-1]) * most)


def log_ratio(instance: Instance | None, bound: Callable[[Setting], Bound]) -> float:
    """ln(P_H / bound), by enumeration in floating point; `UNMET` if the bound says nothing."""
    if instance is None:
        return UNMET
    setting = instance.setting
    found = bound(setting)
    if not found.value:
        return UNMET
    return math.log(max(by_enumeration(setting).value, 1e-300)) - math.log(found.value)


def search(
    bound: Callable[[Setting], Bound],
    states: int,
    atoms: int = 2,
    budget: int = 20_000,
    seed: int = 0,
    widest: Widest = product_radius,
    path: Path | None = None,
    progress: Callable[[int, int, float], None] | None = None,
) -> Found:
    """Look for laws with a small ratio P_H / bound, by differential evolution over `decode`.

    Parameters
    ----------
    bound : callable
        From `hallucination.bounds`, or any function of a setting that returns a `Bound`.
    states, atoms : int
        N ≥ 2 states with 2 or 3 atoms each; enumeration needs atomsᴺ outcomes.
    budget : int
        Most evaluations of the objective, counting those of earlier runs with the same path.
    seed : int
        Same seed, same result, whether or not the search was interrupted.
    widest : callable
        Largest radius tried: `product_radius` or `paper_radius`.
    path : Path, optional
        File for the state of the search: read if it exists, written atomically after every round.
    progress : callable, optional
        Called after every round with evaluations, budget and the smallest ratio so far.

    Returns
    -------
    Found
        A ratio below 1 refutes the bound, up to the rounding of the bound itself; P_H is exact.

    Raises
    ------
    ValueError
        If the arguments are out of range, the file belongs to another search, or no instance met the hypotheses.
    """
    if states < 2 or atoms not in (2, 3):
        raise ValueError(f"need at least 2 states and 2 or 3 atoms, got {states} and {atoms}")
    size = states * (atoms + 1) + 1
    people, name = max(20, 4 * size), getattr(bound, "__name__", repr(bound))
    if budget < people * (GENERATIONS + 1):
        raise ValueError(f"budget must be at least {people * (GENERATIONS + 1)} evaluations, got {budget}")
    key = {"bound": name, "states": states, "atoms": atoms, "seed": seed, "widest": widest.__name__}
    state = _read(path, key)

    def objective(x: Array) -> float:
        return log_ratio(decode(x, states, atoms, widest), bound)

    while state["evaluations"] + people * (GENERATIONS + 1) <= budget:
        rng = np.random.default_rng([seed, state["round"]])
        crowd = np.array(state["crowd"]) if state["crowd"] else rng.random((people, size))
        cube = Bounds(np.zeros(size), np.ones(size))
        result: Any = differential_evolution(
            objective, cube, init=crowd, maxiter=GENERATIONS, tol=0, polish=False, rng=rng
        )
        if result.fun < state["best"]:
            state |= {"best": float(result.fun), "x": result.x.tolist()}
        settled = np.ptp(result.population_energies) < 1e-6
        state["crowd"] = None if settled else result.population.tolist()
        state["round"] += 1
        state["evaluations"] += int(result.nfev)
        if path is not None:
            write_json(path, state)
        if progress is not None:
            progress(state["evaluations"], budget, math.exp(min(700.0, state["best"])))
    return _certified(decode(np.array(state["x"]), states, atoms, widest), bound, state)


def _read(path: Path | None, key: dict[str, Any]) -> dict[str, Any]:
    start = {"search": key, "round": 0, "evaluations": 0, "best": math.inf, "x": None, "crowd": None}
    if path is None or not path.exists():
        return start
    state = json.loads(path.read_text("utf8"))
    if state["search"] != key:
        raise ValueError(f"{path} belongs to the search {state['search']}, not {key}")
    return dict(state)


def _certified(instance: Instance | None, bound: Callable[[Setting], Bound], state: dict[str, Any]) -> Found:
    """Evaluate the best instance again, in rational numbers as far as P_H is concerned."""
    if instance is None or state["best"] >= UNMET:
        raise ValueError("no instance met the hypotheses of the bound: raise the budget")
    p, laws, r = instance.rational()
    probability = exact_probability(p, laws, r)
    near = Instance(
        np.array([float(x) for x in p]),
        np.array([[float(x) for x in a] for a, _ in laws if isinstance(a, list)], dtype=float),
        np.array([[float(x) for x in q] for _, q in laws]),
        float(r[0]),
    )
    value = bound(near.setting).value or math.nan
    return Found(float(probability) / value, probability, value, near, state["evaluations"])
