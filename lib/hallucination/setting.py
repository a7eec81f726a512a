"""The data of Theorem 6.1, checked once, and the form in which a bound answers."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, wraps
from typing import Any, Concatenate, ParamSpec

import numpy as np
from numpy.typing import ArrayLike

from hallucination.concentration import moments, scalar_law, shape
from hallucination.states import Array, State, simplex, vector

SHAPES = frozenset({"symmetric", "centred", "log-concave"})


@dataclass(frozen=True, eq=False)
class Setting:
    """Independent random means μ_1, …, μ_N (Definition 6.1) with weights and covering radii (Definition 6.3).

    Parameters
    ----------
    weights : array_like, shape (N,)
        p_i > 0 with sum 1; N ≥ 2.
    radii : float or array_like of shape (N,)
        Radii r_i ≥ 0 of balls around μ_i that surely hold the regions U_i; a number stands for N equal ones.
    laws : sequence of N State, optional
        Laws of the μ_i, all of one dimension.
    variances, ratios : float or array_like of shape (N,), optional
        Instead of laws: v_i = E|μ_i − μ_0|² > 0 (σ_i^d in the paper) and K_i = v_i² / E|μ_i − μ_0|⁴ in (0, 1].
        This asserts that all μ_i have the mean μ_0.
    shapes : iterable of str
        What else is asserted of every law: "symmetric", "centred" (no ball holds more than the one of the same
        radius around the mean, as for symmetric unimodal laws), "log-concave". Known laws need no assertion.

    Raises
    ------
    ValueError
        If something does not fit or no bound could use it, such as an infinite moment.

    Notes
    -----
    Assumption 6.1. Independence is always assumed; equal means only by the bounds that say so.
    """

    weights: ArrayLike
    radii: ArrayLike
    laws: Sequence[State] | None = None
    variances: ArrayLike | None = None
    ratios: ArrayLike | None = None
    shapes: Iterable[str] = ()

    def __post_init__(self) -> None:
        """Check everything before anything is computed."""
        if self.p.size < 2:
            raise ValueError(f"a setting needs N ≥ 2 states, got {self.p.size}")
        if (self.r < 0).any():
            raise ValueError(f"radii must not be negative, got {self.r}")
        if unknown := self._asserted - SHAPES:
            raise ValueError(f"shapes must be among {sorted(SHAPES)}, got {sorted(unknown)}")
        given = [self.laws is not None, self.variances is not None, self.ratios is not None]
        if given not in ([True, False, False], [False, True, True]):
            raise ValueError("give either laws, or both variances and ratios")
        if self.laws is None:
            self._check_moments()
        elif len(self.laws) != self.p.size or len({law.mean.shape for law in self.laws}) != 1:
            shapes = [law.mean.shape for law in self.laws]
            raise ValueError(f"need {self.p.size} laws of one dimension, got mean shapes {shapes}")

    def _check_moments(self) -> None:
        if (self.v <= 0).any():
            raise ValueError(f"variances must be positive, got {self.v}")
        if (self.k <= 0).any() or (self.k > 1).any():
            raise ValueError(f"ratios K = v²/E|μ−μ₀|⁴ must lie in (0, 1], got {self.k}")

    def _given(self, value: ArrayLike | None, name: str) -> Array:
        return self._each(0.0 if value is None else value, name)

    def _each(self, value: ArrayLike, name: str) -> Array:
        array = np.asarray(value, dtype=float)
        return vector(np.full(self.p.size, array) if array.ndim == 0 else self._sized(array, name), name)

    def _sized(self, array: Array, name: str) -> Array:
        if array.shape != self.p.shape:
            raise ValueError(f"{name} must be a number or have shape {self.p.shape}, got {array.shape}")
        return array

    @cached_property
    def p(self) -> Array:
        """Weights, shape (N,)."""
        return simplex(self.weights, "weights")

    @cached_property
    def r(self) -> Array:
        """Radii, shape (N,)."""
        return self._each(self.radii, "radii")

    @cached_property
    def _moments(self) -> tuple[Array, Array]:
        if self.laws is None:
            return self._given(self.variances, "variances"), self._given(self.ratios, "ratios")
        found = [moments(law) for law in self.laws]
        return np.array([m.variance for m in found]), np.array([m.ratio for m in found])

    @property
    def v(self) -> Array:
        """Variances v_i = E|μ_i − Eμ_i|², shape (N,); ValueError if the laws have no finite moments."""
        return self._moments[0]

    @property
    def k(self) -> Array:
        """Ratios K_i, shape (N,); ValueError if the laws have no finite moments."""
        return self._moments[1]

    @property
    def rho(self) -> Array:
        """ρ_i = r_i / (1 − p_i): state i is hit iff |μ_i − z_i| ≤ ρ_i, z_i the others' weighted mean; shape (N,)."""
        return self.r / (1 - self.p)

    @property
    def theta(self) -> Array:
        """ϑ_i = ρ_i² / v_i, shape (N,)."""
        return self.rho**2 / self.v

    @property
    def spread(self) -> float:
        """Standard deviation d = √(Σ p_j² v_j) of A*."""
        return math.sqrt(self.p**2 @ self.v)

    @property
    def gap_variances(self) -> Array:
        """Variances s_i² = E|μ_i − A*|² of the distances to A* if all means agree, shape (N,)."""
        return self.spread**2 + self.v * (1 - 2 * self.p)

    @cached_property
    def _asserted(self) -> frozenset[str]:
        return frozenset(self.shapes)

    @property
    def known_laws(self) -> Sequence[State]:
        """The laws; ValueError if there are only moments."""
        if self.laws is None:
            raise ValueError("this setting has moments but no laws")
        return self.laws

    @cached_property
    def scalar_laws(self) -> list[Any] | None:
        """Frozen SciPy laws, one object per different state, if all are continuous laws of a number; else None."""
        if self.laws is None:
            return None
        frozen = {id(law): scalar_law(law) for law in self.laws}
        return None if None in frozen.values() else [frozen[id(law)] for law in self.laws]

    def lacks(self, *needs: str) -> str:
        """Say why a bound with these needs does not apply; an empty text if it does.

        Parameters
        ----------
        needs : str
            Of "moments", "laws", "one mean", "numbers", "one dimension", "two states", and the `SHAPES`.
        """
        return next((reason for need in needs if (reason := self._lack(need))), "")

    def _lack(self, need: str) -> str:
        match need:
            case "moments":
                return self._no_moments
            case "laws":
                return "" if self.laws is not None else "it needs the laws of the μ_i, not only moments"
            case "one mean":
                return "" if self._one_mean else "the means E μ_i differ (Assumption 6.1)"
            case "numbers":
                return "" if self.scalar_laws else "it needs continuous laws of numbers"
            case "one dimension":
                flat = self.laws is None or self.laws[0].mean.size == 1
                return "" if flat else "it needs answers of dimension 1"
            case "two states":
                return "" if self.p.size == 2 else f"it needs N = 2 states, not {self.p.size}"
        laws = self.laws or ()
        known = bool(laws) and all(need in shape(law) for law in laws)
        return "" if known or need in self._asserted else f"not all laws are known to be {need}"

    @cached_property
    def _no_moments(self) -> str:
        try:
            self._moments  # noqa: B018
        except ValueError as error:
            return str(error)
        return ""

    @cached_property
    def _one_mean(self) -> bool:
        if self.laws is None:
            return True
        means = np.stack([law.mean for law in self.laws])
        widths = [math.sqrt(law.variance) for law in self.laws if math.isfinite(law.variance)]
        return bool(np.ptp(means, axis=0).max() <= 1e-9 * (np.abs(means).max() + max(widths, default=0.0)))


@dataclass(frozen=True)
class Bound:
    """What a lower bound of P_H says about one setting.

    Attributes
    ----------
    value : float or None
        The bound, at least 0; None if a hypothesis is not met.
    met : bool
        Whether all hypotheses hold.
    reason : str
        Which hypothesis fails, and how; empty if none does.
    name, source : str
        Name of the bound and where it comes from.
    """

    value: float | None
    met: bool
    reason: str
    name: str
    source: str

    def __str__(self) -> str:
        return f"{self.name}: {self.value:.6g}" if self.met else f"{self.name}: hypothesis not met: {self.reason}"


Options = ParamSpec("Options")


def bound(
    source: str, *needs: str
) -> Callable[[Callable[Concatenate[Setting, Options], float | str]], Callable[Concatenate[Setting, Options], Bound]]:
    """Turn a function that returns a number, or the reason why there is none, into one that returns a `Bound`.

    Parameters
    ----------
    source : str
        Where the bound comes from.
    needs : str
        Hypotheses that `Setting.lacks` knows, checked before the function is called.
    """

    def decorate(
        function: Callable[Concatenate[Setting, Options], float | str],
    ) -> Callable[Concatenate[Setting, Options], Bound]:
        name = function.__name__.replace("_", " ")

        @wraps(function)
        def checked(setting: Setting, /, *args: Options.args, **kwargs: Options.kwargs) -> Bound:
            found = setting.lacks(*needs) or function(setting, *args, **kwargs)
            if isinstance(found, str):
                return Bound(None, False, found, name, source)
            return Bound(max(0.0, float(found)), True, "", name, source)

        return checked

    return decorate
