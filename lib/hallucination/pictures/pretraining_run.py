"""One run of the pre-training: what is learned, how, and where it is kept."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save
from torch import Tensor, nn

from hallucination.devices import place
from hallucination.pictures import datasets
from hallucination.pictures.captions import captions, words
from hallucination.pictures.encode import as_input, latents, text_embeddings
from hallucination.pictures.models import Loaded
from hallucination.pictures.pretraining_loop import Epoch, Plan, train
from hallucination.pictures.pretraining_losses import (
    autoencoder_loss,
    contrastive_loss,
    denoising_loss,
    latent_deviation,
    reconstruction_error,
    tokens_of,
    zero_shot_accuracy,
)
from hallucination.pictures.sets import Pictures
from hallucination.pictures.small import PIXELS, Parts, build, share_reader

DROPOUT = 0.1  # share of captions made empty, for classifier-free guidance
PLANS = {
    "vae": Plan(epochs=6, learning_rate=1e-3, batch_size=64),
    "clip": Plan(epochs=20, learning_rate=1e-3, batch_size=128, weight_decay=0.05),
    "unet": Plan(epochs=20, learning_rate=6e-4, batch_size=64, ema=0.999),
}


@dataclass(frozen=True, eq=False)
class Pretraining:
    """One run: what is learned, how, and where it is kept.

    Attributes
    ----------
    pictures : Pictures
        Grey, 32 x 32.
    size : str
        A name in :data:`hallucination.pictures.small.SIZES`.
    plans : dict of str to Plan
        For ``"vae"``, ``"clip"`` and ``"unet"``.
    work : Path
        Belongs to this run alone.
    seed : int
        Of weights, order and noise.
    device : str
        ``"auto"``, or as PyTorch calls it.

    Raises
    ------
    ValueError
        If the pictures are not grey or not 32 x 32, or the size is unknown.
    """

    pictures: Pictures
    size: str
    plans: dict[str, Plan]
    work: Path
    seed: int = 0
    device: str = "auto"

    def __post_init__(self) -> None:
        if self.pictures.shape != (PIXELS, PIXELS, 1):
            raise ValueError(f"pictures must have shape {(PIXELS, PIXELS, 1)}; these have {self.pictures.shape}")

    @cached_property
    def split(self) -> datasets.Split:
        """What is learned from, and what is held out from everything."""
        return datasets.split(self.pictures)

    @cached_property
    def captions(self) -> list[str]:
        """One a picture."""
        return captions(self.pictures)

    @cached_property
    def parts(self) -> Parts:
        """The networks on their device, with what was trained of them so far."""
        made = build(self.size, words(self.pictures.classes), seed=self.seed)
        where = place(self.device)
        made.pipeline.to(where)
        nn.Module.to(made.clip, where)
        return made

    def pixels(self, indices: NDArray[np.int64]) -> Tensor:
        """Pictures as the networks take them, shape (n, 1, 32, 32)."""
        return as_input(self.pictures.pixels(indices), 1)

    def vae(self) -> list[Epoch]:
        """Train the autoencoder, and set the number by which its latents are scaled."""
        vae, pixels = self.parts.pipeline.vae, self.pixels(self.split.train)
        done = self._train("vae", vae, autoencoder_loss(vae, pixels))
        vae.register_to_config(scaling_factor=round(1 / latent_deviation(vae, pixels), 5))
        return done

    def clip(self) -> list[Epoch]:
        """Train CLIP, and give its text tower to the pipeline."""
        pipeline, clip = self.parts.pipeline, self.parts.clip
        tokens = tokens_of(pipeline.tokenizer, [self.captions[k] for k in self.split.train])
        loss = contrastive_loss(clip, self.pixels(self.split.train), tokens)
        done = self._train("clip", clip, loss)
        share_reader(pipeline.text_encoder, clip)
        return done

    def unet(self) -> list[Epoch]:
        """Train the UNet on latents and text embeddings of the other two, computed once."""
        pipeline = self.parts.pipeline
        loaded = Loaded(pipeline, {})
        known = latents(loaded, self.pictures, self.split.train, batch_size=256)
        texts = text_embeddings(loaded, [self.captions[k] for k in self.split.train])
        loss = denoising_loss(pipeline.unet, pipeline.scheduler, known, texts, DROPOUT)
        return self._train("unet", pipeline.unet, loss, vae=_digest(pipeline.vae), clip=_digest(self.parts.clip))

    def _train(self, name: str, network: nn.Module, loss: Any, **before: str) -> list[Epoch]:
        told = self.captions if name != "vae" else []  # the autoencoder sees no caption
        learned = repr([self.split.train.tolist(), told]).encode()
        facts = {
            "network": name, "size": self.size, "seed": self.seed, "data": dict(self.pictures.source),
            "learned_sha256": hashlib.sha256(learned).hexdigest(), **before,
        }  # fmt: skip
        n = len(self.split.train)
        return train(network, loss, n, self.plans[name], self.work / name, facts=facts, label=name)

    def whole(self) -> dict[str, list[Epoch]]:
        """Train all three, or take what is there; the epochs of each."""
        return {"vae": self.vae(), "clip": self.clip(), "unet": self.unet()}

    def scores(self) -> dict[str, float]:
        """What autoencoder and CLIP make of the held-out pictures."""
        pixels, labels = self.pixels(self.split.held), torch.from_numpy(self.pictures.labels[self.split.held])
        pipeline = self.parts.pipeline
        accuracy = zero_shot_accuracy(self.parts.clip, pipeline.tokenizer, pixels, labels, self.pictures.classes)
        return {
            "held_out_pictures": len(labels),
            "held_out_reconstruction_mse": round(reconstruction_error(pipeline.vae, pixels), 5),
            "held_out_zero_shot_accuracy": round(accuracy, 4),
            "scaling_factor": float(pipeline.vae.config.scaling_factor),
        }

    def facts(self, done: dict[str, list[Epoch]]) -> dict[str, Any]:
        """Plain data about the run, for its card."""
        options = " ".join(f"--{name}-epochs {plan.epochs}" for name, plan in self.plans.items())
        return {
            "command": f"python -m hallucination.pictures.pretraining --pictures {self.pictures.source['name']} "
            f"--size {self.size} --seed {self.seed} {options}",
            "data": dict(self.pictures.source),
            "learned_from": len(self.split.train),
            "seed": self.seed,
            "device": place(self.device),
            "plans": {name: asdict(plan) for name, plan in self.plans.items()},
            "scores": self.scores(),
            "epochs": {name: [asdict(e) for e in epochs] for name, epochs in done.items()},
        }


def _digest(network: nn.Module) -> str:
    return hashlib.sha256(save({k: v.cpu().contiguous() for k, v in network.state_dict().items()})).hexdigest()
