"""Run one chapter in a kernel and write the executed notebook whole, or not at all."""

from __future__ import annotations

import resource
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import nbformat
import papermill
from papermill.exceptions import PapermillExecutionError

from hallucination import records
from hallucination.press.chapters import Chapter, PressError

HEARTBEAT = 10.0  # seconds between two lines of progress
KERNEL_START = 120  # seconds a kernel may take to start on a loaded machine
RUN = "hallucination_run"  # metadata key of the run record


class _Progress:
    """Lines of progress on standard output: which chapter of how many, which cell, elapsed."""

    def __init__(self, label: str, n_cells: int) -> None:
        self.label, self.n_cells, self.cell = label, n_cells, 0
        self.start = time.monotonic()

    def say(self, words: str) -> None:
        # One write per line: chapters run side by side, and print would send the line's end apart from the line.
        print(f"{self.label}: {words}\n", end="", flush=True)

    def elapsed(self) -> float:
        return time.monotonic() - self.start

    def on_cell_start(self, cell: nbformat.NotebookNode, **_: Any) -> None:
        self.cell += cell.cell_type == "code"

    @contextmanager
    def beating(self) -> Iterator[None]:
        done = threading.Event()

        def beat() -> None:
            while not done.wait(HEARTBEAT):
                self.say(f"cell {self.cell} of {self.n_cells}, {self.elapsed():.0f} s")

        thread = threading.Thread(target=beat, daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()


def clean(nb: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Drop what differs between two equal runs: times, paths, progress bars, warnings of the machinery."""
    nb.metadata.pop("papermill", None)
    for cell in nb.cells:
        cell.metadata.pop("papermill", None)
        cell.metadata.pop("execution", None)
        if "injected-parameters" in cell.metadata.get("tags", []):
            cell["id"] = "injected-parameters"
        if cell.cell_type == "code":
            cell.outputs = [o for o in cell.outputs if _belongs_in_book(o, cell)]
    return nb


def _belongs_in_book(output: nbformat.NotebookNode, cell: nbformat.NotebookNode) -> bool:
    if output.output_type == "stream" and output.name == "stderr":
        return "keep-stderr" in cell.metadata.get("tags", [])
    return "application/vnd.jupyter.widget-view+json" not in output.get("data", {})


def run_notebook(chapter: Chapter, parameters: Mapping[str, Any], label: str) -> nbformat.NotebookNode:
    """Execute a chapter in a fresh kernel and return the notebook with its run record in the metadata.

    Raises
    ------
    PressError
        If a cell raises; names chapter and cell, and the file that holds the traceback.
    """
    failed = chapter.root / "_build" / "failed" / f"{chapter.stem}.ipynb"
    n_cells = len(chapter.code) + bool(parameters)
    progress = _Progress(label, n_cells)
    progress.say("executing")
    with TemporaryDirectory() as folder, progress.beating():
        source, out = Path(folder) / f"{chapter.stem}.ipynb", Path(folder) / f"{chapter.stem}-out.ipynb"
        nbformat.write(chapter.notebook, source)
        try:
            papermill.execute_notebook(
                str(source),
                str(out),
                dict(parameters),
                kernel_name="python3",
                cwd=str(chapter.root / chapter.path.parent),
                progress_bar=False,
                start_timeout=KERNEL_START,
                # The kernel listens on loopback only and says so at every start; a failing cell raises here anyway.
                extra_arguments=["--IPKernelApp.log_level=50"],
                on_cell_start=progress.on_cell_start,
            )
        except PapermillExecutionError as error:
            records.write_text(failed, out.read_text("utf8"))
            raise PressError(_failure(chapter, progress, error, failed)) from None
        failed.unlink(missing_ok=True)
        nb = clean(nbformat.read(out, as_version=4))
    nb.metadata[RUN] = _record(chapter, parameters, progress.elapsed())
    progress.say(f"done in {progress.elapsed():.0f} s")
    return nb


def _failure(chapter: Chapter, progress: _Progress, error: PapermillExecutionError, failed: Path) -> str:
    return (
        f"chapter {chapter.stem}, code cell {progress.cell} of {progress.n_cells}: "
        f"{error.ename}: {error.evalue} (traceback in {failed.relative_to(chapter.root)})"
    )


def _record(chapter: Chapter, parameters: Mapping[str, Any], seconds: float) -> dict[str, Any]:
    values = {name: p.default for name, p in chapter.parameters.items()}
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss  # KiB on Linux
    return {
        "chapter": chapter.stem,
        "source": str(chapter.path),
        "parameters": {**values, **parameters},
        "changed": sorted(n for n, v in parameters.items() if n in values and v != values[n]),
        "seconds": round(seconds, 1),
        "peak_memory_mb": round(peak / 1024),
        "finished": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        **records.provenance(chapter.root),
    }
