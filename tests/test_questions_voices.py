"""Definition 4.2 for sentences: averages of answers, thresholds, rates, and the test from end to end."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import ArrayLike

from hallucination.questions import voices
from hallucination.questions.curves import Experiment
from hallucination.questions.datasets import VOICES, misconceptions, open_questions
from hallucination.questions.fine_tuning import Recipe, with_adapter
from hallucination.questions.generation import Decoding, answer
from hallucination.questions.prompts import prompt_tokens, text_of
from hallucination.questions.sequence_probability import log_probability
from hallucination.questions.tiny import tiny
from hallucination.questions.ways import (
    DRAWN,
    GREEDY,
    OWN,
    PLACE_AVERAGE,
    SHUFFLED,
    TOKEN_AVERAGE,
    WAYS,
    Scored,
    place_average,
    rate,
    scored_from,
    threshold,
)

# --- the average place by place -------------------------------------------------------------------------------

END = 0


def nearest(answers: list[list[int]], vocabulary: int) -> list[int]:
    """By going through all matrices of rows with a single one: the smallest mean squared distance to the answers."""
    places = max(map(len, answers))
    eye = np.eye(vocabulary)
    matrices = np.array([eye[[*a, *[END] * (places - len(a))]] for a in answers])
    every = list(itertools.product(range(vocabulary), repeat=places))
    distance = [((matrices - eye[list(row)]) ** 2).sum((1, 2)).mean() for row in every]
    best = list(every[int(np.argmin(distance))])  # of equally near ones the first, with the smaller tokens
    return best[: best.index(END) + 1] if END in best else best


def test_place_average_is_the_nearest_matrix_of_ones() -> None:
    rng = np.random.default_rng(3)
    found = set()
    for _ in range(150):
        answers = []
        for _ in range(rng.integers(1, 6)):
            said = rng.integers(1, 4, rng.integers(0, 4)).tolist()
            answers.append([*said, END] if len(said) < 4 else said)
        assert place_average(answers, END) == nearest(answers, 4), answers
        found.add(len(place_average(answers, END)))
    assert len(found) > 2


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ([[5, 6, 9]], [5, 6, 9]),
        ([[5, 6, 9], [5, 7, 9], [4, 7, 9]], [5, 7, 9]),  # nobody's answer
        ([[5, 9], [5, 9], [5, 6, 7, 9]], [5, 9]),  # ends where most have ended
        ([[5, 9], [5, 6, 9]], [5, 6, 9]),  # a tie goes to the smaller token
        ([[5, 9], [8, 10, 11]], [5, 9]),
        ([[5, 6], [5, 6]], [5, 6]),  # cut off: no end mark is added
    ],
)
def test_place_average(answers: list[list[int]], expected: list[int]) -> None:
    assert place_average(answers, 9) == expected


# --- thresholds and rates -------------------------------------------------------------------------------------


def scored(way: str, log_f: ArrayLike, tokens: ArrayLike | None = None) -> Scored:
    values = np.array(log_f)
    n = values.shape[1]
    counts = np.ones(n) if tokens is None else np.array(tokens, dtype=np.float64)
    return Scored(way, values, counts, tuple(map(str, range(n))))


def test_best_is_the_larger_probability() -> None:
    one = scored(GREEDY, [[-4.0, -9.0], [-6.0, -3.0]], [2, 3])
    assert one.best(per_token=False).tolist() == [-4, -3]
    assert one.best(per_token=True).tolist() == [-2, -1]


@pytest.mark.parametrize("per_token", [False, True])
@pytest.mark.parametrize("share", [0.05, 0.1, 0.5, 0.9])
def test_threshold_leaves_the_share_outside(share: float, per_token: bool) -> None:
    rng = np.random.default_rng(1)
    own = {way: scored(way, -rng.exponential(9, (2, 400)), rng.integers(1, 30, 400)) for way in OWN}
    delta = threshold(own, share, per_token=per_token)
    outside = [rate(one, delta, per_token=per_token) for one in own.values()]
    assert np.mean(outside) == pytest.approx(share, abs=1 / 800)
    rng = np.random.default_rng(2)
    longer = {**own, OWN[1]: scored(OWN[1], own[OWN[1]].log_f * 9, own[OWN[1]].tokens)}
    assert threshold(longer, share, per_token=per_token) < delta  # of both voices' draws together
    other = {**own, GREEDY: scored(GREEDY, -rng.exponential(1, (2, 10)))}
    assert threshold(other, share, per_token=per_token) == delta  # only own draws count


@pytest.mark.parametrize("share", [0, 1, -0.1, 1.1])
def test_impossible_shares(share: float) -> None:
    own = {way: scored(way, [[-1.0], [-2.0]]) for way in OWN}
    with pytest.raises(ValueError, match=f"^the share outside must be strictly between 0 and 1; got {share}$"):
        threshold(own, share, per_token=False)


@pytest.mark.parametrize("per_token", [False, True])
def test_rate_grows_with_delta_from_none_to_all(per_token: bool) -> None:
    rng = np.random.default_rng(1)
    one = scored(DRAWN, -rng.exponential(9, (2, 50)), rng.integers(1, 30, 50))
    rates = [rate(one, delta, per_token=per_token) for delta in np.linspace(-60, 0, 400)]
    assert (rates[0], rates[-1]) == (0, 1)
    assert rates == sorted(rates)
    assert len(set(rates)) > 5


def test_at_most_delta_is_outside() -> None:
    one = scored(DRAWN, [[-1.0, -2.0, -3.0], [-5.0, -5.0, -5.0]])
    assert rate(one, -2.0, per_token=False) == 2 / 3


def test_scores_come_back_from_a_record() -> None:
    one = scored(SHUFFLED, [[-1.23456, -2.0], [-3.0, -4.5]], [3, 4])
    data = json.loads(json.dumps(one.as_data()))
    assert data == {"way": SHUFFLED, "log_f": [[-1.235, -2.0], [-3.0, -4.5]], "tokens": [3, 4], "texts": ["0", "1"]}
    back = scored_from(data)
    assert back.as_data() == data
    assert back.log_f.shape == (2, 2)
    assert back.best(per_token=True).tolist() == [-1.235 / 3, -0.5]


# --- ways of answering ----------------------------------------------------------------------------------------

MODELS = [tiny(torch.float32, seed=s) for s in (2, 7, 9)]
BENCH = misconceptions().head(4, seed=1)
PROMPTS = [prompt_tokens(MODELS[0].tokenizer, q.question, "chat") for q in BENCH.questions]
DRAWS, LENGTH, SEED = 3, 8, 4


@pytest.fixture(scope="module")
def said() -> dict[str, list[list[int]]]:
    return voices._ways(MODELS[:2], MODELS[2], PROMPTS, DRAWS, LENGTH, SEED, 64)


def test_ways_are_all_there(said: dict[str, list[list[int]]]) -> None:
    assert list(said) == list(WAYS)
    assert [name.split()[3] for name in OWN] == list(VOICES)
    assert {len(answers) for answers in said.values()} == {len(PROMPTS)}
    assert all(1 <= len(a) <= LENGTH for answers in said.values() for a in answers)


def test_own_draws_are_whole_laws_of_each_voice(said: dict[str, list[list[int]]]) -> None:
    for k, way in enumerate(OWN):
        assert said[way] == answer(MODELS[k], PROMPTS, Decoding(LENGTH, 1.0, 1.0, SEED + k + 1))


def test_mixture_answers(said: dict[str, list[list[int]]]) -> None:
    assert said[GREEDY] == answer(MODELS[2], PROMPTS, Decoding(LENGTH))
    assert said[TOKEN_AVERAGE] == answer(MODELS[:2], PROMPTS, Decoding(LENGTH))
    assert said[TOKEN_AVERAGE] not in (answer(one, PROMPTS, Decoding(LENGTH)) for one in MODELS)
    end = MODELS[2].tokenizer.eos_token_id
    for k, prompt in enumerate(PROMPTS):
        numbers = range(DRAWS * k, DRAWS * (k + 1))
        drawn = answer(MODELS[2], [prompt] * DRAWS, Decoding(LENGTH, 1.0, 1.0, SEED), questions=numbers)
        assert said[DRAWN][k] == drawn[0]
        assert said[PLACE_AVERAGE][k] == place_average(drawn, end)


def test_shuffled_words_are_a_voice_s_own(said: dict[str, list[list[int]]]) -> None:
    for shuffled, own in zip(said[SHUFFLED], said[OWN[0]], strict=True):
        assert Counter(shuffled) == Counter(own)
        assert shuffled[-1] == own[-1]  # the end mark stays where it is
    assert said[SHUFFLED] != said[OWN[0]]


def test_another_seed_draws_other_answers(said: dict[str, list[list[int]]]) -> None:
    other = voices._ways(MODELS[:2], MODELS[2], PROMPTS, DRAWS, LENGTH, SEED + 1, 2)
    same = {way for way in WAYS if other[way] == said[way]}
    assert same == {GREEDY, TOKEN_AVERAGE}


# --- from end to end ------------------------------------------------------------------------------------------


def test_voices_learn_their_own_answers_and_score_all_ways(tmp_path: Path) -> None:
    lessons = open_questions(3)
    recipe = Recipe(1, batch_size=3, learning_rate=5e-3, seed=2)
    bench = replace(BENCH, questions=BENCH.questions[:2])
    made = Experiment("tiny", bench, tmp_path, dtype="float32", device="cpu")
    both = made.tune("both", [(q.question, q.answer(v)) for q in lessons for v in VOICES], recipe).adapters[1.0]
    found = voices.voices_test(made, lessons, recipe, both, draws=2, length=8)
    assert list(found) == list(WAYS)
    own = []
    for voice in VOICES:
        sign = json.loads((tmp_path / f"{voice}-2" / "recipe.json").read_text("utf8"))
        taught = [[q.question, q.everyday if voice == "everyday" else q.expert] for q in lessons]
        assert sign["pairs_sha256"] == hashlib.sha256(json.dumps(taught).encode()).hexdigest()
        own.append(with_adapter("tiny", tmp_path / f"{voice}-2" / "checkpoint-1", dtype="float32", device="cpu"))
    mixture = with_adapter("tiny", both, dtype="float32", device="cpu")
    prompts = PROMPTS[:2]
    said = voices._ways(own, mixture, prompts, 2, 8, recipe.seed, 64)
    for way, one in found.items():
        assert one.way == way
        assert one.texts == tuple(text_of(mixture.tokenizer, tokens) for tokens in said[way])
        assert one.tokens.tolist() == [len(tokens) for tokens in said[way]]
        expected = [log_probability(v, prompts, said[way])[0] for v in own]
        assert one.log_f == pytest.approx(np.array(expected), rel=1e-5)
    assert (found[GREEDY].log_f[0] != found[GREEDY].log_f[1]).all()
    again = voices.voices_test(made, lessons, recipe, both, draws=2, length=8)
    assert {way: one.as_data() for way, one in again.items()} == {way: one.as_data() for way, one in found.items()}
