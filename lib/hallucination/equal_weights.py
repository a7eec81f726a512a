"""A certificate that Theorem 6.1 fails for equal weights and very many states, in interval arithmetic.

Both sides are far too small for floating point, so their logarithms are enclosed, divided by the number of states.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

import numpy as np
from flint import arb
from scipy.optimize import minimize_scalar

from hallucination.refutations import credit_below, two_point

# Share of the states, and the two atoms −a and b, of each type; radius 1.
SIX_TYPES = (
    ("0.01076", "0.1487", "299.0"), ("0.21764", "4.0254", "3.8492"), ("0.12034", "2.6192", "1.7776"),
    ("0.07883", "4.5835", "4.5793"), ("0.43407", "2.1481", "1.8500"), ("0.13836", "3.4768", "3.1759"),
)  # fmt: skip
THIRTEEN_TYPES = (
    ("0.002386", "0.077039", "382.59975"), ("0.070376", "2.710813", "1.767642"),
    ("0.076583", "2.701869", "1.838654"), ("0.034353", "3.905290", "3.891797"),
    ("0.040694", "3.379259", "3.072828"), ("0.355549", "2.106768", "1.892824"),
    ("0.113332", "3.566902", "3.706585"), ("0.005852", "0.107076", "262.734092"),
    ("0.029332", "4.663409", "4.419294"), ("0.066114", "2.418359", "1.800546"),
    ("0.030830", "4.834266", "4.798526"), ("0.172173", "3.469141", "3.288860"),
    ("0.002426", "0.040636", "289.463666"),
)  # fmt: skip


class Certificate(NamedTuple):
    """Enclosures that separate the two sides of Theorem 6.1 for equal weights."""

    states: int
    right: arb  # (1/N) log of a number at most ∏ P_i K_i
    left: arb  # (1/N) log of a number at least P_H
    cells: int  # intervals in which A* leaves some outcome without a hit

    @property
    def refutes(self) -> bool:
        """Certain that P_H < ∏ P_i K_i."""
        return bool(self.left < self.right)


class _Share(NamedTuple):
    """One type of the equal-weights instance: share of the states, two atoms and their probabilities."""

    share: Fraction
    atoms: tuple[Fraction, Fraction]
    masses: tuple[Fraction, Fraction]

    @property
    def variance(self) -> Fraction:
        return -self.atoms[0] * self.atoms[1]


def equal_weights(states: int, types: Sequence[tuple[str, str, str]] = SIX_TYPES) -> Certificate:
    """Bound both sides of Theorem 6.1 for p_i = 1/N and radius 1, with interval arithmetic.

    The line is cut where A* enters or leaves the ball of an atom.  Within a cell the atoms that are not hit are
    fixed, and Chernoff's inequality bounds the probability that all states sit at these while A* is in the cell.

    Parameters
    ----------
    states : int
        N, such that every type has a whole number of states.
    types : sequence of (share, a, b)
        Decimal numbers; laws of mean zero on −a and b.

    Raises
    ------
    ValueError
        If the shares do not sum to one, give no whole numbers, or the hypothesis of the theorem is not met.
    """
    shares = [_share(*t) for t in types]
    if sum(t.share for t in shares) != 1 or any((t.share * states).denominator != 1 for t in shares):
        raise ValueError(f"shares must sum to one and give whole numbers of {states} states")
    cuts = sorted({x + s for t in shares for x in t.atoms for s in (-1, 1)})
    cells = zip([None, *cuts], [*cuts, None], strict=True)
    rates = [rate for low, high in cells if (rate := _cell_rate(shares, low, high)) is not None]
    worst = max(rates, key=lambda rate: rate.upper())
    return Certificate(states, _right_rate(shares, states), worst + arb(len(rates)).log() / states, len(rates))


def _share(share: str, a: str, b: str) -> _Share:
    atoms, masses = two_point(-Fraction(a), Fraction(b))
    return _Share(Fraction(share), tuple(atoms), tuple(masses))  # type: ignore[arg-type]


def _ball(x: Fraction | int) -> arb:
    x = Fraction(x)
    return arb(x.numerator) / x.denominator


def _right_rate(shares: list[_Share], states: int) -> arb:
    """Enclose (1/N) Σ log(P_i K_i) for one admissible α per type."""
    spread = (_ball(sum((t.share * t.variance for t in shares), Fraction(0))) / states).sqrt()
    total = arb(0)
    for t in shares:
        v, (low, high) = t.variance, t.atoms
        credit = credit_below(v, _fraction_above(spread), Fraction(1))
        total += _ball(t.share) * (_ball(credit) * _ball(v / (low * low + low * high + high * high))).log()
    return total


def _fraction_above(x: arb) -> Fraction:
    numerator, denominator = x.upper().fmpq().p, x.upper().fmpq().q
    return Fraction(int(numerator), int(denominator))


class _Free(NamedTuple):
    """Atoms of one type that are not hit while A* is in a cell."""

    share: Fraction
    atoms: list[Fraction]
    masses: list[Fraction]

    @property
    def typical(self) -> Fraction:
        """Mean of the law, given that the state sits at one of these atoms."""
        return sum((x * q for x, q in zip(self.atoms, self.masses, strict=True)), Fraction(0)) / sum(self.masses)


def _cell_rate(shares: list[_Share], low: Fraction | None, high: Fraction | None) -> arb | None:
    """Enclose a number at least (1/N) log P(A* in the cell, nobody hit); None if that is impossible."""
    ends = [x for x in (low, high) if x is not None]
    inside = sum(ends, Fraction(0)) / len(ends) + (high is None) - (low is None)
    free = [_free(t, inside) for t in shares]
    if not all(f.atoms for f in free):
        return None
    least, most = (sum((f.share * end(f.atoms) for f in free), Fraction(0)) for end in (min, max))
    if (low is not None and most < low) or (high is not None and least > high):
        return None
    typical = sum((f.share * f.typical for f in free), Fraction(0))
    end = low if low is not None and typical < low else high if high is not None and typical > high else typical
    tilt = _best_tilt(free, end, 1 if typical < end else -1) if typical != end else Fraction(0)
    return sum((_ball(f.share) * _log_tilted(f, tilt, end) for f in free), arb(0))


def _free(t: _Share, inside: Fraction) -> _Free:
    pairs = [(x, q) for x, q in zip(t.atoms, t.masses, strict=True) if abs(x - inside) > 1]
    return _Free(t.share, [x for x, _ in pairs], [q for _, q in pairs])


def _log_tilted(free: _Free, tilt: Fraction, end: Fraction) -> arb:
    """Enclose log E[exp(λ(X − z)); X not hit]."""
    terms = (_ball(q) * _ball(tilt * (x - end)).exp() for x, q in zip(free.atoms, free.masses, strict=True))
    return sum(terms, arb(0)).log()


def _best_tilt(free: list[_Free], end: Fraction, sign: int) -> Fraction:
    """A good λ of the given sign for Chernoff's inequality; any such λ is valid, so floating point may choose."""
    parts = [(float(f.share), np.array(f.atoms, float) - float(end), np.array(f.masses, float)) for f in free]

    def rate(tilt: float) -> float:
        return float(sum(share * np.log(q @ np.exp(sign * tilt * x)) for share, x, q in parts))

    best = float(minimize_scalar(rate, bounds=(0, 2), method="bounded").x)
    return sign * Fraction(best).limit_denominator(10**6)
