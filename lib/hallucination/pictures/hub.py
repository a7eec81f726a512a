"""Experiment 3 (§7.3): sets of pictures in the local cache of the Hugging Face hub; nothing is downloaded unasked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hallucination.parquet_files import parquet_file
from hallucination.pictures.sets import MissingPicturesError

OTHERWISE = "image or IDX files work"


@dataclass(frozen=True)
class HubSet:
    """A data set of the hub at one commit.

    Attributes
    ----------
    name, id, revision, licence : str
        Our name; repository, commit and licence there.
    files : tuple of str
        Its parquet files.
    gigabytes : float
        Size of the download.
    otherwise : str
        What else can be done to have the pictures.
    """

    name: str
    id: str
    revision: str
    licence: str
    files: tuple[str, ...]
    gigabytes: float
    otherwise: str

    @property
    def command(self) -> str:
        """What gets it."""
        return f"hf download {self.id} --repo-type dataset --revision {self.revision}"

    def paths(self) -> list[Path]:
        """Return the files in the cache.

        Raises
        ------
        MissingPicturesError
            If one of them is not there.
        """
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import LocalEntryNotFoundError

        try:
            folder = snapshot_download(self.id, repo_type="dataset", revision=self.revision, local_files_only=True)
        except LocalEntryNotFoundError:
            raise self._missing() from None
        found = [Path(folder) / file for file in self.files]
        if not all(path.is_file() for path in found):  # a download that was cut off
            raise self._missing()
        return found

    def _missing(self) -> MissingPicturesError:
        return MissingPicturesError(
            f"the pictures of {self.name} ({self.id}, revision {self.revision}, {self.gigabytes:g} GB) are not on "
            f"this machine; get them with: {self.command}; or {self.otherwise}"
        )


def column(path: Path, name: str, group: int | None = None) -> list[Any]:
    """One column of a parquet file as Python objects; of one row group, or of all.

    Raises
    ------
    ModuleNotFoundError
        If pyarrow is not installed.
    ValueError
        In one line, if the file is broken, cut off, or has no such column.
    """
    with parquet_file(path, OTHERWISE) as file:
        table = file.read([name]) if group is None else file.read_row_group(group, [name])
        found: list[Any] = table.column(name).to_pylist()
    return found


def group_sizes(path: Path) -> Sequence[int]:
    """Rows in each row group of a parquet file; see :func:`column` for the errors."""
    with parquet_file(path, OTHERWISE) as file:
        held = file.metadata
    return [held.row_group(k).num_rows for k in range(held.num_row_groups)]
