"""Experiment 1 (§7.1), the network: the paper's transformer, and many of them trained as one stack.

A stack holds the weights of R networks in tensors whose first axis counts the
networks, so one call does the work of R.  Nothing is shared between networks
but the pattern of dropout within a step.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

LAYERS, WIDTH, FEEDFORWARD = 8, 64, 256  # the paper's sizes
HEADS, DROPOUT = 8, 0.1

Weights = dict[str, Tensor]


class Transformer(nn.Module):
    """One network, in plain PyTorch: the yardstick of the tests and of the benchmark.

    Parameters
    ----------
    n : int
        Coins in an input, the paper's N.
    tokens : bool
        False feeds the vector of N raw coin numbers through one linear map, as
        published: a sequence of length 1.  True gives every coin an embedding:
        a sequence of length N without positions, averaged at the end.
    """

    def __init__(self, n: int, *, tokens: bool) -> None:
        super().__init__()
        layer = nn.TransformerEncoderLayer(WIDTH, HEADS, FEEDFORWARD, DROPOUT, batch_first=True)
        self.embed: nn.Module = nn.Embedding(2 * n, WIDTH) if tokens else nn.Linear(n, WIDTH)
        self.encoder = nn.TransformerEncoder(layer, LAYERS, enable_nested_tensor=False)
        self.head = nn.Linear(WIDTH, 1)
        self.tokens = tokens

    def forward(self, coins: Tensor) -> Tensor:
        """Estimates, shape (B,), of the number of heads for `coins`, shape (B, N)."""
        dtype = self.head.weight.dtype
        x = self.embed(coins) if self.tokens else self.embed(coins.to(dtype))[:, None]
        estimate: Tensor = self.head(self.encoder(x).mean(dim=1))[:, 0]
        return estimate


def start(n: int, seed: int, *, tokens: bool) -> Weights:
    """Initial weights of one network, drawn by PyTorch's own rules from `seed` without touching global state."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Transformer(n, tokens=tokens).state_dict()


def stack(nets: Sequence[Weights]) -> Weights:
    """Stack the weights of networks for equally long sequences, with a leading axis for the network.

    The published network's first map has one column per coin; narrower ones
    are filled up with zeros, which no gradient ever moves.
    """
    columns = max(net["embed.weight"].shape[1] for net in nets)
    padded = [
        {k: F.pad(w, (0, columns - w.shape[1])) if k == "embed.weight" else w for k, w in net.items()} for net in nets
    ]
    return {name: torch.stack([net[name] for net in padded]) for name in nets[0]}


def features(coins: Tensor, weights: Weights) -> Tensor:
    """What the first map of a stack reads, shape (R, T, B, ·), for `coins` of shape (R, B, N)."""
    dtype = weights["head.weight"].dtype
    if "embed.bias" not in weights:  # tokens: one indicator vector per coin
        return F.one_hot(coins.transpose(1, 2), weights["embed.weight"].shape[1]).to(dtype)
    return F.pad(coins, (0, weights["embed.weight"].shape[2] - coins.shape[2])).to(dtype)[:, None]


class Dropout:
    """Dropout with its own generator and one pattern for the whole stack.

    A network then meets the same pattern whatever it is stacked with, and the
    costly random bits are drawn once.  Rounds stay independent in their data,
    start and order.
    """

    def __init__(self, seed: int, device: str | torch.device, rate: float = DROPOUT) -> None:
        self.generator = torch.Generator(device).manual_seed(seed)
        self.rate = rate

    def __call__(self, x: Tensor) -> Tensor:
        """Zero each entry with probability `rate` (to 16 bits) and rescale the others."""
        shape = x.shape[1:]
        # Four 16-bit numbers from each random word: several times faster than one draw per entry.
        words = torch.empty(-(-math.prod(shape) // 4), dtype=torch.int64, device=x.device)
        bits = words.random_(-(2**63), None, generator=self.generator).view(torch.int16)[: math.prod(shape)]
        keep = bits.view(shape) >= round(self.rate * 2**16) - 2**15
        return x * keep.to(x.dtype).div_(1 - self.rate)


def _linear(x: Tensor, weights: Weights, name: str) -> Tensor:
    return torch.baddbmm(weights[f"{name}.bias"][:, None], x, weights[f"{name}.weight"].transpose(1, 2))


def _norm(x: Tensor, weights: Weights, name: str) -> Tensor:
    plain = F.layer_norm(x, x.shape[-1:])
    return torch.addcmul(weights[f"{name}.bias"][:, None], plain, weights[f"{name}.weight"][:, None])


def _attention(x: Tensor, weights: Weights, name: str, tokens: int, drop: Any) -> Tensor:
    """Self-attention of sequences of length T; rows of `x`, shape (R, T·B, D), run over tokens first.

    T is tiny, so the batch is put last and products are summed by broadcasting:
    batched matrix products of 5 × 8 entries would cost several times more.
    """
    runs, rows, width = x.shape
    bias, weight = weights[f"{name}.in_proj_bias"], weights[f"{name}.in_proj_weight"]
    joint = torch.baddbmm(bias[:, :, None], weight, x.transpose(1, 2))
    split = joint.view(runs, 3, HEADS, width // HEADS, tokens, rows // tokens)
    query, key, value = split.unbind(1)
    scores = (query.unsqueeze(4) * key.unsqueeze(3)).sum(2) / math.sqrt(width // HEADS)
    attend = drop(scores.softmax(3))
    out = (attend.unsqueeze(2) * value.unsqueeze(3)).sum(4).view(runs, width, rows)
    if out.requires_grad:
        out.register_hook(torch.Tensor.contiguous)  # else the backward products run over strided memory
    return _linear(out.transpose(1, 2), weights, f"{name}.out_proj")


def forward(weights: Weights, inputs: Tensor, drop: Any = lambda x: x) -> Tensor:
    """Estimates of a stack.

    Parameters
    ----------
    weights : dict of tensors
        Weights of R networks, from :func:`stack`.
    inputs : tensor of shape (R, T, B, ·)
        From :func:`features`.
    drop : callable
        Dropout; by default there is none.

    Returns
    -------
    tensor of shape (R, B)
    """
    runs, tokens, batch, _ = inputs.shape
    x = inputs.reshape(runs, tokens * batch, -1)
    x = _linear(x, weights, "embed") if "embed.bias" in weights else x @ weights["embed.weight"]
    for i in range(LAYERS):
        name = f"encoder.layers.{i}"
        x = _norm(x + drop(_attention(x, weights, f"{name}.self_attn", tokens, drop)), weights, f"{name}.norm1")
        inner = drop(torch.relu(_linear(x, weights, f"{name}.linear1")))
        x = _norm(x + drop(_linear(inner, weights, f"{name}.linear2")), weights, f"{name}.norm2")
    pooled = x.view(runs, tokens, batch, -1).mean(dim=1)
    return _linear(pooled, weights, "head")[..., 0]
