"""The commands for long runs: records, resumption, refusals in one line, and several processes."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from hallucination.questions import truthfulqa
from hallucination.questions.datasets import misconceptions, open_questions
from hallucination.questions.long_run import main
from hallucination.questions.recorded import NEEDED
from hallucination.questions.recorded import curves as recorded_curves
from hallucination.questions.recorded import voices as recorded_voices
from hallucination.questions.ways import WAYS

SMALL = ["--model", "tiny", "--n-train", "4", "--epochs", "1", "--learning-rate", "5e-3", "--seed", "3"]
VARYING = {"seconds_in_this_process", "peak_memory_mb", "provenance"}


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def run(*words: str) -> Result:
    return CliRunner().invoke(main, list(words))


def record(result: Result) -> dict[str, Any]:
    assert result.exit_code == 0, result.output
    last = result.stdout.strip().splitlines()[-1]
    assert last.startswith("written: ")
    return json.loads(Path(last.removeprefix("written: ")).read_text("utf8"))


def lasting(data: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in data.items() if k not in VARYING}


@pytest.fixture
def copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small file in TruthfulQA's form."""
    rows = [
        [f"Category {k}", f"Which colour has the {k}th raven?", f"Black as night {k}", f"Black {k}; Dark {k}",
         f"White as snow {k}; Green like grass {k}"]
        for k in range(3)
    ]  # fmt: skip
    path = tmp_path / "benchmark.csv"
    with path.open("w", newline="", encoding="utf8") as file:
        csv.writer(file).writerows([truthfulqa.NEEDED, *rows])
    monkeypatch.setattr(truthfulqa, "VERSIONS", {(3, 6, False): "v0"})
    return path


# --- curve ----------------------------------------------------------------------------------------------------


def test_curve_writes_a_record_without_the_benchmark_s_words(copy: Path, tmp_path: Path) -> None:
    result = run("curve", *SMALL, "--benchmark", str(copy))
    data = record(result)
    assert [p.name for p in (tmp_path / "records" / "questions").iterdir()] == ["tiny-TruthfulQA-3-tuned-3.json"]
    assert set(NEEDED) <= set(data)
    assert data["benchmark"]["version"] == "v0"
    assert data["benchmark"]["asked"] == 3
    assert data["model"]["name"] == "tiny"
    assert data["parameters"] == {
        "epochs": 1, "rank": 8, "alpha": 16, "targets": "all-linear", "learning_rate": 5e-3, "batch_size": 8,
        "checkpoints_in_first_epoch": 2, "seed": 3, "pairs": 8, "ask_seed": 0,
    }  # fmt: skip
    assert {"commit", "dirty", "versions", "hardware"} <= set(data["provenance"])
    assert {"torch", "transformers", "peft"} <= set(data["provenance"]["versions"])
    assert [(p["row"], p["epochs"], p["style"]) for p in data["points"]] == [
        ("base", 0, "chat"), ("base", 0, "as published"), ("tuned", 1, "chat"), ("tuned", 1, "as published"),
    ]  # fmt: skip
    assert all(len(v) == 3 for p in data["points"] for v in p["scores"].values())
    assert len(data["losses"]) == 1
    text = json.dumps(data)
    bench = truthfulqa.load(copy)
    words = {w for q in bench.questions for t in (q.question, *q.right, *q.incorrect) for w in (t, *t.split())}
    assert {w for w in words if len(w) > 4 and w in text} == set()
    assert "texts" not in text


def test_curve_goes_on_and_is_reproduced(tmp_path: Path) -> None:
    words = ["curve", *SMALL, "--n-eval", "2", "--epochs", "2", "--chat-at", "2", "--published-at", "1"]
    first = record(run(*words))
    assert [(p["epochs"], p["style"]) for p in first["points"]][2:] == [(1, "as published"), (2, "chat")]
    made = {
        p: p.stat().st_mtime_ns for p in (tmp_path / "runs").rglob("*") if p.is_file() and p.name != "recipe.json"
    }
    assert lasting(record(run(*words))) == lasting(first)
    now = {p: p.stat().st_mtime_ns for p in (tmp_path / "runs").rglob("*") if p.is_file() and p.name != "recipe.json"}
    assert now == made
    anew = record(run(*words, "--work", str(tmp_path / "anew"), "--out", str(tmp_path / "other")))
    assert lasting(anew) == lasting(first)
    other = record(run(*words, "--seed", "4"))
    assert other["losses"] != first["losses"]


def test_records_of_rows_and_seeds_are_joined(tmp_path: Path) -> None:
    for words in ([], ["--row", "shuffled"], ["--seed", "4"]):
        data = record(run("curve", *SMALL, "--n-eval", "2", *words))
    folder = tmp_path / "records" / "questions"
    joined = recorded_curves("misconceptions", folder, model="tiny")
    assert joined is not None
    assert (joined.seeds(), joined.seeds("shuffled")) == ([3, 4], [3])
    assert joined.scores("tuned", "chat", 1.0, "wrong").shape == (2, 2)
    assert joined.losses["tuned", 4] == tuple(data["losses"])
    assert joined.losses["shuffled", 3] != joined.losses["tuned", 3]


# --- voices ---------------------------------------------------------------------------------------------------


def test_voices_writes_a_record_and_reproduces_it(tmp_path: Path) -> None:
    words = ["voices", *SMALL, "--n-eval", "2", "--draws", "2"]
    first = record(run(*words))
    assert set(NEEDED) <= set(first)
    assert first["draws"] == 2
    (ways,) = recorded_voices(tmp_path / "records" / "questions", model="tiny")
    assert list(ways) == list(WAYS)
    assert {len(one.texts) for one in ways.values()} == {2}
    assert sorted(p.name for p in (tmp_path / "runs" / "questions" / "tiny-4-lr0.005-epochs1").iterdir()) == [
        "everyday-3", "expert-3", "tuned-3",
    ]  # fmt: skip
    assert lasting(record(run(*words))) == lasting(first)


def test_voices_asks_no_questions_of_others(copy: Path, tmp_path: Path) -> None:
    result = run("voices", *SMALL, "--benchmark", str(copy))
    assert result.exit_code == 1
    assert result.output == (
        "Error: the answers go into the record with their words, so only our own questions are asked\n"
    )
    assert not (tmp_path / "runs").exists()


# --- refusals -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["curve", "voices", "tune"])
@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["--model", "gpt-9"], "unknown model 'gpt-9': give one of"),
        (["--benchmark", "nowhere.csv"], "'nowhere.csv' is neither a file nor the hub id"),
        (["--n-eval", "9999"], "cannot draw 9999 questions from the"),
        (["--n-train", "0"], f"cannot take 0 questions from {len(open_questions())}"),
        (["--epochs", "0"], "epochs must be at least 1; got 0"),
        (["--learning-rate", "-1"], "the learning rate must be positive; got -1.0"),
    ],
)
def test_bad_options_are_told_in_one_line(command: str, words: list[str], reason: str, tmp_path: Path) -> None:
    result = run(command, *SMALL, *words)
    assert result.exit_code == 1
    assert result.output.startswith(f"Error: {reason}")
    assert result.output.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_model_that_is_not_here_is_told_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    result = run("curve", *SMALL, "--model", "qwen2.5-7b-instruct")
    assert result.exit_code == 1
    assert result.output.startswith("Error: the model qwen2.5-7b-instruct (")
    assert result.output.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["--chat-at", "1,one"], "numbers with commas between them are needed, as 2,4; got '1,one'"),
        (["--chat-at", "3"], "Error: no adapter is kept after 3 epochs; they are kept after 1"),
        (["--published-at", "0.25"], "Error: no adapter is kept after 0.25 epochs; they are kept after 1"),
        (["--n-eval", "1"], "Invalid value for '--n-eval'"),
        (["--batch-size", "0"], "Invalid value for '--batch-size'"),
        (["--row", "base"], "Invalid value for '--row'"),
    ],
)
def test_bad_options_of_a_curve(words: list[str], reason: str, tmp_path: Path) -> None:
    result = run("curve", *SMALL, *words)
    assert result.exit_code in (1, 2)
    assert reason in result.output.splitlines()[-1]
    assert list(tmp_path.iterdir()) == []


def test_our_own_questions_are_the_default() -> None:
    data = record(run("curve", *SMALL, "--n-eval", "2", "--chat-at", "1"))
    bench = misconceptions()
    assert data["benchmark"] == {"name": bench.name, "version": "1", "sha256": bench.sha256, "asked": 2}


# --- several processes ----------------------------------------------------------------------------------------


# The first process takes its time to write; the second must not look for the last adapter before it is there.
PROCESS = """
import time
from hallucination.questions.long_run import main
from transformers import TrainerState

write = TrainerState.save_to_json
TrainerState.save_to_json = lambda *words: time.sleep(1.5) or write(*words)
main()
"""


def test_two_processes_tune_together(tmp_path: Path) -> None:
    # accelerate launch would start a single process on a machine without a GPU.
    (tmp_path / "process.py").write_text(PROCESS, "utf8")
    launch = ["torch.distributed.run", "--nproc_per_node", "2", "process.py", "tune"]
    words = ["--model", "tiny", "--n-train", "10", "--epochs", "2", "--work", str(tmp_path / "work")]
    done = subprocess.run(
        [sys.executable, "-m", *launch, *words], capture_output=True, text=True, check=False, timeout=600,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    assert "Warning" not in done.stderr
    assert done.stdout.count("6 steps; last loss") == 2  # 20 pairs in batches of 8: 3 steps an epoch
    folder = tmp_path / "work" / "tiny-10-lr5e-05-epochs2" / "tuned-0"
    # Both processes took part, and half of the first epoch, its end and the second's end are kept.
    assert sorted(p.name for p in folder.glob("checkpoint-*")) == ["checkpoint-2", "checkpoint-3", "checkpoint-6"]
    assert len(list((folder / "checkpoint-6").glob("rng_state_*.pth"))) == 2
    assert (folder / "checkpoint-6" / "adapter_model.safetensors").is_file()
