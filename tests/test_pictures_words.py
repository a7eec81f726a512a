"""The tokenizer made from words: each is one token and comes back as it was, and strange prompts are refused."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path

import numpy as np
import pytest

from hallucination.pictures import words
from hallucination.pictures.captions import PROMPTS, WORDS
from hallucination.pictures.toolbox import CLIPTokenizer
from hallucination.pictures.words import END_OF_WORD, SPECIAL, check_prompt, known_words, spelled, tokenizer_of

LENGTH = 16


@pytest.fixture(scope="module")
def tokenizer() -> CLIPTokenizer:
    return tokenizer_of(WORDS, LENGTH)


def refused(tokenizer: CLIPTokenizer, prompt: str) -> str:
    with pytest.raises(ValueError) as error:
        check_prompt(tokenizer, prompt)
    assert "\n" not in str(error.value)
    return str(error.value)


# --- what it can read -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("word", WORDS)
def test_every_word_of_the_captions_is_one_token_and_comes_back(tokenizer: CLIPTokenizer, word: str) -> None:
    assert tokenizer.tokenize(word) == [word + END_OF_WORD]
    begin, token, end = tokenizer(word)["input_ids"]
    assert tokenizer.convert_ids_to_tokens([begin, end]) == list(SPECIAL)
    assert tokenizer.decode([token]).strip() == word


def test_words_have_numbers_of_their_own(tokenizer: CLIPTokenizer) -> None:
    numbers = tokenizer.convert_tokens_to_ids([word + END_OF_WORD for word in WORDS])
    assert len(set(numbers)) == len(WORDS) and tokenizer.unk_token_id not in numbers
    assert sorted(tokenizer.get_vocab().values()) == list(range(len(tokenizer))), "no number is left out"


@pytest.mark.parametrize("prompt", PROMPTS.values())
def test_the_paper_s_prompts_come_back(tokenizer: CLIPTokenizer, prompt: str) -> None:
    check_prompt(tokenizer, prompt)
    ids = tokenizer(prompt)["input_ids"]
    assert len(ids) == len(prompt.split()) + 2
    assert tokenizer.decode(ids, skip_special_tokens=True).split() == prompt.split()


def test_capitals_spaces_and_marks_do_not_matter(tokenizer: CLIPTokenizer) -> None:
    assert tokenizer("  A  Cute CAT ")["input_ids"] == tokenizer("a cute cat")["input_ids"]
    assert spelled(tokenizer, "A cat, a dog!") == []


def test_short_prompts_are_filled_up_with_the_end_mark(tokenizer: CLIPTokenizer) -> None:
    ids = tokenizer("a cat", padding="max_length")["input_ids"]
    assert len(ids) == LENGTH and set(ids[3:]) == {tokenizer.eos_token_id}


def test_known_words_are_those_it_was_made_of(tokenizer: CLIPTokenizer) -> None:
    assert known_words(tokenizer) == sorted(word for word in WORDS if len(word) > 1)


def test_it_is_the_same_after_saving(tokenizer: CLIPTokenizer, tmp_path: Path) -> None:
    tokenizer.save_pretrained(tmp_path)
    again = CLIPTokenizer.from_pretrained(tmp_path)
    assert again.get_vocab() == tokenizer.get_vocab() and again.model_max_length == LENGTH
    for prompt in (*PROMPTS.values(), "a catfish"):
        assert again(prompt)["input_ids"] == tokenizer(prompt)["input_ids"]


# --- any words ------------------------------------------------------------------------------------------------


def test_order_and_repetitions_do_not_matter() -> None:
    some = ("an", "ant", "ants")
    vocabularies = [tokenizer_of([*order, "ant"], LENGTH).get_vocab() for order in permutations(some)]
    assert all(v == vocabularies[0] for v in vocabularies)


@pytest.mark.parametrize("seed", range(5))
def test_words_that_share_beginnings_ends_and_insides_are_one_token_each(seed: int) -> None:
    chance = np.random.default_rng(seed)
    some = {"".join(chance.choice(list("ab"), chance.integers(1, 8))) for _ in range(40)}
    made = tokenizer_of(some, LENGTH)
    assert {word: made.tokenize(word) for word in some} == {word: [word + END_OF_WORD] for word in some}
    other = "ab" * 4  # eight letters: none of them
    assert len(made.tokenize(other)) > 1 and spelled(made, other) == [other]


@pytest.mark.parametrize("word", ["Dog", "cat-dog", "two words", "7", ""])
def test_what_can_be_no_token_is_one_line(word: str) -> None:
    with pytest.raises(ValueError, match="lower-case letters only; got") as error:
        tokenizer_of(["dog", word], LENGTH)
    assert str(error.value).endswith(repr(word))


# --- prompts that are refused ---------------------------------------------------------------------------------


def test_words_it_never_saw_are_named_with_those_it_knows(tokenizer: CLIPTokenizer) -> None:
    known = sorted(word for word in WORDS if len(word) > 1)
    assert refused(tokenizer, "a cute Unicorn on a catfish") == (
        "the prompt 'a cute Unicorn on a catfish' has words this model never saw: Unicorn, catfish; "
        f"it knows {', '.join(known[: words.SHOWN])} and {len(known) - words.SHOWN} more"
    )


@pytest.mark.parametrize("strange", ["café", "猫", "doggy", "ca", "xyz"])
def test_bytes_and_pieces_of_words_are_strange_too(tokenizer: CLIPTokenizer, strange: str) -> None:
    assert spelled(tokenizer, f"a {strange} and a dog") == [strange, "and"]
    assert f"never saw: {strange};" in refused(tokenizer, f"a {strange}")


def test_a_few_known_words_are_all_listed() -> None:
    assert refused(tokenizer_of(["dog", "cat"], LENGTH), "bird").endswith("never saw: bird; it knows cat, dog")


@pytest.mark.parametrize("prompt", ["", " ", "\n\t"])
def test_an_empty_prompt(tokenizer: CLIPTokenizer, prompt: str) -> None:
    assert refused(tokenizer, prompt) == "a prompt needs at least one word; got an empty one"


def test_the_longest_prompt_and_one_word_more(tokenizer: CLIPTokenizer) -> None:
    longest = " ".join(["cat"] * (LENGTH - 2))
    check_prompt(tokenizer, longest)
    assert refused(tokenizer, f"{longest} dog") == (
        f"the prompt '{longest} dog' has 17 tokens, marks included; this model reads 16 and would ignore the rest"
    )


def test_a_vocabulary_learned_from_texts_may_join_pieces(
    tokenizer: CLIPTokenizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There a word of several tokens is ordinary; one of which only single characters are left is not."""
    monkeypatch.setattr(words, "WHOLE_WORDS_BELOW", 0)
    pieces = [token.removesuffix(END_OF_WORD) for token in tokenizer.tokenize("dogcat")]
    assert "cat" in pieces and "".join(pieces) == "dogcat" and len(pieces) > 1
    assert spelled(tokenizer, "a dogcat xyz") == ["xyz"]
