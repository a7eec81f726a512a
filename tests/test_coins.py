"""Experiment 1: exact values by enumeration, the stacked network against PyTorch, scores, rules and training."""

from __future__ import annotations

import itertools
import math
import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest
import torch
from scipy import stats
from torch import nn

from hallucination import checks, coins, verdicts
from hallucination import coins_nets as nets
from hallucination import coins_training as training
from hallucination.checks import coins as judge
from hallucination.coins_scores import exam, interval, nearest_count, rank_correlation

SIZES = (2, 3, 5)


def enumerated(p: list[Fraction]) -> list[Fraction]:
    """Law of the number of heads by going through all outcomes."""
    law = [Fraction(0)] * (len(p) + 1)
    for outcome in itertools.product((0, 1), repeat=len(p)):
        law[sum(outcome)] += math.prod(
            (q if o else 1 - q for q, o in zip(p, outcome, strict=True)), start=Fraction(1)
        )
    return law


def choices(n: int, shift: int = 1) -> list[list[Fraction]]:
    """Head probabilities of every choice of N of the 2N coins."""
    return [[Fraction(i + shift, 2 * n) for i in c] for c in itertools.combinations(range(2 * n), n)]


def average(values: list[Fraction]) -> Fraction:
    return sum(values, Fraction(0)) / len(values)


# Exact values


@pytest.mark.parametrize("n", (1, *SIZES))
def test_optimum_by_enumeration(n: int) -> None:
    laws = [enumerated(p) for p in choices(n)]
    means = [sum(k * q for k, q in enumerate(law)) for law in laws]
    mean = average(means)
    risk = [sum(q * (k - m) ** 2 for k, q in enumerate(law)) for law, m in zip(laws, means, strict=True)]
    flat = [sum(q * (k - mean) ** 2 for k, q in enumerate(law)) for law in laws]
    found = coins.optimum(n)
    assert found.floor == average(risk)
    assert found.constant == average(flat)
    assert found.at_mean == average([law[math.floor(m + Fraction(1, 2))] for law, m in zip(laws, means, strict=True)])
    assert found.at_mode == average([max(law) for law in laws])
    neighbours = [{math.floor(m + Fraction(1, 2)), math.ceil(m - Fraction(1, 2))} for m in means]
    kindly = average([max(law[k] for k in ks) for law, ks in zip(laws, neighbours, strict=True)])
    assert coins.at_least_loss_kindly(n) == kindly


@pytest.mark.parametrize("n", SIZES)
def test_published_scores_by_enumeration(n: int) -> None:
    laws = [[*enumerated(p), Fraction(0)] for p in choices(n, shift=0)]
    means = [sum(p, Fraction(0)) for p in choices(n)]
    up = average([law[math.ceil(m)] for law, m in zip(laws, means, strict=True)])
    above = average([law[math.floor(m) + 1] for law, m in zip(laws, means, strict=True)])
    assert coins.at_least_loss(n, "published", "up") == up
    assert coins.at_least_loss(n, "published", "just above") == above
    # The published law is the data's own with heads and tails swapped, so its best score is the same.
    assert average([max(law) for law in laws]) == coins.optimum(n).at_mode


def test_known_values() -> None:
    assert [round(float(coins.optimum(n).floor), 4) for n in SIZES] == [0.3125, 0.4861, 0.825]
    assert [round(float(coins.optimum(n).at_mode), 4) for n in SIZES] == [0.6042, 0.5160, 0.4114]
    assert [round(float(coins.at_least_loss(n, "published", "up")), 3) for n in SIZES] == [0.240, 0.270, 0.258]


@pytest.mark.parametrize("n", SIZES)
def test_hidden_optimum_by_enumeration(n: int) -> None:
    laws = [enumerated([h] * n) for h in (coins.HEAVY, coins.LIGHT)]
    mixture = [(a + b) / 2 for a, b in zip(*laws, strict=True)]
    mean = sum(k * q for k, q in enumerate(mixture))
    assert mean == Fraction(n, 2)
    best = [max(a, b) for a, b in zip(*laws, strict=True)]
    found = coins.hidden_optimum(n)
    assert found.floor == sum(q * (k - mean) ** 2 for k, q in enumerate(mixture))
    assert found.at_mean == best[math.floor(mean + Fraction(1, 2))]
    assert found.at_mode == max(best)
    asked = exam(n, hidden=True)
    assert asked.means == pytest.approx(np.full(len(asked.means), n / 2))
    assert asked.risk(asked.means) == pytest.approx(float(found.floor))
    assert asked.probability(asked.means) == pytest.approx(float(found.at_mean))


def test_law_against_scipy() -> None:
    p = np.random.default_rng(1).random((4, 6))
    for row, law in zip(p, coins.poisson_binomial(p), strict=True):
        assert law == pytest.approx(stats.poisson_binom(row).pmf(np.arange(7)))


@pytest.mark.parametrize("bad", [0, 9, -1])
def test_size_out_of_range(bad: int) -> None:
    with pytest.raises(ValueError, match=f"between 1 and 8; got {bad}"):
        coins.optimum(bad)


def test_unknown_law() -> None:
    with pytest.raises(ValueError, match="law must be one of"):
        coins.at_least_loss(2, "wrong")


@pytest.mark.parametrize(
    ("answer", "right", "reason"),
    [
        ([0, 0.5, 0.5], True, "right"),
        ([Fraction(3, 16), Fraction(10, 16), Fraction(3, 16)], False, "published law"),
        ([0.5, 0.5], False, "3 different counts"),
        ([0.5, 0.5, 0.5], False, "sum to 1.5"),
        ([0.25, 0.5, 0.25], False, "mean of this law is 1 heads"),
    ],
)
def test_grader(answer: list[float], right: bool, reason: str) -> None:
    verdict, why = coins.grade_law(answer, [1, 3], 2)
    assert verdict is right
    assert reason in why


# Data


def test_same_seed_same_data() -> None:
    first, again, other = (coins.draw(3, 50, coins.source(s, "data", 3, 0)) for s in (7, 7, 8))
    assert all((a == b).all() for a, b in zip(first, again, strict=True))
    assert (first[0] != other[0]).any()


def test_streams_differ() -> None:
    starts = {coins.source(0, s, 2, r).integers(2**63) for s in coins.STREAMS for r in (0, 1)}
    assert len(starts) == 2 * len(coins.STREAMS)


@pytest.mark.parametrize("hidden", [False, True])
def test_data_follow_their_law(hidden: bool) -> None:
    n, m = 2, 40_000
    rows, heads = coins.draw(n, m, np.random.default_rng(3), hidden=hidden)
    assert all(len(set(row)) == n for row in rows[:100].tolist())
    asked = exam(n, hidden=hidden)
    expected = asked.weights @ asked.laws.mean(axis=0)
    counted = np.bincount(heads, minlength=n + 1) / m
    assert np.abs(counted - expected).max() < 5 * 0.5 / math.sqrt(m)


def test_exam_merges_equal_rows() -> None:
    asked = exam(2, np.array([[0, 1], [0, 1], [1, 0], [3, 2]]))
    assert asked.coins.tolist() == [[0, 1], [1, 0], [3, 2]]
    assert asked.weights.tolist() == [0.5, 0.25, 0.25]
    with pytest.raises(ValueError, match="must have 3 columns"):
        exam(3, np.array([[0, 1]]))


# Scores


@pytest.mark.parametrize("n", SIZES)
def test_exam_at_the_optimum(n: int) -> None:
    asked, exact = exam(n), coins.optimum(n)
    assert asked.risk(asked.means) == pytest.approx(float(exact.floor))
    assert asked.risk(np.full(len(asked.means), asked.means.mean())) == pytest.approx(float(exact.constant))
    # A hair below the mean decides ties of the published rule, a hair above those of the nearest count.
    assert asked.published(asked.means - 1e-9)[0] == pytest.approx(float(coins.at_least_loss(n, "published", "up")))
    assert asked.probability(asked.means + 1e-9) == pytest.approx(float(exact.at_mean))


def test_nearest_count_is_feasible() -> None:
    assert nearest_count(np.array([-3, 0.49, 0.5, 1.2, 9]), 2).tolist() == [0, 0, 1, 1, 2]


def test_published_rule_with_its_defects() -> None:
    pair = exam(2, np.array([[0, 1]]))
    assert coins.exact_laws(coins.published_probabilities(2), pair.coins)[0].tolist() == [[12, 4, 0]]
    assert coins.exact_laws(coins.head_probabilities(2), pair.coins)[0].tolist() == [[6, 8, 2]]
    listed = exam(2, np.array([[2, 3]]))
    law = [Fraction(1, 8), Fraction(1, 2), Fraction(3, 8)]
    for estimate in (-3.0, -2.5, -1.5, -0.3, 0.0, 0.1, 1.0, 1.7, 2.0):
        expected = float(law[math.ceil(estimate)])  # Python's own indexing, negative from the end
        assert listed.published(np.array([estimate])) == (pytest.approx(expected), 0.0), estimate
    for estimate in (2.1, -4.0):
        with pytest.raises(IndexError):
            law[math.ceil(estimate)]
        assert listed.published(np.array([estimate])) == (0.0, 1.0)


def test_rank_correlation() -> None:
    falling, rising = np.array([3.0, 2.0, 1.0]), np.array([0.1, 0.2, 0.2])
    assert rank_correlation(falling, rising) == pytest.approx(stats.spearmanr(falling, rising).statistic)
    assert rank_correlation(falling, np.full(3, 0.6)) is None
    assert rank_correlation(np.full(3, 0.6), rising) is None


@pytest.mark.parametrize("n", [3, 5])
def test_noise_in_the_last_bits_is_a_tie(n: int) -> None:
    """With an odd number of coins from two mirrored bags, both counts next to N/2 are equally likely."""
    asked = exam(n, hidden=True)
    estimates = [np.full(len(asked.coins), n / 2 + step) for step in (-0.6, 0.4, -0.6, 0.4)]
    probability = np.array([asked.probability(e) for e in estimates])
    assert probability == pytest.approx(np.full(4, float(coins.hidden_optimum(n).at_mean)), abs=1e-12)
    noisy = probability + np.array([0, 1e-16, -1e-16, 2e-16])
    falling = np.array([4.0, 3.0, 2.0, 1.0])
    assert rank_correlation(falling, noisy) is None
    assert rank_correlation(noisy, falling) is None
    assert judge.false_alarms({n: [(falling, noisy), (falling, noisy)]}, shuffles=3) == 0
    # A change that is not noise still counts.
    assert rank_correlation(falling, probability + np.array([0, 0, 0, 1e-6])) == pytest.approx(-math.sqrt(0.6))


def test_interval() -> None:
    found = interval([-0.5, None, -0.3])
    assert found is not None
    assert (found.mean, found.rounds) == (pytest.approx(-0.4), 2)
    assert found.high == pytest.approx(min(1, -0.4 + stats.t.ppf(0.975, 1) * 0.1))
    assert interval([None, 0.3]) is None
    with pytest.raises(ValueError, match="strictly between 0 and 1"):
        interval([0.1, 0.2], 1.0)


# The stacked network


def stacked(sizes: tuple[int, ...], tokens: bool) -> tuple[list[nets.Weights], nets.Weights]:
    each = [nets.start(n, seed, tokens=tokens) for seed, n in enumerate(sizes)]
    return each, {k: w.double().requires_grad_() for k, w in nets.stack(each).items()}


def side_by_side(rows: list[torch.Tensor]) -> torch.Tensor:
    width = max(r.shape[1] for r in rows)
    return torch.stack([nn.functional.pad(r, (0, width - r.shape[1])) for r in rows])


@pytest.mark.parametrize(("sizes", "tokens"), [((3,), False), ((2, 3, 2), False), ((3,), True), ((3, 3), True)])
def test_stack_equals_pytorch(sizes: tuple[int, ...], tokens: bool) -> None:
    each, weights = stacked(sizes, tokens)
    rows = [torch.randint(0, 2 * n, (7, n), generator=torch.Generator().manual_seed(n)) for n in sizes]
    found = nets.forward(weights, nets.features(side_by_side(rows), weights))
    torch.autograd.backward(found.square().mean(dim=1).sum())
    for r, n in enumerate(sizes):
        reference = nets.Transformer(n, tokens=tokens).double().eval()
        reference.load_state_dict(each[r])
        expected = reference(rows[r])
        torch.autograd.backward(expected.square().mean())
        assert (found[r] - expected).abs().max() < 1e-9
        for name, parameter in reference.named_parameters():
            mine, theirs = weights[name].grad, parameter.grad
            assert mine is not None
            assert theirs is not None
            assert (mine[r][tuple(slice(k) for k in theirs.shape)] - theirs).abs().max() < 1e-9, name


def test_padding_never_moves() -> None:
    _, weights = stacked((2, 3), tokens=False)
    rows = [torch.tensor([[0, 1]]), torch.tensor([[0, 1, 2]])]
    torch.autograd.backward(nets.forward(weights, nets.features(side_by_side(rows), weights)).sum())
    gradient = weights["embed.weight"].grad
    assert gradient is not None
    assert not gradient[0, :, 2].any()
    assert gradient[1, :, 2].any()


def test_start_leaves_global_chance_alone() -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    nets.start(2, 0, tokens=True)
    assert torch.equal(torch.rand(3), expected)


def test_tokens_ignore_order() -> None:
    net = nets.Transformer(3, tokens=True).eval()
    a, b = net(torch.tensor([[0, 3, 5], [5, 0, 3]]))
    assert a.item() == pytest.approx(b.item(), abs=1e-5)


def test_dropout() -> None:
    x = torch.ones(2, 100, 1000)
    first, again = (nets.Dropout(3, "cpu")(x) for _ in range(2))
    assert torch.equal(first, again)
    assert torch.equal(first[0], first[1])  # one pattern for the stack
    assert first.unique().tolist() == pytest.approx([0, 1 / 0.9])
    assert (first[0] == 0).float().mean().item() == pytest.approx(0.1, abs=5 * 0.3 / math.sqrt(100_000))
    drop = nets.Dropout(3, "cpu")
    assert not torch.equal(drop(x), drop(x))


# Training


def small(protocol: training.Protocol, n: int, round_: int, rows: int = 80) -> training.Run:
    return training.prepare(protocol, n, round_, rows, seed=0)


def same(a: training.Curve, b: training.Curve) -> bool:
    pairs = [(a.train_loss, b.train_loss), (a.risk, b.risk), (a.steps, b.steps)]
    return all(np.allclose(x, y, rtol=1e-4, atol=1e-5) for x, y in pairs)


@pytest.mark.parametrize("protocol", ["as published", "corrected"])
def test_runs_do_not_depend_on_companions(protocol: training.Protocol) -> None:
    runs = [small(protocol, 2, 0), small(protocol, 2, 1)]
    alone = [training.train([run], 1, 1e-3, 16, where="cpu")[0] for run in runs]
    together = training.train(runs, 1, 1e-3, 16, where="cpu")
    assert all(same(a, b) for a, b in zip(alone, together, strict=True))
    assert not same(*together)


def test_published_stack_mixes_sizes() -> None:
    runs = [small("as published", n, 0) for n in (2, 3)]
    together = training.train(runs, 1, 1e-3, 16, where="cpu")
    assert all(same(training.train([r], 1, 1e-3, 16, where="cpu")[0], c) for r, c in zip(runs, together, strict=True))


def test_unequal_runs_are_refused() -> None:
    with pytest.raises(ValueError, match=r"equal sequence lengths; got \[2, 3\]"):
        training.train([small("corrected", 2, 0), small("corrected", 3, 0)], 1, 1e-3, 16)
    with pytest.raises(ValueError, match="equal numbers of rows"):
        training.train([small("corrected", 2, 0), small("corrected", 2, 1, rows=40)], 1, 1e-3, 16)
    with pytest.raises(ValueError, match="unknown protocol 'guess'"):
        training.prepare("guess", 2, 0, 100, 0)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="at least 5 rows; got 4"):
        training.prepare("corrected", 2, 0, 4, 0)


def test_schedule() -> None:
    points = training.schedule(250, 3)
    assert points[:2] == [0, 1]
    assert points[-3:] == [250, 500, 750]
    assert points == sorted(set(points))
    assert training.schedule(1, 2) == [0, 1, 2]


def test_batches_cover_every_epoch() -> None:
    runs = [small("as published", 2, 0), small("as published", 3, 1)]
    parts = list(training.batches(runs, 1, 24))
    assert [heads.shape for _, heads in parts] == [(2, 24), (2, 24), (2, 16)]
    for r, run in enumerate(runs):
        seen = torch.cat([c[r, :, : run.n] for c, _ in parts]).tolist()
        assert sorted(seen) == sorted(run.coins.tolist())


def test_first_evaluation_is_untrained() -> None:
    run = small("corrected", 2, 0)
    curve = training.train([run], 1, 1e-3, 16, where="cpu")[0]
    seed = int(coins.source(0, "start", 2, 0).integers(2**31))
    net = nets.Transformer(2, tokens=True).eval()
    net.load_state_dict(nets.start(2, seed, tokens=True))
    with torch.no_grad():
        untrained = net(torch.from_numpy(run.exam.coins)).double().numpy()
    assert curve.steps[0] == 0
    assert curve.risk[0] == pytest.approx(run.exam.risk(untrained), rel=1e-4)
    assert len(curve.train_loss) == len(curve.risk) == len(curve.steps)


def test_training_approaches_the_floor() -> None:
    found = training.experiment(
        ["corrected", "hidden state"], [2], 2, n_flips=1000, epochs=2, learning_rate=1e-3, batch_size=32, seed=1,
        where="cpu",
    )  # fmt: skip
    assert [(c.protocol, c.round) for c in found] == [(p, r) for p in ("corrected", "hidden state") for r in (0, 1)]
    for curve in found:
        exact = coins.optimum(2) if curve.protocol == "corrected" else coins.hidden_optimum(2)
        assert curve.risk[-1] < curve.risk[0]
        assert 0 <= curve.risk[-1] - float(exact.floor) < 0.15
    assert found[0].probability[-1] >= found[0].probability[0]
    assert found[2].probability[-1] == pytest.approx(float(coins.hidden_optimum(2).at_mean))


# Checks


def test_exact_checks_and_their_controls() -> None:
    results = {c.id: checks.run(c) for c in checks.of_claim("sec-7.1")}
    assert {k.split("/")[1]: r.outcome for k, r in results.items()} == {
        "published-mean-is-shifted": "holds",
        "corrected-score-is-highest-at-least-loss": "holds",
        "published-score-is-highest-at-least-loss": "fails",
        "least-loss-need-not-be-likeliest": "holds",
    }
    assert all(r.counts for r in results.values())


FALLS, RISES, FLAT = [0.9, 0.95, 0.92], [-0.9, -0.95, -0.92], [0.05, -0.05, 0.02]
WIDE: list[float | None] = [0.9, -0.9, 0.3]


@pytest.mark.parametrize(
    ("rounds", "unrelated", "together"),
    [
        ({2: RISES, 3: RISES}, "fails", "fails"),
        ({2: FALLS, 3: FALLS}, "fails", "holds"),
        ({2: FLAT, 3: FLAT}, "holds", "fails"),
        ({2: FALLS, 3: FLAT}, "fails", "fails"),
        ({2: WIDE}, "undecided", "undecided"),
        ({2: [None, None, None]}, "undecided", "undecided"),
        ({2: FALLS, 3: [None, None, None]}, "fails", "undecided"),
    ],
)
def test_rules(rounds: judge.Rounds, unrelated: str, together: str) -> None:
    assert judge.no_relation(rounds).verb == unrelated
    assert judge.fall_together(rounds).verb == together
    assert "nan" not in judge.no_relation(rounds).detail


def test_positive_control_is_found() -> None:
    assert judge.no_relation({n: judge.straight_walk(n, 3) for n in (2, 4)}).verb == "fails"
    for n in range(2, 6):
        assert judge.no_relation({n: judge.straight_walk(n, 2, by_published=True)}).verb == "fails"


def test_shuffled_losses_raise_few_alarms() -> None:
    rng = np.random.default_rng(0)
    curves = {n: [(rng.random(20), rng.random(20)) for _ in range(4)] for n in SIZES}
    assert judge.false_alarms(curves) < 0.12


def test_results_of_the_experiment() -> None:
    published, up, down = {2: WIDE, 3: WIDE}, {2: RISES, 3: RISES}, {2: FALLS, 3: FALLS}
    found = judge.from_experiment(published, up, up, down, 1.0)
    assert [(r.form, r.reading, r.outcome, r.control) for r in found] == [
        ("printed", judge.BY_PUBLISHED_SCORE, "undecided", "fails"),
        ("printed", judge.BY_CONSISTENT_SCORE, "fails", "fails"),
        ("stronger", "", "fails", "fails"),
        ("stronger", "", "holds", "fails"),
    ]
    assert verdicts.of_part(found[:1], "statement") == "undecided"
    assert verdicts.of_part(found[1:], "statement") == "false as printed"
    assert verdicts.of_part(found, "statement") == "ambiguous"
    # Where the control comes out otherwise, the result must not count.
    assert not judge.from_experiment(published, up, down, down, 1.0)[3].counts


def test_readings_of_the_printed_sentence() -> None:
    exact = [checks.run(c) for c in checks.of_claim("sec-7.1") if c.reading]
    assert [(r.form, r.part, r.reading) for r in exact] == [("printed", "statement", judge.NOT_LIKELIEST)]
    assert verdicts.of_part(exact, "statement") == "holds as printed"
    assert exact[0].detail == "N=5: 0.4112 at the least loss, 0.4114 at best"


def test_exact_part_does_not_import_torch() -> None:
    code = "import sys, hallucination.coins_scores, hallucination.checks.coins; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
