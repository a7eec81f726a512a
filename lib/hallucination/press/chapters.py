"""Chapters as the press sees them: cells, parameters, and a digest of all that their results depend on."""

from __future__ import annotations

import ast
import hashlib
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import jupytext
import nbformat
import yaml
from IPython.core.inputtransformer2 import TransformerManager
from papermill.translators import PythonTranslator

from hallucination.press import imports

# Tags that change what a cell does; all others only change how it looks.
EXECUTION_TAGS = {"parameters", "raises-exception", "skip-execution"}


class PressError(Exception):
    """Something the user asked for that the press must refuse; the message states the rule and the value."""


@dataclass(frozen=True)
class Parameter:
    """One line of a chapter's parameters cell: name, default value and help."""

    name: str
    default: Any
    help: str


@dataclass(frozen=True)
class Chapter:
    """A MyST notebook of the book.

    Attributes
    ----------
    path : Path
        The source, relative to the project's root (``notebooks/09-coins.md``).
    root : Path
        The project's root.
    """

    path: Path
    root: Path

    @property
    def stem(self) -> str:
        """Name without folder and suffix, for example ``"09-coins"``."""
        return self.path.stem

    @cached_property
    def notebook(self) -> nbformat.NotebookNode:
        """The source as a notebook without outputs; cell ids depend on position only."""
        nb = jupytext.read(self.root / self.path)
        for k, cell in enumerate(nb.cells):
            cell["id"] = f"{self.stem[:40]}-{k}"
            cell.metadata.setdefault("tags", [])
        return nb

    @property
    def facts(self) -> dict[str, Any]:
        """The ``chapter:`` block of the front matter."""
        return dict(self.notebook.metadata.get("chapter", {}))

    @cached_property
    def title(self) -> str:
        """Text of the first heading."""
        for cell in self.notebook.cells:
            for line in cell.source.splitlines() if cell.cell_type == "markdown" else ():
                if line.startswith("# "):
                    return line[2:].strip()
        return self.stem

    @property
    def gpu(self) -> bool:
        """True if the chapter wants the GPU for itself."""
        return bool(self.facts.get("gpu", False))

    @cached_property
    def code(self) -> list[nbformat.NotebookNode]:
        """The code cells."""
        return [c for c in self.notebook.cells if c.cell_type == "code"]

    @cached_property
    def parameters(self) -> dict[str, Parameter]:
        """The parameters cell, as papermill reads it; empty if the chapter has none.

        Raises
        ------
        PressError
            If a default is not a literal.
        """
        cell = next((c for c in self.code if "parameters" in c.metadata.tags), None)
        if cell is None:
            return {}
        found = PythonTranslator.inspect(cell)
        return {p.name: Parameter(p.name, self._literal(p.name, p.default), p.help) for p in found}

    def _literal(self, name: str, default: str) -> Any:
        try:
            return ast.literal_eval(default)
        except (ValueError, SyntaxError):
            raise PressError(f"chapter {self.stem}: default of {name} must be a literal, got {default}") from None

    @property
    def python(self) -> str:
        """All code cells as one Python source, magics and shell lines translated away.

        Raises
        ------
        PressError
            If a cell is not valid Python; names the cell.
        """
        cells = [TransformerManager().transform_cell(c.source) for c in self.code]
        for k, text in enumerate(cells, 1):
            try:
                ast.parse(text)
            except SyntaxError as error:
                where = f"chapter {self.stem}, code cell {k} of {len(cells)}"
                raise PressError(f"{where}: SyntaxError: {error.msg}: {(error.text or '').strip()}") from None
        return "\n".join(cells)

    @cached_property
    def sources(self) -> list[Path]:
        """Files under ``lib/`` that the chapter imports, directly or through others."""
        return imports.closure(self.python, self.root / "lib")

    @cached_property
    def reads(self) -> list[Path]:
        """Files named by ``reads:`` in the front matter (patterns relative to the root), for example records."""
        patterns = self.facts.get("reads", [])
        return sorted(p for pattern in patterns for p in self.root.glob(pattern) if p.is_file())

    def digest(self, parameters: Mapping[str, Any], also: Mapping[str, str] | None = None) -> str:
        """Twelve hexadecimal digits that change exactly when the chapter must be executed again.

        Parameters
        ----------
        parameters : mapping
            Values injected over the parameters cell.
        also : mapping, optional
            Further named contents to depend on.
        """
        lock = self.root / "requirements.lock"
        files = [*self.sources, *self.reads, *([lock] if lock.exists() else [])]
        content = {
            "python": list(sys.version_info[:2]),
            "cells": [[c.source, sorted(EXECUTION_TAGS & set(c.metadata.tags))] for c in self.code],
            "parameters": dict(parameters),
            "files": {str(f.relative_to(self.root)): hashlib.sha256(f.read_bytes()).hexdigest() for f in files},
            "also": dict(also or {}),
        }
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:12]


def find_root(start: Path | None = None) -> Path:
    """Project root: the nearest folder at or above `start` that holds a table of contents and a Snakefile."""
    here = (start or Path.cwd()).resolve()
    for folder in (here, *here.parents):
        if (folder / "_toc.yml").exists() and (folder / "Snakefile").exists():
            return folder
    raise PressError(f"no book here: neither {here} nor a folder above it holds _toc.yml and Snakefile")


def files_of_book(root: Path) -> list[Path]:
    """All sources of the table of contents, in reading order, relative to the root."""
    toc = yaml.safe_load((root / "_toc.yml").read_text("utf8"))
    entries = [toc["root"]]

    def walk(node: Mapping[str, Any]) -> None:
        for key in ("parts", "chapters", "sections"):
            for child in node.get(key, []):
                if "file" in child:
                    entries.append(child["file"])
                walk(child)

    walk(toc)
    paths = [Path(e).with_suffix(".md") if Path(e).suffix != ".md" else Path(e) for e in entries]
    missing = [str(p) for p in paths if not (root / p).exists()]
    if missing:
        raise PressError(f"_toc.yml names files that do not exist: {', '.join(missing)}")
    return paths


def is_notebook(path: Path) -> bool:
    """True if a Markdown file has a kernel in its front matter."""
    return "\nkernelspec:" in path.read_text("utf8").split("\n---", 2)[0]


def read_book(root: Path) -> tuple[list[Chapter], list[Chapter]]:
    """Chapters (notebooks under ``notebooks/``) and pages (notebooks elsewhere, which report on the chapters)."""
    every = [Chapter(p, root) for p in files_of_book(root) if is_notebook(root / p)]
    chapters = [c for c in every if c.path.parts[0] == "notebooks"]
    return chapters, [c for c in every if c.path.parts[0] != "notebooks"]


def pick(chapters: list[Chapter], name: str) -> Chapter:
    """Chapter of a full or short name (``09-coins``, ``coins``, ``09`` or ``9``).

    Raises
    ------
    PressError
        If none or several match; the message lists the chapters.
    """
    allowed = ", ".join(c.stem for c in chapters)
    wanted = Path(name).stem if name.endswith(".md") else name

    def answers(chapter: Chapter) -> bool:
        number, _, words = chapter.stem.partition("-")
        short = {number, number.lstrip("0"), words}
        return wanted in short or (len(wanted) > 2 and words.startswith(wanted))

    exact = [c for c in chapters if c.stem == wanted]
    found = exact or [c for c in chapters if answers(c)]
    if len(found) == 1:
        return found[0]
    reason = "is ambiguous" if found else "is unknown"
    raise PressError(f"chapter {name!r} {reason}; chapters: {allowed}")
