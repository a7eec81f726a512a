"""The list of statements is the paper's, and its graph makes sense."""

from __future__ import annotations

import networkx as nx
import pytest

from hallucination import claims

PAPER = (
    "def-3.1 rem-3.1 def-3.2 def-4.1 rem-4.1 def-4.2 rem-4.2 thm-5.1 thm-5.2 cor-5.2.1 def-5.1 "
    "thm-5.3 def-6.1 asm-6.1 def-6.2 rem-6.1 rem-6.2 def-6.3 rem-6.3 thm-6.1 def-A.1 lem-B.1 lem-B.2 "
    "lem-B.3 lem-B.4 lem-B.5 lem-B.6 def-C.1 thm-C.1"
).split()


def test_the_29_statements_in_the_papers_order() -> None:
    assert list(claims.CLAIMS) == PAPER
    assert len(PAPER) == 29


def test_uses_are_statements_and_never_go_in_circles() -> None:
    dag = claims.graph()
    assert set(dag.nodes) == set(PAPER)
    assert nx.is_directed_acyclic_graph(dag)
    for claim in claims.UNNUMBERED.values():
        assert set(claim.uses) <= set(PAPER)


def test_label_is_the_papers() -> None:
    assert claims.find("cor-5.2.1").label == "Corollary 5.2.1"
    assert claims.find("lem-B.1").label == "Lemma B.1"
    assert claims.find("sec-7.1").label == "§7.1, Figure 3"


def test_anchor_is_a_valid_selector() -> None:
    assert all("." not in claim.anchor for claim in claims.CLAIMS.values())


def test_unknown_claim_lists_the_known_ones() -> None:
    with pytest.raises(KeyError, match=r"no claim 'thm-9\.9'; the claims are def-3\.1, "):
        claims.find("thm-9.9")
