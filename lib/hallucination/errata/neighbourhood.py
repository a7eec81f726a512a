"""Errata of the sentence in §1 about neighbourhoods."""

from hallucination.errata import erratum

erratum(
    "sec-1-neighbourhood",
    "distance",
    where="§1, sentence that introduces δ-hallucination",
    printed="A δ-hallucination is an output outside a δ-neighbourhood of every plausible outcome.",
    defect="With δ as a distance this is another notion than the definition in §4, where δ is a density. The two "
    "move in opposite directions: a larger distance catches fewer outputs, a larger density threshold catches more.",
    repair="Say that the output lies outside the region with density above δ of every state.",
    refuted_by=("neighbourhood-is-threshold",),
    repaired_by=("region-is-threshold", "threshold-catches-more", "neighbourhood-catches-fewer"),
)
