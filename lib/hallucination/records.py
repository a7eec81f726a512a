"""Provenance of a run, and JSON files that are written whole or not at all."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import tempfile
from importlib import metadata
from pathlib import Path
from typing import Any

PACKAGES = (
    "numpy",
    "scipy",
    "sympy",
    "scikit-learn",
    "z3-solver",
    "torch",
    "transformers",
    "peft",
    "accelerate",
    "diffusers",
)


def write_text(path: Path, text: str) -> None:
    """Write a text file as UTF-8, atomically; see :func:`write_bytes`."""
    write_bytes(path, text.encode("utf8"))


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file atomically: a reader, or a killed build, sees the old file or the whole new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def write_json(path: Path, data: Any, indent: int | None = 1) -> None:
    """Write plain data as JSON, atomically; on one line if `indent` is None."""
    write_text(path, json.dumps(data, indent=indent, ensure_ascii=False) + "\n")


def commit(root: Path) -> dict[str, Any]:
    """Git commit of the tree at `root`, and whether files differ from it; ``"unknown"`` outside git."""

    def git(*words: str) -> str:
        done = subprocess.run(["git", "-C", str(root), *words], capture_output=True, text=True, check=False)
        return done.stdout.strip() if done.returncode == 0 else ""

    try:
        revision = git("rev-parse", "HEAD")
    except FileNotFoundError:
        revision = ""
    if not revision:
        return {"commit": "unknown", "dirty": False}
    return {"commit": revision, "dirty": bool(git("status", "--porcelain", "--untracked-files=no"))}


def hardware() -> dict[str, Any]:
    """Processor, cores available to this process, memory in GiB and, if there is one, the CUDA device."""
    found: dict[str, Any] = {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
    }
    if hasattr(os, "sysconf"):
        found["memory_gib"] = round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1)
    device = _cuda_device()
    if device:
        found["gpu"] = device
    return found


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text("utf8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def _cuda_device() -> str:
    """Name of the first CUDA device as its driver tells it (importing torch for this would cost seconds)."""
    try:
        done = subprocess.run(
            ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"],
            capture_output=True,
            text=True,
            check=False,
            timeout=10,
        )
    except (FileNotFoundError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.splitlines()[0].strip() if done.returncode == 0 and done.stdout.strip() else ""


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that results depend on; those not installed are left out."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def provenance(root: Path) -> dict[str, Any]:
    """Where a result comes from: commit, versions and hardware."""
    return {**commit(root), "versions": versions(), "hardware": hardware()}
