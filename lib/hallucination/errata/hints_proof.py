"""Errata of the printed proof of Theorem 5.3, and of the last sentence of §5."""

from hallucination.errata import erratum

erratum(
    "thm-5.3",
    "centre",
    where="Appendix B.4, after (B.8)",
    printed=r"$LB_\delta$ plays the part of $\epsilon$, and $A^*(X+\delta_i)$ that of a semi-optimal estimator",
    defect=r"(B.8) bounds the distance to $A^*(X)$. Theorem 5.2 needs the distance to $\mathbb E[A(X)]$, and "
    "nothing says that the two are the same.",
    repair=r"Assume $A^*(X)=\mathbb E[A(X)]$.",
    refuted_by=("near-the-answer-at-X",),
    repaired_by=("near-optimal-for-X",),
)
erratum(
    "thm-5.3",
    "which-target",
    where="Appendix B.4, “apply Theorem 5.2 to every …”",
    printed=r"Theorem 5.2 applied to every $A(X+\delta_i)$",
    defect=r"The target at $X+\delta_i$ is that of state $i$, with optimum $\mu_i$. The answer there is far from "
    r"$\mu_i$ by construction, so the premise of Theorem 5.2 is never met.",
    repair=r"Apply Theorem 5.2 (repaired) once, to the target $A(X)$, with the answers $A^*(X+\delta_i)$ as outputs "
    r"near its optimum. The densities $f_i$ are the same in both places by Definition 5.1.",
    refuted_by=("theorem-5.2-at-the-hints",),
    repaired_by=("theorem-5.2-at-X",),
)
erratum(
    "sec-5-end",
    "intrinsic",
    where="§5, last sentence",
    printed="hallucination is intrinsic to the probabilistic structure of estimation",
    defect="The theorems show that some laws make their optimal estimator hallucinate. Others do not, and among "
    "them is an open set of normal mixtures without vacuous states.",
    repair="Say that for every number of states there are laws whose optimal estimator hallucinates.",
    refuted_by=("every-target",),
    repaired_by=("some-targets", "box-of-targets"),
)
erratum(
    "sec-5-end",
    "even-when-hinted",
    where="§5, last sentence",
    printed="… even when the directions of the answers are hinted",
    defect=r"With hints the optimal answer at $X+\delta_i$ is $\mu_i$. For normal states that are not vacuous it is "
    "the most typical answer of all. What makes the estimator of Theorem 5.3 hallucinate is its Lipschitz bound.",
    repair="Say that an estimator which is optimal without hints cannot use them if its Lipschitz constant is too "
    "small.",
    refuted_by=("hinted-and-optimal",),
    repaired_by=("hinted-and-lipschitz",),
)
