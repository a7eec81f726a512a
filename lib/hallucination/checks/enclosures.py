"""Balls of real numbers that are certain to hold the true value: normal densities and masses for the checks."""

from __future__ import annotations

from fractions import Fraction

from flint import arb

HALF, TENTH, HUNDREDTH = Fraction(1, 2), Fraction(1, 10), Fraction(1, 100)


def ball(number: Fraction | int) -> arb:
    """Return a rational number as a ball of real numbers that is certain to hold it."""
    return arb(Fraction(number).numerator) / Fraction(number).denominator


def phi(x: Fraction | int, dimension: int = 1) -> arb:
    """Enclose the density of N(0, I_d) at distance x from its centre."""
    return (-(ball(x) ** 2) / 2).exp() / (2 * arb.pi()) ** (arb(dimension) / 2)


def normal_mass(low: Fraction | int, high: Fraction | int) -> arb:
    """Enclose the probability of an interval under N(0, 1)."""
    root = arb(2).sqrt()
    return ((ball(high) / root).erf() - (ball(low) / root).erf()) / 2


def certain(yes: bool, no: bool) -> bool | None:
    """Three-valued answer from two one-sided interval tests; None if the enclosures overlap."""
    return True if yes else False if no else None


def log_normal(dimension: int, log_det: arb, squared_distance: arb) -> arb:
    """Enclose the logarithm of a normal density from ln det Σ and the squared Mahalanobis distance."""
    return -(dimension * (2 * arb.pi()).log() + log_det + squared_distance) / 2


def chi2_tail(dimension: int, x: arb) -> arb:
    """Enclose P(χ²_d ≥ x)."""
    return (x / 2).gamma_upper(arb(dimension) / 2, 1)
