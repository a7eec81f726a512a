"""Errata of the chain of bounds at the end of the printed proof of Theorem C.1."""

from hallucination.errata import cross_entropy_proof as _earlier_lines  # noqa: F401  first in the paper, first here
from hallucination.errata import erratum

CHAIN = "Appendix C, proof of Theorem C.1, chain of bounds"

erratum(
    "thm-C.1",
    "monotone",
    where=f"{CHAIN}, third line",
    printed=r"The value at any $d\le d_0=-\frac{N-1}{N\ln(\delta^2)}$ is at most that at $d_0$.",
    defect=(
        r"The value grows in $d$ only up to $\frac{N-1}N$ and falls afterwards. For $\delta>e^{-1/2}$ the printed "
        r"range "
        r"reaches beyond that. At $\delta=1$ the range is not defined."
    ),
    repair=r"Assume $\delta\le e^{-1/2}$ for this step (with the right normaliser, $\delta\le e^{-C/2}$).",
    refuted_by=("grows-up-to-d0",),
    repaired_by=("density-grows-up-to",),
)

erratum(
    "thm-C.1",
    "exponential",
    where=f"{CHAIN}, fourth line",
    printed=r"The exponential at $d_0$ is bounded by $\frac{\delta^2}2$.",
    defect=(
        r"It equals $\delta$ exactly, which is larger. The step fails for every $\delta$ and every $N$; the more "
        r"generous "
        "prefactor of the new line does not make up for it."
    ),
    repair=r"Write $\delta$. The chain then ends at $\delta\sqrt{\ln(1/\delta)/(\pi K)}$ with $K=\frac{N-1}N$.",
    refuted_by=("exponential-is-half-delta-squared",),
    repaired_by=("half-delta-squared-always-fails", "density-at-d0"),
)

erratum(
    "thm-C.1",
    "root",
    where=f"{CHAIN}, fifth line",
    printed=r"$\sqrt{\ln(\delta^{-1})}$ is replaced by $\ln(\delta^{-1})$ as an upper bound.",
    defect=r"A root is at most its number only for numbers from 1 on, so the step needs $\delta\le 1/e$.",
    repair=r"Assume $\delta\le1/e$ for this step.",
    refuted_by=("root-of-logarithm",),
    repaired_by=("root-of-logarithm-for-small-delta",),
)

erratum(
    "thm-C.1",
    "conclusion",
    where=f"{CHAIN}, last line",
    printed=r"Every $d\le d_0$ gives a density of at most $\delta$ at $p_X$.",
    defect=(
        r"At $d_0$ the value exceeds $\delta$ as soon as $\delta<e^{-\pi(N-1)/N}$, so for every small $\delta$ and "
        r"whatever the normaliser's power. With the right normaliser and $C>2\pi e\,(N-1)/N$ classes, every "
        r"$\delta$ has a "
        r"variance in the printed range that fails."
    ),
    repair=(
        r"Take $d\le d_-=-K\big/\big(C\,W_{-1}(-\frac{2\pi K}C\delta^{2/C})\big)$, the exact limit, or the closed "
        r"form "
        r"$\delta(2\pi)^{C/2}\big(\frac{eK}{C+2}\big)^{C/2+1}$. The laws still leave the simplex."
    ),
    refuted_by=("bound-up-to-d0",),
    repaired_by=("bound-up-to-lambert", "bound-up-to-closed-form", "density-at-d0"),
)
