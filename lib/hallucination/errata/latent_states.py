"""Errata of Definition 4.1 and Remark 4.1: states of the latent variable, and several modes."""

from hallucination.errata import erratum

erratum(
    "def-4.1",
    "zero-probability",
    where="§4, display of the conditional density",
    printed=r"$f_i(a)=\frac{f_{A(X),Z}(a,Z_i)}{\Pr[Z=Z_i]}$ for every possible state.",
    defect="For a state of probability zero the quotient is $0/0$, and any function would serve as its density. "
    "Later statements say “for every state”, so they would ask something of a state that never happens.",
    repair="Assume $p_i=\\Pr[Z=Z_i]>0$ for every $i$.",
    refuted_by=("conditional-density-of-every-state",),
    repaired_by=("conditional-density-of-possible-states", "mixing-gives-back-the-target"),
)
erratum(
    "rem-4.1",
    "only-from-z",
    where="§4, last clause of the remark",
    printed="The target mixes the laws of the states; hence several modes of $A(X)$ arise from variation over $Z$.",
    defect="They *can*. But a single state may have several modes of its own, and different states may have one mode "
    "together. So the number of modes says nothing about $Z$ in either direction.",
    repair="Say that several modes can arise from variation over $Z$.",
    refuted_by=("one-state-one-mode",),
    repaired_by=("modes-from-states", "states-without-modes"),
)
