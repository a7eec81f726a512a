"""Errata of Remark 4.2: the plausible cause."""

from hallucination.errata import erratum

erratum(
    "rem-4.2",
    "vacuous-state",
    where="§4, remark after the definition of δ-hallucination",
    printed="A δ-hallucination has a low likelihood under every state, so it is attributed to no cause and aligns "
    "with no mode of the conditional laws.",
    defect="“Low” is measured against δ, not against what the state itself reaches. If a state is *vacuous* (its "
    "highest density is at most δ), its own mode hallucinates. This is common in high dimension.",
    repair="Assume that no state is vacuous. Then a δ-hallucination lies strictly below the peak of every state. "
    "Lower modes remain possible, also for the target as a whole.",
    refuted_by=("below-every-peak-as-printed", "mode-in-dimension-6"),
    repaired_by=("below-every-peak", "mode-in-dimension-5", "true-answers-are-safe"),
)
