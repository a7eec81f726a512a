"""What counts as a picture of a class: a density of its embeddings, cut at a held-out quantile (§7.3, Figure 7).

Embeddings are scaled to length 1, projected on principal components, standardised, and given a Gaussian mixture per
class, all from the training part alone.  The threshold of a class is the split-conformal one of its held-out part, so
that a new picture of the class is outside with probability at most α.  A picture outside the regions of all classes
is what the paper counts as a hallucination.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from fractions import Fraction
from math import ceil
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture

from hallucination.calibration import calibrate, rank
from hallucination.pictures.fitted_regions import ClassRegions, load
from hallucination.pictures.projection import fit_projection

__all__ = ["ClassRegions", "Covariance", "fit", "load"]

Covariance = Literal["diag", "full"]
COVARIANCES = ("diag", "full")


def fit(
    train: ArrayLike,
    train_labels: ArrayLike,
    held: ArrayLike,
    held_labels: ArrayLike,
    classes: Sequence[str],
    *,
    dimensions: int,
    components: int = 1,
    covariance: Covariance = "diag",
    alpha: float | Fraction = Fraction(1, 10),
    seed: int = 0,
) -> ClassRegions:
    """Fit densities to the training part and calibrate thresholds on the held-out part.

    Parameters
    ----------
    train, held : array_like, shapes (n, D) and (m, D)
        Embeddings.
    train_labels, held_labels : array_like of int, shapes (n,) and (m,)
        Positions in `classes`.
    classes : sequence of str
        Names.
    dimensions : int
        Principal components kept; the authors' scripts keep 128.
    components : int
        Gaussians in each class's mixture.
    covariance : {"diag", "full"}
        Of each Gaussian.
    alpha : float or Fraction
        Largest admissible share of a class outside its own region.
    seed : int
        Of the mixtures' starting points; with one Gaussian it changes nothing.

    Raises
    ------
    ValueError
        If shapes or labels do not fit, an embedding is not finite or zero, a class has fewer training pictures than
        Gaussians or fewer held-out ones than a finite threshold needs, or the training embeddings spread in fewer
        directions than `dimensions`.
    """
    if not classes or len(set(classes)) != len(classes):
        raise ValueError(f"regions need at least 1 class, each named once; got {list(classes)}")
    if components < 1 or covariance not in COVARIANCES:
        raise ValueError(f"a mixture has 1 Gaussian or more, diag or full; got {components!r} and {covariance!r}")
    own = _members(train, train_labels, classes, "training", max(components, 2))
    checks = _members(held, held_labels, classes, "held-out", _fewest(alpha))
    projection = fit_projection(train, dimensions)
    points, held_points = projection(train), projection(held)
    densities, thresholds = {}, {}
    for name in classes:
        densities[name] = GaussianMixture(components, covariance_type=covariance, max_iter=1000, random_state=seed)
        with warnings.catch_warnings():
            # A fit cut short is still a density, and the threshold's guarantee asks for no more.
            warnings.simplefilter("ignore", ConvergenceWarning)
            densities[name].fit(points[own[name]])
        thresholds[name] = calibrate(densities[name].score_samples(held_points[checks[name]]), alpha)
    share = str(Fraction(alpha).limit_denominator(10**9))
    counts = {name: [own[name].size, checks[name].size] for name in classes}
    settings = {"dimensions": dimensions, "components": components, "covariance": covariance, "alpha": share}
    return ClassRegions(projection, densities, thresholds, {**settings, "seed": seed, "train_and_held": counts})


def _fewest(alpha: float | Fraction) -> int:
    """Fewest held-out pictures with a finite threshold; with fewer, no picture at all would ever be outside."""
    rank(alpha, 1)  # refuses an alpha out of range
    return max(1, ceil(1 / max(Fraction(alpha).limit_denominator(10**9), Fraction(1, 10**9))) - 1)


def _members(
    data: ArrayLike, labels: ArrayLike, classes: Sequence[str], part: str, fewest: int
) -> dict[str, NDArray[np.int64]]:
    """Where each class's pictures are."""
    numbers, shape = np.asarray(labels), np.shape(data)
    if len(shape) != 2 or numbers.shape != shape[:1]:
        raise ValueError(f"{part} embeddings of shape {shape} do not fit labels of shape {numbers.shape}")
    known = np.isin(numbers, np.arange(len(classes)))
    if not known.all():
        raise ValueError(f"{part} labels must be 0 to {len(classes) - 1}, got {numbers[~known][0].item()!r}")
    found = {name: np.flatnonzero(numbers == k) for k, name in enumerate(classes)}
    for name, members in found.items():
        if members.size < fewest:
            raise ValueError(f"class {name!r} has {members.size} {part} pictures; at least {fewest} are needed")
    return found
