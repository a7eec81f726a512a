"""Experiment 2 (§7.2), the paper's evaluation questions: a reader for a copy of TruthfulQA that the user brings.

The benchmark is Apache-2.0, but its authors ask that it stay out of training
corpora, so no copy lies in this project.  Three published states differ in
questions and references; a score is comparable only within one, so the
reader says which one it has read.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hallucination.questions.datasets import Asked, Benchmark, misconceptions
from hallucination.questions.truthfulqa_hub import HUB_ID, HUB_REVISION, fetch, parquet_rows

NEEDED = ("Category", "Question", "Best Answer", "Correct Answers", "Incorrect Answers")
ADDED_2025 = "Best Incorrect Answer"
# (questions, incorrect references, has the column that came in 2025); the hub's copy was made of the first file.
VERSIONS: dict[tuple[int, int, bool], str] = {
    (817, 3298, False): "v0",
    (817, 3370, False): "v1",
    (790, 3251, True): "2025-01",
}


def load(source: str | Path, revision: str | None = None, *, allow_unknown: bool = False) -> Benchmark:
    """Read TruthfulQA from a file of the user's, or from the Hugging Face hub.

    Parameters
    ----------
    source : str or Path
        Path of a CSV file (or of the hub's parquet file), or ``"truthfulqa/truthful_qa"`` for the hub.  With
        HF_HUB_OFFLINE set the hub's file is taken from the local cache.
    revision : str, optional
        Commit of the hub's repository; the pinned one if not given.  Only for the hub.
    allow_unknown : bool
        Read also a file whose counts are those of no published state.  The version then says so.

    Raises
    ------
    ValueError
        In one line: a revision for a file, no such file, a malformed or cut file, an unknown state.
    ModuleNotFoundError
        If the hub's file is asked for and a package for it is missing.
    OSError
        If the hub's file can neither be fetched nor found in the cache.
    """
    hub = str(source) == HUB_ID
    if revision is not None and not hub:
        raise ValueError(
            f"a revision belongs to the hub id {HUB_ID!r}; got revision {revision!r} with {str(source)!r}"
        )
    path = fetch(revision or HUB_REVISION) if hub else Path(source)
    if not path.is_file():
        raise ValueError(f"{str(source)!r} is neither a file nor the hub id {HUB_ID!r}")
    data = path.read_bytes()
    rows = parquet_rows(path) if path.suffix == ".parquet" else _csv(data, path.name)
    if rows:
        _check_columns(list(rows[0]), path.name)
    questions = tuple(_asked(row, number, path.name) for number, row in enumerate(rows, 1))
    # The hub's commit says which state a file is, even if the table of versions does not know its counts.
    unknown = f"hub {revision or HUB_REVISION}" if hub else "unknown" if allow_unknown else None
    version = _version(rows, questions, path.name, unknown)
    return Benchmark("TruthfulQA", version, hashlib.sha256(data).hexdigest(), questions)


def _csv(data: bytes, name: str) -> list[dict[str, Any]]:
    """Rows of a CSV file by column; strict, so that a cut or broken file is noticed."""
    try:
        reader = csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""), strict=True)
        header, *body = list(reader) or [[]]
    except UnicodeDecodeError as error:
        raise ValueError(f"{name}: byte {error.start} is not UTF-8 text") from None
    except csv.Error as error:
        raise ValueError(f"{name}, line {reader.line_num}: broken CSV, perhaps cut off ({error})") from None
    _check_columns(header, name)
    body = [cells for cells in body if cells]  # a blank line at the end is no row
    for number, cells in enumerate(body, 1):
        if len(cells) != len(header):
            raise ValueError(f"{name}, row {number}: {len(cells)} cells under {len(header)} columns, perhaps cut off")
    return [dict(zip(header, cells, strict=True)) for cells in body]


def _check_columns(header: Sequence[str], name: str) -> None:
    if not header:
        raise ValueError(f"{name} is empty")
    missing = [column for column in NEEDED if column not in header]
    if missing:
        raise ValueError(f"{name}: column {missing[0]!r} is missing; it has {', '.join(header)}")


def _asked(row: Mapping[str, Any], number: int, name: str) -> Asked:
    """One question; ids count the rows of the file."""
    cells = {column: _references(row[column]) for column in ("Correct Answers", "Incorrect Answers")}
    single = {column: str(row[column] or "").strip() for column in ("Category", "Question", "Best Answer")}
    for column, found in {**single, **cells}.items():
        # The best answer is a true reference by itself.
        if not found and column != "Correct Answers":
            raise ValueError(f"{name}, row {number}: no {column}")
    return Asked(
        id=f"truthfulqa-{number:03}",
        category=single["Category"],
        question=single["Question"],
        best=single["Best Answer"],
        correct=cells["Correct Answers"],
        incorrect=cells["Incorrect Answers"],
    )


def _references(cell: str | Sequence[str] | None) -> tuple[str, ...]:
    """Split references on semicolons (the hub's come as a list); blank ones are dropped."""
    parts = cell.split(";") if isinstance(cell, str) else cell or ()
    return tuple(part.strip() for part in parts if part.strip())


def _version(rows: Sequence[Mapping[str, Any]], questions: Sequence[Asked], name: str, unknown: str | None) -> str:
    """Tell the published states apart by their columns and counts; other counts have the name `unknown`, if any."""
    incorrect = sum(len(asked.incorrect) for asked in questions)
    key = (len(questions), incorrect, bool(rows) and ADDED_2025 in rows[0])
    if key in VERSIONS:
        return VERSIONS[key]
    counts = f"{len(questions)} questions, {incorrect} incorrect answers"
    if not questions or unknown is None:
        known = ", ".join(f"{label} has {q} and {k}" for (q, k, _), label in VERSIONS.items())
        raise ValueError(f"{name}: {counts} are no published state of TruthfulQA ({known})")
    return f"{unknown} ({counts})"


def asked(source: str, n: int | None = None) -> Benchmark:
    """Benchmark by its name: ``"misconceptions"`` is ours; TruthfulQA is named by hub id or path.

    Parameters
    ----------
    source : str
        See :func:`load`.
    n : int, optional
        Take so many of its questions only, drawn at random with a fixed seed.
    """
    benchmark = misconceptions() if source == "misconceptions" else load(source)
    return benchmark if n is None else benchmark.head(n, seed=0)
