"""Batched answers: greedy or sampled, and from the average of several models.

Every question has its own random numbers, so an answer does not depend on
which other questions share its batch.  Rows that have ended leave the batch;
``generate`` of transformers would carry them to the end of the longest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from tqdm import tqdm

from hallucination.questions.models import Loaded
from hallucination.questions.toolbox import DynamicCache, PreTrainedModel

NUCLEUS_GUESS = 64  # candidates looked at first; the nucleus nearly always lies among them
SHRINK = 0.75  # a batch is made smaller once this share of its rows is left


@dataclass(frozen=True)
class Decoding:
    """How tokens are chosen.

    Attributes
    ----------
    max_new_tokens : int
        Longest answer, in tokens, the end mark included.
    temperature : float
        0 takes the likeliest token; otherwise logits are divided by it.
    top_p : float
        Mass of the nucleus that is sampled from.
    seed : int
        Seed of the random numbers of all questions.
    """

    max_new_tokens: int
    temperature: float = 0.0
    top_p: float = 0.9
    seed: int = 0

    def __post_init__(self) -> None:
        if self.max_new_tokens < 1:
            raise ValueError(f"max_new_tokens must be at least 1; got {self.max_new_tokens}")
        if self.temperature < 0:
            raise ValueError(f"the temperature must be 0 (greedy) or positive; got {self.temperature}")
        if not 0 < self.top_p <= 1:
            raise ValueError(f"top_p must be in (0, 1]; got {self.top_p}")


def uniforms(decoding: Decoding, question: int) -> NDArray[np.float64]:
    """One random number per token for one question, shape (max_new_tokens,)."""
    rng = np.random.default_rng(np.random.SeedSequence((decoding.seed, question)))
    return rng.random(decoding.max_new_tokens)


def from_nucleus(logits: Tensor, chance: Tensor, temperature: float, top_p: float) -> Tensor:
    """Sample one token a row from the smallest set of tokens with mass at least `top_p`.

    Parameters
    ----------
    logits : tensor of shape (B, V)
        Unnormalised log-probabilities.
    chance : tensor of shape (B,)
        A uniform random number for each row.
    temperature, top_p : float
        As in :class:`Decoding`.

    Returns
    -------
    tensor of shape (B,)
        Chosen tokens.
    """
    probability = (logits.float() / temperature).softmax(-1)
    few = min(NUCLEUS_GUESS, probability.shape[-1])
    top, index = probability.topk(few, -1)
    if few < probability.shape[-1] and bool((top.sum(-1) < top_p).any()):
        top, index = probability.sort(-1, descending=True)
    before = top.cumsum(-1) - top
    kept = torch.where(before < top_p, top, torch.zeros_like(top))
    kept[:, 0] = top[:, 0]
    reached = kept.cumsum(-1)
    point = chance.to(reached)[:, None] * reached[:, -1:]
    place = torch.searchsorted(reached, point, right=True)
    last = (kept > 0).sum(-1, keepdim=True) - 1  # a chance that float32 rounds to 1 points behind it
    return index.gather(-1, place.minimum(last))[:, 0]


class _Batch:
    """Rows being decoded together: their caches, one a model, and what they said so far."""

    def __init__(self, models: Sequence[PreTrainedModel], prompts: Sequence[Sequence[int]], pad: int) -> None:
        device = models[0].device
        width = max(map(len, prompts))
        self.models, self.caches = models, [DynamicCache(config=m.config) for m in models]
        rows = [[pad] * (width - len(p)) + list(p) for p in prompts]
        self.tokens = torch.tensor(rows, device=device)
        self.mask = torch.tensor([[0] * (width - len(p)) + [1] * len(p) for p in prompts], device=device)

    def logits(self) -> Tensor:
        """Log-probabilities of the next token, shape (B, V): of the model, or of the average of the models."""
        position = (self.mask.cumsum(-1) - 1).clamp(min=0)[:, -self.tokens.shape[1] :]
        found = []
        for model, cache in zip(self.models, self.caches, strict=True):
            out = model(
                input_ids=self.tokens,
                attention_mask=self.mask,
                position_ids=position,
                past_key_values=cache,
                use_cache=True,
                logits_to_keep=1,
            )
            found.append(out.logits[:, -1])
        if len(found) == 1:
            return found[0]
        each = torch.stack([f.float().log_softmax(-1) for f in found])
        return each.logsumexp(0)  # up to a constant

    def append(self, tokens: Tensor) -> None:
        """Take one more token a row."""
        self.tokens = tokens[:, None]
        self.mask = torch.cat([self.mask, torch.ones_like(tokens)[:, None]], dim=1)

    def keep(self, rows: Tensor) -> None:
        """Forget all other rows."""
        self.tokens, self.mask = self.tokens[rows], self.mask[rows]
        for cache in self.caches:
            cache.batch_select_indices(rows)


@torch.inference_mode()
def _decode(
    models: Sequence[PreTrainedModel],
    prompts: Sequence[Sequence[int]],
    chance: NDArray[np.float64],
    decoding: Decoding,
    end: int | None,
    pad: int,
) -> list[list[int]]:
    batch = _Batch(models, prompts, pad)
    said: list[list[int]] = [[] for _ in prompts]
    live = torch.arange(len(prompts))  # row of the batch -> question
    open_ = torch.ones(len(prompts), dtype=torch.bool)
    for step in range(decoding.max_new_tokens):
        logits = batch.logits()
        if decoding.temperature == 0:
            chosen = logits.argmax(-1)
        else:
            u = torch.from_numpy(chance[live.numpy(), step]).to(logits.device)
            chosen = from_nucleus(logits, u, decoding.temperature, decoding.top_p)
        for row, token in enumerate(chosen.tolist()):
            question = int(live[row])
            if open_[question]:
                said[question].append(token)
                open_[question] = token != end
        going = open_[live]
        if not going.any():
            break
        batch.append(chosen)
        if going.float().mean() <= SHRINK:
            rows = going.nonzero()[:, 0]
            batch.keep(rows.to(logits.device))
            live = live[rows]
    return said


def answer(
    loaded: Loaded | Sequence[Loaded],
    prompts: Sequence[Sequence[int]],
    decoding: Decoding,
    *,
    batch_size: int = 64,
    questions: Sequence[int] | None = None,
    label: str = "answering",
) -> list[list[int]]:
    """Answers to many prompts, in tokens, the end mark included where it was reached.

    Parameters
    ----------
    loaded : Loaded, or a sequence of them
        The model; of several, the tokens are chosen from the average of their
        next-token probabilities, with equal and constant weights.
    prompts : sequence of sequences of int
        Tokens of the prompts.
    decoding : Decoding
        How tokens are chosen.
    batch_size : int
        Rows at a time.  With float32 it does not change the answers.
    questions : sequence of int, optional
        Number of each prompt's question, the key of its random numbers; 0, 1, … unless given.
    label : str
        Text of the progress bar.

    Raises
    ------
    ValueError
        If a prompt is empty or the batch size is below 1.
    """
    many = [loaded] if isinstance(loaded, Loaded) else list(loaded)
    words = many[0].tokenizer
    return decode(
        [m.model for m in many],
        prompts,
        decoding,
        end=int(words.eos_token_id),
        pad=int(words.pad_token_id),
        batch_size=batch_size,
        questions=questions,
        label=label,
    )


def decode(
    models: Sequence[PreTrainedModel],
    prompts: Sequence[Sequence[int]],
    decoding: Decoding,
    *,
    end: int | None,
    pad: int,
    batch_size: int = 64,
    questions: Sequence[int] | None = None,
    label: str = "answering",
) -> list[list[int]]:
    """:func:`answer` for models without a tokenizer.

    Parameters
    ----------
    end : int or None
        Token that ends an answer; None makes every answer as long as allowed, to measure speed.
    pad : int
        Token that fills short prompts; it is never looked at.
    models, prompts, decoding, batch_size, questions, label
        As in :func:`answer`.
    """
    if batch_size < 1:
        raise ValueError(f"the batch size must be at least 1; got {batch_size}")
    if any(not prompt for prompt in prompts):
        raise ValueError("a prompt is empty; every question needs at least one token")
    numbers = range(len(prompts)) if questions is None else questions
    chance = np.array([uniforms(decoding, q) for q in numbers]).reshape(len(prompts), decoding.max_new_tokens)
    order = sorted(range(len(prompts)), key=lambda i: len(prompts[i]))
    found: list[list[int]] = [[] for _ in prompts]
    with tqdm(total=len(prompts), desc=label, unit="question", leave=False) as bar:
        for first in range(0, len(order), batch_size):
            rows = order[first : first + batch_size]
            said = _decode(models, [prompts[i] for i in rows], chance[rows], decoding, end, pad)
            for i, tokens in zip(rows, said, strict=True):
                found[i] = tokens
            bar.update(len(rows))
    return found
