"""Split-conformal thresholds: the rank rule, its guarantee and its law, and the naive quantile."""

from __future__ import annotations

from fractions import Fraction as F
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from hallucination.calibration import calibrate, calibrate_classes, naive_threshold, outside_all, rank


@pytest.mark.parametrize(
    ("alpha", "n", "k"),
    [(0.1, 9, 1), (0.1, 8, 0), (0.1, 99, 10), (0.29, 99, 29), (0.5, 1, 1), (1 - 0.9, 99, 10), (F(1, 3), 2, 1)],
)
def test_rank_in_exact_arithmetic(alpha, n, k):
    assert rank(alpha, n) == k


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.integers(1, 999), st.integers(1, 10**6))
def test_rank_of_decimal_levels(thousandths, n):
    assert rank(thousandths / 1000, n) == thousandths * (n + 1) // 1000


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.lists(st.integers(0, 6), min_size=2, max_size=12), st.integers(1, 99))
def test_guarantee_by_enumeration_even_with_ties(scores, percent):
    outside = [
        bool(calibrate(scores[:i] + scores[i + 1 :], F(percent, 100)).outside(s)) for i, s in enumerate(scores)
    ]
    k = rank(F(percent, 100), len(scores) - 1)
    assert sum(outside) <= k <= F(percent, 100) * len(scores)
    if len(set(scores)) == len(scores):
        assert sum(outside) == k


def test_all_orders_of_five_scores():
    rates = [bool(calibrate(order[:4], 0.4).outside(order[4])) for order in permutations(range(5))]
    assert F(sum(rates), len(rates)) == calibrate(range(4), 0.4).expected_outside == F(2, 5)


def test_ties_make_outside_rarer():
    assert not calibrate([1.0] * 20, 0.5).outside(1.0)
    assert calibrate([1.0] * 20, 0.5).outside(0.999)


def test_too_few_scores_give_minus_infinity():
    limit = calibrate([1.0, 2.0], 0.1)
    assert limit.value == -np.inf and limit.rank == 0 and limit.expected_outside == 0
    assert not limit.outside([-1e300, -np.inf]).any()
    with pytest.raises(ValueError, match="rank 0"):
        _ = limit.outside_law


@pytest.mark.parametrize(("n", "alpha"), [(9, 0.1), (50, 0.1), (199, 0.05), (20, 0.7)])
def test_simulated_share_follows_the_beta_law(n, alpha):
    rng, repeats = np.random.default_rng(n), 1500
    limits = np.array([calibrate(row, alpha).value for row in rng.standard_normal((repeats, n))])
    outside, law = stats.norm.cdf(limits), calibrate(np.arange(n), alpha).outside_law
    error = outside.std() / np.sqrt(repeats)
    k = rank(alpha, n)
    assert abs(outside.mean() - k / (n + 1)) < 4 * error
    assert law.mean() == pytest.approx(k / (n + 1))
    assert stats.kstest(outside, law.cdf).pvalue > 1e-3


@pytest.mark.parametrize(("n", "alpha"), [(9, 0.1), (50, 0.1), (50, 0.8)])
def test_naive_quantile_of_uniform_scores(n, alpha):
    rng, repeats = np.random.default_rng(1), 3000
    found = np.array([naive_threshold(row, alpha) for row in rng.random((repeats, n))])
    error = found.std() / np.sqrt(repeats)
    assert abs(found.mean() - (1 + alpha * (n - 1)) / (n + 1)) < 4 * error
    assert (found.mean() > alpha + 2 * error) == (alpha < 0.5)


def test_naive_threshold_lies_between_two_order_statistics():
    scores = np.random.default_rng(0).normal(size=37)
    j = int(np.floor(1 + 0.1 * 36))
    ordered = np.sort(scores)
    assert ordered[j - 1] <= naive_threshold(scores, 0.1) <= ordered[j]


def test_classes_have_thresholds_of_their_own():
    rng = np.random.default_rng(4)
    scores = {"cat": rng.normal(size=99), "dog": rng.normal(5.0, 3.0, size=499)}
    limits = calibrate_classes(scores, 0.1)
    assert limits["cat"] == calibrate(scores["cat"], 0.1) and limits["dog"].rank == 50
    fresh = {"cat": np.array([-9.0, 9.0, -9.0]), "dog": np.array([-9.0, -9.0, 9.0])}
    assert outside_all(limits, fresh).tolist() == [True, False, False]
    assert outside_all(limits, {name: np.zeros((2, 3)) for name in limits}).shape == (2, 3)


def test_order_and_shape_of_scores():
    limit = calibrate([3, 1, 2, 5, 4], F(1, 2))
    assert limit.value == 3 and limit.outside([[2, 3], [4, 1]]).tolist() == [[True, False], [False, True]]
    assert calibrate([-np.inf, 0.0, 1.0], 0.5).value == 0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: calibrate([1.0], 0.0), "alpha must lie strictly between 0 and 1, got 0.0"),
        (lambda: calibrate([1.0], float("nan")), "alpha must lie strictly between 0 and 1"),
        (lambda: rank(0.1, 0), "at least 1 score, got n = 0"),
        (lambda: calibrate([], 0.1), r"shape \(n,\) with n > 0, got \(0,\)"),
        (lambda: calibrate([[1.0]], 0.1), r"got \(1, 1\)"),
        (lambda: calibrate([1.0, float("nan")], 0.1), r"NaN at \[1\]"),
        (lambda: naive_threshold([], 0.1), "shape"),
        (lambda: calibrate_classes({}, 0.1), "at least 1 class"),
        (lambda: outside_all({"a": calibrate([1.0], 0.5)}, {"b": [1.0]}), r"classes \['a'\], scores for \['b'\]"),
    ],
)
def test_errors_name_the_rule_and_the_value(call, message):
    with pytest.raises(ValueError, match=message):
        call()
