"""Experiment 3 (§7.3), the paper's data: Animal Faces-HQ (AFHQ), photographs of cats, dogs and wild animals.

The paper does not name the version; its 5558 cats point to version 2,
training and test part together.  The licence, CC BY-NC 4.0, forbids commercial use, so it is
never part of this project: give a folder, or get it from the hub.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from hallucination.pictures.folder import Files, folder
from hallucination.pictures.hub import HubSet, column, group_sizes
from hallucination.pictures.photographs import Photographs, stacked
from hallucination.pictures.sets import Images, check_labels, checked_indices

CLASSES = ("cat", "dog", "wild")
PARTS = ("train", "test")
HUB = HubSet(
    "afhq",
    "huggan/AFHQv2",
    "f638548a7eccf134045249ed2ac708505bac6e2e",
    "CC BY-NC 4.0",
    tuple(f"data/train-{k:05}-of-00013.parquet" for k in range(13)),
    7.0,
    "give the path of a folder with cat/ and dog/, in it or in train/ and test/",
)


@dataclass(frozen=True, eq=False)
class Packed(Photographs):
    """Photographs in parquet files with the columns ``image`` and ``label``, decoded when asked for.

    A whole row group is read at a time and the last one kept, so read them in order.

    Attributes
    ----------
    groups : tuple of (Path, int, int)
        File, number of the row group in it, and number of its first picture.
    """

    groups: tuple[tuple[Path, int, int], ...]

    def pixels(self, indices: ArrayLike) -> Images:
        """Decode the pictures with these indices, shape (b, size, size, 3); ValueError names a broken one."""
        chosen = checked_indices(indices, len(self))
        starts = [first for _, _, first in self.groups]
        result = np.empty((len(chosen), *self.shape), np.uint8)
        homes = np.searchsorted(starts, chosen, side="right") - 1
        for home in np.unique(homes):
            places = np.flatnonzero(homes == home)
            path, group, first = self.groups[home]
            rows = _contents(path, group)
            named = ((f"{path.name}, row {i}", rows[i - first]["bytes"]) for i in chosen[places])
            result[places] = stacked(named, self.size)
        return result


def afhq(path: Path | str | None = None, *, size: int = 512) -> Files | Packed:
    """Return AFHQ from a folder, or version 2 of it from the hub's cache.

    Parameters
    ----------
    path : Path or str, optional
        A folder that holds ``cat`` and ``dog`` (and perhaps ``wild``), or ``train`` and ``test`` with those in them.
    size : int
        Side of the pictures in pixels.

    Raises
    ------
    MissingPicturesError
        If there is no path and the hub's files are not in its cache.
    ValueError
        In one line, for the reasons of :func:`~hallucination.pictures.folder.folder`.
    """
    if path is None:
        return packed(
            HUB.paths(), size, {"name": "afhq", "id": HUB.id, "revision": HUB.revision, "licence": HUB.licence}
        )
    root = Path(path).expanduser()
    roots = [root / part for part in PARTS if (root / part).is_dir()]
    return folder(*(roots or [root]), size=size, classes=CLASSES, name="afhq")


def packed(paths: list[Path], size: int, source: Mapping[str, Any]) -> Packed:
    """Look up where each picture of the parquet files is; the pictures themselves are not read yet."""
    groups: list[tuple[Path, int, int]] = []
    labels: list[int] = []
    for path in paths:
        first = len(labels)
        for group, rows in enumerate(group_sizes(path)):
            groups.append((path, group, first))
            first += rows
        labels += column(path, "label")
    found = np.array(labels, dtype=np.int64)
    check_labels(found, CLASSES, len(found))
    told = {**source, "n": len(found), "duplicates dropped": "not looked for"}
    return Packed(found, CLASSES, told, size, tuple(groups))


@lru_cache(maxsize=1)
def _contents(path: Path, group: int) -> list[Any]:
    return column(path, "image", group)
