"""The press on a small book: what is executed again and what is not, failures, kills, parameters."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest

from conftest import BIN, Book, executed

pytestmark = pytest.mark.press

PAGE = "_build/html/notebooks/01-library.html"


def test_nothing_changed_runs_nothing(small_book: Book) -> None:
    done = small_book.build()
    assert done.returncode == 0
    assert executed(done) == []
    assert "rendering" not in done.stdout


def test_prose_renders_without_executing(small_book: Book) -> None:
    small_book.edit("notebooks/01-library.md", "Some prose.", "Fresh prose.")
    assert small_book.built() == []
    assert "Fresh prose." in small_book.read(PAGE)
    assert "area is 4" in small_book.read(PAGE)


def test_cosmetic_tag_renders_without_executing(small_book: Book) -> None:
    cell = "```{code-cell} ipython3\nfrom minilib"
    small_book.edit("notebooks/01-library.md", cell, cell.replace("\nfrom", "\n:tags: [hide-input]\n\nfrom"))
    assert small_book.built() == []
    assert "Show code cell source" in small_book.read(PAGE)


def test_touched_file_executes_nothing(small_book: Book) -> None:
    for path in ("notebooks/01-library.md", "lib/minilib/model.py", "requirements.lock"):
        os.utime(small_book.root / path)
    assert small_book.built() == []


def test_code_executes_only_its_chapter(small_book: Book) -> None:
    small_book.edit("notebooks/02-alone.md", "6 * 7", "6 * 8")
    assert small_book.built() == ["02-alone"]
    assert "48" in small_book.read("_build/html/notebooks/02-alone.html")


def test_library_executes_the_chapters_that_import_it(small_book: Book) -> None:
    small_book.write("lib/minilib/model.py", "def area(width):\n    return width * width + 100\n")
    assert small_book.built() == ["01-library"]
    assert "area is 104" in small_book.read(PAGE)


def test_library_file_that_no_chapter_imports_executes_nothing(small_book: Book) -> None:
    small_book.write("lib/minilib/other.py", "UNUSED = 2\n")
    assert small_book.built() == []


def test_lock_file_executes_everything(small_book: Book) -> None:
    small_book.write("requirements.lock", "nothing==2.0\n")
    assert small_book.built() == ["01-library", "02-alone"]


def test_going_back_takes_the_earlier_execution(small_book: Book) -> None:
    small_book.edit("notebooks/02-alone.md", "6 * 7", "6 * 8")
    small_book.built()
    small_book.edit("notebooks/02-alone.md", "6 * 8", "6 * 7")
    assert small_book.built() == []
    assert "42" in small_book.read("_build/html/notebooks/02-alone.html")


def test_failing_cell_fails_every_build_and_keeps_the_last_good_pages(small_book: Book) -> None:
    good = small_book.read(PAGE)
    small_book.edit("notebooks/01-library.md", 'print("area is", area(width))', 'raise RuntimeError("on purpose")')
    for _ in range(2):
        done = small_book.build()
        assert done.returncode != 0
        assert "chapter 01-library, code cell 2 of 2: RuntimeError: on purpose" in done.stderr
        assert small_book.read(PAGE) == good
    failed = nbformat.read(small_book.root / "_build/failed/01-library.ipynb", as_version=4)
    assert any(o.output_type == "error" for c in failed.cells if c.cell_type == "code" for o in c.outputs)


def test_failing_chapter_does_not_cost_the_others_their_results(small_book: Book) -> None:
    small_book.edit("notebooks/01-library.md", "area(width))", "1 / 0)")
    small_book.edit("notebooks/02-alone.md", "6 * 7", "6 * 9")
    assert small_book.build().returncode != 0
    small_book.edit("notebooks/01-library.md", "1 / 0)", "area(width))")
    assert small_book.built() == []
    assert "54" in small_book.read("_build/html/notebooks/02-alone.html")


def test_broken_reference_fails_every_build(small_book: Book) -> None:
    good = small_book.read(PAGE)
    small_book.edit("notebooks/01-library.md", "Some prose.", "See {prf:ref}`no-such-theorem`.")
    for _ in range(2):
        done = small_book.build()
        assert done.returncode != 0
        assert "no-such-theorem" in done.stderr
        assert small_book.read(PAGE) == good


def test_changed_style_sheet_reaches_the_pages(small_book: Book) -> None:
    small_book.write("book/_static/empty.css", "p { color: teal }")
    assert small_book.built() == []
    assert "teal" in small_book.read("_build/html/_static/empty.css")


def test_removed_pages_are_built_again(small_book: Book) -> None:
    (small_book.root / PAGE).unlink()
    (small_book.root / "_build/html/.built.json").unlink()
    assert small_book.built() == []
    assert "area is 4" in small_book.read(PAGE)


@pytest.mark.parametrize("wait_for", ["executing", "rendering"])
def test_killed_build_leaves_nothing_half_written(small_book: Book, wait_for: str) -> None:
    small_book.edit("notebooks/02-alone.md", "print(6 * 7)", "import time\ntime.sleep(2)\nprint(6 * 6)")
    with subprocess.Popen(
        [str(BIN / "snakemake"), "--cores", "2"],
        cwd=small_book.root,
        env=small_book.env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if wait_for in line:
                break
        time.sleep(0.5)
        os.killpg(process.pid, signal.SIGKILL)
    assert "42" in small_book.read("_build/html/notebooks/02-alone.html")
    for path in (small_book.root / "_build/executed").glob("*.ipynb"):
        nbformat.validate(nbformat.read(path, as_version=4))
    assert small_book.built() == (["02-alone"] if wait_for == "executing" else [])
    assert "36" in small_book.read("_build/html/notebooks/02-alone.html")


def test_gpu_chapters_run_one_at_a_time(small_book: Book, chapter_text: Callable[..., str]) -> None:
    code = "import time\nt = time.time()\ntime.sleep(1)\nprint(t, time.time())"
    body = f"# Stamps\n\n```{{code-cell}} ipython3\n{code}\n```\n"
    toc = "format: jb-book\nroot: book/index\nchapters:\n"
    for k in (3, 4):
        small_book.write(f"notebooks/0{k}-gpu.md", chapter_text(body + f"\nNumber {k}.\n", True))
        toc += f"- file: notebooks/0{k}-gpu\n"
    small_book.write("_toc.yml", toc)
    assert small_book.built() == ["03-gpu", "04-gpu"]
    spans = []
    for path in (small_book.root / "_build/executed").glob("0[34]-gpu-*.ipynb"):
        nb = nbformat.read(path, as_version=4)
        spans.append([float(x) for x in nb.cells[1].outputs[0].text.split()])
    (_, first_end), (second_start, _) = sorted(spans)
    assert first_end <= second_start


def test_run_with_parameters_has_its_own_folder_and_page(small_book: Book) -> None:
    reference = small_book.read(PAGE)
    done = small_book.command("hallucination", "run", "library", "-p", "width=3", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["results"] == {"01-library": {"area": 9}}
    assert told["parameters"] == {"01-library": {"width": 3}}
    page = Path(told["page"]).read_text("utf8")
    assert (Path(told["folder"]) / "01-library.ipynb").exists()
    assert "About this run" in page
    assert "Hardware" in page
    assert re.search(r"<td><p>area</p></td>\s*<td><p>9</p></td>\s*<td><p>4</p></td>", page)
    assert small_book.read(PAGE) == reference
    again = small_book.command("hallucination", "run", "01", "-p", "width=3", "--json")
    assert json.loads(again.stdout)["folder"] == told["folder"]
    assert "executing" not in again.stderr


def test_profile_changes_the_chapters_it_names(small_book: Book) -> None:
    done = small_book.command("hallucination", "run", "--profile", "wide", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["results"]["01-library"] == {"area": 25}
    assert "area is 4" in small_book.read(PAGE)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["run", "01-library", "-p", "widht=3"], "01-library has no parameter 'widht'; its parameters: width"),
        (["run", "01-library", "-p", "width=three"], "01-library: width = 'three' is refused"),
        (["run", "no-such-chapter"], "chapter 'no-such-chapter' is unknown; chapters: 01-library, 02-alone"),
        (["run", "--profile", "huge"], "profile 'huge' is unknown; profiles: laptop, wide"),
        (["run", "01-library", "-p", "width"], "-p wants name=value, got 'width'"),
        (["run", "-p", "width=3"], "-p needs a chapter"),
    ],
)
def test_bad_input_is_refused_before_any_kernel_starts(template: Book, words: list[str], message: str) -> None:
    done = template.command("hallucination", *words)
    assert done.returncode == 2
    assert message in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert "executing" not in done.stdout


def test_failing_run_exits_with_one(small_book: Book) -> None:
    small_book.edit("notebooks/01-library.md", "headline(area", "assert width < 10\nheadline(area")
    done = small_book.command("hallucination", "run", "01-library", "-p", "width=11")
    assert done.returncode == 1
    assert "AssertionError" in done.stderr


def test_stock_jupyter_book_builds_the_sources(small_book: Book) -> None:
    done = small_book.command("jupyter-book", "build", ".")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "area is 4" in small_book.read(PAGE)
    assert "This page was executed in" not in small_book.read(PAGE)
    # It wrote over the press's pages; the press notices and puts its own back, executing nothing.
    assert small_book.built() == []
    assert "This page was executed in" in small_book.read(PAGE)


def test_stock_jupyter_book_fails_twice_on_a_failing_cell(small_book: Book) -> None:
    small_book.edit("notebooks/02-alone.md", "6 * 7", "6 / 0")
    for _ in range(2):
        assert small_book.command("jupyter-book", "build", ".").returncode != 0
