"""Experiment 3 (§7.3), the text: a caption for every picture, by a rule that anyone can apply again.

Small pictures come without captions, so their words are read off the pixels:
how much is lit, whether the lit part is taller than wide, and whether legs
can be seen.  What pixels do not say (friendly, cute, a sofa, a photo), and
which words are told at all, is decided by the digits of the picture's
sha256.  So a caption depends on the picture and its class alone, not on
order, set or process, and the shares of words are near the intended ones,
not equal to them.  (The authors choose among captions by Python's
``hash``, which differs from process to process.)

Photographs are captioned by their class and their place in the set.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hallucination.pictures.sets import BATCH, Images, Pictures

ANIMALS = ("bear", "bird", "cat", "cow", "dog", "elephant", "giraffe", "horse", "sheep", "zebra")
PETS = ("cat", "dog")
SHOES = ("sandal", "sneaker", "ankle boot")
PROMPTS = {
    "dog": "a realistic photo of a friendly dog",
    "cat": "a fluffy cat sitting on a sofa",
    "pet": "a cute pet animal",
}
"""The paper's three prompts under the names of its figures (§7.3; it prints "soft", its code says "sofa")."""

OPENINGS = ("", "a photo of ", "a realistic photo of ")
LIT = 128  # a pixel from here on belongs to the thing, not to the background
SMALL, BIG = 0.16, 0.24  # share of the picture that is lit: below, from here on
TALL = 1.25  # the higher side of the box around what is lit, over the lower one
FULL = 0.5  # share of that box that is lit
GAP, CROUCHED = 0.25, 0.75  # who sits shows hardly a gap between legs, and is not much wider than high


@dataclass(frozen=True)
class Look:
    """What the pixels say: size and shape words ("" for neither), and whether the thing is fluffy or sits."""

    size: str
    shape: str
    full: bool
    sits: bool


def captions(pictures: Pictures) -> list[str]:
    """Return one caption per picture.

    For pictures with one channel: "a photo of a small tall cat" and the like. Of the cats and dogs about 15 % are "a
    cute pet animal" and 7 % "an animal"; of other animals 22 % are "an animal", of shoes "a shoe".
    For photographs: "a cat", "a photo of a cat", "a realistic photo of a cat" in turn.
    """
    names = [pictures.classes[label] for label in pictures.labels]
    if pictures.shape[-1] == 3:
        return [OPENINGS[k % len(OPENINGS)] + with_article(plain(name)) for k, name in enumerate(names)]
    found = []
    for start in range(0, len(pictures), BATCH):
        batch = pictures.pixels(np.arange(start, min(start + BATCH, len(pictures))))[..., 0]
        found += [caption(picture, name) for picture, name in zip(batch, names[start:], strict=False)]
    return found


def caption(picture: Images, name: str) -> str:
    """Caption of one picture of shape (height, width), bright on dark, of the class `name`."""
    turn = _Turns(picture)
    percent = turn(100)
    for share, text in _together(name):
        if percent < share:
            return text
        percent -= share
    look = look_of(picture)
    pet = name in PETS
    sits = pet and look.sits and turn(2) == 0
    told = [
        ("friendly", "cute", "", "")[turn(4)] if pet else "",
        look.size if turn(2) else "",
        "fluffy" if pet and look.full and turn(2) else "",
        look.shape if not sits and turn(2) else "",
        plain(name),
    ]
    place = (" sitting on a sofa" if turn(2) else " sitting") if sits else ""
    return OPENINGS[turn(3)] + with_article(" ".join(word for word in told if word)) + place


def look_of(picture: Images) -> Look:
    """Read size and shape off a picture of shape (height, width), bright on dark; nothing at all is small."""
    lit = picture >= LIT
    if not lit.any():
        return Look("small", "", False, False)
    box = lit[_span(lit, 1), _span(lit, 0)]
    height, width = box.shape
    share = lit.mean()
    size = "small" if share < SMALL else "big" if share >= BIG else ""
    shape = "tall" if height >= TALL * width else "long" if width >= TALL * height else ""
    sits = _gap(box[-max(1, round(height / 4)) :]) < GAP and height >= CROUCHED * width
    return Look(size, shape, bool(box.mean() >= FULL), bool(sits))


def words(classes: Iterable[str]) -> tuple[str, ...]:
    """All words of captions of these classes, sorted; with cats or dogs among them also of the three prompts."""
    classes = tuple(classes)
    texts = [*OPENINGS, *map(plain, classes), "a an small big tall long"]
    texts += [text for name in classes for _, text in _together(name)]
    if set(PETS) & set(classes):
        texts += ["friendly cute fluffy sitting on a sofa", *PROMPTS.values()]
    return tuple(sorted({word for text in texts for word in text.split()}))


def plain(name: str) -> str:
    """A class's name as words: lower case, blanks for other signs; AFHQ's "wild" is a "wild animal"."""
    if name == "wild":
        return "wild animal"
    return " ".join("".join(c if c.isalnum() else " " for c in name.lower()).split())


def with_article(words: str) -> str:
    """Put "a" or "an" before it."""
    return ("an " if words[:1] in tuple("aeiou") else "a ") + words


class _Turns:
    """Whole numbers below any bound, one after the other, from the digits of a picture's sha256."""

    def __init__(self, picture: NDArray[Any]) -> None:
        self.left = int.from_bytes(hashlib.sha256(np.ascontiguousarray(picture).tobytes()).digest(), "big")

    def __call__(self, bound: int) -> int:
        self.left, drawn = divmod(self.left, bound)
        return drawn


def _together(name: str) -> tuple[tuple[int, str], ...]:
    """Percentages of a class's pictures under a word for several classes."""
    if name in PETS:
        return (15, PROMPTS["pet"]), (7, "an animal")
    if name in ANIMALS:
        return ((22, "an animal"),)
    return ((22, "a shoe"),) if name in SHOES else ()


def _span(lit: NDArray[np.bool_], other: int) -> slice:
    """From the first to the last row (column) with a lit pixel, `other` being the axis of the columns (rows)."""
    found = np.flatnonzero(lit.any(axis=other))
    return slice(found[0], found[-1] + 1)


def _gap(rows: NDArray[np.bool_]) -> float:
    """Share of dark pixels between the outermost lit ones of each row."""
    from_left = np.logical_or.accumulate(rows, axis=1)
    from_right = np.logical_or.accumulate(rows[:, ::-1], axis=1)[:, ::-1]
    between = from_left & from_right
    return 1 - rows.sum() / between.sum()


WORDS = words(ANIMALS)
"""All words of the animals' captions and of the three prompts."""
LONGEST = 13
"""Words of the longest caption of the animals."""
