"""Errata of the printed proof of Theorem 6.1."""

from hallucination.errata import erratum

erratum(
    "thm-6.1",
    "undefined-factor",
    where="§6, Theorem 6.1, right side; Appendix B.5, sentence below the display",
    printed=r"$P_i$ in the last inequality; $\alpha_i$ is to be set so that $P_i$ is largest.",
    defect=r"$P_i$ is never defined. What the theorem says of $\alpha_i$, that $\theta_i(\alpha_i)\le1$, leaves "
    "an interval of values, with different right sides.",
    repair=r"$P_i:=\max\{(1-\alpha^{-2})(1-\theta_i(\alpha))^2:\alpha>1,\ \theta_i(\alpha)\le1\}$, which is what "
    "the proof uses.",
    refuted_by=("factor-left-open",),
    repaired_by=("factor-as-maximum",),
)
erratum(
    "thm-6.1",
    "dependent-events",
    where="Appendix B.5, proof of Theorem B.4, display, second line",
    printed=r"$\Pr[A^*\notin B_i(r_i)]\ge\Pr[\|A^*-\mu_0\|\le d_i]\cdot\Pr[\|\mu_i-\mu_0\|\ge d_i+r_x]$.",
    defect=r"$A^*=\sum_jp_j\mu_j$ contains $\mu_i$, so the two events are not independent. Their joint "
    "probability can be far below the product, and the displayed inequality itself fails.",
    repair=r"Leave $\mu_i$ out: on $\|\mu_i-\mu_0\|\ge\alpha d+r_i$ bound the part of $A^*-\mu_0$ without "
    r"$\mu_i$, which is independent of it, by Cantelli's inequality. This proves $\Pr[A^*\notin U_i^\delta]\ge "
    "P_iK_i$, the conclusion of the display, for every single state.",
    refuted_by=("display-line-2", "display-independence"),
    repaired_by=("one-state-by-leaving-it-out", "display-joint-probability"),
)
erratum(
    "thm-6.1",
    "closed-ball",
    where="Appendix B.5, proof of Theorem B.4, display, second line",
    printed=r"$\|A^*-\mu_0\|\le d_i$ and $\|\mu_i-\mu_0\|\ge d_i+r_x$ put $A^*$ outside $B_i(r_x)$.",
    defect="With equality in both, $A^*$ lies on the sphere, and the ball of Definition 6.3 is closed.",
    repair="Write $>$ in the second condition. Lemma B.2 gives the strict event, and Lemma B.6 has thrown that away.",
    refuted_by=("display-boundary",),
    repaired_by=("display-strict",),
)
erratum(
    "thm-6.1",
    "last-line",
    where="Appendix B.5, proof of Theorem B.4, display, last line",
    printed=r"$1-(\sum_ip_i^2)\,\sigma^d/d_i^2=1-1/\alpha_i^2$.",
    defect=r"With $d_i=\alpha_id$ this needs $(\sum_ip_i^2)(\sum_iv_i)=\sum_ip_i^2v_i$, which is false for every "
    r"$N\ge2$: the left side is larger, and the bound smaller than the display says. (In the lines before, the "
    "index $i$ is both free and summed over, (B.9) has $d_1$ for $d_i$, and $[n]$ stands for $[N]$.)",
    repair=r"Use the exact variance $\mathbb E\|A^*-\mu_0\|^2=\sum_jp_j^2v_j=d^2$ in place of Lemma B.5.",
    refuted_by=("display-last-line",),
    repaired_by=("display-last-line-exact-variance",),
)
