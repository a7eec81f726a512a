"""Verdicts computed from evidence: of a statement, of its printed proof, and of both together."""

from __future__ import annotations

import html
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from IPython.display import display

from hallucination import checks, claims
from hallucination.checks import Result

# Key in the metadata of a cell's output, where notebooks keep what is not shown.
EVIDENCE_KEY = "hallucination_evidence"

NOT_CHECKED = "not checked yet"
AS_PRINTED = "holds as printed"
AFTER_REPAIR = "holds after repair"
AMBIGUOUS = "ambiguous"
FALSE = "false as printed"
NUMERICALLY = "holds numerically"
QUOTED = "quoted"
NOT_RUN = "not run"
UNDECIDED = "undecided"
NO_PROOF = "no proof printed"

# One mark per verdict, so that none is told apart by colour alone.
MARKS = {
    AS_PRINTED: "✓",
    AFTER_REPAIR: "⚒",
    NUMERICALLY: "≈",
    QUOTED: "❞",
    AMBIGUOUS: "?",
    FALSE: "✗",
    UNDECIDED: "…",
    NOT_RUN: "○",
    NOT_CHECKED: "–",
}
SETTLED = (AS_PRINTED, AFTER_REPAIR, NUMERICALLY, QUOTED, AMBIGUOUS, FALSE)

_NUMERICAL = {"simulation", "property", "experiment"}


def _judge(results: list[Result]) -> str:
    """Verdict of one reading of one part from the checks that count."""
    by_form = {form: [r for r in results if r.form == form] for form in ("printed", "repaired")}
    printed, repaired = by_form["printed"], by_form["repaired"]
    decisive = printed + repaired
    if not decisive:
        return NOT_CHECKED
    if any(r.outcome == "fails" for r in printed):
        survives = repaired and all(r.outcome == "holds" for r in repaired)
        return AFTER_REPAIR if survives else FALSE
    if any(r.outcome == "undecided" for r in decisive):
        return UNDECIDED
    if any(r.outcome == "not run" for r in decisive):
        return NOT_RUN
    if not printed:
        return AFTER_REPAIR if all(r.outcome == "holds" for r in repaired) else FALSE
    kinds = {r.evidence for r in printed}
    if kinds == {"quoted"}:
        return QUOTED
    return NUMERICALLY if kinds <= _NUMERICAL else AS_PRINTED


def of_part(results: Iterable[Result], part: str) -> str:
    """Verdict of a claim's ``"statement"`` or ``"proof"`` from its evidence.

    A check whose control did not fail does not count.  Readings that come to
    different verdicts make the part ambiguous.
    """
    mine = [r for r in results if r.part == part and r.counts]
    readings = sorted({r.reading for r in mine if r.reading})
    if not readings:
        return _judge(mine)
    common = [r for r in mine if not r.reading]
    found = {_judge(common + [r for r in mine if r.reading == reading]) for reading in readings}
    return found.pop() if len(found) == 1 else AMBIGUOUS


def summarise(statement: str, proof: str) -> str:
    """One verdict of a claim from those of its statement and its printed proof."""
    if statement != AS_PRINTED or proof in (NO_PROOF, QUOTED):
        return statement
    return AFTER_REPAIR if proof in (AFTER_REPAIR, FALSE, AMBIGUOUS) else proof


def of_claim(claim: claims.Claim, results: Iterable[Result]) -> dict[str, Any]:
    """Everything the book says about one claim, as plain data."""
    mine = [r for r in results if r.claim == claim.id]
    statement = of_part(mine, "statement")
    proof = of_part(mine, "proof") if claim.has_proof else NO_PROOF
    return {
        "id": claim.id,
        "label": claim.label,
        "title": claim.title,
        "place": claim.place,
        "chapter": claim.chapter,
        "uses": list(claim.uses),
        "statement": statement,
        "proof": proof,
        "verdict": summarise(statement, proof),
        "checks": [asdict(r) for r in mine],
    }


def table(results: Iterable[Result]) -> list[dict[str, Any]]:
    """The verdicts of all 29 claims, then of the unnumbered statements, in the paper's order.

    Each row also says in ``"grounded"`` whether everything the claim rests on is settled too.
    """
    results = list(results)
    known = claims.CLAIMS | claims.UNNUMBERED
    rows = {claim.id: of_claim(claim, results) for claim in known.values()}

    def settled(claim_id: str) -> bool:
        row = rows[claim_id]
        return row["verdict"] in SETTLED and all(settled(used) for used in row["uses"])

    for row in rows.values():
        row["grounded"] = settled(row["id"])
    return list(rows.values())


def counts(rows: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """How many of the given rows have each verdict, in the order of the legend; zeros left out."""
    rows = list(rows)
    tally = {verdict: sum(row["verdict"] == verdict for row in rows) for verdict in MARKS}
    return {verdict: n for verdict, n in tally.items() if n}


def read(folder: Path) -> list[Result]:
    """Evidence of a build: all results in the folder's ``*.json`` files.

    Raises
    ------
    ValueError
        If a file is not evidence; the message names it.
    """
    found = []
    for path in sorted(folder.glob("*.json")):
        try:
            found += [Result(**item) for item in json.loads(path.read_text("utf8"))]
        except (TypeError, json.JSONDecodeError) as error:
            raise ValueError(f"{path} is not an evidence file: {error}") from error
    return found


def run(*claim_ids: str) -> list[Result]:
    """Run the checks registered for the given claims (for all claims if none is given) now."""
    wanted = [claims.find(c).id for c in claim_ids] or list(claims.CLAIMS | claims.UNNUMBERED)
    return [checks.run(item) for claim_id in wanted for item in checks.of_claim(claim_id)]


def badge(label: str, verdict: str) -> str:
    """HTML badge: label, mark and verdict in words."""
    css = verdict.replace(" ", "-")
    return (
        f'<span class="verdict verdict-{css}"><b>{html.escape(label)}</b> '
        f'<span aria-hidden="true">{MARKS.get(verdict, "")}</span> {html.escape(verdict)}</span>'
    )


LONG_TABLE = 8  # rows; a longer table of checks is folded

_COLUMNS = ("checked sentence", "form", "evidence", "outcome", "what was found")


def card_table(label: str, head: Sequence[str], body: Iterable[Sequence[str]], named: bool = True) -> str:
    """HTML table in a box that scrolls sideways; on narrow screens each row becomes a card.

    Parameters
    ----------
    label : str
        What the table shows, for readers who hear it.
    head : sequence of str
        HTML of the column heads.
    body : iterable of sequences of str
        HTML of the cells, row by row.
    named : bool
        Whether the first cell of a row is its heading.
    """
    columns = "".join(f'<th scope="col">{h}</th>' for h in head)
    lines = []
    for row in body:
        # data-label: the captions of a card.
        cells = [f'<td data-label="{h}">{c}</td>' for h, c in zip(head, row, strict=True)]
        if named:
            cells[0] = f'<th scope="row">{row[0]}</th>'
        lines.append(f"<tr>{''.join(cells)}</tr>")
    return (
        f'<div class="table-scroll" tabindex="0" role="region" aria-label="{html.escape(label)}">'
        f'<table class="cards"><thead><tr>{columns}</tr></thead><tbody>{"".join(lines)}</tbody></table></div>'
    )


def _check_cells(r: Result) -> tuple[str, ...]:
    control = "" if r.counts else " (does not count: its control did not fail)"
    reading = f" <em>({html.escape(r.reading)})</em>" if r.reading else ""
    return (
        f"{html.escape(r.says)}{reading}",
        f"{r.form}, {r.part}",
        r.evidence,
        f"<b>{r.outcome}</b>{control}",
        html.escape(r.detail),
    )


def tally(results: Iterable[Mapping[str, Any]]) -> str:
    """How the checks of a claim came out, in words: ``"5 checks; printed: 2 fail; repaired: 3 hold"``."""
    results = list(results)
    words = {"holds": "hold", "fails": "fail"}
    parts = [f"{len(results)} checks"]
    for form in ("printed", "repaired", "stronger"):
        outcomes = [r["outcome"] for r in results if r["form"] == form]
        counted = [f"{outcomes.count(o)} {words.get(o, o)}" for o in dict.fromkeys(outcomes)]
        parts += [f"{form}: {', '.join(counted)}"] if counted else []
    return "; ".join(parts)


def folded(summary: str, body: str) -> str:
    """HTML that opens on a click, or when the browser finds a word in it."""
    return f'<details class="checks"><summary>{html.escape(summary)}</summary>{body}</details>'


def as_html(row: Mapping[str, Any]) -> str:
    """Badge of a claim with the table of its checks; a long table is folded."""
    parts = f"statement: {row['statement']}"
    if row["proof"] != NO_PROOF:
        parts += f"; printed proof: {row['proof']}"
    summary = f"<p>{badge(row['label'], row['verdict'])} <small>{parts}</small></p>"
    if not row["checks"]:
        return f'<div class="claim-evidence">{summary}</div>'
    cells = (_check_cells(Result(**c)) for c in row["checks"])
    table = card_table(f"Checks of {row['label']}", _COLUMNS, cells, named=False)
    if len(row["checks"]) > LONG_TABLE:
        table = folded(tally(row["checks"]), table)
    return f'<div class="claim-evidence">{summary}{table}</div>'


def show(*claim_ids: str, results: Iterable[Result] | None = None) -> None:
    """Run the checks of the given claims, display badge and checks, and leave the evidence in the notebook.

    Parameters
    ----------
    *claim_ids : str
        Claims of this chapter.
    results : iterable of Result, optional
        Results that the chapter obtained itself (an experiment), in place of running the checks.

    Raises
    ------
    ValueError
        If no check of a claim is registered, most likely because its module was not imported.
    """
    for claim_id in claim_ids:
        if results is None and not checks.of_claim(claim_id):
            raise ValueError(
                f"no check of {claim_id} is registered: import its module of hallucination.checks first, "
                "or pass results=[] to show a statement that is not checked yet"
            )
    found = list(results) if results is not None else run(*claim_ids)
    for claim_id in claim_ids:
        row = of_claim(claims.find(claim_id), found)
        display(
            {"text/html": as_html(row), "text/plain": f"{row['label']}: {row['verdict']}"},
            metadata={EVIDENCE_KEY: row["checks"]},
            raw=True,
        )
