"""What an executed notebook left behind in the metadata of its outputs: evidence and headline results."""

from __future__ import annotations

from typing import Any

import nbformat

from hallucination.results import KEY as RESULTS_KEY
from hallucination.verdicts import EVIDENCE_KEY


def _payloads(nb: nbformat.NotebookNode, key: str) -> list[Any]:
    cells = (c for c in nb.cells if c.cell_type == "code")
    return [o.metadata[key] for c in cells for o in c.outputs if key in o.get("metadata", {})]


def evidence(nb: nbformat.NotebookNode) -> list[dict[str, Any]]:
    """All check results in an executed notebook."""
    return [result for found in _payloads(nb, EVIDENCE_KEY) for result in found]


def headlines(nb: nbformat.NotebookNode) -> dict[str, Any]:
    """All headline results in an executed notebook."""
    return {name: value for found in _payloads(nb, RESULTS_KEY) for name, value in found.items()}
