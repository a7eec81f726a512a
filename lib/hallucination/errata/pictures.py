"""Errata of §7.3: the text-to-image experiment and its published evaluation."""

from hallucination.errata import erratum

erratum(
    "sec-7.3",
    "two-rules",
    where="§7.3, experiment design and Figure 6; published code of the evaluation",
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
    printed="Implied: the test notices when most of a prompt's pictures lie outside.",
    defect="A mean has lost the spread of what it averages. Under the class's own normal law its log-density is half "
    "the number of components above a picture's. With the published numbers of pictures and components the test "
    "stays silent until nearly all pictures are outside.",
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
    printed="While the loss falls, the rates of hallucination do not converge to zero and fluctuate.",
    defect="In our experiment the loss falls, and the published rule never fires: all its rates are zero. Counted "
    "one by one they are above zero, but so are those of real pictures, of which one in ten may be outside by "
    "construction. Pictures of cats are outside more rarely than that.",
    repair="Compare with real pictures and with the model before fine-tuning. Then the claim holds for the prompts "
    "of the dog and of the pet: the loss falls, and more pictures are outside than before, and than of real ones.",
    refuted_by=("published-rule-fires",),
    repaired_by=(
        "share-above-zero",
        "more-dogs-outside-than-real",
        "more-pets-outside-than-real",
        "fewer-cats-outside-than-real",
        "more-outside-than-before",
        "more-dogs-outside-than-before",
        "more-pets-outside-than-before",
        "share-differs-between-epochs",
        "loss-falls",
    ),
)
erratum(
    "sec-7.3",
    "minimiser",
    where="§7.3, results and ablation",
    printed="The sampled pictures show what a loss-minimising estimator does.",
    defect="The squared loss is minimised by a network that answers pure noise with a mean of the learned pictures. "
    "These answers lie outside. A sampler asks again and again with less noise, and most of its pictures lie inside. "
    "Even in one step a trained network does not draw the mean: at the last noise level the loss hardly weighs its "
    "error there. So the experiment never looks at the minimiser.",
    repair="Test the minimiser itself, which has a closed form, and means of real pictures: Theorem 5.1 speaks of "
    "these.",
    refuted_by=("sampled-pictures-hallucinate",),
    repaired_by=("minimiser-hallucinates", "means-of-pictures-hallucinate", "one-step-pictures-hallucinate"),
)
