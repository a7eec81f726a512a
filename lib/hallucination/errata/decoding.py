"""Errata of Remark 3.1."""

from hallucination.errata import erratum

erratum(
    "rem-3.1",
    "near-optimal",
    where="§3, Remark 3.1, with Theorem 5.2",
    printed="Everything proved for squared loss is said to hold for cross-entropy too, by Appendix C.",
    defect=(
        r"Appendix C treats the analogue of Theorem 5.1 only. That of Theorem 5.2 is false for large $\epsilon$: "
        r"outputs "
        r"and targets live on the simplex, which has diameter $\sqrt2$ and no room for thin densities. For "
        r"$\delta\le\frac12$ and $\epsilon\ge1$ every target has a supported output within $\epsilon$ of the "
        r"optimum."
    ),
    repair=(
        r"Restrict $\epsilon$. For $\epsilon^2<1-\frac1C$ corner-uniform targets with $N=C$ make every output "
        r"within "
        r"$\epsilon$ of the optimum hallucinate, for every $\delta$."
    ),
    refuted_by=("near-outputs-at-one",),
    repaired_by=("near-outputs-at-half", "reach-is-sharp"),
)

erratum(
    "rem-3.1",
    "hints",
    where="§3, Remark 3.1, with Theorem 5.3",
    printed="Everything proved for squared loss is said to hold for cross-entropy too, by Appendix C.",
    defect=(
        r"The analogue of Theorem 5.3 asks for a target whose hints help no $L$-Lipschitz estimator. If all hints "
        r"have "
        r"$L\|\delta_k\|\ge1$ and $\delta\le\frac12$, some supported output is within reach for every target, and "
        r"an "
        "estimator that walks straight to it is $L$-Lipschitz. Theorem 6.1 has no version in Appendix C."
    ),
    repair=r"Restrict $L\|\delta_k\|$ in the same way as $\epsilon$.",
    refuted_by=("hinted-outputs-at-one",),
    repaired_by=("hinted-outputs-at-half", "straight-walk-is-lipschitz"),
)
