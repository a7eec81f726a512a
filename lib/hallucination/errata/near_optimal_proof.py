"""Errata of the chain of inequalities in the proof of Theorem 5.2 (Appendix B.3)."""

from hallucination.errata import erratum

erratum(
    "thm-5.2",
    "second-step",
    where="Appendix B.3, chain after “Set ‖μ_i‖₂ ≥ √(−2 ln δ) + ϵ”, second step",
    printed=r"$\exp(-\tfrac12\|v_0-\mu_i\|^2)\le\exp(-\tfrac12(\|v_0-\mu_i\|-\|v_0\|)^2)$",
    defect=r"The step needs $\|v_0-\mu_i\|\ge\big|\|v_0-\mu_i\|-\|v_0\|\big|$. That fails if $\|v_0\|$ is more than "
    r"twice $\|v_0-\mu_i\|$, that is, for a large $\epsilon$ and an output that lies in the direction of $\mu_i$.",
    repair=r"Put $\exp(-\tfrac12(\|\mu_i\|-\|v_0\|)^2)$ in the middle. The step is then the reverse triangle "
    "inequality.",
    refuted_by=("chain-second-step-as-printed",),
    repaired_by=("chain-second-step",),
)
erratum(
    "thm-5.2",
    "third-step",
    where="Appendix B.3, the same chain, third step",
    printed=r"$\exp(-\tfrac12(\|v_0-\mu_i\|-\|v_0\|)^2)\le\exp(-\tfrac12(\sqrt{-2\ln\delta}+\epsilon-\epsilon)^2)$",
    defect=r"The bound on $\|\mu_i\|$ is used for $\|v_0-\mu_i\|$, which may be smaller by $\epsilon$.",
    repair=r"With $\|\mu_i\|$ in the place of $\|v_0-\mu_i\|$ it holds, because "
    r"$\|\mu_i\|-\|v_0\|\ge\sqrt{-2\ln\delta}+\epsilon-\epsilon$.",
    refuted_by=("chain-third-step-as-printed",),
    repaired_by=("chain-third-step",),
)
