"""Small pictures of a record, as one PNG file beside it: a row for each kind, told in the record."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from hallucination.pictures.sets import Images
from hallucination.records import write_bytes

BLANK = 127  # of places in rows that are not full


def write(path: Path, rows: Sequence[Images]) -> dict[str, Any]:
    """Write rows of pictures (n, side, side, channels) as a grid; return its name, digest, side and row lengths.

    Raises
    ------
    ValueError
        If there is no picture at all.
    """
    if not any(len(row) for row in rows):
        raise ValueError("a grid needs at least one picture; got none")
    side, channels = rows[0].shape[1], rows[0].shape[3]
    sheet = np.full((len(rows) * side, max(map(len, rows)) * side, channels), BLANK, dtype=np.uint8)
    for r, row in enumerate(rows):
        for c, picture in enumerate(row):
            sheet[r * side : (r + 1) * side, c * side : (c + 1) * side] = picture
    buffer = io.BytesIO()
    Image.fromarray(sheet[..., 0] if channels == 1 else sheet).save(buffer, "PNG", optimize=True)
    write_bytes(path, buffer.getvalue())
    digest = hashlib.sha256(buffer.getvalue()).hexdigest()
    return {"file": path.name, "sha256": digest, "side": side, "lengths": [len(row) for row in rows]}


def read(folder: Path, facts: Mapping[str, Any]) -> list[Images]:
    """Read back the rows of a grid, from what :func:`write` returned.

    Raises
    ------
    ValueError
        In one line, if the file is missing or is not the one that was written.
    """
    path, side = folder / facts["file"], int(facts["side"])
    if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != facts["sha256"]:
        raise ValueError(f"{path.name} is missing, or is not the grid that its record tells of")
    sheet = np.asarray(Image.open(path))
    sheet = sheet[..., None] if sheet.ndim == 2 else sheet
    rows = sheet.reshape(-1, side, sheet.shape[1] // side, side, sheet.shape[2]).swapaxes(1, 2)
    return [row[:n] for row, n in zip(rows, facts["lengths"], strict=True)]
