"""A tokenizer made from a list of words, and prompts refused that it would have to spell.

CLIP's byte-pair encoding never fails: a word it does not know becomes pieces,
at worst its bytes.  A small model has never seen those pieces together, and
its picture would show nothing but noise; better to say so.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from typing import Any

from tokenizers import models, pre_tokenizers

from hallucination.pictures.toolbox import CLIPTokenizer

END_OF_WORD = "</w>"
SPECIAL = ("<|startoftext|>", "<|endoftext|>")
WHOLE_WORDS_BELOW = 10_000  # a vocabulary smaller than this was made from a list of words, not learned from texts
SHOWN = 12


def tokenizer_of(words: Iterable[str], max_length: int) -> CLIPTokenizer:
    """CLIP's kind of tokenizer with one token for each given word.

    Parameters
    ----------
    words : iterable of str
        Lower-case words; order and repetitions do not matter.
    max_length : int
        Tokens of a prompt, its two marks included.

    Raises
    ------
    ValueError
        If a word is not made of lower-case letters: CLIP lowers case and cuts at everything else.
    """
    known = sorted(set(words))
    for word in known:
        if not (word.isalpha() and word == word.lower()):
            raise ValueError(f"words of a tokenizer must be lower-case letters only; got {word!r}")
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: i for i, token in enumerate([*SPECIAL, *letters, *(c + END_OF_WORD for c in letters)])}
    merges: list[tuple[str, str]] = []
    for word in known:
        # The earliest merge that fits is always made first.  So the pieces that earlier words leave of this one are
        # joined by merges of its own, which come too late to change those words.
        while len(pieces := _pieces(word, vocabulary, merges)) > 1:
            merges.append((pieces[0], pieces[1]))
            vocabulary.setdefault(pieces[0] + pieces[1], len(vocabulary))
    pairs: Any = merges  # its annotation knows only merges written as text
    return CLIPTokenizer(vocab=vocabulary, merges=pairs, model_max_length=max_length)


def _pieces(word: str, vocabulary: dict[str, int], merges: list[tuple[str, str]]) -> list[str]:
    found = models.BPE(vocab=vocabulary, merges=merges, end_of_word_suffix=END_OF_WORD).tokenize(word)
    return [token.value for token in found]


def known_words(tokenizer: CLIPTokenizer) -> list[str]:
    """Words of two letters or more that are one token, in alphabetical order."""
    whole = (t.removesuffix(END_OF_WORD) for t in tokenizer.get_vocab() if t.endswith(END_OF_WORD))
    return sorted(word for word in whole if len(word) > 1)


def spelled(tokenizer: CLIPTokenizer, prompt: str) -> list[str]:
    """Words of a prompt that the tokenizer cannot read.

    With a vocabulary made from words these are all that become several
    tokens; with one learned from texts, those of which only bytes are left.
    """
    encoded = tokenizer(prompt, return_offsets_mapping=True)
    whole = len(tokenizer) < WHOLE_WORDS_BELOW
    found = []
    spots = zip(encoded.word_ids(), encoded["offset_mapping"], encoded["input_ids"], strict=True)
    for word, group in groupby(spots, key=lambda spot: spot[0]):
        pieces = list(group)
        if word is None or len(pieces) == 1:
            continue
        tokens = tokenizer.convert_ids_to_tokens([token for _, _, token in pieces])
        if whole or all(len(token.removesuffix(END_OF_WORD)) == 1 for token in tokens):
            found.append(prompt[pieces[0][1][0] : pieces[-1][1][1]])
    return found


def check_prompt(tokenizer: CLIPTokenizer, prompt: str) -> None:
    """Refuse a prompt that the tokenizer would spell, or cut off.

    Raises
    ------
    ValueError
        In one line, with the words in question and some of those known, or with the lengths.
    """
    if not prompt.strip():
        raise ValueError("a prompt needs at least one word; got an empty one")
    strange = spelled(tokenizer, prompt)
    if strange:
        known = known_words(tokenizer)
        some = ", ".join(known[:SHOWN]) + (f" and {len(known) - SHOWN} more" if len(known) > SHOWN else "")
        raise ValueError(
            f"the prompt {prompt!r} has words this model never saw: {', '.join(strange)}; it knows {some}"
        )
    length = len(tokenizer(prompt)["input_ids"])
    if length > tokenizer.model_max_length:
        raise ValueError(
            f"the prompt {prompt!r} has {length} tokens, marks included; "
            f"this model reads {tokenizer.model_max_length} and would ignore the rest"
        )
