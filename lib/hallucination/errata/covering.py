"""Errata of Definition 6.3."""

from hallucination.errata import erratum

erratum(
    "def-6.3",
    "infimum-of-an-inclusion",
    where="§6, Definition 6.3 (and Definition B.3), formula of $r_i$",
    printed=r"$r_i:=\inf_{r_i\in\mathbb R^+}\{U_i^\delta\subset B_i^\delta(r_i)\}$, a number for every region.",
    defect="The set in braces holds an inclusion and no numbers, and the bound variable has the name of the "
    "result. Read as the least radius of a ball that covers, it need not exist: a region of small volume can be "
    "unbounded.",
    repair=r"$r_i:=\sup_{a\in U_i}\|a-\mu_i\|$, with value $+\infty$ for an unbounded region (then no bound of §6 "
    r"says anything) and 0 for an empty one. The closed ball of this radius is the least one around $\mu_i$; "
    "around another point a smaller one may do.",
    refuted_by=("every-region",),
    repaired_by=("bounded-region", "another-centre-is-better"),
)
erratum(
    "def-6.3",
    "random-radius",
    where="§6, Definition 6.3, with Definition 6.1",
    printed=r"$r_i$ is one number, while $\mu_i$ is a realisation of a random variable.",
    defect=r"If the density $f(\cdot;Z_i)$ depends on $\mu_i$ in another way than by a shift, the region and its "
    "radius are random as well. With the radius of one realisation the hypothesis of Theorem 6.1 can be met, its "
    "right side positive and the hallucination probability zero.",
    repair=r"$r_i:=\operatorname{ess\,sup}_\mu\sup_{a\in U_i}\|a-\mu_i\|$.",
    refuted_by=("radius-at-one-realisation",),
    repaired_by=("radius-over-all-realisations",),
)
