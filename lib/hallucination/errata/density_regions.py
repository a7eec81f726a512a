"""Errata of Definition 6.2, Remark 6.2 and Appendix A's opening sentence."""

from __future__ import annotations

from hallucination.errata import erratum

erratum(
    "def-6.2",
    "posterior",
    where="§6, sentence under Definition 6.2; again under Definition B.2",
    printed=(
        r"$U_i^\delta=\{a: f(a;Z_i)>\delta\}$ is put into words as the answers that give the state $Z_i$ a posterior "
        r"probability above $\delta$."
    ),
    defect=(
        "$f(a;Z_i)$ is the density of the answer given the state. The posterior is the probability of the state "
        "given the answer, $p_if_i(a)/f(a)$. The two sets differ."
    ),
    repair=(
        r"Drop the sentence, or say: the region where the conditional density under $Z_i$ exceeds $\delta$; by "
        r"Bayes' rule, where the posterior exceeds $\delta\,p_i/f(a)$."
    ),
    refuted_by=("region-by-posterior",),
    repaired_by=("region-by-scaled-posterior",),
)

erratum(
    "rem-6.2",
    "who-falls-outside",
    where="§6, Remark 6.2, second sentence",
    printed=(
        "If there is one latent state only, δ-hallucination is said to be that the *target distribution* lies "
        "outside a density region."
    ),
    defect=(
        "What hallucinates is the output of the estimator, one point. The target falls outside with some "
        "probability whether or not the estimator hallucinates."
    ),
    repair="Say that the output $A^*(X)$ falls outside.",
    refuted_by=("target-falls-outside",),
    repaired_by=("estimator-falls-outside",),
)

erratum(
    "rem-6.2",
    "mass-of-a-threshold",
    where="§6, Remark 6.2, second sentence",
    printed=r"The region is *the* HDR of a given mass, and the mass corresponds to the threshold $\delta$.",
    defect=(
        r"Where a share of the answers has density exactly $\delta$ (a plateau, an atom), density regions of many "
        r"masses have the threshold $\delta$."
    ),
    repair=(
        r"Take $\{f>\delta\}$ itself, a smallest set of its own mass $M(\delta)=P(f(A)>\delta)$; or assume "
        r"$P(f(A)=\delta)=0$."
    ),
    refuted_by=("threshold-fixes-the-mass",),
    repaired_by=("region-above-is-smallest", "threshold-without-plateau-has-one-mass"),
)

erratum(
    "app-A-single-state",
    "boundary",
    where="Appendix A, first sentence on conditional regions",
    printed=(
        "With one latent state, δ-hallucination is that the expectation falls out of the HDR whose density bound "
        r"is $\delta$."
    ),
    defect=(
        r"A density region $\{f\ge t\}$ holds the answers of density exactly $t$; Definition 4.2 counts them as "
        r"hallucinations. The two disagree where the mean has density exactly $\delta$."
    ),
    repair=r"Take the region $\{f>\delta\}$, of mass $M(\delta)=P(f(A)>\delta)$.",
    refuted_by=("mean-outside-the-region-of-threshold-delta",),
    repaired_by=("mean-outside-for-the-optimal-estimator", "mean-off-the-threshold"),
)

erratum(
    "app-A-single-state",
    "which-estimator",
    where="Appendix A, first sentence on conditional regions",
    printed=(
        "δ-hallucination, a property of an estimator, is identified with a property of the *expectation* of the "
        "target."
    ),
    defect=(
        "The sentence is about the estimator that answers with the mean. Any other estimator may hallucinate "
        "while the expectation is in the region, or the other way round."
    ),
    repair="Add that the estimator is the optimal one under squared loss.",
    refuted_by=("mean-outside-for-every-estimator",),
    repaired_by=("mean-outside-for-the-optimal-estimator",),
)
