"""Controls of §7.3: what the regions say about pictures that nobody generated, in several dimensions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from hallucination.pictures.judging import Fit, Floats, Judge, embedded, judge_of
from hallucination.pictures.points import Cell
from hallucination.pictures.sets import Pictures

DIMENSIONS = (8, 16, 32, 64)
NOISES = 100  # pictures of noise


def control_cells(
    pictures: Pictures, held: ArrayLike, others: Pictures, by: Judge, fit: Fit, *,
    dimensions: Sequence[int] = DIMENSIONS, seed: int = 0, folder: Path | None = None,
) -> Iterator[Cell]:  # fmt: skip
    """Judge what nobody generated: held-out pictures, other classes, blanks and noise, in several dimensions.

    Parameters
    ----------
    pictures : Pictures
        Of the classes that have regions.
    held : array_like of int
        Those held out.  They set the thresholds, so their rate shows the level and is no evidence for it.
    others : Pictures
        Of classes that may be judged, too; those with regions are passed over.
    by : Judge
        Its space is used.
    fit : Fit
        How regions are fitted but for the dimensions.
    dimensions : sequence of int
        Principal components; those that are too many for the space are passed over.
    seed : int
        Of the noise.
    folder : Path, optional
        Where vectors of the pictures are kept, or were.

    Yields
    ------
    Cell
        With the keys control, class and dimensions.
    """
    real, other = embedded(by.space, pictures, folder), embedded(by.space, others, folder)
    kept = np.asarray(held)
    groups = {("held-out", name): real[kept[pictures.labels[kept] == c]] for c, name in enumerate(pictures.classes)}
    strange = {name: other[others.labels == c] for c, name in enumerate(others.classes)}
    groups |= {("other", name): found for name, found in strange.items() if name not in pictures.classes}
    height, width, channels = pictures.shape
    levels = np.array([0, 128, 255], dtype=np.uint8)[:, None, None, None]
    groups["blank", "none"] = by.space.embed(np.tile(levels, (1, height, width, channels)))
    noise = np.random.default_rng(seed).integers(0, 256, (NOISES, height, width, channels), dtype=np.uint8)
    groups["noise", "none"] = by.space.embed(noise)
    for size, regions in _each_size(by, real, pictures, fit, dimensions):
        for (control, name), vectors in groups.items():
            if len(vectors):
                yield regions.cell({"control": control, "class": name, "dimensions": size}, vectors)


def _each_size(
    by: Judge, real: Floats, pictures: Pictures, fit: Fit, dimensions: Sequence[int]
) -> Iterator[tuple[int, Judge]]:
    """Regions with each number of principal components that the real pictures have directions for."""
    yield fit.dimensions, judge_of(by.space, real, pictures, fit)
    for size in sorted(set(dimensions) - {fit.dimensions}):
        # The fit above went well, so that all that can be wrong here is the number of dimensions.
        with suppress(ValueError):
            yield size, judge_of(by.space, real, pictures, replace(fit, dimensions=size))
