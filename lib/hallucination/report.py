"""What the book's own pages say about a build: verdicts, counts, run times; read from its evidence."""

from __future__ import annotations

import html
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from IPython.display import HTML

from hallucination import checks, claims, verdicts


def rows_of_build(build: str) -> list[dict[str, Any]]:
    """Verdicts of all statements from a build's evidence; without a build, from checks run now.

    Parameters
    ----------
    build : str
        Folder of the build (``_build``); relative paths start at the page's own folder.
    """
    folder = Path(build) / "evidence"
    if folder.is_dir():
        return verdicts.table(verdicts.read(folder))
    checks.load()
    return verdicts.table(verdicts.run())


def runs_of_build(build: str) -> list[dict[str, Any]]:
    """Run records of a build's chapters in reading order; empty without a build."""
    return [json.loads(p.read_text("utf8")) for p in sorted((Path(build) / "records").glob("*.json"))]


def chapters_here() -> list[str]:
    """Stems of the chapters that exist beside the page's folder."""
    return sorted(p.stem for p in Path("../notebooks").glob("*.md"))


def name_of(row: Mapping[str, Any], chapters: Iterable[str]) -> str:
    """Label of a statement, linked to its place in the book if its chapter exists, and where the paper prints it."""
    claim = claims.find(row["id"])
    label = html.escape(claim.label)
    name = f'<a href="{claim.address}">{label}</a>' if claim.chapter in chapters else f"<span>{label}</span>"
    return name + ("" if claim.label == claim.place else f"<br><small>{html.escape(claim.place)}</small>")


def counts_sentence(rows: Iterable[Mapping[str, Any]]) -> str:
    """One Markdown sentence: how many of the 29 statements came to which verdict."""
    numbered = [row for row in rows if row["id"] in claims.CLAIMS]
    parts = [f"{n} *{verdict}*" for verdict, n in verdicts.counts(numbered).items()]
    n_checks = sum(len(row["checks"]) for row in rows)
    return f"Of the paper's {len(numbered)} numbered statements: {', '.join(parts)}; {n_checks} checks ran."


def verdict_table(rows: Iterable[Mapping[str, Any]]) -> HTML:
    """The verdicts of statement and printed proof, one line per statement."""
    chapters = chapters_here()
    head = ("statement", "title", "verdict", "statement alone", "printed proof", "checks")
    body = (
        (
            name_of(row, chapters),
            html.escape(row["title"]),
            f"{verdicts.MARKS[row['verdict']]} {row['verdict']}",
            row["statement"],
            "none" if row["proof"] == verdicts.NO_PROOF else row["proof"],
            str(len(row["checks"])),
        )
        for row in rows
    )
    return HTML(verdicts.card_table("Verdicts, scrolls sideways", head, body))


def _check_lines(checks_: Iterable[Mapping[str, Any]]) -> Iterable[tuple[str, ...]]:
    for c in checks_:
        yield (
            html.escape(c["id"].partition("/")[2]),
            html.escape(c["says"]) + (f" ({html.escape(c['reading'])})" if c["reading"] else ""),
            f"{c['form']}, {c['part']}",
            c["evidence"],
            c["outcome"],
            html.escape(c["detail"]),
            c["control"],
            f"{c['seconds']:.2f}",
        )


def checks_table(rows: Iterable[Mapping[str, Any]]) -> HTML:
    """Every check with its outcome and its control, folded by statement."""
    head = ("check", "sentence", "form", "evidence", "outcome", "what was found", "control", "seconds")
    parts = []
    for row in rows:
        if row["checks"]:
            table = verdicts.card_table(f"Checks of {row['label']}", head, _check_lines(row["checks"]))
            parts.append(verdicts.folded(f"{row['label']}: {verdicts.tally(row['checks'])}", table))
    return HTML("".join(parts))


def grounds_table(rows: Iterable[Mapping[str, Any]]) -> HTML:
    """The dependency graph as a table."""
    head = ("statement", "statement alone", "printed proof", "rests on", "all of it settled")
    body = (
        (
            html.escape(row["label"]),
            row["statement"],
            "none" if row["proof"] == verdicts.NO_PROOF else row["proof"],
            ", ".join(claims.find(u).label for u in row["uses"]) or "nothing",
            "yes" if row["grounded"] else "no",
        )
        for row in rows
        if row["id"] in claims.CLAIMS
    )
    return HTML(verdicts.card_table("Dependencies, scrolls sideways", head, body))


def runs_table(runs: Iterable[Mapping[str, Any]]) -> HTML:
    """What each chapter's execution took."""
    head = ("chapter", "seconds", "peak memory, MB", "finished", "commit", "changed parameters")
    body = (
        (
            run["chapter"],
            f"{run['seconds']:.0f}",
            str(run["peak_memory_mb"]),
            run["finished"],
            run["commit"][:10] + (" with local changes" if run["dirty"] else ""),
            html.escape(", ".join(f"{n} = {run['parameters'][n]}" for n in run["changed"]) or "none"),
        )
        for run in runs
    )
    return HTML(verdicts.card_table("Run times, scrolls sideways", head, body))


def environment_table(runs: Iterable[Mapping[str, Any]]) -> HTML:
    """Hardware and versions, once for each set that occurs."""
    seen: dict[str, list[str]] = {}
    for run in runs:
        entries = {**run["hardware"], **run["versions"]}
        key = ", ".join(f"{name} {value}" for name, value in entries.items())
        seen.setdefault(key, []).append(run["chapter"])
    body = ((", ".join(names), html.escape(key)) for key, names in seen.items())
    return HTML(verdicts.card_table("Environment", ("chapters", "hardware and versions"), body))
