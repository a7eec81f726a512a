"""How much mass of a law one ball can hold, its moments and its shape: what the bounds of §6 ask of a law."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol, runtime_checkable
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import betainc
from scipy.stats import chi2, ncx2, norm, uniform

from hallucination.states import Array, Discrete, Gaussian, Scalar, State, UniformBall, vector

CENTRED = frozenset({"norm", "laplace", "uniform", "t", "logistic", "hypsecant", "cosine", "semicircular", "anglit"})
LOG_CONCAVE = (CENTRED - {"t"}) | {"expon", "gumbel_r", "gumbel_l"}
MOST_SUBSETS = 20_000
_CENTRES: WeakKeyDictionary[Discrete, Array | None] = WeakKeyDictionary()  # `circumcentres` of laws met before


class Concentration(NamedTuple):
    """Value of Q(ρ) = sup_z Pr[|μ − z| ≤ ρ]; if not exact, the value is an upper bound of it."""

    value: float
    exact: bool


class Moments(NamedTuple):
    """v = E|μ − Eμ|² and K = v² / E|μ − Eμ|⁴ of one law."""

    variance: float
    ratio: float


@runtime_checkable
class Concentrated(Protocol):
    """A law whose author gives its concentration function, or an upper bound of it."""

    def most_in_a_ball(self, radius: float) -> float:
        """Return an upper bound of sup_z Pr[|μ − z| ≤ radius]."""
        ...


@runtime_checkable
class Quartic(Protocol):
    """A law whose author gives its fourth moment E|μ − Eμ|⁴."""

    fourth_moment: float


def concentration(
    law: State, radius: float, centre: ArrayLike | None = None, reach: float = math.inf
) -> Concentration:
    """Most mass that a closed ball of this radius can hold, its centre within `reach` of `centre`.

    Parameters
    ----------
    law : State
        Law of one μ_i.
    radius : float
        Radius ρ ≥ 0, in the unit of the answers.
    centre : array_like, shape (d,), optional
        Where the ball's centre has to be near; with the default reach it does not matter.
    reach : float
        Largest distance τ ≥ 0 of the ball's centre from `centre`.

    Returns
    -------
    Concentration
        sup over |z − centre| ≤ reach of Pr[|μ − z| ≤ radius], or an upper bound of it.

    Raises
    ------
    ValueError
        If radius or reach is negative, or the law's concentration is not known.

    Notes
    -----
    A lower bound of P_H may use any upper bound of Q, so that errors go in that direction: exact for balls,
    isotropic normal laws, the symmetric unimodal laws of a number, and small discrete laws (up to rounding,
    which is taken upwards); otherwise about 1e-6 too large for laws of a number (1e-4 if a density is constant
    around its highest point), and possibly more for normal laws of unequal variances and for large discrete laws
    of vectors.
    """
    if not (radius >= 0 and reach >= 0):
        raise ValueError(f"radius and reach must not be negative, got {radius!r} and {reach!r}")
    if radius == math.inf:
        return Concentration(1.0, True)
    m = law.mean if centre is None else vector(centre, "centre")
    if m.shape != law.mean.shape:
        raise ValueError(f"centre must have shape {law.mean.shape} like the law's mean, got {m.shape}")
    if isinstance(law, Discrete):
        return _discrete(law, radius, m, reach)
    offset = max(0.0, float(np.linalg.norm(m - law.mean)) - reach)
    if isinstance(law, Gaussian):
        return _gaussian(law, radius, m, reach, offset)
    if isinstance(law, UniformBall):
        return Concentration(_balls(law.mean.size, law.radius, radius, offset), True)
    if isinstance(law, Scalar):
        return _scalar(law.law, radius, float(m[0]), reach, offset)
    if isinstance(law, Concentrated):
        return Concentration(min(1.0, float(law.most_in_a_ball(radius))), False)
    name = type(law).__name__
    raise ValueError(f"no concentration function is known for {name}: give the law a method most_in_a_ball(radius)")


def variances(law: Gaussian) -> Array:
    """Eigenvalues of a normal law's covariance, shape (d,), largest first."""
    covariance, d = np.asarray(law.covariance, dtype=float), law.mean.size
    values = np.linalg.eigvalsh(covariance) if covariance.ndim == 2 else np.broadcast_to(covariance, (d,))
    return np.sort(values)[::-1]


def _gaussian(law: Gaussian, radius: float, m: Array, reach: float, offset: float) -> Concentration:
    """Anderson: the ball around the mean holds most, and less the farther its centre is."""
    v = variances(law)
    if v[0] - v[-1] <= 1e-12 * v[0]:
        return Concentration(_isotropic(v.size, math.sqrt(v[-1]), radius, offset), True)
    # The largest k variances alone give a larger probability; among k variances with a given product, equal ones
    # give the largest (Pr[Σ exp(t_j) g_j² ≤ x] is log-concave and symmetric in t, by Prékopa).
    logs = np.cumsum(np.log(v)) / np.arange(1, v.size + 1)
    value = float(np.min(chi2.cdf(radius**2 / np.exp(logs), np.arange(1, v.size + 1))))
    if offset > 0:  # the ball lies in a slab across the direction of its centre
        u = (m - law.mean) / np.linalg.norm(m - law.mean)
        covariance = np.asarray(law.covariance, dtype=float)
        spread = u @ (covariance @ u if covariance.ndim == 2 else covariance * u)
        value = min(value, _isotropic(1, math.sqrt(spread), radius, offset))
    return Concentration(value, False)


def _isotropic(d: int, sd: float, radius: float, offset: float) -> float:
    if d == 1:
        return float(norm.cdf((offset + radius) / sd) - norm.cdf((offset - radius) / sd))
    if offset == 0:
        return float(chi2.cdf((radius / sd) ** 2, d))
    return min(1.0, float(ncx2.cdf((radius / sd) ** 2, d, (offset / sd) ** 2)))


def _balls(d: int, big: float, small: float, offset: float) -> float:
    """Share of a ball of radius `big` that a ball of radius `small` at this distance covers."""
    if offset >= big + small:
        return 0.0
    if offset <= abs(big - small):
        return min(1.0, small / big) ** d
    cut = (offset**2 + big**2 - small**2) / (2 * offset)  # distance of the common plane from the big centre
    return _cap(d, cut / big) + (small / big) ** d * _cap(d, (offset - cut) / small)


def _cap(d: int, height: float) -> float:
    """Share of the unit ball beyond a plane at this signed distance from its centre."""
    half = 0.5 * float(betainc((d + 1) / 2, 0.5, max(0.0, 1 - height**2)))
    return half if height >= 0 else 1 - half


def _scalar(law: Any, radius: float, m: float, reach: float, offset: float) -> Concentration:
    if law.dist.name in CENTRED:
        z = float(law.mean()) + offset
        return Concentration(float(law.cdf(z + radius) - law.cdf(z - radius)), True)
    low, high = float(law.ppf(1e-12)) - radius, float(law.isf(1e-12)) + radius
    low, high = max(low, m - reach), min(high, m + reach)
    if low > high:
        return Concentration(1e-12, False)
    return Concentration(_most(law.cdf, radius, low, high), False)


def _most(cdf: Callable[[Array], Array], radius: float, low: float, high: float, tolerance: float = 1e-6) -> float:
    """Upper bound of the largest cdf(z + radius) − cdf(z − radius), low ≤ z ≤ high, by branch and bound."""
    edges = np.linspace(low, high, 513)
    left, right, found = edges[:-1], edges[1:], 0.0
    for _ in range(60):
        most = cdf(right + radius) - cdf(left - radius)  # holds for every z of the cell, as cdf is monotone
        middle = (left + right) / 2
        found = max(found, float((cdf(middle + radius) - cdf(middle - radius)).max()))
        alive = most > found + tolerance
        if not alive.any() or alive.sum() > 20_000:
            return min(1.0, max(found + tolerance, float(most.max())))
        left, right, middle = left[alive], right[alive], middle[alive]
        left, right = np.concatenate([left, middle]), np.concatenate([middle, right])
    return min(1.0, float(most.max()))


def _discrete(law: Discrete, radius: float, m: Array, reach: float) -> Concentration:
    atoms, weights = law.answers, law.weights
    slack = 16 * np.finfo(float).eps * (radius + float(np.abs(atoms).max()))  # ties are counted as hit
    if reach < math.inf:
        slack += 16 * np.finfo(float).eps * (reach + float(np.abs(m).max()))
    if reach == 0:
        return Concentration(_covered(atoms, weights, m[None], radius + slack), True)
    if atoms.shape[1] == 1:
        ends = [m - reach, m + reach] if reach < math.inf else []
        centres, exact = np.concatenate([*ends, atoms[:, 0] - radius, atoms[:, 0] + radius])[:, None], True
        centres = centres[np.abs(centres[:, 0] - m[0]) <= reach + slack]
        return Concentration(_covered(atoms, weights, centres, radius + slack), exact)
    within = np.linalg.norm(atoms - m, axis=1) <= radius + reach + slack
    local = float(weights[within].sum()) if reach < math.inf else 1.0
    if law not in _CENTRES:
        _CENTRES[law] = circumcentres(atoms)
    found = _CENTRES[law]
    if found is None:  # a ball that holds an atom lies within twice its radius of it
        value = _covered(atoms, weights, atoms, 2 * radius + slack)
        return Concentration(min(local, value), False)
    value = _covered(atoms, weights, found, radius + slack)
    return Concentration(min(local, value), reach == math.inf)


def _covered(atoms: Array, weights: Array, centres: Array, radius: float) -> float:
    if not len(centres):
        return 0.0
    gaps = np.linalg.norm(atoms[None] - centres[:, None], axis=-1)
    return min(1.0, float(((gaps <= radius) @ weights).max()))


def circumcentres(atoms: Array) -> Array | None:
    """Centres of all spheres through up to d + 1 independent atoms (m, d); None if too many or too flat.

    Notes
    -----
    The smallest ball around any set of atoms has such a centre, so that these centres decide which sets fit into
    a ball of given radius.
    """
    m, d = atoms.shape
    sizes = range(1, min(d + 1, m) + 1)
    if sum(math.comb(m, k) for k in sizes) > MOST_SUBSETS:
        return None
    centres = [atoms]
    for k in sizes[1:]:
        chosen = atoms[np.array(list(itertools.combinations(range(m), k)))]
        base, arms = chosen[:, 0], chosen[:, 1:] - chosen[:, :1]
        gram = arms @ np.swapaxes(arms, 1, 2)
        size = np.linalg.norm(arms, axis=2)
        flatness = np.linalg.det(gram / (size[:, :, None] * size[:, None, :]))
        if ((flatness > 1e-14) & (flatness < 1e-10)).any():
            return None
        good = flatness >= 1e-10
        squares = (arms[good] ** 2).sum(axis=2, keepdims=True) / 2
        share = np.linalg.solve(gram[good], squares)
        centres.append(base[good] + (share * arms[good]).sum(axis=1))
    return np.concatenate(centres)


def moments(law: State) -> Moments:
    """Exact v and K of a law.

    Raises
    ------
    ValueError
        If a moment is infinite, zero or not known.
    """
    v, fourth = law.variance, _fourth_moment(law)
    if not (0 < v < math.inf and 0 < fourth < math.inf):
        raise ValueError(f"second and fourth moment must be positive and finite, got {v:g} and {fourth:g}")
    return Moments(v, min(1.0, v**2 / fourth))


def _fourth_moment(law: State) -> float:
    if isinstance(law, Gaussian):
        v = variances(law)
        return float(v.sum() ** 2 + 2 * (v**2).sum())
    if isinstance(law, UniformBall):
        return law.mean.size * law.radius**4 / (law.mean.size + 4)
    if isinstance(law, Discrete):
        return float(law.weights @ ((law.answers - law.mean) ** 2).sum(axis=1) ** 2)
    if isinstance(law, Scalar):
        excess = float(law.law.stats(moments="k"))
        return law.variance**2 * (3 + excess) if math.isfinite(excess) else math.inf
    if isinstance(law, Quartic):
        return float(law.fourth_moment)
    raise ValueError(f"no fourth moment is known for {type(law).__name__}: give the law an attribute fourth_moment")


def shape(law: State) -> frozenset[str]:
    """What is known of a law's form, of "symmetric", "centred" and "log-concave".

    Notes
    -----
    Centred means that no ball of any radius holds more mass than the one around the mean.
    """
    if isinstance(law, Gaussian | UniformBall):
        return frozenset({"symmetric", "centred", "log-concave"})
    if isinstance(law, Scalar):
        name = law.law.dist.name
        return frozenset(({"symmetric", "centred"} if name in CENTRED else set())
                         | ({"log-concave"} if name in LOG_CONCAVE else set()))  # fmt: skip
    if isinstance(law, Discrete):
        gaps, mirrored = law.answers - law.mean, law.mean - law.answers
        same = (np.abs(gaps[:, None] - mirrored[None]).max(axis=-1) <= 1e-12 * (1 + np.abs(gaps).max())).astype(float)
        return frozenset({"symmetric"} if np.allclose(same @ law.weights, law.weights, rtol=0, atol=1e-12) else ())
    return frozenset()


def scalar_law(law: State) -> Any:
    """Frozen SciPy law of a continuous law of a number; None for all other laws."""
    if law.mean.size != 1:
        return None
    if isinstance(law, Gaussian):
        return norm(law.mean[0], math.sqrt(law.variance))
    if isinstance(law, UniformBall):
        return uniform(law.mean[0] - law.radius, 2 * law.radius)
    return law.law if isinstance(law, Scalar) else None


def outside(law: State, radius: float) -> float:
    """Lower bound of Pr[|μ − Eμ| > radius], exact where `concentration` is (in particular in one dimension)."""
    return 1 - concentration(law, radius, law.mean, 0.0).value


def peak_density(law: State) -> float | None:
    """Largest density of a law of a number, or None where it is not known."""
    frozen = scalar_law(law)
    if frozen is None or "centred" not in shape(law):
        return None
    return float(frozen.pdf(float(frozen.mean())))


def interval(law: State) -> tuple[float, float] | None:
    """Smallest interval that surely holds a number with this law, or None if there is none."""
    if law.mean.size != 1:
        return None
    if isinstance(law, Discrete):
        return float(law.answers.min()), float(law.answers.max())
    frozen = scalar_law(law)
    low, high = (-math.inf, math.inf) if frozen is None else frozen.support()
    return (float(low), float(high)) if math.isfinite(low) and math.isfinite(high) else None
