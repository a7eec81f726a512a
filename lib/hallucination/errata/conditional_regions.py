"""Errata of Definition A.1."""

from __future__ import annotations

from hallucination.errata import erratum

erratum(
    "def-A.1",
    "exact-mass",
    where="Appendix A, Definition A.1",
    printed="Among the regions over which $d_i$ integrates to *exactly* $M$, $S_M$ is the smallest.",
    defect="If answers have positive probability, there may be no set of mass exactly $M$.",
    repair=r"Take $\{f_i\ge t_i(M)\}$ with $t_i(M)=\sup\{t:P(f_i(A_i)\ge t)\ge M\}$; its mass is at least $M$.",
    refuted_by=("every-mass-is-attained",),
    repaired_by=("threshold-region-covers",),
)

erratum(
    "def-A.1",
    "uniqueness",
    where="Appendix A, Definition A.1",
    printed="*The* smallest region of mass $M$.",
    defect="Where the density is constant, many smallest sets have the same mass.",
    repair="Define the region by its threshold. It is unique, and no set of its mass is smaller.",
    refuted_by=("smallest-is-unique",),
    repaired_by=("threshold-region-covers", "region-is-smallest-of-its-mass"),
)

erratum(
    "def-A.1",
    "union",
    where="Appendix A, Definition A.1, against §7.3 and Figure 8",
    printed=(
        "One set $S_M$, on which the integral of $d_i$ is $M$, while the index $i$ is left free; §7.3 and Figure "
        "8 use the union over the states."
    ),
    defect=(
        "In the union each state usually has more than mass $M$, since it also has mass in the regions of the others."
    ),
    repair=(
        r"Define $S_M^{(i)}$ per state and $\mathrm{HCDR}_M=\bigcup_iS_M^{(i)}$. The target lies in it with "
        "probability at least $M$."
    ),
    refuted_by=("union-has-mass-m",),
    repaired_by=("union-covers-the-target",),
)

erratum(
    "def-A.1",
    "simultaneous",
    where="Appendix A, Definition A.1, read literally for all $i$ at once",
    printed="One set $S_M$ on which the integral of every $d_i$ is $M$.",
    defect=(
        "Such a set need not exist when answers have positive probability. Where it exists (it does for "
        "densities, by a theorem of Lyapunov) it is neither a density region of a state nor the union that the "
        "paper uses."
    ),
    repair="Use the union of the states' regions.",
    refuted_by=("one-set-for-all-states",),
    repaired_by=("union-covers-the-target",),
)
