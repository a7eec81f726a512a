"""Embeddings: the same from both backends on the same weights, and not the same with the other activation."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from hallucination.model_sources import MissingModelError
from hallucination.pictures import embedding, embedding_sources, toolbox
from hallucination.pictures.captions import WORDS
from hallucination.pictures.embedding import Embedder, embedder, of_transformers
from hallucination.pictures.models import FOLDER_VARIABLE
from hallucination.pictures.small import build
from hallucination.pictures.toolbox import CLIPConfig, CLIPImageProcessorPil, CLIPModel

ARCHITECTURE = {
    "embed_dim": 16,
    "vision_cfg": {"layers": 2, "width": 32, "head_width": 16, "patch_size": 8, "image_size": 32},
    "text_cfg": {"context_length": 8, "vocab_size": 32, "width": 32, "heads": 2, "layers": 1},
}
# Names of open_clip's image tower, and what transformers calls them.
RENAMED = {
    "visual.class_embedding": "vision_model.embeddings.class_embedding",
    "visual.positional_embedding": "vision_model.embeddings.position_embedding.weight",
    "visual.conv1.weight": "vision_model.embeddings.patch_embedding.weight",
    "visual.ln_pre": "vision_model.pre_layrnorm",
    "visual.ln_post": "vision_model.post_layernorm",
    "visual.transformer.resblocks": "vision_model.encoder.layers",
    ".ln_1": ".layer_norm1",
    ".ln_2": ".layer_norm2",
    ".mlp.c_fc": ".mlp.fc1",
    ".mlp.c_proj": ".mlp.fc2",
    ".attn.out_proj": ".self_attn.out_proj",
}


def pictures(n: int, height: int = 32, width: int = 32, channels: int = 3, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (n, height, width, channels), dtype=np.uint8)


def translated(weights: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Weights of open_clip's image tower under the names of transformers."""
    found = {"visual_projection.weight": weights["visual.proj"].T}
    for name, value in weights.items():
        if not name.startswith("visual.") or name == "visual.proj":
            continue
        for old, new in RENAMED.items():
            name = name.replace(old, new)
        if ".attn.in_proj_" in name:
            for letter, part in zip("qkv", value.chunk(3), strict=True):
                found[name.replace(".attn.in_proj_", f".self_attn.{letter}_proj.")] = part
        else:
            found[name] = value
    return found


def of_the_same_weights(weights: dict[str, torch.Tensor], activation: str) -> Embedder:
    clip = CLIPModel(
        CLIPConfig(
            text_config={"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "vocab_size": 32},
            vision_config={
                "image_size": 32, "patch_size": 8, "hidden_size": 32, "intermediate_size": 128,
                "num_hidden_layers": 2, "num_attention_heads": 2, "hidden_act": activation,
            },
            projection_dim=16,
        )
    )  # fmt: skip
    missing, unexpected = clip.load_state_dict(translated(weights), strict=False)
    assert not unexpected and not any(name.startswith(("vision", "visual")) for name in missing)
    size = {"size": {"shortest_edge": 32}, "crop_size": {"height": 32, "width": 32}}
    return of_transformers(clip, CLIPImageProcessorPil(**size), {}, "cpu")


class Shared(NamedTuple):
    """Weights in memory, and in a file for either of two architectures of open_clip that differ in the activation."""

    weights: dict[str, torch.Tensor]
    file: Path

    def open_clip(self, architecture: str) -> Embedder:
        return embedder(f"open_clip:{architecture}:{self.file}", "cpu")


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Shared:
    folder = tmp_path_factory.mktemp("architectures")
    tool = toolbox.open_clip()
    for name, quick in (("test-tiny", False), ("test-tiny-quickgelu", True)):
        (folder / f"{name}.json").write_text(json.dumps({**ARCHITECTURE, "quick_gelu": quick}), "utf8")
    tool.add_model_config(folder)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        weights = tool.create_model("test-tiny").state_dict()
        # Larger than at the start of a training, so that the activation is used where the two differ.
        weights = {k: (v + 0.3 * torch.randn_like(v) if v.ndim > 1 else v).contiguous() for k, v in weights.items()}
    save_file(weights, folder / "weights.safetensors")
    return Shared(weights, folder / "weights.safetensors")


@pytest.mark.parametrize(
    ("architecture", "activation"), [("test-tiny-quickgelu", "quick_gelu"), ("test-tiny", "gelu")]
)
def test_both_backends_agree_on_the_same_weights(shared, architecture, activation):
    theirs, ours = shared.open_clip(architecture), of_the_same_weights(shared.weights, activation)
    for size in ((32, 32), (48, 40), (70, 101)):
        images = pictures(5, *size)
        assert torch.allclose(theirs.prepare(images), ours.prepare(images), atol=1e-6)
        found = theirs.embed(images)
        assert found == pytest.approx(ours.embed(images), abs=1e-5)
        assert np.abs(found).max() > 0.1
    assert theirs.source["activation"] == ours.source["activation"] == activation
    assert theirs.source["length"] == ours.source["length"] == 16


def test_the_wrong_activation_loads_and_gives_other_embeddings(shared):
    images = pictures(8)
    right, wrong = (of_the_same_weights(shared.weights, act).embed(images) for act in ("quick_gelu", "gelu"))
    assert np.abs(right - wrong).max() > 1e-2
    assert np.abs(right - shared.open_clip("test-tiny").embed(images)).max() > 1e-2


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("open_clip:ViT-B-32", "open_clip:ARCHITECTURE:FILE with an existing file; got"),
        ("open_clip:ViT-B-32:nowhere.bin", "with an existing file; got"),
        ("open_clip:no-such:{file}", "knows no architecture 'no-such'"),
        ("open_clip:ViT-B-32:{file}", "do not fit open_clip's ViT-B-32: Error"),
    ],
)
def test_open_clip_names_that_do_not_fit_are_one_line(shared, monkeypatch, name, words):
    if "no-such" not in name:  # the real one has 151 million weights
        small = {**ARCHITECTURE, "embed_dim": 8, "quick_gelu": True}
        tool = toolbox.open_clip()
        monkeypatch.setitem(tool.factory._MODEL_CONFIGS, "ViT-B-32", small)
    with pytest.raises(ValueError, match=words) as caught:
        embedder(name.format(file=shared.file), "cpu")
    assert "\n" not in str(caught.value)


def test_open_clip_that_is_not_installed_is_one_line(tmp_path, monkeypatch):
    def absent() -> None:
        raise ModuleNotFoundError

    monkeypatch.setattr(toolbox, "open_clip", absent)
    (tmp_path / "weights.bin").touch()
    with pytest.raises(MissingModelError, match="pip install open_clip_torch"):
        embedder(f"open_clip:ViT-B-32:{tmp_path / 'weights.bin'}")


# transformers


@pytest.fixture(scope="module")
def tiny() -> Embedder:
    return embedder("tiny", "cpu")


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project's folder of models, with the small CLIP in its place."""
    parts, root = build("tiny", WORDS, seed=3), tmp_path_factory.mktemp("models")
    for part in (parts.clip, parts.processor):
        part.save_pretrained(root / "animals" / "clip")
    return root


def test_tiny_is_always_the_same_and_sees_the_pictures(tiny):
    images = pictures(4)
    found = tiny.embed(images)
    assert found.shape == (4, tiny.source["length"]) and found.dtype == np.float32
    assert np.array_equal(found, embedder("tiny", "cpu").embed(images))
    assert np.isfinite(found).all() and len(np.unique(found.round(4), axis=0)) == 4


def test_embeddings_are_what_transformers_calls_image_features(tiny):
    parts, images = build("tiny", WORDS), pictures(3)
    pixels = torch.from_numpy(images).permute(0, 3, 1, 2) / 127.5 - 1
    with torch.inference_mode():
        pooled = parts.clip.vision_model(pixel_values=pixels).pooler_output
        features = pooled @ parts.clip.visual_projection.weight.T
    assert tiny.prepare(images).numpy() == pytest.approx(pixels.numpy(), abs=1e-6)
    assert tiny.embed(images) == pytest.approx(features.numpy(), abs=1e-5)


def test_grey_pictures_are_three_equal_channels(tiny):
    grey = pictures(3, channels=1)
    assert np.array_equal(tiny.embed(grey), tiny.embed(np.repeat(grey, 3, axis=3)))


def test_batches_do_not_matter(tiny, monkeypatch):
    images = pictures(7)
    together = tiny.embed(images)
    monkeypatch.setattr(embedding, "AT_A_TIME", 3)
    assert tiny.embed(images) == pytest.approx(together, abs=1e-5)


def test_the_projects_own_clip_and_any_folder(saved, monkeypatch):
    monkeypatch.setenv(FOLDER_VARIABLE, str(saved))
    images = pictures(3)
    ours = embedder("animals", "cpu")
    expected = of_transformers(build("tiny", WORDS, seed=3).clip, build("tiny", WORDS).processor, {}, "cpu")
    assert ours.embed(images) == pytest.approx(expected.embed(images), abs=1e-6)
    named = embedder(str(saved / "animals" / "clip"), "cpu")
    assert np.array_equal(named.embed(images), ours.embed(images))
    assert ours.source["weights_sha256"] == named.source["weights_sha256"]
    assert (ours.source["name"], named.source["name"]) == ("animals", "clip")
    json.dumps([ours.source, named.source])  # plain data


def test_half_precision_files_are_read_in_full(saved, tmp_path):
    clip = CLIPModel.from_pretrained(saved / "animals" / "clip").half()
    for part in (clip, build("tiny", WORDS).processor):
        part.save_pretrained(tmp_path)
    found = embedder(str(tmp_path), "cpu").embed(pictures(2))
    assert found == pytest.approx(embedder(str(saved / "animals" / "clip"), "cpu").embed(pictures(2)), abs=1e-2)


def test_missing_models_are_one_line(tmp_path, monkeypatch):
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    with pytest.raises(MissingModelError, match=r"embedder animals .+ get it with: python -m") as caught:
        embedder("animals")
    assert "\n" not in str(caught.value)
    monkeypatch.setattr("huggingface_hub.snapshot_download", lambda *_, **__: str(tmp_path))
    with pytest.raises(
        MissingModelError, match=r"clip-vit-base-patch32 .+, 0\.61 GB\) .+ hf download openai/"
    ) as caught:
        embedder("clip-vit-base-patch32")  # a download that was cut off
    assert "\n" not in str(caught.value)


def test_nothing_is_downloaded(monkeypatch):
    asked = []

    def look(*_: object, **words: object) -> str:
        from huggingface_hub.errors import LocalEntryNotFoundError

        asked.append(words)
        raise LocalEntryNotFoundError("not here")

    monkeypatch.setattr("huggingface_hub.snapshot_download", look)
    with pytest.raises(MissingModelError):
        embedder("clip-vit-base-patch32")
    (words,) = asked
    assert words["local_files_only"] is True and len(str(words["revision"])) == 40


def test_unknown_names_and_other_models_are_one_line(saved, tmp_path):
    with pytest.raises(ValueError, match=r"unknown embedder 'nothing': give one of animals, .+ or a folder with"):
        embedder("nothing")
    for name in embedding_sources.FILES:
        (tmp_path / name).write_bytes((saved / "animals" / "clip" / name).read_bytes())
    config = json.loads((tmp_path / "config.json").read_text("utf8"))
    (tmp_path / "config.json").write_text(json.dumps({**config, "model_type": "bert"}), "utf8")
    with pytest.raises(ValueError, match="a model of type 'bert'; 'clip' is needed"):
        embedder(str(tmp_path))


def test_weights_of_another_shape_are_one_line(saved, tmp_path):
    for name in embedding_sources.FILES:
        (tmp_path / name).write_bytes((saved / "animals" / "clip" / name).read_bytes())
    config = json.loads((tmp_path / "config.json").read_text("utf8"))
    config["vision_config"]["num_hidden_layers"] += 1
    (tmp_path / "config.json").write_text(json.dumps(config), "utf8")
    with pytest.raises(ValueError, match=r"do not fit its config\.json: vision_model\.encoder") as caught:
        embedder(str(tmp_path), "cpu")
    assert "\n" not in str(caught.value)
    config["vision_config"]["num_hidden_layers"] -= 1
    (tmp_path / "config.json").write_text(json.dumps({**config, "projection_dim": 5}), "utf8")
    with pytest.raises(ValueError, match=r"do not fit its config\.json: text_projection\.weight and 1 more"):
        embedder(str(tmp_path), "cpu")


@pytest.mark.parametrize(
    "images", [np.zeros((2, 8, 8, 3)), pictures(2)[0], pictures(2, channels=4), np.zeros((0, 8, 8, 3), np.uint8)]
)
def test_anything_but_bytes_of_pictures_is_one_line(tiny, images):
    with pytest.raises(ValueError, match=r"uint8 of shape \(n, height, width, 1 or 3\); got"):
        tiny.embed(images)


@pytest.mark.gpu
def test_the_device_moves_embeddings_by_rounding_only(tiny):
    images = pictures(16)
    assert embedder("tiny", "cuda").embed(images) == pytest.approx(tiny.embed(images), abs=1e-4)
