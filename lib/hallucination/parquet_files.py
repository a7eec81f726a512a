"""Parquet files of published data sets, opened with one-line errors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def parquet_file(path: Path, otherwise: str) -> Iterator[Any]:
    """Open a parquet file, as pyarrow's ``ParquetFile``; what goes wrong while it is read is told here, too.

    Parameters
    ----------
    path : Path
    otherwise : str
        What can be read without pyarrow, for the message.

    Raises
    ------
    ModuleNotFoundError
        If pyarrow is not installed.
    ValueError
        In one line, if the file is broken, cut off, or lacks what is read from it.
    """
    try:
        from pyarrow import parquet
    except ModuleNotFoundError:
        raise ModuleNotFoundError(f"reading {path.name} needs the package pyarrow; {otherwise} without") from None
    try:
        with parquet.ParquetFile(path) as file:
            yield file
    except (OSError, ValueError, KeyError) as error:
        raise ValueError(
            f"{path.name}: broken parquet file, perhaps cut off ({str(error).splitlines()[0]})"
        ) from None
