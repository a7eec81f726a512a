"""Why a mean passes the published test: derived in SymPy, compared with draws, and with the library's own laws."""

from __future__ import annotations

import numpy as np
import pytest
import sympy as sp
from scipy import integrate, stats

from hallucination.pictures.mean_rule import expected_margin, firing_probability, firing_shift, squared_limit
from hallucination.pictures.mean_rule_derived import derivation, spread_lost
from hallucination.states import Gaussian


def symbols(name: str) -> dict[str, sp.Symbol]:
    return {s.name: s for s in derivation()[name].free_symbols if not s.name.startswith("\\")}


def number(name: str, **values: float) -> float:
    step = derivation()[name]
    known = symbols(name)
    return float(step.rhs.subs({known[k]: v for k, v in values.items()}).evalf(30))


def draws(seed: int, n: int, D: int, shift: float = 0.0, spread: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """A root of some covariance, and samples with it around a point at this Mahalanobis distance from the origin."""
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(D, D)) + 2 * np.eye(D)
    step = np.linalg.qr(rng.normal(size=(D, 1)))[0][:, 0] * shift
    return root, (rng.normal(size=(n, D)) * spread + step) @ root.T


def q(points: np.ndarray, root: np.ndarray) -> np.ndarray:
    return np.sum(np.linalg.solve(root, points.T) ** 2, axis=0)


# SymPy


def test_a_sample_sits_half_the_dimension_below_the_centre():
    c, D, K = symbols("mean")["c"], symbols("mean")["D"], symbols("mean")["K"]
    steps = derivation()
    assert steps["sample"].rhs == c - D / 2
    assert steps["centre"].rhs == c
    assert sp.expand(steps["mean"].rhs - (c - D / (2 * K))) == 0
    assert sp.simplify(steps["advantage"].rhs - sp.Rational(1, 2) * D * (1 - 1 / K)) == 0


def test_whitening_removes_the_covariance_in_every_dimension():
    form = derivation()["whitened"].rhs
    assert not form.has(sp.Inverse)
    assert {s.name for s in form.free_symbols if isinstance(s, sp.MatrixSymbol)} == {"z"}


def test_the_law_of_the_mean_is_a_poisson_mixture():
    steps = derivation()
    assert sp.simplify(steps["law"].rhs / steps["mixture"].rhs) == 1
    assert set(symbols("law")) == {"u", "K", "lambda", "D"}


def test_transform_against_an_integral():
    u, K, m = 0.7, 3, 0.4
    found, _ = integrate.quad(lambda x: np.exp((1 - u) / 2 * K * x**2) * stats.norm.pdf(x, m, K**-0.5), -15, 15)
    assert number("law", u=u, K=K, D=1, **{"lambda": m**2}) == pytest.approx(found, rel=1e-9)
    assert number("law", u=u, K=K, D=2, **{"lambda": 2 * m**2}) == pytest.approx(found**2, rel=1e-9)


def test_constant_is_that_of_the_librarys_gaussian():
    root = np.random.default_rng(1).normal(size=(3, 3))
    cov = root @ root.T
    expected = Gaussian(np.zeros(3), cov).peak_log_density
    assert number("constant", D=3, **{"|Sigma|": float(np.linalg.det(cov))}) == pytest.approx(expected)


@pytest.mark.parametrize(("D", "K", "shift"), [(2, 1, 1.0), (4, 3, 1.5), (6, 2, 0.3)])
def test_series_threshold_and_probability_agree(D, K, shift):
    limit = squared_limit(D)
    left, known = derivation()["threshold"].lhs, symbols("threshold")
    assert float(left.subs({known["D"]: D, known["tau"]: limit}).evalf()) == pytest.approx(0.1)
    step, known = derivation()["firing"], symbols("firing")
    values = {"D": D, "K": K, "lambda": shift**2, "tau": limit}
    series = step.rhs.subs({known[k]: v for k, v in values.items()})
    total = float(sum(series.function.subs(series.variables[0], j).evalf(25) for j in range(40)))
    assert total == pytest.approx(float(firing_probability(shift, D, K)), abs=1e-10)


def test_what_the_mean_gains_is_the_spread_for_every_law_and_matrix():
    assert spread_lost() == sp.ZeroMatrix(1, 1)
    assert spread_lost(same_centre=False) != sp.ZeroMatrix(1, 1)


def test_the_same_identity_for_a_list_of_points():
    points, centre = np.random.default_rng(2).lognormal(size=(2, 40, 5))
    P = np.random.default_rng(3).normal(size=(5, 5))

    def form(v: np.ndarray) -> np.ndarray:
        return np.einsum("...i,ij,...j->...", v, P, v)

    mean, centre = points.mean(axis=0), centre[0]
    gained = form(points - centre).mean() - form(mean - centre)
    assert gained == pytest.approx(np.trace(P @ np.cov(points.T, ddof=0)))


# Draws


@pytest.mark.parametrize("D", [1, 5, 40])
def test_draws_of_any_covariance_lie_half_the_dimension_below(D):
    root, points = draws(D, 40_000, D)
    logs = Gaussian(np.zeros(D), root @ root.T)
    gap = logs.peak_log_density - logs.log_density(points)
    assert gap.mean() == pytest.approx(D / 2, abs=5 * np.sqrt(D / 2 / 40_000))
    means = points.reshape(-1, 8, D).mean(axis=1)
    gap = logs.peak_log_density - logs.log_density(means)
    assert stats.kstest(2 * 8 * gap, stats.chi2(D).cdf).pvalue > 1e-3


@pytest.mark.parametrize(
    ("D", "K", "shift", "spread"), [(3, 1, 1.5, 1.0), (8, 4, 3.4, 1.0), (20, 16, 5.2, 1.0), (8, 4, 2.0, 2.5)]
)
def test_firing_probability_against_draws(D, K, shift, spread):
    n = 8_000
    root, points = draws(10 * D + K, n * K, D, shift, spread)
    fired = q(points.reshape(n, K, D).mean(axis=1), root) > squared_limit(D)
    expected = float(firing_probability(shift, D, K, spread=spread))
    assert 0.01 < expected < 0.99
    assert stats.binomtest(int(fired.sum()), n, expected).pvalue > 1e-3
    margins = (squared_limit(D) - q(points.reshape(n, K, D).mean(axis=1), root)) / 2
    error = margins.std() / np.sqrt(n)
    assert margins.mean() == pytest.approx(float(expected_margin(shift, D, K, spread=spread)), abs=4 * error)


# What follows


@pytest.mark.parametrize("alpha", [0.01, 0.1, 0.5])
def test_without_shift_single_samples_are_outside_as_often_as_stated_and_means_never(alpha):
    assert float(firing_probability(0, 32, 1, alpha)) == pytest.approx(alpha)
    assert float(firing_probability(0, 32, 8, alpha)) < 1e-9
    assert float(firing_probability(0, 128, 64, alpha)) < 1e-30


@pytest.mark.parametrize("D", [8, 32, 128])
def test_half_the_samples_outside_and_the_mean_inside(D):
    shift = firing_shift(D)
    assert float(firing_probability(shift, D)) == pytest.approx(0.5)
    assert float(firing_probability(shift, D, 64)) < 1e-6
    # The median of q at this shift is τ, and its mean, D + λ, is a little larger: the margin is nearly D/2.
    margin = float(expected_margin(shift, D, 10**6))
    assert margin == pytest.approx(D / 2, abs=0.5)


def test_margin_of_the_mean_grows_with_the_dimension():
    found = [float(expected_margin(0, D, 10**6)) for D in (8, 16, 32, 64, 128)]
    assert np.all(np.diff(found) > 0)
    assert found == pytest.approx([stats.chi2(D).ppf(0.9) / 2 for D in (8, 16, 32, 64, 128)], abs=1e-3)


def test_the_published_rule_fires_only_when_nearly_all_samples_are_outside():
    for D, K, least in ((8, 64, 0.8), (32, 64, 0.99), (128, 64, 0.999999)):
        shift = firing_shift(D, K)
        assert float(firing_probability(shift, D, K)) == pytest.approx(0.5)
        assert float(firing_probability(shift, D)) > least


def test_many_draws_need_a_centre_further_out_than_nine_in_ten_of_the_class():
    assert firing_shift(32, 10**6) == pytest.approx(np.sqrt(squared_limit(32)), rel=1e-3)
    assert firing_shift(32, 10**6, 0.01) > firing_shift(32, 10**6, 0.1) > firing_shift(32, 1, 0.1)


def test_no_shift_is_needed_where_chance_is_enough():
    assert firing_shift(4, 1, 0.5, 0.4) == 0
    assert firing_shift(4, 4, 0.1, spread=4.0) == 0


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: squared_limit(0), "at least 1, got 0"),
        (lambda: squared_limit(3, 1.0), "strictly between 0 and 1, got 1.0"),
        (lambda: firing_probability(-1.0, 3), "not negative; got -1.0"),
        (lambda: firing_probability(np.nan, 3), "got nan"),
        (lambda: firing_probability(1.0, 3, 0), "at least 1 draw, got 0"),
        (lambda: expected_margin(1.0, 3, spread=0.0), "positive and finite, got 0.0"),
        (lambda: firing_shift(3, probability=1.0), "strictly between 0 and 1, got 1.0"),
    ],
)
def test_bad_arguments_are_one_line(call, words):
    with pytest.raises(ValueError, match=words) as caught:
        call()
    assert "\n" not in str(caught.value)
