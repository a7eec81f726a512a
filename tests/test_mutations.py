"""The list of wrong formulas fits the library; that each is noticed takes minutes and is tested under `slow`."""

from __future__ import annotations

import ast
from dataclasses import replace

import pytest

import mutations
from conftest import ROOT
from mutations import MUTATIONS, Mutation


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda m: f"{m.file}-{m.why}"[:60])
def test_each_edit_fits_the_file(mutation: Mutation) -> None:
    source = (ROOT / mutation.path).read_text("utf8")
    assert ast.dump(ast.parse(mutation.applied(source))) != ast.dump(ast.parse(source))
    assert mutation.tests
    assert all((ROOT / "tests" / f"test_{name}.py").exists() for name in mutation.tests)


def test_there_are_enough_and_no_two_are_alike() -> None:
    assert len({(m.file, m.old, m.new) for m in MUTATIONS}) == len(MUTATIONS) >= 45


def test_text_that_is_not_there_once_is_refused() -> None:
    with pytest.raises(ValueError, match="must occur exactly once, found 2 times"):
        replace(MUTATIONS[0], old="a").applied("a a")


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_no_edit_survives() -> None:
    assert [f"{m.file}: {m.why}" for m in mutations.run()] == []
