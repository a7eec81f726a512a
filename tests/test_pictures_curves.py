"""The experiment end to end and its tests of means: cells, both rules, resumption, pictures with known answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hallucination.pictures import curves, sampling
from hallucination.pictures.averages import LatentSpace, average_cells, flat, mean_pictures, step_cells, subsets
from hallucination.pictures.captions import PROMPTS
from hallucination.pictures.controls import control_cells
from hallucination.pictures.curves import Drawing, Experiment, first_of
from hallucination.pictures.datasets import only, split
from hallucination.pictures.encode import mean_latents
from hallucination.pictures.judging import Fit, Floats, Judge, embedded, judge, stored
from hallucination.pictures.lessons import Lesson, Recipe
from hallucination.pictures.models import Loaded, load
from hallucination.pictures.points import Cell, cell_from, cell_of, pooled, published_rate, select
from hallucination.pictures.sets import Images, InMemory, Pictures

FIT = Fit(dimensions=3, splits=2)
RECIPE = Recipe(epochs=2, learning_rate=1e-3, batch_size=16)
DRAWING = Drawing(k=5, steps=1, guidance=2.0)


class Corners:
    """A space that anyone can check: mean brightness of the four quarters, and a constant against length 0."""

    source: Mapping[str, Any] = {"name": "corners"}

    def embed(self, images: Images) -> Floats:
        quarters = images.astype(np.float32)[..., 0].reshape(-1, 2, 16, 2, 16).mean(axis=(2, 4)).reshape(-1, 4) / 255
        return np.column_stack([quarters, np.ones(len(images))]).astype(np.float32)


def two_kinds(n: int = 60, seed: int = 0) -> InMemory:
    """Bright above or bright below, a little different each; and a third kind, bright on the left."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(3), n)
    light = np.array([[1, 1, 0, 0], [0, 0, 1, 1], [1, 0, 1, 0]])[labels] * 160 + 40
    light = light + rng.normal(0, 8, (3 * n, 4))
    images = light.reshape(-1, 2, 2).repeat(16, axis=1).repeat(16, axis=2)[..., None]
    return InMemory(
        images.round().astype(np.uint8), labels, ("cat", "dog", "horse"), {"name": "quarters", "seed": seed}
    )


@pytest.fixture(scope="module")
def tiny() -> Loaded:
    return load("tiny", device="cpu")


@pytest.fixture(scope="module")
def pets() -> Pictures:
    return only(two_kinds(), ["cat", "dog"])


@pytest.fixture(scope="module")
def by(pets: Pictures) -> Judge:
    return judge(Corners(), pets, FIT)


# --- cells ----------------------------------------------------------------------------------------------------


def test_a_cell_counts_what_is_below_the_threshold() -> None:
    cell = cell_of({"prompt": "x"}, np.array([-1.0, -0.001, 0.0, 2.0]), 0.5)
    assert (cell.n, cell.outside, cell.rate, cell.published) == (4, 2, 0.5, False)
    low, high = cell.interval
    z2 = 1.959963984540054**2  # Wilson's interval from its formula
    centre, half = (2 + z2 / 2) / (4 + z2), (z2 * (2 * 2 / 4 + z2 / 4)) ** 0.5 / (4 + z2)
    assert (low, high) == pytest.approx((centre - half, centre + half))
    assert cell_of({}, np.array([1.0]), -0.1).published
    assert not cell_of({}, np.array([1.0]), 0.0).published, "the edge is inside"


def test_a_cell_survives_the_way_to_disk_with_its_count() -> None:
    cell = Cell({"m": 2}, np.array([-0.001, 0.001, -3.14159]), -1.23456, 2, (1, 3))
    data = cell.as_data()
    assert data == {
        "what": {"m": 2}, "outside": 2, "mean_margin": -1.2346, "margins": [-0.0, 0.0, -3.14],
        "split_outside": [1, 3],
    }  # fmt: skip
    back = cell_from(data)
    assert (back.outside, back.split_outside, back.n) == (2, (1, 3), 3)
    assert cell_from({**data, "outside": 1}).outside == 1, "a margin of 0.00 may be on either side"
    for wrong in (0, 4):
        with pytest.raises(ValueError, match=rf"^{wrong} pictures outside do not fit the margins"):
            cell_from({**data, "outside": wrong})


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (({}, np.array([]), 0.0, 0), r"margins must have shape \(n,\) with n > 0; got \(0,\)"),
        (({}, np.zeros(2), 0.0, 3), r"of 2 pictures, \(3,\) cannot be outside"),
        (({}, np.zeros(2), 0.0, 0, (-1,)), r"of 2 pictures, \(0, -1\) cannot be outside"),
    ],
)
def test_impossible_cells_are_refused(words: tuple[Any, ...], reason: str) -> None:
    with pytest.raises(ValueError, match=f"^{reason}$"):
        Cell(*words)


def test_the_published_rate_is_a_mean_of_zeros_and_ones() -> None:
    cells = [cell_of({"prompt": p}, np.array([1.0]), m) for p, m in (("dog", -1.0), ("cat", 2.0), ("pet", 3.0))]
    assert published_rate(cells) == pytest.approx(1 / 3)
    assert [c.what["prompt"] for c in select(cells, prompt="cat")] == ["cat"]
    assert select(cells, epoch=1) == []
    with pytest.raises(ValueError, match="at least one; got none"):
        published_rate([])


# --- judging --------------------------------------------------------------------------------------------------


def test_the_two_rules_disagree_where_pictures_lie_on_both_sides(pets: Pictures, by: Judge) -> None:
    """All single pictures far outside, on opposite sides of a class: their mean is that class's middle."""
    middle = by.space.embed(pets.pixels(np.flatnonzero(pets.labels == 0))).mean(axis=0)
    aside = np.array([0, 0, 0.4, -0.4, 0], dtype=np.float32)
    cell = by.cell({}, np.concatenate([[middle + aside] * 8, [middle - aside] * 8]))
    assert cell.rate == 1 and not cell.published
    # Control: shifted to one side, both rules fire.
    assert by.cell({}, [middle + aside] * 8).published


def test_held_out_pictures_are_outside_by_rank_and_other_kinds_always(pets: Pictures, by: Judge) -> None:
    held = split(pets).held
    for label, name in enumerate(pets.classes):
        own = by.space.embed(pets.pixels(held[pets.labels[held] == label]))
        threshold = by.regions[0].thresholds[name]
        assert by.regions[0].outside_of(own, name).sum() == threshold.rank - 1, "strictly below the rank-th smallest"
    assert by.cell_of_images({}, pets.pixels(held)).outside == 0
    new = only(two_kinds(seed=1), ["cat", "dog"])
    assert 0 < by.cell_of_images({}, new.pixels(np.arange(len(new)))).rate < 0.35
    horses = two_kinds()
    assert by.cell_of_images({}, horses.pixels(np.flatnonzero(horses.labels == 2))).rate == 1


def test_the_first_split_counts_and_the_others_are_told(pets: Pictures, by: Judge) -> None:
    vectors = by.space.embed(pets.pixels(np.arange(len(pets))))
    first, second = by.regions
    cell = by.cell({}, vectors)
    assert len(by.regions) == FIT.splits
    assert cell.outside == first.outside(vectors).sum()
    assert cell.split_outside == (second.outside(vectors).sum(),)
    assert cell.mean_margin == pytest.approx(first.mean_margin(vectors))


def test_vectors_of_real_pictures_are_computed_once(pets: Pictures, tmp_path: Path) -> None:
    class Once(Corners):
        calls = 0

        def embed(self, images: Images) -> Floats:
            Once.calls += 1
            return super().embed(images)

    first = embedded(Once(), pets, tmp_path)
    assert np.array_equal(embedded(Once(), pets, tmp_path), first) and Once.calls == 1
    other = InMemory(255 - pets.pixels(np.arange(3)), pets.labels[:3], pets.classes, {"name": "others"})
    assert embedded(Once(), other, tmp_path).shape == (3, 5)
    assert [p.suffix for p in tmp_path.iterdir()] == [".npy"] * 2


def test_an_array_is_kept_whole_or_not_at_all(tmp_path: Path) -> None:
    def fails() -> Floats:
        raise RuntimeError("stopped")

    with pytest.raises(RuntimeError):
        stored(tmp_path / "a.npy", fails)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ValueError, match="splits must be at least 1; got 0"):
        Fit(splits=0)


# --- curves ---------------------------------------------------------------------------------------------------


def experiment(tiny: Loaded, pets: Pictures, by: Judge, folder: Path, **changes: Any) -> Experiment:
    lesson = Lesson(pets, split(pets).train, ["a small cat"] * len(pets))
    return replace(Experiment(tiny, lesson, by, folder, drawing=DRAWING), **changes)


def test_a_curve_has_a_cell_for_each_prompt_and_epoch_and_is_not_repeated(
    tiny: Loaded, pets: Pictures, by: Judge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[set[str], list[int]]] = []
    plain = sampling.sample

    def watched(loaded: Loaded, prompts: list[str], seeds: list[int], **words: Any) -> Images:
        asked.append((set(prompts), list(seeds)))
        return plain(loaded, prompts, seeds, **words)

    monkeypatch.setattr(curves, "sample", watched)
    made = experiment(tiny, pets, by, tmp_path)
    cells, tuned = made.curve(RECIPE)
    prompts = list(PROMPTS.values())
    expected = [{"prompt": p, "seed": 0, "epoch": e} for e in (0, 1, 2) for p in prompts]
    assert [dict(c.what) for c in cells] == expected
    assert len(tuned.losses) == 2 * tuned.steps_per_epoch == 2 * (96 // 16)
    assert asked == [({p}, list(range(5))) for _ in range(3) for p in prompts], "the same noise for every epoch"
    before, after = (select(cells, epoch=e, prompt=prompts[0])[0].margins for e in (0, 2))
    assert np.abs(before - after).max() > 1e-6, "the tuned UNet was sampled, not the first"

    asked.clear()
    again, _ = made.curve(RECIPE)
    assert asked == []
    assert [c.as_data() for c in again] == [c.as_data() for c in cells]
    other, _ = made.curve(replace(RECIPE, seed=1, epochs=1))
    assert len(asked) == 3, "epoch 0 is the same for every seed"
    assert [c.as_data()["margins"] for c in other[:3]] == [c.as_data()["margins"] for c in cells[:3]]


def test_a_stopped_curve_goes_on_at_the_next_cell(
    tiny: Loaded, pets: Pictures, by: Judge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = experiment(tiny, pets, by, tmp_path, prompts=("a cat", "a dog"))
    plain, left = curves.sample, [3]

    def stops(*words: Any, **options: Any) -> Images:
        if not left[0]:
            raise KeyboardInterrupt
        left[0] -= 1
        return plain(*words, **options)

    monkeypatch.setattr(curves, "sample", stops)
    with pytest.raises(KeyboardInterrupt):
        made.curve(replace(RECIPE, epochs=1))
    left[0] = 1  # three of the four are there
    cells, _ = made.curve(replace(RECIPE, epochs=1))
    monkeypatch.setattr(curves, "sample", plain)
    whole, _ = experiment(tiny, pets, by, tmp_path / "whole", prompts=("a cat", "a dog")).curve(
        replace(RECIPE, epochs=1)
    )
    assert [c.as_data() for c in cells] == [c.as_data() for c in whole]


def test_other_image_seeds_share_no_noise() -> None:
    drawing = Drawing(k=10)
    seeds = [set(replace(drawing, image_seed=s).seeds()) for s in range(4)]
    assert all(len(s) == 10 for s in seeds)
    assert len(set.union(*seeds)) == 40


def test_shown_pictures_are_drawn_again(tiny: Loaded) -> None:
    whole = DRAWING.images(tiny, "a cat")
    assert np.abs(DRAWING.images(tiny, "a cat", [3, 1]).astype(int) - whole[[3, 1]]).max() <= 1
    cell = cell_of({}, np.array([1.0, -1, 2, -2, -3]), 0.0)
    assert first_of(cell, 2, outside=True).tolist() == [1, 3]
    assert first_of(cell, 9, outside=False).tolist() == [0, 2]


def test_pictures_from_one_noise_count_once_in_an_interval() -> None:
    cells = [cell_of({"epoch": e}, np.where(np.arange(40) < 10, -1.0, 1.0), 0.0) for e in range(5)]
    share, low, high = pooled(cells)
    assert share == 0.25
    assert (low, high) == cells[0].interval
    with pytest.raises(ValueError, match="at least one"):
        pooled([])


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"prompts": ()}, r"prompts must be one or more, each once; got \[\]"),
        ({"prompts": ("a cat", "a cat")}, "prompts must be one or more, each once"),
        ({"prompts": ("a cat", "a wombat")}, "the prompt 'a wombat' has words this model never saw: wombat"),
    ],
)
def test_prompts_are_checked_first(
    tiny: Loaded, pets: Pictures, by: Judge, tmp_path: Path, changes: dict[str, Any], reason: str
) -> None:
    with pytest.raises(ValueError, match=f"^{reason}"):
        experiment(tiny, pets, by, tmp_path, **changes)


@pytest.mark.parametrize(
    ("change", "reason"),
    [({n: 0}, f"{n} must be at least 1; got 0") for n in ("k", "steps", "batch_size")]
    + [({"guidance": 0.9}, "guidance must be at least 1, which is none; got 0.9")]
    + [({"image_seed": -1}, "image_seed must not be negative; got -1")],
)
def test_impossible_drawings_are_refused(change: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=f"^{reason}$"):
        replace(DRAWING, **change)


# --- averages -------------------------------------------------------------------------------------------------


def test_sets_have_different_members_of_the_pool() -> None:
    pool = np.array([3, 5, 7, 11])
    sets = subsets(pool, 3, 200, seed=0)
    assert sets.shape == (200, 3)
    assert all(len(set(s)) == 3 and set(s) <= set(pool) for s in sets.tolist())
    assert np.array_equal(sets, subsets(pool, 3, 200, seed=0))
    assert not np.array_equal(sets, subsets(pool, 3, 200, seed=1))
    counts = np.array([(sets == p).sum() for p in pool])
    assert abs(counts - 150).max() < 5 * (200 * 0.75 * 0.25) ** 0.5
    with pytest.raises(ValueError, match=r"^cannot draw 2 sets of 5 from 4 pictures$"):
        subsets(pool, 5, 2, seed=0)


def test_means_of_pictures_are_those_of_their_pixels(pets: Pictures) -> None:
    sets = np.array([[0, 1, 2], [5, 4, 3]])
    found = mean_pictures(pets, sets)
    sums = np.array([sum(pets.pixels([int(i)])[0].astype(int) for i in s) for s in sets])
    assert np.abs(found - sums / 3).max() <= 0.5
    assert found.dtype == np.uint8


def test_means_of_two_kinds_lie_outside_and_single_pictures_do_not(tiny: Loaded, pets: Pictures, by: Judge) -> None:
    """A mixture with nothing between its two parts: the mean of one picture of each is where no picture is."""
    held, k = split(pets).held, 60
    judges = {"embedding": by, "latent": judge(LatentSpace(tiny), pets, FIT)}
    cells = list(average_cells(tiny, pets, held, judges, k=k, means=(1, 2, 8)))
    keys = [(c.what["way"], c.what["m"], c.what["space"]) for c in cells]
    assert keys == [(w, m, s) for m in (1, 2, 8) for s in ("embedding", "latent") for w in ("pixels", "latents")]
    rates = [select(cells, way="pixels", space="embedding", m=m)[0].rate for m in (1, 2, 8)]
    assert rates[0] < 0.35
    sets = subsets(held, 2, k, seed=0)
    mixed = (pets.labels[sets[:, 0]] != pets.labels[sets[:, 1]]).mean()
    assert rates[1] >= mixed > 0.3, "every pair of different kinds is outside"
    assert rates[2] > 0.9
    assert {c.n for c in cells} == {k}


def test_means_of_latents_are_judged_as_vectors_and_as_pictures(tiny: Loaded, pets: Pictures, by: Judge) -> None:
    held = split(pets).held
    latent = judge(LatentSpace(tiny), pets, FIT)
    cells = list(average_cells(tiny, pets, held, {"embedding": by, "latent": latent}, k=4, means=(2,), seed=3))
    sets = subsets(held, 2, 4, seed=3)
    means = np.array([mean_latents(tiny, pets.pixels(s)).mean(axis=0) for s in sets])
    (found,) = select(cells, way="latents", space="latent")
    assert found.margins == pytest.approx(latent.regions[0].margins(flat(means)), abs=1e-2)
    (found,) = select(cells, way="latents", space="embedding")
    expected = by.regions[0].margins(by.space.embed(sampling.decode(tiny, means)))
    assert found.margins == pytest.approx(expected, rel=1e-2, abs=0.5)


# --- few steps ------------------------------------------------------------------------------------------------


def test_one_step_without_guidance_is_the_prediction(tiny: Loaded, by: Judge) -> None:
    cells = list(step_cells(tiny, ["a cat", "a dog"], {"embedding": by}, DRAWING, steps=(1, 2), guidances=(1.0, 3.0)))
    keys = [(c.what["guidance"], c.what["steps"], c.what["prompt"]) for c in cells]
    assert keys == [(g, s, p) for g in (1.0, 3.0) for s in (1, 2) for p in ("a cat", "a dog")]
    expected = by.regions[0].margins(by.space.embed(sampling.one_step(tiny, ["a dog"] * 5, range(5))))
    assert cells[1].margins == pytest.approx(expected, rel=1e-3, abs=0.5)
    assert not np.allclose(cells[1].margins, cells[5].margins)


# --- controls -------------------------------------------------------------------------------------------------


def test_controls_are_all_there_and_the_mean_rule_is_judged_beside(pets: Pictures, by: Judge) -> None:
    held = split(pets).held
    cells = list(control_cells(pets, held, two_kinds(), by, FIT, dimensions=(2, 3, 40)))
    assert {c.what["dimensions"] for c in cells} == {2, 3}, "40 are more than the space has"
    mine = select(cells, dimensions=3)
    names = [(c.what["control"], c.what["class"], c.n) for c in mine]
    assert names == [
        ("held-out", "cat", 12), ("held-out", "dog", 12), ("other", "horse", 60), ("blank", "none", 3),
        ("noise", "none", 100),
    ]  # fmt: skip
    assert [c.rate for c in mine[2:]] == [1, 1, 1]
    (cats,) = select(mine, control="held-out", **{"class": "cat"})
    rows = held[pets.labels[held] == 0]
    assert cats.outside == by.regions[0].outside(by.space.embed(pets.pixels(rows))).sum()
