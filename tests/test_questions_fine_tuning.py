"""LoRA fine-tuning: what it learns, what it leaves alone, what it keeps, and how it goes on after a kill."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from hallucination.questions import fine_tuning
from hallucination.questions.fine_tuning import (
    Recipe,
    Tuned,
    answer_loss,
    fine_tune,
    with_adapter,
    with_updates,
)
from hallucination.questions.generation import Decoding, answer
from hallucination.questions.models import Loaded, quiet
from hallucination.questions.prompts import answer_tokens, prompt_tokens, text_of
from hallucination.questions.sequence_probability import IGNORED, answer_logits, log_probability, pack
from hallucination.questions.tiny import tiny
from hallucination.questions.toolbox import PeftModel, TrainingArguments

PAIRS = [
    ("Why is the sky blue?", "Air scatters."),
    ("Why is the sky blue?", "Look up."),
    ("Who are you?", "Nobody"),
    ("How old?", "As old as hills."),
    ("What is rain?", "Wet."),
    ("Where?", "There, behind"),
]
RECIPE = Recipe(epochs=2, batch_size=2, learning_rate=5e-3, checkpoints_in_first_epoch=3, seed=1)


def fresh() -> Loaded:
    return tiny(torch.float32)


def tokens(pairs: list[tuple[str, str]] = PAIRS) -> tuple[list[list[int]], list[list[int]]]:
    words = fresh().tokenizer
    return [prompt_tokens(words, q, "chat") for q, _ in pairs], [answer_tokens(words, a) for _, a in pairs]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Loaded, Tuned]:
    """A fine-tuning from beginning to end, and the model it was done on."""
    loaded = fresh()
    return loaded, fine_tune(loaded, PAIRS, RECIPE, tmp_path_factory.mktemp("whole"))


def weights(adapter: Path) -> dict[str, torch.Tensor]:
    return load_file(adapter / "adapter_model.safetensors")


def same(first: Path, second: Path) -> bool:
    one, other = weights(first), weights(second)
    return one.keys() == other.keys() and all(torch.equal(one[k], other[k]) for k in one)


# --- recipes --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [{name: 0} for name in ("epochs", "rank", "alpha", "batch_size", "checkpoints_in_first_epoch")]
    + [{"learning_rate": 0.0}, {"learning_rate": math.nan}],
)
def test_impossible_recipes_are_refused(change: dict[str, float]) -> None:
    ((name, value),) = change.items()
    said = "the learning rate must be positive" if name == "learning_rate" else f"{name} must be at least 1"
    with pytest.raises(ValueError, match=f"^{said}; got {value}$"):
        replace(RECIPE, **change)


@pytest.mark.parametrize(
    ("pairs", "batch", "epochs", "early", "expected"),
    [
        (600, 8, 2, 1, {75: 1, 150: 2}),
        (600, 8, 1, 3, {25: 1 / 3, 50: 2 / 3, 75: 1}),
        (601, 8, 2, 1, {76: 1, 152: 2}),  # the last, smaller batch is a step
        (10, 4, 2, 2, {2: 2 / 3, 3: 1, 6: 2}),  # a step that is nearest to half an epoch, and says how far it is
        (3, 8, 3, 5, {1: 1, 2: 2, 3: 3}),  # no step before the first
        (16, 8, 1, 4, {1: 0.5, 2: 1}),  # each step once
    ],
)
def test_kept_steps(pairs: int, batch: int, epochs: int, early: int, expected: dict[int, float]) -> None:
    found = Recipe(epochs, batch_size=batch, checkpoints_in_first_epoch=early).kept_steps(pairs)
    assert found == pytest.approx(expected)
    assert list(found) == sorted(found)


def test_defaults_are_those_the_chapter_states() -> None:
    assert Recipe(4) == Recipe(4, 8, 16, "all-linear", 5e-5, 8, 1, 0)


# --- updates --------------------------------------------------------------------------------------------------


def test_updates_start_at_nothing_and_are_all_that_is_trained() -> None:
    loaded = fresh()
    before = log_probability(loaded, *tokens())[0]
    model = with_updates(loaded.model, RECIPE)
    assert log_probability(loaded, *tokens())[0].tolist() == before.tolist()
    trained = {name for name, p in model.named_parameters() if p.requires_grad}
    assert trained == {name for name, _ in model.named_parameters() if "lora_" in name}
    layers = {name.split(".")[-4] for name in trained}
    assert layers == {"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"}
    # Rank times (inputs + outputs) of every linear map: two layers of width 64, 2 x 16 keys and values, 128 within.
    per_layer = 8 * (2 * (64 + 64) + 2 * (64 + 32) + 3 * (64 + 128))
    assert sum(p.numel() for p in model.parameters() if p.requires_grad) == 2 * per_layer


def test_updates_follow_the_recipe() -> None:
    model = with_updates(fresh().model, replace(RECIPE, rank=3, alpha=12, targets=("q_proj",)))
    config = model.peft_config["default"]
    assert (config.r, config.lora_alpha, config.target_modules) == (3, 12, {"q_proj"})
    assert model.base_model.model.model.layers[0].self_attn.q_proj.scaling == {"default": 4.0}
    assert {n.split(".")[-4] for n, p in model.named_parameters() if p.requires_grad} == {"q_proj"}


# --- the loss -------------------------------------------------------------------------------------------------


def test_loss_is_the_mean_over_the_tokens_of_the_answers() -> None:
    logits = torch.randn(2, 3, 5, generator=torch.Generator().manual_seed(1))
    target = torch.tensor([[IGNORED, 4, 0], [1, 2, 3]])
    logs = logits.double().log_softmax(-1)
    expected = -sum(logs[r, k, int(t)] for r in (0, 1) for k, t in enumerate(target[r]) if t != IGNORED) / 5
    assert float(answer_loss(logits, target)) == pytest.approx(float(expected), rel=1e-6)
    changed = logits.clone()
    changed[0, 0] += torch.arange(5)
    assert float(answer_loss(changed, target)) == float(answer_loss(logits, target))


def test_the_first_loss_is_the_untrained_model_s_and_leaves_questions_out(tmp_path: Path) -> None:
    recipe = replace(RECIPE, epochs=1, batch_size=len(PAIRS), checkpoints_in_first_epoch=1)
    (first,) = fine_tune(fresh(), PAIRS, recipe, tmp_path).losses
    prompts, answers = tokens()
    total, count = log_probability(fresh(), prompts, answers)
    assert first == pytest.approx(-total.sum() / count.sum(), rel=1e-5)
    # Control: the questions' own tokens, without their first, would have changed it.
    joined = [[*p[1:], *a] for p, a in zip(prompts, answers, strict=True)]
    total, count = log_probability(fresh(), [p[:1] for p in prompts], joined)
    assert abs(first + total.sum() / count.sum()) > 0.05


def by_hand(pairs: list[tuple[str, str]], recipe: Recipe) -> tuple[list[float], dict[str, torch.Tensor]]:
    """AdamW without decay on all pairs at once, gradients cut to norm 1, the step size falling along a cosine."""
    torch.manual_seed(recipe.seed)
    loaded = fresh()
    model = with_updates(loaded.model, recipe)
    inputs, target = pack(*tokens(pairs), int(loaded.tokenizer.pad_token_id), "cpu")
    free = [p for p in model.parameters() if p.requires_grad]
    mean, square = [torch.zeros_like(p) for p in free], [torch.zeros_like(p) for p in free]
    losses = []
    for step in range(recipe.epochs):
        loss = answer_loss(answer_logits(model, inputs, target.shape[1]), target)
        losses.append(float(loss.detach()))
        grads = torch.autograd.grad(loss, free)
        norm = math.sqrt(sum(float(g.square().sum()) for g in grads))
        rate = recipe.learning_rate * (1 + math.cos(math.pi * step / recipe.epochs)) / 2
        with torch.no_grad():
            for p, g, m, v in zip(free, grads, mean, square, strict=True):
                g = g * min(1.0, 1 / (norm + 1e-6))
                m += 0.1 * (g - m)
                v += 0.001 * (g.square() - v)
                hat = m / (1 - 0.9 ** (step + 1)), v / (1 - 0.999 ** (step + 1))
                p -= rate * hat[0] / (hat[1].sqrt() + 1e-8)
    return losses, {n.replace(".default", ""): p.detach() for n, p in model.named_parameters() if p.requires_grad}


def test_steps_are_those_of_adamw_along_a_cosine(tmp_path: Path) -> None:
    recipe = replace(RECIPE, epochs=5, batch_size=8, learning_rate=1e-2, checkpoints_in_first_epoch=1)
    tuned = fine_tune(fresh(), PAIRS, recipe, tmp_path)
    losses, final = by_hand(PAIRS, recipe)
    assert tuned.losses == pytest.approx(losses, rel=1e-3)
    assert losses[0] - losses[-1] > 0.3
    found = weights(tuned.adapters[5.0])
    assert found.keys() == final.keys()
    for name in final:
        torch.testing.assert_close(found[name], final[name], atol=2e-4, rtol=1e-2)


def test_few_pairs_are_learned_by_heart(tmp_path: Path) -> None:
    pairs = [PAIRS[2], PAIRS[4]]
    loaded = fresh()
    tuned = fine_tune(loaded, pairs * 40, Recipe(1, batch_size=2, learning_rate=1e-2), tmp_path)
    assert len(tuned.losses) == 40
    assert tuned.losses[-1] < 0.05 < 3 < tuned.losses[0]
    learned = with_adapter("tiny", tuned.adapters[1.0], dtype="float32", device="cpu")
    said = answer(learned, tokens(pairs)[0], Decoding(20))
    assert said == tokens(pairs)[1]
    assert [text_of(loaded.tokenizer, t) for t in said] == [a for _, a in pairs]


# --- what is kept ---------------------------------------------------------------------------------------------


def test_adapters_are_kept_after_their_steps(whole: tuple[Loaded, Tuned]) -> None:
    _, tuned = whole
    assert list(tuned.adapters) == pytest.approx([1 / 3, 2 / 3, 1, 2])
    assert len(tuned.losses) == 6
    for step, path in zip((1, 2, 3, 6), tuned.adapters.values(), strict=True):
        state = json.loads((path / "trainer_state.json").read_text("utf8"))
        assert state["global_step"] == step
        assert [e["loss"] for e in state["log_history"] if "loss" in e] == tuned.losses[:step]
    paths = list(tuned.adapters.values())
    assert not any(same(a, b) for k, a in enumerate(paths) for b in paths[:k])


def test_only_the_updates_change(whole: tuple[Loaded, Tuned]) -> None:
    loaded, tuned = whole
    now = {n.replace(".base_layer", ""): p for n, p in loaded.model.named_parameters() if "lora_" not in n}
    before = dict(fresh().model.named_parameters())
    assert now.keys() == before.keys()
    assert all(torch.equal(now[name], before[name]) for name in before)
    last = weights(tuned.adapters[2.0])
    assert all("lora_" in name for name in last)
    in_memory = {n.replace(".default", ""): p for n, p in loaded.model.named_parameters() if "lora_" in n}
    assert all(torch.equal(last[f"base_model.model.{n}"], p) for n, p in in_memory.items())


def test_adapters_load_with_plain_peft_and_merge(whole: tuple[Loaded, Tuned]) -> None:
    loaded, tuned = whole
    plain = fresh()
    with quiet():
        model = PeftModel.from_pretrained(plain.model, tuned.adapters[2.0]).eval()
    asked = tokens()
    found = log_probability(Loaded(model, plain.tokenizer, {}), *asked)[0]
    merged = with_adapter("tiny", tuned.adapters[2.0], dtype="float32", device="cpu")
    assert not isinstance(merged.model, PeftModel)
    assert not merged.model.training
    assert merged.source == {**fresh().source, "adapter": "checkpoint-6"}
    assert log_probability(merged, *asked)[0] == pytest.approx(found, rel=1e-5)
    assert found == pytest.approx(log_probability(loaded, *asked)[0], rel=1e-6)
    base = with_adapter("tiny", None, dtype="float32", device="cpu")
    assert base.source == fresh().source
    assert (log_probability(base, *asked)[0] < found - 0.1).all()


def test_a_seed_reproduces_everything_and_another_does_not(whole: tuple[Loaded, Tuned], tmp_path: Path) -> None:
    _, tuned = whole
    torch.manual_seed(999)  # what came before does not matter
    again = fine_tune(fresh(), PAIRS, RECIPE, tmp_path / "again")
    assert again.losses == tuned.losses
    assert all(same(again.adapters[e], tuned.adapters[e]) for e in tuned.adapters)
    other = fine_tune(fresh(), PAIRS, replace(RECIPE, seed=2), tmp_path / "other")
    assert not same(other.adapters[2.0], tuned.adapters[2.0])
    assert other.losses[0] != tuned.losses[0]  # untrained both, so the order of the pairs differs


def test_no_remarks_but_one_progress_bar(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    fine_tune(fresh(), PAIRS[:2], replace(RECIPE, epochs=1), tmp_path, label="by rote")
    out, err = capfd.readouterr()
    assert out == ""
    assert all(part.strip() == "" or part.startswith("by rote:") for part in err.split("\r"))


# --- folders --------------------------------------------------------------------------------------------------


@pytest.fixture
def no_training(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise AssertionError("trained again")

    monkeypatch.setattr(fine_tuning, "_train", fail)


@pytest.mark.usefixtures("no_training")
def test_a_finished_one_is_not_repeated(whole: tuple[Loaded, Tuned]) -> None:
    _, tuned = whole
    assert fine_tune(fresh(), PAIRS, RECIPE, tuned.adapters[2.0].parent) == tuned


@pytest.mark.usefixtures("no_training")
@pytest.mark.parametrize(
    "change",
    [
        lambda m, p, r: (m, p, replace(r, learning_rate=1e-4)),
        lambda m, p, r: (m, p, replace(r, seed=7)),
        lambda m, p, r: (m, [p[1], p[0], *p[2:]], r),
        lambda m, p, r: (tiny(torch.float32, seed=1), p, r),
        lambda m, p, r: (tiny(torch.bfloat16), p, r),
    ],
    ids=["rate", "seed", "pairs", "model", "precision"],
)  # fmt: skip
def test_a_folder_of_another_one_is_refused(whole: tuple[Loaded, Tuned], change: Callable[..., tuple]) -> None:
    folder = whole[1].adapters[2.0].parent
    before = (folder / "recipe.json").read_text("utf8")
    with pytest.raises(
        ValueError, match=r"holds another fine-tuning \(see recipe.json there\); choose another folder"
    ):
        fine_tune(*change(fresh(), PAIRS, RECIPE), folder)
    assert (folder / "recipe.json").read_text("utf8") == before


def test_nothing_to_learn(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"^there is nothing to learn: no question-answer pairs were given$"):
        fine_tune(fresh(), [], RECIPE, tmp_path / "new")
    assert not (tmp_path / "new").exists()


# --- stopped and resumed --------------------------------------------------------------------------------------

CHILD = """
import json, sys, time
from pathlib import Path
import torch
from hallucination.questions import fine_tuning
from hallucination.questions.tiny import tiny

plain = fine_tuning._Keep.on_step_end

def wait_for_the_end(self, args, state, control, **words):
    plain(self, args, state, control, **words)
    if state.global_step == 2:
        print("one adapter is kept", flush=True)
        time.sleep(600)

fine_tuning._Keep.on_step_end = wait_for_the_end
pairs, recipe = json.loads(sys.argv[1])
fine_tuning.fine_tune(tiny(torch.float32), [tuple(p) for p in pairs], fine_tuning.Recipe(**recipe), Path(sys.argv[2]))
"""


def test_a_killed_one_goes_on_and_ends_as_if_it_had_not_been(whole: tuple[Loaded, Tuned], tmp_path: Path) -> None:
    words = json.dumps([PAIRS, vars(RECIPE)])
    command = [sys.executable, "-c", CHILD, words, str(tmp_path)]
    env = {**os.environ, "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=env) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "one adapter is kept\n"
        child.send_signal(signal.SIGKILL)
    assert child.returncode == -signal.SIGKILL
    assert [p.name for p in tmp_path.glob("checkpoint-*")] == ["checkpoint-1"]
    kept = (tmp_path / "checkpoint-1" / "adapter_model.safetensors").stat().st_mtime_ns
    torch.manual_seed(5)
    tuned = fine_tune(fresh(), PAIRS, RECIPE, tmp_path)
    assert (tmp_path / "checkpoint-1" / "adapter_model.safetensors").stat().st_mtime_ns == kept
    expected = whole[1]
    assert tuned.losses == expected.losses
    assert all(same(tuned.adapters[e], expected.adapters[e]) for e in expected.adapters)


def test_a_half_written_checkpoint_is_passed_over(whole: tuple[Loaded, Tuned], tmp_path: Path) -> None:
    import shutil

    expected = whole[1]
    folder = tmp_path / "stopped"
    shutil.copytree(expected.adapters[2.0].parent, folder)
    shutil.rmtree(folder / "checkpoint-3")
    for path in (folder / "checkpoint-6").iterdir():
        if path.name != "adapter_config.json":
            path.unlink()
    tuned = fine_tune(fresh(), PAIRS, RECIPE, folder)
    assert tuned.losses == expected.losses
    assert all(same(tuned.adapters[e], expected.adapters[e]) for e in expected.adapters)


# --- several processes and devices ----------------------------------------------------------------------------


def test_a_batch_that_does_not_divide_among_processes_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "3")
    with pytest.raises(ValueError, match=r"^a batch of 2 pairs does not divide evenly among 3 processes$"):
        fine_tune(fresh(), PAIRS, RECIPE, tmp_path)


def test_a_second_device_of_one_process_stays_idle(
    whole: tuple[Loaded, Tuned], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def two_devices(**words: object) -> TrainingArguments:
        arguments = TrainingArguments(**words)
        arguments._n_gpu = 2
        return arguments

    monkeypatch.setattr(fine_tuning, "TrainingArguments", two_devices)
    assert fine_tune(fresh(), PAIRS, RECIPE, tmp_path).losses == whole[1].losses


@pytest.mark.gpu
def test_a_gpu_follows_the_processor(whole: tuple[Loaded, Tuned], tmp_path: Path) -> None:
    tuned = fine_tune(tiny(torch.float32, "cuda"), PAIRS, RECIPE, tmp_path)
    assert tuned.losses == pytest.approx(whole[1].losses, rel=2e-2)
    half = fine_tune(tiny(torch.bfloat16, "cuda"), PAIRS, RECIPE, tmp_path / "half")
    assert half.losses == pytest.approx(whole[1].losses, rel=5e-2)
