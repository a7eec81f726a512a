"""Stable Diffusion in miniature: its parts fit each other, its size is known, and a seed decides its weights."""

from __future__ import annotations

from itertools import chain
from typing import Any

import numpy as np
import pytest
import torch

from hallucination.pictures.captions import PROMPTS, WORDS
from hallucination.pictures.pretraining_card import LARGEST
from hallucination.pictures.small import LENGTH, PIXELS, SIZES, Parts, build, scheduler, share_reader, text_tower
from hallucination.pictures.toolbox import CLIPTextModel


@pytest.fixture(scope="module", params=SIZES)
def size(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def parts(size: str) -> Parts:
    return build(size, WORDS)


@pytest.fixture(scope="module")
def tiny() -> Parts:
    return build("tiny", WORDS)


def networks(parts: Parts) -> dict[str, torch.nn.Module]:
    own = parts.pipeline
    return {"vae": own.vae, "unet": own.unet, "text_encoder": own.text_encoder, "clip": parts.clip}


def counted(network: torch.nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


def read(parts: Parts, *prompts: str) -> dict[str, torch.Tensor]:
    return parts.pipeline.tokenizer(list(prompts), padding="max_length", return_tensors="pt")


# --- sizes ----------------------------------------------------------------------------------------------------


def layers(number: int, width: int) -> int:
    """Weights of a transformer: four square maps, a hidden layer four times as wide, and two normalisations."""
    return number * (4 * (width**2 + width) + (8 * width**2 + 5 * width) + 4 * width)


def test_clip_has_as_many_weights_as_its_widths_say(size: str, parts: Parts) -> None:
    (n_text, text), (n_vision, vision), end = SIZES[size].text, SIZES[size].vision, SIZES[size].projection
    tokens, patches = len(parts.pipeline.tokenizer), (PIXELS // 4) ** 2
    reader = (tokens + LENGTH) * text + layers(n_text, text) + 2 * text
    seer = 3 * 4**2 * vision + (1 + 1 + patches) * vision + layers(n_vision, vision) + 4 * vision
    assert counted(parts.pipeline.text_encoder) == reader
    assert counted(parts.clip) == reader + seer + (text + vision) * end + 1


def test_parts_fit_each_other(parts: Parts) -> None:
    own, clip = parts.pipeline, parts.clip.config
    assert own.unet.config.in_channels == own.unet.config.out_channels == own.vae.config.latent_channels
    assert own.unet.config.cross_attention_dim == own.text_encoder.config.hidden_size
    assert own.unet.config.sample_size * own.vae_scale_factor == own.vae.config.sample_size == PIXELS
    assert own.text_encoder.config.max_position_embeddings == own.tokenizer.model_max_length == LENGTH
    assert own.text_encoder.config.vocab_size == len(own.tokenizer)
    marks = ("bos_token_id", "eos_token_id", "pad_token_id")
    assert [getattr(clip.text_config, m) for m in marks] == [getattr(own.tokenizer, m) for m in marks]
    assert clip.vision_config.image_size == PIXELS
    assert not any(network.training for network in networks(parts).values())


def test_heads_of_the_unet_are_as_wide_as_told(size: str, parts: Parts) -> None:
    inner = [m for m in parts.pipeline.unet.modules() if hasattr(m, "heads") and hasattr(m, "to_q")]
    assert inner
    assert {m.to_q.out_features // m.heads for m in inner} == {SIZES[size].head}


def test_files_in_half_precision_fit_what_is_shipped(size: str, parts: Parts) -> None:
    """The text tower is written twice: in CLIP, and as the pipeline's own text encoder."""
    found = 2 * sum(counted(network) for network in networks(parts).values())
    assert found <= LARGEST == 12e6
    assert found > 0.5 * LARGEST or size == "tiny", "room is used where it counts"
    if size == "tiny":
        assert found < 1e6


# --- weights --------------------------------------------------------------------------------------------------


def test_a_seed_decides_the_weights(tiny: Parts) -> None:
    again, other = build("tiny", WORDS), build("tiny", WORDS, seed=1)
    for name, network in networks(tiny).items():
        mine, same, differ = (x.state_dict() for x in (network, networks(again)[name], networks(other)[name]))
        assert all(torch.equal(mine[key], same[key]) for key in mine), name
        assert any(not torch.equal(mine[key], differ[key]) for key in mine), name


def test_order_of_words_does_not_matter(tiny: Parts) -> None:
    again = build("tiny", [*reversed(WORDS), WORDS[0]])
    assert again.pipeline.tokenizer.get_vocab() == tiny.pipeline.tokenizer.get_vocab()
    assert torch.equal(again.pipeline.unet.conv_in.weight, tiny.pipeline.unet.conv_in.weight)


def test_torch_s_own_draws_are_left_as_they_were() -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    build("tiny", ["a"])
    assert torch.equal(torch.rand(3), expected)


def test_the_text_encoder_is_clip_s_own_tower() -> None:
    parts = build("tiny", WORDS)
    reader, tower = (dict(x.named_parameters()) for x in (parts.pipeline.text_encoder, text_tower(parts.clip)))
    assert reader.keys() == tower.keys()
    assert all(reader[name].data_ptr() == tower[name].data_ptr() for name in tower)
    with torch.no_grad():
        next(iter(tower.values())).add_(1.0)  # as a step of a training would
    words = read(parts, "a cat")
    with torch.inference_mode():
        ours, theirs = parts.pipeline.text_encoder(**words)[0], text_tower(parts.clip)(**words)[0]
    assert torch.equal(ours, theirs)


def test_another_text_encoder_can_share_them_too(tiny: Parts) -> None:
    settings: Any = tiny.clip.config.text_config
    other = CLIPTextModel(settings).eval()
    words = read(tiny, "a cat")
    with torch.inference_mode():
        expected, before = tiny.pipeline.text_encoder(**words)[0], other(**words)[0]
        share_reader(other, tiny.clip)
        after = other(**words)[0]
    assert torch.equal(after, expected) and not torch.equal(before, expected)


def test_what_cannot_be_built_is_one_line() -> None:
    with pytest.raises(ValueError, match=r"^the size must be one of small, tiny; got 'huge'$"):
        build("huge", WORDS)
    with pytest.raises(ValueError, match=r"^words of a tokenizer must be lower-case letters only; got 'A cat'$"):
        build("tiny", ["A cat"])


# --- what it computes -----------------------------------------------------------------------------------------


def test_pictures_go_through_all_parts(size: str, parts: Parts) -> None:
    own, shape = parts.pipeline, SIZES[size]
    side = PIXELS // 4
    with torch.inference_mode():
        law = own.vae.encode(torch.zeros(2, 1, PIXELS, PIXELS)).latent_dist
        words = read(parts, *list(PROMPTS.values())[:2])
        texts = own.text_encoder(**words)[0]
        noise = own.unet(law.mean, torch.tensor([0, 999]), encoder_hidden_states=texts).sample
        picture = own.vae.decode(law.mean).sample
        seen = parts.clip.get_image_features(torch.zeros(2, 3, PIXELS, PIXELS)).pooler_output
        said = parts.clip.get_text_features(**words).pooler_output
    assert law.mean.shape == law.std.shape == noise.shape == (2, 4, side, side)
    assert picture.shape == (2, 1, PIXELS, PIXELS)
    assert texts.shape == (2, LENGTH, shape.text[1])
    assert seen.shape == said.shape == (2, shape.projection)
    assert all(x.isfinite().all() for x in (law.mean, noise, picture, seen, said))


def test_the_unet_heeds_the_text_and_the_noise_level(tiny: Parts) -> None:
    with torch.inference_mode():
        cat, dog = tiny.pipeline.text_encoder(**read(tiny, "a cat", "a dog"))[0].split(1)
        clean = torch.ones(1, 4, 8, 8)
        found = [
            tiny.pipeline.unet(clean, time, encoder_hidden_states=text).sample
            for time, text in ((500, cat), (500, dog), (10, cat))
        ]
    assert (found[0] - found[1]).abs().max() > 1e-6 and (found[0] - found[2]).abs().max() > 1e-6


def test_a_prompt_is_judged_by_its_end_and_not_by_what_fills_it_up(tiny: Parts) -> None:
    """CLIP pools at the first end mark; with the marks' usual ids it would pool somewhere else."""
    words = read(tiny, "a cat")
    tower: Any = text_tower(tiny.clip)
    with torch.inference_mode():
        found = tower(**words)
        assert torch.equal(found.pooler_output, found.last_hidden_state[:, 3])  # begin, a, cat, end
        short = tower(input_ids=words["input_ids"][:, :4])
    assert torch.allclose(found.pooler_output, short.pooler_output, atol=1e-6)


def test_pictures_for_clip_lie_between_minus_one_and_one(tiny: Parts) -> None:
    pixels = np.zeros((1, PIXELS, PIXELS, 3), np.uint8)
    pixels[0, 0, 0] = 255
    made = tiny.processor(list(pixels), return_tensors="np", input_data_format="channels_last")["pixel_values"]
    assert made.shape == (1, 3, PIXELS, PIXELS)
    assert made[0, :, 0, 0] == pytest.approx(1) and made[0, :, 5:].ravel() == pytest.approx(-1)


def test_noise_levels_are_those_of_stable_diffusion() -> None:
    """Betas whose roots are evenly spaced; few steps begin at pure noise, and their sizes differ by one at most."""
    made = scheduler()
    betas = np.linspace(0.00085**0.5, 0.012**0.5, 1000) ** 2
    assert made.alphas_cumprod.numpy() == pytest.approx(np.cumprod(1 - betas), rel=1e-4)
    for steps in (1, 2, 7, 20):
        made.set_timesteps(steps)
        times = made.timesteps.tolist()
        assert len(times) == steps and times[0] == 999
        assert max(abs(a - b - 1000 / steps) for a, b in zip(times, [*times[1:], -1], strict=True)) <= 1
    made.set_timesteps(1)
    noise, clean = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(0)), torch.zeros(1, 4, 8, 8)
    noisy = made.add_noise(clean, noise, torch.tensor([999]))
    ended = made.step(noise, 999, noisy).prev_sample
    assert torch.allclose(ended, 0.00085**0.5 * noise, atol=1e-4), (
        "a perfect guess ends at the lowest level, not at 0"
    )


def test_every_weight_is_trained_by_someone(tiny: Parts) -> None:
    every = chain.from_iterable(network.parameters() for network in networks(tiny).values())
    assert all(p.requires_grad and p.dtype == torch.float32 for p in every)
