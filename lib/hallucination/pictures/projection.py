"""Preprocessing of embeddings in §7.3: length 1, principal components, zero mean and unit variance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from sklearn.decomposition import PCA

from hallucination.states import Array

FLAT = 1e-12  # a direction with a smaller share of the first one's variance is rounding, not data

LONG = 4096  # length of a vector from which on only the wanted components are computed


@dataclass(frozen=True, eq=False)
class Projection:
    """What was learned from the training embeddings.

    Attributes
    ----------
    centre : ndarray, shape (D,)
        Mean of the training embeddings after scaling to length 1.
    axes : ndarray, shape (d, D)
        Principal directions, orthonormal.
    scale : ndarray, shape (d,)
        Standard deviations along them.
    """

    centre: Array
    axes: Array
    scale: Array

    def __call__(self, embeddings: ArrayLike) -> Array:
        """Preprocess embeddings of shape (..., n, D); shape (..., n, d).

        Raises
        ------
        ValueError
            If they are not finite, zero, or not as long as those of the fit.
        """
        unit = unit_length(embeddings)
        if unit.shape[-1] != self.centre.size:
            raise ValueError(f"regions fitted to embeddings of length {self.centre.size} got length {unit.shape[-1]}")
        return np.asarray((unit - self.centre) @ self.axes.T / self.scale)


def fit_projection(embeddings: ArrayLike, dimensions: int) -> Projection:
    """Learn the preprocessing from training embeddings (n, D).

    Raises
    ------
    ValueError
        If an embedding is not finite or zero, or the embeddings spread in fewer directions than `dimensions`.
    """
    data = unit_length(embeddings)
    most = min(data.shape)
    if not 1 <= dimensions <= most:
        raise ValueError(
            f"dimensions must lie between 1 and {most}, for {data.shape[0]} training pictures and embeddings of "
            f"length {data.shape[1]}; got {dimensions!r}"
        )
    # All components of long vectors, such as latents of photographs, would take minutes and gigabytes.
    solver = "arpack" if data.shape[1] > LONG and dimensions < most else "full"
    found = PCA(dimensions, svd_solver=solver, random_state=0).fit(data)
    variances = found.explained_variance_ * (len(data) - 1) / len(data)
    if not variances[-1] > FLAT * variances[0]:
        wide = int((variances > FLAT * variances[0]).sum())
        raise ValueError(f"training embeddings spread in {wide} directions only; got dimensions = {dimensions}")
    return Projection(found.mean_, found.components_, np.sqrt(variances))


def unit_length(embeddings: ArrayLike) -> Array:
    """Scale embeddings of shape (..., n, D) to length 1; see :class:`Projection` for errors."""
    array = np.asarray(embeddings, dtype=float)
    if array.ndim < 2 or array.size == 0:
        raise ValueError(f"embeddings must have shape (n, D) with n, D > 0; got {array.shape}")
    finite = np.isfinite(array).all(axis=-1)
    if not finite.all():
        raise ValueError(f"embeddings must be finite; these are not: {np.flatnonzero(~finite)[:5].tolist()}")
    lengths = np.linalg.norm(array, axis=-1, keepdims=True)
    if not lengths.all():
        raise ValueError(f"an embedding of zeros has no direction; see {np.flatnonzero(lengths == 0)[:5].tolist()}")
    return np.asarray(array / lengths)
