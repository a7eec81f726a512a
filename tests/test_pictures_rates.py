"""Wilson's interval from its definition, and the spread of a rate over splits."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np
import pytest
from scipy import stats

from hallucination.pictures.class_regions import fit
from hallucination.pictures.rates import rate, split_noise, wilson


@dataclass(frozen=True, eq=False)
class Parts:
    train: np.ndarray
    held: np.ndarray


def splits(n: int, how_many: int) -> list[Parts]:
    orders = [np.random.default_rng(seed).permutation(n) for seed in range(how_many)]
    return [Parts(order[: int(0.8 * n)], order[int(0.8 * n) :]) for order in orders]


@pytest.mark.parametrize(("k", "n", "level"), [(0, 3, 0.95), (1, 64, 0.95), (64, 64, 0.9), (25, 128, 0.99)])
def test_ends_solve_the_score_equation(k, n, level):
    z = stats.norm.isf((1 - level) / 2)
    for end in wilson(k, n, level):
        inner = 0 < end < 1
        assert abs(k / n - end) == pytest.approx(z * sqrt(end * (1 - end) / n)) if inner else end == k / n
    low, high = wilson(k, n, level)
    assert 0 <= low <= k / n <= high <= 1


def test_published_rates_of_three_prompts_are_very_uncertain():
    assert wilson(1, 3)[1] - wilson(1, 3)[0] > 0.7


def test_coverage_is_near_the_level():
    p, n = 0.2, 128
    ends = [wilson(k, n) for k in range(n + 1)]
    covered = sum(stats.binom.pmf(k, n, p) for k, (low, high) in enumerate(ends) if low <= p <= high)
    assert covered == pytest.approx(0.95, abs=0.02)


def test_rate_counts_booleans():
    found = rate(np.array([[True, False], [False, False]]))
    assert (found.k, found.n, found.value) == (1, 4, 0.25)
    assert (found.low, found.high) == wilson(1, 4)
    with pytest.raises(ValueError, match="counts booleans, got float64"):
        rate([0.5, 1.0])


@pytest.mark.parametrize(("k", "n", "level"), [(4, 3, 0.95), (-1, 3, 0.95), (0, 0, 0.95), (1, 3, 1.0)])
def test_bad_counts_are_one_line(k, n, level):
    with pytest.raises(ValueError, match="got"):
        wilson(k, n, level)


@pytest.fixture(scope="module")
def data() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    labels = np.arange(600) % 2
    points = rng.normal(size=(600, 8)) + 2 + np.outer(labels, np.arange(8))
    return points, labels, rng.normal(size=(200, 8)) + 3


def test_rates_are_those_of_one_fit_a_split(data):
    points, labels, probe = data
    chosen = splits(600, 3)
    found = split_noise(points, labels, ("cat", "dog"), iter(chosen), {"pet": probe, "near": points}, dimensions=5)
    for k, parts in enumerate(chosen):
        regions = fit(
            points[parts.train], labels[parts.train], points[parts.held], labels[parts.held], ("cat", "dog"),
            dimensions=5,
        )  # fmt: skip
        assert found["pet"].values[k] == regions.outside(probe).mean()
        assert found["near"].values[k] == regions.outside(points).mean()
    assert found["pet"].mean == pytest.approx(np.mean(found["pet"].values))
    assert found["pet"].deviation == pytest.approx(sqrt(np.var(found["pet"].values) * 3 / 2))
    assert found["pet"].deviation > 0


def test_splits_move_the_rate_about_as_much_as_the_threshold_rule_says(data):
    points, labels, _ = data
    fresh = np.random.default_rng(1).normal(size=(4000, 8)) + 2
    found = split_noise(points, labels, ("cat", "dog"), splits(600, 12), {"cat": fresh}, dimensions=8)["cat"]
    law = stats.beta(
        6, 55
    )  # 60 held-out pictures of a class; the splits overlap, so somewhat less than its deviation
    assert 0.2 * law.std() < found.deviation < 1.5 * law.std()


@pytest.mark.parametrize(("how_many", "probes"), [(1, {"pet": [[1.0] * 8]}), (2, {})])
def test_nothing_to_compare_is_one_line(data, how_many, probes):
    points, labels, _ = data
    with pytest.raises(ValueError, match="2 splits and 1 probe or more; got"):
        split_noise(points, labels, ("cat", "dog"), splits(600, how_many), probes, dimensions=3)
