"""Errata of §7.2: the language-model experiment and its published evaluation."""

from hallucination.errata import erratum

erratum(
    "sec-7.2",
    "table",
    where="§7.2, results; Table 1",
    printed="Both models show a consistent increase of the resemblance over additional epochs, for all seeds.",
    defect="One column of the table has the same number in two rows. Most of each rise lies before the first "
    "fine-tuned row, and the plot hides this by drawing the original model at epoch 1.",
    repair="Say what the caption says: no column falls.",
    refuted_by=("table-rises-with-every-row",),
    repaired_by=("table-never-falls",),
)
erratum(
    "sec-7.2",
    "measure",
    where="§7.2, objective and metric",
    printed="Hallucination is measured by the resemblance of an answer to common incorrect answers.",
    defect="Letter matching does not tell true from false. True answers, written by people, resemble the incorrect "
    "ones more than any model of the table does; and shortening a text that answers nothing moves the score more "
    "than the whole table does.",
    repair="Compare with correct answers by the same ruler, at equal length, and look at the difference only.",
    refuted_by=("true-answers-score-low",),
    repaired_by=("length-alone-moves-the-score",),
)
erratum(
    "sec-7.2",
    "echo",
    where="§7.2, published code of the evaluation",
    printed="The score is that of the model's answer.",
    defect="The text that is scored begins with the question. Most of the score is the question's own, and a model "
    "that says nothing still gets it. Fine-tuning on answers to other questions raises it as well.",
    repair="Score the answer alone, in the model's chat frame.",
    refuted_by=("score-speaks-of-the-answer",),
    repaired_by=("chat-score-rises", "shuffled-answers-raise-the-published-score"),
)
erratum(
    "sec-7.2",
    "epochs",
    where="§7.2, results; Figure 4",
    printed="The resemblance to incorrect answers increases with further epochs of fine-tuning, and the increase "
    "speaks of the models' alignment with these answers.",
    defect="On our questions the jump comes with the first epoch, when the answers become short. From there on the "
    "resemblance falls while the training loss goes on falling. At equal length, the answers after the last "
    "epoch resemble the incorrect ones less than the original model's do.",
    repair="Claim the paired gap only: fine-tuning moves answers a little closer to incorrect references than to "
    "correct ones.",
    refuted_by=("further-epochs-raise-it", "rise-beyond-length"),
    repaired_by=("gap-widens",),
)
erratum(
    "sec-7.2",
    "definition",
    where="§7.2, objective and results",
    printed="The fine-tuned models' answers support that a model of low loss δ-hallucinates.",
    defect="The experiment has no states, no densities and no δ. Where they are supplied, by two voices with a model "
    "each, neither the likeliest answer of the model of both voices nor a draw from it lies outside the voices' "
    "regions for most questions. Averaged answers are so short that as a whole they are not improbable.",
    repair="The squared-loss optimum of Definition 3.1 is an average of answers. Per token it lies outside both "
    "voices' regions for most questions. A language model does not give this answer: it draws.",
    refuted_by=(
        "likeliest-answer-hallucinates",
        "drawn-answer-hallucinates",
        "averaged-answer-hallucinates-as-a-whole",
    ),
    repaired_by=("averaged-answer-hallucinates", "shuffled-words-hallucinate"),
)
