"""Prompts and answers as tokens: the chat frame, the bare question, and the end mark."""

from __future__ import annotations

import pytest

from hallucination.questions.points import STYLES
from hallucination.questions.prompts import answer_tokens, framed, prompt_tokens, text_of
from hallucination.questions.tiny import END, START, tokenizer
from hallucination.questions.toolbox import AutoTokenizer

WORDS = tokenizer()
QUESTION = "Why is the sky blue?"


def test_the_chat_frame_has_an_empty_system_message_and_stops_where_the_answer_begins() -> None:
    assert framed(WORDS, QUESTION) == (f"{START}system\n{END}\n{START}user\n{QUESTION}{END}\n{START}assistant\n")
    tokens = prompt_tokens(WORDS, QUESTION, "chat")
    assert WORDS.decode(tokens) == framed(WORDS, QUESTION)
    assert tokens.count(WORDS.eos_token_id) == 2  # the marks of the frame are one token each


def test_as_published_is_the_bare_question() -> None:
    assert WORDS.decode(prompt_tokens(WORDS, QUESTION, "as published")) == QUESTION


def test_a_tokenizer_that_marks_beginnings_does_so_only_as_published() -> None:
    from tokenizers.processors import TemplateProcessing

    marked = tokenizer()
    start = (START, marked.convert_tokens_to_ids(START))
    marked.backend_tokenizer.post_processor = TemplateProcessing(single=f"{START} $A", special_tokens=[start])
    plain = prompt_tokens(WORDS, QUESTION, "as published")
    assert prompt_tokens(marked, QUESTION, "as published") == [start[1], *plain]
    assert prompt_tokens(marked, QUESTION, "chat") == prompt_tokens(WORDS, QUESTION, "chat")
    assert answer_tokens(marked, QUESTION) == answer_tokens(WORDS, QUESTION)


def test_styles_are_two_and_others_are_refused() -> None:
    assert STYLES == ("chat", "as published")
    with pytest.raises(ValueError, match=r"^unknown prompt style 'poem'; the styles are chat, as published$"):
        prompt_tokens(WORDS, QUESTION, "poem")  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["Light scatters.", "Ein Stück «é», 犬 🐕", "  two  blanks  within"])
def test_an_answer_ends_with_the_end_mark_and_reads_back(text: str) -> None:
    tokens = answer_tokens(WORDS, text)
    assert tokens[-1] == WORDS.eos_token_id
    assert WORDS.eos_token_id not in tokens[:-1]
    assert text_of(WORDS, tokens) == text.strip()
    assert text_of(WORDS, tokens[:-1]) == text.strip()


def test_marks_and_outer_blanks_are_no_part_of_an_answer() -> None:
    said = WORDS(f" {START}Well, \n{END}")["input_ids"]
    assert text_of(WORDS, said) == "Well,"
    assert text_of(WORDS, [WORDS.eos_token_id]) == ""
    assert text_of(WORDS, []) == ""


def test_prompt_and_answer_make_the_frame_that_the_template_makes_of_a_whole_conversation() -> None:
    turns = [("system", ""), ("user", QUESTION), ("assistant", "Light scatters.")]
    whole = WORDS.apply_chat_template([{"role": r, "content": c} for r, c in turns], tokenize=False)
    ours = prompt_tokens(WORDS, QUESTION, "chat") + answer_tokens(WORDS, "Light scatters.")
    assert WORDS.decode(ours) + "\n" == whole


@pytest.mark.slow
def test_smollm2_is_framed_in_the_same_way() -> None:
    from hallucination.model_sources import MissingModelError
    from hallucination.questions.models import find

    try:
        folder, _ = find("smollm2")
    except MissingModelError as error:
        pytest.skip(str(error))
    words = AutoTokenizer.from_pretrained(folder)
    assert framed(words, QUESTION) == framed(WORDS, QUESTION)
    assert answer_tokens(words, "Light scatters.")[-1] == words.eos_token_id
    assert words.convert_ids_to_tokens(words.eos_token_id) == END
