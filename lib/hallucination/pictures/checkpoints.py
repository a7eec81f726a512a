"""Checkpoints of a fine-tuning: one folder an epoch, whole or not there, without pickle.

``epoch-0003/unet`` is the UNet as diffusers saves it; ``losses.json`` beside it has the loss of every step so far.
``resume`` holds what going on needs; only the newest checkpoint keeps it.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from hallucination.model_sources import weights_digest
from hallucination.pictures.models import Loaded
from hallucination.pictures.toolbox import StableDiffusionPipeline, UNet2DConditionModel
from hallucination.records import write_json

# What must agree between a checkpoint and the model it is to replace the UNet of.
SHAPE = (
    "in_channels",
    "out_channels",
    "block_out_channels",
    "layers_per_block",
    "cross_attention_dim",
    "sample_size",
)


def claim(folder: Path, what: Mapping[str, Any]) -> None:
    """Leave in a folder what it is for; refuse a folder that is for something else.

    Raises
    ------
    ValueError
        If another training is there.
    """
    mine = json.loads(json.dumps(what))
    sign = folder / "recipe.json"
    if sign.is_file() and json.loads(sign.read_text("utf8")) != mine:
        raise ValueError(f"{folder} holds another training (see recipe.json there); choose another folder")
    write_json(sign, mine)


def epoch_folder(folder: Path, epoch: int) -> Path:
    """Where an epoch's checkpoint is."""
    return folder / f"epoch-{epoch:04d}"


def kept(folder: Path) -> list[int]:
    """Epochs with a checkpoint, in order."""
    return sorted(int(p.name.removeprefix("epoch-")) for p in folder.glob("epoch-*") if (p / "losses.json").is_file())


def losses_at(folder: Path, epoch: int) -> list[float]:
    """Losses of all steps up to the end of an epoch."""
    found: list[float] = json.loads((epoch_folder(folder, epoch) / "losses.json").read_text("utf8"))
    return found


def save(
    folder: Path, epoch: int, unet: UNet2DConditionModel, losses: Sequence[float], resume: Mapping[str, Tensor]
) -> None:
    """Write a checkpoint, then forget how to resume from older ones.

    Parameters
    ----------
    folder : Path
        Of the fine-tuning.
    epoch : int
    unet : UNet2DConditionModel
        As it is to be sampled from.
    losses : sequence of float
        Of every step so far.
    resume : mapping of str to Tensor
        What :func:`resumable` gives back.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for left in folder.glob(".epoch-*"):  # of a process that was killed while it wrote
        shutil.rmtree(left, ignore_errors=True)
    made = Path(tempfile.mkdtemp(dir=folder, prefix=f".epoch-{epoch:04d}."))
    try:
        unet.save_pretrained(made / "unet")
        save_file({name: tensor.contiguous() for name, tensor in resume.items()}, made / "resume.safetensors")
        write_json(made / "losses.json", list(losses), indent=None)
        made.chmod(0o755)
        shutil.rmtree(epoch_folder(folder, epoch), ignore_errors=True)
        made.replace(epoch_folder(folder, epoch))
    finally:
        shutil.rmtree(made, ignore_errors=True)
    for older in kept(folder)[:-1]:
        (epoch_folder(folder, older) / "resume.safetensors").unlink(missing_ok=True)


def resumable(folder: Path) -> tuple[int, dict[str, Tensor]] | None:
    """Return the newest epoch that a fine-tuning can go on from, and what it then had; None before the first."""
    for epoch in reversed(kept(folder)):
        path = epoch_folder(folder, epoch) / "resume.safetensors"
        if path.is_file():
            return epoch, load_file(path)
    return None


def flat(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """State of an optimiser as named tensors."""
    state = optimizer.state_dict()["state"]
    return {f"optimizer.{place}.{name}": tensor for place, values in state.items() for name, tensor in values.items()}


def restore(optimizer: torch.optim.Optimizer, tensors: Mapping[str, Tensor]) -> None:
    """Give an optimiser the state it had, from what :func:`flat` made of it."""
    state: dict[int, dict[str, Tensor]] = {}
    for key, tensor in tensors.items():
        if key.startswith("optimizer."):
            _, place, name = key.split(".", 2)
            state.setdefault(int(place), {})[name] = tensor
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})


def with_unet(loaded: Loaded, unet: Path) -> Loaded:
    """Return the model with the UNet of a checkpoint; the model given stays what it is.

    Parameters
    ----------
    loaded : Loaded
    unet : Path
        A folder that diffusers saved a UNet in, such as ``epoch-0003/unet``.

    Raises
    ------
    ValueError
        In one line, if there is none, or it is of another shape.
    """
    if not (unet / "config.json").is_file():
        raise ValueError(f"{unet} holds no UNet: there is no config.json")
    own, config = loaded.pipeline, json.loads((unet / "config.json").read_text("utf8"))
    plain = json.loads(json.dumps({name: own.unet.config[name] for name in SHAPE}))
    for name in SHAPE:
        if config.get(name) != plain[name]:
            raise ValueError(
                f"the checkpoint {unet} is of another shape: its {name} is {config.get(name)}, not {plain[name]}"
            )
    other = UNet2DConditionModel.from_pretrained(unet, torch_dtype=own.unet.dtype).to(own.unet.device).eval()
    pipeline = StableDiffusionPipeline(
        vae=own.vae, text_encoder=own.text_encoder, tokenizer=own.tokenizer, unet=other, scheduler=own.scheduler,
        safety_checker=None, feature_extractor=None, requires_safety_checker=False,
    )  # fmt: skip
    return Loaded(pipeline, {**loaded.source, "unet": "/".join(unet.parts[-3:]), "unet_sha256": weights_digest(unet)})
