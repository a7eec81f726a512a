"""Records of the long runs: read back whole, joined over seeds, refused when they are something else."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from conftest import ROOT
from hallucination.questions import recorded
from hallucination.questions.controls import derangement
from hallucination.questions.datasets import misconceptions, open_questions
from hallucination.questions.points import Point, point_from
from hallucination.questions.ways import OWN, SHUFFLED, WAYS, Scored, place_average, rate, scored_from, threshold

FOLDER = ROOT / "records" / "questions"
COMMITTED = sorted(set(FOLDER.glob("*.json")) - set(FOLDER.glob("rehearsal-*.json")))


def point(row: str, seed: int, epochs: float, wrong: list[float]) -> Point:
    return Point(row, seed, epochs, "chat", {"wrong": np.array(wrong), "length": np.array([5.0] * len(wrong))})  # type: ignore[arg-type]


def record(row: str, seed: int, points: list[Point], **changes: Any) -> dict[str, Any]:
    data = {
        "model": {"name": "smollm2"},
        "benchmark": {"name": "TruthfulQA", "sha256": "0", "asked": 2},
        "parameters": {"seed": seed},
        "provenance": {},
        "seconds_in_this_process": 1.0,
        "peak_memory_mb": 1,
        "row": row,
        "losses": [1.0, 0.5],
        "points": [p.as_data() for p in points],
    }
    return {**data, **changes}


BASE = point("base", 0, 0.0, [0.1, 0.3])
FIRST = record("tuned", 0, [BASE, point("tuned", 0, 1.0, [0.2, 0.4]), point("tuned", 0, 2.0, [0.3, 0.5])])
SECOND = record("tuned", 1, [BASE, point("tuned", 1, 2.0, [0.4, 0.6])])


def test_a_point_survives_the_way_to_disk_to_four_places() -> None:
    made = point("tuned", 3, 0.5, [0.123456, 0.5])
    back = point_from(json.loads(json.dumps(made.as_data())))
    assert (back.row, back.seed, back.epochs, back.style) == ("tuned", 3, 0.5, "chat")
    assert back.scores["wrong"].tolist() == [0.1235, 0.5]
    assert replace(back, texts=("secret",)).as_data() == back.as_data(), "texts stay out of records"


def test_seeds_are_joined_and_the_original_model_is_counted_once() -> None:
    curves = recorded.curves_from([FIRST, SECOND])
    assert curves.seeds() == [0, 1]
    assert curves.seeds("shuffled") == []
    assert curves.scores("tuned", "chat", 0.0, "wrong").tolist() == [[0.1, 0.3]]
    assert curves.scores("tuned", "chat", 2.0, "wrong").tolist() == [[0.3, 0.5], [0.4, 0.6]]


def test_only_epochs_that_every_seed_has_are_offered() -> None:
    assert recorded.curves_from([FIRST, SECOND]).epochs("tuned", "chat") == [0.0, 2.0]
    assert recorded.curves_from([FIRST]).epochs("tuned", "chat") == [0.0, 1.0, 2.0]
    assert recorded.curves_from([FIRST]).epochs("shuffled", "chat") == [0.0]


def test_what_was_not_recorded_is_not_made_up() -> None:
    curves = recorded.curves_from([FIRST])
    with pytest.raises(KeyError, match="no record of 'wrong' for tuned, chat, epoch 7"):
        curves.scores("tuned", "chat", 7.0, "wrong")
    with pytest.raises(KeyError, match="'bare_wrong'"):
        curves.scores("tuned", "chat", 1.0, "bare_wrong")


def test_records_of_different_benchmarks_are_not_joined() -> None:
    other = record("tuned", 1, [BASE], benchmark={"name": "TruthfulQA", "sha256": "1", "asked": 2})
    with pytest.raises(ValueError, match="one model and benchmark; got 2"):
        recorded.curves_from([FIRST, other])


def test_broken_records_are_refused_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "smollm2-TruthfulQA-2-tuned-0.json"
    path.write_text('{"model": {}', "utf8")
    with pytest.raises(ValueError, match=r"^smollm2-TruthfulQA-2-tuned-0.json is not a whole record"):
        recorded.curves("TruthfulQA", tmp_path)
    path.write_text('{"model": {}}', "utf8")
    with pytest.raises(ValueError, match="it lacks benchmark, parameters"):
        recorded.curves("TruthfulQA", tmp_path)


def test_without_records_there_is_nothing(tmp_path: Path) -> None:
    assert recorded.curves("TruthfulQA", tmp_path) is None
    assert recorded.voices(tmp_path) == []


def test_a_voices_record_must_have_every_way(tmp_path: Path) -> None:
    ways = [Scored(way, np.zeros((2, 3)), np.ones(3), ("a", "b", "c")).as_data() for way in WAYS]
    path = tmp_path / "smollm2-misconceptions-3-voices-0.json"
    path.write_text(json.dumps(record("voices", 0, [], ways=ways)), "utf8")
    assert [sorted(found) for found in recorded.voices(tmp_path)] == [sorted(WAYS)]
    path.write_text(json.dumps(record("voices", 0, [], ways=ways[1:])), "utf8")
    with pytest.raises(ValueError, match="has the ways"):
        recorded.voices(tmp_path)


def test_reading_records_needs_no_torch() -> None:
    import subprocess

    code = "import sys; from hallucination.questions import recorded; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def made(way: str, log_f: list[list[float]], tokens: list[int]) -> Scored:
    return Scored(way, np.array(log_f), np.array(tokens, dtype=float), tuple("x" * len(tokens)))


def test_the_threshold_leaves_the_share_of_true_answers_outside() -> None:
    rng = np.random.default_rng(0)
    ways = {way: made(way, -rng.exponential(10, (2, 500)).round(6), [4] * 500) for way in OWN}  # type: ignore[arg-type]
    log_delta = threshold(ways, 0.1, per_token=False)
    assert np.mean([rate(ways[way], log_delta, per_token=False) for way in OWN]) == pytest.approx(0.1, abs=0.002)
    with pytest.raises(ValueError, match="strictly between 0 and 1; got 1"):
        threshold(ways, 1, per_token=False)


def test_an_answer_hallucinates_only_if_no_voice_gives_it_more_than_delta() -> None:
    scored = made("greedy", [[-1.0, -9.0, -9.0], [-9.0, -1.0, -9.0]], [1, 1, 3])
    assert rate(scored, -2.0, per_token=False) == pytest.approx(1 / 3)
    assert rate(scored, -9.0, per_token=False) == pytest.approx(1 / 3), "at most δ: the edge is outside"
    assert rate(scored, -9.1, per_token=False) == 0
    assert rate(scored, -2.0, per_token=True) == pytest.approx(1 / 3)
    assert rate(scored, -3.1, per_token=True) == 0
    assert scored_from(scored.as_data()).log_f.tolist() == scored.log_f.tolist()


def test_a_vote_ends_where_most_answers_have_ended() -> None:
    assert place_average([[5, 0], [5, 6, 0], [5, 0]], end=0) == [5, 0]
    assert place_average([[5, 6, 7], [4, 6, 0], [4, 6, 7]], end=0) == [4, 6, 7]


@pytest.mark.skipif(not COMMITTED, reason="no record was made yet")
def test_committed_records_are_whole_and_carry_provenance() -> None:
    for path in COMMITTED:
        data = recorded.read(path)
        assert data["provenance"]["versions"]["torch"], path.name
        assert data["provenance"]["hardware"]["processor"], path.name


@pytest.mark.skipif(not COMMITTED, reason="no record was made yet")
def test_committed_curves_carry_no_words_of_the_benchmark() -> None:
    ours = " ".join(q.question + q.everyday + q.expert for q in open_questions())
    for path in COMMITTED:
        data = recorded.read(path)
        if data["benchmark"].get("name") == "TruthfulQA":
            assert "texts" not in path.read_text("utf8"), path.name
            for item in data.get("points", []):
                assert all(isinstance(x, float) for values in item["scores"].values() for x in values), path.name
    assert ours, "our own texts may be kept"


def test_the_control_learns_the_same_texts() -> None:
    from hallucination.questions.curves import pairs_of

    questions = open_questions(12)
    own, other = pairs_of(questions), pairs_of(questions, "shuffled", 3)
    assert sorted(a for _, a in own) == sorted(a for _, a in other)
    assert [q for q, _ in own] == [q for q, _ in other]
    assert not set(own) & set(other)
    assert sorted(derangement(12, 3)) == list(range(12))


def test_shuffled_words_is_the_way_that_must_fire() -> None:
    assert WAYS[-1] == SHUFFLED
    assert len(misconceptions().questions) == 160
