"""Experiment 3 (§7.3): photographs in folders, one folder per class, read when asked for."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike
from PIL import Image

from hallucination.pictures.photographs import Photographs, first_line, stacked
from hallucination.pictures.sets import Images, checked_indices

ENDINGS = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp"})
SMALLEST = 8  # the least side that the autoencoder of Stable Diffusion can shrink


@dataclass(frozen=True, eq=False)
class Files(Photographs):
    """Image files, decoded when asked for.

    Attributes
    ----------
    paths : tuple of Path
        The files, one for each label.
    """

    paths: tuple[Path, ...]

    def pixels(self, indices: ArrayLike) -> Images:
        """Decode the pictures with these indices, shape (b, size, size, 3).

        Raises
        ------
        ValueError
            In one line that names the file, if one cannot be decoded.
        """
        chosen = [self.paths[i] for i in checked_indices(indices, len(self))]
        return stacked(((str(path), path) for path in chosen), self.size)


def folder(*paths: Path | str, size: int = 512, classes: Sequence[str] = (), name: str = "") -> Files:
    """Return the photographs in ``path/CLASS/*``; classes and files in alphabetical order, equal files once.

    Parameters
    ----------
    *paths : Path or str
        Folders with one folder per class; of several, classes of one name are put together. Other files in them, and
        names that begin with a dot, are passed over.
    size : int
        Side of the pictures in pixels, a multiple of 8 for Stable Diffusion.
    classes : sequence of str
        Only these class folders; all if empty.
    name : str
        What a record calls the set; the first folder's name if empty.

    Raises
    ------
    ValueError
        In one line: if the size is below 8, a path is no folder or holds none, a class has no image file, or a file's
        beginning is not that of an image. A file broken later on is noticed by :meth:`Files.pixels`.
    """
    if size < SMALLEST:
        raise ValueError(f"size must be at least {SMALLEST} pixels; got {size}")
    found: dict[str, list[Path]] = {}
    for root in (Path(path).expanduser() for path in paths):
        for label, files in _classes(root, classes).items():
            found.setdefault(label, []).extend(files)
    return _gathered(name or Path(paths[0]).expanduser().resolve().name, dict(sorted(found.items())), size)


def _classes(root: Path, wanted: Sequence[str]) -> dict[str, list[Path]]:
    if not root.is_dir():
        raise ValueError(f"{root} is not a folder; pictures need one with a folder per class")
    inner = [one for one in sorted(root.iterdir()) if one.is_dir() and not one.name.startswith(".")]
    found = {one.name: _images(one) for one in inner if not wanted or one.name in wanted}
    if not found:
        raise ValueError(
            f"{root} holds no class folder ({', '.join(wanted) or 'any name'}); pictures need one per class"
        )
    empty = next((name for name, files in found.items() if not files), None)
    if empty is not None:
        raise ValueError(f"the class folder {root / empty} holds no image ({', '.join(sorted(ENDINGS))})")
    return found


def _images(path: Path) -> list[Path]:
    found = (one for one in path.iterdir() if one.suffix.lower() in ENDINGS and one.is_file())
    return sorted(one for one in found if not one.name.startswith("."))


def _gathered(name: str, found: Mapping[str, Sequence[Path]], size: int) -> Files:
    """Look at every file once: its beginning must be an image's, and its content must be new."""
    new: dict[bytes, tuple[Path, int]] = {}
    for label, files in enumerate(found.values()):
        for path in files:
            new.setdefault(_digest(path), (path, label))
    labels = np.array([label for _, label in new.values()], dtype=np.int64)
    every, classes = hashlib.sha256(), tuple(found)
    for digest, (_, label) in new.items():
        every.update(classes[label].encode() + b"\0" + digest)
    dropped = sum(map(len, found.values())) - len(new)
    source = {"name": name, "id": "a local folder", "sha256": every.hexdigest(), "n": len(new)}
    paths = tuple(path for path, _ in new.values())
    return Files(labels, classes, {**source, "duplicates dropped": dropped}, size, paths)


def _digest(path: Path) -> bytes:
    content = path.read_bytes()
    try:
        Image.open(io.BytesIO(content)).close()
    except Exception as error:
        raise ValueError(f"cannot read the image {path}: {first_line(error)}") from None
    return hashlib.sha256(content).digest()
