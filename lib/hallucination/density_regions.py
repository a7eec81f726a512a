"""Highest density regions by mass, per state and united over the states (Appendix A, Definition A.1 as repaired).

A region is the set {f ≥ t}.  Its threshold is t(M) = sup{t : P(f(A) ≥ t) ≥ M}; the supremum is attained, so the
region's mass is at least M, and exactly M unless a share of the answers has density exactly t.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq, elementwise, minimize_scalar
from scipy.special import expit
from scipy.stats import beta, chi2, norm, uniform

from hallucination.mixtures import Mixture
from hallucination.regions import Mass
from hallucination.states import Array, Discrete, Gaussian, Scalar, State, UniformBall

_TAILS = expit(np.linspace(-30, 0, 600))  # tail probabilities from 1e-13 to one half
_FAR = 50.0  # log-densities farther than this from a threshold are clipped: only their side matters


@dataclass(frozen=True, eq=False)
class Region:
    """A density region {f ≥ t} of one state: region, threshold and mass together.

    Attributes
    ----------
    state : State
        The law whose density is compared.
    log_threshold : float
        ln t.
    mass : float
        P(f(A) ≥ t); for a Monte Carlo threshold its expected value.
    standard_error : float
        Standard deviation of that mass over the draws; zero if no draws were needed.
    intervals : ndarray, shape (k, 2), or None
        In one dimension the region as disjoint intervals, from left to right; None if only `contains` is known.
    """

    state: State
    log_threshold: float
    mass: float
    standard_error: float = 0.0
    intervals: Array | None = None

    def contains(self, a: ArrayLike) -> NDArray[np.bool_]:
        """Tell which of the points (..., d) lie in the region; shape (...)."""
        return np.asarray(self.state.log_density(a) >= self.log_threshold)

    @property
    def length(self) -> float:
        """Total length of the intervals, in the unit of the answers.

        Raises
        ------
        ValueError
            If the region is not known as intervals.
        """
        if self.intervals is None:
            raise ValueError(f"the region of a {type(self.state).__name__} is not known as intervals")
        return float(np.diff(self.intervals).sum())


@dataclass(frozen=True, eq=False)
class ConditionalRegion:
    """The union of one density region per state, HCDR_M (Definition A.1 in the reading of §7.3).

    Attributes
    ----------
    mixture : Mixture
        The target.
    regions : tuple of Region
        One region per state, in the order of the states.
    """

    mixture: Mixture
    regions: tuple[Region, ...]

    def state_contains(self, a: ArrayLike) -> NDArray[np.bool_]:
        """Tell for every state which points (..., d) lie in its region; shape (N, ...)."""
        thresholds = np.array([region.log_threshold for region in self.regions])
        values = self.mixture.state_log_densities(a)
        return np.asarray(values >= thresholds.reshape(-1, *[1] * (values.ndim - 1)))

    def contains(self, a: ArrayLike) -> NDArray[np.bool_]:
        """Tell which points (..., d) lie in at least one state's region; shape (...)."""
        return np.asarray(self.state_contains(a).any(axis=0))

    @property
    def intervals(self) -> Array | None:
        """The union as disjoint intervals, shape (k, 2), or None if it is not known as intervals."""
        each = [region.intervals for region in self.regions]
        known = [intervals for intervals in each if intervals is not None]
        return _merge(np.concatenate(known)) if len(known) == len(each) else None

    def mass(self, draws: int = 100_000, rng: np.random.Generator | None = None) -> Mass:
        """P(A ∈ HCDR) for the target; Monte Carlo (`draws` from `rng`) unless the region is known as intervals."""
        laws, intervals = _laws(self.mixture), self.intervals
        if laws is not None and intervals is not None:
            return Mass(np.asarray(_mass_of(laws, intervals)), np.zeros(()))
        inside = float(self.contains(self.mixture.sample(_needed(rng, self.mixture), draws)).mean())
        return Mass(np.asarray(inside), np.asarray(np.sqrt(inside * (1 - inside) / draws)))


def density_region(state: State, mass: float, draws: int = 100_000, rng: np.random.Generator | None = None) -> Region:
    """Find the highest density region of the given mass.

    Parameters
    ----------
    state : State
        Any law. Exact for `Gaussian`, `UniformBall` and `Discrete`; by root finding for one-dimensional laws made of
        `Gaussian`, `UniformBall`, `Scalar` and mixtures of them; otherwise from the densities of random draws.
    mass : float
        M, strictly between 0 and 1.
    draws : int
        Monte Carlo draws, used only in the last case.
    rng : numpy.random.Generator, optional
        Needed only in the last case.

    Returns
    -------
    Region
        Threshold t(M) = sup{t : P(f(A) ≥ t) ≥ M}, region and mass.

    Raises
    ------
    ValueError
        If the mass is not strictly between 0 and 1, the numerics cannot reach it, or a generator is missing.

    Notes
    -----
    Appendix A. The Monte Carlo threshold is the k-th largest of n densities, k = ⌈M n⌉. For a continuous density
    the true mass of that region has the Beta(k, n + 1 − k) law, whose mean and deviation are returned.
    """
    level = _probability(mass)
    if isinstance(state, Discrete):
        return _discrete_region(state, level)
    if isinstance(state, UniformBall):
        return region_above(state, state.peak_log_density)
    if isinstance(state, Gaussian):
        return region_above(state, state.peak_log_density - 0.5 * float(chi2.ppf(level, state.mean.size)))
    laws = _laws(state)
    if laws is not None:
        return _line_region(state, laws, level)
    levels = np.sort(state.log_density(state.sample(_needed(rng, state), draws)))[::-1]
    k = int(np.ceil(round(level * draws, 9)))
    law = beta(k, draws + 1 - k)
    return Region(state, float(levels[k - 1]), float(law.mean()), float(law.std()))


def region_above(
    state: State, log_threshold: float, draws: int = 100_000, rng: np.random.Generator | None = None
) -> Region:
    """Describe the region {f ≥ t} of a given threshold: its mass, and its intervals where they can be found.

    Parameters
    ----------
    state : State
        Any law; the same cases as in `density_region`.
    log_threshold : float
        ln t; for the region U of Definition 6.2, ln δ (the two differ only where f = δ).
    draws, rng
        For Monte Carlo, needed only for laws of which nothing is known.

    Raises
    ------
    ValueError
        If Monte Carlo is needed and no generator is given.
    """
    laws = _laws(state)
    if laws is not None and not isinstance(state, (Gaussian, UniformBall)):
        intervals = _Line(state, laws).above(log_threshold)
        return Region(state, log_threshold, _mass_of(laws, intervals), 0.0, intervals)
    if isinstance(state, Gaussian):
        squared = 2 * (state.peak_log_density - log_threshold)
        mass, radius = float(chi2.cdf(squared, state.mean.size)), float(np.sqrt(max(squared, 0.0) * state.variance))
        return Region(state, log_threshold, mass, 0.0, _around(state, radius if squared >= 0 else -1.0))
    if isinstance(state, UniformBall):
        whole = log_threshold <= state.peak_log_density
        return Region(state, log_threshold, float(whole), 0.0, _around(state, state.radius if whole else -1.0))
    if isinstance(state, Discrete):
        kept = np.log(state.weights) >= log_threshold
        return Region(state, log_threshold, float(state.weights[kept].sum()))
    inside = float((state.log_density(state.sample(_needed(rng, state), draws)) >= log_threshold).mean())
    return Region(state, log_threshold, inside, float(np.sqrt(inside * (1 - inside) / draws)))


def conditional_region(
    mixture: Mixture, mass: float, draws: int = 100_000, rng: np.random.Generator | None = None
) -> ConditionalRegion:
    """Unite the density regions of mass M of all states: HCDR_M (arguments as in `density_region`).

    Notes
    -----
    Definition A.1 in the reading of §7.3. Each state has its own threshold; a draw from the target lies in the union
    with probability at least M.
    """
    return ConditionalRegion(mixture, tuple(density_region(state, mass, draws, rng) for state in mixture.states))


def conditional_region_above(
    mixture: Mixture, log_threshold: float, draws: int = 100_000, rng: np.random.Generator | None = None
) -> ConditionalRegion:
    """Unite the regions {f_i ≥ t} of one threshold, as Definition 6.2 does (arguments as in `region_above`)."""
    return ConditionalRegion(
        mixture, tuple(region_above(state, log_threshold, draws, rng) for state in mixture.states)
    )


def quantile(state: State, probability: ArrayLike) -> Array:
    """Quantiles of a one-dimensional law; shape of `probability`, in the unit of the answers.

    Raises
    ------
    ValueError
        If the law has no known distribution function, or a probability is not strictly between 0 and 1.
    """
    q = np.asarray(probability, dtype=float)
    if not ((q > 0) & (q < 1)).all():
        raise ValueError(f"probabilities must lie strictly between 0 and 1, got {probability!r}")
    laws = _known(state)
    ends = np.stack([law.ppf(q) for _, law in laws])
    low, high = ends.min(axis=0), ends.max(axis=0)
    wide = 1e-9 * (1 + np.abs(low) + np.abs(high))

    def excess(x: Array, q: Array) -> Array:
        return _cdf(laws, x) - q

    return np.asarray(elementwise.find_root(excess, (low - wide, high + wide), args=(q,)).x)


def central_interval(state: State, mass: float) -> Array:
    """Interval between the (1 − M)/2 and (1 + M)/2 quantiles of a one-dimensional law, shape (2,)."""
    level = _probability(mass)
    return quantile(state, [(1 - level) / 2, (1 + level) / 2])


def shortest_interval(state: State, mass: float) -> Array:
    """Find the shortest single interval of mass M of a one-dimensional law, shape (2,).

    For a density with one mode it is the density region; for several modes it may be much longer.
    """
    level = _probability(mass)

    def ends(q: ArrayLike) -> Array:
        return quantile(state, np.stack([np.asarray(q), np.asarray(q) + level], axis=-1))

    grid = (1 - level) * np.linspace(0, 1, 402)[1:-1]
    best = int(np.argmin(np.diff(ends(grid))[:, 0]))
    edges = np.concatenate([[1e-12], grid, [1 - level - 1e-12]])
    found = minimize_scalar(
        lambda q: float(np.diff(ends(q))[0]),
        bounds=(edges[best], edges[best + 2]),
        method="bounded",
        options={"xatol": 1e-12},
    )
    return ends(found.x)


def lies_within(inner: Array, outer: Array) -> bool:
    """Tell whether each interval of `inner`, shape (k, 2), lies in one of the disjoint intervals of `outer`.

    Up to rounding of the ends; an empty set lies in every other.
    """
    slack = 1e-9 * (1 + np.abs(inner).max(initial=0.0))
    low, high = outer[:, 0] - slack, outer[:, 1] + slack
    return bool(((inner[:, :1] >= low) & (inner[:, 1:] <= high)).any(axis=1).all())


def _probability(mass: float) -> float:
    if not 0 < mass < 1:
        raise ValueError(f"mass must lie strictly between 0 and 1, got {mass!r}")
    return float(mass)


def _needed(rng: np.random.Generator | None, state: State) -> np.random.Generator:
    if rng is None:
        raise ValueError(f"{type(state).__name__} has no exact density region: pass rng for a Monte Carlo estimate")
    return rng


def _discrete_region(state: Discrete, mass: float) -> Region:
    heaviest = np.sort(state.weights)[::-1]
    least = heaviest[min(int(np.searchsorted(heaviest.cumsum(), mass - 1e-12)), heaviest.size - 1)]
    return Region(state, float(np.log(least)), float(heaviest[heaviest >= least].sum()))


def _around(state: Gaussian | UniformBall, radius: float) -> Array | None:
    if state.mean.size != 1:
        return None
    return state.mean + np.array([[-radius, radius]]) if radius >= 0 else np.empty((0, 2))


# One-dimensional laws: weighted SciPy laws that together make up the state.

Laws = list[tuple[float, Any]]


def _laws(state: State) -> Laws | None:
    """Return weights and frozen SciPy laws of a one-dimensional state; None if they are not known."""
    if state.mean.size != 1:
        return None
    if isinstance(state, Scalar):
        return [(1.0, state.law)]
    if isinstance(state, Gaussian):
        return [(1.0, norm(state.mean[0], np.sqrt(state.variance)))]
    if isinstance(state, UniformBall):
        return [(1.0, uniform(state.mean[0] - state.radius, 2 * state.radius))]
    if not isinstance(state, Mixture):
        return None
    parts = [_laws(part) for part in state.states]
    return [
        (float(weight) * share, law)
        for weight, part in zip(state.weights, parts, strict=True)
        for share, law in part or []
    ] if all(parts) else None  # fmt: skip


def _known(state: State) -> Laws:
    laws = _laws(state)
    if laws is None:
        raise ValueError(f"{type(state).__name__} with d = {state.mean.size} has no known distribution function")
    return laws


def _cdf(laws: Laws, x: ArrayLike) -> Array:
    return np.asarray(sum(weight * law.cdf(x) for weight, law in laws))


def _mass_of(laws: Laws, intervals: Array) -> float:
    """Probability of disjoint intervals, from the tail nearer to them."""
    low, high = intervals.T
    return float(
        sum(
            weight * np.where(low > law.median(), law.sf(low) - law.sf(high), law.cdf(high) - law.cdf(low)).sum()
            for weight, law in laws
        )
    )


def _merge(intervals: Array) -> Array:
    """Unite intervals that overlap or touch."""
    merged: list[list[float]] = []
    for low, high in sorted(map(list, intervals)):
        if merged and low <= merged[-1][1]:
            merged[-1][1] = max(merged[-1][1], high)
        else:
            merged.append([low, high])
    return np.array(merged).reshape(-1, 2)


class _Line:
    """A one-dimensional density on a grid fine enough that between neighbours it goes up or down, not both.

    The grid takes quantiles of every part, so that it is fine where any part is, however far apart or narrow the
    parts are; the modes and valleys in between are added as points of their own.
    """

    def __init__(self, state: State, laws: Laws) -> None:
        self._state = state
        ends = np.array([end for _, law in laws for end in law.support() if np.isfinite(end)])
        edges = [np.nextafter(ends, -np.inf), ends, np.nextafter(ends, np.inf)]  # a density may jump there
        parts = [np.concatenate([law.ppf(_TAILS), law.isf(_TAILS)]) for _, law in laws]
        x = np.unique(np.concatenate([*parts, *edges]))
        self._x = np.unique(np.concatenate([x, self._turns(x)]))
        self._log = self._log_density(self._x)

    def _log_density(self, x: ArrayLike) -> Array:
        with np.errstate(divide="ignore"):
            return self._state.log_density(np.asarray(x)[..., None])

    def _turns(self, x: Array) -> Array:
        """Modes and valleys of the density, each between two neighbours of a grid point."""
        found = [np.empty(0)]
        for sign in (-1.0, 1.0):
            value = sign * np.clip(self._log_density(x), -700, 700)
            k = 1 + np.flatnonzero((value[1:-1] < value[:-2]) & (value[1:-1] < value[2:]))
            if k.size:
                turn = self._side(sign)
                found.append(elementwise.find_minimum(turn, (x[k - 1], x[k], x[k + 1])).x)
        return np.concatenate(found)

    def _side(self, sign: float) -> Callable[[Array], Array]:
        return lambda x: sign * np.clip(self._log_density(x), -700, 700)

    def bracket(self, laws: Laws, mass: float) -> tuple[float, float]:
        """Log-thresholds with surely enough, and surely no more than this mass above.

        A cell of the grid counts by its lower end in the first case and by its higher end in the second.
        """
        share = np.diff(_cdf(laws, self._x))
        ends = np.sort([self._log[:-1], self._log[1:]], axis=0)
        found = []
        for level, wanted in zip(ends, (mass + 1e-9, mass - 1e-9), strict=True):
            order = np.argsort(-level)
            k = np.searchsorted(share[order].cumsum(), wanted)
            finite = level[order][: k + 1]
            found.append(float(finite[np.isfinite(finite)][-1]))
        return found[0], found[1]

    def above(self, log_threshold: float) -> Array:
        """Intervals where the log-density is at least the threshold, shape (k, 2)."""
        inside = np.concatenate([[False], self._log >= log_threshold, [False]])
        x = np.concatenate([self._x[:1], self._x, self._x[-1:]])
        k = np.flatnonzero(inside[1:] != inside[:-1])
        low, high = x[k], x[k + 1]
        crossing = np.where(low == high, low, np.nan)
        open_ = low < high
        if open_.any():
            crossing[open_] = elementwise.find_root(
                lambda a: np.clip(self._log_density(a) - log_threshold, -_FAR, _FAR) + 0.0, (low[open_], high[open_])
            ).x
        return np.asarray(crossing.reshape(-1, 2))


def _line_region(state: State, laws: Laws, mass: float) -> Region:
    """Solve for the threshold; the mass above it falls as it rises, and jumps where the density has plateaus."""
    line = _Line(state, laws)
    low, high = line.bracket(laws, mass)

    def excess(log_threshold: float) -> float:
        return _mass_of(laws, line.above(log_threshold)) - mass

    if excess(low) < 0:
        raise ValueError(f"mass {mass!r} is too close to 1 for the tails of this law: at most about 1 - 1e-12")
    found = high if excess(high) >= 0 else float(brentq(excess, low, high, xtol=1e-13, rtol=1e-14))
    step = 1e-13 * max(1.0, abs(found))
    while excess(found) < -1e-12:  # at a jump the solver may stop on the side with too little mass
        found, step = found - step, 2 * step
    intervals = line.above(found)
    return Region(state, found, _mass_of(laws, intervals), 0.0, intervals)
