"""Experiment 3 (§7.3): how photographs are decoded.

They are prepared as usual for Stable Diffusion: turned upright as their
camera noted, as large a square as possible cut from the middle, and resized
with Lanczos' filter.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from hallucination.pictures.sets import Images, Labels

READERS = 4  # files read at a time: Pillow decodes outside Python's lock


@dataclass(frozen=True, eq=False)
class Photographs:
    """Coloured pictures that are brought to one size when they are decoded; where they are is for others to say.

    Attributes
    ----------
    labels, classes, source
        As in :class:`~hallucination.pictures.sets.Pictures`.
    size : int
        Side in pixels to which every picture is brought.
    """

    labels: Labels
    classes: tuple[str, ...]
    source: Mapping[str, Any]
    size: int

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width and channels."""
        return self.size, self.size, 3

    def __len__(self) -> int:
        return len(self.labels)


def stacked(named: Iterable[tuple[str, bytes | Path]], size: int) -> Images:
    """Decode image files given as (name, content or path); shape (b, size, size, 3). ValueError names the broken."""
    with ThreadPoolExecutor(READERS) as readers:
        found = list(readers.map(lambda one: decoded(one[0], one[1], size), named))
    return np.stack(found) if found else np.empty((0, size, size, 3), np.uint8)


def decoded(name: str, content: bytes | Path, size: int) -> Images:
    """Decode one image file: upright, its central square, resized; shape (size, size, 3).

    Raises
    ------
    ValueError
        In one line with `name`, if it is no image, is cut off, or has 16 bits or more per channel.
    """
    try:
        with Image.open(io.BytesIO(content) if isinstance(content, bytes) else content) as image:
            if image.mode[0] in "IF":
                raise ValueError(f"its pixels are of mode {image.mode}; 8 bits per channel are needed")
            upright = _on_white(ImageOps.exif_transpose(image))
        return np.array(ImageOps.fit(upright, (size, size), Image.Resampling.LANCZOS))
    except Exception as error:  # Pillow's decoders raise whatever broken bytes lead to
        raise ValueError(f"cannot read the image {name}: {first_line(error)}") from None


def _on_white(image: Image.Image) -> Image.Image:
    if not image.has_transparency_data:
        return image.convert("RGB")
    seen = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", seen.size, "white"), seen).convert("RGB")


def first_line(error: BaseException) -> str:
    """What an error says of an image, in one line."""
    text = str(error).splitlines()
    # Pillow names the object it read from, which here is only a place in memory.
    return "not an image" if "cannot identify" in str(error) else (text[0] if text else type(error).__name__)
