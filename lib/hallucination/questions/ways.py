"""Definition 4.2 for sentences: ways to answer, and when an answer δ-hallucinates.

Two voices are the latent states, and their models' laws are the densities
f_i.  An answer δ-hallucinates if the larger of its two probabilities is at
most δ.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hallucination.questions.datasets import VOICES

Tokens = list[int]
Floats = NDArray[np.float64]

# Ways to answer.  Each voice's own draws come first: they set δ.  The last is the control that must hallucinate.
OWN = tuple(f"drawn from the {voice} voice" for voice in VOICES)
GREEDY = "greedy"
DRAWN = "drawn from the mixture"
TOKEN_AVERAGE = "average, token by token"
PLACE_AVERAGE = "average, place by place"
SHUFFLED = "a voice's words in random order"
WAYS = (*OWN, GREEDY, DRAWN, TOKEN_AVERAGE, PLACE_AVERAGE, SHUFFLED)


@dataclass(frozen=True)
class Scored:
    """Answers of one way with their probabilities.

    Attributes
    ----------
    way : str
        One of ``WAYS``.
    log_f : array of shape (2, n)
        Log-probability of each answer under each voice's model, in nats.
    tokens : array of shape (n,)
        Number of tokens of each answer.
    texts : tuple of str
        The answers.
    """

    way: str
    log_f: Floats
    tokens: Floats
    texts: tuple[str, ...]

    def best(self, *, per_token: bool) -> Floats:
        """Larger of the two log-probabilities, shape (n,); divided by the number of tokens on request."""
        top: Floats = self.log_f.max(axis=0)
        return top / self.tokens if per_token else top

    def as_data(self) -> dict[str, Any]:
        """Plain data for a record."""
        return {
            "way": self.way,
            "log_f": np.round(self.log_f, 3).tolist(),
            "tokens": self.tokens.astype(int).tolist(),
            "texts": list(self.texts),
        }


def scored_from(data: Mapping[str, Any]) -> Scored:
    """Read back what :meth:`Scored.as_data` wrote."""
    return Scored(
        data["way"],
        np.array(data["log_f"], dtype=np.float64),
        np.array(data["tokens"], dtype=np.float64),
        tuple(data["texts"]),
    )


def place_average(answers: Sequence[Sequence[int]], end: int) -> Tokens:
    """Average of answers as Definition 3.1 would have it, rounded: at each place the token that most answers have.

    An answer is a matrix with one row per place, all zeros but for a one at
    the place's token.  The squared loss is least at the mean of these
    matrices; the nearest matrix of this kind takes each row's largest entry.
    Places after the end of an answer hold the end mark.
    """
    longest = max(map(len, answers))
    said: Tokens = []
    for place in range(longest):
        counts = Counter(a[place] if place < len(a) else end for a in answers)
        said.append(max(sorted(counts), key=lambda t: counts[t]))
        if said[-1] == end:
            break
    return said


def threshold(scored: Mapping[str, Scored], share: float, *, per_token: bool) -> float:
    """Log δ such that a draw from a voice's own model falls to or below it in a share of cases.

    The draws come in equal numbers from both voices, so this is the quantile
    of max_i f_i under the true mixture: regions that hold 1 - `share` of it.

    Raises
    ------
    ValueError
        If `share` is not strictly between 0 and 1.
    """
    if not 0 < share < 1:
        raise ValueError(f"the share outside must be strictly between 0 and 1; got {share}")
    own = np.concatenate([scored[way].best(per_token=per_token) for way in OWN])
    return float(np.quantile(own, share))


def rate(scored: Scored, log_delta: float, *, per_token: bool) -> float:
    """Share of answers that δ-hallucinate: no voice gives them a probability above δ."""
    return float((scored.best(per_token=per_token) <= log_delta).mean())
