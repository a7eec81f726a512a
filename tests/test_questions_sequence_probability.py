"""Log-probability of an answer given its prompt, against the plain computation one answer at a time."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from hallucination.questions.generation import Decoding, answer
from hallucination.questions.models import Loaded
from hallucination.questions.prompts import answer_tokens, prompt_tokens
from hallucination.questions.sequence_probability import IGNORED, answer_logits, log_probability, pack
from hallucination.questions.tiny import tiny

MODEL = tiny(torch.float32)
WORDS = MODEL.tokenizer
PROMPTS = [prompt_tokens(WORDS, text, "chat") for text in ("Why is the sky blue at noon?", "Who?", "How old is it?")]
ANSWERS = [answer_tokens(WORDS, text) for text in ("No.", "", "As old as the hills, and older than that.")]


def plainly(loaded: Loaded, prompt: list[int], said: list[int]) -> float:
    """Token by token, without padding, batches or slices."""
    total = 0.0
    for k, token in enumerate(said):
        with torch.inference_mode():
            logits = loaded.model(torch.tensor([prompt + said[:k]])).logits[0, -1]
        total += float(logits.double().log_softmax(-1)[token])
    return total


def test_equals_the_plain_computation() -> None:
    expected = [plainly(MODEL, p, a) for p, a in zip(PROMPTS, ANSWERS, strict=True)]
    total, tokens = log_probability(MODEL, PROMPTS, ANSWERS)
    assert total == pytest.approx(expected, rel=1e-5)
    assert tokens.tolist() == [4, 1, 42]
    assert total.dtype == np.float64
    assert len(set(np.round(total, 3))) == 3


@pytest.mark.parametrize("size", [1, 2, 3])
def test_does_not_depend_on_batch_and_order(size: int) -> None:
    total, tokens = log_probability(MODEL, PROMPTS, ANSWERS)
    turned = [2, 0, 1]
    found = log_probability(MODEL, [PROMPTS[k] for k in turned], [ANSWERS[k] for k in turned], batch_size=size)
    assert found[0] == pytest.approx(total[turned], rel=1e-5)
    assert found[1].tolist() == tokens[turned].tolist()


def test_the_filler_is_never_looked_at() -> None:
    rows = [pack(PROMPTS, ANSWERS, pad, "cpu") for pad in (0, 77)]
    assert (rows[0][0]["input_ids"] != rows[1][0]["input_ids"]).any()
    with torch.inference_mode():
        first, second = (answer_logits(MODEL.model, inputs, target.shape[1]) for inputs, target in rows)
    scored = rows[0][1] != IGNORED
    assert torch.equal(first[scored], second[scored])


def test_probabilities_of_all_answers_of_one_token_sum_to_one() -> None:
    every = list(range(len(WORDS)))
    total, _ = log_probability(MODEL, [PROMPTS[1]] * len(every), [[k] for k in every], batch_size=100)
    assert math.fsum(np.exp(total)) == pytest.approx(1, abs=1e-5)
    # And of all continuations of one answer, to that answer's own probability.
    start, _ = log_probability(MODEL, [PROMPTS[1]], [[9]])
    total, _ = log_probability(MODEL, [PROMPTS[1]] * len(every), [[9, k] for k in every], batch_size=100)
    assert math.fsum(np.exp(total)) == pytest.approx(math.exp(start[0]), rel=1e-4)


def test_answer_logits_are_a_slice_of_all_logits() -> None:
    inputs, target = pack(PROMPTS, ANSWERS, 0, "cpu")
    length = target.shape[1]
    with torch.inference_mode():
        every = MODEL.model(**inputs).logits
        some = answer_logits(MODEL.model, inputs, length)
    assert some.shape == (3, length, len(WORDS))
    torch.testing.assert_close(some, every[:, -length - 1 : -1])


def test_pack_puts_answers_at_the_end() -> None:
    inputs, target = pack([[5, 6, 7], [8]], [[1], [2, 3]], 99, "cpu")
    assert inputs["input_ids"].tolist() == [[5, 6, 7, 1], [99, 8, 2, 3]]
    assert inputs["attention_mask"].tolist() == [[1, 1, 1, 1], [0, 1, 1, 1]]
    assert inputs["position_ids"].tolist() == [[0, 1, 2, 3], [0, 0, 1, 2]]
    assert target.tolist() == [[IGNORED, 1], [2, 3]]


def test_a_token_of_the_answer_that_equals_the_filler_counts() -> None:
    # The end mark is the filler too; leaving it out would forget that an answer must end.
    with_end, _ = log_probability(MODEL, PROMPTS[:1], [[9, WORDS.eos_token_id]])
    without, _ = log_probability(MODEL, PROMPTS[:1], [[9]])
    assert with_end[0] < without[0]
    assert with_end[0] == pytest.approx(plainly(MODEL, PROMPTS[0], [9, WORDS.eos_token_id]), rel=1e-5)


def test_the_greedy_token_is_the_likeliest_answer_of_one_token() -> None:
    said = answer(MODEL, PROMPTS, Decoding(1))
    for prompt, (best,) in zip(PROMPTS, said, strict=True):
        total, _ = log_probability(MODEL, [prompt] * len(WORDS), [[k] for k in range(len(WORDS))], batch_size=258)
        assert total.argmax() == best


@pytest.mark.parametrize(
    ("prompts", "answers", "size", "reason"),
    [
        ([[1]], [[1], [2]], 1, "1 prompts but 2 answers"),
        ([[]], [[1]], 1, "every prompt and every answer needs at least one token"),
        ([[1]], [[]], 1, "every prompt and every answer needs at least one token"),
        ([[1]], [[1]], 0, "the batch size must be at least 1; got 0"),
        ([[1]], [[1]], -1, "the batch size must be at least 1; got -1"),
    ],
)
def test_refusals(prompts: list[list[int]], answers: list[list[int]], size: int, reason: str) -> None:
    with pytest.raises(ValueError, match=f"^{reason}$"):
        log_probability(MODEL, prompts, answers, batch_size=size)


def test_nothing_to_score() -> None:
    total, tokens = log_probability(MODEL, [], [])
    assert total.shape == tokens.shape == (0,)


@pytest.mark.slow
def test_smollm2_scores_a_sensible_answer_higher() -> None:
    from hallucination.model_sources import MissingModelError
    from hallucination.questions.models import load

    try:
        loaded = load("smollm2", dtype="float32", device="cpu")
    except MissingModelError as error:
        pytest.skip(str(error))
    prompt = prompt_tokens(loaded.tokenizer, "What is the capital of France?", "chat")
    said = [answer_tokens(loaded.tokenizer, f"The capital of France is {city}.") for city in ("Paris", "Oslo")]
    total, _ = log_probability(loaded, [prompt] * 2, said)
    assert total[0] > total[1] + 2
    assert total == pytest.approx([plainly(loaded, prompt, a) for a in said], rel=1e-3)
