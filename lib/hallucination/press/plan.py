"""What one build has to make: which executions, under which names, and into which folder they are bound."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError, create_model

from hallucination import parameters as declared
from hallucination import records
from hallucination.press.chapters import Chapter, PressError, read_book

REFERENCE = "laptop"  # the profile whose run is the reference


class _Loader(yaml.SafeLoader):
    """YAML in which ``1e-30`` is a number, as in YAML 1.2; to PyYAML's older rules it is a word."""


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"[-+]?[0-9]+(\.[0-9]*)?[eE][-+]?[0-9]+$"), list("-+0123456789")
)


def read_yaml(text: str) -> Any:
    """Read a value as a person would write it on the command line or in a profile.

    Raises
    ------
    yaml.YAMLError
        If it is not YAML.
    """
    return yaml.load(text, _Loader)


def read_profile(root: Path, name: str) -> dict[str, dict[str, Any]]:
    """Parameters per chapter of a profile (``profiles/<name>.yml``).

    Raises
    ------
    PressError
        If there is no such profile; the message lists them.
    """
    path = root / "profiles" / f"{name}.yml"
    if not path.exists():
        known = ", ".join(sorted(p.stem for p in (root / "profiles").glob("*.yml")))
        raise PressError(f"profile {name!r} is unknown; profiles: {known}")
    return read_yaml(path.read_text("utf8")) or {}


def model_of(chapter: Chapter) -> type[declared.Parameters]:
    """Types and ranges of a chapter's parameters; a chapter that declares none gets the types of its defaults."""
    if chapter.stem in declared.CHAPTERS:
        return declared.CHAPTERS[chapter.stem]
    fields: dict[str, Any] = {name: (type(p.default), ...) for name, p in chapter.parameters.items()}
    return create_model(chapter.stem, __base__=declared.Parameters, **fields)


def validate(chapter: Chapter, given: Mapping[str, Any]) -> dict[str, Any]:
    """Check given values against the chapter's declared parameters.

    Returns
    -------
    dict
        The given values in their declared form (a single count becomes a list of one, say).

    Raises
    ------
    PressError
        Unknown name, wrong type or value out of range; one line that names the rule, the value and what is allowed.
    """
    for name in given:
        if name not in chapter.parameters:
            allowed = ", ".join(chapter.parameters) or "none"
            raise PressError(f"{chapter.stem} has no parameter {name!r}; its parameters: {allowed}")
    model = model_of(chapter)
    defaults = {name: p.default for name, p in chapter.parameters.items()}
    try:
        values = model(**{**defaults, **given}).model_dump()
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0])
        value = given.get(name, defaults.get(name))
        raise PressError(
            f"{chapter.stem}: {name} = {value!r} is refused: {first['msg'].removeprefix('Value error, ')}; "
            f"allowed: {rule(chapter, name)}"
        ) from None
    return {name: values[name] for name in given}


def rule(chapter: Chapter, name: str) -> str:
    """Type and range of a parameter in words, for example ``"integer from 1 to 400"``."""
    schema = model_of(chapter).model_json_schema()["properties"][name]
    return _words(schema)


def _words(schema: Mapping[str, Any]) -> str:
    if schema.get("type") == "array":
        items = _words(schema["items"])
        return f"list of {schema.get('minItems', 0)} to {schema.get('maxItems', 'any number of')}, each {items}"
    if "enum" in schema:
        return "one of " + ", ".join(map(str, schema["enum"]))
    bounds = {
        "minimum": "from {}",
        "exclusiveMinimum": "above {}",
        "maximum": "to {}",
        "exclusiveMaximum": "below {}",
    }
    limits = [text.format(schema[key]) for key, text in bounds.items() if key in schema]
    return " ".join([schema.get("type", "value"), *limits])


@dataclass(frozen=True)
class Plan:
    """One build.

    Attributes
    ----------
    root : Path
        The project.
    out : Path
        Folder of the build, relative to the root: ``_build`` or ``runs/<name>``.
    profile : str
        Name of the profile.
    given : mapping
        Parameters per chapter from the command line; they win over the profile.
    only : tuple of str
        Stems of the chapters to execute; empty for the whole book.
    recorded : mapping, optional
        Names of the executions as they were when the build began; computed from the sources if not given.
    """

    root: Path
    out: Path = Path("_build")
    profile: str = REFERENCE
    given: Mapping[str, Mapping[str, Any]] | None = None
    only: tuple[str, ...] = ()
    recorded: Mapping[str, str] | None = None

    @property
    def is_reference(self) -> bool:
        """True for the book itself, false for a re-run in a folder of its own."""
        return self.out == Path("_build")

    @cached_property
    def book(self) -> tuple[list[Chapter], list[Chapter]]:
        """Chapters and pages of the table of contents."""
        return read_book(self.root)

    @cached_property
    def chapters(self) -> list[Chapter]:
        """Chapters that this build executes (or takes from an equal earlier execution)."""
        return [c for c in self.book[0] if not self.only or c.stem in self.only]

    @cached_property
    def pages(self) -> list[Chapter]:
        """Pages that report on the chapters; a build of single chapters leaves them as they were."""
        return [] if self.only else self.book[1]

    @cached_property
    def parameters(self) -> dict[str, dict[str, Any]]:
        """Validated values to inject, per chapter."""
        profile = read_profile(self.root, self.profile)
        given = self.given or {}
        stems = {c.stem for c in self.book[0]}
        for stem in [*profile, *given]:
            if stem not in stems:
                raise PressError(f"parameters for unknown chapter {stem!r}; chapters: {', '.join(sorted(stems))}")
        values = {c.stem: validate(c, {**profile.get(c.stem, {}), **given.get(c.stem, {})}) for c in self.chapters}
        build = {} if self.is_reference else {"build": f"../{self.out}"}
        return values | {page.stem: build for page in self.pages}

    @cached_property
    def executions(self) -> dict[str, str]:
        """File name of the execution of each chapter and page; it contains the digest of all it depends on."""
        if self.recorded is not None:
            return dict(self.recorded)
        names = {c.stem: f"{c.stem}-{c.digest(self.parameters[c.stem])}" for c in self.chapters}
        for page in self.pages:
            names[page.stem] = f"{page.stem}-{page.digest(self.parameters[page.stem], also=names)}"
        return names

    def executed(self, stem: str) -> Path:
        """Where the executed notebook of a chapter or page lies, relative to the root; shared by all builds."""
        return Path("_build/executed") / f"{self.executions[stem]}.ipynb"

    def find(self, stem: str) -> Chapter:
        """Chapter or page of that stem."""
        return next(c for c in [*self.chapters, *self.pages] if c.stem == stem)

    def label(self, stem: str) -> str:
        """Progress label: position among the executions that are still missing."""
        missing = [s for s in self.executions if not (self.root / self.executed(s)).exists()]
        return f"[{missing.index(stem) + 1}/{len(missing)}] {stem}" if stem in missing else stem

    @property
    def texts(self) -> list[Path]:
        """Everything that the pages depend on beside the executions, relative to the root."""
        found = [Path("_toc.yml"), Path("_config.yml"), *(c.path for part in self.book for c in part)]
        found += [p.relative_to(self.root) for p in (self.root / "book").rglob("*") if p.is_file()]
        found += [Path(__file__).with_name(f"{name}.py") for name in ("stage", "rerun", "bind", "pages")]
        return sorted(set(found))

    def write(self) -> Path:
        """Write the plan to ``<out>/plan.json`` unless it stands there already; returns the path."""
        path = self.root / self.out / "plan.json"
        asked = {"out": str(self.out), "profile": self.profile, "given": self.given or {}, "only": list(self.only)}
        content = {**asked, "executions": self.executions}
        if not path.exists() or json.loads(path.read_text("utf8")) != content:
            records.write_json(path, content)
        return path

    def still_holds(self, stem: str) -> None:
        """Refuse to file an execution under the digest of sources that changed since the build began.

        Raises
        ------
        PressError
            If the chapter, its parameters or a file it imports changed.
        """
        chapter = any(c.stem == stem for c in self.chapters)  # a page depends on all chapters
        now = replace(self, recorded=None, only=(stem,) if chapter else self.only)
        if now.executions[stem] != self.executions[stem]:
            raise PressError(f"the sources of {stem} changed while the book was being built; build again")


def load(root: Path, path: Path) -> Plan:
    """Read back a plan that :meth:`Plan.write` wrote."""
    asked = json.loads(path.read_text("utf8"))
    return Plan(root, Path(asked["out"]), asked["profile"], asked["given"], tuple(asked["only"]), asked["executions"])
