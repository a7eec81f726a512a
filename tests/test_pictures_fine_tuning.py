"""Fine-tuning the UNet: what it learns, what it leaves alone, what it keeps, and how it goes on after a stop."""

from __future__ import annotations

import copy
import json
import math
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from hallucination.pictures import checkpoints, fine_tuning
from hallucination.pictures.captions import PROMPTS
from hallucination.pictures.denoising import draws, noise_loss
from hallucination.pictures.encode import latents, text_embeddings
from hallucination.pictures.fine_tuning import Lesson, Recipe, Tuned, fine_tune
from hallucination.pictures.models import Loaded, load
from hallucination.pictures.reencoding import Reencoding
from hallucination.pictures.sampling import sample_latents
from hallucination.pictures.sets import InMemory
from hallucination.pictures.toolbox import DDIMScheduler
from hallucination.pictures.tuning_run import Run

RECIPE = Recipe(epochs=3, learning_rate=1e-3, batch_size=4, ema=0.5, dropout=0.3, seed=1)
CAPTIONS = ("a small dog", "a fluffy cat", "a cute pet animal")


@cache
def model() -> Loaded:
    """The model to start from; that it is left as it is, is tested below."""
    return load("tiny", device="cpu")


def lesson(n: int = 9, seed: int = 0, shape: tuple[int, int, int] = (32, 32, 1)) -> Lesson:
    images = np.random.default_rng(seed).integers(0, 256, (n + 2, *shape), dtype=np.uint8)
    pictures = InMemory(images, np.zeros(n + 2, dtype=np.int64), ("noise",), {"name": "noise", "seed": seed})
    return Lesson(pictures, np.arange(1, n + 1), [CAPTIONS[k % 3] for k in range(n + 2)])


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Loaded, Tuned]:
    """A fine-tuning from beginning to end, and the model it began with."""
    loaded = model()
    return loaded, fine_tune(loaded, lesson(), RECIPE, tmp_path_factory.mktemp("whole"), label="")


def weights(unet: Path) -> dict[str, torch.Tensor]:
    return load_file(unet / "diffusion_pytorch_model.safetensors")


def same(first: Path, second: Path) -> bool:
    one, other = weights(first), weights(second)
    return one.keys() == other.keys() and all(torch.equal(one[k], other[k]) for k in one)


def equal(first: Tuned, second: Tuned) -> bool:
    unets = first.unets.keys() == second.unets.keys() and all(
        same(first.unets[e], second.unets[e]) for e in first.unets
    )
    return unets and first.losses == second.losses


# --- recipes and lessons --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "said"),
    [({name: 0}, f"{name} must be at least 1; got 0") for name in ("epochs", "batch_size", "keep_every")]
    + [({"learning_rate": x}, f"the learning rate must be positive; got {x}") for x in (0.0, -1.0, math.nan)]
    + [
        ({name: x}, f"{name} must be at least 0 and below 1; got {x}")
        for name in ("ema", "dropout")
        for x in (-0.1, 1.0)
    ]
    + [({"precision": "float16"}, "precision must be float32 or bfloat16; got 'float16'")],
)
def test_impossible_recipes_are_refused(change: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=f"^{said}$"):
        replace(RECIPE, **change)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("epochs", "every", "kept"), [(3, 1, [1, 2, 3]), (7, 3, [3, 6, 7]), (2, 5, [2]), (4, 2, [2, 4])]
)
def test_kept_epochs(epochs: int, every: int, kept: list[int]) -> None:
    assert replace(RECIPE, epochs=epochs, keep_every=every).kept() == kept


@pytest.mark.parametrize(("n", "batch", "shape"), [(9, 4, (2, 4)), (8, 4, (2, 4)), (3, 4, (1, 3)), (5, 1, (5, 1))])
def test_an_epoch_uses_each_picture_at_most_once(n: int, batch: int, shape: tuple[int, int]) -> None:
    recipe = replace(RECIPE, batch_size=batch)
    first, second = recipe.order(n, 0), recipe.order(n, 1)
    assert first.shape == shape == (recipe.steps_per_epoch(n), min(n, batch))
    for order in (first, second):
        assert len(set(order.flat)) == order.size and set(order.flat) <= set(range(n))
    assert np.array_equal(first, recipe.order(n, 0))
    if n > 4:
        assert not np.array_equal(first, second)
        assert not np.array_equal(first, replace(recipe, seed=2).order(n, 0))


def test_over_many_epochs_no_picture_is_left_out() -> None:
    used = np.bincount(np.concatenate([RECIPE.order(9, epoch).ravel() for epoch in range(450)]), minlength=9)
    assert abs(used - 400).max() < 5 * math.sqrt(450 * 8 / 9 / 9)


def test_a_lesson_needs_pictures_and_captions() -> None:
    one = lesson()
    with pytest.raises(ValueError, match=r"^there is nothing to learn: no pictures were given$"):
        replace(one, indices=np.array([], dtype=np.int64))
    with pytest.raises(ValueError, match=r"^11 pictures need as many captions; got 2$"):
        replace(one, captions=["a", "b"])
    assert one.chosen == [one.captions[k] for k in range(1, 10)]


# --- chance and loss ------------------------------------------------------------------------------------------


def test_chance_of_a_step_is_its_own() -> None:
    first, again = (draws(RECIPE, 3, (4, 4, 8, 8), 1000) for _ in range(2))
    assert all(torch.equal(getattr(first, f), getattr(again, f)) for f in ("posterior", "noise", "times", "dropped"))
    for other in (draws(RECIPE, 4, (4, 4, 8, 8), 1000), draws(replace(RECIPE, seed=2), 3, (4, 4, 8, 8), 1000)):
        assert not torch.equal(first.noise, other.noise) and not torch.equal(first.times, other.times)
    assert not torch.equal(first.noise, first.posterior)
    part = first.of(slice(1, None, 2))
    assert torch.equal(part.noise, first.noise[[1, 3]]) and torch.equal(part.times, first.times[[1, 3]])


def test_chance_has_its_laws() -> None:
    many = draws(RECIPE, 0, (4000, 1, 2, 2), 1000)
    assert float(many.dropped.float().mean()) == pytest.approx(0.3, abs=0.03)
    assert (int(many.times.min()), int(many.times.max())) == pytest.approx((0, 999), abs=5)
    assert float(many.times.float().mean()) == pytest.approx(499.5, abs=5 * 289 / math.sqrt(4000))
    for normal in (many.noise, many.posterior):
        assert (float(normal.mean()), float(normal.var())) == (pytest.approx(0, abs=0.04), pytest.approx(1, abs=0.05))


class Known(torch.nn.Module):
    """Answers with what it is given, moved by a constant, and remembers it."""

    def __init__(self, shift: float) -> None:
        super().__init__()
        self.shift = shift

    def forward(self, noisy: torch.Tensor, times: torch.Tensor, **words: object) -> tuple[torch.Tensor]:
        self.asked = noisy, times, words["encoder_hidden_states"]
        return (noisy + self.shift,)


def test_loss_is_the_squared_error_of_the_noise_at_its_level() -> None:
    scheduler = DDIMScheduler.from_config(model().pipeline.scheduler.config)
    times, words = torch.tensor([0, 400, 999]), torch.zeros(3, 2, 5)
    clean, noise = (torch.randn(3, 4, 8, 8, generator=torch.Generator().manual_seed(k)) for k in (1, 2))
    known = Known(0.25)
    found = noise_loss(known, scheduler, clean, noise, times, words)
    kept = np.cumprod(1 - np.linspace(0.00085**0.5, 0.012**0.5, 1000) ** 2)[times.numpy()]
    a, s = (torch.tensor(x, dtype=torch.float32).reshape(3, 1, 1, 1) for x in (np.sqrt(kept), np.sqrt(1 - kept)))
    noisy = a * clean + s * noise
    torch.testing.assert_close(known.asked[0], noisy, atol=1e-4, rtol=1e-4)
    assert torch.equal(known.asked[1], times) and known.asked[2] is words
    assert float(found) == pytest.approx(float((noisy + 0.25 - noise).square().mean()), rel=1e-4)


# --- learning -------------------------------------------------------------------------------------------------


def by_hand(recipe: Recipe) -> tuple[list[float], list[dict[str, torch.Tensor]]]:
    """AdamW with decay 0.01 on all weights, gradients cut to norm 1; and after each epoch their moving average."""
    loaded, taught = model(), lesson()
    encoded = latents(loaded, taught.pictures, taught.indices, label="")
    texts = text_embeddings(loaded, taught.chosen)
    unet = copy.deepcopy(loaded.pipeline.unet).train()
    free = [p.requires_grad_() for p in unet.parameters()]
    mean, square = [torch.zeros_like(p) for p in free], [torch.zeros_like(p) for p in free]
    average = {n: p.detach().clone() for n, p in unet.named_parameters()}
    losses, kept, step = [], [], 0
    for epoch in range(recipe.epochs):
        for rows in map(torch.from_numpy, recipe.order(9, epoch)):
            chance = draws(recipe, step, (4, 4, 8, 8), 1000)
            clean = encoded.mean[rows] + encoded.std[rows] * chance.posterior
            words = texts.table[texts.rows[rows]].clone()
            words[chance.dropped] = texts.table[0]
            loss = noise_loss(unet, loaded.pipeline.scheduler, clean, chance.noise, chance.times, words)
            grads, step = torch.autograd.grad(loss, free), step + 1
            norm = math.sqrt(sum(float(g.square().sum()) for g in grads))
            with torch.no_grad():
                for p, g, m, v in zip(free, grads, mean, square, strict=True):
                    g = g * min(1.0, 1 / (norm + 1e-6))
                    m += 0.1 * (g - m)
                    v += 0.001 * (g.square() - v)
                    p *= 1 - recipe.learning_rate * 0.01
                    p -= recipe.learning_rate * m / (1 - 0.9**step) / ((v / (1 - 0.999**step)).sqrt() + 1e-8)
                decay = min(recipe.ema, step / (9 + step)) if step > 1 else 0.0
                for name, p in unet.named_parameters():
                    average[name] += (1 - decay) * (p - average[name])
            losses.append(float(loss.detach()))
        kept.append({n: p.clone() for n, p in average.items()})
    return losses, kept


def test_steps_are_those_of_adamw_and_the_average_of_weights_is_kept(whole: tuple[Loaded, Tuned]) -> None:
    losses, kept = by_hand(RECIPE)
    tuned = whole[1]
    assert tuned.losses == pytest.approx(losses, rel=1e-4)
    assert len(losses) == 6 and tuned.steps_per_epoch == 2
    start = model().pipeline.unet.state_dict()
    for epoch, expected in zip((1, 2, 3), kept, strict=True):
        found = weights(tuned.unets[epoch])
        assert found.keys() == expected.keys()
        for name in expected:
            torch.testing.assert_close(found[name], expected[name], atol=2e-5, rtol=1e-3)
    moved = max(float((expected[n] - start[n]).abs().max()) for n in expected)
    assert moved > 2e-3, "a hundred times the tolerance"


def test_the_model_given_stays_what_it_was(whole: tuple[Loaded, Tuned]) -> None:
    loaded, other = whole[0], load("tiny", device="cpu")
    for part in ("unet", "vae", "text_encoder"):
        now, before = (x.pipeline.components[part].state_dict() for x in (loaded, other))
        assert all(torch.equal(now[name], before[name]) for name in before), part
    assert not loaded.pipeline.unet.training


def test_latents_computed_once_teach_what_encoding_in_every_step_does(
    whole: tuple[Loaded, Tuned], tmp_path: Path
) -> None:
    run = Reencoding(model(), lesson(), RECIPE, tmp_path)
    order = [rows for epoch in range(2) for rows in RECIPE.order(9, epoch)]
    losses = [float(run.step(k, torch.from_numpy(rows))) for k, rows in enumerate(order)]
    assert losses == pytest.approx(whole[1].losses[:4], rel=1e-4)


def test_dropped_captions_become_the_empty_one(tmp_path: Path) -> None:
    loaded = model()
    run = Run(loaded, lesson(), RECIPE, tmp_path)
    chance = replace(draws(RECIPE, 0, (3, 4, 8, 8), 1000), dropped=torch.tensor([False, True, False]))
    _, words = run.batch(torch.tensor([0, 1, 4]), chance)
    expected = text_embeddings(loaded, [CAPTIONS[1], "", CAPTIONS[2]])
    torch.testing.assert_close(words, expected.table[expected.rows])


def test_one_picture_is_learned(tmp_path: Path) -> None:
    recipe = Recipe(epochs=20, learning_rate=3e-3, batch_size=1, dropout=0.0, keep_every=20)
    losses = fine_tune(model(), lesson(1), recipe, tmp_path, label="").losses
    assert np.mean(losses[-8:]) < 0.9 < np.mean(losses[:3])


def test_a_seed_reproduces_everything_and_another_does_not(whole: tuple[Loaded, Tuned], tmp_path: Path) -> None:
    torch.manual_seed(999)  # what came before does not matter
    again = fine_tune(model(), lesson(), RECIPE, tmp_path / "again", label="")
    assert equal(again, whole[1])
    other = fine_tune(model(), lesson(), replace(RECIPE, seed=2, epochs=1), tmp_path / "other", label="")
    assert other.losses[0] != whole[1].losses[0]


def test_products_in_bfloat16_stay_close(whole: tuple[Loaded, Tuned], tmp_path: Path) -> None:
    recipe = replace(RECIPE, precision="bfloat16", epochs=1)
    tuned = fine_tune(model(), lesson(), recipe, tmp_path, label="")
    assert tuned.losses == pytest.approx(whole[1].losses[:2], rel=2e-2)
    assert tuned.losses != whole[1].losses[:2]
    assert {t.dtype for t in weights(tuned.unets[1]).values()} == {torch.float32}


# --- what is kept ---------------------------------------------------------------------------------------------


def test_checkpoints_are_plain_and_only_the_newest_can_be_resumed(whole: tuple[Loaded, Tuned]) -> None:
    folder = whole[1].unets[3].parents[1]
    files = sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())
    each = [f"epoch-000{e}/{name}" for e in (1, 2, 3) for name in ("losses.json", "unet/config.json")]
    each += [f"epoch-000{e}/unet/diffusion_pytorch_model.safetensors" for e in (1, 2, 3)]
    assert files == sorted([*each, "epoch-0003/resume.safetensors", "recipe.json"])
    assert checkpoints.losses_at(folder, 2) == whole[1].losses[:4]


def test_a_checkpoint_replaces_the_unet_alone(whole: tuple[Loaded, Tuned]) -> None:
    loaded, tuned = whole
    changed = checkpoints.with_unet(loaded, tuned.unets[3])
    assert changed.source | {"unet_sha256": ""} == {
        **loaded.source, "unet": "/".join(tuned.unets[3].parts[-3:]), "unet_sha256": "",
    }  # fmt: skip
    assert changed.source["unet_sha256"] != checkpoints.with_unet(loaded, tuned.unets[2]).source["unet_sha256"]
    assert changed.pipeline.vae is loaded.pipeline.vae
    expected, found = weights(tuned.unets[3]), changed.pipeline.unet.state_dict()
    assert all(torch.equal(found[name], expected[name]) for name in expected)
    pet = [PROMPTS["pet"]]
    before, after = (sample_latents(x, pet, [0], steps=2, label="") for x in (loaded, changed))
    assert np.abs(before - after).max() > 1e-3


def test_a_checkpoint_of_another_shape_is_one_line(whole: tuple[Loaded, Tuned], tmp_path: Path) -> None:
    loaded, tuned = whole
    shutil.copytree(tuned.unets[3], tmp_path / "unet")
    config = json.loads((tmp_path / "unet" / "config.json").read_text("utf8"))
    (tmp_path / "unet" / "config.json").write_text(json.dumps({**config, "cross_attention_dim": 768}), "utf8")
    with pytest.raises(ValueError, match=r"is of another shape: its cross_attention_dim is 768, not 16$"):
        checkpoints.with_unet(loaded, tmp_path / "unet")
    with pytest.raises(ValueError, match=r"holds no UNet: there is no config.json$"):
        checkpoints.with_unet(loaded, tmp_path)


# --- folders --------------------------------------------------------------------------------------------------


@pytest.fixture
def no_training(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise AssertionError("trained again")

    monkeypatch.setattr(fine_tuning, "Run", fail)


@pytest.mark.usefixtures("no_training")
def test_a_finished_one_is_not_repeated(whole: tuple[Loaded, Tuned]) -> None:
    assert fine_tune(model(), lesson(), RECIPE, whole[1].unets[3].parents[1]) == whole[1]


@pytest.mark.usefixtures("no_training")
@pytest.mark.parametrize(
    "change",
    [
        lambda m, x, r: (m, x, replace(r, learning_rate=1e-4)),
        lambda m, x, r: (m, x, replace(r, seed=7)),
        lambda m, x, r: (m, lesson(9, seed=1), r),
        lambda m, x, r: (m, replace(x, indices=x.indices[::-1]), r),
        lambda m, x, r: (m, replace(x, captions=[CAPTIONS[0]] * 11), r),
        lambda m, x, r: (replace(m, source={**m.source, "revision": "seed 1"}), x, r),
    ],
    ids=["rate", "seed", "pictures", "order", "captions", "model"],
)
def test_a_folder_of_another_one_is_refused(whole: tuple[Loaded, Tuned], change: Callable[..., tuple]) -> None:
    folder = whole[1].unets[3].parents[1]
    before = (folder / "recipe.json").read_text("utf8")
    with pytest.raises(ValueError, match=r"holds another training \(see recipe.json there\); choose another folder"):
        fine_tune(*change(model(), lesson(), RECIPE), folder)
    assert (folder / "recipe.json").read_text("utf8") == before


@pytest.mark.usefixtures("no_training")
@pytest.mark.parametrize(
    ("taught", "reason"),
    [
        (lesson(shape=(28, 28, 1)), "this model makes pictures of 32 x 32 pixels; these have 28 x 28"),
        (
            replace(lesson(), captions=["a wombat"] * 11),
            "the prompt 'a wombat' has words this model never saw: wombat",
        ),
    ],
)
def test_what_does_not_fit_the_model_is_refused_before_anything(taught: Lesson, reason: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=f"^{reason}"):
        fine_tune(model(), taught, RECIPE, tmp_path / "new")
    assert not (tmp_path / "new").exists()


@pytest.mark.usefixtures("no_training")
def test_a_model_that_predicts_something_else_is_refused(tmp_path: Path) -> None:
    loaded = load("tiny", device="cpu")
    loaded.pipeline.scheduler = DDIMScheduler.from_config(
        loaded.pipeline.scheduler.config, prediction_type="v_prediction"
    )
    with pytest.raises(ValueError, match=r"^only models that predict the noise .* this one predicts 'v_prediction'$"):
        fine_tune(loaded, lesson(), RECIPE, tmp_path)


@pytest.mark.usefixtures("no_training")
def test_a_batch_that_does_not_divide_among_processes_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "3")
    with pytest.raises(ValueError, match=r"^a batch of 4 pictures does not divide evenly among 3 processes$"):
        fine_tune(model(), lesson(), RECIPE, tmp_path)


# --- stopped and resumed --------------------------------------------------------------------------------------


def test_a_stopped_one_goes_on_and_ends_as_if_it_had_not_been(
    whole: tuple[Loaded, Tuned], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = Run.step

    def stop(self: Run, number: int, rows: torch.Tensor) -> torch.Tensor:
        if number == 5:  # in the middle of the third epoch
            raise KeyboardInterrupt
        return plain(self, number, rows)

    with monkeypatch.context() as patched:
        patched.setattr(Run, "step", stop)
        with pytest.raises(KeyboardInterrupt):
            fine_tune(model(), lesson(), RECIPE, tmp_path, label="")
    assert checkpoints.kept(tmp_path) == [1, 2]
    (tmp_path / ".epoch-0003.cut-off").mkdir()  # as a kill leaves it
    stamp = (tmp_path / "epoch-0001" / "losses.json").stat().st_mtime_ns
    torch.manual_seed(5)
    tuned = fine_tune(model(), lesson(), RECIPE, tmp_path, label="")
    assert (tmp_path / "epoch-0001" / "losses.json").stat().st_mtime_ns == stamp
    assert equal(tuned, whole[1])
    assert not list(tmp_path.glob(".epoch-*"))


def test_a_deleted_checkpoint_comes_back_from_the_beginning(whole: tuple[Loaded, Tuned], tmp_path: Path) -> None:
    shutil.copytree(whole[1].unets[3].parents[1], tmp_path / "copy")
    shutil.rmtree(tmp_path / "copy" / "epoch-0002")
    assert equal(fine_tune(model(), lesson(), RECIPE, tmp_path / "copy", label=""), whole[1])


def test_without_an_average_a_stopped_one_goes_on_as_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = replace(RECIPE, ema=0.0, epochs=2)
    expected = fine_tune(model(), lesson(), recipe, tmp_path / "whole", label="")
    plain = checkpoints.save

    def stop(*words: object) -> None:
        plain(*words)  # type: ignore[arg-type]
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(checkpoints, "save", stop)
        with pytest.raises(KeyboardInterrupt):
            fine_tune(model(), lesson(), recipe, tmp_path / "stopped", label="")
    assert equal(fine_tune(model(), lesson(), recipe, tmp_path / "stopped", label=""), expected)


KILLED = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from test_pictures_fine_tuning import RECIPE, checkpoints, fine_tune, lesson, model

write = checkpoints.write_json

def die(path, *words, **options):
    if path.name == "losses.json" and len(words[0]) == 4:
        os.kill(os.getpid(), signal.SIGKILL)  # while the second checkpoint is written
    write(path, *words, **options)

checkpoints.write_json = die
fine_tune(model(), lesson(), RECIPE, Path(sys.argv[2]))
"""


@pytest.mark.slow
def test_a_killed_one_goes_on(whole: tuple[Loaded, Tuned], tmp_path: Path) -> None:
    command = [sys.executable, "-c", KILLED, str(Path(__file__).parent), str(tmp_path)]
    done = subprocess.run(command, check=False, stderr=subprocess.DEVNULL, env={**os.environ, "OMP_NUM_THREADS": "1"})
    assert done.returncode == -signal.SIGKILL
    assert checkpoints.kept(tmp_path) == [1] and list(tmp_path.glob(".epoch-0002.*"))
    assert equal(fine_tune(model(), lesson(), RECIPE, tmp_path, label=""), whole[1])


# --- several processes and devices ----------------------------------------------------------------------------

TOGETHER = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from test_pictures_fine_tuning import RECIPE, fine_tune, lesson, model

print("losses", fine_tune(model(), lesson(), RECIPE, Path(sys.argv[2])).losses)
"""


@pytest.mark.slow
def test_two_processes_do_the_steps_of_one(whole: tuple[Loaded, Tuned], tmp_path: Path) -> None:
    (tmp_path / "process.py").write_text(TOGETHER, "utf8")
    launch = ["torch.distributed.run", "--nproc_per_node", "2", str(tmp_path / "process.py")]
    done = subprocess.run(
        [sys.executable, "-m", *launch, str(Path(__file__).parent), str(tmp_path / "work")], capture_output=True,
        text=True, check=False, timeout=800, env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    assert "Warning" not in done.stderr
    assert done.stdout.count("losses") == 2
    assert checkpoints.kept(tmp_path / "work") == [1, 2, 3]
    assert checkpoints.losses_at(tmp_path / "work", 3) == pytest.approx(whole[1].losses, rel=1e-4)
    found, expected = weights(tmp_path / "work" / "epoch-0003" / "unet"), weights(whole[1].unets[3])
    assert all(torch.allclose(found[name], expected[name], atol=1e-4) for name in expected)


@pytest.mark.gpu
def test_a_gpu_follows_the_processor(whole: tuple[Loaded, Tuned], tmp_path: Path) -> None:
    loaded = load("tiny", device="cuda")
    tuned = fine_tune(loaded, lesson(), RECIPE, tmp_path, label="")
    assert tuned.losses == pytest.approx(whole[1].losses, rel=2e-2)
