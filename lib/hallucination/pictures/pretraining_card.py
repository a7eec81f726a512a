"""Write a trained small Stable Diffusion in the usual layouts, with a card made from the run."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from hallucination.pictures.captions import PROMPTS
from hallucination.pictures.models import quiet
from hallucination.pictures.small import Parts
from hallucination.pictures.toolbox import StableDiffusionPipeline
from hallucination.records import provenance, write_json, write_text

CARD, FACTS, GRID = "CARD.md", "training.json", "samples.png"
LARGEST = 12_000_000  # bytes of all files: it lives in git
STEPS, GUIDANCE, COLUMNS = 20, 3.0, 8


def check_out(folder: Path) -> None:
    """Refuse to replace a folder that is not an earlier model of this command; raises ValueError in one line."""
    if folder.exists() and (not folder.is_dir() or (any(folder.iterdir()) and not (folder / CARD).is_file())):
        raise ValueError(f"{folder} exists and is not a model of this command; choose another place for the result")


def ship(folder: Path, parts: Parts, facts: Callable[[], Mapping[str, Any]]) -> None:
    """Round the weights to 16 bits and write everything, whole or not at all.

    ``folder`` is then a saved ``StableDiffusionPipeline``; ``folder/clip`` a saved ``CLIPModel`` with tokenizer and
    image processor.

    Parameters
    ----------
    folder : Path
        An earlier model there is replaced.
    parts : Parts
        Their weights are rounded in place.
    facts : callable
        Plain data for the card; called once the weights are rounded, so that its scores are those of what is shipped.

    Raises
    ------
    ValueError
        If `folder` holds something else, or the files are larger than 12 MB together.
    """
    check_out(folder)
    networks = (parts.pipeline.vae, parts.pipeline.unet, parts.pipeline.text_encoder, parts.clip)
    for network in networks:
        torch.nn.Module.half(network).float().eval()
    known = {**facts(), "provenance": provenance(Path.cwd())}
    names, grid = samples(parts.pipeline, known["data"].get("classes", ()))
    folder.parent.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
    try:
        for network in networks:
            torch.nn.Module.half(network)
        with quiet():
            parts.pipeline.save_pretrained(made)
            for part in (parts.clip, parts.processor, parts.pipeline.tokenizer):
                part.save_pretrained(made / "clip")
        Image.fromarray(grid).save(made / GRID, optimize=True)
        known |= {"grid_rows": names, "sha256": digests(made)}
        write_json(made / FACTS, known)
        write_text(made / CARD, card(known))
        size = sum(path.stat().st_size for path in made.rglob("*") if path.is_file())
        if size > LARGEST:
            raise ValueError(f"the model takes {size} bytes; at most {LARGEST} may be shipped")
        for path in (made, *made.rglob("*")):
            path.chmod(0o755 if path.is_dir() else 0o644)  # a temporary folder is its maker's alone
        _replace(made, folder)
    finally:
        shutil.rmtree(made, ignore_errors=True)


def samples(pipeline: StableDiffusionPipeline, classes: Sequence[str]) -> tuple[list[str], np.ndarray[Any, Any]]:
    """Grid of pictures, a row for each of the paper's prompts and each class, and the rows' prompts."""
    prompts = [*PROMPTS.values(), *(f"a photo of {'an' if n[0] in 'aeiou' else 'a'} {n}" for n in classes)]
    rows = []
    for prompt in prompts:
        chance = [torch.Generator("cpu").manual_seed(seed) for seed in range(COLUMNS)]
        found = pipeline(
            [prompt] * COLUMNS, num_inference_steps=STEPS, guidance_scale=GUIDANCE, generator=chance, output_type="np"
        ).images
        rows.append(np.concatenate([np.pad(image[..., 0], 1) for image in found], axis=1))
    grid = (np.concatenate(rows) * 255).round().astype(np.uint8)
    return prompts, grid.repeat(2, 0).repeat(2, 1)


def digests(folder: Path) -> dict[str, str]:
    """SHA-256 of every file of weights below a folder."""
    files = sorted(folder.rglob("*.safetensors"))
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def card(facts: Mapping[str, Any]) -> str:
    """The card's text, in Markdown."""
    scores, origin = facts["scores"], facts["provenance"]
    stages = "\n".join(_stage(name, facts["plans"][name], epochs) for name, epochs in facts["epochs"].items())
    weights = "\n".join(f"| {name} | `{digest}` |" for name, digest in facts["sha256"].items())
    rows = "\n".join(f"{k}. {name}" for k, name in enumerate(facts["grid_rows"], 1))
    data = "\n".join(f"- {key}: {value}" for key, value in facts["data"].items())
    hardware = ", ".join(f"{key} {value}" for key, value in origin["hardware"].items())
    state = " with changes" if origin["dirty"] else ""
    return f"""# A small Stable Diffusion

Written by the run that made the weights; {FACTS} has the same in full.

```
{facts["command"]}
```

Seed {facts["seed"]}, commit {origin["commit"]}{state}, on {facts["device"]} ({hardware}).

## Data

{data}

Learned from {facts["learned_from"]} of them; the {scores["held_out_pictures"]} held out were shown to no network.

## Training

| network | epochs | learning rate | batch | loss, first epoch | loss, last epoch | seconds | processor seconds |
|---|---|---|---|---|---|---|---|
{stages}

## On the held-out pictures

- Autoencoder: mean squared error of reconstructions {scores["held_out_reconstruction_mse"]} (values in [-1, 1]).
- CLIP: zero-shot accuracy {scores["held_out_zero_shot_accuracy"]:.1%} over the classes.

Latents are scaled by {scores["scaling_factor"]}.

## Samples

![Grid of samples]({GRID})

{COLUMNS} pictures a row, seeds 0 to {COLUMNS - 1}, {STEPS} steps, guidance {GUIDANCE:g}. Rows:

{rows}

## SHA-256

| file | digest |
|---|---|
{weights}
"""


def _stage(name: str, plan: Mapping[str, Any], epochs: Sequence[Mapping[str, Any]]) -> str:
    """A network's row of the table of trainings."""
    first, last = epochs[0]["loss"], epochs[-1]["loss"]
    wall, busy = (sum(epoch[key] for epoch in epochs) for key in ("seconds", "cpu_seconds"))
    return (
        f"| {name} | {len(epochs)} | {plan['learning_rate']:g} | {plan['batch_size']} | {first:.4f} | {last:.4f} "
        f"| {wall:.0f} | {busy:.0f} |"
    )


def _replace(made: Path, folder: Path) -> None:
    """Put a finished folder where an earlier one may be; a kill in between leaves the earlier one aside."""
    aside = folder.with_name(f".{folder.name}.earlier")
    shutil.rmtree(aside, ignore_errors=True)
    if folder.exists():
        folder.replace(aside)
    made.replace(folder)
    shutil.rmtree(aside, ignore_errors=True)
