"""Records of the long runs of §7.3: written by the commands, read back whole, refused when they are others."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

from conftest import ROOT
from hallucination.pictures import grids, recorded
from hallucination.pictures.captions import PROMPTS
from hallucination.pictures.long_run import main
from hallucination.pictures.points import Cell, cell_of

FOLDER = ROOT / "records" / "pictures"
SMALL = [
    "--model", "tiny", "--embedding", "tiny", "--per-class", "50", "--dimensions", "4", "--k", "4", "--steps", "1",
    "--splits", "2",
]  # fmt: skip
FEW = ["--draws", "40"]
TUNED = ["--epochs", "2", "--train-batch", "40", "--prompt", "a fluffy cat", "--prompt", PROMPTS["pet"]]


def run(*words: str) -> Result:
    return CliRunner().invoke(main, list(words))


def record(result: Result) -> dict[str, Any]:
    assert result.exit_code == 0, result.output
    last = result.stdout.strip().splitlines()[-1]
    assert last.startswith("written: ")
    return json.loads(Path(last.removeprefix("written: ")).read_text("utf8"))


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path / "records" / "pictures"


# --- commands -------------------------------------------------------------------------------------------------


def test_curve_writes_a_record_that_is_read_back(elsewhere: Path) -> None:
    first = record(run("curve", *SMALL, *TUNED, *FEW))
    assert [p.name for p in sorted(elsewhere.iterdir())] == ["tiny-animals-curve-0.json", "tiny-animals-curve-0.png"]
    assert {"commit", "dirty", "versions", "hardware"} <= set(first["provenance"])
    assert len(first["pictures"]["sha256"]) == 64
    assert first["pictures"] | {"learned": 80, "held": 20, "n": 100, "classes": ["cat", "dog"]} == first["pictures"]
    assert first["parameters"]["recipe"]["epochs"] == 2
    assert first["parameters"]["fit"]["alpha"] == "1/10"
    assert set(first["thresholds"]) == {"cat", "dog"}

    record(run("curve", *SMALL, *TUNED, *FEW, "--seed", "1"))
    found = recorded.curves("tiny", "animals", elsewhere)
    assert found is not None
    assert (found.seeds, found.epochs, found.prompts) == ([0, 1], [0, 1, 2], ["a fluffy cat", PROMPTS["pet"]])
    assert found.epoch_losses().shape == (2, 2)
    assert found.epoch_losses()[0] == pytest.approx(np.reshape(first["losses"], (2, -1)).mean(axis=1))
    for prompt in found.prompts:
        assert found.rates(prompt).shape == found.published().shape == (2, 3)
    cell = first["cells"][3]
    assert found.cell(cell["what"]["prompt"], 0, 1).outside == cell["outside"]
    assert {len(c.margins) for c in found.cells} == {4}

    rows = recorded.shown(first, elsewhere)
    assert [(what["epoch"], what["prompt"]) for what, _ in rows] == [(e, p) for e in (0, 2) for p in found.prompts]
    for what, images in rows:
        assert images.shape[1:] == (32, 32, 1)
        outside = found.cell(what["prompt"], 0, what["epoch"]).margins[what["numbers"]] < 0
        assert len(images) == len(what["numbers"]) and what["outside"] == outside.tolist()


def test_averages_writes_a_record_that_is_read_back(elsewhere: Path) -> None:
    record(run("averages", *SMALL, "--means", "1,4"))
    found = recorded.averages("tiny", "animals", elsewhere)
    assert found is not None
    kinds = {(c.what["way"], c.what.get("m", c.what.get("class")), c.what["space"]) for c in found.cells}
    expected = [("pixels", (1, 4)), ("latents", (1, 4)), ("minimiser", ("all", "cat", "dog"))]
    assert kinds == {(way, x, space) for way, each in expected for x in each for space in ("embedding", "latent")}
    assert {c.what["control"] for c in found.controls} == {"held-out", "other", "blank", "noise"}
    assert len({c.what["class"] for c in found.controls if c.what["control"] == "other"}) == 8
    assert found.facts["parameters"]["means"] == [1, 4]
    assert recorded.steps("tiny", "animals", elsewhere) is None


def test_steps_writes_a_record_that_is_read_back(elsewhere: Path) -> None:
    record(run("steps", *SMALL, "--counts", "1,2", "--guidances", "1", "--prompt", "a cute pet animal"))
    found = recorded.steps("tiny", "animals", elsewhere)
    assert found is not None
    assert [(c.what["steps"], c.what["space"]) for c in found.cells] == [
        (1, "embedding"), (1, "latent"), (2, "embedding"), (2, "latent"),
    ]  # fmt: skip
    assert found.controls == ()


def test_a_fine_tuned_unet_can_be_judged(elsewhere: Path, tmp_path: Path) -> None:
    done = run("tune", *SMALL, *TUNED)
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith("4 steps; last loss ")
    folder = Path(done.stdout.strip().rpartition(" in ")[2])
    unet = str(folder / "epoch-0002" / "unet")
    one = ["steps", *SMALL, "--counts", "1", "--guidances", "1"]
    tuned = record(run(*one, "--unet", unet, "--out", str(tmp_path / "other")))
    plain = record(run(*one))
    assert tuned["model"]["unet"] == "/".join(Path(unet).parts[-3:])
    assert set(tuned["model"]) == {*plain["model"], "unet", "unet_sha256"}
    assert tuned["cells"][0]["margins"] != plain["cells"][0]["margins"]


@pytest.mark.parametrize("command", ["curve", "averages", "steps", "tune"])
@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["--model", "nothing"], "unknown model 'nothing': give one of"),
        (["--data", "nothing"], "unknown pictures 'nothing': give one of"),
        (["--embedding", "nothing"], "unknown embedder 'nothing': give one of"),
        (["--classes", "cat,lion"], "classes must be one or more of bear, bird"),
        (["--prompt", "a wombat"], "the prompt 'a wombat' has words this model never saw: wombat"),
        (["--k", "0"], "k must be at least 1; got 0"),
        (["--splits", "0"], "splits must be at least 1; got 0"),
        (["--unet", "nowhere"], "nowhere holds no UNet: there is no config.json"),
    ],
)
def test_bad_options_are_told_in_one_line(command: str, words: list[str], reason: str, elsewhere: Path) -> None:
    result = run(command, *SMALL, *words)
    assert result.exit_code == 1
    assert result.stderr.strip().splitlines()[-1].startswith(f"Error: {reason}")
    assert result.output.count("\n") == 1
    assert not elsewhere.exists()


@pytest.mark.parametrize(
    ("command", "words", "reason"),
    [
        ("curve", ["--epochs", "0"], "epochs must be at least 1; got 0"),
        ("tune", ["--learning-rate", "-1"], "the learning rate must be positive; got -1.0"),
        ("averages", ["--means", "1,two"], "whole numbers with commas between them are needed, as 2,4; got '1,two'"),
        ("averages", ["--means", "400"], "cannot draw 1 sets of 400 from 20 pictures"),
        ("averages", ["--means", "0"], "cannot draw 1 sets of 0 from 20 pictures"),
        ("steps", ["--counts", "1.5"], "whole numbers with commas between them are needed, as 2,4; got '1.5'"),
        ("steps", ["--guidances", "x"], "numbers with commas between them are needed, as 1,7.5; got 'x'"),
        ("steps", ["--guidances", "0"], "guidance must be at least 1, which is none; got 0.0"),
        ("steps", ["--counts", "0"], "steps must be from 1 to 1000; got 0"),
        ("curve", ["--dimensions", "400"], "dimensions must lie between 1 and 16"),
        ("curve", ["--components", "70"], "class 'cat' has 40 training"),
    ],
)
def test_bad_numbers_are_told_in_one_line(command: str, words: list[str], reason: str, elsewhere: Path) -> None:
    result = run(command, *SMALL, *words)
    assert result.exit_code in (1, 2)
    assert reason in result.output.splitlines()[-1]
    assert not elsewhere.exists()


def test_a_model_that_is_not_here_is_told_in_one_line(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HALLUCINATION_MODELS", str(elsewhere))
    result = run("curve", *SMALL, "--model", "animals")
    assert result.exit_code == 1
    assert result.output.startswith("Error: the model animals (") and result.output.count("\n") == 1


# --- reading --------------------------------------------------------------------------------------------------


def made(seed: int, cells: list[Cell], **changes: Any) -> dict[str, Any]:
    data = {
        "kind": "curve", "model": {"name": "animals", "device": "cpu"}, "pictures": {"name": "animals"},
        "space": {"name": "animals", "device": "cpu"},
        "parameters": {"recipe": {"seed": seed}, "drawing": {"batch_size": 4}},
        "provenance": {}, "seconds_in_this_process": 1.0, "peak_memory_mb": 1, "losses": [4.0, 2.0, 1.0, 3.0],
        "steps_per_epoch": 2, "cells": [c.as_data() for c in cells],
        "same_noise": {"learned": [{"epoch": 0, "loss": 0.5 + seed, "change": 0.0, "error": 0.0}]},
    }  # fmt: skip
    return {**data, **changes}


def cells_of(seed: int, epochs: tuple[int, ...], outside: int) -> list[Cell]:
    margins = np.where(np.arange(4) < outside, -1.0, 1.0)
    kinds = [(p, e) for e in epochs for p in ("dog", "pet")]
    return [cell_of({"prompt": p, "seed": seed, "epoch": e}, margins, -1.0 if p == "pet" else 1.0) for p, e in kinds]


def test_seeds_are_joined() -> None:
    curves = recorded.curves_from([made(0, cells_of(0, (0, 1, 2), 1)), made(3, cells_of(3, (0, 2), 4))])
    assert (curves.seeds, curves.epochs, curves.prompts) == ([0, 3], [0, 2], ["dog", "pet"])
    assert curves.rates("dog").tolist() == [[0.25, 0.25], [1, 1]]
    assert curves.published().tolist() == [[0.5, 0.5], [0.5, 0.5]]
    assert curves.epoch_losses().tolist() == [[3.0, 2.0]] * 2
    assert {seed: found["learned"][0].loss for seed, found in curves.same_noise.items()} == {0: 0.5, 3: 3.5}
    with pytest.raises(KeyError, match="no record of 'dog', seed 3, epoch 1"):
        curves.cell("dog", 3, 1)


def test_curves_on_other_devices_are_joined_and_other_experiments_are_not() -> None:
    one = made(0, cells_of(0, (0, 1), 1))
    elsewhere = made(1, cells_of(1, (0, 1), 1), model={"name": "animals", "device": "cuda"})
    elsewhere["parameters"]["drawing"] = {"batch_size": 64}
    elsewhere["space"] = {"name": "animals", "device": "cuda"}
    assert recorded.curves_from([one, elsewhere]).seeds == [0, 1]
    for change in ({"model": {"name": "other"}}, {"pictures": {"name": "other"}}, {"space": {"name": "other"}}):
        with pytest.raises(ValueError, match=r"differ in the seed only; got 2 different ones$"):
            recorded.curves_from([one, made(1, cells_of(1, (0, 1), 1), **change)])


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", r"x\.json is not a whole record: "),
        ('{"kind": "curve"}', r"x\.json is not a record of this experiment: it lacks provenance, "),
        (json.dumps(made(0, [], kind="steps")), r"x\.json is a record of 'steps', not of 'curve'$"),
    ],
)
def test_what_is_no_record_is_refused_in_one_line(text: str, reason: str, tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text(text, "utf8")
    with pytest.raises(ValueError, match=f"^{reason}") as told:
        recorded.read(tmp_path / "x.json", "curve")
    assert "\n" not in str(told.value)


def test_a_count_that_was_edited_is_noticed(tmp_path: Path) -> None:
    data = made(0, cells_of(0, (0,), 1))
    data["cells"][0]["outside"] = 3
    with pytest.raises(ValueError, match="3 pictures outside do not fit the margins"):
        recorded.curves_from([data])


def test_without_records_there_is_nothing(tmp_path: Path) -> None:
    assert recorded.curves(folder=tmp_path) is None
    assert recorded.averages(folder=tmp_path) is None
    assert recorded.steps(folder=tmp_path) is None
    assert recorded.rehearsals(tmp_path) == []


def test_a_grid_is_read_back_and_a_changed_one_is_refused(tmp_path: Path) -> None:
    for channels in (1, 3):
        rng = np.random.default_rng(channels)
        rows = [rng.integers(0, 256, (n, 8, 8, channels), dtype=np.uint8) for n in (3, 0, 5)]
        facts = json.loads(json.dumps(grids.write(tmp_path / "grid.png", rows)))
        assert all(np.array_equal(a, b) for a, b in zip(grids.read(tmp_path, facts), rows, strict=True))
    (tmp_path / "grid.png").write_bytes(b"something else")
    with pytest.raises(ValueError, match=r"^grid\.png is missing, or is not the grid that its record tells of$"):
        grids.read(tmp_path, facts)
    with pytest.raises(ValueError, match="at least one picture"):
        grids.write(tmp_path / "empty.png", [np.zeros((0, 8, 8, 1), dtype=np.uint8)])


def test_reading_records_needs_no_torch() -> None:
    code = "import sys; from hallucination.pictures import recorded; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


COMMITTED = [(path, json.loads(path.read_text("utf8"))["kind"]) for path in sorted(FOLDER.glob("*.json"))]


@pytest.mark.skipif(not COMMITTED, reason="no record was made yet")
def test_committed_records_are_whole_and_carry_provenance() -> None:
    for path, kind in COMMITTED:
        data = recorded.read(path, kind)
        assert data["provenance"]["versions"]["torch"] and data["provenance"]["hardware"]["processor"], path.name
        assert (kind == "rehearsal") == path.name.startswith("rehearsal-"), path.name
        assert kind != "curve" or recorded.shown(data), path.name
