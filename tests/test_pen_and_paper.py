"""The list of results that stay pen and paper: real claims, honest statuses, sources that exist."""

from __future__ import annotations

import re
from typing import get_args

import pytest

from conftest import ROOT
from hallucination import claims, pen_and_paper
from hallucination.pen_and_paper import CLASSICS, Classic

each_result = pytest.mark.parametrize("result", CLASSICS, ids=lambda r: r.name)


@each_result
def test_claims_exist_and_statuses_are_known(result: Classic) -> None:
    assert result.used_by
    assert set(result.used_by) <= set(claims.CLAIMS | claims.UNNUMBERED)
    assert result.status in get_args(pen_and_paper.Status)


@each_result
def test_quoted_results_have_a_source_in_the_bibliography(result: Classic) -> None:
    keys = re.findall(r"^@\w+\{(.+),$", (ROOT / "book" / "references.bib").read_text("utf8"), re.M)
    assert bool(result.source) == (result.status == "quoted")
    assert not result.source or result.source in keys


def test_every_result_is_on_the_page() -> None:
    text = pen_and_paper.listing().data
    assert text.count("\n- ") + 1 == len(CLASSICS)
    for result in CLASSICS:
        assert result.name in text
        assert result.says in text
        assert all(claims.find(c).label in text for c in result.used_by)


def test_names_are_different() -> None:
    assert len({r.name for r in CLASSICS}) == len(CLASSICS)


def test_an_unknown_claim_is_refused() -> None:
    with pytest.raises(KeyError, match=r"no claim 'thm-9\.9'"):
        Classic("x", "y", ("thm-9.9",), "argued in prose")


@pytest.mark.parametrize(("status", "source"), [("quoted", ""), ("argued in prose", "billingsley1995")])
def test_a_source_that_does_not_fit_is_refused(status: pen_and_paper.Status, source: str) -> None:
    with pytest.raises(ValueError, match="a source belongs to quoted results"):
        Classic("x", "y", ("lem-B.1",), status, source)
