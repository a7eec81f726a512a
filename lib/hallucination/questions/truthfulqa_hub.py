"""Experiment 2 (§7.2), the Hugging Face hub's copy of TruthfulQA: one parquet file at a pinned commit."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from hallucination.parquet_files import parquet_file

HUB_ID = "truthfulqa/truthful_qa"
HUB_REVISION = "741b8276f2d1982aa3d5b832d3ee81ed3b896490"
HUB_FILE = "generation/validation-00000-of-00001.parquet"


def fetch(revision: str) -> Path:
    """Fetch the hub's file, or find it in the cache: only there if HF_HUB_OFFLINE is set.

    Raises
    ------
    ModuleNotFoundError
        If huggingface_hub is not installed.
    OSError
        In one line, if the file can neither be fetched nor found.
    """
    try:
        from huggingface_hub import hf_hub_download
    except ModuleNotFoundError:
        raise ModuleNotFoundError(
            f"reading {HUB_ID} needs the package huggingface_hub; the path of a CSV file works without"
        ) from None
    offline = os.environ.get("HF_HUB_OFFLINE", "").upper() in {"1", "ON", "YES", "TRUE"}
    try:
        found = hf_hub_download(HUB_ID, HUB_FILE, repo_type="dataset", revision=revision, local_files_only=offline)
    except (OSError, ValueError) as error:
        first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise OSError(f"cannot get {HUB_ID} at {revision}: {first} The path of a CSV file works too.") from None
    return Path(found)


def parquet_rows(path: Path) -> list[dict[str, Any]]:
    """Rows of the hub's file under the names of the CSV file's columns; references are lists.

    Raises
    ------
    ModuleNotFoundError
        If pyarrow is not installed.
    ValueError
        In one line, if the file is broken or cut off.
    """
    with parquet_file(path, "the path of a CSV file works") as file:
        table = file.read().to_pylist()
    return [{key.replace("_", " ").title(): value for key, value in row.items()} for row in table]
