"""Sphinx extension of the book: the paper's own numbers, links to the sources, pages that need no network.

Listed in ``_config.yml``, so a plain ``jupyter-book build .`` uses it too.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx_proof.nodes import unenumerable_node

from hallucination import __version__, claims

# Repairs of the theme's and the extensions' HTML that axe asks for; (pattern, replacement).
REPAIRS = [
    (r'(title="Search") aria-label="Search"', r"\1"),
    (r' aria-label="Color mode"', ' aria-label="Color mode: light, dark, or system settings"'),
    (r'<summary aria-label="Toggle hidden content">', "<summary>"),
    (r'<div role="list" class="citation-list">', '<div class="citation-list">'),
    (r' role="doc-biblioentry"', ""),
    (
        r'<div class="sidebar-primary-items__start sidebar-primary__section">',
        '<div class="sidebar-primary-items__start sidebar-primary__section" role="navigation" aria-label="Book">',
    ),
    # sphinx-proof and sphinx-exercise give every body one and the same id, and box and title the same one.
    (r' id="(proof|(proof|exercise|solution)-content)"', ""),
    (r'(<p class="admonition-title") id="[^"]*"(><span class="caption-number">)', r"\1\2"),
    # The index of statements links to the labels.
    *((rf'#{re.escape(claim.id)}"', f'#{claim.anchor}"') for claim in claims.CLAIMS.values()),
]


def paper_numbers(app: Sphinx, doctree: nodes.document) -> None:
    """Give each statement of the paper the number that the paper prints, and an anchor without dots."""
    for node in doctree.findall(unenumerable_node):
        claim = claims.CLAIMS.get(node["label"])
        if claim is not None:
            title = node[0]
            words = title.astext()
            title.clear()
            title += nodes.Text(f"{claim.label.split()[-1]} {words}")
            title["ids"] = node["ids"] = [claim.anchor]


def fold_proofs(app: Sphinx, doctree: nodes.document) -> None:
    """Give proofs a title, so that those of class ``dropdown`` fold behind it."""
    for node in doctree.findall(nodes.admonition):
        if "proof" not in node["classes"] or isinstance(node[0], nodes.title):
            continue
        first = next(node.findall(nodes.Text))
        first.parent.replace(first, nodes.Text(first.astext().removeprefix("Proof. ")))
        node.insert(0, nodes.title("", "Proof"))


def paper_references(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Let references to unnumbered boxes read ``Definition 3.1``, or the box's own title."""
    boxes: dict[str, dict[str, Any]] = getattr(app.env, "proof_list", {})
    for reference in doctree.findall(nodes.reference):
        target = reference.get("refid") or str(reference.get("refuri", "")).partition("#")[2]
        box = boxes.get(target)
        if box is None or not box["nonumber"] or reference.astext().strip() != box["realtype"].title():
            continue
        claim = claims.CLAIMS.get(target)
        reference.clear()
        reference += nodes.Text(claim.label if claim else _box_title(app, box))
        if claim:
            for key in {"refid", "refuri"} & set(reference.attributes):
                reference[key] = reference[key].replace(claim.id, claim.anchor)


def _box_title(app: Sphinx, box: dict[str, Any]) -> str:
    source = app.env.get_doctree(box["docname"])
    for node in source.findall(unenumerable_node):
        if node["label"] == box["label"]:
            return str(node["title"]).strip().removeprefix("(").removesuffix(")") or box["realtype"].title()
    return str(box["realtype"].title())


def drop_thebe(app: Sphinx, doctree: nodes.document) -> None:
    """Drop the configuration of in-page kernels: they need a server of somebody else's."""
    for node in list(doctree.findall(nodes.raw)):
        if "text/x-thebe-config" in node.astext():
            node.parent.remove(node)


def page_context(app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: Any) -> None:
    """No scripts from other hosts; edit and source links lead to the ``.md`` that the repository holds."""
    context["script_files"] = [js for js in context.get("script_files", []) if not _is_thebe(js)]
    css = context.get("css_files", [])
    context["css_files"] = [c for c in css if "sphinx-thebe" not in str(getattr(c, "filename", c))]
    _to_markdown(context.get("header_buttons", []))


def _is_thebe(js: Any) -> bool:
    body = (getattr(js, "attributes", None) or {}).get("body", "") or ""
    return "sphinx-thebe" in str(getattr(js, "filename", js)) or "thebe" in body.lower()


def _to_markdown(item: Any) -> None:
    """Staged notebooks are .ipynb; the repository holds .md."""
    if isinstance(item, dict):
        url = item.get("url")
        if isinstance(url, str) and re.search(r"^https?:.*/(notebooks|book)/", url):
            item["url"] = url.replace(".ipynb", ".md")
        for value in item.values():
            _to_markdown(value)
    elif isinstance(item, list):
        for value in item:
            _to_markdown(value)


def repair_pages(app: Sphinx, exception: Exception | None) -> None:
    """Apply the repairs to every page once all are written."""
    if exception or app.builder.format != "html":
        return
    for page in Path(app.outdir).rglob("*.html"):
        if "_static" in page.parts:
            continue
        before = after = page.read_text("utf8")
        for pattern, replacement in REPAIRS:
            after = re.sub(pattern, replacement, after)
        if after != before:
            page.write_text(after, "utf8")


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect to Sphinx."""
    app.set_html_assets_policy("always")  # hover cards may bring formulas to pages without any
    app.connect("doctree-read", drop_thebe)
    app.connect("doctree-read", paper_numbers)
    app.connect("doctree-read", fold_proofs)
    app.connect("doctree-resolved", paper_references, priority=900)
    app.connect("html-page-context", page_context, priority=950)
    app.connect("build-finished", repair_pages)
    return {"version": __version__, "parallel_read_safe": True, "parallel_write_safe": True}
