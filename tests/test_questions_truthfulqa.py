"""The reader for TruthfulQA: published states told apart, malformed files refused in one line, the hub's file."""

from __future__ import annotations

import csv
import io
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pyarrow
import pytest
from pyarrow import parquet

from hallucination.questions import controls, truthfulqa
from hallucination.questions.truthfulqa import ADDED_2025, HUB_ID, HUB_REVISION, NEEDED, load

HEADER = ["Type", *NEEDED, "Source"]
ROWS = [
    ["A", "Sky", "Why?", "So it is", "So it is; It is so; ", "It is not; ;Never ", "https://example.org/a"],
    ["A", "Sea", "What, then?", 'A "wave"', 'A "wave", or two', "A wall", "https://example.org/b"],
]


def text(header: list[str] = HEADER, rows: list[list[str]] = ROWS) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([header, *rows])
    return out.getvalue()


def written(folder: Path, content: str | bytes) -> Path:
    path = folder / "copy.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.fixture(autouse=True)
def small_state(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the two rows above be a published state: three incorrect references."""
    monkeypatch.setattr(truthfulqa, "VERSIONS", {(2, 3, False): "v0", (2, 4, False): "v1", (2, 3, True): "2025-01"})


# --- published states ----------------------------------------------------------------------------------------


def test_rows_become_questions_and_blank_references_are_dropped(tmp_path: Path) -> None:
    bench = load(written(tmp_path, text()))
    first, second = bench.questions
    assert (bench.name, bench.version, len(bench.sha256)) == ("TruthfulQA", "v0", 64)
    assert (first.id, first.category, first.question, first.best) == ("truthfulqa-001", "Sky", "Why?", "So it is")
    assert (first.correct, first.incorrect) == (("So it is", "It is so"), ("It is not", "Never"))
    assert first.right == ("So it is", "It is so")
    assert (second.question, second.correct) == ("What, then?", ('A "wave", or two',))


def test_states_are_told_apart_by_counts_and_columns(tmp_path: Path) -> None:
    more = [ROWS[0], [*ROWS[1][:5], "A wall; A hill", ROWS[1][6]]]
    added = [[*row, "It is not"] for row in ROWS]
    assert load(written(tmp_path, text(rows=more))).version == "v1"
    assert load(written(tmp_path, text([*HEADER, ADDED_2025], added))).version == "2025-01"


@pytest.mark.parametrize("content", [b"\xef\xbb\xbf" + text().encode(), text().replace("\n", "\r\n"), text()[:-1]])
def test_byte_order_mark_line_ends_and_a_missing_last_one_change_nothing(
    tmp_path: Path, content: bytes | str
) -> None:
    assert load(written(tmp_path, content)).questions == load(written(tmp_path, text())).questions


def test_a_question_without_correct_answers_keeps_its_best(tmp_path: Path) -> None:
    rows = [[*ROWS[0][:4], "", *ROWS[0][5:]], ROWS[1]]
    assert load(written(tmp_path, text(rows=rows))).questions[0].right == ("So it is",)


def test_an_unknown_state_is_read_only_on_request_and_says_so(tmp_path: Path) -> None:
    path = written(tmp_path, text(rows=ROWS[:1]))
    assert load(path, allow_unknown=True).version == "unknown (1 questions, 2 incorrect answers)"
    assert refusal(path) == (
        "copy.csv: 1 questions, 2 incorrect answers are no published state of TruthfulQA "
        "(v0 has 2 and 3, v1 has 2 and 4, 2025-01 has 2 and 3)"
    )
    assert load(written(tmp_path, text()), allow_unknown=True).version == "v0"


# --- malformed files -----------------------------------------------------------------------------------------


def refusal(source: str | Path, revision: str | None = None, *, allow_unknown: bool = False) -> str:
    with pytest.raises(ValueError) as caught:
        load(source, revision, allow_unknown=allow_unknown)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def changed(row: int, column: str, value: str) -> str:
    rows = [list(cells) for cells in ROWS]
    rows[row][HEADER.index(column)] = value
    return text(rows=rows)


MALFORMED: dict[str, tuple[str | bytes, str]] = {
    "empty": ("", "copy.csv is empty"),
    "only a mark": (b"\xef\xbb\xbf", "copy.csv is empty"),
    "no column": (
        text().replace("Best Answer", "Answer"),
        "copy.csv: column 'Best Answer' is missing; it has Type, Category, Question, Answer, Correct Answers, "
        "Incorrect Answers, Source",
    ),
    "web page": ("<!DOCTYPE html>\n<p>", "copy.csv: column 'Category' is missing; it has <!DOCTYPE html>"),
    "no rows": (text(rows=[]), "copy.csv: 0 questions, 0 incorrect answers are no published state of TruthfulQA"),
    "no question": (changed(1, "Question", " "), "copy.csv, row 2: no Question"),
    "no best": (changed(0, "Best Answer", ""), "copy.csv, row 1: no Best Answer"),
    "no incorrect": (changed(1, "Incorrect Answers", " ; ;"), "copy.csv, row 2: no Incorrect Answers"),
    "bytes": (text().encode().replace(b"Never", b"N\xe9ver"), "copy.csv: byte 130 is not UTF-8 text"),
    "cut in a quote": (text()[: text().index("or two")], "copy.csv, line 3: broken CSV, perhaps cut off ("),
    "cut in a row": (text()[: text().index("A wall")], "copy.csv, row 2: 6 cells under 7 columns, perhaps cut off"),
    "quote not closed": (text().replace('two"', "two"), "copy.csv, line 3: broken CSV, perhaps cut off ("),
    "too many cells": (text().replace("A wall", "A wall,"), "copy.csv, row 2: 8 cells under 7 columns, perhaps cut"),
}


@pytest.mark.parametrize("name", MALFORMED)
@pytest.mark.parametrize("allow_unknown", [False, True])
def test_a_malformed_file_is_refused_in_one_line(tmp_path: Path, name: str, allow_unknown: bool) -> None:
    content, line = MALFORMED[name]
    assert refusal(written(tmp_path, content), allow_unknown=allow_unknown).startswith(line)


def test_every_cut_of_a_file_before_its_last_cell_is_refused(tmp_path: Path) -> None:
    whole = text()
    for end in range(whole.index(",https://example.org/b") + 1):
        refusal(written(tmp_path, whole[:end]))


def test_sources_that_are_no_file_or_have_no_revision_are_refused(tmp_path: Path) -> None:
    assert refusal("no/such.csv") == f"'no/such.csv' is neither a file nor the hub id {HUB_ID!r}"
    assert refusal(tmp_path) == f"{str(tmp_path)!r} is neither a file nor the hub id {HUB_ID!r}"
    assert refusal("a.csv", "main") == (
        f"a revision belongs to the hub id {HUB_ID!r}; got revision 'main' with 'a.csv'"
    )


# --- the hub's file, without the hub -------------------------------------------------------------------------


class Hub:
    """Stands in for huggingface_hub: hands out a file, and keeps what was asked."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.asked: dict[str, Any] = {}
        self.error: Exception | None = None

    def download(self, repo: str, filename: str, **options: Any) -> str:
        self.asked = {"repo": repo, "filename": filename, **options}
        if self.error:
            raise self.error
        return str(self.path)


def hub_column(name: str) -> list[Any]:
    """One column as the hub has it: references are lists."""
    cells = [row[HEADER.index(name)] for row in ROWS]
    return [[part.strip() for part in cell.split(";")] for cell in cells] if name.endswith("Answers") else cells


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Hub:
    hub = Hub(tmp_path / "hub.parquet")
    table = pyarrow.table({name.lower().replace(" ", "_"): hub_column(name) for name in HEADER})
    parquet.write_table(table, hub.path)
    module = ModuleType("huggingface_hub")
    monkeypatch.setattr(module, "hf_hub_download", hub.download, raising=False)
    monkeypatch.setitem(sys.modules, "huggingface_hub", module)
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    return hub


def test_the_hubs_file_holds_the_same_questions_at_the_pinned_revision(hub: Hub, tmp_path: Path) -> None:
    found = load(HUB_ID)
    assert (found.questions, found.version) == (load(written(tmp_path, text())).questions, "v0")
    assert (hub.asked["repo"], hub.asked["filename"]) == (HUB_ID, "generation/validation-00000-of-00001.parquet")
    assert (hub.asked["repo_type"], hub.asked["revision"], hub.asked["local_files_only"]) == (
        "dataset",
        HUB_REVISION,
        False,
    )


def test_another_revision_of_the_hub_names_itself_where_its_counts_are_unknown(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(truthfulqa, "VERSIONS", {})
    assert load(HUB_ID, "abc").version == "hub abc (2 questions, 3 incorrect answers)"
    assert hub.asked["revision"] == "abc"


def test_offline_the_cache_alone_is_asked_and_a_miss_is_one_line(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    hub.error = FileNotFoundError("Not in the cache.\nMore lines")
    with pytest.raises(OSError) as caught:
        load(HUB_ID)
    assert hub.asked["local_files_only"] is True
    assert str(caught.value) == (
        f"cannot get {HUB_ID} at {HUB_REVISION}: Not in the cache. The path of a CSV file works too."
    )


def test_a_parquet_file_cut_anywhere_is_refused(hub: Hub) -> None:
    whole = hub.path.read_bytes()
    for end in range(1, len(whole), 97):
        hub.path.write_bytes(whole[:end])
        assert refusal(hub.path).startswith("hub.parquet: broken parquet file, perhaps cut off (")


@pytest.mark.parametrize("package", ["huggingface_hub", "pyarrow"])
def test_a_missing_package_is_named(hub: Hub, monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ModuleNotFoundError, match=rf"needs the package {package}; the path of a CSV file works"):
        load(HUB_ID)


# --- a user's copy -------------------------------------------------------------------------------------------


@pytest.mark.skipif("TRUTHFULQA_CSV" not in os.environ, reason="TRUTHFULQA_CSV names no copy of TruthfulQA")
def test_a_real_copy_is_recognised_and_its_true_answers_resemble_its_false_ones(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.undo()
    bench = load(os.environ["TRUTHFULQA_CSV"])
    assert bench.version in ("v0", "v1", "2025-01")
    assert 0.6 < controls.best_human(bench).mean() < 0.66
