"""Errata of Definition C.1 and of the statement of Theorem C.1."""

from hallucination.errata import erratum

erratum(
    "def-C.1",
    "zero-log-zero",
    where="Appendix C, Definition C.1, display of the loss",
    printed=r"$\mathcal L(q,p)=-\sum_t q(t)\log p(t)$ for all probability vectors $q,p\in[0,1]^C$.",
    defect=(
        r"Entries may be zero. Where $q(t)=p(t)=0$ the term $0\cdot\log 0$ has no value, and where only $p(t)=0$ "
        r"the "
        r"loss is infinite. Both occur: the paper's own optimum has zero entries as soon as $N<C$."
    ),
    repair=r"Agree that $0\log 0=0$, the limit, and that the loss takes values in $[0,\infty]$.",
    refuted_by=("value-as-displayed",),
    repaired_by=("value-with-convention",),
)

erratum(
    "thm-C.1",
    "no-density",
    where="Appendix C, Theorem C.1 together with Definition 4.2",
    printed=r"Targets are probability vectors with $C$ entries, and the theorem compares a density with $\delta$.",
    defect=(
        r"The simplex has no volume in $\mathbb R^C$, so a law on it has no density there. "
        "The statement does not say with respect to what the density is meant. With one class there is only one "
        "vector."
    ),
    repair=r"Take the density in the first $C-1$ entries, and assume $C\ge2$.",
    refuted_by=("density-in-all-coordinates",),
    repaired_by=(
        "density-in-free-coordinates",
        "optimum-lies-in-no-corner",
        "corners-are-dense",
        "corner-targets-behave",
    ),
)
