"""Checks of §7.1: exact ones of the published scoring, and rules that turn trained rounds into an outcome."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

import numpy as np
from scipy import stats

from hallucination import coins
from hallucination.checks import Form, Outcome, Result, check, decide, fails, holds, undecided
from hallucination.coins import Floats
from hallucination.coins_scores import Interval, exam, interval, rank_correlation

CLAIM = "sec-7.1"
NEGLIGIBLE = 0.3  # a rank correlation of at most this size counts as none
SLACK = Fraction(1, 100)

Rounds = Mapping[int, Sequence[float | None]]  # rank correlation of every round, by N


@check(
    CLAIM,
    "The published evaluation expects exactly half a head too little of every subset of coins (N = 1 … 6).",
    form="stronger",
    part="proof",
    evidence="exact",
    statement={"shift": Fraction(1, 2)},
    control={"shift": Fraction(1)},
)
def published_mean_is_shifted(shift: Fraction) -> Outcome:
    """Compare the expected counts of the data and of the published evaluation, subset by subset."""
    for n in range(1, 7):
        true, used = coins.head_probabilities(n), coins.published_probabilities(n)
        for row in coins.subsets(n):
            gap = sum((true[i] - used[i] for i in row), Fraction(0))
            if gap != shift:
                return fails(f"N={n}, coins {row.tolist()}: {gap} of a head too low, not {shift}")
    return holds(f"{shift} of a head too low for every subset")


@check(
    CLAIM,
    "As published, the estimate of least loss scores within 0.01 of the best that any estimate can.",
    form="printed",
    part="proof",
    evidence="exact",
    name="published-score-is-highest-at-least-loss",
    statement={"law": "published", "rounding": "up"},
    control={"law": "published", "rounding": "nearest"},
)
@check(
    CLAIM,
    "With the data's own law and the nearest count, the estimate of least loss scores within 0.01 of the best.",
    form="repaired",
    part="proof",
    evidence="exact",
    name="corrected-score-is-highest-at-least-loss",
    statement={"law": "data", "rounding": "nearest"},
    control={"law": "data", "rounding": "up"},
)
def least_loss_scores_best(law: str, rounding: str) -> Outcome:
    """Compare the score at the least loss with the highest score.

    The two laws are mirror images of each other (heads for tails), so their highest scores agree.
    """
    gaps = {n: coins.optimum(n).at_mode - coins.at_least_loss(n, law, rounding) for n in range(2, 7)}
    worst = max(gaps, key=lambda n: gaps[n])
    score, best = float(coins.at_least_loss(worst, law, rounding)), float(coins.optimum(worst).at_mode)
    found = f"N={worst}: {score:.4f} at the least loss, {best:.4f} at best"
    return decide(gaps[worst] <= SLACK, found, found)


def intervals(rounds: Rounds, confidence: float = 0.95, *, joint: bool = True) -> dict[int, Interval | None]:
    """Mean rank correlation for every N with its interval.

    With `joint`, all intervals together have the given confidence (Bonferroni):
    needed where one of them suffices to decide.
    """
    each = 1 - (1 - confidence) / len(rounds) if joint else confidence
    return {n: interval(values, each) for n, values in rounds.items()}


def in_words(rounds: Rounds) -> str:
    """Say for which N the score rises, falls, or does neither clearly while the loss falls (joint intervals)."""
    found = intervals(rounds)
    kinds = {
        "the score rises while the loss falls": [n for n, i in found.items() if i and i.high < 0],
        "the score falls with the loss": [n for n, i in found.items() if i and i.low > 0],
        "no clear relation": [n for n, i in found.items() if i and i.low <= 0 <= i.high],
        "undefined": [n for n, i in found.items() if i is None],
    }
    return "; ".join(f"{kind} for N = {', '.join(map(str, ns))}" for kind, ns in kinds.items() if ns)


def _words(n: int, found: Interval | None) -> str:
    if found is None:
        return f"N={n}: undefined"
    return f"N={n}: {found.mean:.2f} in [{found.low:.2f}, {found.high:.2f}]"


def no_relation(rounds: Rounds) -> Outcome:
    """Judge "loss and conditional probability are not correlated" from the rank correlations of the rounds.

    The statement fails if for some N the interval of the mean excludes 0, holds
    if every interval lies within ±``NEGLIGIBLE``, and is undecided otherwise:
    a wide interval around 0 is no evidence of absence.
    """
    found = intervals(rounds)
    words = "; ".join(_words(n, i) for n, i in found.items())
    known = [i for i in found.values() if i is not None]
    if any(i.low > 0 or i.high < 0 for i in known):
        return fails(f"rank correlation {words}")
    if len(known) == len(found) and all(max(-i.low, i.high) <= NEGLIGIBLE for i in known):
        return holds(f"rank correlation {words}")
    return undecided(f"rank correlation {words}: more rounds are needed")


def fall_together(rounds: Rounds) -> Outcome:
    """Judge "as loss falls, conditional probability falls" from the rank correlations of the rounds.

    The statement holds if for every N the interval of the mean lies above 0,
    fails if for some N it lies below ``NEGLIGIBLE``, and is undecided otherwise.
    """
    found = intervals(rounds, joint=False)
    words = "; ".join(_words(n, i) for n, i in found.items())
    known = [i for i in found.values() if i is not None]
    if any(i.high < NEGLIGIBLE for i in known):
        return fails(f"rank correlation {words}")
    if len(known) == len(found) and all(i.low > 0 for i in known):
        return holds(f"rank correlation {words}")
    return undecided(f"rank correlation {words}: more rounds are needed")


def straight_walk(n: int, rounds: int, points: int = 20, seed: int = 0) -> list[float | None]:
    """Rank correlations of an estimator that is known to improve: it walks from 0 straight to the optimum.

    Every round adds its own small noise.  This is the positive control of
    :func:`no_relation`: scored like a network, it must show a relation.
    """
    asked = exam(n)
    found = []
    for k in range(rounds):
        rng = np.random.default_rng((seed, n, k))
        path = np.linspace(0, 1, points)[:, None] * asked.means + 0.02 * rng.standard_normal(
            (points, len(asked.means))
        )
        risk, probability = (np.array([score(e) for e in path]) for score in (asked.risk, asked.probability))
        found.append(rank_correlation(risk, probability))
    return found


def false_alarms(curves: Mapping[int, Sequence[tuple[Floats, Floats]]], shuffles: int = 200, seed: int = 0) -> float:
    """Share of random re-orderings of the losses in which :func:`no_relation` still finds a relation.

    Parameters
    ----------
    curves : mapping from N to a sequence of pairs of arrays
        Loss and conditional probability of every round.
    shuffles, seed : int
        Number of re-orderings, and the seed of their order.
    """
    rng = np.random.default_rng(seed)
    ranked = {n: [(stats.rankdata(a), stats.rankdata(b)) for a, b in pairs] for n, pairs in curves.items()}
    alarms = 0
    for _ in range(shuffles):
        rounds = {n: [_shuffled(a, b, rng) for a, b in pairs] for n, pairs in ranked.items()}
        alarms += no_relation(rounds).verb == "fails"
    return alarms / shuffles


def _shuffled(a: Floats, b: Floats, rng: np.random.Generator) -> float | None:
    if np.ptp(a) == 0 or np.ptp(b) == 0:
        return None
    return float(np.corrcoef(rng.permutation(a), b)[0, 1])


def from_experiment(corrected: Rounds, hidden: Rounds, seconds: float) -> list[Result]:
    """Evidence of a run of the experiment.

    The printed statement is judged on the corrected protocol; its control is a
    learner that is known to improve.  What we put in its place, that falling
    loss goes with falling conditional probability once a state is hidden, has as
    control the same sentence about the corrected protocol, where nothing is hidden.

    Parameters
    ----------
    corrected, hidden : mapping from N to the rank correlation of every round
        Of expected loss and conditional probability, under the two protocols.
    seconds : float
        Time of the training.
    """
    walk = {n: straight_walk(n, max(2, len(values))) for n, values in corrected.items()}
    return [
        _result(
            "trained-loss-and-probability-are-unrelated",
            "While the network trains, its loss does not correlate with the conditional probability of its estimate.",
            "printed",
            (no_relation(corrected), no_relation(walk)),
            seconds,
        ),
        _result(
            "hidden-state-drives-probability-down",
            "With a hidden state behind the outcome, the estimate's conditional probability falls with the loss.",
            "stronger",
            (fall_together(hidden), fall_together(corrected)),
            seconds,
        ),
    ]


def _result(name: str, says: str, form: Form, outcomes: tuple[Outcome, Outcome], seconds: float) -> Result:
    outcome, control = outcomes
    return Result(
        id=f"{CLAIM}/{name}",
        claim=CLAIM,
        part="statement",
        form=form,
        evidence="experiment",
        says=says,
        reading="",
        outcome=outcome.verb,
        detail=outcome.detail,
        control=control.verb,
        control_detail=control.detail,
        seconds=round(seconds, 1),
    )
