"""Experiment 3 (§7.3): labelled pictures, in memory or read when asked for.

Whatever a set of pictures comes from, it is used through :class:`Pictures`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

Images = NDArray[np.uint8]
Labels = NDArray[np.int64]
BATCH = 256  # pictures read at a time


class MissingPicturesError(RuntimeError):
    """The pictures are not on this machine; the message says what they are and the command that gets them."""


class Pictures(Protocol):
    """Labelled pictures of one size.

    Attributes
    ----------
    labels : ndarray of int64, shape (n,)
        Number of each picture's class.
    classes : tuple of str
        The classes' names.
    source : mapping
        For a record: name, version or sha256, licence, n, and how many duplicates were dropped.
    shape : tuple of int
        Height, width and channels (1 or 3) of every picture.
    """

    @property
    def labels(self) -> Labels: ...  # noqa: D102
    @property
    def classes(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def source(self) -> Mapping[str, Any]: ...  # noqa: D102
    @property
    def shape(self) -> tuple[int, int, int]: ...  # noqa: D102
    def __len__(self) -> int: ...
    def pixels(self, indices: ArrayLike) -> Images:
        """Return the pictures with these indices, shape (b, height, width, channels), values 0 to 255."""
        ...


@dataclass(frozen=True, eq=False)
class InMemory:
    """Pictures held as one array.

    Attributes
    ----------
    images : ndarray of uint8, shape (n, height, width, channels)
    labels, classes, source
        As in :class:`Pictures`.

    Raises
    ------
    ValueError
        If shapes, types or labels do not fit each other, or there is no picture.
    """

    images: Images
    labels: Labels
    classes: tuple[str, ...]
    source: Mapping[str, Any]

    def __post_init__(self) -> None:
        images, labels = self.images, self.labels
        if images.dtype != np.uint8 or images.ndim != 4 or images.shape[-1] not in (1, 3) or not images.size:
            raise ValueError(
                f"images must be uint8 of shape (n, height, width, 1 or 3), got {images.dtype} {images.shape}"
            )
        check_labels(labels, self.classes, len(images))

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width and channels."""
        height, width, channels = self.images.shape[1:]
        return height, width, channels

    def __len__(self) -> int:
        return len(self.images)

    def pixels(self, indices: ArrayLike) -> Images:
        """Return a copy of the pictures with these indices."""
        return self.images[checked_indices(indices, len(self))]


@dataclass(frozen=True, eq=False)
class Part:
    """Some pictures of a set, without copying them.

    Attributes
    ----------
    whole : Pictures
    indices : ndarray of int64, shape (n,)
        Which pictures of `whole`, in this part's order.
    labels, classes, source
        As in :class:`Pictures`.
    """

    whole: Pictures
    indices: NDArray[np.int64]
    labels: Labels
    classes: tuple[str, ...]
    source: Mapping[str, Any]

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width and channels."""
        return self.whole.shape

    def __len__(self) -> int:
        return len(self.indices)

    def pixels(self, indices: ArrayLike) -> Images:
        """Return the pictures with these indices of the part."""
        return self.whole.pixels(self.indices[checked_indices(indices, len(self))])


def deduplicated(pictures: Pictures) -> Part:
    """Return the pictures without exact repetitions, whatever their class: of equal ones the first is kept.

    Near repetitions stay. ``source`` says how many were dropped.
    """
    seen: set[bytes] = set()
    kept = []
    for number, picture in enumerate(_each(pictures)):
        digest = hashlib.sha256(picture.tobytes()).digest()
        if digest not in seen:
            seen.add(digest)
            kept.append(number)
    indices = np.array(kept, dtype=np.int64)
    dropped = len(pictures) - len(kept)
    source = {**pictures.source, "n": len(kept), "duplicates dropped": dropped}
    return Part(pictures, indices, pictures.labels[indices], pictures.classes, source)


def check_labels(labels: Labels, classes: Sequence[str], n: int) -> None:
    """Refuse labels that are not one number per picture below the number of classes; raises ValueError."""
    if labels.shape != (n,) or labels.dtype != np.int64:
        raise ValueError(f"labels must be int64 of shape ({n},), got {labels.dtype} {labels.shape}")
    if labels.min() < 0 or labels.max() >= len(classes):
        raise ValueError(f"labels must be in 0 to {len(classes) - 1}, got {labels.min()} to {labels.max()}")


def checked_indices(indices: ArrayLike, n: int) -> NDArray[np.int64]:
    """Return indices as an array of shape (b,); raises ValueError for anything but integers in 0 to n - 1."""
    array = np.atleast_1d(np.asarray(indices))
    if array.ndim != 1 or (array.size and not np.issubdtype(array.dtype, np.integer)):
        raise ValueError(f"indices must be integers of shape (b,), got {array.dtype} {array.shape}")
    if array.size and not 0 <= array.min() <= array.max() < n:
        raise ValueError(f"indices must be in 0 to {n - 1}, got {array.min()} to {array.max()}")
    return array.astype(np.int64)


def _each(pictures: Pictures) -> Iterator[Images]:
    for start in range(0, len(pictures), BATCH):
        yield from pictures.pixels(np.arange(start, min(start + BATCH, len(pictures))))
