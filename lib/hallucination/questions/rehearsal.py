"""A rehearsal of §7.2 at the size of the paper's models: time and memory, from random weights and random tokens.

Nothing has to be downloaded for it.  Fine-tuning and answering are the functions of the real
experiment; every answer is made as long as allowed, so that equal numbers of tokens are compared.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

import numpy as np
import torch

from hallucination.devices import device_name, forget_peak, now, peak_gib, place, require_room
from hallucination.questions.asking import protocol
from hallucination.questions.fine_tuning import Recipe, answer_loss, with_updates
from hallucination.questions.generation import Decoding, decode
from hallucination.questions.models import moved, precision, quiet, with_random_weights
from hallucination.questions.sequence_probability import answer_logits, pack
from hallucination.questions.toolbox import GenerationConfig, PreTrainedModel, set_seed

Tokens = list[list[int]]

NEEDED_GIB = {"qwen1.5-1.8b-chat": 16, "qwen2.5-7b-instruct": 32}  # weights twice over and room for a batch
PROMPT_LENGTHS, ANSWER_LENGTHS = (30, 51), (12, 29)  # tokens, end exclusive; about 60 in a pair
LOGIT_SPREAD = 6.0  # standard deviation; a trained model's next token is about as certain
PAD = 0


@dataclass(frozen=True)
class Size:
    """How much to rehearse.

    Attributes
    ----------
    pairs, batch_size : int
        Fine-tuning: one pass over so many pairs, and pairs in one step.
    prompts, rows : int
        Answering: questions, and how many at a time.
    alone : int
        Questions answered one by one.
    new_tokens : int
        Tokens of an answer.
    """

    pairs: int
    batch_size: int
    prompts: int
    rows: int
    alone: int
    new_tokens: int


PAPER = Size(pairs=600, batch_size=16, prompts=817, rows=128, alone=16, new_tokens=80)
TINY = Size(pairs=32, batch_size=16, prompts=40, rows=16, alone=2, new_tokens=8)


def rehearse(shape: str, device: str = "auto", *, seed: int = 0, size: Size | None = None) -> dict[str, Any]:
    """Fine-tune and question a model of random weights; return times, memory, and what was done.

    Parameters
    ----------
    shape : str
        A name of ``QWEN_SHAPES``.
    device : str
        As PyTorch calls it, or ``"auto"``.
    seed : int
        Of weights, tokens and draws.
    size : Size, optional
        How much; ``PAPER`` unless given, ``TINY`` for the shape ``"tiny"``.

    Raises
    ------
    NoRoomError
        If the shape needs a CUDA device, or a larger one.
    """
    where = place(device)
    require_room(shape, where, NEEDED_GIB.get(shape, 0))
    size = size or (TINY if shape == "tiny" else PAPER)
    recipe = Recipe(epochs=1, batch_size=size.batch_size, seed=seed)
    set_seed(seed)
    kind = precision("auto" if where.startswith("cuda") else "float32")
    model = moved(with_random_weights(shape, device=where, dtype=kind), where)
    facts = {
        "shape": shape,
        "device": device_name(where),
        "dtype": str(kind).removeprefix("torch."),
        "parameters": sum(p.numel() for p in model.parameters()),
        "recipe": asdict(recipe),
        "size": asdict(size),
    }
    with quiet():
        tuned: Any = with_updates(model, recipe)  # answers as a PreTrainedModel does, though its type is another
    facts["trained_parameters"] = sum(p.numel() for p in tuned.parameters() if p.requires_grad)
    training = _training(tuned, recipe, size)
    merged: PreTrainedModel = tuned.merge_and_unload()
    return {**facts, "training": training, "answering": _answering(merged.eval(), size, seed)}


def one_by_one(
    model: PreTrainedModel, prompts: Sequence[Sequence[int]], decoding: Decoding, pad: int = PAD
) -> Tokens:
    """Answer as the published code does, each question alone by transformers' ``generate``; no answer ends early."""
    words: dict[str, Any] = {"do_sample": False}
    if decoding.temperature > 0:
        words = {"do_sample": True, "temperature": decoding.temperature, "top_p": decoding.top_p, "top_k": 0}
    model.generation_config = GenerationConfig(eos_token_id=None, pad_token_id=pad)
    generate: Any = model.generate
    found = []
    for prompt in prompts:
        ids = torch.tensor([list(prompt)], device=model.device)
        said = generate(
            input_ids=ids, attention_mask=torch.ones_like(ids), max_new_tokens=decoding.max_new_tokens, **words
        )
        found.append(said[0, len(prompt) :].tolist())
    return found


def _random_tokens(n: int, lengths: tuple[int, int], model: PreTrainedModel, seed: int) -> Tokens:
    rng = np.random.default_rng(seed)
    return [rng.integers(1, model.config.vocab_size, k).tolist() for k in rng.integers(*lengths, n)]


def _training(model: PreTrainedModel, recipe: Recipe, size: Size) -> dict[str, Any]:
    prompts = _random_tokens(size.pairs, PROMPT_LENGTHS, model, recipe.seed)
    answers = _random_tokens(size.pairs, ANSWER_LENGTHS, model, recipe.seed + 1)
    trained = [p for p in model.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(trained, lr=recipe.learning_rate)
    seconds, losses = [], []
    forget_peak(model.device)
    for first in range(0, size.pairs, recipe.batch_size):
        began = now(model.device)
        rows = slice(first, first + recipe.batch_size)
        inputs, target = pack(prompts[rows], answers[rows], PAD, model.device)
        loss = answer_loss(answer_logits(model, inputs, target.shape[1]), target)
        loss.backward()
        optimiser.step()
        optimiser.zero_grad()
        seconds.append(now(model.device) - began)
        losses.append(loss.item())
    tokens = sum(map(len, prompts)) + sum(map(len, answers))
    return {
        "steps": len(seconds),
        "tokens_per_pair": round(tokens / size.pairs, 1),
        "seconds_first_step": round(seconds[0], 4),
        "seconds_per_step": round(median(seconds[1:]), 4),
        "seconds": round(sum(seconds), 3),
        "peak_gib": peak_gib(model.device),
        "losses": [round(x, 3) for x in losses],
    }


def _answering(model: PreTrainedModel, size: Size, seed: int) -> dict[str, Any]:
    """Answer all prompts in batches and some of them one by one, by sampling as the paper does."""
    # Fresh weights make all tokens about equally likely, and the nucleus then costs more than it does in a
    # trained model.  A wide last layer makes the next token as certain as there.
    width = float(model.config.hidden_size)
    torch.nn.init.normal_(model.get_output_embeddings().weight, std=LOGIT_SPREAD / width**0.5)
    how = protocol("as published", seed=seed, max_new_tokens=size.new_tokens).decoding
    prompts = _random_tokens(size.prompts, PROMPT_LENGTHS, model, seed + 2)
    short = Decoding(2, how.temperature, how.top_p)
    decode([model], prompts[:2], short, end=None, pad=PAD)  # warm up both ways
    one_by_one(model, prompts[:1], short)

    forget_peak(model.device)
    began = now(model.device)
    batched = decode([model], prompts, how, end=None, pad=PAD, batch_size=size.rows)
    together = now(model.device) - began
    peak = peak_gib(model.device)
    began = now(model.device)
    single = one_by_one(model, prompts[: size.alone], how)
    alone = now(model.device) - began

    speed, speed_alone = sum(map(len, batched)) / together, sum(map(len, single)) / alone
    return {
        "seconds": round(together, 3),
        "tokens_per_second": round(speed, 1),
        "peak_gib": peak,
        "one_by_one_seconds": round(alone, 3),
        "one_by_one_tokens_per_second": round(speed_alone, 1),
        "one_by_one_seconds_for_all_prompts": round(alone / size.alone * size.prompts, 1),  # extrapolated
        "times_faster": round(speed / speed_alone, 1),
    }
