"""Put the current text and the executed outputs together into a book that Jupyter Book renders without executing."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nbformat
import yaml
from nbformat.v4 import new_code_cell, new_markdown_cell

from hallucination import claims, records, verdicts
from hallucination.checks import Result
from hallucination.press import outputs, rerun
from hallucination.press.chapters import Chapter
from hallucination.press.execute import RUN
from hallucination.press.plan import REFERENCE, Plan


def _code_of(executed: nbformat.NotebookNode) -> tuple[list[nbformat.NotebookNode], list[nbformat.NotebookNode]]:
    """Code cells of an execution: those of its source, and the one with injected parameters, if there is one."""
    ran = [c for c in executed.cells if c.cell_type == "code"]
    injected = [c for c in ran if "injected-parameters" in c.metadata.get("tags", [])]
    return [c for c in ran if c not in injected], injected


def merge(source: nbformat.NotebookNode, executed: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Current text, tags and captions with the outputs of an execution of the same code cells."""
    merged = nbformat.from_dict(source)
    ran, injected = _code_of(executed)
    twins = iter(ran)
    cells = []
    for cell in merged.cells:
        if cell.cell_type == "code":
            twin = next(twins)
            cell.outputs, cell.execution_count = twin.outputs, twin.execution_count
        cells.append(cell)
        if injected and "parameters" in cell.metadata.get("tags", []):
            cells.append(new_code_cell(injected[0].source, id="injected-parameters", metadata={"tags": []}))
    merged.cells = cells
    return merged


def is_figure(cell: nbformat.NotebookNode) -> bool:
    """True if a code cell shows a picture or an interactive figure."""
    data = [o.get("data", {}) for o in cell.get("outputs", [])]
    return any("image/png" in d or "live-figure" in "".join(d.get("text/html", "")) for d in data)


def _commit(run: Mapping[str, Any]) -> str:
    return f"`{run['commit'][:10]}`" + (" with local changes" if run["dirty"] else "")


def provenance_line(run: Mapping[str, Any]) -> str:
    """One line under a figure: source, commit, parameters, run time."""
    changed = ", ".join(f"{n} = {run['parameters'][n]}" for n in run["changed"])
    return (
        f":::{{div}} provenance\nFrom `{run['source']}` · commit {_commit(run)} · "
        f"parameters: {changed or 'as in the source'} · chapter ran {run['seconds']:.0f} s, {run['finished']}\n:::"
    )


def _badges(chapter: Chapter, results: list[Result]) -> str:
    names = [*chapter.facts.get("statements", []), *chapter.facts.get("unnumbered", [])]
    rows = [verdicts.of_claim(claims.find(name), results) for name in names]
    items = "".join(f"<li>{verdicts.badge(row['label'], row['verdict'])}</li>" for row in rows)
    return f'<ul class="badges" aria-label="Verdicts of this page">{items}</ul>' if items else ""


def chapter_head(chapter: Chapter, executed: nbformat.NotebookNode) -> str:
    """Badges and the line on cost that stand under a chapter's title."""
    run = executed.metadata[RUN]
    results = [Result(**r) for r in outputs.evidence(executed)]
    cores = run["hardware"]["cores"]
    return (
        f"{_badges(chapter, results)}\n\n:::{{div}} provenance\nThis page was executed in {run['seconds']:.0f} s "
        f"on {cores} cores, with {run['peak_memory_mb']} MB of memory at its peak, from commit {_commit(run)}.\n:::"
    )


def _after_title(nb: nbformat.NotebookNode, text: str) -> None:
    """Insert Markdown right below the first heading."""
    for cell in nb.cells:
        lines = cell.source.split("\n") if cell.cell_type == "markdown" else []
        at = next((j for j, line in enumerate(lines) if line.startswith("# ")), None)
        if at is None:
            continue
        above, below = "\n".join(lines[: at + 1]), "\n".join(lines[at + 1 :])
        cell.source = f"{above}\n\n{text}\n\n{below}"
        return


def stage_chapter(chapter: Chapter, executed: nbformat.NotebookNode, extra: str = "") -> nbformat.NotebookNode:
    """A chapter ready for rendering: text and outputs, head, provenance under every figure."""
    run = executed.metadata[RUN]
    nb = merge(chapter.notebook, executed)
    cells = []
    for cell in nb.cells:
        cells.append(cell)
        if cell.cell_type == "code" and is_figure(cell):
            cells.append(new_markdown_cell(provenance_line(run), id=f"{cell['id']}-provenance"))
    nb.cells = cells
    _after_title(nb, f"{chapter_head(chapter, executed)}\n\n{extra}")
    return nb


FIGURE = re.compile(r"\{numref\}`fig-[^`]+`")


def without_figures(nb: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """A chapter whose code did not run: references to its figures would lead nowhere, so they lose their numbers."""
    plain = nbformat.from_dict(nb)
    for cell in plain.cells:
        if cell.cell_type == "markdown":
            cell.source = FIGURE.sub("*the figure*", cell.source)
    return plain


NOT_EXECUTED = ":::{admonition} Not executed in this run\n:class: note\n{why}\n:::"


def _write(nb: nbformat.NotebookNode, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(nb, path)


def _latest(root: Path, stem: str) -> nbformat.NotebookNode | None:
    """The reference execution of a chapter or page, if the book was built before."""
    pointer = root / "_build" / "current" / f"{stem}.txt"
    path = root / "_build" / "executed" / f"{pointer.read_text('utf8').strip()}.ipynb" if pointer.exists() else None
    return nbformat.read(path, as_version=4) if path is not None and path.exists() else None


def _same_code(chapter: Chapter, nb: nbformat.NotebookNode) -> bool:
    return [c.source for c in _code_of(nb)[0]] == [c.source for c in chapter.code]


def _staged(plan: Plan, chapter: Chapter) -> nbformat.NotebookNode:
    """One notebook of the book: executed in this run, else from the reference run, else without outputs."""
    is_page = chapter.path.parts[0] != "notebooks"
    if chapter.stem in plan.executions:
        nb = nbformat.read(plan.root / plan.executed(chapter.stem), as_version=4)
        if is_page:
            return merge(chapter.notebook, nb)
        about = "" if plan.is_reference else rerun.about(nb, _latest(plan.root, chapter.stem))
        return stage_chapter(chapter, nb, about)
    nb = _latest(plan.root, chapter.stem)
    if nb is not None and _same_code(chapter, nb):
        staged = merge(chapter.notebook, nb) if is_page else stage_chapter(chapter, nb)
        why = "The outputs below are those of the reference run."
    else:
        staged = without_figures(chapter.notebook)
        why = "There is no reference run of it either: `make book` makes one."
    _after_title(staged, NOT_EXECUTED.replace("{why}", why))
    return staged


def config(root: Path) -> dict[str, Any]:
    """The book's configuration with execution switched off."""
    found = yaml.safe_load((root / "_config.yml").read_text("utf8"))
    found["execute"] = {**found.get("execute", {}), "execute_notebooks": "off"}
    return dict(found)


def stage(plan: Plan, folder: Path) -> None:
    """Write the book of a plan into `folder`, ready for ``jupyter-book build``."""
    chapters, pages = plan.book
    shutil.rmtree(folder, ignore_errors=True)
    notebooks = {c.path for c in [*chapters, *pages]}
    skip = {(plan.root / p).resolve() for p in notebooks}
    for source in sorted((plan.root / "book").rglob("*")):
        if source.is_file() and source.resolve() not in skip:
            target = folder / source.relative_to(plan.root)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)
    shutil.copy2(plan.root / "_toc.yml", folder / "_toc.yml")
    records.write_text(folder / "_config.yml", yaml.safe_dump(config(plan.root), allow_unicode=True))
    for chapter in [*chapters, *pages]:
        _write(_staged(plan, chapter), folder / chapter.path.with_suffix(".ipynb"))


def write_evidence(plan: Plan) -> None:
    """Write evidence and run records of a plan's chapters beside its pages, and point to its executions."""
    out = plan.root / plan.out
    for kind in ("evidence", "records"):
        for old in (out / kind).glob("*.json"):
            if old.stem not in {c.stem for c in plan.book[0]}:
                old.unlink()
    for chapter in plan.chapters:
        nb = nbformat.read(plan.root / plan.executed(chapter.stem), as_version=4)
        if not plan.is_reference:
            records.write_text(out / f"{chapter.stem}.ipynb", nbformat.writes(nb))
        records.write_json(out / "evidence" / f"{chapter.stem}.json", outputs.evidence(nb))
        found = {"results": outputs.headlines(nb), "execution": plan.executions[chapter.stem]}
        records.write_json(out / "records" / f"{chapter.stem}.json", {**nb.metadata[RUN], **found})
    shown = {c.stem: plan.executions[c.stem] for c in plan.chapters}
    records.write_json(out / "evidence.json", shown)


def remember(plan: Plan) -> None:
    """Note which executions the reference book shows, so that re-runs can be compared with them."""
    if plan.is_reference and plan.profile == REFERENCE:
        for stem, name in plan.executions.items():
            records.write_text(plan.root / "_build" / "current" / f"{stem}.txt", name + "\n")
