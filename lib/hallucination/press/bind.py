"""Render a staged book with Jupyter Book and put it in place only when it is whole."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hallucination import records
from hallucination.press import stage
from hallucination.press.chapters import PressError
from hallucination.press.plan import Plan

STAMP = ".built.json"  # written last; a build without it is not whole
MARK = "objects.inv"  # Sphinx writes it in every build; its time tells whose build the pages are


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the folder's lock; the system frees it when the process dies, however it dies."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise PressError(f"another build is writing to {folder}; wait for it to end") from None
        yield


def render(staged: Path) -> Path:
    """Run ``jupyter-book build`` on a staged book, warnings fatal; returns the folder of the pages.

    Raises
    ------
    PressError
        If the build fails or warns; carries the last lines of its output.
    """
    command = [str(Path(sys.executable).parent / "jupyter-book"), "build", str(staged)]
    # --all: a warm build reads changed pages only, and so would miss warnings of the others and changed scripts.
    command += ["--all", "-W", "-n", "--keep-going", "-q"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, "NO_COLOR": "1"})
    if done.returncode != 0:
        lines = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
        told = [line for line in lines if "WARNING" in line or "ERROR" in line] or lines[-20:]
        raise PressError("the pages did not render:\n" + "\n".join(told[:20]))
    return staged / "_build" / "html"


def replace_folder(new: Path, place: Path) -> None:
    """Put `new` where `place` is, keeping the old folder until the new one is there."""
    old = place.with_name(place.name + ".old")
    shutil.rmtree(old, ignore_errors=True)
    if place.exists():
        place.rename(old)
    new.rename(place)
    shutil.rmtree(old, ignore_errors=True)


def _time_of(html: Path) -> int:
    return (html / MARK).stat().st_mtime_ns if (html / MARK).exists() else 0


def forget_foreign_pages(html: Path) -> None:
    """Drop the stamp of pages that a plain ``jupyter-book build .`` has written over since."""
    stamp = html / STAMP
    if stamp.exists() and json.loads(stamp.read_text("utf8")).get("mark") != _time_of(html):
        stamp.unlink()


def bind(plan: Plan) -> Path:
    """Stage and render a plan's book and return its front page."""
    out = plan.root / plan.out
    with locked(out):
        staged = out / "stage"
        stage.stage(plan, staged)
        fresh = out / "html.new"
        shutil.rmtree(fresh, ignore_errors=True)
        render(staged).rename(fresh)
        stamp = {"profile": plan.profile, "executions": plan.executions, "mark": _time_of(fresh)}
        records.write_json(fresh / STAMP, stamp)
        replace_folder(fresh, out / "html")
        stage.remember(plan)
        shutil.rmtree(staged)  # after a failure it stays, to look at
    return out / "html" / "index.html"
