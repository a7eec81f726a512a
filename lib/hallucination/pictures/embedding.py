"""Embeddings of pictures by CLIP, in which §7.3 tells what is a hallucination.

The authors use transformers' CLIP with OpenAI's weights; open_clip reads more
kinds of files.  Both stand behind one adapter, and on the same weights they
agree.  One trap is common to both: OpenAI trained with the activation
QuickGELU, x · sigmoid(1.702 x).  In open_clip that is part of the
architecture's name (``ViT-B-32-quickgelu``), in transformers of the
configuration; with the plain GELU the same weights load without complaint and
give other embeddings.  A record therefore names the activation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from hallucination.devices import place
from hallucination.model_sources import MissingModelError, file_digest
from hallucination.pictures import toolbox
from hallucination.pictures.captions import WORDS
from hallucination.pictures.embedding_sources import find
from hallucination.pictures.models import quiet
from hallucination.pictures.sets import Images
from hallucination.pictures.small import build
from hallucination.pictures.toolbox import CLIPImageProcessorPil, CLIPModel

AT_A_TIME = 128
OPEN_CLIP = "open_clip:"


@dataclass(frozen=True, eq=False)
class Embedder:
    """An image encoder.

    Attributes
    ----------
    source : mapping
        What a record says about where it came from.
    prepare : callable
        Pictures (b, height, width, 3) to the network's input.
    encode : callable
        The network: its input to embeddings (b, D).
    """

    source: Mapping[str, Any]
    prepare: Callable[[Images], Tensor]
    encode: Callable[[Tensor], Tensor]

    def embed(self, images: Images) -> NDArray[np.float32]:
        """Embeddings of pictures (n, height, width, 1 or 3), shape (n, D), as the network gives them: of any length.

        Raises
        ------
        ValueError
            If the pictures are not bytes of that shape.
        """
        if images.dtype != np.uint8 or images.ndim != 4 or images.shape[3] not in (1, 3) or 0 in images.shape:
            raise ValueError(
                f"pictures must be uint8 of shape (n, height, width, 1 or 3); got {images.dtype} of {images.shape}"
            )
        coloured = np.broadcast_to(images, (*images.shape[:3], 3))
        with torch.inference_mode():
            parts = [
                self.encode(self.prepare(coloured[start : start + AT_A_TIME])).float().cpu().numpy()
                for start in range(0, len(images), AT_A_TIME)
            ]
        return np.concatenate(parts)


def embedder(name: str, device: str = "auto") -> Embedder:
    """Load an image encoder; nothing is downloaded.

    Parameters
    ----------
    name : str
        A name of ``embedding_sources.EMBEDDERS``; the path of a folder with a CLIPModel of transformers and its image
        processor; or ``"open_clip:ARCHITECTURE:FILE"`` with an architecture of open_clip and a file of its weights,
        for instance ``"open_clip:ViT-B-32-quickgelu:weights.safetensors"``.
    device : str
        ``"auto"``, or as PyTorch calls it.

    Raises
    ------
    MissingModelError
        If the model, or the package open_clip_torch, is not on this machine.
    ValueError
        If the name is unknown, or files and architecture do not fit.
    """
    where = place(device)
    if name.startswith(OPEN_CLIP):
        return _of_open_clip(name, where)
    if name == "tiny":
        parts = build("tiny", WORDS)
        return of_transformers(parts.clip, parts.processor, {"name": "tiny", "revision": "seed 0"}, where)
    folder, facts = find(name)
    with quiet():
        # Left to itself, transformers would fill what the file lacks with random numbers.
        loading: Any = CLIPModel.from_pretrained(
            folder, dtype=torch.float32, use_safetensors=True, local_files_only=True, output_loading_info=True,
            ignore_mismatched_sizes=True,
        )  # fmt: skip
        processor = CLIPImageProcessorPil.from_pretrained(folder, local_files_only=True)
    clip, report = loading
    wrong = sorted({*report["missing_keys"], *(key for key, *_ in report["mismatched_keys"])})
    if wrong:
        raise ValueError(f"the weights in {folder} do not fit its config.json: {wrong[0]} and {len(wrong) - 1} more")
    return of_transformers(clip, processor, facts, where)


def of_transformers(
    clip: CLIPModel, processor: CLIPImageProcessorPil, facts: Mapping[str, Any], device: str
) -> Embedder:
    """Wrap a CLIP of transformers and its image processor; `facts` go into the record."""
    network = torch.nn.Module.to(clip.eval(), device)

    def prepare(images: Images) -> Tensor:
        made = processor(list(images), return_tensors="pt", input_data_format="channels_last")
        return torch.as_tensor(made["pixel_values"])

    def encode(pixels: Tensor) -> Tensor:
        found: Tensor = network.get_image_features(pixel_values=pixels.to(device)).pooler_output
        return found

    settings: Any = clip.config
    known = {
        "backend": "transformers", "activation": settings.vision_config.hidden_act,
        "length": int(settings.projection_dim), "device": device,
    }  # fmt: skip
    return Embedder({**facts, **known}, prepare, encode)


def _of_open_clip(name: str, device: str) -> Embedder:
    architecture, _, path = name.removeprefix(OPEN_CLIP).partition(":")
    file = Path(path).expanduser()
    if not path or not file.is_file():
        raise ValueError(
            f"embedders of open_clip are named open_clip:ARCHITECTURE:FILE with an existing file; got {name!r}"
        )
    try:
        tool = toolbox.open_clip()
    except ModuleNotFoundError:
        raise MissingModelError(f"{name} needs a package; get it with: pip install open_clip_torch") from None
    if architecture not in tool.list_models():
        raise ValueError(f"open_clip knows no architecture {architecture!r}; see open_clip.list_models()")
    try:
        network, _, transform = tool.create_model_and_transforms(architecture, pretrained=str(file), device=device)
    except (RuntimeError, ValueError, KeyError) as problem:
        why = " ".join(str(problem).split())[:200]
        raise ValueError(f"the weights in {file} do not fit open_clip's {architecture}: {why}") from None
    shape = tool.get_model_config(architecture)
    facts = {
        "name": name.rpartition(":")[0] + f":{file.name}", "id": "a local file", "weights_sha256": file_digest(file),
        "backend": "open_clip", "activation": "quick_gelu" if shape.get("quick_gelu") else "gelu",
        "length": int(shape["embed_dim"]), "device": device,
    }  # fmt: skip
    network = network.eval()

    def prepare(images: Images) -> Tensor:
        return torch.stack([transform(Image.fromarray(image)) for image in images])

    def encode(pixels: Tensor) -> Tensor:
        found: Tensor = network.encode_image(pixels.to(device))
        return found

    return Embedder(facts, prepare, encode)
