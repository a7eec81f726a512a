"""Errata of the last step of the printed proof of Theorem 6.1."""

from hallucination.errata import erratum

erratum(
    "thm-6.1",
    "multiplied-probabilities",
    where="Appendix B.5, proof of Theorem B.4, last inequality",
    printed=r"As the $d_i^\mu$ are independent, $\Pr[A^*\notin U_i^\delta,\ i\in[N]]\ge\prod_iP_iK_i^\mu$ follows "
    r"from $\Pr[A^*\notin U_i^\delta]\ge P_iK_i^\mu$.",
    defect="The centres are independent, the events are not: all of them contain $A^*$. Already for three "
    "centres that are uniform on an interval the joint probability is below the product of the single ones, for "
    "every radius.",
    repair="No repair of this step leads to the printed product, which is false for many states. What is true is "
    r"$P_H^\delta\ge\prod_i(1-Q_i(r_i/(1-p_i)))$ with $Q_i(\rho)=\sup_z\Pr[\|\mu_i-z\|\le\rho]$: along one "
    "centre, missing its ball means that one function of all centres is large, and a lemma on ordered grids does "
    "the rest.",
    refuted_by=("product-of-probabilities",),
    repaired_by=(
        "events-share-the-mean",
        "product-fails-for-every-radius",
        "one-against-the-others",
        "common-potential",
        "grid-lemma-exhaustively",
        "product-bound-on-the-line",
    ),
)
