"""How the benchmarks compare two ways of doing the same; run as a script, this does nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from statistics import median
from typing import Any


def alternate(ways: Sequence[Callable[[], Any]], repeats: int) -> list[float]:
    """Return each way's median seconds; the ways take turns."""
    seconds: list[list[float]] = [[] for _ in ways]
    for _ in range(repeats):
        for way, times in zip(ways, seconds, strict=True):
            clock = time.perf_counter()
            way()
            times.append(time.perf_counter() - clock)
    return [median(times) for times in seconds]
