"""What a reader is told about a re-run: its parameters, revisions, hardware, and what differs from the reference."""

from __future__ import annotations

from typing import Any

import nbformat

from hallucination.press.execute import RUN
from hallucination.press.outputs import headlines
from hallucination.results import text


def differences(mine: dict[str, Any], theirs: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Rows (name, this run, reference run) of the entries that differ; ``"–"`` stands for an absent one."""

    def show(values: dict[str, Any], name: str) -> str:
        return text(values[name]) if name in values else "–"

    names = [*mine, *(n for n in theirs if n not in mine)]
    rows = [(n, show(mine, n), show(theirs, n)) for n in names]
    return [row for row in rows if row[1] != row[2]]


def _table(rows: list[tuple[str, str, str]], kind: str) -> str:
    if not rows:
        return f"No {kind} differs from the reference run.\n"
    head = f"| {kind} | this run | reference run |\n|---|---|---|\n"
    return head + "".join(f"| {a} | {b} | {c} |\n" for a, b, c in rows)


def about(nb: nbformat.NotebookNode, reference: nbformat.NotebookNode | None) -> str:
    """Markdown box at the top of a re-run's page.

    Parameters
    ----------
    nb : NotebookNode
        The executed chapter of this run.
    reference : NotebookNode or None
        The chapter as the reference book shows it; None if the book was never built.
    """
    run = nb.metadata[RUN]
    hardware = run["hardware"]
    state = " with local changes" if run["dirty"] else ""
    revisions = ", ".join(f"{name} {version}" for name, version in run["versions"].items())
    settings = ", ".join(f"{name} = {text(value)}" for name, value in run["parameters"].items())
    lines = [
        f"Parameters: {settings or 'none'}.",
        f"Code: commit `{run['commit'][:10]}`{state}; {revisions}.",
        f"Hardware: {hardware['processor']}, {hardware['cores']} cores"
        + (f", {hardware['gpu']}" if "gpu" in hardware else "")
        + f", {hardware.get('memory_gib', '?')} GiB of memory.",
        f"Duration: {run['seconds']:.0f} s, finished {run['finished']}.",
    ]
    if reference is None:
        lines.append("There is no reference run to compare with: `make book` makes one.")
        tables = ""
    else:
        theirs = reference.metadata[RUN]
        tables = _table(differences(run["parameters"], theirs["parameters"]), "parameter") + "\n"
        tables += _table(differences(headlines(nb), headlines(reference)), "headline result")
        other = {"versions": theirs["versions"] != run["versions"], "commit": theirs["commit"] != run["commit"]}
        changed = [name for name, differs in other.items() if differs]
        if changed:
            lines.append(f"Against the reference run, these differ as well: {', '.join(changed)}.")
    listed = "\n".join(f"- {line}" for line in lines)
    return f"::::{{admonition}} About this run\n:class: tip rerun\n{listed}\n\n{tables}::::"
