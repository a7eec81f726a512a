"""Regions of real pictures in a space of their choice, and pictures judged by them (§7.3, Figure 7).

A space turns pictures into vectors: CLIP's embeddings as in the paper, or the
autoencoder's latents, where the squared loss lives.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from io import BytesIO
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray
from tqdm import tqdm

from hallucination.pictures import class_regions
from hallucination.pictures.class_regions import ClassRegions, Covariance
from hallucination.pictures.datasets import split
from hallucination.pictures.points import Cell, Value, cell_of
from hallucination.pictures.sets import Images, Pictures
from hallucination.records import write_bytes

Floats = NDArray[np.float32]
AT_A_TIME = 256  # pictures read from disk


class Space(Protocol):
    """Where pictures are compared."""

    @property
    def source(self) -> Mapping[str, Any]:
        """What a record says about it."""

    def embed(self, images: Images) -> Floats:
        """Vectors of pictures (n, height, width, channels), shape (n, D)."""


@dataclass(frozen=True)
class Fit:
    """How regions are fitted; see :func:`hallucination.pictures.class_regions.fit`.

    Attributes
    ----------
    dimensions, components : int
        Principal components kept (the paper keeps 128) and Gaussians per class.
    covariance : str
        ``"diag"`` or ``"full"``.
    alpha : Fraction
        Share of a class that may lie outside its own region.
    splits : int
        Random divisions into 80 % and 20 %.  The first counts; the others show how much it matters.
    """

    dimensions: int = 32
    components: int = 1
    covariance: Covariance = "diag"
    alpha: Fraction = Fraction(1, 10)
    splits: int = 5

    def __post_init__(self) -> None:
        if self.splits < 1:
            raise ValueError(f"splits must be at least 1; got {self.splits}")

    def as_data(self) -> dict[str, Any]:
        """Plain data for a record."""
        return {**vars(self), "alpha": str(self.alpha)}


@dataclass(frozen=True, eq=False)
class Judge:
    """A space and regions in it.

    Attributes
    ----------
    space : Space
    regions : tuple of ClassRegions
        Of each split; the first counts.
    """

    space: Space
    regions: tuple[ClassRegions, ...]

    def cell(self, what: Mapping[str, Value], vectors: ArrayLike) -> Cell:
        """Judge vectors of pictures of one kind, shape (n, D)."""
        first, *others = self.regions
        found = cell_of(what, first.margins(vectors), first.mean_margin(vectors))
        elsewhere = tuple(int(r.outside(vectors).sum()) for r in others)
        return Cell(found.what, found.margins, found.mean_margin, found.outside, elsewhere)

    def cell_of_images(self, what: Mapping[str, Value], images: Images) -> Cell:
        """Judge pictures of one kind, shape (n, height, width, channels)."""
        return self.cell(what, self.space.embed(images))


def judge(space: Space, pictures: Pictures, how: Fit, folder: Path | None = None) -> Judge:
    """Fit regions of the classes of some pictures; for errors see :mod:`hallucination.pictures.class_regions`."""
    return judge_of(space, embedded(space, pictures, folder), pictures, how)


def judge_of(space: Space, vectors: Floats, pictures: Pictures, how: Fit) -> Judge:
    """Fit regions to the vectors of all of some pictures, shape (n, D)."""
    regions = []
    for seed in range(how.splits):
        parts = split(pictures, seed=seed)
        regions.append(
            class_regions.fit(
                vectors[parts.train], pictures.labels[parts.train], vectors[parts.held], pictures.labels[parts.held],
                pictures.classes, dimensions=how.dimensions, components=how.components, covariance=how.covariance,
                alpha=how.alpha,
            )
        )  # fmt: skip
    return Judge(space, tuple(regions))


def embedded(space: Space, pictures: Pictures, folder: Path | None = None) -> Floats:
    """Vectors of all pictures, shape (n, D); kept in a folder if one is given."""

    def compute() -> Floats:
        starts = tqdm(range(0, len(pictures), AT_A_TIME), desc="embedding", unit="batch", leave=False)
        some = (np.arange(s, min(s + AT_A_TIME, len(pictures))) for s in starts)
        return np.concatenate([space.embed(pictures.pixels(rows)) for rows in some])

    if folder is None:
        return compute()
    return stored(folder / f"real-{digest(dict(space.source), dict(pictures.source))}.npy", compute)


def stored(path: Path, compute: Callable[[], Floats]) -> Floats:
    """Read an array that was computed before, or compute and keep it; whole or not at all, without pickle."""
    if not path.is_file():
        packed = BytesIO()
        np.save(packed, compute(), allow_pickle=False)
        write_bytes(path, packed.getvalue())
    return np.asarray(np.load(path, allow_pickle=False))


def digest(*what: Any) -> str:
    """Short name of plain data, for files that belong to them alone."""
    return hashlib.sha256(json.dumps(what, sort_keys=True, default=str).encode()).hexdigest()[:12]
