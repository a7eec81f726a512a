"""Lower bounds of the hallucination probability against its exact value: laws × N × r, weights 1/N, variance 1.

Prints one row per cell: the exact P_H, the right side of Theorem 6.1, the bounds proved in the book, and the best of
them over the exact value, with and without the cell bound (which is a computation rather than a formula). The last
lines sum up the unimodal laws with N ≥ 3 and r ≤ 0.1.

    python benchmarks/bounds_table.py            # 96 cells, 3 to 10 minutes on one core
    python benchmarks/bounds_table.py --laws laplace normal --states 10
"""

from __future__ import annotations

import argparse
import math
import time

import numpy as np
from scipy import stats

from hallucination import bounds
from hallucination.hallucination_probability import exact
from hallucination.setting import Bound, Setting
from hallucination.states import Discrete, Gaussian, Scalar, State, UniformBall

LAWS: dict[str, State] = {
    "normal": Gaussian([0.0]),
    "laplace": Scalar(stats.laplace(0, math.sqrt(0.5))),
    "uniform": UniformBall([0.0], math.sqrt(3)),
    "student5": Scalar(stats.t(5, 0, math.sqrt(0.6))),
    "exponential": Scalar(stats.expon(-1)),
    "two points": Discrete([[-1.0], [1.0]], [0.5, 0.5]),
}
UNIMODAL = ("normal", "laplace", "uniform", "student5")
STATES, RADII = (2, 3, 5, 10), (0.02, 0.1, 0.3, 0.5)
COLUMNS = {
    "paper": "paper",
    "product": "product laws",
    "moments": "product moments",
    "centred": "product centred",
    "union": "union laws",
    "shift": "shift",
    "local": "localised",
    "N=2": "two states laws",
    "cells": "cells",
}


def row(name: str, n: int, r: float) -> tuple[float, dict[str, float | None], float, float]:
    """Exact value, bounds by column, and best over exact with and without cells."""
    setting = Setting(np.full(n, 1 / n), r, [LAWS[name]] * n)
    truth = exact(setting)
    found = {b.name: b for b in [*bounds.every(setting), bounds.paper(setting)]}
    found["shift"] = max(
        (found[k] for k in ("shifted laws", "symmetric shift") if found[k].met),
        key=lambda b: b.value or 0.0,
        default=Bound(None, False, "", "shift", ""),
    )
    for b in found.values():
        proved = b.value is not None and b.name != "paper"
        assert not proved or b.value <= truth.value + 5 * truth.error + 1e-9, (name, n, r, b, truth)
    with_cells = max(b.value or 0.0 for b in found.values())
    without = max(b.value or 0.0 for b in found.values() if b.name != "cells")
    values = {column: found[key].value for column, key in COLUMNS.items()}
    return truth.value, values, with_cells / truth.value, without / truth.value


def text(x: float | None) -> str:
    """Four decimals, or powers of ten; n/a if a hypothesis is not met."""
    return "n/a" if x is None else f"{x:.4f}" if x >= 0.01 else "0" if x == 0 else f"{x:.2e}"


def main() -> None:
    """Print the table and its summary."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--laws", nargs="+", default=list(LAWS), choices=list(LAWS))
    parser.add_argument("--states", nargs="+", type=int, default=list(STATES))
    parser.add_argument("--radii", nargs="+", type=float, default=list(RADII))
    options = parser.parse_args()
    clock, ratios = time.perf_counter(), []
    print(f"{'law':12s}{'N':>3s}{'r':>6s}{'exact':>10s}" + "".join(f"{c:>10s}" for c in COLUMNS)
          + f"{'best/P_H':>10s}{'no cells':>10s}{'paper/P_H':>11s}")  # fmt: skip
    for name in options.laws:
        for n in options.states:
            for r in options.radii:
                truth, values, top, formula = row(name, n, r)
                paper = values["paper"]
                share = "n/a" if paper is None else format(paper / truth, ".1e")
                columns = "".join(f"{text(v):>10s}" for v in values.values())
                ends = f"{top:10.3f}{formula:10.3f}{share:>11s}"
                print(f"{name:12s}{n:3d}{r:6g}{text(truth):>10s}{columns}{ends}", flush=True)
                if name in UNIMODAL and n >= 3 and r <= 0.1:
                    ratios.append((top, formula, f"{name}, N = {n}, r = {r:g}"))
    if ratios:
        print(f"\nsymmetric unimodal laws, N ≥ 3, r ≤ 0.1: {len(ratios)} cells, best bound / exact P_H")
        for k, label in enumerate(("all bounds", "without the cell bound")):
            worst = min(ratios, key=lambda q: q[k])
            print(f"  {label:23s} least {worst[k]:.3f} ({worst[2]}), median {np.median([q[k] for q in ratios]):.3f}")
    print(f"{time.perf_counter() - clock:.0f} s")


if __name__ == "__main__":
    main()
