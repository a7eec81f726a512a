"""Errata of §7.1: the coin experiment and its published evaluation."""

from hallucination.errata import erratum

erratum(
    "sec-7.1",
    "score",
    where="§7.1, published notebook, evaluation of the conditional probability",
    printed="The estimate is rounded up to a count, and the probability of this count is computed from the coins' "
    "labels.",
    defect="The evaluation gives every coin too small a probability of heads, and rounding up adds half a head "
    "more. So the estimate of least loss scores far below the best count, and a learner that improves need not "
    "score better.",
    repair="Use the probabilities that made the data, and round to the nearest count.",
    refuted_by=("published-score-is-highest-at-least-loss",),
    repaired_by=("corrected-score-is-highest-at-least-loss", "published-mean-is-shifted"),
)
erratum(
    "sec-7.1",
    "no-correlation",
    where="§7.1, results and caption of Figure 3",
    printed="The descent of the training loss does not correlate with the rise or drop of the conditional "
    "probability of the estimates.",
    defect="Scored with the law of the data, the very networks of the experiment show a clear relation between loss "
    "and probability.",
    repair="Claim less: the estimate of least loss need not be the likeliest answer. That is exact. A *fall* of the "
    "probability needs a hidden state behind the outcome, which these coins do not have.",
    refuted_by=("published-networks-are-unrelated-to-loss",),
    repaired_by=("least-loss-need-not-be-likeliest", "hidden-state-drives-probability-down"),
)
