"""Checks of §7.3: the published rule for means, the recorded fine-tunings, and what the squared loss asks for."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from hallucination.checks import Outcome, check, fails, holds, not_run, undecided
from hallucination.pictures import recorded
from hallucination.pictures.captions import PROMPTS
from hallucination.pictures.mean_rule import firing_probability, firing_shift
from hallucination.pictures.mean_rule_derived import derivation, spread_lost
from hallucination.pictures.points import Cell, pooled, select

CLAIM = "sec-7.3"
# Thresholds of ours; the paper names none.
REAL = 0.10  # share of real pictures of a class that may lie outside its own region, by construction
MAJORITY = 0.5
CERTAIN = 0.999
LEVEL = 0.01  # of the test for differences between epochs
MIXES = 999  # of the epochs, in that test
NORMAL = 1.96  # standard errors on each side of a 95 % interval
DIMENSIONS, IMAGES = 128, 64  # principal components and pictures per prompt in the authors' code

# Readings of what §7.3 says.
BY_MEAN = "by the published rule, for means"
BY_SHARE = "by the share of pictures, which is above zero for every prompt"
PERSISTS = "by the share of pictures, which is larger after fine-tuning than before"
DIFFERS = "by the share of pictures, which differs between epochs beyond chance"

NO_RECORD = "a record of a long run; python -m hallucination.pictures.long_run makes it"


def above(cells: list[Cell], bar: float, what: str) -> Outcome:
    """Judge "the share is above `bar`" by the interval of :func:`pooled`; one around the bar decides nothing."""
    share, low, high = pooled(cells)
    detail = f"{what}: {share:.3f} in [{low:.3f}, {high:.3f}]"
    if low > bar:
        return holds(detail)
    return fails(detail) if high <= bar else undecided(detail)


def _side(low: float, high: float, bar: float, sign: int, words: str) -> Outcome:
    """Judge "it lies above the bar" (sign 1) or below (-1) by an interval; one around the bar decides nothing."""
    if low <= bar <= high:
        return undecided(words)
    return holds(words) if (low > bar) == (sign > 0) else fails(words)


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
    control={"draws": IMAGES, "share": 0.2},
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


def _rate(points: NDArray[np.float64], rule: str) -> float:
    """Rate of points on the line by a rule; outside is outside of [-1, 1]."""
    if rule == "mean":
        return float(abs(points.mean()) > 1)
    share = float((np.abs(points) > 1).mean())
    return share if rule == "outside" else 1 - share


@check(
    CLAIM,
    "The rate reported for a prompt, that of the mean, is the portion of its pictures that lie outside.",
    form="printed",
    part="proof",
    evidence="exact",
    name="published-rate-is-a-portion",
    statement={"rule": "mean"},
    control={"rule": "inside"},
)
@check(
    CLAIM,
    "Counted one by one, the rate is that portion.",
    form="repaired",
    part="proof",
    evidence="exact",
    name="counted-rate-is-a-portion",
    statement={"rule": "outside"},
    control={"rule": "inside"},
)
def rate_is_a_portion(rule: str) -> Outcome:
    """Put 2j of 64 points outside of [-1, 1], in pairs around zero; compare a rule's rate with 2j/64."""
    for j in range(IMAGES // 2 + 1):
        points = np.array([2.0] * j + [-2.0] * j + [0.0] * (IMAGES - 2 * j))
        found = _rate(points, rule)
        if found != 2 * j / IMAGES:
            return fails(f"{2 * j} of {IMAGES} points are outside, and the rate is {found:g}")
    return holds(f"right for every even number of points up to {IMAGES}")


def mix(table: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """Mix the epochs of each noise, for all its prompts alike; shape (epochs, noises, prompts)."""
    order = rng.permuted(np.tile(np.arange(len(table))[:, None], (1, table.shape[1])), axis=0)
    return np.take_along_axis(table, order[:, :, None], axis=0)


def mixing_p_value(table: NDArray[np.float64], rng: np.random.Generator) -> float:
    """Probability that shares of mixed epochs, table as in :func:`mix`, vary as much as those of the true ones."""

    def spread(x: NDArray[np.float64]) -> float:
        return float(x.mean(axis=(1, 2)).var())

    true = spread(table)
    as_much = sum(spread(mix(table, rng)) >= true * (1 - 1e-12) for _ in range(MIXES))
    return (1 + as_much) / (1 + MIXES)


# The recorded fine-tunings ----------------------------------------------------------------------------------------


def _outside(curves: recorded.Curves, prompt: str) -> NDArray[np.float64]:
    """Which pictures of a prompt are outside (1 or 0), shape (seeds, epochs, pictures)."""
    return np.array(
        [[curves.cell(prompt, seed, e).margins < 0 for e in curves.epochs] for seed in curves.seeds], dtype=np.float64
    )


def _interval(values: NDArray[np.float64]) -> tuple[float, float, float]:
    """Mean of independent values, and its normal 95 % interval."""
    mean, error = float(values.mean()), float(values.std(ddof=1) / np.sqrt(len(values)))
    return mean, mean - NORMAL * error, mean + NORMAL * error


def _after(curves: recorded.Curves, prompt: str) -> tuple[float, float, float]:
    """Share outside after fine-tuning, a mean over epochs and seeds; pictures from one noise are one observation."""
    return _interval(_outside(curves, prompt)[:, 1:].mean(axis=(0, 1)))


@check(
    CLAIM,
    "By the published rule, some fine-tuned model hallucinates on some prompt.",
    form="printed",
    evidence="experiment",
    reading=BY_MEAN,
    name="published-rule-fires",
    statement={"pictures": "generated"},
    control={"pictures": "real"},
)
@_recorded("curves")
def published_rule_fires(curves: recorded.Curves, pictures: str) -> Outcome:
    """Look for a mean outside after any epoch of fine-tuning; or among the classes' held-out real pictures."""
    cells = [c for c in curves.cells if c.what["epoch"] != 0]
    if pictures == "real":
        found = recorded.averages()
        if found is None:
            return not_run(NO_RECORD)
        cells = select(found.controls, control="held-out")
    fired = sum(c.published for c in cells)
    least = min(c.mean_margin for c in cells)
    words = f"{fired} of {len(cells)} means are outside; the smallest margin is {least:+.1f} nats"
    return holds(words) if fired else fails(words)


@check(
    CLAIM,
    "For every prompt, some pictures are outside after fine-tuning.",
    form="printed",
    evidence="experiment",
    reading=BY_SHARE,
    name="share-above-zero",
    statement={"rule": "pictures"},
    control={"rule": "mean"},
)
@_recorded("curves")
def share_above_zero(curves: recorded.Curves, rule: str) -> Outcome:
    """Share outside over all epochs and seeds, prompt by prompt; or share of means outside."""
    if rule == "mean":
        fired = {prompt: sum(c.published for c in select(curves.cells, prompt=prompt)) for prompt in curves.prompts}
        words = "means outside: " + ", ".join(f"{name} {n}" for name, n in fired.items())
        return holds(words) if all(fired.values()) else fails(words)
    found = {prompt: _after(curves, prompt) for prompt in curves.prompts}
    words = "outside: " + ", ".join(
        f"{name} {m:.3f} [{low:.3f}, {high:.3f}]" for name, (m, low, high) in found.items()
    )
    if all(low > 0 for _, low, _ in found.values()):
        return holds(words)
    return fails(words) if any(not m for m, _, _ in found.values()) else undecided(words)


def _against_real(name: str, says: str, prompt: str, sign: int) -> Callable[..., Callable[..., Outcome]]:
    return check(
        CLAIM,
        says,
        form="stronger",
        evidence="experiment",
        name=name,
        statement={"prompt": prompt, "sign": sign},
        control={"prompt": prompt, "sign": -sign},
    )


@_against_real(
    "more-dogs-outside-than-real", "Of the dog's pictures, more are outside than may be of real ones.", "dog", 1
)
@_against_real(
    "more-pets-outside-than-real", "Of the pet's pictures, more are outside than may be of real ones.", "pet", 1
)
@_against_real(
    "fewer-cats-outside-than-real", "Of the cat's pictures, fewer are outside than may be of real ones.", "cat", -1
)
@_recorded("curves")
def against_real(curves: recorded.Curves, prompt: str, sign: int) -> Outcome:
    """Compare the share after fine-tuning with the share that may be outside of real pictures of a class."""
    mean, low, high = _after(curves, PROMPTS[prompt])
    words = f"outside: {mean:.3f} [{low:.3f}, {high:.3f}], of real ones at most {REAL:g}"
    return _side(low, high, REAL, sign, words)


@check(
    CLAIM,
    "More pictures are outside after fine-tuning than before, over all prompts.",
    form="printed",
    evidence="experiment",
    reading=PERSISTS,
    name="more-outside-than-before",
    statement={"prompts": ("dog", "cat", "pet"), "sign": 1},
    control={"prompts": ("dog", "cat", "pet"), "sign": -1},
)
@check(
    CLAIM,
    "More pictures are outside after fine-tuning than before, of the dog's.",
    form="stronger",
    evidence="experiment",
    name="more-dogs-outside-than-before",
    statement={"prompts": ("dog",), "sign": 1},
    control={"prompts": ("dog",), "sign": -1},
)
@check(
    CLAIM,
    "More pictures are outside after fine-tuning than before, of the pet's.",
    form="stronger",
    evidence="experiment",
    name="more-pets-outside-than-before",
    statement={"prompts": ("pet",), "sign": 1},
    control={"prompts": ("pet",), "sign": -1},
)
@_recorded("curves")
def more_outside_than_before(curves: recorded.Curves, prompts: tuple[str, ...], sign: int) -> Outcome:
    """Paired difference of pictures from one noise, a mean over epochs, seeds and prompts; or whether fewer are."""
    each = [_outside(curves, PROMPTS[name]) for name in prompts]
    mean, low, high = _interval(np.mean([x[:, 1:].mean(axis=(0, 1)) - x[0, 0] for x in each], axis=0))
    words = f"the share changes by {mean:+.3f} [{low:+.3f}, {high:+.3f}]"
    return _side(low, high, 0, sign, words)


@check(
    CLAIM,
    "With every seed, the share of pictures outside differs between epochs by more than chance.",
    form="printed",
    evidence="experiment",
    reading=DIFFERS,
    name="share-differs-between-epochs",
    statement={"mixed": False},
    control={"mixed": True},
)
@_recorded("curves")
def share_differs(curves: recorded.Curves, mixed: bool) -> Outcome:
    """Permutation test over the fine-tuned epochs of each seed; of a record with mixed epochs it must say no."""
    rng = np.random.default_rng(0)
    by_prompt = np.stack([_outside(curves, prompt)[:, 1:] for prompt in curves.prompts], axis=-1)
    tables = [mix(table, rng) if mixed else table for table in by_prompt]
    p_values = [mixing_p_value(table, rng) for table in tables]
    words = "p by seed: " + ", ".join(f"{p:.3f}" for p in p_values)
    return holds(words) if max(p_values) < LEVEL else fails(words)


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
    if all(line.change + NORMAL * line.error < 0 for line in each):
        return holds(words)
    return fails(words) if any(line.change - NORMAL * line.error > 0 for line in each) else undecided(words)


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
    return above(cells, MAJORITY, f"outside of means of {m}")


@check(
    CLAIM,
    "By regions of latents, fewer means of eight pictures are outside than may be of real ones.",
    form="stronger",
    evidence="experiment",
    name="means-pass-in-latents",
    statement={"space": "latent"},
    control={"space": "embedding"},
)
@_recorded("averages")
def means_pass(found: recorded.Judged, space: str) -> Outcome:
    """Judge means of held-out real pictures, taken in latents, by the share that may be outside of real ones."""
    share, low, high = pooled(select(found.cells, way="latents", space=space, m=8))
    words = f"outside of means of 8: {share:.3f} in [{low:.3f}, {high:.3f}], of real ones at most {REAL:g}"
    return _side(low, high, REAL, -1, words)


@check(
    CLAIM,
    "Most answers of the loss's own minimiser to pure noise are outside of the regions of embeddings.",
    form="repaired",
    part="proof",
    evidence="experiment",
    name="minimiser-hallucinates",
    statement={"space": "embedding"},
    control={"space": "latent"},
)
@_recorded("averages")
def minimiser_hallucinates(found: recorded.Judged, space: str) -> Outcome:
    """Judge the mean of the learned latents given pure noise, over both classes: Definition 3.1 in closed form."""
    return above(select(found.cells, way="minimiser", space=space, **{"class": "all"}), MAJORITY, "outside")


@check(
    CLAIM,
    "Most pictures drawn in one step are outside.",
    form="stronger",
    evidence="experiment",
    name="one-step-pictures-hallucinate",
    statement={"steps": 1},
    control={"steps": 20},
)
@check(
    CLAIM,
    "Sampled pictures are those of a loss-minimising estimator: like its answers, most of twenty steps are outside.",
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
    return above(cells, MAJORITY, f"outside after {steps} steps")


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
