"""The rehearsal with random weights, run at its smallest; and the line it says where a shape has no room."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner, Result

from hallucination.devices import NoRoomError
from hallucination.questions import recorded, rehearsal
from hallucination.questions.generation import Decoding, decode
from hallucination.questions.long_run import main
from hallucination.questions.models import with_random_weights
from hallucination.questions.rehearsal import Size, one_by_one, rehearse

SMALL = Size(pairs=6, batch_size=4, prompts=5, rows=3, alone=2, new_tokens=4)


def qwen(*options: str) -> Result:
    return CliRunner().invoke(main, ["qwen", *options])


def test_command_writes_one_record_with_provenance(tmp_path: Path) -> None:
    done = qwen("--shape", "tiny", "--device", "cpu", "--out", str(tmp_path))
    assert done.exit_code == 0, done.output
    (path,) = tmp_path.iterdir()
    assert path.name == "rehearsal-tiny-cpu.json"
    (read,) = recorded.rehearsals(tmp_path)
    assert (read["shape"], read["device"]) == ("tiny", "cpu")
    with pytest.raises(ValueError, match="it lacks shape, device"):
        recorded.read(recorded.FOLDER / "references-TruthfulQA.json", recorded.OF_A_REHEARSAL)
    record = json.loads(path.read_text("utf8"))
    assert {"commit", "versions", "hardware"} <= set(record["provenance"])
    assert record["trained_parameters"] == 2 * 8 * (64 + 64 + 64 + 32 + 64 + 32 + 64 + 64 + 3 * (64 + 128))
    assert record["training"]["steps"] == len(record["training"]["losses"]) == 2
    assert 55 < record["training"]["tokens_per_pair"] < 65
    assert record["training"]["losses"][0] == pytest.approx(np.log(512), abs=0.1)  # random weights know nothing
    assert record["training"]["peak_gib"] is None  # of a device's memory; there is none


def test_speeds_follow_from_times_and_sizes() -> None:
    record = rehearse("tiny", "cpu", size=SMALL)
    found = record["answering"]
    assert found["tokens_per_second"] == pytest.approx(5 * 4 / found["seconds"], rel=0.1)
    assert found["one_by_one_tokens_per_second"] == pytest.approx(2 * 4 / found["one_by_one_seconds"], rel=0.1)
    ratio = found["tokens_per_second"] / found["one_by_one_tokens_per_second"]
    assert found["times_faster"] == pytest.approx(ratio, abs=0.1)
    assert record["training"]["steps"] == 2


def test_a_seed_repeats_the_losses() -> None:
    first, again, other = (rehearse("tiny", "cpu", seed=s, size=SMALL)["training"]["losses"] for s in (1, 1, 2))
    assert first == again != other


def test_both_ways_give_the_same_greedy_answers_at_full_length() -> None:
    torch.manual_seed(0)
    model = with_random_weights("tiny", device="cpu", dtype=torch.float32).eval()
    prompts = [[5, 6, 7], [9], [400, 3, 2, 1, 8]]
    model.generation_config.eos_token_id = one_by_one(model, prompts[:1], Decoding(1))[0][0]  # would end at once
    alone = one_by_one(model, prompts, Decoding(6))
    assert alone == decode([model], prompts, Decoding(6), end=None, pad=0)
    assert [len(a) for a in alone] == [6, 6, 6]


def test_an_end_mark_ends_an_answer() -> None:
    torch.manual_seed(0)
    model = with_random_weights("tiny", device="cpu", dtype=torch.float32).eval()
    (whole,) = decode([model], [[5, 6, 7]], Decoding(6), end=None, pad=0)
    end = whole[2]
    (said,) = decode([model], [[5, 6, 7]], Decoding(6), end=end, pad=0)
    assert said == whole[: whole.index(end) + 1]


def test_answers_are_certain_enough_for_the_short_nucleus() -> None:
    """The full vocabulary of the largest shape: with logits of this spread, 64 candidates hold the nucleus."""
    logits = np.random.default_rng(0).normal(0, rehearsal.LOGIT_SPREAD, (32, 152064)) / 0.7
    mass = np.exp(logits - logits.max(-1, keepdims=True))
    top = np.partition(mass, -64, axis=-1)[:, -64:].sum(-1) / mass.sum(-1)
    assert (top > 0.9).all()


@pytest.mark.parametrize("shape", rehearsal.NEEDED_GIB)
def test_a_large_shape_on_the_processor_is_refused_in_one_line(shape: str) -> None:
    with pytest.raises(NoRoomError, match=rf"^{shape} needs a CUDA device with \d+ GiB, not cpu; --shape tiny"):
        rehearse(shape, "cpu")


def test_the_command_says_one_line(tmp_path: Path) -> None:
    done = qwen("--device", "cpu", "--out", str(tmp_path))
    assert done.exit_code == 1
    assert done.stderr.strip().splitlines() == [
        "Error: qwen2.5-7b-instruct needs a CUDA device with 32 GiB, not cpu; --shape tiny runs anywhere"
    ]
    assert not list(tmp_path.iterdir())


def test_no_cuda_device_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(NoRoomError, match="there is no CUDA device here"):
        rehearse("tiny", "cuda")


@pytest.mark.gpu
def test_on_a_cuda_device() -> None:
    record = rehearse("tiny", "cuda", size=SMALL)
    assert record["dtype"] == "bfloat16"
    assert record["training"]["peak_gib"] is not None and record["answering"]["peak_gib"] is not None
    assert record["device"] != "cpu"
