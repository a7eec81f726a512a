"""Errata of the printed proof of Theorem C.1: the risk, its optimum, the target laws."""

from hallucination.errata import erratum

erratum(
    "thm-C.1",
    "risk-weight",
    where="Appendix C, proof of Theorem C.1, first display, third line",
    printed=r"$\sum_t(-\log p_X(t))\big[\int_{\mathcal A}q_X^a(t)\,da\big]$.",
    defect="The density $p(a)$ of the line before is lost. The next line, with the expectation, is right again.",
    repair=r"Write $\int_{\mathcal A}p(a)\,q_X^a(t)\,da$.",
    refuted_by=("risk-without-weight",),
    repaired_by=("risk-with-weight",),
)

erratum(
    "thm-C.1",
    "leaves-the-simplex",
    where="Appendix C, proof of Theorem C.1, display of the target laws",
    printed=r"$q_X^a\mid Z=Z_i\sim\mathcal N(q_i,d)$.",
    defect=(
        "Draws of a normal law are not probability vectors, as Definition C.1 requires: their entries leave "
        "$[0,1]$ and "
        "do not sum to 1. No choice of the variance helps."
    ),
    repair=r"Take $(1-h)e_i+hW$ with $W$ uniform on the simplex, or a Dirichlet law with a large parameter at $i$.",
    refuted_by=("gaussian-targets-on-the-simplex",),
    repaired_by=("corner-targets-on-the-simplex",),
)

erratum(
    "thm-C.1",
    "centres",
    where="Appendix C, proof of Theorem C.1, display of $q_i$",
    printed=r"$q_i(t):=e_t^{(C)}$.",
    defect=(
        "The left side is the entry $t$ of a vector, the right side is a vector, and it does not depend on $i$. "
        "Taken at "
        "its word it gives all states one centre. The next display shows that $e_i$ is meant."
    ),
    repair=r"Write $q_i:=e_i^{(C)}$ and assume $N\le C$, so that there are enough unit vectors.",
    refuted_by=("centres-as-displayed",),
    repaired_by=(),
)

erratum(
    "thm-C.1",
    "undefined-risk",
    where="Appendix C, proof of Theorem C.1, use of Gibbs' inequality for the constructed laws",
    printed=r"The minimiser of the risk is $p_X(t)=\mathbb E_aq_X^a(t)$, here $p_X=\frac1N\sum_ie_i^{(C)}$.",
    defect=(
        r"For $N<C$ the optimum has zero entries at which the normal targets are positive or negative with "
        r"probability "
        r"one half each. The risk is $\infty-\infty$ there, so it has no minimum at $p_X$. On the simplex the "
        r"step is right."
    ),
    repair="Keep the targets on the simplex; Gibbs' inequality then holds as used.",
    refuted_by=("gaussian-risk-with-fewer-states",),
    repaired_by=("gaussian-risk-with-as-many-states", "corner-targets-on-the-simplex"),
)

erratum(
    "thm-C.1",
    "normaliser",
    where="Appendix C, proof of Theorem C.1, first line of the chain of bounds",
    printed=r"$\frac1{\sqrt{2\pi d}}\exp\big(-\frac{(p_X-q_i)^2}{2d}\big)$ as density of a law on $\mathbb R^C$.",
    defect="The normaliser is that of one dimension. In $C$ dimensions the expression does not have total mass 1.",
    repair=r"Write $(2\pi d)^{-C/2}$.",
    refuted_by=("normaliser-with-power-one",),
    repaired_by=("normaliser-with-power-c",),
)
