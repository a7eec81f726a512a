"""Errata of §7.3: the text-to-image experiment and its published evaluation."""

from hallucination.errata import erratum

erratum(
    "sec-7.3",
    "two-rules",
    where="§7.3, objective and Figure 6; published code of the evaluation",
    printed="The rate of a prompt is the portion of its pictures that lie outside.",
    defect="The published code averages the vectors of a prompt and asks whether this one mean is outside. So a "
    "prompt's rate is 0 or 1, and the plotted mean of three prompts has four values. A cloud with any portion of its "
    "points outside on opposite sides has the rate 0.",
    repair="Test the pictures one by one and count.",
    refuted_by=("published-rate-is-a-portion",),
    repaired_by=("counted-rate-is-a-portion",),
)
erratum(
    "sec-7.3",
    "silent-mean",
    where="§7.3, published code of the evaluation",
    printed="The test notices when most of a prompt's pictures lie outside.",
    defect="A mean has lost the spread of what it averages. Under the class's own normal law its log-density is half "
    "the number of components above a picture's. With the published 64 pictures and 128 components the test stays "
    "silent until all but a few in a million pictures are outside.",
    repair="Test the pictures one by one. A class of other animals passes by its mean and is caught so.",
    refuted_by=("mean-rule-fires",),
    repaired_by=(
        "single-pictures-fire",
        "mean-gains-half-the-dimension",
        "rule-needs-nearly-all-outside",
        "others-pass-by-their-mean",
    ),
)
erratum(
    "sec-7.3",
    "rates",
    where="§7.3, results and ablation; Figures 5 and 6",
    printed="While the loss falls, each prompt's rate of hallucination stays above zero and fluctuates.",
    defect="In our experiment the published rule never fires. Counted one by one, pictures of cats lie outside more "
    "rarely than real cats do, so for that prompt there is nothing to explain.",
    repair="Compare with real pictures, of which one in ten is outside by construction. Then the claim holds for the "
    "prompts of the dog and of the pet: the loss falls, and more pictures are outside than before.",
    refuted_by=("published-rule-fires", "more-outside-than-real"),
    repaired_by=("more-dogs-outside-than-real", "more-outside-than-before", "share-fluctuates", "loss-falls"),
)
erratum(
    "sec-7.3",
    "minimiser",
    where="§7.3, results and ablation",
    printed="The sampled pictures show what a loss-minimising estimator does.",
    defect="The squared loss is minimised by a network that answers pure noise with the mean of all pictures of the "
    "prompt. Most of these answers lie outside. A sampler asks again and again with less noise, and most of its "
    "pictures lie inside. So the experiment never looks at the minimiser.",
    repair="Test the network's first answer, and means of real pictures: these are what Theorem 5.1 speaks of.",
    refuted_by=("sampled-pictures-hallucinate",),
    repaired_by=("means-of-pictures-hallucinate", "one-step-predictions-hallucinate"),
)
