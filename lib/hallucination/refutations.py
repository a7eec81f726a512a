"""Instances that refute Theorem 6.1 or a line of its proof, in exact numbers.

Two heavy states use up the factors P_i and pin A* to one point; many nearly weightless states sit on that point with
constant probability, and each of them costs the true probability more than the theorem admits.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise, product
from typing import NamedTuple

from scipy.optimize import minimize_scalar

from hallucination.enumeration import exact_event, exact_marginal, exact_probability, exact_probability_by_types

HALF = Fraction(1, 2)
Law = tuple[tuple[Fraction, ...], tuple[Fraction, ...]]  # atoms on the line, probabilities


@dataclass(frozen=True)
class Instance:
    """States of §6 on the real line by types: `counts[t]` states share weight, law and radius.

    Attributes
    ----------
    counts : tuple of int
        Number of states of each type.
    weights : tuple of Fraction
        Weight of one state of each type; they sum to one with their multiplicities.
    laws : tuple of (atoms, probabilities)
        Law of the centre μ_i; all have one common mean (Assumption 6.1).
    radii : tuple of Fraction
        Covering radius r_i, with U_i the closed interval around μ_i.
    """

    counts: tuple[int, ...]
    weights: tuple[Fraction, ...]
    laws: tuple[Law, ...]
    radii: tuple[Fraction, ...]

    @property
    def states(self) -> int:
        """N."""
        return sum(self.counts)

    def moments(self) -> list[tuple[Fraction, Fraction]]:
        """Variance v and K = v²/E(μ−μ_0)⁴ of each type; ValueError if the means differ or a law is constant."""
        found = [_moments(law) for law in self.laws]
        if len({mean for mean, _, _ in found}) > 1:
            raise ValueError(f"all laws must have one mean, got {[str(mean) for mean, _, _ in found]}")
        if any(v == 0 for _, v, _ in found):
            raise ValueError("every law needs a positive variance")
        return [(v, v * v / fourth) for _, v, fourth in found]

    def spread_squared(self) -> Fraction:
        """Variance of A*: the theorem's d² = Σ p_j² v_j."""
        parts = zip(self.counts, self.weights, self.moments(), strict=True)
        return sum((n * w * w * v for n, w, (v, _) in parts), Fraction(0))

    def probability(self) -> Fraction:
        """P_H by enumeration of all outcomes."""
        return exact_probability_by_types(self.counts, self.weights, self.laws, self.radii)

    def right_side(self) -> Fraction:
        """A rational number that is certain to be at most ∏ P_i K_i; ValueError if the hypothesis is not met."""
        spread = _root_above(self.spread_squared())
        return math.prod(((credit_below(v, spread, r) * k) ** n for n, v, k, r in self._factors()), start=Fraction(1))

    def right_side_above(self, cells: int = 200) -> Fraction:
        """A rational number that is certain to be at least ∏ P_i K_i, the closer the more `cells`."""
        spread = _root_below(self.spread_squared())
        factors = ((credit_above(v, spread, r, cells) * k) ** n for n, v, k, r in self._factors())
        return math.prod(factors, start=Fraction(1))

    def _factors(self) -> list[tuple[int, Fraction, Fraction, Fraction]]:
        """Number of states, v, K and radius of each type."""
        parts = zip(self.counts, self.moments(), self.radii, strict=True)
        return [(n, v, k, r) for n, (v, k), r in parts]


def _moments(law: Law) -> tuple[Fraction, Fraction, Fraction]:
    """Mean, variance and fourth central moment of a law on the line."""
    pairs = list(zip(*law, strict=True))
    mean = sum((a * q for a, q in pairs), Fraction(0))
    variance, fourth = (sum(((a - mean) ** k * q for a, q in pairs), Fraction(0)) for k in (2, 4))
    return mean, variance, fourth


def _root_above(x: Fraction, digits: int = 30) -> Fraction:
    """A rational number just above √x."""
    unit = 10**digits
    return Fraction(math.isqrt(x.numerator * x.denominator * unit**2) + 1, x.denominator * unit)


def _root_below(x: Fraction) -> Fraction:
    """A rational number at most √x, and close to it."""
    return x / _root_above(x)


def credit_above(variance: Fraction, spread: Fraction, radius: Fraction, cells: int = 200) -> Fraction:
    """A rational number at least P_i; arguments as for `credit_below`, with `spread` a number at most d.

    The first factor grows with α and the second falls: on each of `cells` intervals the ends give an upper bound.
    """
    last = (_root_above(variance) - radius) / spread
    if last <= 1:
        return Fraction(0)
    ends = [(1 + (last - 1) * Fraction(k, cells)).limit_denominator(10**6) for k in range(cells)] + [last]
    return max(
        (1 - 1 / b**2) * max(Fraction(0), 1 - (a * spread + radius) ** 2 / variance) ** 2
        for a, b in pairwise([Fraction(1), *ends[1:]])
    )


def credit_below(variance: Fraction, spread: Fraction, radius: Fraction) -> Fraction:
    """A rational number at most P_i = max over α > 1 of (1 − α⁻²)(1 − θ_i(α))², with θ_i(α) = (α d + r)²/v_i ≤ 1.

    Any admissible α gives one; floating point only helps to choose it.

    Parameters
    ----------
    variance, spread, radius : Fraction
        v_i, a number at least d, and r_i.

    Raises
    ------
    ValueError
        If there is no admissible α, that is, unless d + r_i < √v_i.
    """
    largest = (math.sqrt(variance) - float(radius)) / float(spread)
    if (spread + radius) ** 2 >= variance or largest <= 1:
        got = f"{float(spread):g} + {float(radius):g} and √v = {math.sqrt(variance):g}"
        raise ValueError(f"hypothesis not met: need d + r < √v, got {got}")

    def loss(alpha: float) -> float:
        return -(1 - alpha**-2) * (1 - (alpha * float(spread) + float(radius)) ** 2 / float(variance)) ** 2

    best = minimize_scalar(loss, bounds=(1, largest), method="bounded", options={"xatol": 1e-9}).x
    alpha = Fraction(float(best)).limit_denominator(10**9)
    theta = (alpha * spread + radius) ** 2 / variance
    if not (alpha > 1 and theta <= 1):
        raise ValueError(f"hypothesis not met: no admissible α found below {largest:g}")
    return (1 - 1 / alpha**2) * (1 - theta) ** 2


def two_point(low: Fraction | int, high: Fraction | int) -> Law:
    """Law of mean zero on the two points low < 0 < high; ValueError if 0 is not between them."""
    if not low < 0 < high:
        raise ValueError(f"0 must lie between the two points, got {low} and {high}")
    low, high = Fraction(low), Fraction(high)
    return (low, high), (high / (high - low), -low / (high - low))


def uniform_radius(
    light_states: int = 23,
    far: Fraction | int = 1501,
    ratio: Fraction | int = Fraction(7, 5),
    light: Fraction = Fraction(1, 10**12),
) -> Instance:
    """One radius for all states; N = light_states + 2, and 25 are enough to refute the theorem.

    Two heavy states sit at −1 or, rarely, at `far`; the light ones at c = (far − 1)/2, where A* then is, or at
    −ratio·c.  `light` is the weight of one of them.
    """
    far, ratio = Fraction(far), Fraction(ratio)
    c = (far - 1) / 2
    r = 2 * light_states * light * (far + c * max(Fraction(1), ratio))
    weights = ((1 - light_states * light) / 2, light)
    return Instance((2, light_states), weights, (two_point(-1, far), two_point(-ratio * c, c)), (r, r))


def per_state_radii(light_states: int = 10, ratio: Fraction = Fraction(15, 11)) -> Instance:
    """One radius per state; N = light_states + 3, and 13 are enough to refute the theorem."""
    c, third, light = Fraction(10**6), Fraction(1, 10**8), Fraction(1, 10**16)
    far = c / third  # μ_3 there moves A* by c
    near = Fraction(10**6) / far
    heavy = (1 - third - light_states * light) / 2
    noise = light_states * light * c * ratio
    laws = (two_point(-1, 1), two_point(-near, far), two_point(-ratio * c, c))
    radii = ((1 - 2 * heavy) + third * near + noise, near * (1 - third) + noise, 2 * heavy + 2 * noise)
    return Instance((2, 1, light_states), (heavy, third, light), laws, radii)


def symmetric(families: tuple[int, int, int] = (31, 29, 12)) -> Instance:
    """Symmetric laws: two heavy states and families of light states at ±1, ±2, ±3; N = 74 refutes the theorem.

    The heavy states are at 0 unless they are, rarely, at ±2 or ±4.  If one of them is, A* lies on ±1, ±2 or ±3, and
    then all light states of that family must sit at the other of their two points.
    """
    light = Fraction(1, 10**15)
    laws = _symmetric_law(Fraction(2), Fraction(16, 10**6)), _symmetric_law(Fraction(4), Fraction(425, 10**8))
    heavy = (1 - sum(families) * light) / 2
    noise = light * sum(n * k for n, k in zip(families, (1, 2, 3), strict=True))
    r = noise + 3 * sum(families) * light
    counts, weights = (1, 1, *families), (heavy, heavy, *[light] * 3)
    return Instance(counts, weights, (*laws, *(two_point(-k, k) for k in (1, 2, 3))), (r,) * 5)


def _symmetric_law(size: Fraction, rare: Fraction) -> Law:
    """Law on −size, 0, size, that leaves 0 with probability `rare`."""
    return (-size, Fraction(0), size), (rare / 2, 1 - rare, rare / 2)


def probability_by_noise(instance: Instance, heavy: int) -> Fraction:
    """P_H when the states after the first `heavy` types are so light that they decide no comparison.

    Given the heavy states, the light ones are hit or not independently of each other, so that no sum over their
    outcomes is needed.

    Parameters
    ----------
    instance : Instance
        Laws on the real line, one radius per type.
    heavy : int
        Number of types that are enumerated state by state.

    Raises
    ------
    ValueError
        If moving A* by as much as the light states can would change whether a state is hit.
    """
    types = list(zip(instance.counts, instance.weights, instance.laws, instance.radii, strict=True))
    light = types[heavy:]
    noise = sum((n * w * max(abs(a) for a in law[0]) for n, w, law, _ in light), Fraction(0))

    def hit(at: Fraction, atom: Fraction, radius: Fraction) -> bool:
        gap = abs(at - atom)
        if radius - noise < gap <= radius + noise:
            raise ValueError(f"the light states decide whether {float(gap):g} is within {float(radius):g}")
        return gap <= radius

    total = Fraction(0)
    singles = [t for t in types[:heavy] for _ in range(t[0])]
    for drawn in product(*(zip(*law, strict=True) for _, _, law, _ in singles)):
        at = sum((w * a for (_, w, _, _), (a, _) in zip(singles, drawn, strict=True)), Fraction(0))
        if any(hit(at, a, r) for (_, _, _, r), (a, _) in zip(singles, drawn, strict=True)):
            continue
        mass = math.prod((q for _, q in drawn), start=Fraction(1))
        for n, _, law, r in light:
            mass *= sum((q for a, q in zip(*law, strict=True) if not hit(at, a, r)), Fraction(0)) ** n
        total += mass
    return total


class Display(NamedTuple):
    """Both sides of the second line of the display in Appendix B.5, for state 1, with d_1 in place of α_1 d."""

    instance: Instance
    near: Fraction  # d_1
    left: Fraction  # P(A* outside the closed ball of radius r around μ_1)
    first: Fraction  # P(|A* − μ_0| ≤ d_1)
    second: Fraction  # P(|μ_1 − μ_0| ≥ d_1 + r)
    joint: Fraction  # P(both)

    @property
    def right(self) -> Fraction:
        """The product that the display has on its right side."""
        return self.first * self.second


def _display(instance: Instance, near: Fraction) -> Display:
    """Evaluate the display exactly; the laws have mean zero."""
    if instance.spread_squared() >= near**2:
        raise ValueError(f"d_1 must be above d, got {near}")
    r = instance.radii[0]
    if any((near + r) ** 2 > v for v, _ in instance.moments()):
        raise ValueError(f"d_1 + r must be at most every √v_i, got {near + r}")
    p, laws = instance.weights, instance.laws
    first = exact_event(p, laws, lambda mu, mean: abs(mean[0]) <= near)
    second = exact_event(p, laws, lambda mu, mean: abs(mu[0][0]) >= near + r)
    joint = exact_event(p, laws, lambda mu, mean: abs(mean[0]) <= near and abs(mu[0][0]) >= near + r)
    return Display(instance, near, exact_marginal(0, p, laws, instance.radii), first, second, joint)


def display_with_four_states() -> Display:
    """N = 4: A* misses the ball of state 1 less often than the display says."""
    weights = (Fraction(11, 20), Fraction(1, 10), Fraction(7, 40), Fraction(7, 40))
    wide, fair = _symmetric_law(Fraction(11, 10), Fraction(4, 5)), two_point(-1, 1)
    laws = (wide, two_point(Fraction(-27, 20), Fraction(27, 20)), fair, fair)
    return _display(Instance((1,) * 4, weights, laws, (Fraction(9, 25),) * 4), Fraction(31, 50))


def display_with_two_states(rare: Fraction = Fraction(1, 16)) -> Display:
    """N = 2: the two events of the display are far from independent; a centre leaves 0 with probability `rare`."""
    law = _symmetric_law(Fraction(1), rare)
    return _display(Instance((1, 1), (HALF, HALF), (law, law), (Fraction(1, 20),) * 2), Fraction(9, 50))


def random_radius() -> tuple[Fraction, Fraction]:
    """P_H when a state's radius depends on its centre, and a lower bound of ∏ P_i K_i with the smaller radius.

    Centres are ±1, fair; the state is spread over radius 1/10 around −1 and over 11/10 around +1.
    """
    fair = two_point(-1, 1)
    small, large = Fraction(1, 10), Fraction(11, 10)
    p_h = exact_probability((HALF, HALF), (fair, fair), [(small, large)] * 2)
    return p_h, Instance((2,), (HALF,), (fair,), (small,)).right_side()


def sharp() -> Instance:
    """Mean zero, one radius: P_H = 1/81 is exactly the product of 1 − Q_i, so that no factor can be dropped."""
    weights = (Fraction(5, 16), Fraction(1, 4), Fraction(7, 16))
    laws = (two_point(-16, 8), two_point(-24, 3), two_point(-8, 16))
    return Instance((1, 1, 1), weights, laws, (Fraction(19, 4),) * 3)


def three_uniforms(radius: Fraction) -> tuple[Fraction, Fraction]:
    """P(no state is hit) and P(state 1 is not hit) for three centres uniform on [−1, 1] with weights 1/3.

    Raises
    ------
    ValueError
        Unless 0 ≤ r ≤ 2/3.
    """
    if not 0 <= radius <= Fraction(2, 3):
        raise ValueError(f"radius must lie between 0 and 2/3, got {radius}")
    rho = Fraction(3, 2) * radius
    return (1 - rho) ** 3, 1 - rho + rho**3 / 6
