"""Models of exactly the paper's shapes with random weights, made on the device, for rehearsals (§7.3)."""

from __future__ import annotations

from typing import Any

import torch

from hallucination.pictures.captions import WORDS
from hallucination.pictures.models import Loaded
from hallucination.pictures.small import Parts, build, scheduler
from hallucination.pictures.toolbox import (
    AutoencoderKL,
    CLIPConfig,
    CLIPImageProcessorPil,
    CLIPModel,
    CLIPTextConfig,
    CLIPTextModel,
    StableDiffusionPipeline,
    UNet2DConditionModel,
)
from hallucination.pictures.words import tokenizer_of

SHAPES = ("sd-v1.5", "tiny")

_ACROSS = ("CrossAttnDownBlock2D",) * 3, ("CrossAttnUpBlock2D",) * 3
UNET: dict[str, Any] = {
    "sample_size": 64, "in_channels": 4, "out_channels": 4, "block_out_channels": (320, 640, 1280, 1280),
    "layers_per_block": 2, "down_block_types": (*_ACROSS[0], "DownBlock2D"),
    "up_block_types": ("UpBlock2D", *_ACROSS[1]), "cross_attention_dim": 768, "attention_head_dim": 8,
}  # fmt: skip
VAE: dict[str, Any] = {
    "sample_size": 512, "in_channels": 3, "out_channels": 3, "latent_channels": 4,
    "block_out_channels": (128, 256, 512, 512), "layers_per_block": 2,
    "down_block_types": ("DownEncoderBlock2D",) * 4, "up_block_types": ("UpDecoderBlock2D",) * 4,
}  # fmt: skip
TEXT: dict[str, Any] = {
    "vocab_size": 49408, "hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12,
    "num_attention_heads": 12, "max_position_embeddings": 77, "projection_dim": 768,
}  # fmt: skip
# CLIP ViT-B/32: its own text tower is narrower than the one of Stable Diffusion, which is that of ViT-L/14.
CLIP: dict[str, Any] = {
    "text_config": {**TEXT, "hidden_size": 512, "intermediate_size": 2048, "num_attention_heads": 8},
    "vision_config": {
        "hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12, "num_attention_heads": 12,
        "image_size": 224, "patch_size": 32,
    },
    "projection_dim": 512,
}  # fmt: skip


def with_random_weights(shape: str, device: str, seed: int = 0) -> tuple[Loaded, Parts]:
    """A model of a shape named in ``SHAPES``, float32, as what is loaded and with its CLIP.

    Time and memory do not depend on the weights' values.
    """
    if shape == "tiny":
        parts = build("tiny", WORDS, seed=seed)
        parts.pipeline.to(device)
    else:
        parts = _paper(device, seed)
    source = {"name": f"{shape}, random weights", "seed": seed, "device": device}
    torch.nn.Module.to(parts.clip, device)  # transformers' own `to` loses its type
    return Loaded(parts.pipeline, source), parts


def _paper(device: str, seed: int) -> Parts:
    tokenizer = tokenizer_of(WORDS, TEXT["max_position_embeddings"])
    ends = {"bos_token_id": tokenizer.bos_token_id, "eos_token_id": tokenizer.eos_token_id, "pad_token_id": 1}
    with torch.random.fork_rng(enabled=device == "cpu"), torch.device(device):
        torch.manual_seed(seed)
        unet, vae, reader = (
            UNet2DConditionModel(**UNET),
            AutoencoderKL(**VAE),
            CLIPTextModel(CLIPTextConfig(**TEXT, **ends)),
        )
        clip = CLIPModel(CLIPConfig(**CLIP))
    pipeline = StableDiffusionPipeline(
        vae=vae, unet=unet, text_encoder=reader, tokenizer=tokenizer, scheduler=scheduler(), safety_checker=None,
        feature_extractor=None, requires_safety_checker=False,
    )  # fmt: skip
    pipeline.set_progress_bar_config(disable=True)
    for part in (unet, vae, reader, clip):
        part.eval()
    return Parts(pipeline, clip, CLIPImageProcessorPil())
