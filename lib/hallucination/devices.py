"""Where torch computes."""

from __future__ import annotations

import torch


def place(device: str = "auto") -> str:
    """Resolve ``"auto"`` to ``"cuda"`` if there is a CUDA device and to ``"cpu"`` if not."""
    if device != "auto":
        return device
    return "cuda" if torch.cuda.is_available() else "cpu"
