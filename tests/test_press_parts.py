"""The parts of the press, one by one, without a build."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from conftest import HEADER, ROOT
from hallucination.press import imports, outputs, pages, rerun, stage
from hallucination.press.chapters import Chapter, PressError, find_root, pick, read_book
from hallucination.press.execute import RUN, clean
from hallucination.press.plan import Plan, read_yaml, rule, validate
from hallucination.results import KEY

CHAPTERS = read_book(ROOT)[0]
COINS = pick(CHAPTERS, "coins")


def chapter_of(tmp_path: Path, body: str) -> Chapter:
    (tmp_path / "c.md").write_text(HEADER.format(gpu="false") + body, "utf8")
    return Chapter(Path("c.md"), tmp_path)


CELL = "# Title\n\n```{code-cell} ipython3\nx = 1\n```\n"


class TestDigest:
    def test_is_the_same_for_the_same_source(self, tmp_path: Path) -> None:
        assert chapter_of(tmp_path, CELL).digest({}) == chapter_of(tmp_path, CELL).digest({})

    def test_ignores_prose(self, tmp_path: Path) -> None:
        before = chapter_of(tmp_path, CELL).digest({})
        assert chapter_of(tmp_path, CELL.replace("Title", "Other title")).digest({}) == before

    @pytest.mark.parametrize("tag", ["hide-input", "remove-output"])
    def test_ignores_cosmetic_tags(self, tmp_path: Path, tag: str) -> None:
        before = chapter_of(tmp_path, CELL).digest({})
        assert chapter_of(tmp_path, CELL.replace("x = 1", f":tags: [{tag}]\n\nx = 1")).digest({}) == before

    def test_heeds_tags_that_change_the_run(self, tmp_path: Path) -> None:
        before = chapter_of(tmp_path, CELL).digest({})
        assert chapter_of(tmp_path, CELL.replace("x = 1", ":tags: [skip-execution]\n\nx = 1")).digest({}) != before

    def test_heeds_parameters_and_files_that_it_reads(self, tmp_path: Path) -> None:
        chapter = chapter_of(tmp_path, CELL)
        assert chapter.digest({"x": 2}) != chapter.digest({})
        (tmp_path / "records").mkdir()
        header = HEADER.format(gpu="false").replace("chapter:\n", "chapter:\n  reads: [records/*.json]\n")
        (tmp_path / "c.md").write_text(header + CELL, "utf8")
        before = Chapter(Path("c.md"), tmp_path).digest({})
        (tmp_path / "records" / "r.json").write_text("{}", "utf8")
        assert Chapter(Path("c.md"), tmp_path).digest({}) != before


def test_invalid_python_names_the_cell(tmp_path: Path) -> None:
    with pytest.raises(PressError, match=r"chapter c, code cell 1 of 1: SyntaxError: .*: x = ="):
        chapter_of(tmp_path, CELL.replace("x = 1", "x = = 1")).digest({})


def test_magics_are_allowed(tmp_path: Path) -> None:
    assert chapter_of(tmp_path, CELL.replace("x = 1", "%matplotlib inline\n!ls")).digest({})


def test_default_must_be_a_literal(tmp_path: Path) -> None:
    body = CELL.replace("x = 1", ":tags: [parameters]\n\nx = max(1, 2)  # help")
    with pytest.raises(PressError, match=r"chapter c: default of x must be a literal, got max\(1, 2\)"):
        chapter_of(tmp_path, body).parameters  # noqa: B018


def test_closure_follows_imports_within_functions_and_packages(tmp_path: Path) -> None:
    package = tmp_path / "pack"
    (package / "sub").mkdir(parents=True)
    files = {
        "__init__.py": "",
        "a.py": "def f():\n    from pack.sub import b\n    return b\n",
        "sub/__init__.py": "from pack import c\n",
        "sub/b.py": "",
        "c.py": "",
        "d.py": "",
    }
    for name, text in files.items():
        (package / name).write_text(text, "utf8")
    found = imports.closure("import numpy\nfrom pack.a import f", tmp_path)
    names = [str(p.relative_to(package)) for p in found]
    assert names == ["__init__.py", "a.py", "c.py", "sub/__init__.py", "sub/b.py"]


def test_chapters_depend_on_the_checks_they_show() -> None:
    names = {c.stem: {p.name for p in c.sources} for c in CHAPTERS}
    assert "preliminaries.py" in names["01-bayes-estimator"]
    assert "coins.py" not in names["01-bayes-estimator"]


@pytest.mark.parametrize("name", ["09-coins", "coins", "09", "9", "notebooks/09-coins.md"])
def test_short_names(name: str) -> None:
    assert pick(CHAPTERS, name).stem == "09-coins"


def test_unknown_chapter_lists_the_known() -> None:
    with pytest.raises(PressError, match=r"chapter 'xyz' is unknown; chapters: 01-bayes-estimator, "):
        pick(CHAPTERS, "xyz")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"epoch": 4}, r"09-coins has no parameter 'epoch'; its parameters: n_coins_half, n_flips, epochs"),
        (
            {"epochs": 0},
            r"09-coins: epochs = 0 is refused: .* greater than or equal to 1; allowed: integer from 1 to",
        ),
        ({"epochs": 2.5}, r"09-coins: epochs = 2\.5 is refused: .*valid integer"),
        ({"epochs": True}, r"09-coins: epochs = True is refused"),
        ({"epochs": "4"}, r"09-coins: epochs = '4' is refused"),
        ({"n_coins_half": [2, 99]}, r"09-coins: n_coins_half = \[2, 99\] is refused: .*; allowed: list of 1 to"),
        ({"n_coins_half": []}, r"09-coins: n_coins_half = \[\] is refused"),
        ({"learning_rate": float("nan")}, r"09-coins: learning_rate = nan is refused"),
    ],
)
def test_refusals_name_rule_value_and_what_is_allowed(given: dict[str, Any], message: str) -> None:
    with pytest.raises(PressError, match=message):
        validate(COINS, given)


def test_rule_in_words() -> None:
    assert rule(COINS, "seed").startswith("integer from 0 to")
    assert rule(pick(CHAPTERS, "01"), "weight") == "number above 0 below 1"


def test_profile_for_an_unknown_chapter_is_refused() -> None:
    with pytest.raises(PressError, match=r"parameters for unknown chapter 'no-such'"):
        Plan(ROOT, given={"no-such": {}}).parameters  # noqa: B018


def test_sources_that_change_during_a_build_are_noticed() -> None:
    plan = Plan(ROOT)
    plan.still_holds("09-coins")
    stale = Plan(ROOT, recorded={**plan.executions, "09-coins": "09-coins-000000000000"})
    with pytest.raises(PressError, match="the sources of 09-coins changed while the book was being built"):
        stale.still_holds("09-coins")


def test_root_is_found_from_below_and_missed_elsewhere(tmp_path: Path) -> None:
    assert find_root(ROOT / "lib" / "hallucination") == ROOT
    with pytest.raises(PressError, match="no book here"):
        find_root(tmp_path)


def notebook(*sources: str, run: dict[str, Any] | None = None) -> nbformat.NotebookNode:
    nb = new_notebook(cells=[new_code_cell(s, metadata={"tags": []}) for s in sources])
    nb.metadata[RUN] = run or {}
    return nb


def test_clean_drops_noise_and_keeps_results() -> None:
    nb = notebook("x")
    nb.metadata["papermill"] = {"start_time": "now"}
    nb.cells[0].metadata["papermill"] = {"duration": 1}
    widget = {"application/vnd.jupyter.widget-view+json": {}, "text/plain": "0%"}
    nb.cells[0].outputs = [
        new_output("stream", name="stderr", text="50%|#####"),
        new_output("display_data", data=widget),
        new_output("stream", name="stdout", text="result"),
    ]
    cleaned = clean(nb)
    assert [o.output_type for o in cleaned.cells[0].outputs] == ["stream"]
    assert cleaned.cells[0].outputs[0].text == "result"
    assert "papermill" not in cleaned.metadata
    assert "papermill" not in cleaned.cells[0].metadata


def test_merge_takes_text_and_tags_from_the_source_and_outputs_from_the_run() -> None:
    source = new_notebook(cells=[new_markdown_cell("new words"), new_code_cell("a = 1", metadata={"tags": ["x"]})])
    executed = notebook("a = 1")
    executed.cells[0].outputs = [new_output("stream", name="stdout", text="out")]
    merged = stage.merge(source, executed)
    assert merged.cells[0].source == "new words"
    assert merged.cells[1].metadata.tags == ["x"]
    assert merged.cells[1].outputs[0].text == "out"


def test_a_chapter_that_did_not_run_refers_to_no_figure_by_number() -> None:
    source = new_notebook(cells=[new_markdown_cell("See {numref}`fig-a-b` and {numref}`tab-c`."), new_code_cell("x")])
    plain = stage.without_figures(source)
    assert plain.cells[0].source == "See *the figure* and {numref}`tab-c`."
    assert "fig-a-b" in source.cells[0].source
    assert plain.cells[1].source == "x"
    assert any(stage.FIGURE.search(c.source) for c in COINS.notebook.cells if c.cell_type == "markdown")


def test_headlines_travel_in_the_metadata_of_outputs() -> None:
    nb = notebook("x")
    nb.cells[0].outputs = [new_output("display_data", data={"text/plain": "r = 1"}, metadata={KEY: {"r": 1}})]
    assert outputs.headlines(nb) == {"r": 1}
    assert outputs.evidence(nb) == []


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-30", 1e-30),
        ("-2E+3", -2000.0),
        ("[1e-3, 2]", [0.001, 2]),
        ("1.5", 1.5),
        ("3", 3),
        ("t3", "t3"),
        ("e3", "e3"),
    ],
)
def test_values_are_read_as_people_write_them(text: str, value: object) -> None:
    assert read_yaml(text) == value
    assert type(read_yaml(text)) is type(value)


def test_differences_name_both_values_and_what_is_absent() -> None:
    rows = rerun.differences({"a": 1, "b": 2.0, "c": 3}, {"a": 1, "b": 2.5, "d": 4})
    assert rows == [("b", "2", "2.5"), ("c", "3", "–"), ("d", "–", "4")]


def test_a_run_without_a_reference_says_so() -> None:
    run = {
        "parameters": {},
        "commit": "unknown",
        "dirty": False,
        "versions": {},
        "hardware": {"processor": "p", "cores": 2},
        "seconds": 1.0,
        "finished": "today",
    }
    assert "no reference run to compare with" in rerun.about(notebook("x", run=run), None)


def test_links_to_sources_name_markdown_files() -> None:
    buttons = [{"url": "https://host/edit/main/notebooks/09-coins.ipynb"}, {"buttons": [{"url": "local.ipynb"}]}]
    pages._to_markdown(buttons)
    assert buttons[0]["url"] == "https://host/edit/main/notebooks/09-coins.md"
    assert buttons[1]["buttons"] == [{"url": "local.ipynb"}]


def test_headline_refuses_what_json_would_not_keep() -> None:
    from hallucination.results import headline

    with pytest.raises(TypeError, match="headline result 'x' must be float, int, str or bool, got list"):
        headline(x=[1])  # type: ignore[arg-type]
