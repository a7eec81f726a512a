"""How a question reaches the model: in its chat frame, or bare as published; and how an answer is to be learned."""

from __future__ import annotations

from collections.abc import Sequence

from hallucination.questions.points import STYLES, Style
from hallucination.questions.toolbox import PreTrainedTokenizerBase


def framed(tokenizer: PreTrainedTokenizerBase, question: str) -> str:
    """The question in the model's chat frame, up to where the answer begins.

    The system message is empty: without one, the frames of all our models
    insert a fixed text of 20 tokens that only costs time.
    """
    messages = [{"role": "system", "content": ""}, {"role": "user", "content": question}]
    return str(tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True))


def prompt_tokens(tokenizer: PreTrainedTokenizerBase, question: str, style: Style) -> list[int]:
    """Tokens the model reads before it answers.

    Raises
    ------
    ValueError
        If the style is unknown.
    """
    if style not in STYLES:
        raise ValueError(f"unknown prompt style {style!r}; the styles are {', '.join(STYLES)}")
    if style == "chat":
        return list(tokenizer(framed(tokenizer, question), add_special_tokens=False)["input_ids"])
    return list(tokenizer(question)["input_ids"])


def answer_tokens(tokenizer: PreTrainedTokenizerBase, answer: str) -> list[int]:
    """Tokens of an answer and the mark that ends it."""
    return [*tokenizer(answer, add_special_tokens=False)["input_ids"], tokenizer.eos_token_id]


def text_of(tokenizer: PreTrainedTokenizerBase, tokens: Sequence[int]) -> str:
    """An answer as text, without marks and outer blanks."""
    return str(tokenizer.decode(list(tokens), skip_special_tokens=True)).strip()
