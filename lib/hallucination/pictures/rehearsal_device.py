"""Where a rehearsal of §7.3 runs: its name, whether it has room, its clock and its memory."""

from __future__ import annotations

import re
import time

import torch

# float32 weights, gradients and Adam's moments of 860 million parameters, and 8 pictures on their way through them
NEEDED_GIB = {"sd-v1.5": 60}


class NoRoomError(RuntimeError):
    """The device is too small for a shape, or is not there."""


def device_name(device: str) -> str:
    """Name of a device that can be part of a file's name: ``cpu``, or such as ``nvidia-h200``."""
    if not device.startswith("cuda"):
        return device
    return re.sub(r"[^a-z0-9]+", "-", torch.cuda.get_device_name(device).lower()).strip("-")


def require_room(shape: str, device: str) -> None:
    """Refuse a device that is not there or too small; raises NoRoomError."""
    needed, cuda = NEEDED_GIB.get(shape, 0), device.startswith("cuda")
    if cuda and not torch.cuda.is_available():
        raise NoRoomError(f"there is no CUDA device here; --shape {shape} --device {device} needs one")
    found = torch.cuda.get_device_properties(device).total_memory / 2**30 if cuda else 0.0
    if found < needed:
        here = f"this one has {found:.0f}" if cuda else f"not {device}"
        raise NoRoomError(f"{shape} needs a CUDA device with {needed} GiB, {here}; --shape tiny runs anywhere")


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
