"""The built pages, read as files: what a warning of Sphinx cannot tell."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from functools import cache
from pathlib import Path

import pytest
from bs4 import BeautifulSoup, Tag

from conftest import ROOT
from hallucination import claims, verdicts
from hallucination.press.chapters import read_book

HTML = ROOT / "_build" / "html"
PAGES = sorted(p for p in HTML.rglob("*.html") if not {"_static", "_sources"} & set(p.relative_to(HTML).parts))
CHAPTERS = [c.stem for c in read_book(ROOT)[0]]

pytestmark = [pytest.mark.book, pytest.mark.skipif(not PAGES, reason="skipped: needs the built book (make book)")]

RUNNABLE = [p for p in PAGES if p.name not in ("genindex.html", "search.html")]


@cache
def soup_of(page: Path) -> BeautifulSoup:
    """The parsed page; shared, so tests must not change it."""
    return BeautifulSoup(page.read_text("utf8"), "html.parser")


def each_page(pages: list[Path]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("page", pages, ids=lambda p: str(p.relative_to(HTML)))


@each_page(PAGES)
def test_loads_nothing_from_elsewhere(page: Path) -> None:
    nodes = soup_of(page).select(
        "script[src], img[src], iframe[src], link[rel=stylesheet][href], link[rel=preload][href], source[src]"
    )
    urls = [str(n.get("src") or n.get("href")) for n in nodes]
    assert [u for u in urls if re.match(r"(https?:)?//", u)] == []


@each_page(PAGES)
def test_every_picture_has_words(page: Path) -> None:
    soup = soup_of(page)
    alts = [str(n.get("alt", "")) for n in soup.select("article img, main img")]
    assert [a for a in alts if len(a) < 20 or re.search(r"\.(png|svg|jpe?g)$", a)] == []
    for svg in soup.select("article svg[role=img]"):
        assert svg.find("title") is not None
        assert svg.find("desc") is not None


@each_page(PAGES)
def test_no_raw_markup_no_traceback(page: Path) -> None:
    article = soup_of(page).select_one("article.bd-article")
    if article is None:
        return
    code = {id(part) for node in article.select("script, style, pre, code") for part in node.strings}
    text = "\n".join(part for part in article.strings if id(part) not in code)
    assert not re.search(r"^(`{3,}|:{3,})|\{(prf|glue|eq|cite|doc)\b[^}]*\}|:label:|:nonumber:", text, re.M)
    assert "Traceback (most recent call last)" not in text
    assert not re.search(r"\bnan\b", text)


@each_page(PAGES)
def test_links_and_anchors_lead_somewhere(page: Path) -> None:
    for link in soup_of(page).select("a[href]"):
        url = str(link["href"]).split("?")[0]
        if re.match(r"[a-z]+:|//", url) or url in ("", "#"):
            continue
        path, _, fragment = url.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"dead link {url}"
        if fragment and target.suffix == ".html":
            assert fragment in ids_of(target), f"dead anchor {url}"


@cache
def ids_of(page: Path) -> set[str]:
    soup = soup_of(page)
    return {str(n["id"]) for n in soup.select("[id]")} | {str(n["name"]) for n in soup.select("a[name]")}


@each_page(RUNNABLE)
def test_ids_are_unique(page: Path) -> None:
    ids = [str(n["id"]) for n in soup_of(page).select("article [id]")]
    assert sorted({i for i in ids if ids.count(i) > 1}) == []


@pytest.mark.parametrize("stem", CHAPTERS)
def test_chapter_head_and_provenance(stem: str) -> None:
    soup = soup_of(HTML / "notebooks" / f"{stem}.html")
    assert soup.select("ul.badges .verdict")
    figures = soup.select("article .cell_output img, article .live-figure")
    lines = [n for n in soup.select(".provenance") if n.get_text().strip().startswith("From")]
    assert figures
    assert lines
    for line in lines:
        assert re.search(r"From notebooks/\S+ · commit .+ · parameters: .+ · chapter ran \d+ s", line.get_text())
    for figure in figures:
        box = figure.find_parent(class_="cell")
        assert isinstance(box, Tag)
        following = box.find_next(class_="provenance")
        assert following is not None
        assert following in lines


@pytest.mark.parametrize("stem", CHAPTERS)
def test_chapter_keeps_the_skeleton(stem: str) -> None:
    soup = soup_of(HTML / "notebooks" / f"{stem}.html")
    headings = " / ".join(h.get_text() for h in soup.select("article h2, article h3")).lower()
    for words in ("what breaks as printed", "does not say", "try it", "exercises"):
        assert words in headings, f"no section on {words!r}"
    assert "After this page you can say" in soup.get_text()
    assert soup.select(".exercise")
    assert soup.select(".solution.dropdown")


def test_statement_boxes_carry_the_papers_numbers() -> None:
    for claim in claims.CLAIMS.values():
        if claim.chapter not in CHAPTERS:
            continue
        box = soup_of(HTML / "notebooks" / f"{claim.chapter}.html").find(id=claim.anchor)
        assert isinstance(box, Tag), f"{claim.id} has no box"
        title = box.select_one(".admonition-title")
        assert title is not None
        assert re.sub(r"\s+", " ", title.get_text()).startswith(f"{claim.label} (")


def test_proofs_fold() -> None:
    proofs = [p for page in PAGES for p in soup_of(page).select("div.proof.admonition.proof, .proof.dropdown")]
    assert any("dropdown" in (p.get("class") or []) and p.select_one(".admonition-title") for p in proofs)


def test_printed_verdicts_are_those_of_the_evidence() -> None:
    rows = verdicts.table(verdicts.read(ROOT / "_build" / "evidence"))
    lines = soup_of(HTML / "book" / "verdicts.html").select("article table")[0].select("tbody tr")
    shown = {tr.select_one("th > *").get_text(): tr.select("td")[1].get_text().split(" ", 1)[1] for tr in lines}
    assert shown == {row["label"]: row["verdict"] for row in rows if row["id"] in claims.CLAIMS}
    assert len(set(shown.values())) > 2  # so that a column of equal words would not pass


def test_graph_has_every_statement_and_a_table_as_alternative() -> None:
    soup = soup_of(HTML / "book" / "graph.html")
    assert len(soup.select("svg.claim-graph rect")) == len(claims.CLAIMS)
    assert len(soup.select("article table")[1].select("tbody tr")) == len(claims.CLAIMS)
    legend = soup.select("table.legend tbody tr")
    counted = sum(int(tr.select("td")[0].get_text()) for tr in legend[:-1])
    assert counted == len(claims.CLAIMS)


@pytest.mark.parametrize("stem", CHAPTERS)
def test_run_record_is_complete(stem: str) -> None:
    record = json.loads((ROOT / "_build" / "records" / f"{stem}.json").read_text("utf8"))
    assert {"parameters", "seconds", "commit", "dirty", "versions", "hardware", "results", "finished"} <= set(record)
    assert record["results"], "a chapter has headline results"
    assert record["changed"] == [], "the reference run has the parameters printed in the chapter"


def test_formulas_are_set_by_the_bundled_mathjax() -> None:
    scripts = [str(s.get("src", "")) for s in soup_of(HTML / "notebooks" / f"{CHAPTERS[0]}.html").select("script")]
    bundled = [s for s in scripts if "mathjax" in s]
    assert [s.partition("?")[0] for s in bundled] == ["../_static/vendor/mathjax/tex-mml-chtml.js"]
    assert (HTML / "_static/vendor/mathjax/tex-mml-chtml.js").exists()


@pytest.mark.skipif(not (ROOT / ".venv" / "installed").exists(), reason="skipped: needs the .venv of make book")
def test_make_serve_shows_the_book_on_loopback() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with subprocess.Popen(
        ["make", "serve", f"PORT={port}"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            page = _wait_for(f"http://127.0.0.1:{port}/book/intro.html")
        finally:
            os.killpg(process.pid, signal.SIGTERM)
        assert process.stdout is not None
        told = process.stdout.read()
    assert "living paper" in page
    assert f"http://127.0.0.1:{port}/" in told


def _wait_for(address: str, seconds: float = 120) -> str:
    end = time.monotonic() + seconds
    while True:
        try:
            with urllib.request.urlopen(address, timeout=5) as answer:
                return str(answer.read().decode("utf8"))
        except (urllib.error.URLError, ConnectionError):
            if time.monotonic() > end:
                raise
            time.sleep(0.5)
