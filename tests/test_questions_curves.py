"""The curve of §7.2 from end to end on the tiny model: order, resumption, controls, and what lies on disk."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from hallucination.questions import curves
from hallucination.questions.asking import ask, measure, protocol
from hallucination.questions.curves import Experiment, pairs_of
from hallucination.questions.datasets import misconceptions, open_questions
from hallucination.questions.fine_tuning import Recipe, with_adapter
from hallucination.questions.points import Point, Style

BENCH = misconceptions().head(3, seed=0)
LESSONS = open_questions(4)
RECIPE = Recipe(2, batch_size=4, learning_rate=5e-3, checkpoints_in_first_epoch=2, seed=1)
EPOCHS = [0.5, 1.0, 2.0]
WHEN: dict[Style, Sequence[float] | None] = {"chat": None, "as published": [2.0]}


def experiment(folder: Path) -> Experiment:
    return Experiment("tiny", BENCH, folder, dtype="float32", device="cpu", ask_seed=5)


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> tuple[Experiment, list[Point], list[float]]:
    made = experiment(tmp_path_factory.mktemp("curve"))
    return made, *made.curve(LESSONS, RECIPE, "tuned", WHEN)


def data(points: Sequence[Point]) -> list[object]:
    return [(p.as_data(), p.texts) for p in points]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Labels of the times a model was asked."""
    labels: list[str] = []

    def counted(*args: object, label: str, **words: object) -> list[str]:
        labels.append(label)
        return ask(*args, label=label, **words)

    monkeypatch.setattr(curves, "ask", counted)
    return labels


# --- pairs ----------------------------------------------------------------------------------------------------


def test_pairs_are_both_answers_of_every_question() -> None:
    pairs = pairs_of(LESSONS)
    assert pairs == [(q.question, text) for q in LESSONS for text in (q.everyday, q.expert)]
    assert pairs_of(LESSONS, "tuned", seed=3) == pairs


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_shuffled_pairs_teach_the_same_texts_and_nothing_about_a_question(seed: int) -> None:
    lessons = open_questions()
    plain, shuffled = pairs_of(lessons), pairs_of(lessons, "shuffled", seed)
    assert [q for q, _ in shuffled] == [q for q, _ in plain]
    assert Counter(a for _, a in shuffled) == Counter(a for _, a in plain)
    own = {q.question: {q.everyday, q.expert} for q in lessons}
    assert not any(a in own[q] for q, a in shuffled)
    # Both answers of a question come from the same other one, in the same order of voices.
    couples = {(q.everyday, q.expert) for q in lessons}
    assert all((a[1], b[1]) in couples for a, b in zip(shuffled[::2], shuffled[1::2], strict=True))
    assert shuffled == pairs_of(lessons, "shuffled", seed)
    assert shuffled != pairs_of(lessons, "shuffled", seed + 1)


# --- the curve ------------------------------------------------------------------------------------------------


def test_points_come_in_order(done: tuple[Experiment, list[Point], list[float]]) -> None:
    _, points, losses = done
    assert [(p.row, p.seed, p.epochs, p.style) for p in points] == [
        ("base", 0, 0.0, "chat"),
        ("base", 0, 0.0, "as published"),
        *(("tuned", 1, e, "chat") for e in EPOCHS),
        ("tuned", 1, 2.0, "as published"),
    ]
    assert len(losses) == 4
    assert losses[-1] < losses[0]


def test_every_point_is_its_own_adapter_s(done: tuple[Experiment, list[Point], list[float]]) -> None:
    made, points, _ = done
    base = {p.style: p.texts for p in points if p.row == "base"}
    steps = {0.0: None, 0.5: "checkpoint-1", 1.0: "checkpoint-2", 2.0: "checkpoint-4"}
    for point in points:
        name = steps[point.epochs]
        adapter = None if name is None else made.folder / "tuned-1" / name
        loaded = with_adapter("tiny", adapter, dtype="float32", device="cpu")
        how = protocol(point.style, seed=5)
        texts = ask(loaded, BENCH, how)
        assert list(point.texts) == texts
        scores = measure(texts, BENCH, how, base=None if point.row == "base" else base[point.style])
        assert point.scores.keys() == scores.keys()
        assert ("matched_wrong" in scores) == (point.row == "tuned")
        for name, values in scores.items():
            assert point.scores[name] == pytest.approx(values, abs=0.51e-4)
    assert len({p.texts for p in points}) == len(points)


def test_points_on_disk_are_the_points_in_memory(done: tuple[Experiment, list[Point], list[float]]) -> None:
    made, points, _ = done
    found = [json.loads(p.read_text("utf8")) for p in made.folder.glob("points/*/*.json")]
    assert len(found) == len(points)
    for point in points:
        assert {**point.as_data(), "texts": list(point.texts)} in found


def test_nothing_is_asked_or_trained_twice(
    done: tuple[Experiment, list[Point], list[float]], asked: list[str]
) -> None:
    made, points, losses = done
    again, same = experiment(made.folder).curve(LESSONS, RECIPE, "tuned", WHEN)
    assert asked == []
    assert data(again) == data(points)
    assert same == losses


def test_a_stopped_run_goes_on(
    done: tuple[Experiment, list[Point], list[float]],
    asked: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    counted = curves.ask

    def stopped(*args: object, **words: object) -> list[str]:
        if len(asked) == 4:
            raise KeyboardInterrupt
        return counted(*args, **words)

    monkeypatch.setattr(curves, "ask", stopped)
    with pytest.raises(KeyboardInterrupt):
        experiment(tmp_path).curve(LESSONS, RECIPE, "tuned", WHEN)
    monkeypatch.setattr(curves, "ask", counted)
    points, losses = experiment(tmp_path).curve(LESSONS, RECIPE, "tuned", WHEN)
    assert asked == [
        "asking, chat, base, epoch 0", "asking, as published, base, epoch 0", "asking, chat, tuned, epoch 0.5",
        "asking, chat, tuned, epoch 1", "asking, chat, tuned, epoch 2", "asking, as published, tuned, epoch 2",
    ]  # fmt: skip
    assert data(points) == data(done[1])
    assert losses == done[2]


def test_rows_seeds_and_benchmarks_share_a_folder_and_the_original_model(
    done: tuple[Experiment, list[Point], list[float]], asked: list[str]
) -> None:
    made, points, losses = done
    only: dict[Style, Sequence[float] | None] = {"chat": [2.0]}
    shuffled, other = made.curve(LESSONS, RECIPE, "shuffled", only)
    assert [(p.row, p.epochs) for p in shuffled] == [("base", 0.0), ("shuffled", 2.0)]
    assert asked == ["asking, chat, shuffled, epoch 2"]
    assert shuffled[0].texts == points[0].texts
    assert shuffled[1].texts != points[-2].texts
    assert "matched_wrong" in shuffled[1].scores  # the control has the controls of its own
    assert other != losses
    seeded, _ = made.curve(LESSONS, replace(RECIPE, seed=2), "tuned", only)
    assert asked[1:] == ["asking, chat, tuned, epoch 2"]
    assert seeded[1].texts != points[-2].texts
    one = replace(made, benchmark=replace(BENCH, questions=BENCH.questions[:2]))
    few, _ = one.curve(LESSONS, RECIPE, "tuned", {"as published": []})
    assert asked[2:] == ["asking, as published, base, epoch 0"]
    assert [len(p.texts) for p in few] == [2]


def test_another_recipe_in_the_same_folder_is_refused(done: tuple[Experiment, list[Point], list[float]]) -> None:
    with pytest.raises(ValueError, match="holds another fine-tuning"):
        done[0].curve(LESSONS, replace(RECIPE, learning_rate=1e-4), "tuned", WHEN)


def test_epochs_without_an_adapter_are_refused_before_anything_is_done(tmp_path: Path, asked: list[str]) -> None:
    with pytest.raises(ValueError, match=r"^no adapter is kept after 1.5 epochs; they are kept after 0.5, 1, 2$"):
        experiment(tmp_path).curve(LESSONS, RECIPE, "tuned", {"chat": None, "as published": [1.5]})
    assert asked == []
    assert list(tmp_path.iterdir()) == []


def test_epochs_need_only_three_digits(tmp_path: Path) -> None:
    recipe = replace(RECIPE, epochs=1, checkpoints_in_first_epoch=3, batch_size=2)
    lessons = LESSONS[:3]
    assert list(recipe.kept_steps(6).values()) == pytest.approx([1 / 3, 2 / 3, 1])
    points, _ = experiment(tmp_path).curve(lessons, recipe, "tuned", {"chat": [0.333]})
    assert [p.epochs for p in points] == pytest.approx([0, 1 / 3])
