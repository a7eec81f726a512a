"""Batched answers: against transformers' own generation, in any batch, from the nucleus, and from an average."""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy import stats

from hallucination.questions import generation
from hallucination.questions.generation import Decoding, answer, decode, from_nucleus, uniforms
from hallucination.questions.models import Loaded
from hallucination.questions.prompts import prompt_tokens
from hallucination.questions.tiny import tiny

MODEL = tiny(torch.float32, seed=0)
OTHER = tiny(torch.float32, seed=3)
END, PAD = MODEL.tokenizer.eos_token_id, MODEL.tokenizer.pad_token_id
LENGTH = 12


def prompts(n: int = 8) -> list[list[int]]:
    """Prompts of many different lengths; neither the shortest nor the longest comes first."""
    asked = ["Why is the sky blue at noon?", "Who?", *(f"How {'very ' * k}old is tree {k}?" for k in range(n - 2))]
    return [prompt_tokens(MODEL.tokenizer, text, "chat") for text in asked]


def early_ending(seed: int = 0) -> Loaded:
    """A tiny model whose end mark is twelve times likelier: its answers end at many different places."""
    made = tiny(torch.float32, seed=seed)
    head = torch.nn.Linear(64, len(made.tokenizer), bias=True)
    with torch.no_grad():
        head.weight.copy_(made.model.lm_head.weight)
        head.bias.zero_()
        head.bias[END] = 2.5
    made.model.lm_head = head
    return Loaded(made.model.eval(), made.tokenizer, made.source)


ENDING = early_ending()
GREEDY, DRAWN = Decoding(LENGTH), Decoding(LENGTH, 1.0, 0.9, seed=5)


# --- decoding as it is asked for ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"max_new_tokens": 0}, "max_new_tokens must be at least 1; got 0"),
        ({"temperature": -0.1}, r"the temperature must be 0 \(greedy\) or positive; got -0.1"),
        ({"top_p": 0.0}, r"top_p must be in \(0, 1\]; got 0.0"),
        ({"top_p": 1.01}, r"top_p must be in \(0, 1\]; got 1.01"),
    ],
)
def test_impossible_decoding_is_refused(change: dict[str, float], reason: str) -> None:
    with pytest.raises(ValueError, match=f"^{reason}$"):
        replace(Decoding(1, 0.0, 1.0), **change)


def test_an_empty_prompt_and_an_empty_batch_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^a prompt is empty; every question needs at least one token$"):
        answer(MODEL, [[5], []], GREEDY)
    with pytest.raises(ValueError, match=r"^the batch size must be at least 1; got 0$"):
        answer(MODEL, [[5]], GREEDY, batch_size=0)
    assert answer(MODEL, [], GREEDY) == []


def test_random_numbers_belong_to_a_seed_and_a_question() -> None:
    first = uniforms(DRAWN, 3)
    assert first.shape == (LENGTH,)
    assert ((first >= 0) & (first < 1)).all()
    assert (uniforms(DRAWN, 3) == first).all()
    assert (uniforms(replace(DRAWN, max_new_tokens=5), 3) == first[:5]).all()
    others = [uniforms(DRAWN, 4), uniforms(replace(DRAWN, seed=6), 3), uniforms(replace(DRAWN, seed=3), 5)]
    assert all((first != other).all() for other in others)


# --- the likeliest tokens -------------------------------------------------------------------------------------


def by_transformers(loaded: Loaded, prompt: list[int], length: int) -> list[int]:
    ids = torch.tensor([prompt])
    out = loaded.model.generate(
        ids, attention_mask=torch.ones_like(ids), do_sample=False, max_new_tokens=length, eos_token_id=END,
        pad_token_id=PAD,
    )  # fmt: skip
    return out[0, len(prompt) :].tolist()


@pytest.mark.parametrize("loaded", [MODEL, ENDING], ids=["long", "ending"])
def test_greedy_answers_are_those_of_transformers(loaded: Loaded) -> None:
    asked = prompts()
    said = answer(loaded, asked, GREEDY, batch_size=4)
    assert said == [by_transformers(loaded, p, LENGTH) for p in asked]
    assert len({tuple(a) for a in said}) > 1


def test_answers_end_at_different_places_and_at_their_first_end_mark() -> None:
    said = [a for decoding in (GREEDY, DRAWN) for a in answer(ENDING, prompts(), decoding)]
    lengths = {len(a) for a in said}
    assert len(lengths) > 5
    assert LENGTH in lengths
    assert all(END not in a[:-1] for a in said)
    assert all(len(a) == LENGTH or a[-1] == END for a in said)


def test_without_an_end_mark_every_answer_has_full_length() -> None:
    said = decode([ENDING.model], prompts(), DRAWN, end=None, pad=PAD)
    assert {len(a) for a in said} == {LENGTH}
    assert any(END in a[:-1] for a in said)
    cut = [a[: a.index(END) + 1] if END in a else a for a in said]
    assert cut == answer(ENDING, prompts(), DRAWN)


# --- no answer depends on its company -------------------------------------------------------------------------


@pytest.mark.parametrize("decoding", [GREEDY, DRAWN], ids=["greedy", "drawn"])
@pytest.mark.parametrize("loaded", [MODEL, ENDING, [ENDING, early_ending(7)]], ids=["long", "ending", "average"])
def test_answers_do_not_depend_on_the_batch(loaded: Loaded | list[Loaded], decoding: Decoding) -> None:
    asked = prompts()
    alone = answer(loaded, asked, decoding, batch_size=1)
    assert [answer(loaded, asked, decoding, batch_size=n) for n in (3, 64)] == [alone] * 2
    mixed = [7, 2, 5, 0]
    part = answer(loaded, [asked[k] for k in mixed], decoding, questions=mixed)
    assert part == [alone[k] for k in mixed]


def test_random_numbers_go_by_the_question_number() -> None:
    asked = [prompts()[0]] * 6
    said = answer(MODEL, asked, DRAWN)
    assert len({tuple(a) for a in said}) == 6
    assert answer(MODEL, asked[:2], DRAWN, questions=[4, 4]) == [said[4]] * 2
    assert answer(MODEL, asked, replace(DRAWN, seed=6)) != said


@pytest.mark.parametrize("decoding", [GREEDY, DRAWN], ids=["greedy", "drawn"])
def test_ended_rows_leave_the_batch_without_a_trace(decoding: Decoding, monkeypatch: pytest.MonkeyPatch) -> None:
    asked, sizes = prompts(16), dict[float, list[int]]()
    plain = generation._Batch.logits
    found = []
    for share in (0.0, 0.75, 1.0):
        seen = sizes.setdefault(share, [])

        def counted(batch: generation._Batch, seen: list[int] = seen) -> torch.Tensor:
            seen.append(len(batch.tokens))
            return plain(batch)

        monkeypatch.setattr(generation._Batch, "logits", counted)
        monkeypatch.setattr(generation, "SHRINK", share)
        found.append(answer([ENDING, early_ending(1)], asked, decoding))
    assert found[0] == found[1] == found[2]
    assert set(sizes[0.0]) == {16}
    assert min(sizes[0.75]) < 16
    assert sum(sizes[1.0]) <= sum(sizes[0.75]) < sum(sizes[0.0])
    # With every ended row gone at once, the work is exactly the tokens said.
    assert sum(sizes[1.0]) == sum(map(len, found[2]))


# --- the nucleus ----------------------------------------------------------------------------------------------

LOGITS = torch.tensor([[2.0, -1.0, 0.5, 0.0, 1.5, -4.0], [0.0, 3.0, -2.0, 0.1, 0.2, 0.3]])
GRID = (np.arange(2000) + 0.5) / 2000
LAST = float(np.nextafter(1.0, 0.0))  # rounds to 1 in float32


def nucleus(row: torch.Tensor, temperature: float, top_p: float) -> dict[int, float]:
    """Tokens and probabilities, from the definition: the smallest set of the likeliest with enough mass."""
    p = np.exp(row.double().numpy() / temperature)
    p /= p.sum()
    kept: dict[int, float] = {}
    for k in np.argsort(-p):
        kept[int(k)] = float(p[k])
        if sum(kept.values()) >= top_p:
            break
    mass = sum(kept.values())
    return {k: q / mass for k, q in kept.items()}


def drawn(row: torch.Tensor, chance: NDArray[np.float64], temperature: float, top_p: float) -> list[int]:
    rows = row.expand(len(chance), -1)
    return from_nucleus(rows, torch.from_numpy(chance), temperature, top_p).tolist()


SETTINGS = list(itertools.product((0.5, 1.0, 2.0), (0.3, 0.7, 0.9, 1.0)))


@pytest.mark.parametrize("guess", [64, 1, 2])
@pytest.mark.parametrize(("temperature", "top_p"), SETTINGS)
def test_draws_follow_the_nucleus(
    temperature: float, top_p: float, guess: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(generation, "NUCLEUS_GUESS", guess)
    for row in LOGITS:
        law = nucleus(row, temperature, top_p)
        counts = Counter(drawn(row, GRID, temperature, top_p))
        assert set(counts) <= set(law)
        for token, p in law.items():  # an even grid of chances hits each token in proportion, up to one chance
            assert abs(counts[token] - p * len(GRID)) <= 1.01, token


@pytest.mark.parametrize("guess", [64, 2])
@pytest.mark.parametrize(("temperature", "top_p"), SETTINGS)
def test_the_nucleus_is_that_of_transformers(
    temperature: float, top_p: float, guess: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    from transformers import TopPLogitsWarper  # not before the library's own imports, see its toolbox

    monkeypatch.setattr(generation, "NUCLEUS_GUESS", guess)
    logits = torch.randn(5, 12, generator=torch.Generator().manual_seed(2)) * 2
    theirs = TopPLogitsWarper(top_p=top_p)(torch.empty(0), logits / temperature).isfinite()
    for row, support in zip(logits, theirs, strict=True):
        allowed = set(support.nonzero()[:, 0].tolist())
        found = set(drawn(row, GRID, temperature, top_p))
        law = nucleus(row, temperature, top_p)
        assert found <= allowed
        assert {k for k in allowed if law.get(k, 0) > 1 / len(GRID)} <= found


def test_frequencies_of_random_draws() -> None:
    law = nucleus(LOGITS[0], 0.7, 0.9)
    chance = np.random.default_rng(11).random(20_000)
    counts = Counter(drawn(LOGITS[0], chance, 0.7, 0.9))
    assert set(counts) == set(law)
    expected = [law[k] * len(chance) for k in sorted(law)]
    assert stats.chisquare([counts[k] for k in sorted(law)], expected).pvalue > 0.01


@pytest.mark.parametrize("guess", [64, 2])
@pytest.mark.parametrize("chance", [0.0, LAST])
@pytest.mark.parametrize(("temperature", "top_p"), SETTINGS)
def test_extreme_chances_stay_in_the_nucleus(
    temperature: float, top_p: float, chance: float, guess: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(generation, "NUCLEUS_GUESS", guess)
    for row in LOGITS:
        law = nucleus(row, temperature, top_p)
        by_rank = sorted(law, key=lambda k: -law[k])
        end = by_rank[0] if chance == 0 else by_rank[-1]
        assert drawn(row, np.array([chance]), temperature, top_p) == [end]


def test_an_impossible_token_is_never_drawn() -> None:
    row = torch.tensor([0.0, -torch.inf, 1.0, -torch.inf])
    assert set(drawn(row, np.array([0.0, 0.5, LAST]), 1.0, 1.0)) == {0, 2}


def test_rows_are_drawn_each_with_its_own_chance() -> None:
    chance = np.array([0.01, 0.99, 0.5])
    rows = LOGITS[[0, 1, 0]]
    together = from_nucleus(rows, torch.from_numpy(chance), 1.5, 0.95).tolist()
    assert together == [drawn(r, chance[[k]], 1.5, 0.95)[0] for k, r in enumerate(rows)]
    assert len(set(together)) > 1


def test_a_wide_vocabulary_takes_the_slow_way_only_where_it_must(monkeypatch: pytest.MonkeyPatch) -> None:
    sorts = []
    plain = torch.Tensor.sort
    monkeypatch.setattr(torch.Tensor, "sort", lambda *a, **k: sorts.append(1) or plain(*a, **k))
    peaked = torch.zeros(1, 500)
    peaked[0, 7] = 12.0
    half = torch.tensor([0.5], dtype=torch.float64)
    assert from_nucleus(peaked, half, 1.0, 0.9).tolist() == [7]
    assert not sorts
    flat = torch.zeros(1, 500)
    late = torch.tensor([0.999], dtype=torch.float64)
    assert len({int(from_nucleus(flat, torch.tensor([u]), 1.0, 0.9)) for u in np.linspace(0, 0.999, 500)}) > 400
    assert from_nucleus(torch.cat([flat, peaked]), torch.cat([late, half]), 1.0, 0.9)[1] == 7
    assert sorts


# --- the average of models ------------------------------------------------------------------------------------


def first_law(loaded: Loaded, prompt: list[int]) -> torch.Tensor:
    with torch.inference_mode():
        return loaded.model(torch.tensor([prompt])).logits[0, -1].double().softmax(-1)


@pytest.mark.parametrize("decoding", [GREEDY, DRAWN], ids=["greedy", "drawn"])
def test_the_average_of_equal_models_is_the_model(decoding: Decoding) -> None:
    asked = prompts()
    assert answer([ENDING, ENDING], asked, decoding) == answer(ENDING, asked, decoding)
    assert answer([ENDING], asked, decoding) == answer(ENDING, asked, decoding)


def test_greedy_takes_the_token_of_largest_mean_probability() -> None:
    asked = prompts(12)
    means = [(first_law(ENDING, p) + first_law(OTHER, p)) / 2 for p in asked]
    said = answer([ENDING, OTHER], asked, Decoding(1))
    assert [a[0] for a in said] == [int(m.argmax()) for m in means]
    geometric = [int((first_law(ENDING, p).log() + first_law(OTHER, p).log()).argmax()) for p in asked]
    assert [a[0] for a in said] != geometric  # the mean of probabilities, not of their logarithms
    assert all(said != answer(one, asked, Decoding(1)) for one in (ENDING, OTHER))


def test_draws_from_the_average_follow_the_mean_of_the_laws() -> None:
    prompt, n = [5], 2000
    mean = ((first_law(ENDING, prompt) + first_law(OTHER, prompt)) / 2).numpy()
    said = answer([ENDING, OTHER], [prompt] * n, Decoding(1, 1.0, 1.0, seed=1), batch_size=n)
    counts = np.bincount([a[0] for a in said], minlength=len(mean))
    often = mean * n >= 5
    observed = [*counts[often], counts[~often].sum()]
    expected = np.array([*mean[often], mean[~often].sum()]) * n
    assert stats.chisquare(observed, expected * n / expected.sum()).pvalue > 0.01


def test_every_token_of_an_average_is_decided_by_all_models() -> None:
    prompt = prompts()[0]
    (said,) = answer([ENDING, OTHER], [prompt], Decoding(8))
    for k, token in enumerate(said):
        mean = first_law(ENDING, prompt + said[:k]) + first_law(OTHER, prompt + said[:k])
        assert token == int(mean.argmax())


@pytest.mark.gpu
def test_answers_on_a_gpu_in_float32_are_those_of_the_processor() -> None:
    asked = prompts()
    there = tiny(torch.float32, "cuda", seed=0)
    for decoding in (GREEDY, DRAWN):
        assert answer(there, asked, decoding) == answer(MODEL, asked, decoding)
