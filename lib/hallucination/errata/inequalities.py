"""Errata of Lemmas B.2 and B.3."""

from hallucination.errata import erratum

erratum(
    "lem-B.2",
    "moments-of-z",
    where="Appendix B.5, Lemma B.2, right side",
    printed=r"$\Pr[T>\theta\,\mathbb E T]\ge(1-\theta)^2\,(\mathbb E[Z])^2/\mathbb E[Z^2]$.",
    defect="$Z$ is the latent variable of the paper and has nothing to do with $T$. With it the inequality is "
    r"false. For $T=0$ the correct right side is undefined, and so it is for $\mathbb E T^2=\infty$ unless read "
    "as 0.",
    repair=r"$\Pr[T>\theta\,\mathbb E T]\ge(1-\theta)^2\,(\mathbb E T)^2/\mathbb E T^2$ for $T\ge0$ with "
    r"$0<\mathbb E T^2<\infty$. The proof of Lemma B.6 uses it in this form.",
    refuted_by=("moments-of-z",),
    repaired_by=("moments-of-t-on-examples", "paley-zygmund", "cantelli-is-never-weaker"),
)
erratum(
    "lem-B.3",
    "every-constant",
    where="Appendix B.5, Lemma B.3",
    printed=r"$\Pr[|T-\mathbb E T|\ge a]\le\mathrm{Var}[T]/a^2$ for all constant $a$.",
    defect="For a negative $a$ the left side is 1, and the right side can be smaller. For $a=0$ it is undefined.",
    repair="Ask for $a>0$, the only case in which the lemma is used.",
    refuted_by=("every-constant",),
    repaired_by=("positive-constants-on-an-example", "chebyshev-pointwise"),
)
