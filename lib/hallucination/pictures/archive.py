"""Arrays and plain facts in a folder, without pickle, and never half of one with half of the other."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hallucination.records import write_bytes, write_json

ARRAYS, FACTS = "arrays.npz", "facts.json"


def write(folder: Path | str, arrays: Mapping[str, NDArray[Any]], facts: Mapping[str, Any]) -> None:
    """Write ``arrays.npz`` and ``facts.json``; the latter comes last and names the former by its sha256."""
    folder = Path(folder)
    packed = BytesIO()
    np.savez_compressed(packed, allow_pickle=False, **arrays)
    data = packed.getvalue()
    write_bytes(folder / ARRAYS, data)
    write_json(folder / FACTS, {**facts, "sha256": hashlib.sha256(data).hexdigest()})


def read(folder: Path | str) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """Read what :func:`write` wrote.

    Raises
    ------
    ValueError
        If a file is missing or unreadable, or the two do not belong together.
    """
    folder = Path(folder)
    try:
        facts = json.loads((folder / FACTS).read_text("utf8"))
        data = (folder / ARRAYS).read_bytes()
        expected = facts.pop("sha256")
    except (OSError, ValueError, KeyError, AttributeError) as problem:
        raise ValueError(f"{folder} holds no {ARRAYS} with its {FACTS}: {problem}") from None
    if (found := hashlib.sha256(data).hexdigest()) != expected:
        raise ValueError(f"{folder / ARRAYS} has sha256 {found[:16]}…, but {FACTS} names {expected[:16]}…")
    try:
        with np.load(BytesIO(data), allow_pickle=False) as arrays:
            return dict(arrays), facts
    except (ValueError, zipfile.BadZipFile) as problem:
        raise ValueError(f"{folder / ARRAYS} cannot be read: {problem}") from None
