"""Stable Diffusion in miniature: the same parts in the same places, at a size that trains on a laptop.

A variational autoencoder halves the picture twice, a UNet with
cross-attention removes noise from its latents, and one small CLIP is both the
frozen reader of prompts (as in Stable Diffusion) and the embedding in which
§7.3 tells what is a hallucination.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import torch

from hallucination.pictures.toolbox import (
    AutoencoderKL,
    CLIPConfig,
    CLIPImageProcessorPil,
    CLIPModel,
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTokenizer,
    CLIPVisionConfig,
    DDIMScheduler,
    StableDiffusionPipeline,
    UNet2DConditionModel,
)
from hallucination.pictures.words import tokenizer_of

PIXELS = 32  # side of a picture
LENGTH = 16  # tokens of a prompt


@dataclass(frozen=True)
class Size:
    """Widths of the parts.

    Attributes
    ----------
    vae : tuple of int
        Channels of the autoencoder's levels; each but the last halves the side.
    vae_groups : int
        Groups of its normalisation.
    unet : tuple of int
        Channels of the UNet's two levels.
    unet_layers, unet_groups, head : int
        Residual layers a level, groups of its normalisation, and width of an attention head.
    text, vision : tuple of int
        Layers and width of CLIP's two towers.
    projection : int
        Dimension of the embeddings.
    """

    vae: tuple[int, ...]
    vae_groups: int
    unet: tuple[int, int]
    unet_layers: int
    unet_groups: int
    head: int
    text: tuple[int, int]
    vision: tuple[int, int]
    projection: int


SIZES = {
    "small": Size((16, 32, 64), 8, (64, 96), 1, 32, 32, (2, 64), (3, 96), 64),
    "tiny": Size((8, 8, 8), 4, (16, 16), 1, 4, 8, (1, 16), (1, 16), 16),
}


@dataclass(frozen=True, eq=False)
class Parts:
    """A pipeline, and the CLIP whose text tower it reads prompts with.

    Attributes
    ----------
    pipeline : StableDiffusionPipeline
        Its ``text_encoder`` shares its weights with `clip`.
    clip : CLIPModel
        Both towers.
    processor : CLIPImageProcessorPil
        Prepares pictures for `clip`.
    """

    pipeline: StableDiffusionPipeline
    clip: CLIPModel
    processor: CLIPImageProcessorPil


def build(size: str, words: Iterable[str], *, seed: int = 0) -> Parts:
    """Parts of the given size with random weights drawn from `seed`; torch's global draws are left as they were.

    Parameters
    ----------
    size : str
        A name in ``SIZES``.
    words : iterable of str
        What prompts may say.
    seed : int
        Of the weights.

    Raises
    ------
    ValueError
        If the size is unknown or a word cannot be one token.
    """
    if size not in SIZES:
        raise ValueError(f"the size must be one of {', '.join(SIZES)}; got {size!r}")
    shape, tokenizer = SIZES[size], tokenizer_of(words, LENGTH)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        clip = CLIPModel(_clip_config(shape, tokenizer))
        vae, unet = _vae(shape), _unet(shape)
        text: Any = clip.config.text_config
        reader = CLIPTextModel(text)
    share_reader(reader, clip)
    pipeline = StableDiffusionPipeline(
        vae=vae, unet=unet, text_encoder=reader, tokenizer=tokenizer, scheduler=scheduler(), safety_checker=None,
        feature_extractor=None, requires_safety_checker=False,
    )  # fmt: skip
    pipeline.set_progress_bar_config(disable=True)
    for part in (clip, vae, unet, reader):
        part.eval()
    return Parts(pipeline, clip, image_processor())


def share_reader(reader: CLIPTextModel, clip: CLIPModel) -> None:
    """Let a text encoder use the very weights of CLIP's text tower."""
    reader.load_state_dict(text_tower(clip).state_dict(), assign=True)


def text_tower(clip: CLIPModel) -> torch.nn.Module:
    """CLIP's text tower, with the names its weights have in a text encoder of its own."""
    tower: torch.nn.Module = clip.text_model
    return tower


def scheduler() -> DDIMScheduler:
    """Noise levels of Stable Diffusion; "trailing" spacing, because with few steps any other starts below pure noise.

    ``steps_offset`` and ``clip_sample`` are those the pipeline's constructor insists on.
    """
    return DDIMScheduler(
        num_train_timesteps=1000, beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear",
        clip_sample=False, set_alpha_to_one=False, steps_offset=1, timestep_spacing="trailing",
    )  # fmt: skip


def image_processor() -> CLIPImageProcessorPil:
    """What CLIP does to a picture first: three channels with values in [-1, 1]."""
    half = [0.5, 0.5, 0.5]
    return CLIPImageProcessorPil(
        size={"shortest_edge": PIXELS}, crop_size={"height": PIXELS, "width": PIXELS}, image_mean=half, image_std=half
    )


def _vae(shape: Size) -> AutoencoderKL:
    levels = len(shape.vae)
    return AutoencoderKL(
        in_channels=1, out_channels=1, latent_channels=4, sample_size=PIXELS, block_out_channels=shape.vae,
        down_block_types=("DownEncoderBlock2D",) * levels, up_block_types=("UpDecoderBlock2D",) * levels,
        layers_per_block=1, norm_num_groups=shape.vae_groups,
    )  # fmt: skip


def _unet(shape: Size) -> UNet2DConditionModel:
    return UNet2DConditionModel(
        sample_size=PIXELS // 2 ** (len(shape.vae) - 1), in_channels=4, out_channels=4,
        block_out_channels=shape.unet, layers_per_block=shape.unet_layers, norm_num_groups=shape.unet_groups,
        down_block_types=("CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D"),
        cross_attention_dim=shape.text[1],
        attention_head_dim=tuple(width // shape.head for width in shape.unet),  # diffusers means their number
    )  # fmt: skip


def _clip_config(shape: Size, tokenizer: CLIPTokenizer) -> CLIPConfig:
    def tower(layers: int, width: int) -> dict[str, Any]:
        heads = max(1, width // 32)
        return {
            "hidden_size": width, "intermediate_size": 4 * width, "num_hidden_layers": layers,
            "num_attention_heads": heads, "projection_dim": shape.projection,
        }  # fmt: skip

    # Without the marks' ids, CLIP would look for the end of a prompt at number 49407 and pool the wrong place.
    text = CLIPTextConfig(
        vocab_size=len(tokenizer), max_position_embeddings=LENGTH, bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id, **tower(*shape.text),
    )  # fmt: skip
    vision = CLIPVisionConfig(image_size=PIXELS, patch_size=4, num_channels=3, **tower(*shape.vision))
    return CLIPConfig(text_config=text.to_dict(), vision_config=vision.to_dict(), projection_dim=shape.projection)
