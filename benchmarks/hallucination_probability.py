"""Monte Carlo for P_H: the library against a plain NumPy loop over the states, in one run.

The plain way draws all answers of every state at once, as NumPy suggests, and loops over the states. The library's
way works through blocks that fit a core's cache, in threads; it may join drawn answers anew (`reuse`), which costs no
new draws but a little precision, so that the last column compares times at equal standard error. Every way runs in a
process of its own, whose peak memory is shown.

    python benchmarks/hallucination_probability.py
    python benchmarks/hallucination_probability.py --draws 1000000 --states 3 --law laplace
"""

from __future__ import annotations

import argparse
import json
import math
import resource
import subprocess
import sys
import time

import numpy as np
from scipy import stats

from hallucination.hallucination_probability import exact
from hallucination.setting import Setting
from hallucination.simulation import Estimate, monte_carlo
from hallucination.states import Gaussian, Scalar, State

LAWS: dict[str, State] = {"normal": Gaussian([0.0]), "laplace": Scalar(stats.laplace(0, math.sqrt(0.5)))}
WAYS = {"plain NumPy loop": 0, "library": 1, "library, reuse 4": 4, "library, reuse 8": 8}


def plain(setting: Setting, draws: int, seed: int) -> Estimate:
    """Draw everything, then loop over the states."""
    rng = np.random.default_rng(seed)
    answers = [law.sample(rng, draws) for law in setting.known_laws]
    mean = sum(p * a for p, a in zip(setting.p, answers, strict=True))
    free = np.ones(draws, dtype=bool)
    for a, r in zip(answers, setting.r, strict=True):
        free &= np.linalg.norm(a - mean, axis=1) > r
    value = float(free.mean())
    return Estimate(value, math.sqrt(value * (1 - value) / draws), "plain")


def one(way: str, setting: Setting, draws: int) -> None:
    """Run one way and print what the parent reads."""
    reuse = WAYS[way]
    clock, work = time.perf_counter(), time.process_time()
    if reuse == 0:
        found = plain(setting, draws, 0)
    else:
        found = monte_carlo(setting.p, list(setting.known_laws), setting.r, draws // reuse, reuse=reuse)
    seconds, work = time.perf_counter() - clock, time.process_time() - work
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps([found.value, found.error, seconds, work, peak]))


def main() -> None:
    """Time all ways, alternating, and print the best time of each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--law", choices=list(LAWS), default="normal")
    parser.add_argument("--states", type=int, default=10)
    parser.add_argument("--radius", type=float, default=0.1)
    parser.add_argument("--draws", type=int, default=10_000_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--way", choices=list(WAYS), help=argparse.SUPPRESS)
    o = parser.parse_args()
    setting = Setting(np.full(o.states, 1 / o.states), o.radius, [LAWS[o.law]] * o.states)
    if o.way:
        one(o.way, setting, o.draws)
        return
    truth, rows = exact(setting).value, {}
    for _ in range(o.repeats):
        for way in WAYS:
            words = [sys.executable, __file__, "--way", way, "--law", o.law, "--states", str(o.states),
                     "--radius", str(o.radius), "--draws", str(o.draws)]  # fmt: skip
            row = json.loads(subprocess.run(words, capture_output=True, text=True, check=True).stdout)
            rows[way] = min(rows.get(way, row), row, key=lambda found: found[2])
    base = rows["plain NumPy loop"]
    print(f"N = {o.states}, {o.law}, r = {o.radius:g}, {o.draws} draws; exact P_H = {truth:.6f}")
    heads = ("P_H", "error", "z", "seconds", "CPU s", "peak MiB", "ratio", "equal error")
    print(f"{'way':18s}" + "".join(f"{head:>12s}" for head in heads))
    for way, (value, error, seconds, work, peak) in rows.items():
        equal = base[2] / seconds * (base[1] / error) ** 2
        cells = (f"{value:.6f}", f"{error:.2e}", f"{(value - truth) / error:.1f}", f"{seconds:.2f}", f"{work:.2f}",
                 f"{peak:.0f}", f"{base[2] / seconds:.1f}", f"{equal:.1f}")  # fmt: skip
        print(f"{way:18s}" + "".join(f"{cell:>12s}" for cell in cells))


if __name__ == "__main__":
    main()
