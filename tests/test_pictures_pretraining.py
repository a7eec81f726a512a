"""Pre-training: a killed run ends where an uninterrupted one does, held-out pictures stay unseen, and what is written
loads in the usual way."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from safetensors.torch import load_file

from hallucination.pictures import pretraining_loop, pretraining_run
from hallucination.pictures.encode import Latents, Texts
from hallucination.pictures.models import load
from hallucination.pictures.pretraining import main
from hallucination.pictures.pretraining_card import CARD, FACTS, GRID, check_out, digests, ship
from hallucination.pictures.pretraining_loop import Plan, draws, train
from hallucination.pictures.pretraining_losses import (
    contrastive_loss,
    denoising_loss,
    latent_deviation,
    reconstruction_error,
    zero_shot_accuracy,
)
from hallucination.pictures.pretraining_run import PLANS, Pretraining
from hallucination.pictures.sets import InMemory
from hallucination.pictures.small import build
from hallucination.pictures.toolbox import CLIPModel, CLIPTextModel

EPOCHS = 2


def pictures(n: int = 40) -> InMemory:
    """Bright boxes: high ones are cats, wide ones dogs."""
    chance = np.random.default_rng(0)
    images, labels = np.zeros((n, 32, 32, 1), np.uint8), np.arange(n, dtype=np.int64) % 2
    for image, label in zip(images, labels, strict=True):
        long, short = chance.integers(18, 28), chance.integers(6, 12)
        height, width = (long, short) if label == 0 else (short, long)
        image[2 : 2 + height, 2 : 2 + width] = chance.integers(180, 256)
    return InMemory(images, labels, ("cat", "dog"), {"name": "boxes", "sha256": "0", "classes": ["cat", "dog"]})


def run_in(folder: Path, **changes: object) -> Pretraining:
    plans = {name: replace(plan, epochs=EPOCHS, batch_size=8) for name, plan in PLANS.items()}
    return replace(Pretraining(pictures(), "tiny", plans, folder, device="cpu"), **changes)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Pretraining:
    run = run_in(tmp_path_factory.mktemp("whole"))
    run.whole()
    return run


def weights(run: Pretraining) -> dict[str, torch.Tensor]:
    parts = {"vae": run.parts.pipeline.vae, "clip": run.parts.clip, "unet": run.parts.pipeline.unet}
    return {f"{name}.{key}": value for name, part in parts.items() for key, value in part.state_dict().items()}


class Killed(Exception):
    """Stands for a kill."""


@pytest.mark.parametrize("stage", ["vae", "clip", "unet"])
def test_a_killed_run_ends_exactly_like_an_uninterrupted_one(
    whole: Pretraining, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    steps = iter(range(6))  # 32 pictures are 4 steps an epoch: the kill comes in the middle of the second
    kill = {"vae": "autoencoder_loss", "clip": "contrastive_loss", "unet": "denoising_loss"}[stage]
    true = getattr(pretraining_run, kill)

    def deadly(*arguments: object) -> object:
        inner = true(*arguments)

        def loss(rows: torch.Tensor, chance: torch.Generator) -> torch.Tensor:
            if next(steps, None) is None:
                raise Killed
            return inner(rows, chance)

        return loss

    monkeypatch.setattr(pretraining_run, kill, deadly)
    with pytest.raises(Killed):
        run_in(tmp_path).whole()
    monkeypatch.undo()
    assert len((tmp_path / stage / "losses.jsonl").read_text().splitlines()) == 1
    again = run_in(tmp_path)
    done = again.whole()
    assert {name: [e.epoch for e in epochs] for name, epochs in done.items()} == {key: [1, 2] for key in PLANS}
    expected = weights(whole)
    assert all(torch.equal(value, expected[name]) for name, value in weights(again).items())
    lines = [json.loads(x)["loss"] for x in (whole.work / stage / "losses.jsonl").read_text().splitlines()]
    assert [e.loss for e in done[stage]] == lines


def test_a_finished_run_is_not_trained_again(whole: Pretraining, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("a step was made")

    monkeypatch.setattr(pretraining_loop._Run, "epoch", refuse)
    again = replace(whole)
    again.whole()
    expected = weights(whole)
    assert all(torch.equal(value, expected[name]) for name, value in weights(again).items())


def test_pictures_held_out_are_never_looked_at(whole: Pretraining, tmp_path: Path) -> None:
    mine = pictures()
    blank = mine.images.copy()
    blank[whole.split.held] = 255 - blank[whole.split.held]
    other = run_in(tmp_path, pictures=replace(mine, images=blank))
    other.vae()
    assert torch.equal(
        torch.cat([p.flatten() for p in other.parts.pipeline.vae.parameters()]),
        torch.cat([p.flatten() for p in whole.parts.pipeline.vae.parameters()]),
    )
    assert whole.parts.pipeline.vae.config.scaling_factor == other.parts.pipeline.vae.config.scaling_factor


def test_another_plan_does_not_overwrite_a_folder(whole: Pretraining) -> None:
    plans = {**whole.plans, "vae": whole.plans["vae"].lasting(EPOCHS + 1)}
    with pytest.raises(ValueError, match="choose another folder") as error:
        replace(whole, plans=plans).vae()
    assert "\n" not in str(error.value)


def test_latents_are_scaled_to_unit_size(whole: Pretraining) -> None:
    vae = whole.parts.pipeline.vae
    pixels = whole.pixels(whole.split.train)
    with torch.no_grad():
        law = vae.encode(pixels).latent_dist
        many = torch.stack([law.sample(torch.Generator().manual_seed(k)) for k in range(50)])
    assert float((many * vae.config.scaling_factor).square().mean()) == pytest.approx(1, abs=0.02)
    assert latent_deviation(vae, pixels, batch_size=7) == pytest.approx(latent_deviation(vae, pixels), rel=1e-5)


def test_what_is_written_loads_in_the_usual_way(whole: Pretraining, tmp_path: Path) -> None:
    again, out = replace(whole), tmp_path / "models" / "boxes"
    done = again.whole()
    ship(out, again.parts, lambda: again.facts(done))
    loaded = load(str(out), device="cpu")
    for name, part in loaded.pipeline.components.items():
        if isinstance(part, torch.nn.Module):
            mine = getattr(again.parts.pipeline, name).state_dict()
            assert all(torch.equal(value, mine[key].float()) for key, value in part.state_dict().items())
            assert {v.dtype for v in load_file(next((out / name).glob("*.safetensors"))).values()} == {torch.float16}
    assert loaded.pipeline.vae.config.scaling_factor == whole.parts.pipeline.vae.config.scaling_factor
    clip = CLIPModel.from_pretrained(out / "clip", dtype=torch.float32)
    reader = CLIPTextModel.from_pretrained(out / "clip", dtype=torch.float32)
    ids = torch.tensor(loaded.pipeline.tokenizer(["a cute dog"], padding="max_length")["input_ids"])
    with torch.no_grad():
        states = [m(input_ids=ids).last_hidden_state for m in (loaded.pipeline.text_encoder, reader, clip.text_model)]
    assert torch.equal(states[0], states[1])
    assert torch.equal(states[0], states[2])
    facts = json.loads((out / FACTS).read_text())
    assert facts["sha256"] == digests(out)
    assert facts["learned_from"] == 32
    text = (out / CARD).read_text()
    assert all(str(found) in text for found in (facts["command"], facts["provenance"]["commit"], "held out"))
    assert (out / GRID).stat().st_size > 0
    assert not list(out.parent.glob(".*"))
    assert not [p for p in out.rglob("*") if p.suffix in {".bin", ".pt", ".pkl"}]


def test_a_folder_with_something_else_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("mine")
    with pytest.raises(ValueError, match="not a model of this command"):
        check_out(tmp_path)
    result = CliRunner().invoke(main, ["--out", str(tmp_path), "--work", str(tmp_path / "w")])
    assert result.exit_code == 1
    assert "not a model of this command" in result.output
    assert (tmp_path / "letter.txt").read_text() == "mine"
    assert not (tmp_path / "w").exists()


def test_pictures_must_fit(tmp_path: Path) -> None:
    wide = InMemory(np.zeros((4, 28, 28, 1), np.uint8), np.zeros(4, np.int64), ("cat",), {"name": "x"})
    with pytest.raises(ValueError, match=r"\(32, 32, 1\); these have \(28, 28, 1\)"):
        run_in(tmp_path, pictures=wide)


@pytest.mark.parametrize(("name", "value"), [("epochs", 0), ("batch_size", 0), ("learning_rate", 0.0)])
def test_plans_are_checked(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=str(value)):
        Plan(**{"epochs": 1, "learning_rate": 1e-3, "batch_size": 1, name: value})  # type: ignore[arg-type]


def test_chance_differs_by_seed_network_and_epoch() -> None:
    drawn = {draws(*k).initial_seed() for k in [(0, "vae", 1), (0, "vae", 2), (1, "vae", 1), (0, "clip", 1)]}
    assert len(drawn) == 4
    assert draws(0, "vae", 1).initial_seed() == draws(0, "vae", 1).initial_seed()


def test_the_loop_finds_a_known_minimum_and_a_moving_average_lags(tmp_path: Path) -> None:
    """Mean squared distance to points is least at their mean."""
    points = torch.randn(64, 3, generator=torch.Generator().manual_seed(0)) + 1
    found = {}
    for ema in (0.0, 0.9):
        network = torch.nn.Linear(1, 3, bias=False)
        torch.nn.init.zeros_(network.weight)

        def loss(rows: torch.Tensor, _: torch.Generator, network: torch.nn.Linear = network) -> torch.Tensor:
            return (network.weight[:, 0] - points[rows]).square().sum(1).mean()

        plan = Plan(100, 0.1, 64, weight_decay=0.0, ema=ema)
        done = train(network, loss, 64, plan, tmp_path / str(ema), facts={"seed": 0}, label="mean")
        found[ema] = network.weight[:, 0].detach()
    assert found[0.0].numpy() == pytest.approx(points.mean(0).numpy(), abs=0.02)
    assert not torch.equal(found[0.0], found[0.9])
    assert done[-1].loss == pytest.approx(float(points.var(0, correction=0).sum()), abs=0.01)


def test_a_loss_that_is_not_finite_stops_and_keeps_what_there_was(tmp_path: Path) -> None:
    network, calls = torch.nn.Linear(1, 1), iter(range(100))

    def loss(rows: torch.Tensor, _: torch.Generator) -> torch.Tensor:
        return network.weight.sum() * (math.nan if next(calls) >= 3 else 1.0)

    with pytest.raises(ArithmeticError, match="epoch 3 of 4: the loss is nan"):
        train(network, loss, 4, Plan(4, 1e-3, 4), tmp_path, facts={"seed": 0}, label="x") if next(
            calls
        ) == 0 else None
    assert len((tmp_path / "losses.jsonl").read_text().splitlines()) == 2


def test_equal_captions_are_no_mistakes() -> None:
    """If all captions are equal, the loss is the targets' entropy, log b, at least; and exactly if all is alike."""
    parts = build("tiny", ["a", "dog", "cat"])
    pixels = torch.rand(6, 1, 32, 32) * 2 - 1
    tokens = parts.pipeline.tokenizer(["a dog"] * 6, padding="max_length", return_tensors="pt")["input_ids"]
    loss = contrastive_loss(parts.clip, pixels, tokens)
    with torch.no_grad():
        value = float(loss(torch.arange(6), torch.Generator().manual_seed(0)))
    assert value >= math.log(6) - 1e-5
    parts.clip.logit_scale.data.fill_(-20.0)
    with torch.no_grad():
        assert float(loss(torch.arange(6), torch.Generator())) == pytest.approx(math.log(6), abs=1e-5)


def test_dropped_captions_become_the_empty_one() -> None:
    parts = build("tiny", ["a", "dog"])
    latents = Latents(torch.zeros(8, 4, 8, 8), torch.ones(8, 4, 8, 8))
    seen: list[torch.Tensor] = []

    class Spy(torch.nn.Module):
        device = torch.device("cpu")

        def forward(
            self, x: torch.Tensor, t: torch.Tensor, encoder_hidden_states: torch.Tensor, **_: object
        ) -> object:
            seen.append(encoder_hidden_states)
            return (torch.zeros_like(x),)

    texts = Texts(torch.stack([torch.zeros(16, 16), torch.ones(16, 16)]), torch.ones(8, dtype=torch.int64))
    for dropout in (0.0, 0.5, 1.0):
        loss = denoising_loss(Spy(), parts.pipeline.scheduler, latents, texts, dropout)  # type: ignore[arg-type]
        value = float(loss(torch.arange(8), torch.Generator().manual_seed(1)))
        assert 0.9 < value < 1.1  # a network that finds nothing errs by the noise's variance
    assert seen[0].min() == 1
    assert seen[2].max() == 0
    assert {float(x.mean()) for x in seen[1]} == {0.0, 1.0}


def test_scores_by_hand() -> None:
    parts = build("tiny", ["a", "photo", "of", "cat", "dog"])
    pixels = torch.rand(5, 1, 32, 32) * 2 - 1
    vae = parts.pipeline.vae
    with torch.no_grad():
        back = vae.decode(vae.encode(pixels).latent_dist.mode()).sample
    expected = float((back - pixels).square().mean())
    assert reconstruction_error(vae, pixels, batch_size=2) == pytest.approx(expected, rel=1e-5)
    tokenizer = parts.pipeline.tokenizer
    scores = [
        zero_shot_accuracy(parts.clip, tokenizer, pixels, torch.full((5,), k), ("cat", "dog"), batch_size=2)
        for k in (0, 1)
    ]
    assert sum(scores) == pytest.approx(1)  # each picture is found to be exactly one of the two
