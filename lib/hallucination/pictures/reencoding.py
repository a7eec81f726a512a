"""The published way to fine-tune (§7.3): autoencoder and text encoder in every step; to compare speeds with."""

from __future__ import annotations

import torch
from torch import Tensor

from hallucination.pictures.denoising import Draws
from hallucination.pictures.encode import as_input, text_embeddings
from hallucination.pictures.models import Loaded
from hallucination.pictures.tuning_run import Run


class Reencoding(Run):
    """A fine-tuning that computes latents and text embeddings anew in every step, as the published code does."""

    def prepare(self, loaded: Loaded) -> None:
        """Keep what encodes."""
        self.loaded = loaded

    def batch(self, rows: Tensor, drawn: Draws) -> tuple[Tensor, Tensor]:
        """Latents and text embeddings of some pictures, with the chance of just these pictures."""
        chosen, vae = self.lesson.indices[rows.numpy()], self.loaded.pipeline.vae
        pixels = as_input(self.lesson.pictures.pixels(chosen), vae.config.in_channels)
        with torch.no_grad():
            law = vae.encode(pixels.to(vae.device, vae.dtype)).latent_dist
            drawn_there = drawn.posterior.to(vae.device)
            clean = (law.mean.float() + law.std.float() * drawn_there) * float(vae.config.scaling_factor)
        said = [self.lesson.captions[k] for k in chosen]
        captions = ["" if gone else text for text, gone in zip(said, drawn.dropped.tolist(), strict=True)]
        texts = text_embeddings(self.loaded, captions)
        return clean.to(self.device), texts.table[texts.rows.to(texts.table.device)].to(self.device, torch.float32)
