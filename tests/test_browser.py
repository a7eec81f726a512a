"""The built book in headless Chromium: offline, accessible, searchable, and its figure moves."""

from __future__ import annotations

import http.server
import shutil
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest

from conftest import ROOT

HTML = ROOT / "_build" / "html"
CHROMIUM = next((p for name in ("chromium", "chromium-browser", "google-chrome") if (p := shutil.which(name))), None)
PAGES = sorted(
    str(p.relative_to(HTML))
    for p in HTML.rglob("*.html")
    if not {"_static", "_sources"} & set(p.relative_to(HTML).parts) and p.parent != HTML
)
OTHER = ["genindex.html", "search.html"]

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="skipped: needs Chromium"),
    pytest.mark.skipif(not PAGES, reason="skipped: needs the built book (make book)"),
]

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    handler = partial(_Quiet, directory=str(HTML))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture
def open_page(browser: Any) -> Iterator[Any]:
    """Open a page and collect its foreign requests and script errors."""
    contexts = []

    def opened(url: str, width: int = 1300, scheme: str = "light") -> Any:
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        context.set_default_timeout(120_000)  # a loaded machine is slow, not wrong
        contexts.append(context)
        page = context.new_page()
        page.foreign, page.errors = [], []
        home = url.split("/")[2]
        page.on("request", lambda r: page.foreign.append(r.url) if not _is_own(r.url, home) else None)
        page.on("pageerror", lambda e: page.errors.append(str(e)))
        page.on("console", lambda m: page.errors.append(m.text) if m.type == "error" else None)
        page.goto(url, wait_until="load")
        page.evaluate("() => window.MathJax && MathJax.startup && MathJax.startup.promise")
        return page

    yield opened
    for context in contexts:
        context.close()


def _is_own(url: str, home: str) -> bool:
    scheme, _, rest = url.partition("://")
    return scheme in ("file", "data", "blob") or url.startswith(("data:", "blob:")) or rest.startswith(f"{home}/")


@pytest.mark.parametrize("page", [*PAGES, *OTHER])
def test_opens_from_a_file_without_network_and_errors(open_page: Any, page: str) -> None:
    opened = open_page(f"file://{HTML}/{page}")
    opened.mouse.wheel(0, 2000)
    opened.evaluate("document.querySelectorAll('details > summary').forEach(s => s.click())")
    assert opened.foreign == []
    assert opened.errors == []


RULES = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}}
LOOKS = ((1300, "light"), (390, "dark"))  # each width and each theme once; axe is slow on long pages


def violations(opened: Any) -> list[tuple[str, str]]:
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(opened, options=RULES).response["violations"]
    return [(v["id"], v["nodes"][0]["html"][:200]) for v in found]


def look(opened: Any, width: int, scheme: str) -> None:
    opened.set_viewport_size({"width": width, "height": 900})
    opened.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    opened.wait_for_function(f"document.documentElement.dataset.theme == '{scheme}'")
    opened.wait_for_timeout(400)  # the theme fades colours; axe would measure them half way


@pytest.mark.parametrize("page", [*PAGES, *OTHER])
def test_accessible_and_no_wider_than_the_window(open_page: Any, address: str, page: str) -> None:
    opened = open_page(f"{address}/{page}")
    assert opened.locator("mjx-merror, [data-mjx-error]").count() == 0
    for width in (390, 1300):
        opened.set_viewport_size({"width": width, "height": 900})
        assert opened.evaluate("document.documentElement.scrollWidth") <= width
    # axe takes minutes over the thousands of elements that MathJax makes: a word stands for each formula.
    opened.evaluate("document.querySelectorAll('mjx-container').forEach(m => m.replaceChildren('formula'))")
    for width, scheme in LOOKS:
        look(opened, width, scheme)
        assert [(width, scheme, *v) for v in violations(opened)] == []
    assert opened.foreign == []


def test_formulas_are_accessible_too(open_page: Any, address: str) -> None:
    opened = open_page(f"{address}/book/notation.html")
    assert opened.locator("mjx-container").count() > 10
    for width, scheme in LOOKS:
        look(opened, width, scheme)
        assert violations(opened) == []


def test_front_page_leads_to_every_page(browser: Any) -> None:
    page = browser.new_page(java_script_enabled=False)
    seen, queue = set(), [f"file://{HTML}/book/intro.html"]
    while queue:
        url = queue.pop()
        if url in seen:
            continue
        seen.add(url)
        page.goto(url)
        hrefs = page.eval_on_selector_all("a[href]", "nodes => nodes.map(n => n.getAttribute('href'))")
        links = [urljoin(url, href).split("#")[0] for href in hrefs]
        queue += [u for u in links if u.startswith("file://") and u.endswith(".html")]
    page.close()
    reached = {str(Path(u.removeprefix("file://")).relative_to(HTML)) for u in seen}
    assert set(PAGES) <= reached


def test_address_that_make_book_prints_opens_the_front_page(browser: Any) -> None:
    page = browser.new_page()
    page.goto(f"file://{HTML}/index.html")
    page.wait_for_url("**/book/intro.html")
    assert "living paper" in page.locator("article h1").inner_text()
    page.close()


def test_search_finds_a_statement_from_a_file(open_page: Any) -> None:
    page = open_page(f"file://{HTML}/search.html?q=Lipschitz")
    page.wait_for_selector("#search-results li a")
    hits = page.eval_on_selector_all("#search-results li a", "nodes => nodes.map(n => n.href)")
    assert any("01-bayes-estimator" in hit for hit in hits)
    assert page.foreign == []


def test_formulas_are_typeset(open_page: Any) -> None:
    page = open_page(f"file://{HTML}/notebooks/01-bayes-estimator.html")
    assert page.locator("mjx-container").count() > 10
    assert page.locator("mjx-merror").count() == 0


def test_moving_a_slider_redraws_the_figure(open_page: Any) -> None:
    page = open_page(f"file://{HTML}/notebooks/02-delta-hallucination.html")
    figure = page.locator(".live-figure").first
    before = figure.locator("svg").inner_html(), figure.locator("[aria-live]").inner_text()
    slider = figure.locator("input[type=range]").first
    slider.focus()
    for _ in range(8):
        page.keyboard.press("ArrowLeft")
    after = figure.locator("svg").inner_html(), figure.locator("[aria-live]").inner_text()
    assert before[0] != after[0]
    assert before[1] != after[1]
    assert page.errors == []


def test_choices_of_the_bound_explorer_redraw_it(open_page: Any) -> None:
    page = open_page(f"file://{HTML}/notebooks/07-lower-bound.html")
    figure = page.locator(".bound-explorer")

    def shown() -> tuple[str, str, str]:
        parts = (figure.locator(".curve-truth").get_attribute("d"), figure.locator(".value-truth").inner_text())
        return (*parts, figure.locator("[aria-live]").inner_text())

    frames = [shown()]
    figure.locator("select[name=law]").select_option(label="two points, ±1")
    frames.append(shown())
    figure.locator("select[name=states]").select_option(label="10")
    frames.append(shown())
    figure.locator("input[name=radius]").focus()
    page.keyboard.press("End")
    frames.append(shown())
    curves, values, sentences = zip(*frames, strict=True)
    assert len(set(curves[:3])) == 3 and len(set(sentences)) == 4
    assert curves[3] == curves[2] and values[3] != values[2]  # the radius moves along the curve
    assert sentences[3].startswith("Law: two points, ±1; N = 10, r = 0.600. The probability P_H is ")
    assert values[3] in sentences[3]
    assert page.errors == [] and page.foreign == []


@pytest.mark.parametrize("chapter", ["02-delta-hallucination", "07-lower-bound"])
def test_figure_is_drawn_without_scripts(browser: Any, chapter: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"file://{HTML}/notebooks/{chapter}.html")
    assert page.locator(".live-figure svg path").count() >= 2
    context.close()


def test_solutions_and_proofs_fold(open_page: Any) -> None:
    page = open_page(f"file://{HTML}/notebooks/01-bayes-estimator.html")
    for selector in (".solution.dropdown", ".proof.dropdown"):
        box = page.locator(selector).first
        body = box.locator("p:not(.admonition-title)").first
        assert not body.is_visible()
        box.locator(".admonition-title").first.click()
        assert body.is_visible()


def test_references_show_the_statement_on_hover(open_page: Any) -> None:
    page = open_page(f"file://{HTML}/notebooks/02-delta-hallucination.html")
    link = page.locator("article a.reference.internal[href*='#def-']").first
    link.hover()
    tip = page.locator(".tippy-box, .hover-card")
    tip.first.wait_for(state="visible")
    title, _, body = tip.first.inner_text().partition("\n")
    assert title.startswith("Definition")
    assert len(body) > 100, "the card shows the statement, not only its title"
    assert page.foreign == []


def test_code_can_be_copied(open_page: Any) -> None:
    page = open_page(f"file://{HTML}/book/cite.html")
    assert page.locator("button.copybtn").count() >= 2


def test_dark_mode_is_dark(open_page: Any) -> None:
    page = open_page(f"file://{HTML}/book/intro.html", scheme="dark")
    red = page.evaluate("getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)")
    assert max(red[:3]) < 80
