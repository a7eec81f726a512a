"""Errata of Theorem 6.1: its inequality fails for many states."""

from hallucination.errata import erratum

erratum(
    "thm-6.1",
    "one-radius",
    where="§6, Theorem 6.1, last inequality (and Theorem B.4)",
    printed=r"$P_H^\delta>\prod_{i=1}^N P_iK_i^\mu$ for every number of states, with $r_x$ the uniform radius $r$.",
    defect="Two heavy states hold $A^*$ at one point unless they coincide, and are hit themselves if they do. "
    "Many nearly weightless states sit at that point with a constant probability. All of them must be elsewhere, "
    "which costs more per state than $K_i$ admits, so that the two sides cross as their number grows. All "
    r"hypotheses hold; $\prod P_iK_i$ is bounded from below by a rational number.",
    repair=r"Either add that $N\le9$, or that every $\mu_i$ is symmetric and unimodal about $\mu_0$; or replace "
    r"the right side by $\prod_is_i^2/(1+s_i^2)$ with $s_i^2+s_i\sqrt{1/K_i-1}=1-r_i^2/((1-p_i)^2v_i)$. The last "
    r"needs neither $\alpha_i$ nor $d$, the weaker hypothesis $r_i<(1-p_i)\sqrt{v_i}$, and is larger for $N\le9$.",
    refuted_by=("one-radius-25-states", "one-radius-62-states"),
    repaired_by=(
        "product-from-the-same-moments",
        "one-state-from-moments",
        "factor-at-least",
        "at-most-nine-states",
        "printed-factor-at-most",
        "shares-sum-to-one",
        "symmetric-unimodal-laws",
        "centred-balls-hold-most",
        "product-bound-on-the-line",
        "product-bound-in-the-plane",
    ),
)
erratum(
    "thm-6.1",
    "own-radii",
    where=r"§6, Theorem 6.1, definition of $\theta_i(\alpha)$ (and Theorem B.4)",
    printed=r"$\theta_i(\alpha):=(\alpha d+r_x)^2/\sigma_i^d$ with $r_x$ as in Definition 6.3.",
    defect="Definition 6.3 defines $r_i$ and $r$, but no $r_x$. With $r_x=r_i$, a radius per state, the theorem "
    "is stronger and already fails for fewer states than with $r_x=r$.",
    repair="Write $r_i$ and use one of the repairs above; all of them are proved with a radius per state.",
    refuted_by=("own-radii-13-states",),
    repaired_by=("product-from-the-same-moments", "at-most-nine-states", "own-radii-12-states"),
)
erratum(
    "thm-6.1",
    "symmetric-laws",
    where="§6, Theorem 6.1, last inequality, for symmetric laws",
    printed=r"$P_H^\delta>\prod_{i=1}^N P_iK_i^\mu$.",
    defect=r"Symmetry of all laws about $\mu_0$ does not save the inequality, although few states obey it.",
    repair="Ask for symmetric and unimodal laws.",
    refuted_by=("symmetric-74-states",),
    repaired_by=("symmetric-unimodal-laws", "centred-balls-hold-most", "symmetric-11-states"),
)
erratum(
    "thm-6.1",
    "equal-weights",
    where="§6, Theorem 6.1, last inequality, for equal weights",
    printed=r"$P_H^\delta>\prod_{i=1}^N P_iK_i^\mu$.",
    defect="Equal weights and one radius do not save it either, although few states obey it. Rare far values "
    "move $A^*$ at little cost, but wherever it goes, one kind of states covers it.",
    repair=r"Use $\prod_is_i^2/(1+s_i^2)$.",
    refuted_by=("equal-weights-a-billion-states", "equal-weights-20-million-states"),
    repaired_by=("product-from-the-same-moments", "equal-weights-17-states"),
)
