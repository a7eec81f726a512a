"""LoRA fine-tuning on question-answer pairs (§7.2), with the loss on the answers only.

transformers' Trainer does the loop: checkpoints, resumption after a kill, and
several processes under ``torchrun``.  Ours are the pairs, the loss,
and the rule when to keep an adapter.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from tqdm import tqdm

from hallucination.questions.models import Loaded, load, quiet
from hallucination.questions.prompts import answer_tokens, prompt_tokens
from hallucination.questions.sequence_probability import IGNORED, answer_logits, pack
from hallucination.questions.toolbox import (
    LoraConfig,
    PeftModel,
    PreTrainedModel,
    PrinterCallback,
    Trainer,
    TrainerCallback,
    TrainingArguments,
    get_peft_model,
    set_seed,
)
from hallucination.records import write_json

Pair = tuple[str, str]  # a question and one answer


@dataclass(frozen=True)
class Recipe:
    """How to fine-tune.  The paper names LoRA only; defaults are those of the tool it used where that has one.

    Attributes
    ----------
    epochs : int
        Passes over the pairs.
    rank, alpha : int
        Of the low-rank updates; their scale is alpha / rank.
    targets : str or tuple of str
        Layers that get an update; ``"all-linear"`` is every linear map but the last.
    learning_rate : float
        Peak of AdamW's step size; it falls to zero along a cosine.
    batch_size : int
        Pairs in one step, over all processes.
    checkpoints_in_first_epoch : int
        Adapters kept evenly within the first epoch, its end included.
    seed : int
        Of the updates' start and of the order of the pairs.
    """

    epochs: int
    rank: int = 8
    alpha: int = 16
    targets: str | tuple[str, ...] = "all-linear"
    learning_rate: float = 5e-5
    batch_size: int = 8
    checkpoints_in_first_epoch: int = 1
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("epochs", "rank", "alpha", "batch_size", "checkpoints_in_first_epoch"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1; got {getattr(self, name)}")
        if not self.learning_rate > 0:
            raise ValueError(f"the learning rate must be positive; got {self.learning_rate}")

    def kept_steps(self, pairs: int) -> dict[int, float]:
        """Steps after which an adapter is kept, and how many epochs they are."""
        each = -(-pairs // self.batch_size)
        early = {round(each * k / self.checkpoints_in_first_epoch) for k in range(1, self.checkpoints_in_first_epoch)}
        steps = sorted({s for s in early if s > 0} | {each * e for e in range(1, self.epochs + 1)})
        return {step: step / each for step in steps}


@dataclass(frozen=True)
class Tuned:
    """What a fine-tuning left: adapters by epochs trained, and the loss of every step."""

    adapters: dict[float, Path]
    losses: list[float]


def with_updates(model: PreTrainedModel, recipe: Recipe) -> PeftModel:
    """Put trainable low-rank updates into a model, in place; all its own weights are frozen."""
    lora = LoraConfig(
        r=recipe.rank,
        lora_alpha=recipe.alpha,
        target_modules=recipe.targets if isinstance(recipe.targets, str) else list(recipe.targets),
        task_type="CAUSAL_LM",
    )
    with quiet():  # peft asks transformers for something under an old name
        return get_peft_model(model.train(), lora)


def answer_loss(logits: Tensor, target: Tensor) -> Tensor:
    """Mean cross-entropy, in nats, over the answers' tokens: logits of shape (B, A, V), tokens of shape (B, A)."""
    return torch.nn.functional.cross_entropy(logits.flatten(0, 1).float(), target.flatten(), ignore_index=IGNORED)


class _Answers(Trainer):
    """Trainer whose loss is the mean over the answers' tokens; logits of the questions are never computed."""

    def compute_loss(
        self, model: Any, inputs: Any, return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        target = inputs.pop("labels")
        logits = answer_logits(model, inputs, target.shape[1])
        loss = answer_loss(logits, target)
        return (loss, {"logits": logits}) if return_outputs else loss


class _Keep(TrainerCallback):
    """Keeps an adapter at the planned steps, records the loss of every step, and moves one progress bar."""

    def __init__(self, steps: Sequence[int], label: str) -> None:
        self.steps, self.label = set(steps), label

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self.bar = tqdm(
            total=state.max_steps, initial=state.global_step, desc=self.label, unit="step",
            disable=not state.is_world_process_zero, leave=False,
        )  # fmt: skip

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        control.should_save = state.global_step in self.steps
        self.bar.update()

    def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self.bar.close()


def _encode(loaded: Loaded, pairs: Sequence[Pair]) -> list[dict[str, list[int]]]:
    words = loaded.tokenizer
    return [{"prompt": prompt_tokens(words, q, "chat"), "answer": answer_tokens(words, a)} for q, a in pairs]


def fine_tune(
    loaded: Loaded, pairs: Sequence[Pair], recipe: Recipe, folder: Path, *, label: str = "fine-tuning"
) -> Tuned:
    """Fine-tune a model's LoRA updates and keep an adapter at the end of every epoch.

    A fine-tuning that was stopped goes on from its last kept adapter; one that
    is complete in `folder` is not repeated.

    Parameters
    ----------
    loaded : Loaded
        The base model.  Its weights are left as they are, but it carries the
        updates afterwards: load it again to have the base model back.
    pairs : sequence of pairs of str
        Questions with one answer each.
    recipe : Recipe
        How to fine-tune.
    folder : Path
        Where adapters go; it belongs to this recipe and these pairs alone.

    Raises
    ------
    ValueError
        If there are no pairs, `folder` holds another fine-tuning, or a batch does not divide among the processes.
    """
    if not pairs:
        raise ValueError("there is nothing to learn: no question-answer pairs were given")
    _claim(folder, loaded, pairs, recipe)
    steps = recipe.kept_steps(len(pairs))
    done = _read(folder, steps)
    if done is not None:
        return done
    with quiet():
        _train(loaded, pairs, recipe, folder, label)
    done = _read(folder, steps)
    assert done is not None, "the Trainer saves at every planned step"
    return done


def _train(loaded: Loaded, pairs: Sequence[Pair], recipe: Recipe, folder: Path, label: str) -> None:
    processes = int(os.environ.get("WORLD_SIZE", "1"))
    if recipe.batch_size % processes:
        raise ValueError(f"a batch of {recipe.batch_size} pairs does not divide evenly among {processes} processes")
    set_seed(recipe.seed)
    model = with_updates(loaded.model, recipe)
    pad = int(loaded.tokenizer.pad_token_id)

    def collate(rows: Sequence[dict[str, list[int]]]) -> dict[str, Tensor]:
        inputs, target = pack([r["prompt"] for r in rows], [r["answer"] for r in rows], pad, "cpu")
        return {**inputs, "labels": target}

    arguments = TrainingArguments(
        output_dir=str(folder),
        num_train_epochs=recipe.epochs,
        per_device_train_batch_size=recipe.batch_size // processes,
        learning_rate=recipe.learning_rate,
        lr_scheduler_type="cosine",
        logging_steps=1,
        save_strategy="no",  # the callback says when
        seed=recipe.seed,
        report_to=[],
        disable_tqdm=True,
        remove_unused_columns=False,
        ddp_find_unused_parameters=False,
        label_names=["labels"],
        use_cpu=loaded.device.type == "cpu",
        dataloader_pin_memory=loaded.device.type != "cpu",
    )
    arguments._n_gpu = min(arguments.n_gpu, 1)  # one device a process, whatever else the machine has
    steps = recipe.kept_steps(len(pairs))
    keep = _Keep(list(steps), label)
    trainer = _Answers(
        model=model, args=arguments, train_dataset=_encode(loaded, pairs), data_collator=collate, callbacks=[keep]
    )
    trainer.remove_callback(PrinterCallback)
    whole = _kept(folder, steps)  # a kill may have left a later one in part
    trainer.train(resume_from_checkpoint=str(whole[max(whole)]) if whole else None)


def _kept(folder: Path, steps: dict[int, float]) -> dict[int, Path]:
    found = {step: folder / f"checkpoint-{step}" for step in steps}
    return {s: p for s, p in found.items() if (p / "trainer_state.json").is_file()}


def _read(folder: Path, steps: dict[int, float]) -> Tuned | None:
    kept = _kept(folder, steps)
    if len(kept) < len(steps):
        return None
    state = json.loads((kept[max(steps)] / "trainer_state.json").read_text("utf8"))
    losses = [float(entry["loss"]) for entry in state["log_history"] if "loss" in entry]
    return Tuned({steps[s]: kept[s] for s in sorted(steps)}, losses)


def _claim(folder: Path, loaded: Loaded, pairs: Sequence[Pair], recipe: Recipe) -> None:
    """Leave in the folder what it is for; refuse a folder that is for something else."""
    learned = hashlib.sha256(json.dumps([list(p) for p in pairs]).encode()).hexdigest()
    mine = json.loads(json.dumps({"recipe": asdict(recipe), "model": loaded.source, "pairs_sha256": learned}))
    sign = folder / "recipe.json"
    if sign.is_file() and json.loads(sign.read_text("utf8")) != mine:
        raise ValueError(f"{folder} holds another fine-tuning (see recipe.json there); choose another folder")
    write_json(sign, mine)


def with_adapter(name: str, adapter: Path | None, *, dtype: str = "auto", device: str = "auto") -> Loaded:
    """The base model, freshly loaded, with an adapter added into its weights (none: the base model itself)."""
    loaded = load(name, dtype=dtype, device=device)
    if adapter is None:
        return loaded
    with quiet():
        merged = PeftModel.from_pretrained(loaded.model, adapter).merge_and_unload()
    return Loaded(merged.eval(), loaded.tokenizer, {**loaded.source, "adapter": adapter.name})
