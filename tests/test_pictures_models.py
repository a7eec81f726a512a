"""Where text-to-image models come from: nothing is downloaded unasked, and weights that do not fit are refused."""

from __future__ import annotations

import json
import re
import shutil
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from huggingface_hub import constants
from safetensors.torch import load_file, save_file

from hallucination.model_sources import MissingModelError, weights_digest
from hallucination.pictures import models
from hallucination.pictures.captions import WORDS
from hallucination.pictures.models import FOLDER_VARIABLE, MODELS, Loaded, find, load, precision, quiet, require
from hallucination.pictures.small import build
from hallucination.pictures.toolbox import diffusers_logging, logging

PARTS = ("unet", "vae", "text_encoder")
SEED = 3


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No connection, an empty cache of the hub, and no model of ours; HF_HUB_OFFLINE stays unset."""

    def refuse(*_: object) -> None:
        raise AssertionError("a connection was attempted")

    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "ours"))


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("saved") / "mine"
    with quiet():
        build("tiny", WORDS, seed=SEED).pipeline.save_pretrained(folder)
    return folder


@pytest.fixture
def saved(original: Path, tmp_path: Path) -> Path:
    """A copy that a test may break."""
    return Path(shutil.copytree(original, tmp_path / "mine"))


def weights(loaded: Loaded) -> dict[str, torch.Tensor]:
    own = loaded.pipeline
    return {f"{part}.{key}": value for part in PARTS for key, value in getattr(own, part).state_dict().items()}


def one_line(error: pytest.ExceptionInfo[BaseException]) -> str:
    assert "\n" not in str(error.value)
    return str(error.value)


def changed(path: Path, **changes: object) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text("utf8")), **changes}), "utf8")


# --- the registry ---------------------------------------------------------------------------------------------


def test_registry() -> None:
    assert list(MODELS) == ["animals", "sd-v1.5", "tiny"]
    assert all(s.name == name and s.licence and s.command for name, s in MODELS.items())
    source = MODELS["sd-v1.5"]
    assert re.fullmatch(r"[0-9a-f]{40}", source.revision)
    assert f"hf download {source.id} --revision {source.revision} " in source.command


@pytest.mark.parametrize("name", ["animals", "sd-v1.5"])
def test_a_model_that_is_not_here_is_named_with_size_and_command(name: str) -> None:
    source = MODELS[name]
    for ask in (load, find, lambda one: require(["tiny", one])):
        with pytest.raises(MissingModelError) as error:
            ask(name)
        assert one_line(error) == (
            f"the model {name} ({source.id}, revision {source.revision}, {source.gigabytes:g} GB) is not on this "
            f"machine; get it with: {source.command}"
        )


@pytest.mark.parametrize("name", ["sd-v9", "", "/nowhere", "."])
def test_an_unknown_name(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError) as error:
        load(name)
    assert one_line(error) == (
        f"unknown model {name!r}: give one of animals, sd-v1.5, tiny, or a folder that holds a model_index.json"
    )


def test_the_hub_s_cache_is_read_at_the_pinned_revision(original: Path, tmp_path: Path) -> None:
    source = MODELS["sd-v1.5"]
    folder = tmp_path / "hub" / f"models--{source.id.replace('/', '--')}" / "snapshots"
    shutil.copytree(original, folder / ("0" * 40))
    with pytest.raises(MissingModelError):
        find("sd-v1.5")  # another revision is another model
    shutil.copytree(original, folder / source.revision)
    assert find("sd-v1.5") == (folder / source.revision, source.facts())
    loaded = load("sd-v1.5", "bfloat16", "cpu")
    assert loaded.source == {**source.facts(), "dtype": "bfloat16", "device": "cpu"}
    for part in ("unet", "vae", "text_encoder"):
        kept = folder / source.revision / part
        away = kept.rename(kept.with_name("away"))
        with pytest.raises(MissingModelError, match=r"sd-v1\.5 .+ get it with: hf download"):
            require(["sd-v1.5"])  # a download that was cut off
        away.rename(kept)


def test_the_project_s_own_model_is_found_by_the_variable(original: Path, tmp_path: Path) -> None:
    shutil.copytree(original, tmp_path / "ours" / "animals")
    folder, facts = find("animals")
    assert folder == tmp_path / "ours" / "animals"
    assert facts == {**MODELS["animals"].facts(), "unet_sha256": weights_digest(original / "unet")}


def test_without_the_variable_it_stands_in_the_project(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(FOLDER_VARIABLE)
    root = Path(__file__).resolve().parent.parent
    assert models.shipped("animals") == root / "models" / "animals"


# --- folders --------------------------------------------------------------------------------------------------


def test_a_folder_gives_back_what_was_saved(original: Path) -> None:
    loaded, expected = load(str(original), device="cpu"), build("tiny", WORDS, seed=SEED).pipeline
    found = weights(loaded)
    mine = weights(Loaded(expected, {}))
    assert found.keys() == mine.keys() and all(torch.equal(found[key], mine[key]) for key in mine)
    assert loaded.pipeline.tokenizer.get_vocab() == expected.tokenizer.get_vocab()
    assert dict(loaded.pipeline.scheduler.config)["timestep_spacing"] == "trailing"
    assert loaded.pipeline.safety_checker is None
    assert not any(getattr(loaded.pipeline, part).training for part in PARTS)
    assert loaded.source == {
        "name": "mine", "id": "a local folder", "unet_sha256": weights_digest(original / "unet"), "dtype": "float32",
        "device": "cpu",
    }  # fmt: skip
    json.dumps(loaded.source)  # plain data


def test_other_weights_have_another_digest(saved: Path) -> None:
    before = find(str(saved))[1]["unet_sha256"]
    path = saved / "unet" / "diffusion_pytorch_model.safetensors"
    tensors = load_file(path)
    tensors["conv_in.bias"][0] += 1
    save_file(tensors, path, metadata={"format": "pt"})
    assert find(str(saved))[1]["unet_sha256"] != before
    assert torch.equal(load(str(saved)).pipeline.unet.conv_in.bias, tensors["conv_in.bias"])


def test_a_text_encoder_under_its_older_names_is_read(saved: Path) -> None:
    """Published text encoders have a prefix that transformers has since dropped."""
    path = saved / "text_encoder" / "model.safetensors"
    tensors = {f"text_model.{key.removeprefix('text_model.')}": value for key, value in load_file(path).items()}
    save_file(tensors, path, metadata={"format": "pt"})
    found, expected = weights(load(str(saved))), weights(Loaded(build("tiny", WORDS, seed=SEED).pipeline, {}))
    assert all(torch.equal(found[key], expected[key]) for key in expected)


@pytest.mark.parametrize("part", PARTS)
def test_a_folder_without_one_of_its_parts(saved: Path, part: str) -> None:
    shutil.rmtree(saved / part)
    with pytest.raises(ValueError) as error:
        load(str(saved))
    assert (
        one_line(error) == f"the model in {saved} is not whole: a part that its model_index.json names has no files"
    )


WRONG: dict[str, Callable[[Path], Any]] = {
    "unet, other channels": lambda f: changed(f / "unet" / "config.json", in_channels=3),
    "unet, more layers": lambda f: changed(f / "unet" / "config.json", layers_per_block=2),
    "unet, other text": lambda f: changed(f / "unet" / "config.json", cross_attention_dim=24),
    "vae, other latents": lambda f: changed(f / "vae" / "config.json", latent_channels=3),
    "text, more layers": lambda f: changed(f / "text_encoder" / "config.json", num_hidden_layers=2),
    "text, wider": lambda f: changed(f / "text_encoder" / "config.json", hidden_size=32),
    "unet, cut off": lambda f: cut_off(f / "unet" / "diffusion_pytorch_model.safetensors"),
    "text, cut off": lambda f: cut_off(f / "text_encoder" / "model.safetensors"),
}


def cut_off(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:1000])


@pytest.mark.parametrize("what", WRONG)
def test_weights_that_do_not_fit_are_one_line_and_never_made_up(saved: Path, what: str) -> None:
    WRONG[what](saved)
    with pytest.raises(ValueError) as error:
        load(str(saved))
    told = one_line(error)
    assert str(saved) in told and len(told) < 400
    assert "cannot be read: " in told or "do not fit its configuration: " in told


def test_what_is_missing_is_named(saved: Path) -> None:
    WRONG["text, more layers"](saved)
    with pytest.raises(ValueError, match=r"configuration: text_encoder\..*layers\.1\.layer_norm1\.bias and 15 more$"):
        load(str(saved))


# --- tiny, types and devices ----------------------------------------------------------------------------------


def test_tiny_is_made_by_its_seed_alone() -> None:
    torch.manual_seed(1)
    first = load("tiny", device="cpu")
    torch.manual_seed(2)
    again = weights(load("tiny", device="cpu"))
    assert all(torch.equal(value, again[key]) for key, value in weights(first).items())
    assert first.source == {
        "name": "tiny", "id": "random weights", "revision": "seed 0", "dtype": "float32", "device": "cpu",
    }  # fmt: skip
    require(["tiny"])


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def test_types_of_weights(original: Path, dtype: str) -> None:
    for name in ("tiny", str(original)):
        loaded = load(name, dtype)
        assert {value.dtype for key, value in weights(loaded).items() if "position_ids" not in key} == {
            getattr(torch, dtype)
        }
        assert loaded.source["dtype"] == dtype
    rounded = weights(loaded)["unet.conv_in.weight"]
    exact = build("tiny", WORDS, seed=SEED).pipeline.unet.conv_in.weight
    assert torch.equal(rounded, exact.to(getattr(torch, dtype)))


def test_precision() -> None:
    assert precision() == precision("auto") == precision("float32") == torch.float32
    with pytest.raises(ValueError, match=r"^dtype must be auto, float32, float16, bfloat16; got 'int8'$"):
        load("sd-v1.5", "int8")  # before it is looked for


def test_auto_is_the_processor_where_there_is_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    loaded = load("tiny")
    assert loaded.source["device"] == "cpu" and loaded.device == torch.device("cpu")


def test_a_device_is_where_all_parts_go() -> None:
    loaded = load("tiny", device="meta")
    assert {value.device.type for value in weights(loaded).values()} == {"meta"}
    assert loaded.device.type == loaded.source["device"] == "meta"


def test_quiet_puts_the_progress_bars_back() -> None:
    tools = (logging, diffusers_logging)
    before = [tool.is_progress_bar_enabled() for tool in tools]
    try:
        for tool in tools:
            tool.enable_progress_bar()
        with pytest.raises(KeyboardInterrupt), quiet():
            assert not any(tool.is_progress_bar_enabled() for tool in tools)
            raise KeyboardInterrupt
        assert all(tool.is_progress_bar_enabled() for tool in tools)
        diffusers_logging.disable_progress_bar()
        with quiet():
            pass
        assert [tool.is_progress_bar_enabled() for tool in tools] == [True, False]
    finally:
        for tool, shown in zip(tools, before, strict=True):
            (tool.enable_progress_bar if shown else tool.disable_progress_bar)()


def test_loading_shows_no_progress_bar(original: Path, capfd: pytest.CaptureFixture[str]) -> None:
    load(str(original))
    assert capfd.readouterr() == ("", "")
