"""The squared loss of several networks on the same noisy pictures (§7.3, Figure 5).

A training loss is an average over other pictures, noise levels and noises in every epoch.  Its own chance hides small
changes, and it says nothing about pictures that were not learned.  Here every network gets the same noisy latents, so
that differences are paired.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from tqdm import tqdm

from hallucination.pictures.checkpoints import with_unet
from hallucination.pictures.encode import latents, text_embeddings
from hallucination.pictures.lessons import Lesson
from hallucination.pictures.models import Loaded
from hallucination.pictures.points import Loss
from hallucination.pictures.toolbox import DDIMScheduler

PARTS = ("learned", "held out")


@dataclass(frozen=True, eq=False)
class Probe:
    """Noisy latents, the noise in them, its levels, text embeddings, and numbers of the pictures, for n draws."""

    noisy: Tensor
    noise: Tensor
    times: Tensor
    words: Tensor
    pictures: NDArray[np.int64]

    @torch.no_grad()
    def losses(self, unet: torch.nn.Module, batch_size: int) -> NDArray[np.float64]:
        """Squared error of the noise a UNet finds, a mean over each picture's latent; shape (n,)."""
        parts = zip(*(x.split(batch_size) for x in (self.noisy, self.noise, self.times, self.words)), strict=True)
        found = [
            (unet(noisy, times, encoder_hidden_states=words, return_dict=False)[0].float() - noise).square()
            for noisy, noise, times, words in parts
        ]
        return torch.cat(found).mean((1, 2, 3)).double().cpu().numpy()


def probe(loaded: Loaded, lesson: Lesson, indices: NDArray[np.int64], n: int, seed: int) -> Probe:
    """Make n draws from some pictures of a lesson's set, spread evenly over them and over the noise levels.

    Raises
    ------
    ValueError
        If n is below 1, or there are no pictures.
    """
    if n < 1 or not len(indices):
        raise ValueError(f"cannot make {n} draws from {len(indices)} pictures")
    # Sets are sorted by class: the first n would be of one class.
    chosen, places = np.unique(indices[np.arange(n) * len(indices) // n], return_inverse=True)
    rows = torch.from_numpy(places)
    texts = text_embeddings(loaded, [lesson.captions[k] for k in chosen])
    clean = latents(loaded, lesson.pictures, chosen, label="")
    generator = torch.Generator("cpu").manual_seed(seed)
    scheduler = DDIMScheduler.from_config(loaded.pipeline.scheduler.config)
    levels = len(scheduler.alphas_cumprod)
    even = (torch.arange(n) + torch.rand(n, generator=generator)) * levels / n
    times = even.long().clamp(max=levels - 1)[torch.randperm(n, generator=generator)]
    shape = (n, int(loaded.pipeline.unet.config.in_channels), *(int(loaded.pipeline.unet.config.sample_size),) * 2)
    posterior, noise = (torch.randn(shape, generator=generator) for _ in range(2))
    noisy = scheduler.add_noise(clean.draw(rows, posterior), noise, times)
    place, kind = loaded.device, loaded.pipeline.unet.dtype
    words = texts.table[texts.rows[rows]]
    return Probe(noisy.to(place, kind), noise.to(place), times.to(place), words.to(place, kind), places)


def losses_on_same_noise(
    loaded: Loaded, lesson: Lesson, unets: Mapping[int, Path], *, n: int = 1600, seed: int = 0, batch_size: int = 64,
    label: str = "loss on the same noise",
) -> dict[str, list[Loss]]:  # fmt: skip
    """Measure the loss before fine-tuning and after each kept epoch.

    Parameters
    ----------
    loaded : Loaded
        The model before fine-tuning: epoch 0.
    lesson : Lesson
        What was learned; the other pictures of its set are the held-out ones.
    unets : mapping from int to Path
        Folders of fine-tuned UNets by epochs.
    n : int
        Draws from the learned pictures, and as many from the held-out ones.
    seed : int
        Of the draws.
    batch_size : int
        Draws at a time.
    label : str
        Of the progress bar; none without one.

    Returns
    -------
    dict of lists of Loss
        For ``"learned"`` and ``"held out"``, in order of epochs.
    """
    rest = np.setdiff1d(np.arange(len(lesson.pictures)), lesson.indices)
    probes = {
        part: probe(loaded, lesson, rows, n, seed) for part, rows in zip(PARTS, (lesson.indices, rest), strict=True)
    }
    before = {part: p.losses(loaded.pipeline.unet, batch_size) for part, p in probes.items()}
    found = {part: [_compared(0, values, values, probes[part].pictures)] for part, values in before.items()}
    for epoch, unet in tqdm(unets.items(), desc=label, unit="epoch", leave=False, disable=not label):
        network = with_unet(loaded, unet).pipeline.unet
        for part, p in probes.items():
            found[part].append(_compared(epoch, p.losses(network, batch_size), before[part], p.pictures))
    return found


def _compared(epoch: int, values: NDArray[Any], before: NDArray[Any], pictures: NDArray[np.int64]) -> Loss:
    """Compare two networks; draws of one picture are one observation."""
    change = values - before
    by_picture = np.bincount(pictures, change) / np.bincount(pictures)
    error = by_picture.std(ddof=1) / np.sqrt(len(by_picture)) if len(by_picture) > 1 else 0.0
    return Loss(epoch, float(values.mean()), float(change.mean()), float(error))
