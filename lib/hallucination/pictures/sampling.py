"""Pictures from prompts, many at a time, each from noise of its own.

Every picture starts from a generator on the processor that only its own seed
enters.  So neither the batch it is in nor the device changes the draw, and
checkpoints are compared on the same noise.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import isfinite

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from tqdm import tqdm

from hallucination.pictures.encode import Texts, side, text_embeddings
from hallucination.pictures.models import Loaded
from hallucination.pictures.sets import Images
from hallucination.pictures.toolbox import DDIMScheduler, StableDiffusionPipeline
from hallucination.pictures.words import check_prompt

Floats = NDArray[np.float32]


def initial_noise(loaded: Loaded, seeds: Sequence[int], size: int | None = None) -> Tensor:
    """Standard normal latents, shape (n, c, h, w), float32 on the processor; one generator per seed."""
    pipeline = loaded.pipeline
    edge = (size or side(loaded)) // int(pipeline.vae_scale_factor)
    shape = (int(pipeline.unet.config.in_channels), edge, edge)
    return torch.stack([torch.randn(shape, generator=torch.Generator("cpu").manual_seed(int(s))) for s in seeds])


def sample(
    loaded: Loaded, prompts: Sequence[str], seeds: Sequence[int], *, steps: int = 20, guidance: float = 3.0,
    batch_size: int = 64, size: int | None = None, label: str = "sampling",
) -> Images:  # fmt: skip
    """One picture for each pair of a prompt and a seed; see :func:`sample_latents` for parameters and errors.

    Returns
    -------
    ndarray of uint8, shape (n, height, width, channels)
    """
    found = sample_latents(
        loaded, prompts, seeds, steps=steps, guidance=guidance, batch_size=batch_size, size=size, label=label
    )
    return decode(loaded, found, batch_size=batch_size)


def one_step(loaded: Loaded, prompts: Sequence[str], seeds: Sequence[int], *, batch_size: int = 64) -> Images:
    """Pictures the network predicts from pure noise in one step without guidance.

    A network that minimises the squared loss would answer with a mean (see :mod:`hallucination.pictures.minimiser`).
    Real ones need not come near it: at this noise level the loss hardly weighs the error of the picture.
    """
    return sample(loaded, prompts, seeds, steps=1, guidance=1.0, batch_size=batch_size, label="")


def sample_latents(
    loaded: Loaded, prompts: Sequence[str], seeds: Sequence[int], *, steps: int = 20, guidance: float = 3.0,
    batch_size: int = 64, size: int | None = None, label: str = "sampling",
) -> Floats:  # fmt: skip
    """Latents of pictures, before they are decoded, shape (n, c, h, w).

    Parameters
    ----------
    loaded : Loaded
    prompts : sequence of str, length n
    seeds : sequence of int, length n
        Of the initial noise, one a picture.
    steps : int
        Of DDIM without added noise, from pure noise on.  The last step ends at the network's prediction itself,
        so that one step is just that prediction.
    guidance : float
        Classifier-free guidance; 1 is none.
    batch_size : int
        Pictures at a time.
    size : int, optional
        Side in pixels, if not the model's own.
    label : str
        Of the progress bar; none without one.

    Raises
    ------
    ValueError
        In one line, before anything is computed, if a number is out of range or a prompt cannot be read.
    """
    check(loaded, prompts, seeds, steps, guidance, batch_size, size)
    pipeline = _pipeline(loaded)
    texts = text_embeddings(loaded, prompts)
    parts = []
    with torch.no_grad(), tqdm(total=len(prompts), desc=label, unit="img", leave=False, disable=not label) as bar:
        for rows in _batches(len(prompts), batch_size):
            noise = initial_noise(loaded, [seeds[r] for r in rows], size)
            parts.append(_denoise(pipeline, noise, texts, rows, steps, guidance))
            bar.update(len(rows))
    return np.concatenate(parts)


def decode(loaded: Loaded, latents: Floats, *, batch_size: int = 64) -> Images:
    """Pictures of latents, shape (n, height, width, channels)."""
    vae, processor = loaded.pipeline.vae, loaded.pipeline.image_processor
    parts = []
    with torch.no_grad():
        for rows in _batches(len(latents), batch_size):
            some = torch.from_numpy(latents[rows.start : rows.stop]).to(vae.device, vae.dtype)
            made = vae.decode(some / vae.config.scaling_factor).sample
            shares = processor.postprocess(made.float(), output_type="np")
            parts.append((255 * shares).round().astype(np.uint8))
    return np.concatenate(parts)


def _denoise(
    pipeline: StableDiffusionPipeline, noise: Tensor, texts: Texts, rows: range, steps: int, guidance: float
) -> Floats:
    words = texts.table[texts.rows[rows.start : rows.stop]]
    found: Tensor = pipeline(
        prompt_embeds=words,
        negative_prompt_embeds=texts.table[:1].expand_as(words),
        latents=noise.to(pipeline.unet.dtype),
        height=noise.shape[-2] * pipeline.vae_scale_factor,
        width=noise.shape[-1] * pipeline.vae_scale_factor,
        num_inference_steps=steps,
        guidance_scale=guidance,
        eta=0.0,
        output_type="latent",
    ).images
    return found.float().cpu().numpy()


def _pipeline(loaded: Loaded) -> StableDiffusionPipeline:
    """The model's own parts with our sampler.

    "Trailing" spacing starts at the last noise level; the default starts below it when steps are few, where pure
    noise is nothing the network knows.
    """
    own = loaded.pipeline
    scheduler = DDIMScheduler.from_config(
        own.scheduler.config, timestep_spacing="trailing", set_alpha_to_one=True, clip_sample=False, steps_offset=1
    )
    ours = StableDiffusionPipeline(
        vae=own.vae, text_encoder=own.text_encoder, tokenizer=own.tokenizer, unet=own.unet, scheduler=scheduler,
        safety_checker=None, feature_extractor=None, requires_safety_checker=False,
    )  # fmt: skip
    ours.set_progress_bar_config(disable=True)
    return ours


def _batches(n: int, batch_size: int) -> Iterator[range]:
    return (range(start, min(start + batch_size, n)) for start in range(0, n, batch_size))


def check(
    loaded: Loaded, prompts: Sequence[str], seeds: Sequence[int], steps: int, guidance: float, batch_size: int,
    size: int | None = None,
) -> None:  # fmt: skip
    """Refuse what cannot be drawn; :func:`sample_latents` tells what is what.

    Raises
    ------
    ValueError
        In one line.
    """
    if not len(prompts) or len(prompts) != len(seeds):
        raise ValueError(f"every picture needs a prompt and a seed; got {len(prompts)} and {len(seeds)}")
    for prompt in dict.fromkeys(prompts):
        check_prompt(loaded.pipeline.tokenizer, prompt)
    levels = int(loaded.pipeline.scheduler.config.num_train_timesteps)
    if not 1 <= steps <= levels:
        raise ValueError(f"steps must be from 1 to {levels}; got {steps}")
    if not (isfinite(guidance) and guidance >= 1):
        raise ValueError(f"guidance must be at least 1, which is none; got {guidance}")
    if batch_size < 1:
        raise ValueError(f"batch_size must be at least 1; got {batch_size}")
    grain = int(loaded.pipeline.vae_scale_factor) * 2 ** (len(loaded.pipeline.unet.config.block_out_channels) - 1)
    if size is not None and (size < 1 or size % grain):
        raise ValueError(f"size must be a multiple of {grain} pixels; got {size}")
