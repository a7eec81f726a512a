"""The two protocols, the measures of an answer, and points on disk."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from hallucination.questions.asking import CUT, ask, measure, protocol
from hallucination.questions.controls import derangement
from hallucination.questions.datasets import Asked, Benchmark, misconceptions
from hallucination.questions.generation import Decoding, answer
from hallucination.questions.points import Point, point_from
from hallucination.questions.prompts import prompt_tokens, text_of
from hallucination.questions.resemblance import resemblance
from hallucination.questions.tiny import tiny

MODEL = tiny(torch.float32)
BENCH = misconceptions().head(4, seed=2)
CHAT, PUBLISHED = protocol("chat"), protocol("as published", seed=3)


def test_protocols_are_the_two_of_the_chapter() -> None:
    assert (CHAT.style, CHAT.decoding, CHAT.echoes) == ("chat", Decoding(48), False)
    assert (PUBLISHED.style, PUBLISHED.echoes) == ("as published", True)
    assert PUBLISHED.decoding == Decoding(80, temperature=0.7, top_p=0.9, seed=3)
    assert protocol("chat", seed=9) == CHAT  # nothing is drawn
    assert protocol("chat", max_new_tokens=7).decoding.max_new_tokens == 7
    assert protocol("as published", max_new_tokens=7).decoding == Decoding(7, 0.7, 0.9, 0)
    for style in ("chat", "as published"):
        with pytest.raises(ValueError, match=r"^max_new_tokens must be at least 1; got 0$"):
            protocol(style, max_new_tokens=0)


@pytest.mark.parametrize("style", ["chat", "as published"])
def test_answers_are_texts_in_the_order_of_the_questions(style: str) -> None:
    how = protocol(style, seed=3, max_new_tokens=9)
    prompts = [prompt_tokens(MODEL.tokenizer, q.question, style) for q in BENCH.questions]
    expected = [text_of(MODEL.tokenizer, said) for said in answer(MODEL, prompts, how.decoding)]
    found = ask(MODEL, BENCH, how)
    assert found == expected == ask(MODEL, BENCH, how, batch_size=1)
    assert len(set(found)) == len(BENCH.questions)
    assert not any(q.question in text for q, text in zip(BENCH.questions, found, strict=True))


def test_only_the_published_protocol_depends_on_a_seed() -> None:
    asked = [ask(MODEL, BENCH, protocol("as published", seed=s, max_new_tokens=9)) for s in (0, 1, 0)]
    assert asked[0] == asked[2] != asked[1]


def question(k: int, best: str, incorrect: str) -> Asked:
    return Asked(
        id=str(k), category="C", question=f"Question {k}, is it so?", best=best, correct=(f"{best} indeed",),
        incorrect=(incorrect, f"{incorrect}, they say"),
    )  # fmt: skip


ASKED = (
    question(1, "Snow is white", "Snow is black as coal and falls upward in every winter of the year"),
    question(2, "Two and two make four", "Five"),
    question(3, "Nobody knows", "All know it"),
)
SMALL = Benchmark("small", "1", "0" * 64, ASKED)
TEXTS = [
    "Snow is black as coal and falls upward in every winter of the year, again and again.",
    "",
    "Nobody knows it",
]
BASE = ["Snow is white, as everybody can see for himself." * 3, "Four", "All know it, and some know more than all"]


def each(texts: list[str], which: str, asked: tuple[Asked, ...] = ASKED) -> list[float]:
    return [resemblance(t, q.right if which == "right" else q.incorrect) for t, q in zip(texts, asked, strict=True)]


def test_chat_scores_the_answer_alone() -> None:
    found = measure(TEXTS, SMALL, CHAT, seed=4)
    assert set(found) == {"wrong", "right", "length", "elsewhere", "cut_wrong", "cut_right"}
    assert found["wrong"].tolist() == each(TEXTS, "wrong")
    assert found["right"].tolist() == each(TEXTS, "right")
    assert found["length"].tolist() == [len(t) for t in TEXTS]
    others = tuple(ASKED[k] for k in derangement(3, 4))
    assert found["elsewhere"].tolist() == each(TEXTS, "wrong", others)
    short = [t[:CUT] for t in TEXTS]
    assert (found["cut_wrong"].tolist(), found["cut_right"].tolist()) == (each(short, "wrong"), each(short, "right"))
    assert found["cut_wrong"][0] != found["wrong"][0]
    shifts = {tuple(measure(TEXTS, SMALL, CHAT, seed=s)["elsewhere"]) for s in range(6)}
    assert len(shifts) == 2  # three questions change places in two ways


def test_as_published_scores_the_question_too() -> None:
    found = measure(TEXTS, SMALL, PUBLISHED)
    echoed = [f"{ASKED[0].question} {TEXTS[0]}", ASKED[1].question, f"{ASKED[2].question} {TEXTS[2]}"]
    assert set(found) - set(measure(TEXTS, SMALL, CHAT)) == {"bare_wrong", "bare_right"}
    assert (found["wrong"].tolist(), found["right"].tolist()) == (each(echoed, "wrong"), each(echoed, "right"))
    assert found["elsewhere"].tolist() == each(echoed, "wrong", tuple(ASKED[k] for k in derangement(3, 0)))
    plain = measure(TEXTS, SMALL, CHAT)
    for name, same in (("bare_wrong", "wrong"), ("bare_right", "right"), ("length", "length")):
        assert found[name].tolist() == plain[same].tolist()
    assert (found["cut_wrong"] == plain["cut_wrong"]).all()


@pytest.mark.parametrize("how", [CHAT, PUBLISHED], ids=["chat", "published"])
def test_the_original_s_answers_are_cut_at_the_lengths_of_the_tuned_ones(how: object) -> None:
    found = measure(TEXTS, SMALL, how, base=BASE)
    cut = [b[: len(t)] for b, t in zip(BASE, TEXTS, strict=True)]
    assert [len(c) for c in cut] == [84, 0, 15]
    assert (found["matched_wrong"].tolist(), found["matched_right"].tolist()) == (
        each(cut, "wrong"),
        each(cut, "right"),
    )


def test_a_text_too_few_is_refused() -> None:
    with pytest.raises(ValueError, match="shorter"):
        measure(TEXTS[:2], SMALL, CHAT)


# --- points ---------------------------------------------------------------------------------------------------


def test_a_point_on_disk_has_four_digits_and_no_words() -> None:
    scores = {"wrong": np.array([1 / 3, 2 / 3]), "length": np.array([12.0, 0.0])}
    point = Point("tuned", 3, 0.5, "as published", scores, ("one", "two"))
    data = json.loads(json.dumps(point.as_data()))
    assert data == {
        "row": "tuned", "seed": 3, "epochs": 0.5, "style": "as published",
        "scores": {"wrong": [0.3333, 0.6667], "length": [12.0, 0.0]},
    }  # fmt: skip
    back = point_from(data)
    assert back.texts == ()
    assert back.as_data() == data
    assert (back.row, back.seed, back.epochs, back.style) == ("tuned", 3, 0.5, "as published")
    assert back.scores["wrong"].dtype == np.float64
    assert point_from({**data, "epochs": 1, "texts": ["a"]}).texts == ("a",)
