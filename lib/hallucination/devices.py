"""Where torch computes and in which type of number, whether there is room, how long it took, and how much memory."""

from __future__ import annotations

import re
import time

import torch

DTYPES = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}


class NoRoomError(RuntimeError):
    """The device is too small for a shape, or is not there."""


def place(device: str = "auto") -> str:
    """Resolve ``"auto"`` to ``"cuda"`` if there is a CUDA device and to ``"cpu"`` if not."""
    if device != "auto":
        return device
    return "cuda" if torch.cuda.is_available() else "cpu"


def device_name(device: str) -> str:
    """Name of a device that can be part of a file's name: ``cpu``, or such as ``nvidia-h200``."""
    if not device.startswith("cuda"):
        return device
    return re.sub(r"[^a-z0-9]+", "-", torch.cuda.get_device_name(device).lower()).strip("-")


def require_room(shape: str, device: str, needed: float) -> None:
    """Refuse a device that is not there or too small for a rehearsal.

    Parameters
    ----------
    shape : str
        What is rehearsed, for the message.
    device : str
        As PyTorch calls it.
    needed : float
        Memory in GiB; 0 if it runs anywhere.

    Raises
    ------
    NoRoomError
        In one line.
    """
    cuda = device.startswith("cuda")
    if cuda and not torch.cuda.is_available():
        raise NoRoomError(f"there is no CUDA device here; --shape {shape} --device {device} needs one")
    found = torch.cuda.get_device_properties(device).total_memory / 2**30 if cuda else 0.0
    if found < needed:
        here = f"this one has {found:.0f}" if cuda else f"not {device}"
        raise NoRoomError(f"{shape} needs a CUDA device with {needed:g} GiB, {here}; --shape tiny runs anywhere")


def now(device: torch.device) -> float:
    """Return the clock's time, in seconds, when the device has done what it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()


def forget_peak(device: torch.device) -> None:
    """Begin to count a CUDA device's memory anew."""
    if device.type == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(device)


def peak_gib(device: torch.device) -> float | None:
    """Most memory that a CUDA device has had in use, in GiB; None for a processor."""
    return round(torch.cuda.max_memory_allocated(device) / 2**30, 2) if device.type == "cuda" else None
