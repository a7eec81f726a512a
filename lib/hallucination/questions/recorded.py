"""Records of the long runs of §7.2, read back and checked; nothing here imports torch."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hallucination.questions.points import Point, Row, Style, point_from
from hallucination.questions.ways import WAYS, Scored, scored_from

FOLDER = Path(__file__).resolve().parents[3] / "records" / "questions"
Floats = NDArray[np.float64]

OF_EVERY_RUN = ("provenance", "seconds_in_this_process", "peak_memory_mb")
NEEDED = ("model", "benchmark", "parameters", *OF_EVERY_RUN)
OF_A_REHEARSAL = ("shape", "device", "dtype", "training", "answering", *OF_EVERY_RUN)


@dataclass(frozen=True)
class Curves:
    """Points of one model on one benchmark, of all seeds and rows that have a record.

    Attributes
    ----------
    points : tuple of Point
        The original model's once per protocol, the others in order of row, seed, epochs.
    losses : mapping of (row, seed) to a tuple of float
        Training loss of every step.
    facts : tuple of mappings
        Model, benchmark, parameters and provenance of each record.
    """

    points: tuple[Point, ...]
    losses: Mapping[tuple[str, int], tuple[float, ...]]
    facts: tuple[Mapping[str, Any], ...]

    def seeds(self, row: Row = "tuned") -> list[int]:
        """Seeds with a record."""
        return sorted({seed for r, seed in self.losses if r == row})

    def epochs(self, row: Row, style: Style) -> list[float]:
        """Epochs after which every seed was asked, the original model's 0 first."""
        mine = [p for p in self.points if (p.row, p.style) == (row, style)]
        each = [{p.epochs for p in mine if p.seed == seed} for seed in self.seeds(row)]
        return [0.0, *sorted(set.intersection(*each))] if each else [0.0]

    def scores(self, row: Row, style: Style, epochs: float, measure: str) -> Floats:
        """One measure of all seeds, shape (S, Q); of the original model, shape (1, Q).

        Raises
        ------
        KeyError
            If there is no such point, or it has no such measure.
        """
        which: Row = row if epochs else "base"
        mine = [p for p in self.points if (p.row, p.epochs, p.style) == (which, epochs, style)]
        if not mine or measure not in mine[0].scores:
            raise KeyError(f"no record of {measure!r} for {which}, {style}, epoch {epochs:g}")
        return np.array([p.scores[measure] for p in mine])


def read(path: Path, needed: Sequence[str] = NEEDED) -> dict[str, Any]:
    """Read one record, which must have the fields `needed`.

    Raises
    ------
    ValueError
        In one line, if it is not JSON or lacks a field.
    """
    try:
        data: dict[str, Any] = json.loads(path.read_text("utf8"))
    except json.JSONDecodeError as error:
        raise ValueError(f"{path.name} is not a whole record: {error}") from None
    missing = [name for name in needed if name not in data]
    if missing:
        raise ValueError(f"{path.name} is not a record of this experiment: it lacks {', '.join(missing)}")
    return data


def curves_from(records: Sequence[Mapping[str, Any]]) -> Curves:
    """Join the records of several seeds and rows.

    Raises
    ------
    ValueError
        If they are of different models or benchmarks, or there is none.
    """
    kinds = {(r["model"]["name"], r["benchmark"]["sha256"], r["benchmark"]["asked"]) for r in records}
    if len(kinds) != 1:
        raise ValueError(f"curves are joined for one model and benchmark; got {len(kinds)}")
    points: dict[tuple[Any, ...], Point] = {}
    for record in records:
        for point in map(point_from, record["points"]):
            points.setdefault((point.row, point.seed, point.epochs, point.style), point)
    losses = {(r["row"], r["parameters"]["seed"]): tuple(r["losses"]) for r in records}
    skipped = ("points", "losses")
    facts = tuple({k: v for k, v in r.items() if k not in skipped} for r in records)
    return Curves(tuple(points[key] for key in sorted(points)), losses, facts)


def curves(benchmark: str, folder: Path = FOLDER, model: str = "smollm2") -> Curves | None:
    """Recorded curves of a model on a benchmark (``"TruthfulQA"`` or ``"misconceptions"``); None without a record."""
    rows = ("tuned", "shuffled")
    paths = sorted(path for row in rows for path in folder.glob(f"{model}-{benchmark}-*-{row}-*.json"))
    return curves_from([read(p) for p in paths]) if paths else None


def human(benchmark: str, folder: Path = FOLDER) -> Floats:
    """Resemblance of a benchmark's own best answers to its incorrect ones, shape (Q,), as recorded.

    Raises
    ------
    FileNotFoundError
        If there is no such record.
    """
    return np.array(read(folder / f"references-{benchmark}.json")["scores"]["wrong"], dtype=np.float64)


def voices(folder: Path = FOLDER, model: str = "smollm2") -> list[dict[str, Scored]]:
    """Recorded tests of Definition 4.2, one a seed: answers by way of answering.

    Raises
    ------
    ValueError
        If a record lacks a way.
    """
    found = []
    for path in sorted(folder.glob(f"{model}-*-voices-*.json")):
        ways = {data["way"]: scored_from(data) for data in read(path)["ways"]}
        if set(ways) != set(WAYS):
            raise ValueError(f"{path.name} has the ways {sorted(ways)}, not {sorted(WAYS)}")
        found.append(ways)
    return found


def rehearsals(folder: Path = FOLDER) -> list[dict[str, Any]]:
    """Recorded rehearsals at the size of the paper's models, in order of file names; see `rehearsal.rehearse`.

    Raises
    ------
    ValueError
        If a record lacks a field.
    """
    return [read(path, OF_A_REHEARSAL) for path in sorted(folder.glob("rehearsal-*.json"))]
