"""Checks of §7.3: the published rule for means, the recorded fine-tunings, and what the squared loss asks for."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray
from scipy.stats import chi2

from hallucination.checks import Outcome, check, fails, holds, not_run, undecided
from hallucination.pictures import recorded
from hallucination.pictures.captions import PROMPTS
from hallucination.pictures.mean_rule import firing_probability, firing_shift
from hallucination.pictures.mean_rule_derived import derivation, spread_lost
from hallucination.pictures.points import Cell, select
from hallucination.pictures.rates import wilson

CLAIM = "sec-7.3"
# Thresholds of ours; the paper names none.
REAL = 0.10  # share of real pictures of a class that may lie outside its own region, by construction
MAJORITY = 0.5
CERTAIN = 0.999
LEVEL = 0.01  # of the test for change over epochs
NORMAL = 1.96  # standard errors on each side of a 95 % interval
DIMENSIONS, IMAGES = 128, 64  # principal components and pictures per prompt in the authors' code

# Readings of what §7.3 says.
BY_MEAN = "by the published rule, for means"
BY_SHARE = "by the share of pictures, for every prompt more of them are outside than of real ones"
PERSISTS = "by the share of pictures, more of them are outside after fine-tuning than before"
FLUCTUATES = "by the share of pictures, which changes from epoch to epoch beyond chance"

NO_RECORD = "a record of the long run (see the chapter: how the records were made)"


def above(k: int, n: int, bar: float, what: str) -> Outcome:
    """Judge "the probability is above `bar`" by Wilson's interval of k of n; one around the bar decides nothing."""
    low, high = wilson(k, n)
    detail = f"{what}: {k} of {n} outside, {k / n:.3f} in [{low:.3f}, {high:.3f}]"
    if low > bar:
        return holds(detail)
    return fails(detail) if high <= bar else undecided(detail)


def _recorded(name: str) -> Callable[[Callable[..., Outcome]], Callable[..., Outcome]]:
    """Give a test what a function of :mod:`recorded` reads as its first argument; without a record it is not run."""

    def with_record(test: Callable[..., Outcome]) -> Callable[..., Outcome]:
        @wraps(test)
        def run(*words: Any, **named: Any) -> Outcome:
            found = getattr(recorded, name)()
            return not_run(NO_RECORD) if found is None else test(found, *words, **named)

        return run

    return with_record


# The published rule: the mean of all embeddings against the classes' thresholds -------------------------------------


@check(
    CLAIM,
    "The embeddings' mean is outside, with probability one half or more, if 6 in 10 pictures are outside.",
    form="printed",
    part="proof",
    evidence="exact",
    name="mean-rule-fires",
    statement={"draws": IMAGES},
    control={"draws": 2},
)
@check(
    CLAIM,
    "Tested one by one, a picture is outside with probability one half or more, if 6 in 10 pictures are outside.",
    form="repaired",
    part="proof",
    evidence="exact",
    name="single-pictures-fire",
    statement={"draws": 1},
    control={"draws": IMAGES},
)
def rule_fires(draws: int, share: float = 0.6) -> Outcome:
    """Shift a normal class until a given share of single embeddings is outside; test the mean of some of them."""
    shift = firing_shift(DIMENSIONS, probability=share)
    found = float(firing_probability(shift, DIMENSIONS, draws))
    words = f"in {DIMENSIONS} dimensions, {share:.0%} outside: mean of {draws} outside with probability {found:.3g}"
    return holds(words) if found >= MAJORITY else fails(words)


@check(
    CLAIM,
    "The log-density of the mean of K samples is D(1 - 1/K)/2 above a sample's on average, whatever the covariance.",
    form="stronger",
    part="proof",
    evidence="symbolic",
    statement={"same_centre": True},
    control={"same_centre": False},
)
def mean_gains_half_the_dimension(same_centre: bool) -> Outcome:
    """Derive the gain for any law and any quadratic form, and for the class's own normal law in closed form."""
    rest = spread_lost(same_centre)
    D, K = sp.symbols("D K", integer=True, positive=True)
    gain = sp.simplify(derivation()["advantage"].rhs - D * (1 - 1 / K) / 2)
    if isinstance(rest, sp.ZeroMatrix) and gain == 0:
        return holds(
            "the expected quadratic forms differ by that of the spread alone; for a normal law it is D(1 - 1/K)/2"
        )
    return fails(f"left over: {rest}, {gain}")


@check(
    CLAIM,
    "With the published sizes the rule fires half of the time only if 999 in 1000 single pictures are outside.",
    form="stronger",
    part="proof",
    evidence="exact",
    statement={"dimension": DIMENSIONS},
    control={"dimension": 2},
)
def rule_needs_nearly_all_outside(dimension: int) -> Outcome:
    """Shift a normal class until the mean of 64 embeddings is outside half of the time; count single ones outside."""
    shift = firing_shift(dimension, IMAGES)
    share = float(firing_probability(shift, dimension))
    words = f"in {dimension} dimensions, all but {1 - share:.2g} of the single pictures are outside then"
    return holds(words) if share > CERTAIN else fails(words)


@check(
    CLAIM,
    "The rate reported for a prompt is the portion of its pictures that lie outside.",
    form="printed",
    part="proof",
    evidence="exact",
    name="published-rate-is-a-portion",
    statement={"of_the_mean": True},
    control={"of_the_mean": True, "limit": 2.0},
)
@check(
    CLAIM,
    "Counted one by one, the rate is that portion.",
    form="repaired",
    part="proof",
    evidence="exact",
    name="counted-rate-is-a-portion",
    statement={"of_the_mean": False},
    control={"of_the_mean": True},
)
def rate_is_a_portion(of_the_mean: bool, limit: float = 1.0) -> Outcome:
    """Put 2j of 64 points on the line outside of [-limit, limit], in pairs around zero; compare the rate with it."""
    for j in range(IMAGES // 2 + 1):
        points = np.array([2 * limit] * j + [-2 * limit] * j + [0.0] * (IMAGES - 2 * j))
        tested = np.array([points.mean()]) if of_the_mean else points
        found = float((np.abs(tested) > limit).mean())
        if found != 2 * j / IMAGES:
            return fails(f"{2 * j} of {IMAGES} points are outside, and the rate is {found:g}")
    return holds(f"right for every even number of points up to {IMAGES}")


# The recorded fine-tunings ----------------------------------------------------------------------------------------


def _pooled(cells: list[Cell]) -> tuple[int, int]:
    return sum(c.outside for c in cells), sum(c.n for c in cells)


def _epoch(curves: recorded.Curves, epoch: int) -> list[Cell]:
    return select(curves.cells, epoch=curves.epochs[epoch])


def _outside(curves: recorded.Curves) -> list[NDArray[np.float64]]:
    """Return for each seed which pictures are outside (1 or 0), shape (pictures, epochs)."""
    return [
        np.column_stack(
            [
                np.concatenate([curves.cell(prompt, seed, epoch).margins < 0 for prompt in curves.prompts])
                for epoch in curves.epochs
            ]
        ).astype(np.float64)
        for seed in curves.seeds
    ]


def _after(curves: recorded.Curves, prompt: str) -> NDArray[np.float64]:
    """Share of the epochs after which each picture is outside, shape (seeds, pictures)."""
    each = [[curves.cell(prompt, seed, e).margins < 0 for e in curves.epochs[1:]] for seed in curves.seeds]
    return np.mean(each, axis=1)


def _before(curves: recorded.Curves, prompt: str) -> NDArray[np.float64]:
    """Which pictures are outside before fine-tuning, shape (seeds, pictures)."""
    return np.array([curves.cell(prompt, seed, 0).margins < 0 for seed in curves.seeds], dtype=np.float64)


def _interval(values: NDArray[np.float64]) -> tuple[float, float, float]:
    """Mean of independent values, and its normal 95 % interval."""
    mean, error = float(values.mean()), float(values.std(ddof=1) / np.sqrt(len(values)))
    return mean, mean - NORMAL * error, mean + NORMAL * error


def cochran(table: NDArray[np.float64]) -> float:
    """Cochran's Q of answers 0 or 1, shape (blocks, conditions): chi-squared, conditions - 1, if they do not differ.

    Raises
    ------
    ValueError
        If every block gives the same answer under all conditions.
    """
    k, by_block, by_condition = table.shape[1], table.sum(axis=1), table.sum(axis=0)
    spread = float((by_block * (k - by_block)).sum())
    if not spread:
        raise ValueError("no block answers differently under different conditions")
    return float(k * (k - 1) * ((by_condition - by_condition.mean()) ** 2).sum() / spread)


@check(
    CLAIM,
    "By the published rule, some fine-tuned model hallucinates on some prompt.",
    form="printed",
    evidence="experiment",
    reading=BY_MEAN,
    name="published-rule-fires",
    statement={"first": 1},
    control={"first": 0, "last": 1},
)
@_recorded("curves")
def published_rule_fires(curves: recorded.Curves, first: int, last: int | None = None) -> Outcome:
    """Look for a mean outside among all recorded epochs from `first` on, before `last`, of all seeds and prompts."""
    epochs = curves.epochs[first:last]
    cells = [c for c in curves.cells if c.what["epoch"] in epochs]
    fired = sum(c.published for c in cells)
    least = min(c.mean_margin for c in cells)
    words = f"{fired} of {len(cells)} means are outside; the smallest margin is {least:+.1f} nats"
    return holds(words) if fired else fails(words)


@check(
    CLAIM,
    "For every prompt, more pictures are outside after fine-tuning than may be of real ones of a class.",
    form="printed",
    evidence="experiment",
    reading=BY_SHARE,
    name="more-outside-than-real",
    statement={"prompts": ("dog", "cat", "pet")},
    control={"prompts": ("cat",)},
)
@check(
    CLAIM,
    "For the dog's prompt, more pictures are outside after fine-tuning than may be of real ones of a class.",
    form="stronger",
    evidence="experiment",
    name="more-dogs-outside-than-real",
    statement={"prompts": ("dog",)},
    control={"prompts": ("cat",)},
)
@_recorded("curves")
def more_outside_than_real(curves: recorded.Curves, prompts: tuple[str, ...]) -> Outcome:
    """Share over all epochs and seeds, prompt by prompt; pictures from one noise are one observation."""
    found = {name: _interval(np.mean(_after(curves, PROMPTS[name]), axis=0)) for name in prompts}
    words = "outside: " + ", ".join(
        f"{name} {m:.3f} [{low:.3f}, {high:.3f}]" for name, (m, low, high) in found.items()
    )
    if all(low > REAL for _, low, _ in found.values()):
        return holds(words)
    return fails(words) if any(high <= REAL for _, _, high in found.values()) else undecided(words)


@check(
    CLAIM,
    "More pictures are outside after fine-tuning than before.",
    form="printed",
    evidence="experiment",
    reading=PERSISTS,
    name="more-outside-than-before",
    statement={"sign": 1},
    control={"sign": -1},
)
@_recorded("curves")
def more_outside_than_before(curves: recorded.Curves, sign: int) -> Outcome:
    """Paired difference of the pictures from one noise, over all epochs, seeds and prompts; or whether fewer are."""
    mean, low, high = _interval(
        np.concatenate(
            [np.mean(_after(curves, prompt) - _before(curves, prompt), axis=0) for prompt in curves.prompts]
        )
    )
    words = f"the share changes by {mean:+.3f} [{low:+.3f}, {high:+.3f}]"
    if low <= 0 <= high:
        return undecided(words)
    return holds(words) if sign * mean > 0 else fails(words)


@check(
    CLAIM,
    "The share of pictures outside differs between epochs by more than chance.",
    form="printed",
    evidence="experiment",
    reading=FLUCTUATES,
    name="share-fluctuates",
    statement={"mixed": False},
    control={"mixed": True},
)
@_recorded("curves")
def share_fluctuates(curves: recorded.Curves, mixed: bool) -> Outcome:
    """Cochran's Q over the fine-tuned epochs of each seed, added up; with the epochs of each picture mixed, or not.

    Each picture starts from the same noise in every epoch, so that its answers are paired.
    """
    rng = np.random.default_rng(0)
    tables = [table[:, 1:] for table in _outside(curves)]
    tables = [rng.permuted(table, axis=1) for table in tables] if mixed else tables
    statistic = sum(cochran(table) for table in tables)
    p = float(chi2.sf(statistic, sum(table.shape[1] - 1 for table in tables)))
    shares = [float(table.mean(axis=0).std(ddof=1)) for table in tables]
    words = f"standard deviation over epochs {np.mean(shares):.3f} on average over seeds; p is {p:.2g}"
    return holds(words) if p < LEVEL else fails(words)


@check(
    CLAIM,
    "The loss on the learned pictures falls with every seed.",
    form="printed",
    evidence="experiment",
    part="proof",
    name="loss-falls",
    statement={"pictures": "learned"},
    control={"pictures": "learned", "epoch": 1},
)
@check(
    CLAIM,
    "The loss on pictures that were held out falls, too.",
    form="stronger",
    evidence="experiment",
    part="proof",
    name="held-out-loss-falls",
    statement={"pictures": "held out"},
    control={"pictures": "held out", "epoch": 1},
)
@_recorded("curves")
def loss_falls(curves: recorded.Curves, pictures: str, epoch: int = -1) -> Outcome:
    """Compare the loss on the same noise before fine-tuning and after the last epoch, or another, seed by seed."""
    each = [found[pictures][epoch] for found in curves.same_noise.values()]
    words = ", ".join(f"{line.change:+.4f} ± {NORMAL * line.error:.4f}" for line in each)
    words = f"change after epoch {each[0].epoch}, one number a seed: {words}"
    return holds(words) if all(line.change + NORMAL * line.error < 0 for line in each) else fails(words)


# What the squared loss asks for -----------------------------------------------------------------------------------


@check(
    CLAIM,
    "Most means of eight real pictures are outside of the regions of embeddings.",
    form="stronger",
    evidence="experiment",
    name="means-of-pictures-hallucinate",
    statement={"m": 8},
    control={"m": 1},
)
@_recorded("averages")
def means_hallucinate(found: recorded.Judged, m: int) -> Outcome:
    """Judge means of m held-out real pictures, pixel by pixel, in the space of embeddings."""
    cells = select(found.cells, way="pixels", space="embedding", m=m)
    return above(*_pooled(cells), MAJORITY, f"means of {m}")


@check(
    CLAIM,
    "By regions of latents, no more means of eight real pictures are outside than of single ones.",
    form="stronger",
    evidence="experiment",
    name="means-pass-in-latents",
    statement={"space": "latent"},
    control={"space": "embedding"},
)
@_recorded("averages")
def means_pass(found: recorded.Judged, space: str) -> Outcome:
    """Judge means of held-out real pictures, taken in latents, and the pictures themselves."""
    one, eight = (_pooled(select(found.cells, way="latents", space=space, m=m)) for m in (1, 8))
    words = f"outside: {one[0]} of {one[1]} single pictures, {eight[0]} of {eight[1]} means"
    return holds(words) if eight[0] * one[1] <= one[0] * eight[1] else fails(words)


@check(
    CLAIM,
    "Most pictures that the network predicts from pure noise in one step, as the squared loss asks, are outside.",
    form="repaired",
    part="proof",
    evidence="experiment",
    name="one-step-predictions-hallucinate",
    statement={"steps": 1},
    control={"steps": 20},
)
@check(
    CLAIM,
    "Most pictures sampled in twenty steps are outside, as the minimiser's answers are.",
    form="printed",
    part="proof",
    evidence="experiment",
    name="sampled-pictures-hallucinate",
    statement={"steps": 20},
    control={"steps": 8},
)
@_recorded("steps")
def few_steps_hallucinate(found: recorded.Judged, steps: int) -> Outcome:
    """Judge pictures of all prompts drawn in so many steps without guidance, in the space of embeddings."""
    cells = select(found.cells, steps=steps, guidance=1.0, space="embedding")
    return above(*_pooled(cells), MAJORITY, f"steps {steps}")


@check(
    CLAIM,
    "There is a class of other animals of which most are outside while the mean of all is inside.",
    form="stronger",
    part="proof",
    evidence="experiment",
    name="others-pass-by-their-mean",
    statement={"control": "other"},
    control={"control": "held-out"},
)
@_recorded("averages")
def others_pass(found: recorded.Judged, control: str) -> Outcome:
    """Look through the classes without a region, in all recorded dimensions."""
    best = [c for c in select(found.controls, control=control) if c.rate > MAJORITY and not c.published]
    if not best:
        return fails("no class is so")
    c = max(best, key=lambda c: c.rate)
    words = f"{c.what['class']}, {c.what['dimensions']} components: {c.outside} of {c.n} outside"
    return holds(f"{words}, mean inside by {c.mean_margin:.1f} nats")
