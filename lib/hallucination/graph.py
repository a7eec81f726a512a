"""The dependency graph of the 29 statements as an SVG picture: border statement, fill proof, mark for grounds."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping
from typing import Any

import networkx as nx

from hallucination import claims, verdicts

WIDTH, HEIGHT, GAP_X, GAP_Y, MARGIN = 112, 44, 28, 14, 8  # pixels

# Dash pattern of the border per verdict of the statement; solid means settled as printed.
DASHES = {
    verdicts.AS_PRINTED: "",
    verdicts.AFTER_REPAIR: "9 3",
    verdicts.NUMERICALLY: "9 3 2 3",
    verdicts.QUOTED: "14 3",
    verdicts.AMBIGUOUS: "5 3",
    verdicts.FALSE: "2 2",
    verdicts.UNDECIDED: "1 4",
    verdicts.NOT_RUN: "1 4",
    verdicts.NOT_CHECKED: "1 4",
}
GROUNDED = "◆"
SHORT = {
    "Definition": "Def",
    "Remark": "Rem",
    "Theorem": "Thm",
    "Corollary": "Cor",
    "Assumption": "Asm",
    "Lemma": "Lem",
}


def css_class(part: str, verdict: str) -> str:
    """Class name by which the style sheet colours a border or a fill."""
    return f"{part}-{verdict.replace(' ', '-')}"


def layout(dag: nx.DiGraph) -> dict[str, tuple[int, int]]:
    """Row and column of each node: columns by longest path from a source, rows by the mean row of the parents."""
    places: dict[str, tuple[int, int]] = {}
    for column, layer in enumerate(nx.topological_generations(dag)):
        members = list(layer)
        if column:
            members.sort(key=lambda n: sum(places[p][0] for p in dag.predecessors(n)) / dag.in_degree(n))
        for row, node in enumerate(members):
            places[node] = (row, column)
    return places


def short_label(claim: claims.Claim) -> str:
    """``"Thm 5.1"`` for Theorem 5.1."""
    kind, _, number = claim.label.partition(" ")
    return f"{SHORT[kind]} {number}"


def _corner(place: tuple[int, int]) -> tuple[int, int]:
    row, column = place
    return MARGIN + column * (WIDTH + GAP_X), MARGIN + row * (HEIGHT + GAP_Y)


def _edge(start: tuple[int, int], end: tuple[int, int]) -> str:
    x0, y0 = _corner(start)
    x1, y1 = _corner(end)
    x0, y0, y1 = x0 + WIDTH, y0 + HEIGHT // 2, y1 + HEIGHT // 2
    bend = (x0 + x1) // 2
    return f'<path class="edge" d="M{x0},{y0}C{bend},{y0} {bend},{y1} {x1},{y1}" marker-end="url(#graph-arrow)"/>'


def _node(row: Mapping[str, Any], place: tuple[int, int], chapters: Iterable[str]) -> str:
    claim = claims.find(row["id"])
    x, y = _corner(place)
    proof = "" if row["proof"] == verdicts.NO_PROOF else f" proof {verdicts.MARKS[row['proof']]}"
    fill = "none" if row["proof"] == verdicts.NO_PROOF else row["proof"]
    words = f"{claim.label}: statement {row['statement']}, proof: {row['proof']}"
    words += ", everything it rests on is settled" if row["grounded"] else ""
    mark = f'<text class="ground" x="{x + WIDTH - 6}" y="{y + 15}" text-anchor="end">{GROUNDED}</text>'
    box = (
        f"<g><title>{html.escape(words)}</title>"
        f'<rect class="{css_class("border", row["statement"])} {css_class("fill", fill)}" x="{x}" y="{y}" '
        f'width="{WIDTH}" height="{HEIGHT}" rx="7" stroke-dasharray="{DASHES[row["statement"]]}"/>'
        f'<text x="{x + 8}" y="{y + 19}" class="name">{short_label(claim)}</text>'
        f'<text x="{x + 8}" y="{y + 37}">stated {verdicts.MARKS[row["statement"]]}{proof}</text>'
        f"{mark if row['grounded'] else ''}</g>"
    )
    if claim.chapter not in chapters:
        return box
    return f'<a href="{claim.address}">{box}</a>'


def svg(rows: Iterable[Mapping[str, Any]], chapters: Iterable[str]) -> str:
    """The graph as inline SVG.

    Parameters
    ----------
    rows : iterable of mapping
        Rows of :func:`hallucination.verdicts.table`; unnumbered statements are left out.
    chapters : iterable of str
        Stems of the chapters that exist; their statements become links.
    """
    by_id = {row["id"]: row for row in rows if row["id"] in claims.CLAIMS}
    dag = claims.graph()
    places = layout(dag)
    width = MARGIN * 2 + (max(c for _, c in places.values()) + 1) * (WIDTH + GAP_X) - GAP_X
    height = MARGIN * 2 + (max(r for r, _ in places.values()) + 1) * (HEIGHT + GAP_Y) - GAP_Y
    chapters = set(chapters)
    edges = "".join(_edge(places[a], places[b]) for a, b in dag.edges)
    boxes = "".join(_node(by_id[name], places[name], chapters) for name in by_id)
    settled = sum(row["grounded"] for row in by_id.values())
    return (
        f'<div class="table-scroll" tabindex="0" role="region" aria-label="Dependency graph, scrolls sideways">'
        f'<svg class="claim-graph" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="group" '
        f'aria-labelledby="graph-title graph-desc"><title id="graph-title">Dependency graph of the statements</title>'
        f'<desc id="graph-desc">{len(by_id)} statements and {dag.number_of_edges()} dependencies; {settled} are '
        f"settled together with everything they rest on. The table below lists them all.</desc>"
        f'<defs><marker id="graph-arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
        f'orient="auto"><path d="M0,0L8,4L0,8z"/></marker></defs>{edges}{boxes}</svg></div>'
    )


def legend(rows: Iterable[Mapping[str, Any]]) -> str:
    """Legend with counts as an HTML table: how many statements and how many proofs have each verdict."""
    rows = [row for row in rows if row["id"] in claims.CLAIMS]
    body = ""
    for verdict, mark in verdicts.MARKS.items():
        border = f'<span class="swatch {css_class("border", verdict)}"></span>'
        fill = f'<span class="swatch {css_class("fill", verdict)}"></span>'
        statements = sum(row["statement"] == verdict for row in rows)
        proofs = sum(row["proof"] == verdict for row in rows)
        body += (
            f'<tr><th scope="row">{mark} {verdict}</th><td>{border} {statements}</td><td>{fill} {proofs}</td></tr>'
        )
    grounded = sum(row["grounded"] for row in rows)
    body += f'<tr><th scope="row">{GROUNDED} settled, and all it rests on too</th><td>{grounded}</td><td></td></tr>'
    head = '<tr><th scope="col">verdict</th><th scope="col">statements (border)</th>'
    head += '<th scope="col">proofs (fill)</th></tr>'
    return f'<table class="legend"><thead>{head}</thead><tbody>{body}</tbody></table>'
