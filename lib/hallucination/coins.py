"""Experiment 1 (§7.1), the coins: their probabilities, the law of the count, exact optima, and data.

There are 2N coins; coin i = 0, …, 2N-1 lands heads with probability (i+1)/(2N).
An input is a choice of N coins, the target is their number of heads.  Nothing
here imports torch: :mod:`hallucination.coins_scores` scores estimates, and
:mod:`hallucination.coins_training` trains the networks.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

HEAVY = Fraction(19, 20)
LIGHT = Fraction(1, 20)
STREAMS = ("data", "start", "order", "dropout")  # independent sources of chance, one seed each


def check_half(n: int) -> None:
    """Refuse a number of coins for which "half of the coins" makes no experiment.

    Raises
    ------
    ValueError
        If `n` is below 1 or above 8 (12870 subsets).
    """
    if not 1 <= n <= 8:
        raise ValueError(f"N, half the number of coins, must be between 1 and 8; got {n}")


def head_probabilities(n: int) -> list[Fraction]:
    """Head probabilities of the 2N coins as the data are made: (i+1)/(2N), so the last coin always lands heads."""
    check_half(n)
    return [Fraction(i + 1, 2 * n) for i in range(2 * n)]


def published_probabilities(n: int) -> list[Fraction]:
    """Head probabilities as the published evaluation takes them: i/(2N), one place off."""
    check_half(n)
    return [Fraction(i, 2 * n) for i in range(2 * n)]


LAWS = {"data": head_probabilities, "published": published_probabilities}
# Of a mean s/w with integers s and w, so that no float decides a tie.
ROUNDINGS: dict[str, Callable[[Ints, int], Ints]] = {
    "nearest": lambda s, w: (2 * s + w) // (2 * w),
    "up": lambda s, w: -(-s // w),
    "just above": lambda s, w: s // w + 1,
}


def subsets(n: int) -> Ints:
    """All C(2N, N) choices of N coins, one a row, shape ``(C(2N, N), N)``."""
    check_half(n)
    return np.array(list(itertools.combinations(range(2 * n), n)), dtype=np.int64)


def poisson_binomial(p: NDArray[Any], whole: int = 1) -> NDArray[Any]:
    """Law of the number of heads of independent coins, by adding one coin at a time.

    Parameters
    ----------
    p : array of shape (..., N)
        Head probabilities, in units of 1/`whole`.
    whole : int
        With integers `p` and a common denominator here, the result is exact, in units of 1/whole**N.

    Returns
    -------
    array of shape (..., N + 1)
        Probability of 0, 1, …, N heads.
    """
    law = np.zeros((*p.shape[:-1], p.shape[-1] + 1), dtype=p.dtype)
    law[..., 0] = 1
    for j in range(p.shape[-1]):
        q = p[..., j : j + 1]
        law[..., 1:] = law[..., 1:] * (whole - q) + law[..., :-1] * q
        law[..., :1] = law[..., :1] * (whole - q)
    return law


def exact_laws(probabilities: Sequence[Fraction], coins: Ints) -> tuple[Ints, int]:
    """Exact law of the count for every row of `coins`.

    Returns
    -------
    tuple of an integer array of shape (E, N + 1) and an int
        Numerators, and the denominator that all of them share.
    """
    whole = math.lcm(*(p.denominator for p in probabilities))
    numerators = np.array([int(p * whole) for p in probabilities], dtype=np.int64)
    return poisson_binomial(numerators[coins], whole), whole ** coins.shape[1]


@dataclass(frozen=True)
class Optimum:
    """What the estimate of least squared loss reaches; all values exact.

    Attributes
    ----------
    floor : Fraction
        Least expected squared loss, in heads squared.
    constant : Fraction
        Expected loss of the best estimate that ignores its input.
    at_mean : Fraction
        Conditional probability of the least-loss estimate, rounded to the nearest count, halves up.
    at_mode : Fraction
        Highest conditional probability that any estimate can have.
    """

    floor: Fraction
    constant: Fraction
    at_mean: Fraction
    at_mode: Fraction


def _average(numerators: Ints, denominator: int) -> Fraction:
    return Fraction(int(numerators.sum()), denominator * len(numerators))


@cache
def at_least_loss(n: int, law: str = "data", rounding: str = "nearest") -> Fraction:
    """Average score of the least-loss estimate, the conditional mean, exact.

    Parameters
    ----------
    n : int
        Half the number of coins.
    law : str
        Which head probabilities score it: ``"data"``, or ``"published"``, one place off.
    rounding : str
        How the mean becomes a count: ``"nearest"`` (halves up), ``"up"`` as
        published, or ``"just above"``: up, from a hair above the mean, as a
        network may be.  Counts above N score 0.

    Raises
    ------
    ValueError
        If law or rounding is unknown.
    """
    if law not in LAWS or rounding not in ROUNDINGS:
        raise ValueError(f"law must be one of {sorted(LAWS)} and rounding one of {sorted(ROUNDINGS)}")
    coins = subsets(n)
    laws, whole = exact_laws(LAWS[law](n), coins)
    count = ROUNDINGS[rounding]((coins + 1).sum(axis=1), 2 * n)
    return _average(laws[np.arange(len(laws)), np.minimum(count, n)] * (count <= n), whole)


@cache
def at_least_loss_kindly(n: int) -> Fraction:
    """Average conditional probability of the least-loss estimate, if a half goes to the likelier neighbour; exact."""
    coins = subsets(n)
    laws, whole = exact_laws(head_probabilities(n), coins)
    sums, rows = (coins + 1).sum(axis=1), np.arange(len(laws))
    up, down = ((2 * sums + 2 * n - half) // (4 * n) for half in (0, 1))
    return _average(np.maximum(laws[rows, up], laws[rows, down]), whole)


@cache
def optimum(n: int) -> Optimum:
    """Exact values at the least-loss estimate of the paper's coins (§7.1), all subsets equally likely."""
    coins = subsets(n)
    laws, whole = exact_laws(head_probabilities(n), coins)
    chosen = coins + 1  # head probabilities, in units of 1/(2N)
    sums = chosen.sum(axis=1)  # means, in the same unit
    floor = _average((chosen * (2 * n - chosen)).sum(axis=1), 4 * n * n)
    spread = _average(sums**2, 4 * n * n) - _average(sums, 2 * n) ** 2
    return Optimum(floor, floor + spread, at_least_loss(n), _average(laws.max(axis=1), whole))


@cache
def hidden_optimum(n: int) -> Optimum:
    """Exact values at the least-loss estimate N/2 when a hidden bag, heavy or light, supplies all coins.

    A conditional probability is here the larger of the two given the bag, the
    quantity that Definition 4.2 of the paper compares with δ.
    """
    check_half(n)
    numerators, whole = exact_laws([HEAVY, LIGHT], np.array([[0] * n, [1] * n]))
    best = [Fraction(int(k), whole) for k in numerators.max(axis=0)]
    floor = n * HEAVY * LIGHT + (n * (HEAVY - LIGHT) / 2) ** 2
    return Optimum(floor, floor, best[(n + 1) // 2], max(best))


def grade_law(answer: Sequence[float | Fraction], chosen: Sequence[int], n: int) -> tuple[bool, str]:
    """Grade a reader's law of the number of heads of the `chosen` coins (labels 0, …, 2N-1).

    Returns
    -------
    tuple of a bool and a str
        Whether it is right, and the reason.
    """
    values = [float(a) for a in answer]
    if len(values) != len(chosen) + 1:
        return False, f"{len(chosen)} coins can show {len(chosen) + 1} different counts; got {len(values)} numbers"
    if abs(sum(values) - 1) > 1e-9:
        return False, f"the probabilities sum to {sum(values):g}, not to 1"
    for law, verdict in (("data", "right"), ("published", "this is the published law, one coin too low")):
        exact, whole = exact_laws(LAWS[law](n), np.array([list(chosen)]))
        if np.allclose(exact[0] / whole, values, atol=1e-9):
            return law == "data", verdict
    mean = sum(k * v for k, v in enumerate(values))
    return False, f"the mean of this law is {mean:g} heads; compare it with the sum of the head probabilities"


def source(seed: int, stream: str, *key: int) -> np.random.Generator:
    """Random generator of one stream (see ``STREAMS``) for one run; streams and keys never share numbers."""
    return np.random.default_rng(np.random.SeedSequence((seed, STREAMS.index(stream), *key)))


def draw(n: int, n_flips: int, rng: np.random.Generator, *, hidden: bool = False) -> tuple[Ints, Ints]:
    """Draw a data set: M times, choose N of the 2N coins at random, flip each once, count heads.

    Parameters
    ----------
    n, n_flips : int
        Half the number of coins, and the number M of rows.
    rng : numpy.random.Generator
        Source of chance.
    hidden : bool
        Draw a bag, heavy or light, with probability 1/2 for every row and flip
        N of that bag's coins instead; the labels stay as they are.

    Returns
    -------
    tuple of two arrays
        Labels of the chosen coins in the order drawn, shape (M, N), and numbers of heads, shape (M,).

    Raises
    ------
    ValueError
        If `n` is out of range or `n_flips` is below 1.
    """
    if n_flips < 1:
        raise ValueError(f"the number of rows M must be at least 1; got {n_flips}")
    p = np.array(head_probabilities(n), dtype=np.float64)
    coins = rng.random((n_flips, 2 * n)).argsort(axis=1)[:, :n]
    flips = rng.random((n_flips, n))
    heavy = rng.random((n_flips, 1)) < 0.5
    chance = np.where(heavy, float(HEAVY), float(LIGHT)) if hidden else p[coins]
    return coins, (flips < chance).sum(axis=1)
