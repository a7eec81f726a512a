"""Numbers as readers see them: few digits, powers of ten where a number is tiny or huge."""

from __future__ import annotations

from fractions import Fraction


def number(x: float) -> str:
    """Write a number as the live figures' scripts do: three digits, or scientific if tiny."""
    x = float(x) + 0.0
    text = f"{x:.1e}" if x != 0 and abs(x) < 0.001 else f"{x:#.3g}".rstrip(".")
    return text.replace("e-0", "e-").replace("e+0", "e+").replace("-", "−", 1)


def scientific(x: Fraction | float) -> str:
    """A number in four digits: 0.25, 3000, or 2.394·10⁻¹²."""
    mantissa, _, exponent = f"{float(x):.4g}".partition("e")
    return f"{mantissa}·10{superscript(int(exponent))}" if exponent else mantissa


def superscript(k: int) -> str:
    """An exponent in raised digits."""
    return str(k).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
