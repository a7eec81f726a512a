"""Checks of §7.1: exact ones of the published scoring, and rules that turn trained rounds into an outcome."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

import numpy as np

from hallucination import coins
from hallucination.checks import Form, Outcome, Result, check, decide, fails, holds, undecided
from hallucination.coins import Floats
from hallucination.coins_scores import Interval, exam, interval, rank_correlation

CLAIM = "sec-7.1"
# Thresholds of ours; the paper names none.
CONFIDENCE = 0.95  # of all intervals of one row of the experiment together
NEGLIGIBLE = 0.3  # a rank correlation of at most this size counts as none
SLACK = Fraction(1, 100)  # a score this close to the best counts as the best
SHUFFLES = 200  # random re-orderings that look for false alarms

PAPER_SIZES = (2, 3, 5)  # the N of the paper
EQUAL_SIZES = (2, 3)  # where the least-loss estimate is the likeliest count, ties settled in its favour

# Three readings of what §7.1 says.
BY_PUBLISHED_SCORE = "by the published score"
BY_CONSISTENT_SCORE = "by a consistent score"
NOT_LIKELIEST = "the least loss need not be the likeliest"

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
    f"As published, the estimate of least loss scores within {float(SLACK)} of the best (N = 2 … 6).",
    form="printed",
    part="proof",
    evidence="exact",
    name="published-score-is-highest-at-least-loss",
    statement={"law": "published", "rounding": "up"},
    control={"law": "published", "rounding": "nearest"},
)
@check(
    CLAIM,
    f"By the data's law and the nearest count, the least loss scores within {float(SLACK)} of the best (N = 2 … 6).",
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


@check(
    CLAIM,
    "For some N of the paper, the estimate of least loss is on average less likely than the likeliest count.",
    form="printed",
    evidence="exact",
    reading=NOT_LIKELIEST,
    statement={"sizes": PAPER_SIZES},
    control={"sizes": EQUAL_SIZES},
)
def least_loss_need_not_be_likeliest(sizes: Sequence[int]) -> Outcome:
    """Look for an N among `sizes` whose mean, rounded to the nearest count, misses the mode.

    A mean halfway between two counts goes to the likelier one, so that no tie decides.
    """
    words = []
    for n in sizes:
        reached, best = coins.at_least_loss_kindly(n), coins.optimum(n).at_mode
        if reached < best:
            return holds(f"N={n}: {float(reached):.4f} at the least loss, {float(best):.4f} at best")
        words.append(f"N={n}: both {float(best):.4f}")
    return fails("; ".join(words))


def intervals(rounds: Rounds) -> dict[int, Interval | None]:
    """Mean rank correlation for every N, with intervals that hold jointly.

    All intervals of the row together have confidence ``CONFIDENCE``
    (Bonferroni), since one of them suffices to decide.
    """
    each = 1 - (1 - CONFIDENCE) / len(rounds)
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
    found = intervals(rounds)
    words = "; ".join(_words(n, i) for n, i in found.items())
    known = [i for i in found.values() if i is not None]
    if any(i.high < NEGLIGIBLE for i in known):
        return fails(f"rank correlation {words}")
    if len(known) == len(found) and all(i.low > 0 for i in known):
        return holds(f"rank correlation {words}")
    return undecided(f"rank correlation {words}: more rounds are needed")


def straight_walk(
    n: int, rounds: int, *, by_published: bool = False, points: int = 20, seed: int = 0
) -> list[float | None]:
    """Rank correlations of an estimator that is known to improve: it walks from 0 straight to the optimum.

    Every round adds its own small noise.  This is the positive control of
    :func:`no_relation`: scored like a network, it must show a relation.  By the
    published score the relation is there too, but its sign depends on N.
    """
    asked = exam(n)
    found = []
    for k in range(rounds):
        rng = np.random.default_rng((seed, n, k))
        path = np.linspace(0, 1, points)[:, None] * asked.means + 0.02 * rng.standard_normal(
            (points, len(asked.means))
        )
        risk = np.array([asked.risk(e) for e in path])
        score = np.array([asked.published(e)[0] if by_published else asked.probability(e) for e in path])
        found.append(rank_correlation(risk, score))
    return found


def false_alarms(
    curves: Mapping[int, Sequence[tuple[Floats, Floats]]], shuffles: int = SHUFFLES, seed: int = 0
) -> float:
    """Share of random re-orderings of the losses in which :func:`no_relation` still finds a relation.

    Parameters
    ----------
    curves : mapping from N to a sequence of pairs of arrays
        Loss and conditional probability of every round.
    shuffles, seed : int
        Number of re-orderings, and the seed of their order.
    """
    rng = np.random.default_rng(seed)
    alarms = 0
    for _ in range(shuffles):
        rounds = {n: [rank_correlation(rng.permutation(a), b) for a, b in pairs] for n, pairs in curves.items()}
        alarms += no_relation(rounds).verb == "fails"
    return alarms / shuffles


def from_experiment(
    published: Rounds, consistent: Rounds, corrected: Rounds, hidden: Rounds, seconds: float
) -> list[Result]:
    """Evidence of a run of the experiment: two readings of the printed sentence, then two sentences of ours.

    The printed sentence is judged on the published networks only, once by the
    published score and once by a consistent one.  Its control is the same
    sentence about a learner that is known to improve.  That falling loss goes
    with falling conditional probability once a state is hidden has as control
    the same sentence about the corrected protocol, where nothing is hidden.

    Parameters
    ----------
    published, consistent, corrected, hidden : mapping from N to the rank correlation of every round
        Of loss and score: as published; of the published networks, scored
        consistently; under the corrected protocol; with a hidden state.
    seconds : float
        Time of the training.
    """

    def walk(by_published: bool) -> Outcome:
        rounds = {n: straight_walk(n, max(2, len(v)), by_published=by_published) for n, v in published.items()}
        return no_relation(rounds)

    plain = walk(False)
    return [
        _result(
            "published-score-is-unrelated-to-loss",
            "While the published networks train, their falling loss tells nothing about the published score.",
            "printed",
            (no_relation(published), walk(True)),
            seconds,
            BY_PUBLISHED_SCORE,
        ),
        _result(
            "published-networks-are-unrelated-to-loss",
            "While the published networks train, their falling loss tells nothing about how likely their answers "
            "are, given the labels.",
            "printed",
            (no_relation(consistent), plain),
            seconds,
            BY_CONSISTENT_SCORE,
        ),
        _result(
            "corrected-networks-are-unrelated-to-loss",
            "Under the corrected protocol, falling loss tells nothing about how likely the answers are.",
            "stronger",
            (no_relation(corrected), plain),
            seconds,
        ),
        _result(
            "hidden-state-drives-probability-down",
            "With a hidden state behind the outcome, from an untrained network on, the estimate's conditional "
            "probability falls with the loss.",
            "stronger",
            (fall_together(hidden), fall_together(corrected)),
            seconds,
        ),
    ]


def _result(
    name: str, says: str, form: Form, outcomes: tuple[Outcome, Outcome], seconds: float, reading: str = ""
) -> Result:
    outcome, control = outcomes
    return Result(
        id=f"{CLAIM}/{name}",
        claim=CLAIM,
        part="statement",
        form=form,
        evidence="experiment",
        says=says,
        reading=reading,
        outcome=outcome.verb,
        detail=outcome.detail,
        control=control.verb,
        control_detail=control.detail,
        seconds=round(seconds, 1),
    )
