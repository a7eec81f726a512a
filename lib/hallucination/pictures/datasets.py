"""Experiment 3 (§7.3), the data: sets of pictures by name, without repetitions, and their split in two.

Everything that is learnt, be it by a model or by a region, uses the first
part of :func:`split`; thresholds use the second.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import floor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hallucination.pictures.afhq import afhq
from hallucination.pictures.animals import animals
from hallucination.pictures.fashion import fashion
from hallucination.pictures.folder import folder
from hallucination.pictures.sets import InMemory, MissingPicturesError, Part, Pictures, deduplicated

__all__ = [
    "InMemory",
    "MissingPicturesError",
    "Part",
    "Pictures",
    "Split",
    "deduplicated",
    "only",
    "pictures",
    "split",
]

NAMES = ("animals", "fashion", "afhq")


@dataclass(frozen=True, eq=False)
class Split:
    """Indices of the two parts: `train` to learn from, `held` to calibrate with; both sorted."""

    train: NDArray[np.int64]
    held: NDArray[np.int64]


def split(pictures: Pictures, share: float | Fraction = 0.8, seed: int = 0) -> Split:
    """Divide pictures at random, class by class: ⌊share · n⌋ of a class's n to learn from, the rest held out.

    The draw depends on the seed, the class's name and the order within the class only. So a picture held out here is
    also held out of the split of a part made with :func:`only`, at the same share and seed.

    Raises
    ------
    ValueError
        If the share is not strictly between 0 and 1, or leaves a class without a picture to learn from.
    """
    if not 0 < share < 1:
        raise ValueError(f"share must lie strictly between 0 and 1, got {share}")
    exact = Fraction(share).limit_denominator(10**9)
    train, held = [], []
    for label, name in enumerate(pictures.classes):
        found = np.flatnonzero(pictures.labels == label)
        cut = floor(exact * len(found))
        if cut == 0:
            raise ValueError(f"class {name!r} has {len(found)} pictures, too few to learn from a share of {share}")
        mixed = np.random.default_rng([seed, zlib.crc32(name.encode())]).permutation(found)
        train.append(mixed[:cut])
        held.append(mixed[cut:])
    return Split(np.sort(np.concatenate(train)), np.sort(np.concatenate(held)))


def only(pictures: Pictures, classes: Sequence[str]) -> Part:
    """Return the pictures of these classes, in the order they had; class k is now the k-th of `classes`.

    Raises
    ------
    ValueError
        If there is no class, one is named twice, or one is unknown.
    """
    chosen = (classes,) if isinstance(classes, str) else tuple(classes)
    if not chosen or len(set(chosen)) < len(chosen) or not set(chosen) <= set(pictures.classes):
        raise ValueError(f"classes must be one or more of {', '.join(pictures.classes)}, each once; got {chosen}")
    numbers = np.full(len(pictures.classes), -1, dtype=np.int64)
    numbers[[pictures.classes.index(name) for name in chosen]] = np.arange(len(chosen))
    labels = numbers[pictures.labels]
    kept = np.flatnonzero(labels >= 0)
    source = {**pictures.source, "classes": list(chosen), "n": len(kept)}
    return Part(pictures, kept, labels[kept], chosen, source)


def pictures(name: str, path: Path | str | None = None, *, size: int = 512) -> Pictures:
    """Return a set of pictures by name.

    Parameters
    ----------
    name : str
        ``"animals"``, ``"fashion"``, ``"afhq"``, or the path of a folder with one folder of image files per class.
    path : Path or str, optional
        Where the files of ``"fashion"`` or ``"afhq"`` are, if not at their usual places.
    size : int
        Side in pixels for photographs (AFHQ and folders); the two small sets are 32 × 32.

    Raises
    ------
    ValueError
        In one line, if the name is neither known nor a folder, or the files are not what they should be.
    MissingPicturesError
        If the data are not on this machine; the message says how to get them.
    """
    if name == "animals":
        if path is not None:
            raise ValueError(f"the animals are read from their installed package, not from a path; got {path}")
        return animals()
    if name == "fashion":
        return fashion(path)
    if name == "afhq":
        return afhq(path, size=size)
    if not Path(name).expanduser().is_dir():
        raise ValueError(f"unknown pictures {name!r}: give one of {', '.join(NAMES)}, or a folder with one per class")
    return folder(name, size=size)
