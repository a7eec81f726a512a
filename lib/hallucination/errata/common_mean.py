"""Errata of Definition 6.1 and Assumption 6.1."""

from hallucination.errata import erratum

erratum(
    "def-6.1",
    "variance-of-vectors",
    where=r"§6, Definition 6.1 (and Definition B.1), $\sigma_i^d$ and $\sigma^d$",
    printed=r"$\sigma_i^d:=\mathrm{Var}[\mu_i]$ and $\sigma^d:=\mathbb E[\sum_i(\mu_i-\mu_i^d)^2]$, for outputs "
    r"in $\mathbb R^{d_a}$.",
    defect="The square of a vector is not defined, and its variance is a matrix. Later formulas divide by "
    r"$\sigma_i^d$ and take its root, so one number is meant. The superscript $d$ is no power; the symbol stands "
    "for a variance, not for a standard deviation.",
    repair=r"Read $(\cdot)^2$ as $\|\cdot\|^2$: $v_i=\mathbb E\,\|\mu_i-\mu_0\|^2$, the trace of the covariance. "
    "All lemmas of Appendix B.5 are true for it in every dimension.",
    refuted_by=("variance-of-a-vector",),
    repaired_by=("squared-length",),
)
erratum(
    "asm-6.1",
    "independent-distributions",
    where="§6, Assumption 6.1, item 2 (and Assumption B.1)",
    printed=r"The distributions $\{d_i^\mu\}$ are mutually independent.",
    defect="A distribution is a fixed object, and fixed objects are always independent. The condition excludes "
    r"no joint law of the centres, not even equal ones, and then $\mathbb E\,|A^*-\mu_0|^2$ is not "
    r"$\sum_jp_j^2v_j$.",
    repair=r"Ask that the random vectors $\mu_1,\dots,\mu_N$ are independent.",
    refuted_by=("independent-distributions",),
    repaired_by=("independent-centres", "uncorrelated-is-enough"),
)
erratum(
    "asm-6.1",
    "real-mean",
    where="§6, Assumption 6.1, item 1 (and Assumption B.1)",
    printed=r"$\mu_0\in\mathbb R$.",
    defect=r"The centres lie in $\mathbb R^{d_a}$, and so does their common mean.",
    repair=r"$\mu_0\in\mathbb R^{d_a}$.",
    refuted_by=("common-mean-real",),
    repaired_by=("common-mean-vector",),
)
