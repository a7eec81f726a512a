"""The minimiser at pure noise: closed forms, the loss itself, and what its pictures are judged by."""

from __future__ import annotations

import numpy as np
import pytest

from hallucination.pictures.averages import LatentSpace, flat
from hallucination.pictures.encode import mean_latents
from hallucination.pictures.judging import Fit, judge
from hallucination.pictures.minimiser import conditional_mean, last_level, minimiser_cells, relative_spread
from hallucination.pictures.models import Loaded, load
from hallucination.pictures.points import select
from hallucination.pictures.sampling import initial_noise
from hallucination.pictures.sets import InMemory


@pytest.fixture(scope="module")
def tiny() -> Loaded:
    return load("tiny", device="cpu")


def test_two_points_give_tanh() -> None:
    """For -m and m the conditional mean is m tanh(√ᾱ m x / (1 - ᾱ)): Bayes' rule, by hand."""
    x, m, kept = np.linspace(-2, 2, 9)[:, None], 1.5, 0.3
    expected = m * np.tanh(np.sqrt(kept) * m * x / (1 - kept))
    assert np.allclose(conditional_mean([[-m], [m]], x, kept), expected)


def test_a_clear_input_gives_its_point_and_pure_noise_nearly_the_mean() -> None:
    rng = np.random.default_rng(0)
    points = rng.standard_normal((50, 8))
    assert np.allclose(conditional_mean(points, np.sqrt(1 - 1e-6) * points[:5], 1 - 1e-6), points[:5])
    blurred = conditional_mean(points, rng.standard_normal((20, 8)), 1e-6)
    assert np.abs(blurred - points.mean(axis=0)).max() < 0.01
    assert relative_spread(blurred, points) < 1e-4
    assert relative_spread(points, points) == 1


def test_no_small_change_has_a_smaller_loss() -> None:
    """Draw pairs from the law; the squared loss of the answer is below that of shifted and of scaled answers."""
    rng = np.random.default_rng(1)
    points, kept = np.array([[-2.0, 0], [2, 0], [0, 3]]), 0.4
    clean = points[rng.integers(3, size=40_000)]
    noisy = np.sqrt(kept) * clean + np.sqrt(1 - kept) * rng.standard_normal(clean.shape)
    answers = conditional_mean(points, noisy, kept)

    def loss(guess: np.ndarray) -> float:
        return float(((guess - clean) ** 2).sum(axis=1).mean())

    others = [answers + 0.1, answers - 0.1, 0.9 * answers, 1.1 * answers]
    assert loss(answers) < min(map(loss, others))
    assert np.abs(answers.mean(axis=0) - clean.mean(axis=0)).max() < 0.05


@pytest.mark.parametrize(
    ("learned", "noisy", "kept", "reason"),
    [
        ([[0.0]], [[0.0]], 0.0, "kept must lie strictly between 0 and 1; got 0.0"),
        ([[0.0]], [[0.0]], 1.0, "strictly between"),
        ([[0.0, 1.0]], [[0.0]], 0.5, r"do not fit: \(1, 2\) and \(1, 1\)"),
        (np.zeros((0, 2)), [[0.0, 0.0]], 0.5, "do not fit"),
    ],
)
def test_bad_input_is_told_in_one_line(learned: object, noisy: object, kept: float, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        conditional_mean(learned, noisy, kept)  # type: ignore[arg-type]


def test_cells_of_each_class_and_of_all(tiny: Loaded) -> None:
    rng = np.random.default_rng(2)
    labels = np.repeat([0, 1], 60)
    images = (rng.integers(0, 60, (120, 32, 32, 1)) + 190 * labels[:, None, None, None]).astype(np.uint8)
    pets = InMemory(images, labels, ("cat", "dog"), {"name": "noise"})
    space = LatentSpace(tiny)
    by = judge(space, pets, Fit(dimensions=3, splits=1))
    learned = np.concatenate([np.arange(40), np.arange(60, 100)])
    cells = list(minimiser_cells(tiny, pets, learned, {"latent": by}, k=6))
    assert [(c.what["class"], c.n) for c in cells] == [("all", 6), ("cat", 6), ("dog", 6)]
    assert all(c.what["way"] == "minimiser" and 0 <= float(c.what["spread"]) < 1 for c in cells)
    cats = flat(mean_latents(tiny, images[:40]))
    answers = conditional_mean(cats, flat(initial_noise(tiny, range(6)).numpy()), last_level(tiny))
    found = select(cells, **{"class": "cat"})[0]
    assert np.allclose(found.margins, by.cell({}, answers).margins, rtol=1e-3, atol=1e-2)
    assert found.what["spread"] == pytest.approx(relative_spread(answers, cats), abs=1e-3)
    assert 0 < last_level(tiny) < 0.05
