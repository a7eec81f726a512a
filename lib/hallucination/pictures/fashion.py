"""Experiment 3 (§7.3): Fashion-MNIST (Zalando, 2017, MIT licence), 70 000 grey pictures of things to wear.

The fallback with the clearest licence: sneakers and ankle boots, both "a
shoe", in place of cats and dogs.  Read from the published IDX files, from
Debian's package ``dataset-fashion-mnist``, or from the hub's cache.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import zlib
from math import prod
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from hallucination.pictures.animals import framed
from hallucination.pictures.hub import HubSet, column
from hallucination.pictures.sets import InMemory, check_labels, deduplicated

NAMES = ("top", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot")
PARTS = ("train", "t10k")
DEBIAN = Path("/usr/share/datasets/fashion-mnist")
HUB = HubSet(
    "fashion",
    "zalando-datasets/fashion_mnist",
    "531be5e2ccc9dba0c201ad3ae567a4f3d16ecdd2",
    "MIT",
    ("fashion_mnist/train-00000-of-00001.parquet", "fashion_mnist/test-00000-of-00001.parquet"),
    0.03,
    "on Debian with: apt-get install dataset-fashion-mnist; or give the path of the folder with the four IDX files",
)
SIDE = 32
HEADERS = {1: b"\0\0\x08\x01", 3: b"\0\0\x08\x03"}  # unsigned bytes in 1 or 3 dimensions

Arrays = tuple[NDArray[np.uint8], NDArray[np.int64]]


def fashion(path: Path | str | None = None) -> InMemory:
    """Return Fashion-MNIST, training part first, 32 × 32 × 1, without exact repetitions.

    Parameters
    ----------
    path : Path or str, optional
        Folder with the IDX files (``train-images-idx3-ubyte`` and so on, with or without ``.gz``); one of the two
        parts is enough. If not given: the folder of Debian's package, else the hub's cache.

    Raises
    ------
    MissingPicturesError
        If there is no path and the pictures are in neither place.
    ValueError
        In one line, if a file is missing from `path`, cut off, or not what its header says.
    """
    if path is None and not DEBIAN.is_dir():
        parts, where = [_hub_part(file) for file in HUB.paths()], f"{HUB.id} at {HUB.revision}"
    else:
        parts, where = idx_parts(Path(path or DEBIAN).expanduser()), "IDX files"
    images = np.concatenate([part[0] for part in parts])
    labels = np.concatenate([part[1] for part in parts])
    digest = hashlib.sha256(images.tobytes() + labels.astype(np.uint8).tobytes()).hexdigest()
    source = {
        "name": "fashion",
        "id": f"Fashion-MNIST ({where})",
        "sha256 of pixels and labels": digest,
        "licence": "MIT",
    }
    kept = deduplicated(InMemory(framed(images, SIDE, 0), labels, NAMES, source))
    return InMemory(kept.pixels(np.arange(len(kept))), kept.labels, NAMES, kept.source)


def idx_parts(root: Path) -> list[Arrays]:
    """Images of shape (n, h, w) and labels of the parts in a folder; see :func:`fashion` for the errors."""
    found = []
    for part in PARTS:
        images, labels = (_idx_file(root, f"{part}-{kind}-ubyte") for kind in ("images-idx3", "labels-idx1"))
        if images is None and labels is None:
            continue
        if images is None or labels is None:
            raise ValueError(f"{root} holds only the {'labels' if images is None else 'images'} of the part {part!r}")
        pixels, numbers = idx(images, 3), idx(labels, 1).astype(np.int64)
        if max(pixels.shape[1:]) > SIDE:
            raise ValueError(f"{images.name}: pictures must fit into {SIDE} × {SIDE} pixels, got {pixels.shape[1:]}")
        check_labels(numbers, NAMES, len(pixels))
        found.append((pixels, numbers))
    if not found:
        raise ValueError(f"{root} holds no IDX files; expected train-images-idx3-ubyte.gz and its labels")
    return found


def idx(path: Path, dimensions: int) -> NDArray[np.uint8]:
    """Read an IDX file of unsigned bytes: header, lengths as big-endian 32-bit numbers, then the values.

    Raises
    ------
    ValueError
        In one line, if the header is another's, or there are more or fewer bytes than it says.
    """
    content = _plain(path)
    if not content.startswith(HEADERS[dimensions]):
        raise ValueError(
            f"{path.name}: not an IDX file of bytes in {dimensions} dimensions; begins {content[:4].hex()}"
        )
    start = 4 + 4 * dimensions
    if len(content) < start:
        raise ValueError(f"{path.name}: cut off within its header, after {len(content)} of {start} bytes")
    lengths = np.frombuffer(content[4:start], ">u4").tolist()
    if len(content) - start != prod(lengths):
        raise ValueError(f"{path.name}: {prod(lengths)} bytes announced, {len(content) - start} there; cut off?")
    return np.frombuffer(content, np.uint8, offset=start).reshape(lengths)


def _plain(path: Path) -> bytes:
    content = path.read_bytes()
    if path.suffix != ".gz":
        return content
    try:
        return gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(f"{path.name}: broken gzip file, perhaps cut off ({error})") from None


def _idx_file(root: Path, name: str) -> Path | None:
    return next((path for path in (root / name, root / f"{name}.gz") if path.is_file()), None)


def _hub_part(path: Path) -> Arrays:
    images = [np.array(Image.open(io.BytesIO(one["bytes"]))) for one in column(path, "image")]
    return np.stack(images), np.array(column(path, "label"), dtype=np.int64)
