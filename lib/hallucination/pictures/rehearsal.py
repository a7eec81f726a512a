"""A rehearsal of §7.3 at the size of Stable Diffusion v1.5 and CLIP ViT-B/32: time and memory, from random weights.

Nothing has to be downloaded for it.  Fine-tuning, sampling and embedding are the functions of the real experiment.
"""

from __future__ import annotations

import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch

from hallucination.devices import device_name, forget_peak, now, peak_gib, place, require_room
from hallucination.pictures.captions import PROMPTS
from hallucination.pictures.embedding import of_transformers
from hallucination.pictures.encode import side
from hallucination.pictures.lessons import PRECISIONS, Lesson, Precision, Recipe
from hallucination.pictures.models import Loaded, precision
from hallucination.pictures.reencoding import Reencoding
from hallucination.pictures.rehearsal_shapes import SHAPES, with_random_weights
from hallucination.pictures.sampling import sample
from hallucination.pictures.sets import InMemory
from hallucination.pictures.small import Parts
from hallucination.pictures.tuning_run import Run

# float32 weights, gradients and Adam's moments of 860 million parameters, and 8 pictures on their way through them
NEEDED_GIB = {"sd-v1.5": 60}


@dataclass(frozen=True)
class Size:
    """How much to rehearse.

    Attributes
    ----------
    steps, batch_size : int
        Fine-tuning: steps of each kind, and pictures in one step.
    images, rows, alone : int
        Sampling: pictures, how many at a time, and how many one by one.
    denoising : int
        Steps of the sampler.
    guidance : float
    embedded : int
        Pictures embedded, and at most 256 at a time.
    """

    steps: int
    batch_size: int
    images: int
    rows: int
    alone: int
    denoising: int
    guidance: float
    embedded: int


PAPER = Size(steps=30, batch_size=8, images=64, rows=16, alone=4, denoising=30, guidance=7.5, embedded=1024)
TINY = Size(steps=4, batch_size=4, images=8, rows=8, alone=2, denoising=2, guidance=3.0, embedded=16)


WAYS: dict[str, type[Run]] = {"computed once": Run, "every step": Reencoding}


def rehearse(shape: str, device: str = "auto", *, seed: int = 0, size: Size | None = None) -> dict[str, Any]:
    """Fine-tune, sample and embed with random weights; return times, memory, and what was done.

    Parameters
    ----------
    shape : str
        A name of ``SHAPES``.
    device : str
        As PyTorch calls it, or ``"auto"``.
    seed : int
        Of weights, pictures and draws.
    size : Size, optional
        How much; ``PAPER`` unless given, ``TINY`` for the shape ``"tiny"``.

    Raises
    ------
    ValueError
        If the shape is unknown.
    NoRoomError
        If the shape needs a CUDA device, or a larger one.
    """
    if shape not in SHAPES:
        raise ValueError(f"shape must be one of {', '.join(SHAPES)}; got {shape!r}")
    where = place(device)
    require_room(shape, where, NEEDED_GIB.get(shape, 0))
    how = size or (TINY if shape == "tiny" else PAPER)
    loaded, parts = with_random_weights(shape, where, seed)
    networks = {name: loaded.pipeline.components[name] for name in ("unet", "vae", "text_encoder")}
    networks["clip"] = parts.clip
    facts = {
        "shape": shape,
        "device": device_name(where),
        "dtype": list(PRECISIONS),
        "parameters": {name: sum(p.numel() for p in x.parameters()) for name, x in networks.items()},
        "size": asdict(how),
        "seed": seed,
    }
    training = [r for dtype in PRECISIONS for r in _training(loaded, dtype, how, seed)]
    sampling = [_sampling(loaded, dtype, how) for dtype in PRECISIONS]
    return {**facts, "training": training, "sampling": sampling, "embedding": _embedding(parts, how, seed)}


def noise_lesson(loaded: Loaded, n: int, seed: int) -> Lesson:
    """Pictures of noise of a model's size, with the three prompts as captions in turn."""
    edge, channels = side(loaded), int(loaded.pipeline.vae.config.in_channels)
    images = np.random.default_rng(seed).integers(0, 256, (n, edge, edge, channels), dtype=np.uint8)
    prompts = list(PROMPTS.values())
    pictures = InMemory(images, np.zeros(n, dtype=np.int64), ("noise",), {"name": "noise", "seed": seed})
    return Lesson(pictures, np.arange(n), [prompts[k % len(prompts)] for k in range(n)])


def _training(loaded: Loaded, dtype: Precision, size: Size, seed: int) -> list[dict[str, Any]]:
    """Steps with what is frozen computed once, and computed anew; the frozen parts in the type of the products."""
    loaded.pipeline.to(precision(dtype))
    recipe = Recipe(1, batch_size=size.batch_size, precision=dtype, seed=seed)
    lesson = noise_lesson(loaded, size.steps * size.batch_size, seed)
    found = []
    for way, kind in WAYS.items():
        with tempfile.TemporaryDirectory() as empty:
            forget_peak(loaded.device)
            began = now(loaded.device)
            run = kind(loaded, lesson, recipe, Path(empty))
            prepared = now(loaded.device)
            seconds, losses = [], []
            for number, rows in enumerate(recipe.order(len(lesson.indices), 0)):
                start = now(loaded.device)
                losses.append(run.step(number, torch.from_numpy(rows)))
                seconds.append(now(loaded.device) - start)
        found.append({
            "way": way,
            "dtype": dtype,
            "seconds_to_prepare": round(prepared - began, 3),
            "seconds_first_step": round(seconds[0], 4),
            "seconds_per_step": round(median(seconds[1:] or seconds), 4),
            "peak_gib": peak_gib(loaded.device),
            "losses": [round(float(x), 3) for x in losses],
        })  # fmt: skip
    return found


def _sampling(loaded: Loaded, dtype: Precision, size: Size) -> dict[str, Any]:
    loaded.pipeline.to(precision(dtype))
    prompts = [list(PROMPTS.values())[k % len(PROMPTS)] for k in range(size.images)]

    def seconds(n: int, rows: int, steps: int) -> float:
        began = now(loaded.device)
        sample(loaded, prompts[:n], range(n), steps=steps, guidance=size.guidance, batch_size=rows, label="")
        return now(loaded.device) - began

    for rows in (size.rows, 1):  # warm up both ways
        seconds(rows, rows, 1)
    forget_peak(loaded.device)
    together, peak = seconds(size.images, size.rows, size.denoising), peak_gib(loaded.device)
    alone = seconds(size.alone, 1, size.denoising)
    each = together / size.images, alone / size.alone
    return {
        "dtype": dtype,
        "seconds": round(together, 3),
        "seconds_per_image": round(each[0], 4),
        "one_by_one_seconds_per_image": round(each[1], 4),
        "times_faster": round(each[1] / each[0], 2),
        "peak_gib": peak,
    }


def _embedding(parts: Parts, size: Size, seed: int) -> dict[str, Any]:
    """Embed pictures of noise of the model's own size, from bytes on, as the experiment does."""
    device, edge = parts.clip.device, int(parts.pipeline.unet.config.sample_size) * parts.pipeline.vae_scale_factor
    space = of_transformers(parts.clip, parts.processor, {"name": "random weights"}, str(device))
    images = np.random.default_rng(seed).integers(0, 256, (size.embedded, edge, edge, 3), dtype=np.uint8)
    space.embed(images[:1])  # warm up
    began = now(device)
    space.embed(images)
    seconds = now(device) - began
    return {"pictures": size.embedded, "seconds": round(seconds, 3), "per_second": round(size.embedded / seconds, 1)}
