"""Regions of classes in the space of embeddings, what lies outside them, and their form on disk (§7.3, Figure 7)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.mixture import GaussianMixture

from hallucination.calibration import Threshold
from hallucination.pictures import archive
from hallucination.pictures.projection import Projection
from hallucination.states import Array

FITTED = ("weights_", "means_", "covariances_", "precisions_cholesky_")  # what scikit-learn scores with


@dataclass(frozen=True, eq=False)
class ClassRegions:
    """Regions of several classes in the space of embeddings.

    Attributes
    ----------
    projection : Projection
        Preprocessing, shared by the classes.
    densities : mapping from class to GaussianMixture
        Densities of preprocessed embeddings.
    thresholds : mapping from class to Threshold
        Of the log-densities.
    settings : mapping
        What they were fitted with; plain data.
    """

    projection: Projection
    densities: Mapping[str, GaussianMixture]
    thresholds: Mapping[str, Threshold]
    settings: Mapping[str, Any]

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes."""
        return tuple(self.densities)

    def scores(self, embeddings: ArrayLike) -> dict[str, Array]:
        """Log-densities under each class of embeddings (n, D); shape (n,) each."""
        return self._scores(self.projection(embeddings))

    def margins(self, embeddings: ArrayLike) -> Array:
        """Largest log-density minus threshold over the classes, of embeddings (n, D); shape (n,)."""
        return self._margins(self.projection(embeddings))

    def outside(self, embeddings: ArrayLike) -> NDArray[np.bool_]:
        """Tell which of the embeddings (n, D) lie outside every class's region; shape (n,)."""
        return np.asarray(self.margins(embeddings) < 0)

    def outside_of(self, embeddings: ArrayLike, name: str) -> NDArray[np.bool_]:
        """Tell which of the embeddings (n, D) lie outside one class's region; shape (n,)."""
        if name not in self.densities:
            raise ValueError(f"the classes are {', '.join(self.classes)}; got {name!r}")
        return self.thresholds[name].outside(self.scores(embeddings)[name])

    def mean_margins(self, groups: ArrayLike) -> Array:
        """Margins of the means of preprocessed embeddings; groups (g, K, D), shape (g,)."""
        points = self.projection(groups)
        if points.ndim != 3:
            raise ValueError(f"groups of embeddings must have shape (groups, K, D); got {np.shape(groups)}")
        return self._margins(points.mean(axis=1))

    def mean_margin(self, embeddings: ArrayLike) -> float:
        """Margin of the mean of preprocessed embeddings (K, D); the published rule fires if it is negative.

        :mod:`hallucination.pictures.mean_rule` explains why that says little about the single embeddings.
        """
        return float(self.mean_margins(np.asarray(embeddings)[None])[0])

    def save(self, folder: Path | str) -> None:
        """Write two files, ``arrays.npz`` and ``facts.json``, without pickle; :func:`load` reads them."""
        arrays = {"centre": self.projection.centre, "axes": self.projection.axes, "scale": self.projection.scale}
        for k, mixture in enumerate(self.densities.values()):
            arrays |= {f"{k}.{what}": getattr(mixture, what) for what in FITTED}
        limits = {name: {"value": t.value, "rank": t.rank, "n": t.n} for name, t in self.thresholds.items()}
        archive.write(folder, arrays, {"thresholds": limits, "settings": dict(self.settings)})

    def _scores(self, points: Array) -> dict[str, Array]:
        return {name: np.asarray(density.score_samples(points)) for name, density in self.densities.items()}

    def _margins(self, points: Array) -> Array:
        return np.max([s - self.thresholds[name].value for name, s in self._scores(points).items()], axis=0)


def load(folder: Path | str) -> ClassRegions:
    """Read regions that :meth:`ClassRegions.save` wrote.

    Raises
    ------
    ValueError
        If a file is missing, unreadable, or not what was written.
    """
    arrays, facts = archive.read(folder)
    try:
        settings, densities = facts["settings"], {}
        for k, name in enumerate(facts["thresholds"]):
            densities[name] = GaussianMixture(settings["components"], covariance_type=settings["covariance"])
            for what in FITTED:
                setattr(densities[name], what, arrays[f"{k}.{what}"])
        limits = {name: Threshold(**limit) for name, limit in facts["thresholds"].items()}
        projection = Projection(arrays["centre"], arrays["axes"], arrays["scale"])
    except (KeyError, TypeError) as problem:
        raise ValueError(f"{folder} holds no class regions: {problem!r}") from None
    return ClassRegions(projection, densities, limits, settings)
