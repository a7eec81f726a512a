"""Means of real pictures, and pictures drawn in few steps, judged (Theorem 5.1 in pictures).

The squared loss is minimised by means.  If means of pictures lie outside the regions of real ones, the loss's own
optimum hallucinates; :mod:`hallucination.pictures.minimiser` has that optimum itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hallucination.pictures.curves import Drawing
from hallucination.pictures.encode import mean_latents
from hallucination.pictures.judging import Floats, Judge
from hallucination.pictures.models import Loaded
from hallucination.pictures.points import Cell
from hallucination.pictures.sampling import decode, sample_latents
from hallucination.pictures.sets import Images, Pictures

MEANS = (1, 2, 4, 8, 16)
STEPS = (1, 2, 4, 8, 20)
GUIDANCES = (1.0, 3.0)


@dataclass(frozen=True, eq=False)
class LatentSpace:
    """The means of the autoencoder's latents, as vectors.

    Attributes
    ----------
    loaded : Loaded
    batch_size : int
        Pictures at a time.
    """

    loaded: Loaded
    batch_size: int = 64

    @property
    def source(self) -> Mapping[str, Any]:
        """What a record says about it."""
        return {"name": "latents", "of": dict(self.loaded.source)}

    def embed(self, images: Images) -> Floats:
        """Vectors of pictures (n, height, width, channels), shape (n, c h w)."""
        return flat(mean_latents(self.loaded, images, batch_size=self.batch_size))


def flat(latents: Floats) -> Floats:
    """Latents (n, c, h, w) as vectors (n, c h w)."""
    return latents.reshape(len(latents), -1)


def subsets(pool: ArrayLike, m: int, k: int, seed: int) -> NDArray[np.int64]:
    """Draw k sets of m different members of a pool, shape (k, m).

    Raises
    ------
    ValueError
        If m or k is below 1, or the pool has fewer than m members.
    """
    members = np.asarray(pool)
    if m < 1 or k < 1 or len(members) < m:
        raise ValueError(f"cannot draw {k} sets of {m} from {len(members)} pictures")
    rng = np.random.default_rng([seed, m])
    return np.array([rng.choice(members, m, replace=False) for _ in range(k)])


def mean_pictures(pictures: Pictures, sets: NDArray[np.int64]) -> Images:
    """Mean of each set of pictures, pixel by pixel, rounded; shape (k, height, width, channels)."""
    means = [pictures.pixels(members).astype(np.float64).mean(axis=0) for members in sets]
    return np.round(means).astype(np.uint8)


def average_cells(
    loaded: Loaded, pictures: Pictures, pool: ArrayLike, judges: Mapping[str, Judge], *, k: int = 100,
    means: Sequence[int] = MEANS, seed: int = 0, batch_size: int = 64,
) -> Iterator[Cell]:  # fmt: skip
    """Judge means of m pictures, taken in pixels and in latents.

    Parameters
    ----------
    loaded : Loaded
        Whose autoencoder is used.
    pictures : Pictures
    pool : array_like of int
        Which of them are averaged: the held-out ones, so that m = 1 is a control.
    judges : mapping from name to Judge
        ``"embedding"``, and ``"latent"`` with a :class:`LatentSpace`.
    k : int
        Means for each m.
    means : sequence of int
        Numbers of pictures averaged, m.
    seed : int
        Of the draws; both ways average the same pictures.
    batch_size : int
        Pictures at a time.

    Yields
    ------
    Cell
        With the keys way ("pixels" or "latents"), m and space.
    """
    members = np.asarray(pool)
    place = {int(index): row for row, index in enumerate(members)}
    encoded = mean_latents(loaded, pictures.pixels(members), batch_size=batch_size)
    for m in means:
        sets = subsets(members, m, k, seed)
        images = mean_pictures(pictures, sets)
        rows = np.vectorize(place.__getitem__, otypes=[np.int64])(sets)
        latents = encoded[rows].mean(axis=1)
        for space, by in judges.items():
            yield by.cell_of_images({"way": "pixels", "m": m, "space": space}, images)
            yield judged({"way": "latents", "m": m, "space": space}, by, loaded, latents, batch_size)


def step_cells(
    loaded: Loaded, prompts: Sequence[str], judges: Mapping[str, Judge], drawing: Drawing, *,
    steps: Sequence[int] = STEPS, guidances: Sequence[float] = GUIDANCES,
) -> Iterator[Cell]:  # fmt: skip
    """Judge pictures drawn in few steps; one step is the network's prediction from pure noise.

    Parameters are as in :func:`average_cells`; the drawing's own steps and guidance are not used.

    Yields
    ------
    Cell
        With the keys prompt, steps, guidance and space.
    """
    for guidance in guidances:
        for n in steps:
            for prompt in prompts:
                latents = sample_latents(
                    loaded, [prompt] * drawing.k, drawing.seeds(), steps=n, guidance=guidance,
                    batch_size=drawing.batch_size, label=f"{n} steps, guidance {guidance:g}, {prompt}",
                )  # fmt: skip
                for space, by in judges.items():
                    what = {"prompt": prompt, "steps": n, "guidance": guidance, "space": space}
                    yield judged(what, by, loaded, latents, drawing.batch_size)


def judged(what: Mapping[str, Any], by: Judge, loaded: Loaded, latents: Floats, batch_size: int) -> Cell:
    """Judge latents (k, c, h, w) in the judge's space: as they are, or the pictures they decode to."""
    if isinstance(by.space, LatentSpace):
        return by.cell(what, flat(latents))
    return by.cell_of_images(what, decode(loaded, latents, batch_size=batch_size))
