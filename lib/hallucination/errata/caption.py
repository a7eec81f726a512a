"""Errata of the caption of Figure 2."""

from hallucination.errata import erratum

erratum(
    "fig-2",
    "posterior",
    where="Figure 2, caption, read as probabilities of the category given the output",
    printed="One output has 90 % for cat and 10 % for dog, another 70 % for cat and 70 % for dog.",
    defect="An output belongs to one category, so its two probabilities cannot add up to more than one.",
    repair="Call all four numbers conditional densities of the output, given the category. Then they are possible.",
    refuted_by=("as-posterior",),
    repaired_by=("as-densities", "smaller-numbers-fit-all"),
)
erratum(
    "fig-2",
    "probability-of-output",
    where="Figure 2, caption, read as probabilities of the output given the category",
    printed="The first output has “conditional probability” 90 % under cat, the second “probability density” 70 %.",
    defect="If the outputs are two different answers, a category cannot produce both with these probabilities.",
    repair="As above: densities, for all four numbers; or smaller numbers, which fit every reading.",
    refuted_by=("as-probabilities-of-outputs",),
    repaired_by=("as-densities", "smaller-numbers-fit-all"),
)
