"""Losses of the three networks of the small Stable Diffusion, and what each has learned by the held-out pictures."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from hallucination.pictures.denoising import noise_loss
from hallucination.pictures.encode import Latents, Texts
from hallucination.pictures.pretraining_loop import Loss
from hallucination.pictures.toolbox import (
    AutoencoderKL,
    CLIPModel,
    CLIPTokenizer,
    DDIMScheduler,
    UNet2DConditionModel,
)

KL_WEIGHT = 5e-4  # of the mean divergence per latent number, in nats, against the mean squared error per pixel
SHIFT = 2  # pixels: the width of the frame, so that nothing leaves the picture


def autoencoder_loss(vae: AutoencoderKL, pixels: Tensor) -> Loss:
    """Mean squared error of reconstructions plus a little of the divergence from the standard normal law.

    Parameters
    ----------
    vae : AutoencoderKL
    pixels : Tensor, shape (n, 1, height, width)
        Values in [-1, 1].
    """

    def loss(rows: Tensor, chance: torch.Generator) -> Tensor:
        batch = pixels[rows].to(vae.device)
        law = vae.encode(batch).latent_dist
        drawn = law.mean + law.std * torch.randn(law.mean.shape, generator=chance).to(vae.device)
        divergence = law.kl().mean() / law.mean[0].numel()
        return torch.nn.functional.mse_loss(vae.decode(drawn).sample, batch) + KL_WEIGHT * divergence

    return loss


def contrastive_loss(clip: CLIPModel, pixels: Tensor, tokens: Tensor) -> Loss:
    """CLIP's loss, where pictures of equal captions all match; pictures are mirrored and moved a little.

    Parameters
    ----------
    clip : CLIPModel
    pixels : Tensor, shape (n, 1, height, width)
        Values in [-1, 1].
    tokens : Tensor of int64, shape (n, length)
    """

    def loss(rows: Tensor, chance: torch.Generator) -> Tensor:
        batch, read = _moved(pixels[rows], chance).to(clip.device), tokens[rows].to(clip.device)
        likeness = clip(input_ids=read, pixel_values=batch.expand(-1, 3, -1, -1)).logits_per_text
        # A batch holds the commonest captions several times; calling those pairs wrong would teach nonsense.
        same = (read[:, None] == read).all(-1).to(likeness.dtype)
        target = same / same.sum(1, keepdim=True)
        entropy = torch.nn.functional.cross_entropy
        return (entropy(likeness, target) + entropy(likeness.T, target)) / 2

    return loss


def denoising_loss(
    unet: UNet2DConditionModel, scheduler: DDIMScheduler, latents: Latents, texts: Texts, dropout: float
) -> Loss:
    """Loss of §7.3 from cached latents and text embeddings; a share `dropout` of captions becomes the empty one."""
    table = texts.table.to(unet.device)

    def loss(rows: Tensor, chance: torch.Generator) -> Tensor:
        shape = (len(rows), *latents.mean.shape[1:])
        clean = latents.draw(rows, torch.randn(shape, generator=chance))
        noise = torch.randn(shape, generator=chance)
        times = torch.randint(scheduler.config.num_train_timesteps, (len(rows),), generator=chance)
        kept = torch.rand(len(rows), generator=chance) >= dropout
        words = table[(texts.rows[rows] * kept).to(unet.device)]  # row 0 is the empty caption
        clean, noise, times = (x.to(unet.device) for x in (clean, noise, times))
        return noise_loss(unet, scheduler, clean, noise, times, words)

    return loss


@torch.no_grad()
def reconstruction_error(vae: AutoencoderKL, pixels: Tensor, batch_size: int = 256) -> float:
    """Mean squared error per pixel, values in [-1, 1], of pictures decoded from the means of their latents."""
    total = 0.0
    for batch in pixels.split(batch_size):
        back = vae.decode(vae.encode(batch.to(vae.device)).latent_dist.mean).sample
        total += float((back.cpu() - batch).square().mean()) * len(batch)
    return total / len(pixels)


@torch.no_grad()
def latent_deviation(vae: AutoencoderKL, pixels: Tensor, batch_size: int = 256) -> float:
    """Standard deviation of the latents' numbers about 0, over all pictures; its inverse scales them for the UNet."""
    total = 0.0
    for batch in pixels.split(batch_size):
        law = vae.encode(batch.to(vae.device)).latent_dist
        total += float((law.mean.square() + law.std.square()).mean()) * len(batch)
    return float((total / len(pixels)) ** 0.5)


@torch.no_grad()
def zero_shot_accuracy(
    clip: CLIPModel, tokenizer: CLIPTokenizer, pixels: Tensor, labels: Tensor, classes: Sequence[str],
    batch_size: int = 256,
) -> float:  # fmt: skip
    """Share of pictures that CLIP finds more like "a photo of a CLASS" of their class than of any other."""
    texts = [f"a photo of {'an' if name[0] in 'aeiou' else 'a'} {name}" for name in classes]
    read = tokens_of(tokenizer, texts).to(clip.device)
    hits = 0
    for batch, truth in zip(pixels.split(batch_size), labels.split(batch_size), strict=True):
        likeness = clip(input_ids=read, pixel_values=batch.expand(-1, 3, -1, -1).to(clip.device)).logits_per_image
        hits += int((likeness.argmax(1).cpu() == truth).sum())
    return hits / len(pixels)


def tokens_of(tokenizer: CLIPTokenizer, captions: Sequence[str]) -> Tensor:
    """Numbers of the captions' tokens, filled up to the full length as the pipeline does; shape (n, length)."""
    read: Tensor = tokenizer(list(captions), padding="max_length", return_tensors="pt")["input_ids"]
    return read


def _moved(pixels: Tensor, chance: torch.Generator) -> Tensor:
    """Each picture mirrored with probability 1/2, and the batch shifted by at most ``SHIFT`` pixels each way."""
    mirrored = torch.rand(len(pixels), generator=chance) < 0.5
    pixels = torch.where(mirrored[:, None, None, None], pixels.flip(-1), pixels)
    down, right = (int(s) for s in torch.randint(-SHIFT, SHIFT + 1, (2,), generator=chance))
    return pixels.roll((down, right), (-2, -1))
