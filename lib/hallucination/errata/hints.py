"""Errata of Definition 5.1 and of the statement of Theorem 5.3."""

from hallucination.errata import erratum

erratum(
    "def-5.1",
    "equal-in-law",
    where="§5, Definition 5.1, display",
    printed=r"$A(X+\delta_i)=A(X;Z=Z_i)$, an equation between random answers",
    defect=r"The two sides are answers at different inputs. Drawn separately they differ, although their laws "
    "agree. The sentence below the display shows that the laws are meant; it calls the right one the posterior, and "
    r"it is the law of $A(X)$ given $Z=Z_i$.",
    repair=r"Write $A(X+\delta_i)\overset{d}{=}A(X)\mid\{Z=Z_i\}$, an equation of laws.",
    refuted_by=("equal-answers",),
    repaired_by=("equal-laws",),
)
erratum(
    "def-5.1",
    "different-hints",
    where="§5, Definition 5.1",
    printed=r"hints $\delta_1,\dots,\delta_N$ for the $N$ states, with no further condition",
    defect=r"An input has one law. So $\delta_j=\delta_k$ forces the laws of states $j$ and $k$ to agree, and "
    r"$\delta_j=0$ forces that of state $j$ to be the law at $X$. Theorem 5.3 chooses the laws after the hints and "
    "needs freedom there.",
    repair="Require the hints to differ from each other and from zero (or the laws to agree where inputs do).",
    refuted_by=("any-hints",),
    repaired_by=("different-hints",),
)
erratum(
    "thm-5.3",
    "optimal-at-X",
    where="§5, Theorem 5.3, “for an $L$-Lipschitz estimator $A^*$”",
    printed=r"every $L$-Lipschitz estimator, with nothing said about its answer at $X$ (reading: the law is chosen "
    "first)",
    defect="A constant map is Lipschitz with any constant. As soon as a state supports any answer at all, the map "
    "with that constant answer does not hallucinate at the state's hint. Without supported answers the theorem is "
    "true, but of every estimator and for no interesting reason.",
    repair=r"Add that $A^*$ is optimal at $X$, $A^*(X)=\mathbb E[A(X)]$, and let the law depend on $L$ and "
    r"$B_\delta$: means at least $\rho+LB_\delta$ away from $\mathbb E[A(X)]$.",
    refuted_by=("any-lipschitz-map",),
    repaired_by=("optimal-at-X", "reach-and-separation"),
)
erratum(
    "thm-5.3",
    "optimal-everywhere",
    where="§5, Theorem 5.3, “estimator $A^*$”",
    printed=r"$A^*$ read as optimal at $X$ and at every $X+\delta_i$, as the star suggests",
    defect=r"An estimator that is optimal at a hint answers $\mu_i$ there. It would have to move farther than $L$ "
    "allows, so the theorem speaks of no estimator at all.",
    repair="Take states with a gap at their own mean, for instance uniform laws on two balls each, with one common "
    "midpoint. Then a constant is optimal at all inputs, and it hallucinates.",
    refuted_by=("optimal-everywhere-normal",),
    repaired_by=("optimal-everywhere-two-sided",),
)
