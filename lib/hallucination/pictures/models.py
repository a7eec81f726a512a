"""Text-to-image models of §7.3: what they are, where they come from, and how to load them without a download.

``animals`` is small and comes with the project, which also trained it.  The
paper's Stable Diffusion is read from the local cache of the hub or from a
folder; nothing is ever downloaded unasked.  ``tiny`` has random weights and
is there for tests.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError

from hallucination.devices import DTYPES, place
from hallucination.model_sources import Source, weights_digest
from hallucination.pictures.captions import WORDS
from hallucination.pictures.small import build
from hallucination.pictures.toolbox import CLIPTextModel, StableDiffusionPipeline, diffusers_logging, logging

FOLDER_VARIABLE = "HALLUCINATION_MODELS"
INDEX = "model_index.json"  # by which diffusers knows a pipeline's folder


_SD = ("stable-diffusion-v1-5/stable-diffusion-v1-5", "451f4fe16113bff5a5d2269ed5ad43b0592e9a14")
# Only the parts a pipeline reads: the repository also holds single files for other programs, ten times the size.
_SD_FILES = "'*.json' '*.txt' 'unet/diffusion_pytorch_model.safetensors' 'vae/diffusion_pytorch_model.safetensors'"

MODELS: dict[str, Source] = {
    source.name: source
    for source in (
        Source(
            "animals", "ten animals at 32 x 32, trained by this project", "1", "MIT", 0.01,
            "python -m hallucination.pictures.pretraining (about an hour), or a checkout of the project",
        ),
        Source(
            "sd-v1.5", _SD[0], _SD[1], "CreativeML OpenRAIL-M", 4.3,
            f"hf download {_SD[0]} --revision {_SD[1]} --include {_SD_FILES} text_encoder/model.safetensors",
        ),
        Source("tiny", "random weights", "1", "none needed", 0.0, "nothing to get"),
    )
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Loaded:
    """A pipeline ready to paint, and what a record says about where it came from."""

    pipeline: StableDiffusionPipeline
    source: dict[str, Any] = field(hash=False)

    @property
    def device(self) -> torch.device:
        """Device of the weights."""
        return self.pipeline.device


@contextmanager
def quiet() -> Iterator[None]:
    """Without progress bars of diffusers and transformers: a page shows our own."""
    shown = [tool for tool in (logging, diffusers_logging) if tool.is_progress_bar_enabled()]
    for tool in shown:
        tool.disable_progress_bar()
    try:
        yield
    finally:
        for tool in shown:
            tool.enable_progress_bar()


def precision(dtype: str = "auto") -> torch.dtype:
    """Type of the weights; ``"auto"`` is float32, what the authors' code used whatever its configuration said.

    Raises
    ------
    ValueError
        If the name is unknown.
    """
    if dtype != "auto" and dtype not in DTYPES:
        raise ValueError(f"dtype must be auto, {', '.join(DTYPES)}; got {dtype!r}")
    return DTYPES["float32" if dtype == "auto" else dtype]


def shipped(name: str) -> Path:
    """Folder of a model of this project: in ``$HALLUCINATION_MODELS``, else in the project's ``models``."""
    root = os.environ.get(FOLDER_VARIABLE)
    return (Path(root).expanduser() if root else Path(__file__).resolve().parents[3] / "models") / name


def find(name: str) -> tuple[Path, dict[str, Any]]:
    """Folder of a model's files and the facts for the record.

    Parameters
    ----------
    name : str
        A name of ``MODELS`` other than ``"tiny"``, or the path of a folder with a saved pipeline.

    Raises
    ------
    MissingModelError
        If the model is not on this machine.
    ValueError
        If the name is neither known nor a folder.
    """
    if name in MODELS and name != "tiny":
        source = MODELS[name]
        folder = shipped(name) if name == "animals" else source.snapshot()
        if not _whole(folder):
            raise source.missing()
        ours = {"unet_sha256": weights_digest(folder / "unet")} if name == "animals" else {}
        return folder, {**source.facts(), **ours}
    folder = Path(name).expanduser()
    if not (folder / INDEX).is_file():
        raise ValueError(f"unknown model {name!r}: give one of {', '.join(MODELS)}, or a folder that holds a {INDEX}")
    if not _whole(folder):
        raise ValueError(f"the model in {folder} is not whole: a part that its {INDEX} names has no files")
    return folder, {"name": folder.name, "id": "a local folder", "unet_sha256": weights_digest(folder / "unet")}


def require(names: Sequence[str]) -> None:
    """Refuse models that are not on this machine, before anything expensive; see :func:`find` for the errors."""
    for name in names:
        if name != "tiny":
            find(name)


def load(name: str, dtype: str = "auto", device: str = "auto") -> Loaded:
    """Load a pipeline; see :func:`find` for names and errors, to which weights that do not fit are added.

    Parameters
    ----------
    name : str
        Name in ``MODELS`` or path of a folder.
    dtype, device : str
        ``"auto"``, or as PyTorch calls them.
    """
    where, kind = place(device), precision(dtype)
    facts: dict[str, Any] = {"name": "tiny", "id": MODELS["tiny"].id, "revision": "seed 0"}
    if name == "tiny":
        pipeline = build("tiny", WORDS).pipeline
    else:
        folder, facts = find(name)
        pipeline = _read(folder, kind)
    pipeline.set_progress_bar_config(disable=True)
    facts |= {"dtype": str(kind).removeprefix("torch."), "device": where}
    return Loaded(pipeline.to(where, kind), facts)


def _read(folder: Path, kind: torch.dtype) -> StableDiffusionPipeline:
    """Read a pipeline; refuse weights that do not fit, in one line."""
    try:
        with quiet():
            # Left to itself, transformers would fill what the file lacks with random numbers.
            reading: Any = CLIPTextModel.from_pretrained(
                folder / "text_encoder", dtype=kind, use_safetensors=True, local_files_only=True,
                output_loading_info=True, ignore_mismatched_sizes=True,
            )  # fmt: skip
            reader, report = reading
            # No safety checker: it blacks pictures out, and a rate of the outside would count those.
            pipeline = StableDiffusionPipeline.from_pretrained(
                folder, text_encoder=reader, dtype=kind, local_files_only=True, safety_checker=None,
                feature_extractor=None, requires_safety_checker=False,
            )  # fmt: skip
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        why = " ".join(str(error).split()).split(". ")[0][:200]
        raise ValueError(f"the model in {folder} cannot be read: {why}") from None
    wrong = [f"text_encoder.{name}" for name in (*report["missing_keys"], *(m[0] for m in report["mismatched_keys"]))]
    for part in ("unet", "vae"):  # what the file lacks, diffusers leaves without memory
        wrong += [f"{part}.{name}" for name, p in getattr(pipeline, part).named_parameters() if p.is_meta]
    if wrong:
        first = min(wrong)
        raise ValueError(f"the weights in {folder} do not fit its configuration: {first} and {len(wrong) - 1} more")
    return pipeline


def _whole(folder: Path) -> bool:
    """Whether every part that a pipeline needs is there; a download may have been cut off."""
    networks = all(any((folder / part).glob("*.safetensors")) for part in ("unet", "vae", "text_encoder"))
    return networks and (folder / INDEX).is_file() and (folder / "scheduler" / "scheduler_config.json").is_file()
