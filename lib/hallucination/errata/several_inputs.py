"""Errata of Corollary 5.2.1 and its proof (Corollary B.1.1, Appendix B.2)."""

from hallucination.errata import erratum

erratum(
    "cor-5.2.1",
    "at-x",
    where="Corollary 5.2.1, last words; the same in Corollary B.1.1",
    printed="An estimator that minimises the loss for the inputs $X_j$ hallucinates at $X$.",
    defect="The statement introduces no $X$. A loss over the inputs $X_j$ says nothing about another input.",
    repair="Read: at every $X_j$.",
    refuted_by=("at-the-input-x",),
    repaired_by=("at-every-input-with-positive-weight",),
)
erratum(
    "cor-5.2.1",
    "zero-weight",
    where="Corollary 5.2.1, “any estimator minimizing the expected quadratic loss”",
    printed="Minimising the loss settles the output at every input of the set; how it adds up is left open.",
    defect="The loss is defined at one input. With several inputs a weighted total is meant, and an input of weight "
    "zero (of probability zero) is left free.",
    repair="Ask that the loss be minimal at each input, or that every weight be positive. For a continuum of inputs "
    "the conclusion holds almost everywhere.",
    refuted_by=("at-an-input-with-weight-zero",),
    repaired_by=("at-every-input-with-positive-weight", "total-loss-separates"),
)
erratum(
    "cor-5.2.1",
    "class-of-estimators",
    where="Corollary 5.2.1, “any estimator”",
    printed="Any estimator that minimises the loss is meant; among which estimators is left open.",
    defect="In a class that ties outputs together, the minimiser of the total loss trades one input against another. "
    "It need not be optimal at any of them, and it can land on the centre of a state.",
    repair="Allow all estimators, so that the total loss can be minimised input by input.",
    refuted_by=("minimiser-in-any-class",),
    repaired_by=("different-inputs-all-estimators", "total-loss-separates"),
)
erratum(
    "cor-5.2.1",
    "equal-inputs",
    where="Corollary 5.2.1, “For a set of input $X_j$, $j\\in[S]$”; Appendix B.2, “Construct every $A(x_j)$”",
    printed="The law of the answer may be chosen separately for each $j$.",
    defect="Nothing says that the $X_j$ differ. If an input is listed twice, it has one law and one output.",
    repair="Let the $X_j$ differ pairwise.",
    refuted_by=("input-listed-twice",),
    repaired_by=("different-inputs-all-estimators", "library-laws-at-several-inputs"),
)
erratum(
    "cor-5.2.1",
    "inherited-construction",
    where="Appendix B.2, the proof",
    printed="The construction of Appendix B.1 at every input makes every optimum hallucinate.",
    defect="That construction does not do so even at a single input (see Theorem 5.1).",
    repair="Take the repaired law of Theorem 5.1 at every input. Since the total loss separates, that is enough.",
    refuted_by=("construction-at-each-input-as-printed",),
    repaired_by=("construction-at-each-input", "total-loss-separates"),
)
