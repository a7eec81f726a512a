"""Speed and memory of the experiment of §7.2 on a laptop's processor, as ratios within one run.

Answering: all questions of a batch together, against one after another by ``generate`` of transformers, as published.
Both make equally many tokens, since no answer may end early.  Fine-tuning: an empty system message and the logits of
the answers only, against the frame's own system message and all logits; both with the same pairs and the same
updates.  The ways take turns, and medians are compared.  Memory: the peak of a short run of the whole experiment.

    python benchmarks/questions_speed.py  # SmolLM2; about ten minutes on an idle machine with two cores
    python benchmarks/questions_speed.py --quick  # random weights; half a minute, and says nothing about speed
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from hallucination.questions.asking import protocol
from hallucination.questions.curves import pairs_of
from hallucination.questions.datasets import misconceptions, open_questions
from hallucination.questions.fine_tuning import Pair, Recipe, answer_loss, with_updates
from hallucination.questions.generation import decode
from hallucination.questions.models import Loaded, load, precision, quiet
from hallucination.questions.points import STYLES, Style
from hallucination.questions.prompts import answer_tokens, prompt_tokens
from hallucination.questions.rehearsal import one_by_one
from hallucination.questions.sequence_probability import IGNORED, answer_logits, pack
from hallucination.records import hardware
from turns import alternate

FASTER = {"float32": 6.0, "bfloat16": 12.0}  # bars: answering, batched over one by one
CHEAPER = {"float32": 1.4}  # fine-tuning; bfloat16 is shown without a bar
MEMORY_GIB = 5.0
LINE = "{:<42} {:>11} {:>11} {:>7}  {:<8} {}"


def answering(loaded: Loaded, options: argparse.Namespace) -> tuple[float, float]:
    """Questions a second: one by one, and batched."""
    how = protocol(options.style, max_new_tokens=options.new_tokens).decoding
    asked = misconceptions().questions[: options.batched]
    prompts = [prompt_tokens(loaded.tokenizer, q.question, options.style) for q in asked]
    few = prompts[:: len(prompts) // options.alone][: options.alone]
    pad = int(loaded.tokenizer.pad_token_id)
    made: dict[str, list[list[int]]] = {}

    def alone() -> None:
        made["alone"] = one_by_one(loaded.model, few, how, pad)

    def batched() -> None:
        made["batched"] = decode([loaded.model], prompts, how, end=None, pad=pad, batch_size=len(prompts))

    short = protocol(options.style, max_new_tokens=1).decoding
    one_by_one(loaded.model, few[:1], short, pad)  # warm up
    one, many = alternate([alone, batched], options.repeats)
    assert {len(tokens) for said in made.values() for tokens in said} == {how.max_new_tokens}
    return len(few) / one, len(prompts) / many


def whole(loaded: Loaded, pairs: Sequence[Pair]) -> dict[str, torch.Tensor]:
    """Inputs in the frame with its own system message, padded on the right, with a label for every token."""
    words, rows = loaded.tokenizer, []
    for question, answer in pairs:
        said = [{"role": "user", "content": question}]
        frame = words.apply_chat_template(said, tokenize=False, add_generation_prompt=True)
        rows.append((words(frame, add_special_tokens=False)["input_ids"], answer_tokens(words, answer)))
    width = max(len(p) + len(a) for p, a in rows)
    ids = torch.full((len(rows), width), int(words.pad_token_id))
    mask, labels = torch.zeros_like(ids), torch.full_like(ids, IGNORED)
    for row, (prompt, target) in enumerate(rows):
        end = len(prompt) + len(target)
        ids[row, :end] = torch.tensor([*prompt, *target])
        mask[row, :end] = 1
        labels[row, len(prompt) : end] = torch.tensor(target)
    return {"input_ids": ids, "attention_mask": mask, "labels": labels}


def tuning(loaded: Loaded, options: argparse.Namespace) -> tuple[float, float]:
    """Seconds a step: with all logits, and with those of the answers only."""
    recipe, words = Recipe(epochs=1), loaded.tokenizer
    pairs = pairs_of(open_questions())
    rows = np.random.default_rng(0).permutation(len(pairs))[: recipe.batch_size]
    batch = [pairs[k] for k in rows]
    full = whole(loaded, batch)
    inputs, target = pack(
        [prompt_tokens(words, q, "chat") for q, _ in batch],
        [answer_tokens(words, a) for _, a in batch],
        int(words.pad_token_id),
        "cpu",
    )
    with quiet():
        model: Any = with_updates(loaded.model, recipe)
    optimiser = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=recipe.learning_rate)

    def step(loss: torch.Tensor) -> None:
        loss.backward()
        optimiser.step()
        optimiser.zero_grad()

    ways: list[Callable[[], None]] = [
        lambda: step(model(**full, use_cache=False).loss),
        lambda: step(answer_loss(answer_logits(model, inputs, target.shape[1]), target)),
    ]
    alternate(ways, 1)  # warm up
    most, least = alternate(ways, options.steps)
    return most, least


def memory(options: argparse.Namespace) -> float:
    """Peak resident memory, in GiB, of a short run of the whole experiment in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        n = str(options.short_run)
        command = [
            sys.executable, "-m", "hallucination.questions.long_run", "curve", "--model", options.model,
            "--n-train", n, "--n-eval", n, "--epochs", "1", "--work", f"{folder}/work", "--out", f"{folder}/out",
        ]  # fmt: skip
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        (record,) = Path(folder, "out").glob("*.json")
        return float(json.loads(record.read_text("utf8"))["peak_memory_mb"]) / 1024


def line(what: str, theirs: str, ours: str, ratio: str, bar: str, met: bool | None) -> None:
    print(
        LINE.format(what, theirs, ours, ratio, bar, {True: "met", False: "MISSED", None: ""}[met]).rstrip(),
        flush=True,
    )


def compared(what: str, theirs: float, ours: float, ratio: float, bar: float | None, judged: bool) -> None:
    """Print one line with a ratio; without a bar, or with the random weights of ``--quick``, nothing is judged."""
    met = ratio >= bar if judged and bar else None
    line(what, f"{theirs:.3g}", f"{ours:.3g}", f"{ratio:.2f}", f">= {bar:g}" if bar else "none", met)


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="random weights and little of everything")
    parser.add_argument("--style", choices=STYLES, default="chat", help="how questions are asked")
    parser.add_argument("--batched", type=int, default=128, help="questions answered together")
    parser.add_argument("--alone", type=int, default=8, help="questions answered one by one")
    parser.add_argument("--repeats", type=int, default=3, help="turns of both ways of answering")
    parser.add_argument("--steps", type=int, default=7, help="turns of both ways of fine-tuning")
    options = parser.parse_args()
    options.model, options.new_tokens, options.short_run = "smollm2", None, 30
    if options.quick:
        options.model, options.new_tokens, options.short_run = "tiny", 4, 3
        options.batched, options.alone, options.repeats, options.steps = 8, 2, 1, 2
    if not 1 <= options.alone <= options.batched <= len(misconceptions().questions):
        parser.error(f"need 1 <= --alone <= --batched <= {len(misconceptions().questions)}")
    return options


def main() -> None:
    """Measure everything and print one table."""
    options = parsed()
    judged = not options.quick
    style: Style = options.style
    print(f"{options.model}, {torch.get_num_threads()} threads, {hardware()['processor']}")
    print(f"answering: {style}, {options.batched} questions together, {options.alone} one by one")
    print(LINE.format("", "plain way", "our way", "ratio", "bar", "").rstrip())
    peak = memory(options)  # first: Linux counts what this process holds by then as the other's peak
    met = peak <= MEMORY_GIB if judged else None
    line("peak memory of a short run (GiB)", "", f"{peak:.2f}", "", f"<= {MEMORY_GIB:g}", met)
    native = precision("auto") == torch.bfloat16
    for dtype in ("float32", *(["bfloat16"] if native else [])):
        loaded = load(options.model, dtype=dtype, device="cpu")
        one, many = answering(loaded, options)
        compared(f"answering, {dtype} (questions a second)", one, many, many / one, FASTER[dtype], judged)
        most, least = tuning(loaded, options)
        compared(f"fine-tuning, {dtype} (seconds a step)", most, least, most / least, CHEAPER.get(dtype), judged)
    if not native:
        print("bfloat16 is left out: this processor does not multiply it natively")


if __name__ == "__main__":
    main()
