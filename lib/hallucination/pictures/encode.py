"""What a fine-tuning needs of pictures and captions, computed once: latents and text embeddings.

The autoencoder and the text encoder are frozen, so nothing is lost by it: the
autoencoder's two numbers per latent, a mean and a standard deviation, are
kept, and a fresh latent is drawn from them whenever a picture is used.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor
from tqdm import tqdm

from hallucination.pictures.models import Loaded
from hallucination.pictures.sets import Images, Pictures
from hallucination.pictures.words import check_prompt

EMPTY = ""  # what guidance steers away from, and what dropped captions become


@dataclass(frozen=True, eq=False)
class Latents:
    """The autoencoder's normal laws of pictures' latents, scaled as the UNet sees them.

    Attributes
    ----------
    mean, std : Tensor of float32, shape (n, c, h, w)
        On the processor.
    """

    mean: Tensor
    std: Tensor

    def draw(self, rows: Tensor, noise: Tensor) -> Tensor:
        """Latents of some pictures, shape (b, c, h, w), from standard normal draws of that shape."""
        return self.mean[rows] + self.std[rows] * noise


@dataclass(frozen=True, eq=False)
class Texts:
    """Embeddings of captions, each different one once.

    Attributes
    ----------
    table : Tensor, shape (u, tokens, width)
        The empty caption's is the first.
    rows : Tensor of int64, shape (n,)
        Each caption's place in the table.
    """

    table: Tensor
    rows: Tensor


def side(loaded: Loaded) -> int:
    """Side, in pixels, of the pictures that a model makes."""
    return int(loaded.pipeline.unet.config.sample_size) * int(loaded.pipeline.vae_scale_factor)


def check_pictures(loaded: Loaded, pictures: Pictures) -> None:
    """Refuse pictures whose size or channels are not the model's; raises ValueError in one line."""
    height, width, channels = pictures.shape
    wanted, own = side(loaded), int(loaded.pipeline.vae.config.in_channels)
    if (height, width) != (wanted, wanted):
        raise ValueError(f"this model makes pictures of {wanted} x {wanted} pixels; these have {height} x {width}")
    if channels > own:
        raise ValueError("this model makes grey pictures; these have colours")


def latents(
    loaded: Loaded, pictures: Pictures, indices: ArrayLike, *, batch_size: int = 64, label: str = "encoding"
) -> Latents:
    """Encode pictures.

    Parameters
    ----------
    loaded : Loaded
    pictures : Pictures
    indices : array_like of int, shape (n,)
        Which of them.
    batch_size : int
        Pictures at a time.
    label : str
        Of the progress bar; none without one.

    Raises
    ------
    ValueError
        If size or channels are not the model's.
    """
    check_pictures(loaded, pictures)
    chosen = np.asarray(indices)
    starts = tqdm(range(0, len(chosen), batch_size), desc=label, unit="batch", leave=False, disable=not label)
    parts = [_moments(loaded, pictures.pixels(chosen[s : s + batch_size])) for s in starts]
    return Latents(torch.cat([m for m, _ in parts]), torch.cat([s for _, s in parts]))


def mean_latents(loaded: Loaded, images: Images, *, batch_size: int = 64) -> NDArray[np.float32]:
    """Means of the latents of pictures already in memory, shape (n, c, h, w), scaled."""
    starts = range(0, len(images), batch_size)
    return np.concatenate([_moments(loaded, images[s : s + batch_size])[0].numpy() for s in starts])


def as_input(images: Images, channels: int) -> Tensor:
    """Pictures as the autoencoder takes them: shape (b, channels, height, width), values in [-1, 1]."""
    scaled = torch.from_numpy(np.ascontiguousarray(images)).permute(0, 3, 1, 2).float() / 127.5 - 1
    return scaled.expand(-1, channels, -1, -1)  # grey becomes three equal channels where needed


def text_embeddings(loaded: Loaded, captions: Sequence[str]) -> Texts:
    """Embed captions, the empty one with them.

    Raises
    ------
    ValueError
        In one line, if a caption has words the model would have to spell, or is too long.
    """
    distinct = [EMPTY, *dict.fromkeys(c for c in captions if c != EMPTY)]
    pipeline = loaded.pipeline
    for caption in distinct[1:]:
        check_prompt(pipeline.tokenizer, caption)
    parts = []
    with torch.no_grad():
        for start in range(0, len(distinct), 256):
            some = distinct[start : start + 256]
            parts.append(pipeline.encode_prompt(some, pipeline.device, 1, False)[0])
    places = {caption: k for k, caption in enumerate(distinct)}
    return Texts(torch.cat(parts), torch.tensor([places[c] for c in captions], dtype=torch.int64))


def _moments(loaded: Loaded, images: Images) -> tuple[Tensor, Tensor]:
    vae = loaded.pipeline.vae
    with torch.no_grad():
        law = vae.encode(as_input(images, vae.config.in_channels).to(vae.device, vae.dtype)).latent_dist
    scale = float(vae.config.scaling_factor)
    return law.mean.float().cpu() * scale, law.std.float().cpu() * scale
