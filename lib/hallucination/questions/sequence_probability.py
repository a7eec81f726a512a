"""How likely an answer is under a model: log-probability of its tokens given the prompt (f_i of Definition 4.2)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from tqdm import tqdm

from hallucination.questions.models import Loaded
from hallucination.questions.toolbox import PreTrainedModel

IGNORED = -100  # label of a token that is not scored


def pack(
    prompts: Sequence[Sequence[int]], answers: Sequence[Sequence[int]], pad: int, device: torch.device | str
) -> tuple[dict[str, Tensor], Tensor]:
    """Left-padded rows of prompt and answer, so that all answers end in the last column.

    Returns
    -------
    tuple of a dict of tensors and a tensor
        Inputs of the model, shape (B, W), and the answers' tokens in the last
        A columns, shape (B, A), ``IGNORED`` before an answer begins.
    """
    width = max(len(p) + len(a) for p, a in zip(prompts, answers, strict=True))
    longest = max(map(len, answers))
    ids = torch.full((len(prompts), width), pad)
    mask = torch.zeros_like(ids)
    target = torch.full((len(prompts), longest), IGNORED)
    for row, (p, a) in enumerate(zip(prompts, answers, strict=True)):
        whole = [*p, *a]
        ids[row, width - len(whole) :] = torch.tensor(whole)
        mask[row, width - len(whole) :] = 1
        target[row, longest - len(a) :] = torch.tensor(a)
    position = (mask.cumsum(-1) - 1).clamp(min=0)
    inputs = {"input_ids": ids, "attention_mask": mask, "position_ids": position}
    return {name: x.to(device) for name, x in inputs.items()}, target.to(device)


def answer_logits(model: PreTrainedModel, inputs: dict[str, Tensor], length: int) -> Tensor:
    """Logits that predict the last `length` tokens, shape (B, length, V); no others are computed."""
    logits: Tensor = model(**inputs, use_cache=False, logits_to_keep=length + 1).logits
    return logits[:, :-1]


@torch.inference_mode()
def log_probability(
    loaded: Loaded,
    prompts: Sequence[Sequence[int]],
    answers: Sequence[Sequence[int]],
    *,
    batch_size: int = 32,
    label: str = "scoring",
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Log-probability of each answer given its prompt, in nats, and its number of tokens.

    Parameters
    ----------
    loaded : Loaded
        The model.
    prompts, answers : sequences of sequences of int
        Tokens; an answer should end with the end mark, or it counts as cut off.

    Returns
    -------
    tuple of two arrays of shape (n,)
        Sum over the answer's tokens, and their number.

    Raises
    ------
    ValueError
        If the numbers of prompts and answers differ, a prompt or an answer is empty, or the batch size is below 1.
    """
    if batch_size < 1:
        raise ValueError(f"the batch size must be at least 1; got {batch_size}")
    if len(prompts) != len(answers):
        raise ValueError(f"{len(prompts)} prompts but {len(answers)} answers")
    if any(not p for p in prompts) or any(not a for a in answers):
        raise ValueError("every prompt and every answer needs at least one token")
    order = sorted(range(len(prompts)), key=lambda i: len(prompts[i]) + len(answers[i]))
    total = np.zeros(len(prompts))
    for first in tqdm(range(0, len(order), batch_size), desc=label, unit="batch", leave=False):
        rows = order[first : first + batch_size]
        inputs, target = pack(
            [prompts[i] for i in rows],
            [answers[i] for i in rows],
            int(loaded.tokenizer.pad_token_id),
            loaded.device,
        )
        logits = answer_logits(loaded.model, inputs, target.shape[1]).float()
        each = torch.nn.functional.cross_entropy(
            logits.flatten(0, 1), target.flatten(), ignore_index=IGNORED, reduction="none"
        )
        total[rows] = -each.view(target.shape).double().sum(-1).cpu().numpy()
    return total, np.array([len(a) for a in answers])
