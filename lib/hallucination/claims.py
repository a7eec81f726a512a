"""The 29 numbered statements of the paper: what they are, where they stand, what each rests on."""

from __future__ import annotations

from dataclasses import dataclass

import networkx as nx


@dataclass(frozen=True)
class Claim:
    """One numbered statement of the paper.

    Attributes
    ----------
    id : str
        Short name used everywhere in the project, for example ``"thm-5.1"``.
    title : str
        Title in our own words.
    place : str
        Where the paper prints it (section, and the proof's section if any).
    chapter : str
        Stem of the notebook that treats it (planned chapters included).
    uses : tuple of str
        Ids of the statements that this one, or its proof, rests on.
    has_proof : bool
        True if the paper prints a proof, a derivation or a construction for it.
    """

    id: str
    title: str
    place: str
    chapter: str
    uses: tuple[str, ...] = ()
    has_proof: bool = False

    @property
    def label(self) -> str:
        """Kind and number as the paper prints them (``"Theorem 5.1"``), or the place if unnumbered."""
        if self.id in UNNUMBERED:
            return self.place
        kind, number = self.id.split("-")
        return f"{KINDS[kind]} {number}"

    @property
    def anchor(self) -> str:
        """Id of the statement's box in the pages; without dots, which scripts take for class selectors."""
        return self.id.replace(".", "-")

    @property
    def address(self) -> str:
        """Where the book's own pages find it: the page of its chapter, and there its box if it is numbered."""
        return f"../notebooks/{self.chapter}.html" + ("" if self.id in UNNUMBERED else f"#{self.anchor}")


KINDS = {
    "def": "Definition",
    "rem": "Remark",
    "thm": "Theorem",
    "cor": "Corollary",
    "asm": "Assumption",
    "lem": "Lemma",
}

CLAIMS: dict[str, Claim] = {
    claim.id: claim
    for claim in (
        Claim("def-3.1", "Expected quadratic loss", "§3", "01-bayes-estimator"),
        Claim(
            "rem-3.1",
            "The results carry over to cross-entropy",
            "§3",
            "08-cross-entropy",
            ("def-3.1", "thm-5.2", "thm-5.3", "thm-C.1"),
        ),
        Claim("def-3.2", "Lipschitz map", "§3", "01-bayes-estimator"),
        Claim("def-4.1", "Target output and latent states", "§4", "02-delta-hallucination"),
        Claim("rem-4.1", "Several modes come from the latent variable", "§4", "02-delta-hallucination", ("def-4.1",)),
        Claim("def-4.2", "δ-hallucination", "§4", "02-delta-hallucination", ("def-4.1",)),
        Claim(
            "rem-4.2",
            "A δ-hallucination has no plausible cause",
            "§4",
            "02-delta-hallucination",
            ("def-4.2",),
        ),
        Claim(
            "thm-5.1",
            "An optimal estimator can δ-hallucinate",
            "§5, proof B.1",
            "04-single-input",
            ("def-3.1", "def-4.2", "lem-B.1"),
            True,
        ),
        Claim(
            "thm-5.2",
            "So can every estimator near the optimal one",
            "§5, proof B.3",
            "05-near-optimal",
            ("def-3.1", "def-4.2", "lem-B.1"),
            True,
        ),
        Claim(
            "cor-5.2.1",
            "Several inputs at once",
            "§5, proof B.2",
            "05-near-optimal",
            ("def-3.1", "def-4.2", "thm-5.1"),
            True,
        ),
        Claim("def-5.1", "Hint for a latent state", "§5", "06-hints", ("def-4.1",)),
        Claim(
            "thm-5.3",
            "A Lipschitz estimator can δ-hallucinate in spite of hints",
            "§5, proof B.4",
            "06-hints",
            ("def-3.2", "def-4.2", "def-5.1", "thm-5.2"),
            True,
        ),
        Claim("def-6.1", "Means and variances of the states", "§6", "07-lower-bound", ("def-4.1",)),
        Claim("asm-6.1", "Identical means, independence", "§6", "07-lower-bound", ("def-6.1",)),
        Claim("def-6.2", "High conditional density region", "§6", "03-density-regions", ("def-4.1",)),
        Claim(
            "rem-6.1",
            "δ-hallucination means lying in no region",
            "§6",
            "03-density-regions",
            ("def-4.2", "def-6.2"),
        ),
        Claim(
            "rem-6.2",
            "Conditional regions generalise density regions",
            "§6",
            "03-density-regions",
            ("def-6.2", "def-A.1"),
        ),
        Claim("def-6.3", "Covering spheres and radii", "§6", "07-lower-bound", ("def-6.1", "def-6.2")),
        Claim("rem-6.3", "What the covering radius measures", "§6", "07-lower-bound", ("def-6.3",)),
        Claim(
            "thm-6.1",
            "Lower bound on the hallucination probability",
            "§6, proof B.5",
            "07-lower-bound",
            ("asm-6.1", "def-6.3", "lem-B.1", "lem-B.5", "lem-B.6"),
            True,
        ),
        Claim("def-A.1", "Highest conditional density region", "Appendix A", "03-density-regions", ("def-4.1",)),
        Claim(
            "lem-B.1",
            "The mean minimises the quadratic loss",
            "Appendix B.1",
            "01-bayes-estimator",
            ("def-3.1",),
            True,
        ),
        Claim("lem-B.2", "Paley–Zygmund inequality", "Appendix B.5", "07-lower-bound"),
        Claim("lem-B.3", "Chebyshev inequality", "Appendix B.5", "07-lower-bound"),
        Claim("lem-B.4", "Cauchy inequality", "Appendix B.5", "07-lower-bound"),
        Claim(
            "lem-B.5",
            "The optimal estimate stays near the common mean",
            "Appendix B.5",
            "07-lower-bound",
            ("asm-6.1", "lem-B.1", "lem-B.3", "lem-B.4"),
            True,
        ),
        Claim(
            "lem-B.6",
            "A state's mean strays from the common mean",
            "Appendix B.5",
            "07-lower-bound",
            ("asm-6.1", "lem-B.2"),
            True,
        ),
        Claim("def-C.1", "Cross-entropy loss", "Appendix C", "08-cross-entropy"),
        Claim(
            "thm-C.1",
            "A cross-entropy optimum can δ-hallucinate",
            "Appendix C",
            "08-cross-entropy",
            ("def-4.2", "def-C.1"),
            True,
        ),
    )
}


# Sentences, captions and experimental findings that carry no number but are checked all the same.
UNNUMBERED: dict[str, Claim] = {
    claim.id: claim
    for claim in (
        Claim(
            "sec-1-neighbourhood",
            "To hallucinate is to lie outside a δ-neighbourhood of every plausible outcome",
            "§1, contributions",
            "02-delta-hallucination",
            ("def-4.2",),
        ),
        Claim(
            "fig-2",
            "Likely under one state beats middling under two",
            "Figure 2",
            "02-delta-hallucination",
            ("def-4.1",),
        ),
        Claim(
            "sec-5-end",
            "Hallucination is intrinsic to the estimator, even with hints",
            "§5, last sentence",
            "06-hints",
            ("thm-5.1", "thm-5.3"),
        ),
        Claim(
            "app-A-single-state",
            "With one state, to hallucinate is to lie outside a density region",
            "Appendix A, opening",
            "03-density-regions",
            ("def-4.2",),
        ),
        Claim(
            "fig-7",
            "What lies right of the threshold in a histogram of log-densities",
            "Figure 7",
            "03-density-regions",
            ("def-A.1",),
        ),
        Claim(
            "fig-8",
            "Density regions and conditional density regions may overlap in any way",
            "Figure 8",
            "03-density-regions",
            ("def-A.1", "def-6.2"),
        ),
        Claim(
            "sec-7.3-outside",
            "Which log-likelihoods lie outside a region",
            "§7.3, metric",
            "03-density-regions",
            ("def-A.1",),
        ),
        Claim(
            "sec-7.1",
            "Coins: falling loss does not go with rising conditional probability",
            "§7.1, Figure 3",
            "09-coins",
            ("thm-5.1",),
            True,  # its proof is the published protocol
        ),
        Claim(
            "sec-7.2",
            "Language models: fine-tuning makes answers resemble common false ones",
            "§7.2, Figure 4, Table 1",
            "10-open-questions",
            ("thm-5.1", "def-4.2"),
            True,  # its proof is the published protocol
        ),
        Claim(
            "sec-7.3",
            "Text to image: while the loss falls, pictures go on lying outside of the real ones' regions",
            "§7.3, Figures 5 and 6",
            "11-text-to-image",
            ("thm-5.1", "def-A.1"),
            True,  # its proof is the published protocol
        ),
    )
}


def graph() -> nx.DiGraph:
    """Directed graph of the 29 claims; an edge points from a claim to one that uses it."""
    dag = nx.DiGraph()
    dag.add_nodes_from(CLAIMS)
    dag.add_edges_from((used, claim.id) for claim in CLAIMS.values() for used in claim.uses)
    return dag


def find(claim_id: str) -> Claim:
    """Look up a claim by id.

    Raises
    ------
    KeyError
        If there is no claim of that id; the message lists all ids.
    """
    known = CLAIMS | UNNUMBERED
    if claim_id not in known:
        raise KeyError(f"no claim {claim_id!r}; the claims are {', '.join(known)}")
    return known[claim_id]
