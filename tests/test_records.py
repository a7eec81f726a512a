"""Files are written whole or not at all; provenance says where a result comes from."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from hallucination import records


def test_failed_write_keeps_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    records.write_json(path, {"a": 1})
    with pytest.raises(TypeError):
        records.write_json(path, {"a": object()})
    with pytest.raises(UnicodeEncodeError):
        records.write_text(path, "\ud800")
    assert json.loads(path.read_text("utf8")) == {"a": 1}
    assert [p.name for p in tmp_path.iterdir()] == ["a.json"]


def test_commit_tells_local_changes(tmp_path: Path) -> None:
    assert records.commit(tmp_path) == {"commit": "unknown", "dirty": False}

    def git(*words: str) -> None:
        subprocess.run(["git", "-C", str(tmp_path), "-c", "user.name=t", "-c", "user.email=t@t", *words], check=True)

    git("init", "-q")
    (tmp_path / "f").write_text("1", "utf8")
    git("add", "f")
    git("commit", "-q", "-m", "first")
    clean = records.commit(tmp_path)
    assert len(clean["commit"]) == 40
    assert not clean["dirty"]
    (tmp_path / "f").write_text("2", "utf8")
    assert records.commit(tmp_path) == {**clean, "dirty": True}


def test_provenance_names_versions_and_hardware(tmp_path: Path) -> None:
    found = records.provenance(tmp_path)
    assert {"python", "numpy", "sympy"} <= set(found["versions"])
    assert found["hardware"]["cores"] >= 1
    json.dumps(found)
