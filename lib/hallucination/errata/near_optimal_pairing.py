"""Errata of the pairing of the means and of the example in the proof of Theorem 5.2 (Appendix B.3)."""

from hallucination.errata import erratum

erratum(
    "thm-5.2",
    "index-zero",
    where="Appendix B.3, after “Finally, let”",
    printed=r"$\mu_i=-\frac{p_{N-i}}{p_i}\mu_{N-i}$ for the states $i\in[N]$, $N$ even",
    defect="For $i=N$ the formula refers to $p_0$ and $\\mu_0$, which do not exist.",
    repair="Pair $i$ with $N+1-i$.",
    refuted_by=("partner-is-a-state-as-printed",),
    repaired_by=("partner-is-a-state",),
)
erratum(
    "thm-5.2",
    "own-partner",
    where="Appendix B.3, “The last constraint can coexist with …”",
    printed=r"For even $N$ the pairing and $\|\mu_i\|\ge\sqrt{-2\ln\delta}+\epsilon$ can both hold.",
    defect=r"For even $N$ state $N/2$ is its own partner, so $\mu_{N/2}=-\mu_{N/2}=0$. For $\delta<1$ or "
    r"$\epsilon>0$ that is too near, whatever the other means are. The parity is the wrong way round: among the "
    r"first $N-1$ states no state is its own partner exactly if $N$ is odd.",
    repair=r"Pair $i$ with $N+1-i$ for even $N$; or, for every $N\ge2$, take $\mu_i=Ka_i/p_i$ with $\sum_ia_i=0$, "
    r"$\|a_i\|\ge1$.",
    refuted_by=("pairing-can-be-met-as-printed",),
    repaired_by=("pairing-can-be-met", "odd-is-the-right-parity", "spread-means-are-centred"),
)
erratum(
    "thm-5.2",
    "sum-of-means",
    where="Appendix B.3, “This ensures …”",
    printed=r"The pairing of $i$ with $N-i$ makes $\sum_{i=1}^Np_i\mu_i$ zero.",
    defect=r"The states $1,\dots,N-1$ cancel each other. State $N$ has no partner, and $p_N\mu_N$ is left over.",
    repair="Pair $i$ with $N+1-i$; then every state has a partner.",
    refuted_by=("pairing-centres-the-mean-as-printed",),
    repaired_by=("pairing-centres-the-mean",),
)
erratum(
    "thm-5.2",
    "example-sign",
    where="Appendix B.3, example in parentheses",
    printed=r"$\mu_i=C\,i(N-i)\big(\sqrt{-2\ln\delta}+\epsilon\big)/p_{N-i}\cdot\mathbf 1$ satisfies the pairing.",
    defect="All these means point in the same direction, but the pairing asks for opposite directions. It holds for "
    "no choice of the weights. For $i=N$ the formula is $0/p_0$.",
    repair=r"Alternate the signs: $\mu_i=(-1)^iK/p_i\cdot u$ with a unit vector $u$ and $N$ even.",
    refuted_by=("example-satisfies-the-pairing-as-printed",),
    repaired_by=("example-satisfies-the-pairing",),
)
erratum(
    "thm-5.2",
    "example-mean",
    where="Appendix B.3, example in parentheses, and the conclusion",
    printed="The example has mean zero, so its optimum and all outputs near it hallucinate.",
    defect="The mean is not zero. It can even be the exact centre of a state, whose answers are then the most "
    "typical there are.",
    repair=r"$\mu_i=Ka_i/p_i$ with $a=(1,\dots,1,-(N-1))\,u$ has mean zero for every $N\ge2$, even or odd, and "
    r"$K=\sqrt{-2\ln\delta}+\epsilon$ is enough.",
    refuted_by=("example-centres-the-mean-as-printed", "example-hallucinates-as-printed"),
    repaired_by=("example-centres-the-mean", "example-hallucinates", "spread-means-are-centred"),
)
