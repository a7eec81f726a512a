"""Highest density regions: threshold, region and mass, against formulas, enumeration and independent numerics."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.integrate import quad
from scipy.optimize import brentq

from hallucination.density_regions import (
    central_interval,
    conditional_region,
    conditional_region_above,
    density_region,
    lies_within,
    quantile,
    region_above,
    shortest_interval,
)
from hallucination.mixtures import Mixture, two_gaussians
from hallucination.states import Custom, Discrete, Gaussian, Scalar, UniformBall


def test_normal_region_is_the_chi_squared_ellipsoid():
    state = Gaussian([1.0, 2.0, 3.0], [1.0, 4.0, 9.0])
    region = density_region(state, 0.9)
    assert region.log_threshold == pytest.approx(state.peak_log_density - stats.chi2.ppf(0.9, 3) / 2)
    assert region.mass == pytest.approx(0.9, abs=1e-12) and region.standard_error == 0 and region.intervals is None
    radius = np.sqrt(stats.chi2.ppf(0.9, 3))
    edge = np.array([[1 + 0.999 * radius, 2.0, 3.0], [1 + 1.001 * radius, 2.0, 3.0]])
    assert region.contains(edge).tolist() == [True, False]


def test_threshold_in_the_plane_in_closed_form():
    for mass in (0.1, 0.5, 0.99):
        t = np.exp(density_region(Gaussian([0.0, 0.0]), mass).log_threshold)
        assert t == pytest.approx((1 - mass) / (2 * np.pi))


def test_no_underflow_in_many_dimensions():
    state = Gaussian(np.zeros(512))
    region = density_region(state, 0.9)
    draws = state.sample(np.random.default_rng(0), 4000)
    assert region.log_threshold < -700
    assert region.contains(draws).mean() == pytest.approx(0.9, abs=5 * np.sqrt(0.09 / 4000))
    assert region.contains(np.zeros((2, 3, 512))).shape == (2, 3)


def test_uniform_ball_is_its_own_region():
    region = density_region(UniformBall([2.0], 0.5), 0.3)
    assert region.mass == 1 and region.intervals.tolist() == [[1.5, 2.5]]
    disc = density_region(UniformBall([0.0, 0.0], 1.0), 0.3)
    assert disc.contains([[0.9, 0.0], [1.1, 0.0]]).tolist() == [True, False]
    nothing = region_above(UniformBall([2.0], 0.5), 0.1)
    assert nothing.mass == 0 and nothing.intervals.shape == (0, 2) and nothing.length == 0


@settings(max_examples=80, deadline=None, derandomize=True)
@given(st.lists(st.integers(1, 9), min_size=1, max_size=8), st.integers(1, 199))
def test_discrete_regions_by_enumeration(parts, k):
    weights, mass = np.array(parts) / sum(parts), k / 200
    region = density_region(Discrete(np.arange(len(parts))[:, None], weights), mass)
    whole, share = sum(parts), [sum(q for q in parts if q >= t) for t in parts]
    best = max(t for t, s in zip(parts, share, strict=True) if 200 * s >= k * whole)
    assert np.exp(region.log_threshold) * whole == pytest.approx(best)
    assert region.mass == pytest.approx(sum(q for q in parts if q >= best) / whole)
    inside = region.contains(np.arange(len(parts))[:, None])
    assert inside.tolist() == [q >= best for q in parts]


# hdrcde documents hdr() on samples of half N(0, 1), half N(4, 1): two intervals, one around each mode.
@pytest.mark.parametrize("mass", [0.5, 0.9])
def test_bimodal_region_solves_its_equations_independently(mass):
    law = Mixture([0.5, 0.5], [Gaussian([0.0]), Gaussian([4.0])])
    f = lambda x: (stats.norm.pdf(x) + stats.norm.pdf(x, 4)) / 2  # noqa: E731
    low_end = lambda t: brentq(lambda x: f(x) - t, -9, 0)  # noqa: E731
    high_end = lambda t: brentq(lambda x: f(x) - t, 0.01, 2)  # noqa: E731
    t = brentq(lambda t: 2 * quad(f, low_end(t), high_end(t))[0] - mass, f(2) * 1.0001, f(0.001) * 0.999)
    region = density_region(law, mass)
    expected = [[low_end(t), high_end(t)], [4 - high_end(t), 4 - low_end(t)]]
    np.testing.assert_allclose(region.intervals, expected, atol=1e-7)
    assert np.exp(region.log_threshold) == pytest.approx(t, rel=1e-8)
    assert region.mass == pytest.approx(mass, abs=1e-12)


LAWS = {
    "far apart and narrow": Mixture([0.3, 0.7], [Gaussian([0.0]), Gaussian([1000.0], 1e-4)]),
    "narrow spike of small weight on a slope": Mixture([0.999, 0.001], [Gaussian([0.0]), Gaussian([2.0], 1e-8)]),
    "nested": Mixture([0.2, 0.8], [Gaussian([-9.0]), two_gaussians(0.4, 5.0)]),
    "three modes": Mixture([0.2, 0.3, 0.5], [Gaussian([-5.0], 4.0), Gaussian([0.0], 0.01), Gaussian([3.0])]),
    "heavy tails": Scalar(stats.t(2)),
    "an edge": Scalar(stats.expon()),
    "a pole": Scalar(stats.gamma(0.5)),
    "two poles": Scalar(stats.beta(0.5, 0.5)),
    "edge inside": Mixture([0.5, 0.5], [Scalar(stats.expon(1.0)), Gaussian([0.0])]),
}


@pytest.mark.parametrize("name", LAWS)
@pytest.mark.parametrize("mass", [0.05, 0.9])
def test_line_regions_have_their_mass_and_hold_the_densest_draws(name, mass):
    law, n = LAWS[name], 40_000
    region = density_region(law, mass)
    assert region.mass == pytest.approx(mass, abs=1e-8)
    draws = law.sample(np.random.default_rng(3), n)
    low, high = region.intervals.T
    inside = ((draws >= low) & (draws <= high)).any(axis=1)
    assert inside.mean() == pytest.approx(mass, abs=5 * np.sqrt(mass * (1 - mass) / n))
    assert (inside != region.contains(draws)).mean() < 1e-4  # draws on the edge only
    assert (low < high).all() and (high[:-1] < low[1:]).all()


def test_exponential_threshold_in_closed_form():
    region = density_region(Scalar(stats.expon(scale=0.25)), 0.8)
    assert np.exp(region.log_threshold) == pytest.approx(4 * 0.2)
    np.testing.assert_allclose(region.intervals, [[0, -np.log(0.2) / 4]], atol=1e-9)


def test_plateaus_give_more_mass_than_asked_for():
    law = Mixture([0.5, 0.5], [UniformBall([0.0], 1.0), UniformBall([5.0], 0.5)])
    assert density_region(law, 0.4).mass == pytest.approx(0.5)
    np.testing.assert_allclose(density_region(law, 0.4).intervals, [[4.5, 5.5]])
    assert density_region(law, 0.6).mass == pytest.approx(1.0)
    assert density_region(Scalar(stats.uniform(0, 1)), 0.5).mass == 1


def test_a_density_region_is_shorter_than_every_interval_of_its_mass():
    law = two_gaussians(0.7, 6.0)
    region, central, shortest = (
        density_region(law, 0.9).length,
        np.diff(central_interval(law, 0.9))[0],
        np.diff(shortest_interval(law, 0.9))[0],
    )
    assert region < shortest < central
    cdf = lambda x: 0.7 * stats.norm.cdf(x, -3) + 0.3 * stats.norm.cdf(x, 3)  # noqa: E731
    assert np.diff(cdf(shortest_interval(law, 0.9)))[0] == pytest.approx(0.9)
    np.testing.assert_allclose(cdf(central_interval(law, 0.9)), [0.05, 0.95])


@pytest.mark.parametrize("law", [Gaussian([2.0], 9.0), Scalar(stats.expon())])
def test_for_one_mode_the_shortest_interval_is_the_region(law):
    np.testing.assert_allclose([shortest_interval(law, 0.8)], density_region(law, 0.8).intervals, atol=1e-4)


def test_quantiles_invert_the_distribution_function():
    q = np.array([[0.001, 0.3], [0.5, 0.999]])
    np.testing.assert_allclose(quantile(Gaussian([1.0], 4.0), q), stats.norm.ppf(q, 1, 2), rtol=1e-9)
    assert quantile(two_gaussians(0.5, 8.0), 0.5) == pytest.approx(0, abs=1e-6)


def test_monte_carlo_threshold_has_the_mass_it_says():
    rng, law = np.random.default_rng(7), Mixture([1.0], [Gaussian(np.zeros(3))])
    exact = density_region(Gaussian(np.zeros(3)), 0.9)
    region = density_region(law, 0.9, 20_000, rng)
    assert region.standard_error == pytest.approx(np.sqrt(0.09 / 20_000), rel=0.01)
    true = stats.chi2.cdf(2 * (Gaussian(np.zeros(3)).peak_log_density - region.log_threshold), 3)
    assert abs(true - region.mass) < 5 * region.standard_error
    assert region.log_threshold == pytest.approx(exact.log_threshold, abs=0.1)
    with pytest.raises(ValueError, match="not known as intervals"):
        _ = region.length


def test_monte_carlo_mass_above_a_threshold():
    rng = np.random.default_rng(2)
    law = Custom([0.0], 1.0, lambda a: stats.norm.logpdf(a[..., 0]), lambda r, n: r.standard_normal((n, 1)))
    found = region_above(law, stats.norm.logpdf(1.0), 50_000, rng)
    assert abs(found.mass - 0.6827) < 5 * found.standard_error
    assert density_region(law, 0.5, 1000, rng).intervals is None


def test_union_of_two_close_states_misses_the_middle():
    law = two_gaussians(0.5, 1.0)
    union, whole = conditional_region(law, 0.1), density_region(law, 0.1)
    np.testing.assert_allclose(whole.intervals, [[-0.14238, 0.14238]], atol=1e-5)
    np.testing.assert_allclose(union.intervals, [[-0.62566, -0.37434], [0.37434, 0.62566]], atol=1e-5)
    assert not (union.contains([[0.0]]) | ~union.contains([[0.5]])).any()
    assert union.state_contains([[-0.5], [0.5]]).tolist() == [[True, False], [False, True]]
    assert not lies_within(whole.intervals, union.intervals) and not lies_within(union.intervals, whole.intervals)


@settings(max_examples=10, deadline=None, derandomize=True)
@given(st.floats(0.02, 0.98), st.floats(0.0, 12.0), st.floats(0.05, 5.0), st.floats(0.05, 0.99))
def test_the_union_covers_the_target(weight, separation, width, mass):
    law = Mixture([weight, 1 - weight], [Gaussian([0.0]), Gaussian([separation], width**2)])
    union = conditional_region(law, mass)
    assert union.mass().value >= mass - 1e-9
    delta = np.exp(law.log_density([0.3]))
    above = region_above(law, np.log(delta)).intervals
    assert lies_within(above, conditional_region_above(law, np.log(delta)).intervals)
    low = region_above(law, np.log(delta * min(weight, 1 - weight))).intervals
    assert lies_within(conditional_region_above(law, np.log(delta)).intervals, low)


def test_union_mass_by_simulation_and_by_distribution_functions():
    law = two_gaussians(0.3, 4.0)
    exact, union = conditional_region(law, 0.8).mass(), conditional_region(law, 0.8)
    inside = union.contains(law.sample(np.random.default_rng(0), 50_000)).mean()
    assert exact.standard_error == 0 and inside == pytest.approx(float(exact.value), abs=0.01)
    plane = conditional_region(two_gaussians(0.3, 4.0, dimension=2), 0.8)
    assert plane.intervals is None
    found = plane.mass(50_000, np.random.default_rng(1))
    assert found.value > 0.8 and 0 < found.standard_error < 0.01


def test_lies_within():
    outer = np.array([[0.0, 1.0], [2.0, 3.0]])
    assert lies_within(np.array([[0.0, 0.5], [2.5, 3.0]]), outer) and lies_within(np.empty((0, 2)), outer)
    assert not lies_within(np.array([[0.5, 2.5]]), outer) and not lies_within(outer, np.empty((0, 2)))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: density_region(Gaussian([0.0]), 1.0), "mass must lie strictly between 0 and 1, got 1.0"),
        (lambda: density_region(Gaussian([0.0]), float("nan")), "mass must lie strictly between 0 and 1"),
        (lambda: density_region(two_gaussians(0.5, 1.0), 1 - 1e-15), "too close to 1"),
        (lambda: density_region(two_gaussians(0.5, 1.0, dimension=2), 0.5), "Mixture has no exact density region"),
        (lambda: region_above(two_gaussians(0.5, 1.0, dimension=2), 0.0), "pass rng"),
        (lambda: conditional_region(two_gaussians(0.5, 1.0, dimension=2), 0.5).mass(), "pass rng"),
        (lambda: quantile(Gaussian([0.0]), [0.5, 1.0]), "probabilities must lie strictly between 0 and 1"),
        (lambda: quantile(Gaussian([0.0, 0.0]), 0.5), "Gaussian with d = 2 has no known distribution function"),
        (lambda: shortest_interval(Discrete([[0.0]], [1.0]), 0.5), "no known distribution function"),
        (lambda: density_region(Gaussian([0.0]), 0.5).contains([[0.0, 1.0]]), r"got shape \(1, 2\)"),
    ],
)
def test_errors_name_the_rule_and_the_value(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_mass_of_a_monte_carlo_region_follows_the_law_of_an_order_statistic():
    law = Mixture([0.5, 0.5], [Gaussian([0.0, 0.0]), Gaussian([3.0, 1.0], 2.0)])
    region = density_region(law, 0.5, 9, np.random.default_rng(0))
    assert region.mass == pytest.approx(0.5)
    assert region.standard_error == pytest.approx(stats.beta(5, 5).std())
