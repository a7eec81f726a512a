"""Sums of independent numbers on a lattice: the law of A* and what happens jointly with it (§6, one dimension)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft, rfft

from hallucination.states import Array

MOST_POINTS = 1 << 17  # numbers that are transformed at a time, so that they stay in a core's cache


class Enclosure(NamedTuple):
    """A probability lies between `lower` and `upper`, up to rounding of the FFT (about 1e-15 per lattice point)."""

    lower: float
    upper: float


@dataclass(frozen=True, eq=False)
class Lattice:
    """The sum A* = Σ p_i μ_i of independent continuous numbers, each p_i μ_i rounded to a lattice of one step.

    Parameters
    ----------
    weights : ndarray, shape (N,)
        The p_i.
    laws : sequence of frozen SciPy laws
        Laws of the μ_i; equal laws with equal weights may be the same object, which saves work.
    size : int
        Lattice points of the sum; a power of two is fastest.
    dropped : float
        Mass that each law may lose beyond each end of its lattice.

    Notes
    -----
    μ_i lies in the bin of width step / p_i around its lattice point, so that p_i μ_i is off by at most step / 2 and
    A* by at most `slack` = N step / 2. The transforms are long enough that nothing wraps around.
    """

    weights: Array
    laws: Sequence[Any]
    size: int = 1 << 15
    dropped: float = 1e-6

    @cached_property
    def ends(self) -> Array:
        """Where each law's lattice starts and stops, shape (N, 2)."""
        return np.array([[law.ppf(self.dropped), law.isf(self.dropped)] for law in self.laws], dtype=float)

    @cached_property
    def step(self) -> float:
        """Distance of neighbouring lattice points of A*."""
        length = float(self.weights @ (self.ends[:, 1] - self.ends[:, 0]))
        return length / (self.size - 2 * len(self.weights))

    @property
    def slack(self) -> float:
        """Largest distance of A* from its lattice point."""
        return self.step * len(self.weights) / 2

    @property
    def lost(self) -> float:
        """Upper bound of the probability that some μ_i is beyond its lattice."""
        return 2 * self.dropped * len(self.weights)

    @cached_property
    def points(self) -> Array:
        """Lattice points of A*, shape (size,)."""
        return self.weights @ self.ends[:, 0] + (np.arange(self.size) + len(self.weights) / 2) * self.step

    @cached_property
    def kinds(self) -> tuple[NDArray[np.int_], list[int]]:
        """For each state the number of its kind, and one state of each kind; states of a kind have one lattice."""
        seen: dict[tuple[int, float], int] = {}
        keys = [(id(law), float(p)) for law, p in zip(self.laws, self.weights, strict=True)]
        number = [seen.setdefault(key, len(seen)) for key in keys]
        return np.array(number), [number.index(k) for k in range(len(seen))]

    @cached_property
    def edges(self) -> list[Array]:
        """Bin edges in units of μ_i, one array per kind."""
        found = []
        for i in self.kinds[1]:
            bins = math.ceil(self.weights[i] * (self.ends[i, 1] - self.ends[i, 0]) / self.step)
            found.append(self.ends[i, 0] + np.arange(bins + 1) * self.step / self.weights[i])
        return found

    @cached_property
    def masses(self) -> list[Array]:
        """Masses of the bins, one array per kind."""
        return [np.diff(self.laws[i].cdf(e)) for i, e in zip(self.kinds[1], self.edges, strict=True)]

    @cached_property
    def transforms(self) -> list[NDArray[np.complex128]]:
        """Fourier transforms of `masses`."""
        return [rfft(m, self.size) for m in self.masses]

    def total(self, leave_out: int | None = None) -> Array:
        """Lattice law of A*, or of A* − p_i μ_i on the same indices if state i is left out; shape (size,)."""
        count = np.bincount(self.kinds[0], minlength=len(self.kinds[1]))
        if leave_out is not None:
            count[self.kinds[0][leave_out]] -= 1
        return np.asarray(irfft(_product(self.transforms, count), self.size))

    def escape(self, places: Array, radii: Array, windows: list[slice]) -> Array:
        """For each place c: Pr[|μ_i − c| > radii_i for all i, and the lattice point of A* in this window].

        Parameters
        ----------
        places : ndarray, shape (k,)
            The places c.
        radii : ndarray, shape (N,)
            Not negative.
        windows : list of k slices
            Ranges of lattice points.

        Returns
        -------
        ndarray, shape (k,)
        """
        groups, first = np.unique(np.stack([self.kinds[0], radii]), axis=1, return_index=True)
        count = [int(((self.kinds[0] == kind) & (radii == r)).sum()) for kind, r in groups.T]
        cuts = [self._cut(int(self.kinds[0][i]), places, float(radii[i])) for i in first]
        found, block = np.zeros(len(places)), max(1, MOST_POINTS // self.size)
        for start in range(0, len(places), block):
            chunk = range(start, min(start + block, len(places)))
            kept = [_kept(self.masses[int(kind)], cut, chunk) for kind, cut in zip(groups[0], cuts, strict=True)]
            joint = irfft(_product([rfft(m, self.size) for m in kept], count), self.size)
            found[chunk] = [row[windows[k]].sum() for k, row in zip(chunk, joint, strict=True)]
        return np.maximum(found, 0.0)

    def _cut(self, kind: int, places: Array, radius: float) -> tuple[NDArray[Any], ...]:
        """First and last bin that [c − radius, c + radius] meets, and what it leaves of them."""
        edges, law = self.edges[kind], self.laws[self.kinds[1][kind]]
        low = np.clip(places - radius, edges[0], edges[-1])
        high = np.clip(places + radius, edges[0], edges[-1])
        first = np.clip(np.searchsorted(edges, low, "right") - 1, 0, len(edges) - 2)
        last = np.clip(np.searchsorted(edges, high, "right") - 1, 0, len(edges) - 2)
        return first, last, law.cdf(low) - law.cdf(edges[first]), law.cdf(edges[last + 1]) - law.cdf(high)


def _range(lattice: Lattice, tail: float) -> tuple[int, int]:
    """First lattice point, and the one after the last, of A* without its tails."""
    law = np.cumsum(lattice.total())
    stop = int(np.searchsorted(law, law[-1] - tail)) + 1
    return int(np.searchsorted(law, tail)), min(stop, lattice.size)


def escape_probability(lattice: Lattice, radii: Array, places: int = 400, tail: float = 1e-9) -> float:
    """P_H by the midpoint rule: one convolution at each of `places` evenly spaced values of A*.

    Notes
    -----
    P_H = ∫ (f_1^z * … * f_N^z)(z) dz, where f_i^z is the law of p_i μ_i on |μ_i − z| > r_i. Second order in the
    distance of the places and in the step of the lattice; nothing is rounded to a safe side.
    """
    start, stop = _range(lattice, tail)
    stride = max(1, (stop - start) // places)
    index = np.arange(start + stride // 2, stop, stride)
    windows = [slice(int(j), int(j) + 1) for j in index]
    return float(lattice.escape(lattice.points[index], radii, windows).sum()) * stride


def _product(transforms: Sequence[Any], count: Sequence[int] | NDArray[Any]) -> Any:
    """Product of the transforms, each taken as often as counted (squaring is much faster than complex powers)."""
    result: Any = 1.0
    for transform, n in zip(transforms, count, strict=True):
        left, square = int(n), transform
        while left:
            result = result * square if left & 1 else result
            left >>= 1
            square = square * square if left else square
    return result * np.ones_like(transforms[0])


def _kept(masses: Array, cut: tuple[NDArray[Any], ...], places: range) -> Array:
    """Masses of the bins without what each of these places excludes, shape (len(places), bins)."""
    kept = np.tile(masses, (len(places), 1))
    for row, k in zip(kept, places, strict=True):
        first, last = int(cut[0][k]), int(cut[1][k])
        row[first : last + 1] = 0
        row[first] += cut[2][k]
        row[last] += cut[3][k]
    return kept


def cell_enclosure(lattice: Lattice, radii: Array, cells: int = 600, tail: float = 1e-6) -> Enclosure:
    """Rigorous bounds of P_H by splitting the range of A* into cells.

    Parameters
    ----------
    lattice : Lattice
        The sum A*.
    radii : ndarray, shape (N,)
        The r_i.
    cells : int
        Cells between the `tail` quantiles of A*.
    tail : float
        Mass of A* beyond each end of the cells; the lower bound loses it, the upper bound counts it.

    Notes
    -----
    The cells C_k = [c_k − t_k, c_k + t_k] are disjoint sets of lattice points, so that the events E_k = {A* in C_k}
    exclude each other. On E_k, |A* − c_k| ≤ t_k + slack =: e. If |μ_i − c_k| > r_i + e for all i then no state is
    hit; and if no state is hit, |μ_i − c_k| > r_i − e. Sum over k the probabilities of E_k and these product events,
    which one convolution of restricted laws gives.
    """
    bounds = np.unique(np.linspace(*_range(lattice, tail), cells + 1).astype(int))
    places = (lattice.points[bounds[:-1]] + lattice.points[bounds[1:] - 1]) / 2
    halves = (bounds[1:] - 1 - bounds[:-1]) * lattice.step / 2 + lattice.slack
    windows = [slice(int(a), int(b)) for a, b in pairwise(bounds)]
    reach = float(halves.max())
    lower = lattice.escape(places, radii + reach, windows).sum()
    upper = lattice.escape(places, np.maximum(radii - reach, 0.0), windows).sum()
    return Enclosure(float(lower), min(1.0, float(upper) + 2 * tail + 2 * lattice.lost))
