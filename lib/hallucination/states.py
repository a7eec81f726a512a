"""Laws of the answer under one latent state: log-densities, means, sampling (A(X; Z_i) in Definition 4.1)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import solve_triangular
from scipy.special import gammaln, xlogy
from scipy.stats import chi2

Array = NDArray[np.float64]


class State(Protocol):
    """The law of the answer under one latent state, A(X; Z_i) in the paper."""

    @property
    def mean(self) -> Array:
        """Mean of the answer, shape (d,)."""
        ...

    @property
    def variance(self) -> float:
        """Expected squared distance to the mean (the trace of the covariance)."""
        ...

    def log_density(self, a: ArrayLike) -> Array:
        """Natural logarithm of the density (of the mass, if discrete) at points (..., d); shape (...)."""
        ...

    def sample(self, rng: np.random.Generator, n: int) -> Array:
        """Draw n independent answers, shape (n, d)."""
        ...


@runtime_checkable
class Peaked(State, Protocol):
    """A state whose highest density is known."""

    @property
    def peak_log_density(self) -> float:
        """Logarithm of the largest value of the density."""
        ...


@runtime_checkable
class Graded(State, Protocol):
    """A state whose density-region mass π(a) = P(f(A) ≤ f(a)) is known exactly."""

    def hdr_mass(self, a: ArrayLike) -> Array:
        """π(a) at points (..., d); shape (...)."""
        ...


def points(a: ArrayLike, dimension: int) -> Array:
    """Read points as a float array of shape (..., dimension).

    Raises
    ------
    ValueError
        If the last axis does not have one entry per output coordinate.
    """
    array = np.asarray(a, dtype=float)
    if array.ndim == 0 or array.shape[-1] != dimension:
        raise ValueError(f"points need a last axis of length d = {dimension}, got shape {array.shape}")
    return array


def vector(value: ArrayLike, name: str) -> Array:
    """Read a finite vector of shape (d,), or raise ValueError with the rule and the value under this name."""
    array = np.asarray(value, dtype=float)
    if array.ndim != 1 or array.size == 0 or not np.isfinite(array).all():
        raise ValueError(f"{name} must be a finite vector of shape (d,), got shape {array.shape}: {value!r}")
    return array


def simplex(value: ArrayLike, name: str) -> Array:
    """Read positive numbers with sum 1, shape (m,), or raise ValueError with the rule and the value."""
    array = vector(value, name)
    if (array <= 0).any() or not np.isclose(array.sum(), 1.0, rtol=0, atol=1e-9):
        raise ValueError(f"{name} must be positive and sum to 1, got {array} (sum {array.sum():.12g})")
    return array


@dataclass(frozen=True, eq=False)
class Gaussian:
    """A normal state.

    Parameters
    ----------
    center : array_like, shape (d,)
        Mean of the answer.
    covariance : float or array_like of shape (d,) or (d, d)
        A number s² stands for s² times the identity, a vector for a diagonal matrix.

    Raises
    ------
    ValueError
        If the covariance does not fit the mean or is not positive definite.

    Notes
    -----
    The paper writes this law in Appendix B.1 (Theorem B.1).
    """

    center: ArrayLike
    covariance: ArrayLike = 1.0

    def __post_init__(self) -> None:
        """Check mean and covariance once, so that no later call can meet a bad one."""
        shape = np.shape(self.covariance)
        d = self.mean.size
        if shape not in ((), (d,), (d, d)):
            raise ValueError(f"covariance must have shape (), ({d},) or ({d}, {d}), got {shape}")
        if not np.allclose(np.asarray(self.covariance), np.transpose(self.covariance)):
            raise ValueError("covariance must be symmetric")
        _ = self._root

    @cached_property
    def mean(self) -> Array:
        """Mean, shape (d,)."""
        return vector(self.center, "mean")

    @cached_property
    def _root(self) -> Array:
        """Cholesky factor (d, d), or the standard deviations (d,) of a diagonal covariance."""
        covariance = np.asarray(self.covariance, dtype=float)
        if covariance.ndim == 2:
            try:
                return np.asarray(np.linalg.cholesky(covariance))
            except np.linalg.LinAlgError:
                raise ValueError("covariance must be positive definite") from None
        diagonal = np.broadcast_to(covariance, self.mean.shape)
        if not (np.isfinite(diagonal).all() and (diagonal > 0).all()):
            raise ValueError(f"covariance must be positive definite, got variances {covariance}")
        return np.asarray(np.sqrt(diagonal))

    @cached_property
    def log_det(self) -> float:
        """Logarithm of the determinant of the covariance."""
        diagonal = self._root if self._root.ndim == 1 else np.diagonal(self._root)
        return 2 * float(np.log(diagonal).sum())

    @property
    def variance(self) -> float:
        """Trace of the covariance."""
        return float((self._root**2).sum())

    @property
    def peak_log_density(self) -> float:
        """Log-density at the mean."""
        return -0.5 * (self.mean.size * float(np.log(2 * np.pi)) + self.log_det)

    def squared_distance(self, a: ArrayLike) -> Array:
        """Squared Mahalanobis distance D²(a) = (a − μ)ᵀ Σ⁻¹ (a − μ) of points (..., d); shape (...)."""
        gap = points(a, self.mean.size) - self.mean
        if self._root.ndim == 1:
            return np.asarray(((gap / self._root) ** 2).sum(axis=-1))
        flat = solve_triangular(self._root, gap.reshape(-1, self.mean.size).T, lower=True)
        return np.asarray((flat**2).sum(axis=0).reshape(gap.shape[:-1]))

    def log_density(self, a: ArrayLike) -> Array:
        """Log-density at points (..., d); shape (...)."""
        return np.asarray(self.peak_log_density - 0.5 * self.squared_distance(a))

    def hdr_mass(self, a: ArrayLike) -> Array:
        """π(a) = P(χ²_d ≥ D²(a)) at points (..., d); shape (...)."""
        return np.asarray(chi2.sf(self.squared_distance(a), self.mean.size))

    def sample(self, rng: np.random.Generator, n: int) -> Array:
        """Draw n answers, shape (n, d)."""
        noise = rng.standard_normal((n, self.mean.size))
        return self.mean + (noise * self._root if self._root.ndim == 1 else noise @ self._root.T)


@dataclass(frozen=True, eq=False)
class UniformBall:
    """The uniform law on a closed ball: a state with an edge.

    Parameters
    ----------
    center : array_like, shape (d,)
        Centre of the ball.
    radius : float
        Radius, in the unit of the answers; must be positive.
    """

    center: ArrayLike
    radius: float

    def __post_init__(self) -> None:
        """Refuse a ball without volume."""
        if not (np.isfinite(self.radius) and self.radius > 0):
            raise ValueError(f"radius must be positive and finite, got {self.radius!r}")
        _ = self.mean

    @cached_property
    def mean(self) -> Array:
        """Centre, shape (d,)."""
        return vector(self.center, "centre")

    @property
    def variance(self) -> float:
        """Expected squared distance to the centre, d r² / (d + 2)."""
        d = self.mean.size
        return d * self.radius**2 / (d + 2)

    @property
    def peak_log_density(self) -> float:
        """Minus the logarithm of the ball's volume."""
        d = self.mean.size
        return float(gammaln(d / 2 + 1) - d / 2 * np.log(np.pi) - d * np.log(self.radius))

    def _inside(self, a: ArrayLike) -> NDArray[np.bool_]:
        gap = points(a, self.mean.size) - self.mean
        return np.asarray(np.linalg.norm(gap, axis=-1) <= self.radius)

    def log_density(self, a: ArrayLike) -> Array:
        """Log-density at points (..., d); shape (...); minus infinity outside the ball."""
        return np.where(self._inside(a), self.peak_log_density, -np.inf)

    def hdr_mass(self, a: ArrayLike) -> Array:
        """π(a): 1 in the ball, where no point is denser than another, and 0 outside; shape (...)."""
        return self._inside(a).astype(float)

    def sample(self, rng: np.random.Generator, n: int) -> Array:
        """Draw n answers, shape (n, d)."""
        direction = rng.standard_normal((n, self.mean.size))
        direction /= np.linalg.norm(direction, axis=1, keepdims=True)
        return self.mean + self.radius * rng.random((n, 1)) ** (1 / self.mean.size) * direction


@dataclass(frozen=True, eq=False)
class Discrete:
    """A law on finitely many answers; its "density" is the probability mass.

    Parameters
    ----------
    atoms : array_like, shape (m, d)
        The possible answers, all different.
    probabilities : array_like, shape (m,)
        Their probabilities: positive, with sum 1.
    """

    atoms: ArrayLike
    probabilities: ArrayLike

    def __post_init__(self) -> None:
        """Refuse atoms and probabilities that do not fit."""
        m = self.weights.size
        if self.answers.ndim != 2 or len(self.answers) != m or len(np.unique(self.answers, axis=0)) != m:
            raise ValueError(f"atoms must be {m} different rows, shape ({m}, d), got shape {self.answers.shape}")

    @cached_property
    def answers(self) -> Array:
        """The atoms, shape (m, d)."""
        return np.asarray(self.atoms, dtype=float)

    @cached_property
    def weights(self) -> Array:
        """The probabilities, shape (m,)."""
        return simplex(self.probabilities, "probabilities")

    @property
    def mean(self) -> Array:
        """Mean, shape (d,); usually not an atom."""
        return np.asarray(self.weights @ self.answers)

    @property
    def variance(self) -> float:
        """Expected squared distance to the mean."""
        return float(self.weights @ ((self.answers - self.mean) ** 2).sum(axis=1))

    @property
    def peak_log_density(self) -> float:
        """Logarithm of the largest probability."""
        return float(np.log(self.weights.max()))

    def _mass(self, a: ArrayLike) -> Array:
        same = (points(a, self.mean.size)[..., None, :] == self.answers).all(axis=-1)
        return np.asarray(same @ self.weights)

    def log_density(self, a: ArrayLike) -> Array:
        """Log-probability of exactly the points (..., d); shape (...); minus infinity off the atoms."""
        with np.errstate(divide="ignore"):
            return np.log(self._mass(a))

    def hdr_mass(self, a: ArrayLike) -> Array:
        """π(a): total probability of the answers that are no more likely than a; shape (...)."""
        return np.asarray((self.weights <= self._mass(a)[..., None]) @ self.weights)

    def sample(self, rng: np.random.Generator, n: int) -> Array:
        """Draw n answers, shape (n, d)."""
        return self.answers[rng.choice(self.weights.size, size=n, p=self.weights)]


@dataclass(frozen=True, eq=False)
class Dirichlet:
    """A Dirichlet law of probability vectors with C entries.

    Parameters
    ----------
    concentration : array_like, shape (C,)
        Positive parameters, C ≥ 2.

    Notes
    -----
    Points are whole probability vectors, shape (..., C); the density is taken with respect to their first
    C − 1 entries, so that the uniform law has density (C − 1)!.
    """

    concentration: ArrayLike

    def __post_init__(self) -> None:
        """Refuse parameters that define no law."""
        if self.alpha.size < 2 or (self.alpha <= 0).any():
            raise ValueError(f"concentration must hold at least 2 positive numbers, got {self.alpha}")

    @cached_property
    def alpha(self) -> Array:
        """The parameters, shape (C,)."""
        return vector(self.concentration, "concentration")

    @property
    def mean(self) -> Array:
        """Mean, shape (C,)."""
        return np.asarray(self.alpha / self.alpha.sum())

    @property
    def variance(self) -> float:
        """Expected squared distance to the mean."""
        return float((self.mean * (1 - self.mean)).sum() / (self.alpha.sum() + 1))

    @property
    def _log_normaliser(self) -> float:
        return float(gammaln(self.alpha.sum()) - gammaln(self.alpha).sum())

    @property
    def peak_log_density(self) -> float:
        """Logarithm of the largest density; infinite if a parameter is below 1."""
        if (self.alpha < 1).any():
            return float("inf")
        extra = self.alpha - 1
        return self._log_normaliser + float(xlogy(extra, extra / max(extra.sum(), 1e-300)).sum())

    def log_density(self, a: ArrayLike) -> Array:
        """Log-density at probability vectors (..., C); shape (...); minus infinity off the simplex."""
        q = points(a, self.alpha.size)
        there = (q >= 0).all(axis=-1) & (np.abs(q.sum(axis=-1) - 1) <= 1e-9)
        inside = np.where(there[..., None], q, self.mean)
        return np.where(there, self._log_normaliser + xlogy(self.alpha - 1, inside).sum(axis=-1), -np.inf)

    def sample(self, rng: np.random.Generator, n: int) -> Array:
        """Draw n probability vectors, shape (n, C)."""
        return rng.dirichlet(self.alpha, size=n)


@dataclass(frozen=True, eq=False)
class Scalar:
    """Any continuous law of a number that SciPy knows, as a state in one dimension.

    Parameters
    ----------
    law : frozen continuous distribution of scipy.stats
        For example ``scipy.stats.laplace(0, 2)``; it needs a finite mean.

    Raises
    ------
    ValueError
        If the mean is not finite.
    """

    law: Any

    def __post_init__(self) -> None:
        """Refuse laws without a mean."""
        if not np.isfinite(self.law.mean()):
            raise ValueError(f"a state needs a finite mean, got {self.law.mean()} for {self.law.dist.name}")

    @cached_property
    def mean(self) -> Array:
        """Mean, shape (1,)."""
        return np.array([float(self.law.mean())])

    @property
    def variance(self) -> float:
        """Variance; may be infinite."""
        return float(self.law.var())

    def log_density(self, a: ArrayLike) -> Array:
        """Log-density at points (..., 1); shape (...)."""
        return np.asarray(self.law.logpdf(points(a, 1)[..., 0]))

    def sample(self, rng: np.random.Generator, n: int) -> Array:
        """Draw n answers, shape (n, 1)."""
        return np.asarray(self.law.rvs(size=(n, 1), random_state=rng))


@dataclass(frozen=True, eq=False)
class Custom:
    """A state that the caller describes by functions.

    Parameters
    ----------
    center : array_like, shape (d,)
        Mean of the answer.
    variance : float
        Expected squared distance to the mean.
    log_density_at : callable
        Points (..., d) to log-densities (...).
    draw : callable
        ``draw(rng, n)`` returns n answers, shape (n, d).

    Notes
    -----
    Mean and variance are taken on trust.
    """

    center: ArrayLike
    variance: float
    log_density_at: Callable[[Array], ArrayLike]
    draw: Callable[[np.random.Generator, int], ArrayLike]

    @cached_property
    def mean(self) -> Array:
        """Mean, shape (d,)."""
        return vector(self.center, "mean")

    def log_density(self, a: ArrayLike) -> Array:
        """Log-density at points (..., d); shape (...).

        Raises
        ------
        ValueError
            If the caller's function returns another shape.
        """
        where = points(a, self.mean.size)
        value = np.asarray(self.log_density_at(where), dtype=float)
        if value.shape != where.shape[:-1]:
            raise ValueError(f"log_density_at must return shape {where.shape[:-1]}, got {value.shape}")
        return value

    def sample(self, rng: np.random.Generator, n: int) -> Array:
        """Draw n answers, shape (n, d).

        Raises
        ------
        ValueError
            If the caller's function returns another shape.
        """
        drawn = np.asarray(self.draw(rng, n), dtype=float)
        if drawn.shape != (n, self.mean.size):
            raise ValueError(f"draw must return shape {(n, self.mean.size)}, got {drawn.shape}")
        return drawn
