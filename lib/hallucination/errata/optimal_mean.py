"""Errata of Lemma B.1: the statement, and its derivation line by line."""

from hallucination.errata import erratum

erratum(
    "lem-B.1",
    "second-moment",
    where="Appendix B.1, statement of the lemma",
    printed=r"The estimator of least expected quadratic loss is $A^*(X)=\mathbb E[A(X)]$, for every target.",
    defect="A target with a mean but without a second moment gives every output the same, infinite loss. The mean is "
    "then a minimiser, but no better than any other output.",
    repair=r"Assume $\mathbb E\,\|A\|^2<\infty$. Then $\ell(v)=\|v-\mathbb E[A]\|^2+\ell(\mathbb E[A])$ for every "
    "$v$, in every dimension, and no density is needed.",
    refuted_by=("only-minimiser-for-every-target",),
    repaired_by=("only-minimiser-with-second-moment", "loss-splits", "no-other-minimiser"),
)
erratum(
    "lem-B.1",
    "zero-gradient",
    where="Appendix B.1, from the zero gradient to (B.3)",
    printed="The gradient of the loss is zero at the minimiser. Only the mean has a zero gradient, so the mean is "
    "the minimiser.",
    defect="A zero gradient is necessary, not sufficient. The argument does not show that a minimum exists; it would "
    "run in the same way for a function whose only stationary point is a maximum.",
    repair="Say that the loss is strictly convex, or use the identity above.",
    refuted_by=("stationary-only",),
    repaired_by=("stationary-and-convex", "gradient-under-the-integral"),
)
erratum(
    "lem-B.1",
    "random-integrand",
    where="Appendix B.1, last line but one of the gradient and the line after it",
    printed=r"The mean appears as $\int A(X)\,f_{A(X)}(a)\,da$.",
    defect="The integration variable is $a$, so $A(X)$ is a constant under this integral. Read literally, the two "
    "lines give the random target and not its mean.",
    repair=r"Write $\int a\,f_{A(X)}(a)\,da$. The conclusion (B.3) prints it so.",
    refuted_by=("last-line-with-random-target",),
    repaired_by=("last-line-with-a",),
)
