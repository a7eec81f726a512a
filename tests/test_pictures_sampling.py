"""Encoding and sampling: against diffusers' parts and the formulas; neither batch nor place changes a draw."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from hallucination.pictures import encode, sampling
from hallucination.pictures.captions import PROMPTS
from hallucination.pictures.models import Loaded, load
from hallucination.pictures.sets import InMemory

DOG, CAT, PET = PROMPTS.values()


@pytest.fixture(scope="module")
def tiny() -> Loaded:
    return load("tiny", device="cpu")


def noise_pictures(n: int, shape: tuple[int, int, int] = (32, 32, 1)) -> InMemory:
    images = np.random.default_rng(5).integers(0, 256, (n, *shape), dtype=np.uint8)
    return InMemory(images, np.zeros(n, dtype=np.int64), ("noise",), {"name": "noise"})


# --- encoding -------------------------------------------------------------------------------------------------


def test_latents_are_the_autoencoder_s_scaled_law(tiny: Loaded) -> None:
    pictures, vae = noise_pictures(5), tiny.pipeline.vae
    found = encode.latents(tiny, pictures, [3, 0], batch_size=1)
    scaled = torch.from_numpy(pictures.images[[3, 0]].astype(np.float32)).permute(0, 3, 1, 2) / 255 * 2 - 1
    with torch.no_grad():
        law = vae.encode(scaled).latent_dist
    torch.testing.assert_close(found.mean, law.mean * vae.config.scaling_factor, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(found.std, law.std * vae.config.scaling_factor, atol=1e-5, rtol=1e-4)
    torch.manual_seed(0)
    drawn = law.sample() * vae.config.scaling_factor
    torch.manual_seed(0)
    ours = found.draw(torch.tensor([0, 1]), torch.randn(drawn.shape))
    torch.testing.assert_close(ours, drawn, atol=1e-5, rtol=1e-4)
    assert encode.mean_latents(tiny, pictures.images[[3, 0]]) == pytest.approx(found.mean.numpy(), abs=1e-5)


def test_rows_of_drawn_latents_are_the_pictures_asked_for() -> None:
    some = encode.Latents(torch.arange(3.0).reshape(3, 1, 1, 1), torch.tensor([0.0, 10.0, 0.0]).reshape(3, 1, 1, 1))
    assert some.draw(torch.tensor([2, 1]), torch.full((2, 1, 1, 1), 0.5)).flatten().tolist() == [2.0, 6.0]


def test_grey_pictures_become_three_equal_channels_where_needed() -> None:
    grey = np.array([0, 255], dtype=np.uint8).reshape(1, 1, 2, 1)
    assert encode.as_input(grey, 3)[0, :, 0].tolist() == [[-1.0, 1.0]] * 3
    coloured = np.array([0, 51, 255], dtype=np.uint8).reshape(1, 1, 1, 3)
    assert encode.as_input(coloured, 3)[0, :, 0, 0].tolist() == pytest.approx([-1.0, -0.6, 1.0])


def test_each_caption_is_embedded_once_and_as_the_pipeline_does(tiny: Loaded) -> None:
    found = encode.text_embeddings(tiny, [PET, DOG, "", PET])
    assert found.rows.tolist() == [1, 2, 0, 1]
    assert found.table.shape[0] == 3
    for caption, row in ((PET, 1), (DOG, 2), ("", 0)):
        with torch.no_grad():
            alone = tiny.pipeline.encode_prompt([caption], torch.device("cpu"), 1, False)[0][0]
        torch.testing.assert_close(found.table[row], alone, atol=1e-5, rtol=1e-4)
    assert not torch.allclose(found.table[1], found.table[2], atol=1e-3)


@pytest.mark.parametrize(
    ("shape", "reason"),
    [
        ((28, 28, 1), "this model makes pictures of 32 x 32 pixels; these have 28 x 28"),
        ((32, 64, 1), "this model makes pictures of 32 x 32 pixels; these have 32 x 64"),
        ((32, 32, 3), "this model makes grey pictures; these have colours"),
    ],
)
def test_pictures_of_another_size_are_refused(tiny: Loaded, shape: tuple[int, int, int], reason: str) -> None:
    with pytest.raises(ValueError, match=f"^{reason}$"):
        encode.latents(tiny, noise_pictures(2, shape), [0])


# --- noise ----------------------------------------------------------------------------------------------------


def test_noise_depends_on_its_own_seed_alone(tiny: Loaded) -> None:
    first = sampling.initial_noise(tiny, [7, 8, 9])
    assert first.shape == (3, 4, 8, 8)
    assert torch.equal(first[1], torch.randn((4, 8, 8), generator=torch.Generator("cpu").manual_seed(8)))
    assert torch.equal(sampling.initial_noise(tiny, [9, 7]), first[[2, 0]])
    assert sampling.initial_noise(tiny, [7], 64).shape == (1, 4, 16, 16)


def test_noise_is_standard_normal(tiny: Loaded) -> None:
    many = sampling.initial_noise(tiny, range(200)).numpy()
    assert abs(many.mean()) < 4 / math.sqrt(many.size)
    assert abs(many.var() - 1) < 4 * math.sqrt(2 / many.size)
    joint = np.corrcoef(many.reshape(200, -1))[np.triu_indices(200, 1)]
    assert abs(joint).max() < 6 / math.sqrt(256), "neighbouring seeds give unrelated noise"


# --- sampling -------------------------------------------------------------------------------------------------


def test_neither_batch_nor_order_changes_a_picture(tiny: Loaded) -> None:
    prompts, seeds = [DOG, CAT, PET, PET, DOG], [4, 4, 4, 5, 6]
    state = torch.get_rng_state()
    whole = sampling.sample_latents(tiny, prompts, seeds, steps=2)
    assert torch.equal(torch.get_rng_state(), state), "the global generator is not touched"
    parts = sampling.sample_latents(tiny, prompts, seeds, steps=2, batch_size=2)
    assert parts == pytest.approx(whole, abs=1e-4)
    back = sampling.sample_latents(tiny, prompts[::-1], seeds[::-1], steps=2)[::-1]
    assert back == pytest.approx(whole, abs=1e-4)
    distances = [np.abs(a - b).max() for k, a in enumerate(whole) for b in whole[:k]]
    assert min(distances) > 1e-2, "each pair of prompt and seed has a picture of its own"


def by_hand(tiny: Loaded, prompt: str, noise: Tensor, times: list[int], guidance: float) -> Tensor:
    """DDIM from its formula: predict the clean latents, then go to the next noise level with the same noise."""
    pipeline = tiny.pipeline
    kept = torch.cumprod(1 - torch.linspace(0.00085**0.5, 0.012**0.5, 1000) ** 2, dim=0)
    words = [pipeline.encode_prompt([p] * len(noise), torch.device("cpu"), 1, False)[0] for p in ("", prompt)]
    x = noise
    for t, after in zip(times, [*times[1:], -1], strict=True):
        empty, told = (pipeline.unet(x, t, encoder_hidden_states=w).sample for w in words)
        found = empty + guidance * (told - empty)
        clean = (x - (1 - kept[t]).sqrt() * found) / kept[t].sqrt()
        level = kept[after] if after >= 0 else torch.tensor(1.0)
        x = level.sqrt() * clean + (1 - level).sqrt() * found
    return x


@pytest.mark.parametrize(
    ("steps", "times", "guidance"), [(1, [999], 1.0), (2, [999, 499], 3.0), (4, [999, 749, 499, 249], 1.0)]
)
def test_sampling_follows_the_formula(tiny: Loaded, steps: int, times: list[int], guidance: float) -> None:
    noise = sampling.initial_noise(tiny, [3])
    with torch.no_grad():
        expected = by_hand(tiny, PET, noise, times, guidance)
    found = sampling.sample_latents(tiny, [PET], [3], steps=steps, guidance=guidance)
    assert found == pytest.approx(expected.numpy(), rel=2e-3, abs=2e-3)


def test_one_step_is_the_prediction_without_guidance(tiny: Loaded) -> None:
    with torch.no_grad():
        clean = by_hand(tiny, DOG, sampling.initial_noise(tiny, [0, 1]), [999], 1.0)
    expected = sampling.decode(tiny, clean.numpy())
    found = sampling.one_step(tiny, [DOG, DOG], [0, 1])
    assert np.abs(found.astype(int) - expected).max() <= 1
    guided = sampling.sample(tiny, [DOG, DOG], [0, 1], steps=1, guidance=3.0)
    assert not np.array_equal(found, guided)


def test_decoding_rounds_the_autoencoder_s_answer(tiny: Loaded) -> None:
    latents = sampling.initial_noise(tiny, range(3)).numpy()
    with torch.no_grad():
        made = tiny.pipeline.vae.decode(torch.from_numpy(latents) / tiny.pipeline.vae.config.scaling_factor).sample
    expected = ((made / 2 + 0.5).clamp(0, 1) * 255).permute(0, 2, 3, 1).numpy()
    found = sampling.decode(tiny, latents, batch_size=2)
    assert found.dtype == np.uint8 and found.shape == (3, 32, 32, 1)
    assert np.abs(found - expected).max() <= 0.51
    assert sampling.sample(tiny, [PET], [0], steps=1, size=64).shape == (1, 64, 64, 1)


def test_the_model_keeps_its_own_sampler(tiny: Loaded) -> None:
    before = tiny.pipeline.scheduler, dict(tiny.pipeline.scheduler.config)
    sampling.sample_latents(tiny, [PET], [0], steps=1)
    assert tiny.pipeline.scheduler is before[0]
    assert dict(tiny.pipeline.scheduler.config) == before[1]


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ({"prompts": []}, "every picture needs a prompt and a seed; got 0 and 1"),
        ({"seeds": [1, 2]}, "every picture needs a prompt and a seed; got 1 and 2"),
        ({"steps": 0}, "steps must be from 1 to 1000; got 0"),
        ({"steps": 1001}, "steps must be from 1 to 1000; got 1001"),
        ({"guidance": 0.5}, "guidance must be at least 1, which is none; got 0.5"),
        ({"guidance": math.nan}, "guidance must be at least 1, which is none; got nan"),
        ({"batch_size": 0}, "batch_size must be at least 1; got 0"),
        ({"size": 36}, "size must be a multiple of 8 pixels; got 36"),
        ({"prompts": ["a quizzical cat"]}, "the prompt 'a quizzical cat' has words this model never saw: quizzical"),
    ],
)
def test_what_cannot_be_drawn_is_told_in_one_line(tiny: Loaded, words: dict[str, object], reason: str) -> None:
    asked = {"prompts": [PET], "seeds": [0], "steps": 1, **words}
    with pytest.raises(ValueError, match=f"^{reason}") as told:
        sampling.sample_latents(tiny, **asked)  # type: ignore[arg-type]
    assert "\n" not in str(told.value)


@pytest.mark.gpu
def test_a_gpu_draws_the_same_pictures(tiny: Loaded) -> None:
    there = load("tiny", device="cuda")
    found = sampling.sample_latents(there, [PET] * 4, range(4), steps=4)
    assert found == pytest.approx(sampling.sample_latents(tiny, [PET] * 4, range(4), steps=4), abs=1e-2)
    assert there.device.type == "cuda"
