"""Trained models that others publish: where they come from, and whether they are here; nothing is ever downloaded."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any


class MissingModelError(RuntimeError):
    """The model is not on this machine; the message says what it is, how large, and the command that gets it."""


@dataclass(frozen=True)
class Source:
    """Where a model comes from.

    Attributes
    ----------
    name, id, revision, licence : str
        Our name; the name, version and licence its publisher gives it.
    gigabytes : float
        Size of what is downloaded.
    command : str
        What gets it.
    sha256 : str
        Digest of the weights' file, where we check it.
    """

    name: str
    id: str
    revision: str
    licence: str
    gigabytes: float
    command: str
    sha256: str = ""

    def facts(self) -> dict[str, Any]:
        """What a record says about it."""
        return {"name": self.name, "id": self.id, "revision": self.revision, "licence": self.licence}

    def missing(self, what: str = "model") -> MissingModelError:
        """Return the error to raise if it is not on this machine; `what` is the kind of model."""
        return MissingModelError(
            f"the {what} {self.name} ({self.id}, revision {self.revision}, {self.gigabytes:g} GB) is not on this "
            f"machine; get it with: {self.command}"
        )

    def snapshot(self, what: str = "model") -> Path:
        """Folder of its files in the local cache of the Hugging Face hub; a part may be missing.

        Raises
        ------
        MissingModelError
            If nothing of this revision is there.
        """
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import LocalEntryNotFoundError

        try:
            return Path(snapshot_download(self.id, revision=self.revision, local_files_only=True))
        except LocalEntryNotFoundError:
            raise self.missing(what) from None


def file_digest(file: Path) -> str:
    """sha256 of a file's content, without holding it in memory."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def weights_digest(folder: Path) -> str:
    """One digest of all weights in a folder: sha256 over those of its safetensors files, in order of their names."""
    digest = hashlib.sha256()
    for path in sorted(folder.glob("*.safetensors")):
        digest.update(bytes.fromhex(file_digest(path)))
    return digest.hexdigest()
