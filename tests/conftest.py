"""Shared by all tests: the project's root, and a small book of its own for the press."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent

HEADER = """---
jupytext:
  text_representation:
    extension: .md
    format_name: myst
kernelspec:
  display_name: Python 3
  language: python
  name: python3
chapter:
  gpu: {gpu}
---
"""

USES_LIBRARY = """
# Uses the library

Some prose.

```{code-cell} ipython3
:tags: [parameters]

width = 2  # width of the model
```

```{code-cell} ipython3
from minilib.model import area
from hallucination.results import headline

headline(area=area(width))
print("area is", area(width))
```
"""

STANDS_ALONE = """
# Stands alone

Other prose.

```{code-cell} ipython3
print(6 * 7)
```
"""

CONFIG = """
title: A small book
only_build_toc_files: true
execute: {execute_notebooks: cache}
launch_buttons: {thebe: false}
sphinx:
  extra_extensions: [sphinx_proof, hallucination.press.pages]
  config:
    nb_execution_raise_on_error: true
    html_static_path: [book/_static]
    html_context: {default_mode: auto}
"""


class Book:
    """A small book with chapters of its own, and the commands to build it."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @property
    def env(self) -> dict[str, str]:
        return {**os.environ, "PYTHONPATH": str(self.root / "lib"), "OMP_NUM_THREADS": "1"}

    def write(self, path: str, text: str) -> None:
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, "utf8")

    def edit(self, path: str, old: str, new: str) -> None:
        text = (self.root / path).read_text("utf8")
        assert old in text, f"{old!r} is not in {path}"
        self.write(path, text.replace(old, new))

    def read(self, path: str) -> str:
        return (self.root / path).read_text("utf8")

    def command(self, *words: str, timeout: float = 600) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(BIN / words[0]), *words[1:]],
            cwd=self.root,
            env=self.env,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def build(self, *options: str) -> subprocess.CompletedProcess[str]:
        return self.command("snakemake", "--cores", "2", *options)

    def built(self, *options: str) -> list[str]:
        """Build, expect success, and return the chapters that were executed."""
        done = self.build(*options)
        assert done.returncode == 0, done.stdout + done.stderr
        return executed(done)


def executed(done: subprocess.CompletedProcess[str]) -> list[str]:
    """Chapters that a build executed, from its progress lines."""
    lines = [line for line in done.stdout.splitlines() if line.endswith(": executing")]
    return sorted(line.split()[-2].rstrip(":") for line in lines)


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Book:
    """A small book, built once."""
    book = Book(tmp_path_factory.mktemp("template") / "book")
    book.root.mkdir()
    shutil.copy(ROOT / "Snakefile", book.root)
    shutil.copytree(ROOT / "profiles" / "default", book.root / "profiles" / "default")
    book.write("profiles/laptop.yml", "{}\n")
    book.write("profiles/wide.yml", "01-library: {width: 5}\n")
    book.write("requirements.lock", "nothing==1.0\n")
    book.write("_config.yml", CONFIG)
    book.write("book/_static/empty.css", "")
    book.write("book/index.md", "# A small book\n\nWelcome.\n")
    book.write("lib/minilib/__init__.py", "")
    book.write("lib/minilib/model.py", "def area(width):\n    return width * width\n")
    book.write("lib/minilib/other.py", "UNUSED = 1\n")
    book.write("notebooks/01-library.md", HEADER.format(gpu="false") + USES_LIBRARY)
    book.write("notebooks/02-alone.md", HEADER.format(gpu="false") + STANDS_ALONE)
    toc = "format: jb-book\nroot: book/index\nchapters:\n- file: notebooks/01-library\n- file: notebooks/02-alone\n"
    book.write("_toc.yml", toc)
    assert book.built() == ["01-library", "02-alone"]
    return book


@pytest.fixture
def small_book(template: Book, tmp_path: Path) -> Iterator[Book]:
    """A built copy of the small book, to change at will."""
    shutil.copytree(template.root, tmp_path / "book")
    yield Book(tmp_path / "book")


@pytest.fixture
def chapter_text() -> Callable[[str, bool], str]:
    """Source of a chapter with the given cells, with or without a claim on the GPU."""
    return lambda body, gpu=False: HEADER.format(gpu=str(gpu).lower()) + body
