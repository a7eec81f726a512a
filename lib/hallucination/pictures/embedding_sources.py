"""Where the image encoders of §7.3 come from; nothing is downloaded unasked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hallucination.model_sources import Source, file_digest
from hallucination.pictures.models import MODELS, shipped

FILES = ("config.json", "preprocessor_config.json", "model.safetensors")
# A revision that published listings name as one with safetensors; pinned from there, not fetched here.
_CLIP = ("openai/clip-vit-base-patch32", "c237dc49a33fc61debc9276459120b7eac67e7ef")

EMBEDDERS: dict[str, Source] = {
    "animals": MODELS["animals"],
    "clip-vit-base-patch32": Source(
        "clip-vit-base-patch32",
        *_CLIP,
        "MIT",
        0.61,
        f"hf download {_CLIP[0]} {' '.join(FILES)} --revision {_CLIP[1]}",
    ),
    "tiny": MODELS["tiny"],
}


def find(name: str) -> tuple[Path, dict[str, Any]]:
    """Folder of an encoder's files and the facts for the record.

    Parameters
    ----------
    name : str
        A name of ``EMBEDDERS`` other than ``"tiny"``, or the path of a folder with a saved CLIPModel.

    Raises
    ------
    MissingModelError
        If the encoder is not on this machine.
    ValueError
        If the name is neither known nor a folder of this kind.
    """
    if name in EMBEDDERS and name != "tiny":
        source = EMBEDDERS[name]
        folder = shipped(name) / "clip" if name == "animals" else source.snapshot("embedder")
        if not _whole(folder):
            raise source.missing("embedder")
        return folder, {**source.facts(), "weights_sha256": file_digest(folder / FILES[-1])}
    folder = Path(name).expanduser()
    if not _whole(folder):
        raise ValueError(
            f"unknown embedder {name!r}: give one of {', '.join(EMBEDDERS)}, open_clip:ARCHITECTURE:FILE, or a "
            f"folder with {', '.join(FILES)}"
        )
    kind = json.loads((folder / FILES[0]).read_text("utf8")).get("model_type")
    if kind != "clip":
        raise ValueError(f"the folder {folder} holds a model of type {kind!r}; 'clip' is needed")
    return folder, {"name": folder.name, "id": "a local folder", "weights_sha256": file_digest(folder / FILES[-1])}


def _whole(folder: Path) -> bool:
    return all((folder / name).is_file() for name in FILES)
