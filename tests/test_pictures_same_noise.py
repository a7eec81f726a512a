"""Losses on the same noise: known networks, pairing, held-out pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from hallucination.pictures.fine_tuning import fine_tune
from hallucination.pictures.lessons import Lesson, Recipe
from hallucination.pictures.models import Loaded, load
from hallucination.pictures.same_noise import _compared, losses_on_same_noise, probe
from hallucination.pictures.sets import InMemory
from hallucination.pictures.toolbox import DDIMScheduler


@pytest.fixture(scope="module")
def tiny() -> Loaded:
    return load("tiny", device="cpu")


@pytest.fixture(scope="module")
def lesson() -> Lesson:
    """Forty pictures, of which the first thirty are learned; the others are bright."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 100, (40, 32, 32, 1)).astype(np.uint8)
    images[30:] += 155
    set_ = InMemory(images, np.arange(40) % 2, ("cat", "dog"), {"name": "noise"})
    return Lesson(set_, np.arange(30), ["a cat", "a dog"] * 20)


class Known(torch.nn.Module):
    """Answers with chosen noise, whatever it is asked; keeps what it was asked."""

    def __init__(self, answer: Tensor) -> None:
        super().__init__()
        self.answer, self.at, self.asked = answer, 0, []

    def forward(
        self, noisy: Tensor, times: Tensor, encoder_hidden_states: Tensor, return_dict: bool
    ) -> tuple[Tensor]:
        self.asked.append(len(times))
        self.at += len(noisy)
        return (self.answer[self.at - len(noisy) : self.at],)


def test_a_network_that_finds_all_noise_has_no_loss_and_one_that_finds_none_has_its_square(
    tiny: Loaded, lesson: Lesson
) -> None:
    p = probe(tiny, lesson, lesson.indices, 64, 0)
    assert np.all(p.losses(Known(p.noise), 64) == 0)
    silent = Known(torch.zeros_like(p.noise))
    found = p.losses(silent, 24)
    assert silent.asked == [24, 24, 16]
    assert np.allclose(found, p.noise.square().mean((1, 2, 3)).numpy())
    assert found.mean() == pytest.approx(1, abs=0.1)


def test_noisy_latents_are_those_of_the_scheduler_and_levels_are_spread(tiny: Loaded, lesson: Lesson) -> None:
    p = probe(tiny, lesson, lesson.indices, 50, 3)
    kept = DDIMScheduler.from_config(tiny.pipeline.scheduler.config).alphas_cumprod[p.times][:, None, None, None]
    clean = (p.noisy - (1 - kept).sqrt() * p.noise) / kept.sqrt()
    scale = clean[p.times < 500].std()
    assert clean.isfinite().all() and 0.1 < scale < 10
    counts = np.histogram(p.times.numpy(), bins=10, range=(0, 1000))[0]
    assert counts.tolist() == [5] * 10
    assert torch.equal(p.times, probe(tiny, lesson, lesson.indices, 50, 3).times)
    assert not torch.equal(p.noise, probe(tiny, lesson, lesson.indices, 50, 4).noise)


def test_epochs_are_paired_and_parts_apart(tiny: Loaded, lesson: Lesson, tmp_path: Path) -> None:
    tuned = fine_tune(tiny, lesson, Recipe(epochs=2, learning_rate=1e-2, batch_size=8), tmp_path, label="")
    before = [p.clone() for p in tiny.pipeline.unet.parameters()]
    found = losses_on_same_noise(tiny, lesson, tuned.unets, n=40, batch_size=16, label="")
    assert list(found) == ["learned", "held out"]
    for part in found.values():
        assert [each.epoch for each in part] == [0, 1, 2]
        assert (part[0].change, part[0].error) == (0, 0)
        assert all(each.change == pytest.approx(each.loss - part[0].loss) for each in part)
        assert part[2].error > 0
    assert found["learned"][2].change < -0.01, "a network that learned finds more of the noise"
    assert found["learned"][0].loss != found["held out"][0].loss
    other = losses_on_same_noise(tiny, lesson, tuned.unets, n=40, batch_size=40, label="")
    assert other["learned"][2].loss == pytest.approx(found["learned"][2].loss, rel=1e-5)
    assert all(torch.equal(a, b) for a, b in zip(before, tiny.pipeline.unet.parameters(), strict=True))


def test_few_draws_are_spread_over_sorted_classes(tiny: Loaded, lesson: Lesson) -> None:
    p = probe(tiny, lesson, lesson.indices, 10, 0)
    assert p.pictures.tolist() == list(range(10))
    captions = ["a cat"] * 15 + ["a dog"] * 25
    sorted_ = Lesson(lesson.pictures, lesson.indices, captions)
    words = probe(tiny, sorted_, lesson.indices, 10, 0).words
    assert [bool(torch.equal(w, words[0])) for w in words] == [True] * 5 + [False] * 5


def test_draws_of_one_picture_are_one_observation() -> None:
    values = np.array([1.0, 3.0, 2.0, 6.0])
    found = _compared(1, values, np.zeros(4), np.array([0, 0, 1, 1]))
    assert (found.loss, found.change) == (3.0, 3.0)
    assert found.error == pytest.approx(np.std([2.0, 4.0], ddof=1) / np.sqrt(2))


@pytest.mark.parametrize(("n", "rows"), [(0, [1]), (4, [])])
def test_nothing_to_draw_from_is_refused(tiny: Loaded, lesson: Lesson, n: int, rows: list[int]) -> None:
    with pytest.raises(ValueError, match=rf"cannot make {n} draws from {len(rows)} pictures"):
        probe(tiny, lesson, np.array(rows, dtype=np.int64), n, 0)
