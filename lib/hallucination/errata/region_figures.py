"""Errata of Figures 7 and 8 and of the metric of §7.3."""

from __future__ import annotations

from hallucination.errata import erratum

erratum(
    "fig-7",
    "ten-for-ninety",
    where="Appendix A, caption of Figure 7, third sentence",
    printed="What lies right of the 10% quantile of the log-densities is called the most probable 10% of the class.",
    defect="Left of the 10% quantile lie 10% of the samples, so right of it lie 90%.",
    repair="Read “most probable 90%”, as the text of §7.3 has it.",
    refuted_by=("right-of-the-quantile-lie-ten-percent",),
    repaired_by=("right-of-the-quantile-lie-ninety-percent",),
)

erratum(
    "sec-7.3-outside",
    "reversed",
    where="§7.3, experiment design, sentence beginning “In other words”",
    printed="An image counts as outside a class when its log-likelihood for this class *exceeds* the threshold.",
    defect=(
        "The inequality is reversed. Read literally, 90% of the real images of the class would be outside, "
        "against the sentence before it and the caption of Figure 7."
    ),
    repair="Read “is below the threshold”.",
    refuted_by=("outside-is-above",),
    repaired_by=("outside-is-below", "rank-rule-covers"),
)

erratum(
    "sec-7.3-outside",
    "one-delta",
    where="§7.3, objective",
    printed=(
        "The calibrated region is said to be that of Definition B.2 (the restated Definition 6.2), which has one "
        r"$\delta$ for all states."
    ),
    defect=(
        "The experiment fixes one *mass* and computes a threshold per class. Classes of different spread then "
        "have different thresholds, so the two notions differ."
    ),
    repair="Refer to the union of the per-class regions of one mass (Definition A.1 as repaired).",
    refuted_by=("class-thresholds-are-one-delta",),
    repaired_by=("common-threshold-for-one-shape",),
)

erratum(
    "fig-8",
    "hdr-outside-hcdr",
    where="Appendix A, caption of Figure 8, last sentence",
    printed=(
        r"Unlike in the drawn example, parts of the HDR are said to be possible outside the HCDR. The bounds are "
        r"$\delta=10\%$ for the HDR and $\delta_1=5\%$ for the states."
    ),
    defect=(
        r"If the two numbers are density thresholds with $\delta_1\le\delta$, as in the caption, this is "
        "impossible for every target: $f$ is an average of the $f_i$."
    ),
    repair=r"Say “for regions of one mass, or for $\delta_1>\delta$”. Then it is true.",
    refuted_by=("hdr-leaves-hcdr-for-lower-thresholds",),
    repaired_by=("inclusion-of-hdr", "library-shows-disjoint-regions", "hcdr-leaves-hdr"),
)
