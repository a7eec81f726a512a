"""Target distributions of Theorems 5.1 to 5.3: what their docstrings promise, and the numbers of the printed ones."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from hallucination import constructions as build
from hallucination.regions import (
    alpha_hdr_hallucinates,
    delta_hallucinates,
    is_vacuous,
    region_mass,
    squared_radius,
)
from hallucination.states import Custom, Gaussian, Scalar

quick = settings(max_examples=40, deadline=None, derandomize=True)
relative_weights = st.lists(st.floats(1e-6, 1e6), min_size=2, max_size=12).map(lambda w: np.array(w) / sum(w))
deltas = st.floats(-30, 3).map(lambda x: 10.0**x)
etas = st.floats(-9, -0.001).map(lambda x: 10.0**x)
dimensions = st.sampled_from([1, 2, 3, 10, 64, 512])


def distances(law):
    return np.linalg.norm(law.state_means - law.mean, axis=1)


# Offsets and means --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dimension", [1, 2, 7])
@pytest.mark.parametrize("n", [2, 3, 4, 5, 8, 13, 64])
def test_offsets_sum_to_zero_and_are_long_enough(n, dimension):
    rng = np.random.default_rng(n)
    for a in (build.offsets(n, dimension), build.directions_for(rng.dirichlet(np.ones(n)), dimension)):
        assert a.shape == (n, dimension)
        assert np.abs(a.sum(axis=0)).max() < 1e-12
        assert np.linalg.norm(a, axis=1).min() > 1 - 1e-12


@quick
@given(relative_weights, st.sampled_from([1, 2, 5]))
def test_directions_give_different_means(p, dimension):
    means = build.directions_for(p, dimension) / p[:, None]
    assert len(np.unique(means, axis=0)) == p.size


def test_offsets_that_would_collide_are_assigned_by_weight():
    means = build.directions_for([0.25, 0.5, 0.25])[:, 0] / [0.25, 0.5, 0.25]
    np.testing.assert_allclose(means, [8, 2, -12])


@quick
@given(relative_weights, st.floats(1e-9, 1e9), st.floats(-50, 50))
def test_means_average_to_the_centre_at_least_the_reach_away(p, reach, center):
    means = build.spread_means(p, reach, build.offsets(p.size, 3), center)
    scale = np.abs(means).max() + abs(center)
    np.testing.assert_allclose(p @ means, center, atol=1e-12 * scale)
    assert np.linalg.norm(means - center, axis=1).min() >= reach * (1 - 1e-9) - 1e-12 * scale


# Normal states ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("dimension", "eta", "square", "rho"),
    [
        (1, 0.05, 34.158262, 11.455023),
        (2, 0.1, 1.591549, 2.707278),
        (10, 0.1, 0.0808176, 1.136682),
        (512, 0.1, 0.0549806, 5.516071),
    ],
)
def test_widest_scale_against_independent_values(dimension, eta, square, rho):
    s = build.widest_scale(0.01, eta, dimension)
    assert s**2 == pytest.approx(square, rel=1e-6)
    assert build.radius(s, 0.01, dimension) == pytest.approx(rho, rel=1e-6)


@quick
@given(deltas, etas, dimensions)
def test_widest_scale_keeps_exactly_the_promised_mass(delta, eta, dimension):
    s = build.widest_scale(delta, eta, dimension)
    tau = squared_radius(Gaussian(np.zeros(dimension), s**2), delta)
    assert stats.chi2.sf(tau, dimension) == pytest.approx(eta, rel=1e-6)


@pytest.mark.parametrize("dimension", [1, 5, 512])
@pytest.mark.parametrize("eta", [0.02, 0.3, 0.9])
def test_closed_form_is_narrower_and_has_its_own_radius(dimension, eta):
    s = build.widest_scale(0.02, eta, dimension, closed_form=True)
    assert s <= build.widest_scale(0.02, eta, dimension)
    assert build.radius(s, 0.02, dimension) == pytest.approx(s * np.sqrt(dimension / eta))


@quick
@given(relative_weights, deltas, etas, dimensions)
def test_separated_states_are_supported_and_their_mean_is_not(p, delta, eta, dimension):
    law = build.separated_gaussians(p, delta, eta, dimension)
    assert delta_hallucinates(law, law.mean, delta)
    assert all(stats.chi2.sf(squared_radius(s, delta), dimension) <= eta for s in law.states[:2])
    assert not is_vacuous(law.states[0], delta)
    assert len(np.unique(law.state_means, axis=0)) == p.size


@quick
@given(
    relative_weights, deltas, st.floats(0.001, 0.9), st.sampled_from([1, 2, 10]), st.floats(-6, 6), st.integers(0, 99)
)
def test_slack_makes_a_whole_ball_hallucinate(p, delta, eta, dimension, exponent, seed):
    slack = build.widest_scale(delta, eta, dimension) * 10.0**exponent
    law = build.separated_gaussians(p, delta, eta, dimension, slack=slack)
    u = np.random.default_rng(seed).normal(size=(20, dimension))
    worst = law.state_means - law.mean  # straight towards each state
    u = np.vstack([u, worst])
    v = law.mean + slack * u / np.linalg.norm(u, axis=1, keepdims=True)
    assert delta_hallucinates(law, v, delta).all()


def test_reach_is_as_short_as_promised():
    law = build.separated_gaussians([0.5, 0.5], 0.01, 0.1)
    rho = build.radius(np.sqrt(law.states[0].covariance), 0.01)
    assert distances(law).min() / rho == pytest.approx(2, rel=1e-6)  # K/p with K = ρ


def test_scale_directions_and_centre_are_taken():
    a = [[1.0, 0.0], [0.0, 2.0], [-1.0, -2.0]]
    law = build.separated_gaussians([0.2, 0.3, 0.5], 0.01, 0.1, 2, scale=0.1, directions=a, center=[5.0, -7.0])
    np.testing.assert_allclose(law.mean, [5, -7], atol=1e-9)
    assert law.states[0].covariance == pytest.approx(0.01)
    rho = build.radius(0.1, 0.01, 2)
    np.testing.assert_allclose(distances(law) / rho, np.linalg.norm(a, axis=1) / [0.2, 0.3, 0.5], rtol=1e-6)
    assert delta_hallucinates(law, law.mean, 0.01)


def test_radius_is_where_the_density_crosses_delta():
    edge = build.radius(0.7, 0.03, 3)
    assert Gaussian(np.zeros(3), 0.49).log_density([edge, 0, 0]) == pytest.approx(np.log(0.03))
    assert build.radius(100.0, 0.03, 3) == 0


# Other states -------------------------------------------------------------------------------------------------------


@quick
@given(relative_weights, deltas, dimensions)
def test_balls_miss_their_mean_and_are_dense(p, delta, dimension):
    law = build.separated_balls(p, 0.99 * build.largest_ball(delta, dimension), dimension)
    assert delta_hallucinates(law, law.mean, 1e-300)
    assert all(s.peak_log_density > np.log(delta) for s in law.states[:2])


@pytest.mark.parametrize(("dimension", "volume"), [(1, 2), (2, np.pi), (3, 4 * np.pi / 3)])
def test_largest_ball_has_the_reciprocal_volume(dimension, volume):
    assert build.largest_ball(0.2, dimension) ** dimension * volume == pytest.approx(5)


def test_two_sided_balls_have_their_own_means_in_the_gap():
    law = build.two_sided_balls([0.5, 0.5], [[2.0, 0.0], [0.0, 3.0]], 1.0)
    np.testing.assert_allclose(law.state_means, 0, atol=1e-15)
    assert delta_hallucinates(law, [0.0, 0.0], 1e-300)
    draws = law.states[0].sample(np.random.default_rng(0), 500)
    assert (law.states[0].log_density(draws) > np.log(0.1)).all()


@quick
@given(st.integers(0, 10_000), st.integers(2, 6), st.sampled_from([1, 2, 4]))
def test_ellipsoids_hallucinate_with_and_without_a_scale(seed, n, d):
    rng = np.random.default_rng(seed)
    roots = rng.normal(size=(n, d, d)) * 10.0 ** rng.uniform(-2, 2, size=(n, 1, 1))
    covariances, p = [r @ r.T + 0.05 * np.eye(d) for r in roots], rng.dirichlet(np.ones(n)) + 1e-6
    p, delta, alpha, slack = p / p.sum(), 10 ** rng.uniform(-8, 1), rng.uniform(0.01, 0.9), rng.uniform(0, 3)
    u = rng.normal(size=(30, d))
    u *= slack / np.linalg.norm(u, axis=1, keepdims=True)
    by_delta = build.separated_ellipsoids(p, covariances, delta=delta, slack=slack, center=1.5)
    np.testing.assert_allclose(by_delta.mean, 1.5, atol=1e-6 * distances(by_delta).max())
    assert delta_hallucinates(by_delta, by_delta.mean + u, delta).all()
    by_alpha = build.separated_ellipsoids(p, covariances, alpha=alpha, slack=slack)
    assert alpha_hdr_hallucinates(by_alpha, by_alpha.mean + u, alpha).all()


def test_general_covariances_keep_the_mass_that_the_determinant_allows():
    q = stats.chi2.isf(0.1, 2)
    largest = 0.01**-2 * (2 * np.pi) ** -2 * np.exp(-q)  # bound on det Σ
    state = Gaussian([0.0, 0.0], [3.0, largest / 3.0])
    assert region_mass(state, 0.01) == pytest.approx(0.9)


def test_shifted_states_keep_their_shape():
    moved = build.shifted(Scalar(stats.gamma(2)), [5.0])
    assert isinstance(moved, Custom)
    x = np.linspace(3.2, 9, 50)
    np.testing.assert_allclose(moved.log_density(x[:, None]), stats.gamma(2, loc=3).logpdf(x))
    draws = moved.sample(np.random.default_rng(0), 20_000)
    assert draws.mean() == pytest.approx(5, abs=0.05) and moved.variance == 2


@pytest.mark.parametrize("delta", [1e-12, 0.001, 0.2])
def test_other_shapes_are_moved_until_their_mean_hallucinates(delta):
    noises = [Scalar(stats.laplace()), Scalar(stats.gamma(3)), Scalar(stats.t(3)), Gaussian([4.0], 0.1)]
    law = build.separated_locations([0.1, 0.2, 0.3, 0.4], noises, delta)
    assert delta_hallucinates(law, law.mean, delta)
    assert law.mean == pytest.approx([0], abs=1e-9 * distances(law).max())


def test_a_density_that_does_not_fade_is_refused():
    flat = Custom([0.0], 1.0, lambda a: np.zeros(a.shape[:-1]), lambda rng, n: rng.normal(size=(n, 1)))
    with pytest.raises(ValueError, match=r"do not fall to delta = 0\.5"):
        build.separated_locations([0.5, 0.5], [flat, flat], 0.5)


# As printed, and repaired -------------------------------------------------------------------------------------------


def density_at_zero(law):
    np.testing.assert_allclose(law.mean, 0, atol=1e-12)
    return np.exp(law.state_log_densities(np.zeros(law.mean.size)))


def test_printed_construction_misses_the_inverse():
    law = build.printed_single_input([0.5, 0.5], [2.0], 0.01)
    assert law.state_means[0] ** 2 == pytest.approx(4.2586, abs=1e-4)
    assert density_at_zero(law)[0] == pytest.approx(0.09728, abs=1e-5)


def test_printed_last_state_supports_the_mean():
    law = build.printed_single_input([0.01, 0.99], [1.0], 0.01)
    np.testing.assert_allclose(law.state_means[:, 0], [3.03485, -0.030655], atol=1e-5)
    np.testing.assert_allclose(density_at_zero(law), [0.00399, 0.36333], atol=1e-5)


@pytest.mark.parametrize("dimension", [1, 2, 5])
def test_printed_single_state_peaks_at_the_mean(dimension):
    law = build.printed_single_input([1.0], [], 0.01, dimension)
    assert density_at_zero(law)[0] == pytest.approx((2 * np.pi) ** (-dimension / 2) / 0.01)


def test_printed_root_can_be_of_a_negative_number():
    with pytest.raises(ValueError, match=r"must not be negative under the printed root, got -0\.223"):
        build.printed_single_input([0.5, 0.5], [5.0], 0.5)


def test_printed_and_repaired_agree_on_unit_covariances_but_for_the_last_state():
    printed, repaired = (
        f([0.3, 0.7], [np.eye(3)], 0.01) for f in (build.printed_single_input, build.repaired_single_input)
    )
    np.testing.assert_allclose(printed.state_means, repaired.state_means)
    assert printed.states[1].log_det == pytest.approx(-repaired.states[1].log_det)


@quick
@given(st.integers(0, 10_000), st.integers(1, 6), st.sampled_from([1, 2, 4]), st.floats(-12, 2))
def test_repaired_construction_hallucinates_and_its_last_state_is_vacuous(seed, n, d, exponent):
    rng, delta = np.random.default_rng(seed), 10.0**exponent
    roots = rng.normal(size=(n - 1, d, d)) * 10.0 ** rng.uniform(-2, 2, size=(n - 1, 1, 1))
    law = build.repaired_single_input(
        rng.dirichlet(np.ones(n)), [r @ r.T + 0.05 * np.eye(d) for r in roots], delta, d
    )
    limit = np.log(delta) - d / 2 * np.log(2 * np.pi)
    assert law.state_log_densities(law.mean).max() <= limit + 1e-6
    assert is_vacuous(law.states[-1], delta)


def test_printed_example_of_theorem_b2_puts_the_mean_on_a_peak():
    p = np.array([1, 2, 1, 1]) / 5
    means = build.printed_near_optimal_means(p, 1.0, 2)
    np.testing.assert_allclose(means[:, 0], [15, 10, 15, 0])
    np.testing.assert_allclose(p @ means, means[1])


# Errors -------------------------------------------------------------------------------------------------------------

HALVES = [0.5, 0.5]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: build.offsets(1), "at least 2 states to separate, got 1"),
        (lambda: build.directions_for([1.0]), "at least 2 states to separate, got 1"),
        (lambda: build.directions_for(HALVES, 0), "dimension must be at least 1, got 0"),
        (lambda: build.spread_means(HALVES, 1.0, [[1.0], [1.0]]), r"sum to zero and have norm at least 1"),
        (lambda: build.spread_means(HALVES, 1.0, [[0.5], [-0.5]]), r"norm at least 1, got norms \[0\.5 0\.5\]"),
        (lambda: build.spread_means(HALVES, 1.0, [1.0, -1.0]), r"shape \(N, d\) with N = 2, got \(2,\)"),
        (lambda: build.spread_means([0.5, 0.6], 1.0, build.offsets(2)), "sum to 1"),
        (lambda: build.widest_scale(0.01, 1.0), r"eta must lie strictly between 0 and 1, got 1\.0"),
        (lambda: build.widest_scale(0.01, 0.5, 0), "dimension must be at least 1"),
        (lambda: build.widest_scale(-1.0, 0.5), r"delta must be positive, got -1\.0"),
        (lambda: build.widest_scale(1e-300, 0.5), "too extreme for double precision"),
        (lambda: build.widest_scale(0.01, 1e-4, closed_form=True), "too extreme for double precision"),
        (lambda: build.widest_scale(float("inf"), 0.5), "too extreme for double precision"),
        (lambda: build.largest_ball(1e-300), "too extreme for double precision"),
        (lambda: build.largest_ball(0.1, -1), "dimension must be at least 1"),
        (
            lambda: build.separated_gaussians(HALVES, 0.01, 0.1, scale=1e6),
            r"scale must lie in \(0, .*\] for the regions",
        ),
        (lambda: build.separated_gaussians(HALVES, 0.01, 0.1, slack=-1.0), r"not negative, got -1\.0"),
        (lambda: build.separated_gaussians(HALVES, 0.01, 0.1, center=1e30), "too far out to keep distances"),
        (lambda: build.separated_gaussians([1.0], 0.01, 0.1), "at least 2 states"),
        (lambda: build.separated_balls(HALVES, 1.0, gap=0.0), r"gap must be positive, got 0\.0"),
        (lambda: build.separated_balls(HALVES, -1.0), "radius must be positive"),
        (
            lambda: build.two_sided_balls(HALVES, [[1.0], [0.5]], 0.5),
            r"longer than the radius 0\.5, the shortest is 0\.5",
        ),
        (lambda: build.separated_ellipsoids(HALVES, [1.0, 2.0]), "give delta or alpha, and not both"),
        (lambda: build.separated_ellipsoids(HALVES, [1.0, 2.0], delta=0.1, alpha=0.1), "not both"),
        (lambda: build.separated_ellipsoids(HALVES, [1.0, 2.0], alpha=1.0), "alpha must lie strictly between"),
        (
            lambda: build.separated_ellipsoids(HALVES, [1.0], alpha=0.1),
            r"need 2 covariances .* got shapes \[\(1, 1\)\]",
        ),
        (lambda: build.separated_ellipsoids(HALVES, [1.0, np.eye(2)], alpha=0.1), "of one dimension"),
        (lambda: build.separated_locations(HALVES, [Gaussian([0.0])], 0.1), "one noise per state, got 1 for 2"),
        (lambda: build.printed_single_input(HALVES, [], 0.1), "need 1 covariances of one dimension"),
        (lambda: build.printed_single_input(HALVES, [-1.0], 0.1), "positive definite"),
        (lambda: build.repaired_single_input(HALVES, [[[1.0, 2.0], [2.0, 1.0]]], 0.1), "positive definite"),
    ],
)
def test_errors_name_the_rule_and_the_value(call, message):
    with pytest.raises(ValueError, match=message):
        call()
