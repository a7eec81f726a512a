"""The rehearsal with random weights at its smallest; its record; the paper's shapes; refusals in one line."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from click.testing import CliRunner, Result

from conftest import ROOT
from hallucination.devices import NoRoomError
from hallucination.pictures import recorded, rehearsal_shapes
from hallucination.pictures.long_run import main
from hallucination.pictures.rehearsal import NEEDED_GIB, Size, noise_lesson, rehearse
from hallucination.pictures.rehearsal_shapes import with_random_weights
from hallucination.pictures.toolbox import (
    AutoencoderKL,
    CLIPConfig,
    CLIPModel,
    CLIPTextConfig,
    CLIPTextModel,
    UNet2DConditionModel,
)

SMALL = Size(steps=2, batch_size=2, images=3, rows=2, alone=1, denoising=1, guidance=2.0, embedded=3)


def command(*options: str) -> Result:
    return CliRunner().invoke(main, ["rehearsal", *options])


@pytest.fixture(scope="module")
def record() -> dict:
    return rehearse("tiny", "cpu", size=SMALL)


def test_command_writes_a_record_that_is_read_back(tmp_path: Path) -> None:
    done = command("--shape", "tiny", "--device", "cpu", "--out", str(tmp_path))
    assert done.exit_code == 0, done.output
    assert [p.name for p in tmp_path.iterdir()] == ["rehearsal-tiny-cpu.json"]
    (found,) = recorded.rehearsals(tmp_path)
    assert (found["kind"], found["shape"], found["device"]) == ("rehearsal", "tiny", "cpu")
    assert found["dtype"] == ["float32", "bfloat16"]
    assert {"commit", "versions", "hardware"} <= set(found["provenance"])
    assert recorded.curves(folder=tmp_path) is None, "no other reader takes it for its own"
    with pytest.raises(ValueError, match="it lacks model, pictures, space"):
        recorded.read(tmp_path / "rehearsal-tiny-cpu.json", "curve")


def test_all_ways_are_timed(record: dict) -> None:
    ways = [(r["dtype"], r["way"]) for r in record["training"]]
    assert ways == [(d, w) for d in ("float32", "bfloat16") for w in ("computed once", "every step")]
    for one in record["training"]:
        assert len(one["losses"]) == SMALL.steps
        assert one["seconds_per_step"] > 0 and one["peak_gib"] is None
    for one in record["sampling"]:
        ratio = one["one_by_one_seconds_per_image"] / one["seconds_per_image"]
        assert one["times_faster"] == pytest.approx(ratio, rel=0.1, abs=0.02)
    assert record["embedding"]["per_second"] == pytest.approx(3 / record["embedding"]["seconds"], rel=0.2)
    assert set(record["parameters"]) == {"unet", "vae", "text_encoder", "clip"}


def test_both_ways_of_training_do_the_same_steps(record: dict) -> None:
    once, every = (r["losses"] for r in record["training"][:2])
    assert once == pytest.approx(every, abs=2e-3)
    assert record["training"][2]["losses"] == pytest.approx(once, rel=3e-2), "bfloat16"
    assert once[0] == pytest.approx(1.1, abs=0.4), "random weights: about the noise's own variance"


def test_a_seed_repeats_weights_and_pictures() -> None:
    first, again, other = (with_random_weights("tiny", "cpu", s)[0] for s in (0, 0, 1))
    weights = [m.pipeline.unet.conv_in.weight for m in (first, again, other)]
    assert torch.equal(weights[0], weights[1]) and not torch.equal(weights[0], weights[2])
    images = [noise_lesson(first, 2, s).pictures.pixels([0, 1]) for s in (0, 0, 1)]
    assert np.array_equal(images[0], images[1]) and not np.array_equal(images[0], images[2])


def test_the_paper_s_shapes_have_the_published_sizes() -> None:
    """Numbers of parameters as published for Stable Diffusion v1.5 and CLIP ViT-B/32, without any memory for them."""
    shapes = rehearsal_shapes
    with torch.device("meta"):
        parts = {
            "unet": UNet2DConditionModel(**shapes.UNET),
            "vae": AutoencoderKL(**shapes.VAE),
            "text": CLIPTextModel(CLIPTextConfig(**shapes.TEXT)),
            "clip": CLIPModel(CLIPConfig(**shapes.CLIP)),
        }
    found = {name: sum(p.numel() for p in part.parameters()) for name, part in parts.items()}
    assert found == {"unet": 859_520_964, "vae": 83_653_863, "text": 123_060_480, "clip": 151_277_313}
    assert (
        CLIPTextConfig(**shapes.TEXT).hidden_act == CLIPConfig(**shapes.CLIP).vision_config.hidden_act == "quick_gelu"
    )


def test_pictures_of_noise_fit_the_model() -> None:
    loaded, _ = with_random_weights("tiny", "cpu")
    lesson = noise_lesson(loaded, 5, 0)
    assert lesson.pictures.shape == (32, 32, 1) and len(set(lesson.captions)) == 3


@pytest.mark.parametrize("shape", NEEDED_GIB)
def test_a_large_shape_on_the_processor_is_refused_in_one_line(shape: str) -> None:
    with pytest.raises(NoRoomError, match=rf"^{shape} needs a CUDA device with \d+ GiB, not cpu; --shape tiny"):
        rehearse(shape, "cpu")
    with pytest.raises(ValueError, match=r"^shape must be one of sd-v1\.5, tiny; got 'sd-v9'$"):
        rehearse("sd-v9", "cpu")


def test_the_command_says_one_line(tmp_path: Path) -> None:
    done = command("--device", "cpu", "--out", str(tmp_path))
    assert done.exit_code == 1
    assert done.stderr.strip().splitlines() == [
        "Error: sd-v1.5 needs a CUDA device with 60 GiB, not cpu; --shape tiny runs anywhere"
    ]
    assert not list(tmp_path.iterdir())


def test_no_cuda_device_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(NoRoomError, match="there is no CUDA device here"):
        rehearse("tiny", "cuda")


# --- the benchmark --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def benchmark() -> ModuleType:
    spec = importlib.util.spec_from_file_location("pictures_speed", ROOT / "benchmarks" / "pictures_speed.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_quick_prints_one_table_and_judges_nothing(
    benchmark: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["pictures_speed.py", "--quick"])
    benchmark.main()
    printed = capsys.readouterr().out
    assert "met" not in printed and "MISSED" not in printed
    assert [line.split(",")[0] for line in printed.splitlines()[2:]] == ["fine-tuning", "sampling"]


@pytest.mark.parametrize(("ratio", "verdict"), [(4.0, "met"), (3.99, "MISSED")])
def test_a_bar_is_judged(
    benchmark: ModuleType, capsys: pytest.CaptureFixture[str], ratio: float, verdict: str
) -> None:
    benchmark.compared("sampling", 1.0, ratio, ratio, 4.0, True)
    assert capsys.readouterr().out.rstrip().endswith(verdict)


@pytest.mark.gpu
def test_on_a_cuda_device() -> None:
    found = rehearse("tiny", "cuda", size=SMALL)
    assert found["device"] != "cpu"
    assert all(r["peak_gib"] is not None for r in (*found["training"], *found["sampling"]))
