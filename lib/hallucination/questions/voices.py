"""Definition 4.2 put to the test: two voices are the latent states, and their models' laws are the densities f_i.

One adapter is trained on each voice's answers and one on both.  The mixture
model then answers in several ways, and every answer gets its probability
under each voice's model.  It δ-hallucinates if the larger of the two is at
most δ.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from hallucination.questions.curves import Experiment
from hallucination.questions.datasets import VOICES, OpenQuestion
from hallucination.questions.fine_tuning import Recipe, with_adapter
from hallucination.questions.generation import Decoding, answer
from hallucination.questions.models import Loaded
from hallucination.questions.prompts import prompt_tokens, text_of
from hallucination.questions.sequence_probability import log_probability
from hallucination.questions.ways import (
    DRAWN,
    GREEDY,
    OWN,
    PLACE_AVERAGE,
    SHUFFLED,
    TOKEN_AVERAGE,
    Scored,
    Tokens,
    place_average,
)


def _ways(
    voices: Sequence[Loaded], both: Loaded, prompts: Sequence[Tokens], draws: int, length: int, seed: int, size: int
) -> dict[str, list[Tokens]]:
    """All answers of all ways, in tokens."""
    greedy = Decoding(length)

    def free(k: int) -> Decoding:
        return Decoding(length, temperature=1.0, top_p=1.0, seed=seed + k)

    found = {
        way: answer(v, prompts, free(k), batch_size=size, label=way)
        for k, (way, v) in enumerate(zip(OWN, voices, strict=True), start=1)
    }
    found[GREEDY] = answer(both, prompts, greedy, batch_size=size, label=GREEDY)
    many = [p for p in prompts for _ in range(draws)]
    drawn = answer(both, many, free(0), batch_size=size, label=DRAWN)
    found[DRAWN] = drawn[::draws]
    found[TOKEN_AVERAGE] = answer(voices, prompts, greedy, batch_size=size, label=TOKEN_AVERAGE)
    end = int(both.tokenizer.eos_token_id)
    found[PLACE_AVERAGE] = [place_average(drawn[k : k + draws], end) for k in range(0, len(drawn), draws)]
    rng = np.random.default_rng(seed)
    found[SHUFFLED] = [[*rng.permutation(a[:-1]).tolist(), a[-1]] for a in found[OWN[0]]]
    return found


def voices_test(
    experiment: Experiment,
    questions: Sequence[OpenQuestion],
    recipe: Recipe,
    both: Path,
    *,
    draws: int = 16,
    length: int = 48,
) -> dict[str, Scored]:
    """Train the voices' models and score every way of answering the experiment's questions.

    Parameters
    ----------
    experiment : Experiment
        Model, folder, and the questions to ask; they should be new to the models.
    questions : sequence of OpenQuestion
        What the models learn: each voice its own answers.
    recipe : Recipe
        As for the mixture.
    both : Path
        Adapter of the mixture model, trained on both answers of the same questions.
    draws : int
        Draws from the mixture model for the average place by place.
    length : int
        Longest answer in tokens.

    Returns
    -------
    dict of str to Scored
        By way of answering, see ``WAYS``.
    """
    adapters = []
    for voice in VOICES:
        pairs = [(q.question, q.answer(voice)) for q in questions]
        tuned = experiment.tune(f"{voice}-{recipe.seed}", pairs, recipe)
        adapters.append(tuned.adapters[max(tuned.adapters)])
    kind = {"dtype": experiment.dtype, "device": experiment.device}
    voices = [with_adapter(experiment.model, a, **kind) for a in adapters]
    mixture = with_adapter(experiment.model, both, **kind)
    words = mixture.tokenizer
    prompts = [prompt_tokens(words, q.question, "chat") for q in experiment.benchmark.questions]
    size = experiment.batch_size
    found = {}
    for way, said in _ways(voices, mixture, prompts, draws, length, recipe.seed, size).items():
        pairs_ = [log_probability(v, prompts, said, batch_size=size, label=f"scoring, {way}") for v in voices]
        log_f = np.array([total for total, _ in pairs_])
        texts = tuple(text_of(words, tokens) for tokens in said)
        found[way] = Scored(way, log_f, pairs_[0][1].astype(np.float64), texts)
    return found
