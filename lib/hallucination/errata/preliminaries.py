"""Errata of §3: the quadratic loss and Lipschitz maps."""

from hallucination.errata import erratum

erratum(
    "def-3.1",
    "second-moment",
    where="§3, display of the loss and the sentence below it",
    printed=r"The loss is $\ell_A(A^*(X))=\mathbb E\,\|A^*(X)-A(X)\|_2^2$, and it is the objective that an optimal "
    "estimator makes small. Nothing is asked of the target.",
    defect="Without a second moment the loss is infinite at every output. Then every output minimises it, and an "
    "optimal estimator is no longer determined.",
    repair=r"Assume $\mathbb E\,\|A(X)\|^2<\infty$. Or compare losses, $\ell(v)-\ell(0)=\|v\|^2-2v^\top"
    r"\mathbb E[A(X)]$, for which a first moment is enough.",
    refuted_by=("objective-for-every-target",),
    repaired_by=("objective-with-second-moment", "regret-needs-first-moment"),
)
erratum(
    "def-3.1",
    "at-an-input",
    where="§3, display of the loss",
    printed=r"The expectation $\mathbb E$ has no index. It may run over the answer alone or over the input as well.",
    defect="If it runs over the input too, an input of probability zero adds nothing to the loss. The optimum is "
    "then free at that input, although all later statements are about the output at one input.",
    repair="Take the loss given the input: $A$ has the conditional law of the target given $X=x$.",
    refuted_by=("pins-every-input-on-average",),
    repaired_by=("pins-every-input-conditionally",),
)
erratum(
    "def-3.2",
    "constant-bound-twice",
    where="§3, definition of Lipschitzness",
    printed="A map is $L$-Lipschitz if there is a constant $L>0$ with $\\|g(x)-g(y)\\|_2\\le L\\|x-y\\|_2$.",
    defect="The letter $L$ is given from outside and then bound again. Read literally, the given $L$ plays no part: "
    "a map may be steeper than it and pass.",
    repair=r"For a given $L\ge0$ ask for $\|g(x)-g(y)\|_2\le L\|x-y\|_2$ for all $x,y$.",
    refuted_by=("constant-bound-twice",),
    repaired_by=("given-constant",),
)
