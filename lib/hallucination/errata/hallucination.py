"""Errata of Definition 4.2 and of the sentences beside it."""

from hallucination.errata import erratum

erratum(
    "def-4.2",
    "version",
    where="§4, display of the definition, continuous case",
    printed=r"$f_{A(X;Z_i)}(A^*(X))\le\delta$, with “the” probability density function of $A(X;Z_i)$.",
    defect="A density is fixed only up to single points, and the definition looks at a single point. Changing the "
    "density there leaves the law as it was and turns the verdict.",
    repair="Take the continuous version of each density (or probability masses, where the question does not arise).",
    refuted_by=("any-version",),
    repaired_by=("continuous-version",),
)
erratum(
    "def-4.2",
    "unit",
    where=r"§4, range $\delta\in(0,1]$ of the tolerance",
    printed=r"The tolerance $\delta$ is a pure number between 0 and 1, for densities as for probabilities.",
    defect="A density has a unit. Written in another unit, the same answers have other densities, and the verdict "
    "turns; and a density may well exceed 1.",
    repair=r"For densities state the unit and allow every $\delta>0$; or compare ranks in place of values, as the "
    "scale-free definition of the chapter does.",
    refuted_by=("unit-and-value",),
    repaired_by=("unit-and-converted-delta", "unit-and-rank"),
)
erratum(
    "def-4.2",
    "probability-of-producing",
    where="§4, first sentence after the definition",
    printed=r"Under every state the probability of producing the output is at most $\delta$.",
    defect="For a density the probability of a single output is zero, whether it hallucinates or not.",
    repair="Say “density” in the continuous case. For probability masses the sentence is right.",
    refuted_by=("probability-decides-for-densities",),
    repaired_by=("probability-decides-for-masses",),
)
erratum(
    "def-4.2",
    "low-loss",
    where="§4, second sentence after the definition",
    printed="By the definition, a δ-hallucination has a low calculated loss.",
    defect="The definition does not mention the loss. An absurd output hallucinates as well, and loses much.",
    repair="Add the clause, if it is meant: “the output nearly minimises the loss *and* δ-hallucinates”. Such "
    "outputs exist.",
    refuted_by=("loss-is-low",),
    repaired_by=("least-loss-is-possible",),
)
