"""Targets on the simplex against quadrature, exact arithmetic, mpmath and their own draws; exact decoders."""

from __future__ import annotations

from fractions import Fraction as F

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import gammaln, rel_entr
from scipy.stats import beta

from hallucination import simplex
from hallucination.regions import delta_hallucinates
from hallucination.simplex import CornerUniform, corner_dirichlet, corner_uniform, decode

WEIGHTS = st.lists(st.integers(1, 9), min_size=2, max_size=5).map(lambda w: np.array(w) / sum(w))


def grid_of_triangle(n=400):
    """Midpoints of small squares in the first two coordinates of the simplex of three classes, and their area."""
    x, y = np.meshgrid(*[(np.arange(n) + 0.5) / n] * 2)
    inside = x + y < 1
    return np.stack([x, y, 1 - x - y], axis=-1)[inside], 1 / n**2


@pytest.mark.parametrize(
    "law",
    [corner_uniform([0.5, 0.3, 0.2], 3, 0.3), corner_dirichlet([0.5, 0.5], 3, 4.0)],
    ids=["corner", "dirichlet"],
)
def test_densities_integrate_to_one_and_have_the_stated_mean(law):
    points, area = grid_of_triangle()
    for state in law.states:
        density = np.exp(state.log_density(points))
        assert density.sum() * area == pytest.approx(1, abs=0.02)
        np.testing.assert_allclose((density[:, None] * points).sum(axis=0) * area, state.mean, atol=0.02)
        assert np.exp(state.peak_log_density) == pytest.approx(density.max(), rel=0.02)


@pytest.mark.parametrize("classes", [2, 3, 7, 400])
def test_draws_of_a_corner_are_probability_vectors_with_the_stated_moments(classes):
    state = CornerUniform(1, classes, 0.4)
    draws = state.sample(np.random.default_rng(0), 4000)
    assert (draws >= 0).all() and np.allclose(draws.sum(axis=1), 1)
    assert (state.hdr_mass(draws) == 1).all() and state.hdr_mass(np.eye(classes)[0]) == 0
    assert np.linalg.norm(draws.mean(axis=0) - state.mean) < 5 * np.sqrt(state.variance / 4000)
    assert ((draws - state.mean) ** 2).sum(axis=1).mean() == pytest.approx(state.variance, rel=0.05)
    assert state.peak_log_density == pytest.approx(gammaln(classes) - (classes - 1) * np.log(0.4))


def test_points_off_the_simplex_have_no_density():
    state = CornerUniform(0, 3, 0.5)
    assert np.isneginf(state.log_density([[0.8, 0.3, -0.1], [0.8, 0.1, 0.2]])).all()


@settings(max_examples=60, deadline=None, derandomize=True)
@given(WEIGHTS, st.integers(0, 40), st.floats(0.01, 0.999))
def test_the_optimum_leaves_every_corner_exactly_below_the_admissible_size(weights, extra, share):
    classes, heaviest = len(weights) + extra, float(weights.max())
    edge = simplex.admissible_h(heaviest, classes)
    inside = corner_uniform(weights, classes, share * edge)
    assert delta_hallucinates(inside, inside.mean, 1e-300)
    assert simplex.free_radius(weights, classes, share * edge) > 0
    beyond = corner_uniform(weights, classes, min(edge * 1.001, (edge + 1) / 2))
    assert not delta_hallucinates(beyond, beyond.mean, 1.0)
    assert simplex.free_radius(weights, classes, min(edge * 1.001, (edge + 1) / 2)) < 0


def test_admissible_size_is_exact_for_fractions():
    assert simplex.admissible_h(F(1, 3), 3) == F(2, 3)
    assert simplex.admissible_h(F(1, 2), 2) == F(1, 2)


def test_near_optimal_predictions_hallucinate():
    weights, classes, h = np.array([0.4, 0.3, 0.3]), 4, 0.2
    law, rng = corner_uniform(weights, classes, h), np.random.default_rng(1)
    room = simplex.free_radius(weights, classes, h)
    goals = np.concatenate([np.eye(4), rng.dirichlet(np.full(4, 0.3), 500)])
    path = law.mean + np.linspace(0, 0.999, 400)[:, None, None] * (goals - law.mean)
    excess = rel_entr(law.mean, path).sum(axis=-1)
    out = delta_hallucinates(law, path, 1e-300)
    assert out[excess < 2 * room**2].all() and not out.all()


@pytest.mark.parametrize("classes", [2, 3, 10])
def test_reach_limit_holds_for_the_library_targets_and_is_sharp(classes):
    weights, h = np.full(classes, 1 / classes), 1e-6
    distance = simplex.free_radius(weights, classes, h) * np.sqrt(classes / (classes - 1))
    corner = np.full(classes, h / (classes - 1))
    corner[0] = 1 - h
    assert np.linalg.norm(corner - 1 / classes) == pytest.approx(distance)
    for delta in (1e-9, 0.5, 0.99):
        assert distance <= simplex.reach_limit(classes, delta) <= np.sqrt(2)
    assert simplex.reach_limit(classes, 0.5) <= 1 + 1e-12
    assert distance == pytest.approx(simplex.reach_limit(classes, 1e-12), rel=1e-5)


# Dirichlet states


def exact_at_optimum(kappa, weight, classes):
    rising = F(1)
    for k in range(kappa, kappa + classes - 1):
        rising *= k
    return rising * ((weight * (kappa - 1) + 1) / (kappa + classes - 1)) ** (kappa - 1)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.fractions(F(1, 50), F(9, 10), max_denominator=60), st.integers(2, 12), st.integers(1, 12))
def test_smallest_kappa_is_the_first_and_stays(weight, classes, power):
    delta = F(1, 2**power)
    kappa = simplex.smallest_kappa(weight, classes, delta)
    assert exact_at_optimum(kappa, weight, classes) <= delta
    assert all(exact_at_optimum(k, weight, classes) > delta for k in {1, kappa // 2, kappa - 1} if k > 0)
    assert all(exact_at_optimum(k, weight, classes) <= delta for k in (kappa + 1, kappa + 7, 3 * kappa))


@pytest.mark.parametrize(
    ("states", "classes", "delta", "kappa"), [(2, 2, F(1, 100), 12), (3, 5, F(1, 1000), 17), (4, 10, F(1, 10**6), 31)]
)
def test_known_values_of_the_smallest_kappa(states, classes, delta, kappa):
    assert simplex.smallest_kappa(F(1, states), classes, delta) == kappa


def test_no_overflow_for_a_vocabulary():
    kappa = simplex.smallest_kappa(0.4, 50_000, 1e-300)
    assert simplex.log_density_at_optimum(kappa, 0.4, 50_000) == pytest.approx(np.log(1e-300), abs=2)
    law = corner_dirichlet([0.4, 0.6], 50_000, kappa)
    assert np.isfinite(law.state_log_densities(law.mean)).all()


@pytest.mark.parametrize(("kappa", "classes"), [(3, 2), (12, 5), (40, 9)])
def test_dirichlet_density_at_the_optimum_and_region_mass(kappa, classes):
    law, delta = corner_dirichlet([0.7, 0.3], classes, kappa), 0.05
    here = float(law.states[0].log_density(law.mean))
    assert simplex.log_density_at_optimum(kappa, 0.7, classes) == pytest.approx(here)
    rising = float(np.prod(np.arange(kappa, kappa + classes - 1, dtype=float)))
    expected = beta(kappa, classes - 1).sf((delta / rising) ** (1 / (kappa - 1)))
    assert simplex.dirichlet_region_mass(kappa, classes, delta) == pytest.approx(expected)
    assert simplex.dirichlet_region_mass(1, 3, 0.5) == 1.0


# The Gaussian construction


@settings(max_examples=80, deadline=None, derandomize=True)
@given(st.integers(2, 30), st.integers(1, 200), st.floats(-300, -0.01))
def test_admissible_variances_solve_the_equation(states, dimension, log10_delta):
    delta = 10.0**log10_delta
    spread = mp.mpf(states - 1) / states
    found = simplex.admissible_variances(states, dimension, delta)
    argument = -2 * mp.pi * spread / dimension * mp.mpf(delta) ** (mp.mpf(2) / dimension)
    if argument < -mp.exp(-1):
        assert found == (np.inf, -np.inf)
        return
    for branch, log_d in ((-1, found.log_lower), (0, found.log_upper)):
        reference = mp.log(-spread / (dimension * mp.lambertw(argument, branch).real))
        assert log_d == pytest.approx(float(reference), abs=1e-5)
    just_below, just_above = found.log_lower - 1e-3, found.log_upper + 1e-3
    for log_d in (just_below, just_below - 1, just_above, just_above + 1):
        assert simplex.log_gaussian_at_optimum(states, dimension, log_d) <= np.log(delta) + 1e-9


@pytest.mark.parametrize(("states", "dimension", "delta"), [(2, 2, 0.01), (3, 5, 0.1), (4, 10, 1e-6), (2, 40, 0.5)])
def test_the_closed_form_is_sufficient_and_the_printed_range_is_not(states, dimension, delta):
    closed = simplex.log_sufficient_variance(states, dimension, delta)
    assert closed <= simplex.admissible_variances(states, dimension, delta).log_lower
    printed = simplex.log_printed_variance(states, delta)
    at_printed = float(simplex.log_gaussian_at_optimum(states, dimension, printed))
    spread = (states - 1) / states
    assert at_printed == pytest.approx(np.log(delta) + dimension / 2 * np.log(-np.log(delta) / (np.pi * spread)))
    assert at_printed > np.log(delta) or delta >= np.exp(-np.pi * spread)


@pytest.mark.parametrize("delta", [1e-300, 1e-308])
def test_tiny_delta_neither_underflows_nor_overflows(delta):
    found = simplex.admissible_variances(2, 1, delta)
    assert np.isfinite(found).all()
    assert float(simplex.log_gaussian_at_optimum(2, 1, found.log_lower)) == pytest.approx(np.log(delta))


# Decoders


def test_the_counterexample_for_the_most_likely_token():
    masses = [[F(3, 10), *(F(7, 10) if t == i else F(0) for t in range(3))] for i in range(3)]
    found = decode([F(1, 3)] * 3, masses, F(3, 10))
    assert (found.sampling, found.data, bool(found.argmax)) == (F(3, 10), F(3, 10), True)
    assert not decode([F(1, 3)] * 3, masses, F(29, 100)).argmax


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.integers(1, 5), st.integers(2, 7), st.integers(1, 100), st.data())
def test_decoders_keep_the_bounds_in_exact_arithmetic(states, classes, hundredths, data):
    delta = F(hundredths, 100)

    def row(n):
        counts = data.draw(st.lists(st.integers(0, 9), min_size=n, max_size=n))
        counts[0] += 1
        return [F(c, sum(counts)) for c in counts]

    p, r = row(states), [row(classes) for _ in range(states)]
    found = decode(p, r, delta)
    mixed = [sum(p[i] * r[i][t] for i in range(states)) for t in range(classes)]
    bad = [t for t in range(classes) if max(r[i][t] for i in range(states)) <= delta]
    assert found.sampling == sum(mixed[t] for t in bad)
    assert found.sampling <= found.data <= 1
    assert found.sampling <= delta * len(bad)
    assert not (found.argmax and delta < max(mixed))


def test_decoding_is_vectorised_over_targets():
    rng = np.random.default_rng(2)
    p, r = rng.dirichlet(np.ones(3), (4, 1)), rng.dirichlet(np.ones(6), (4, 5, 3))
    found = decode(p, r, 0.3)
    assert found.sampling.shape == found.data.shape == found.argmax.shape == (4, 5)
    one = decode(p[2, 0], r[2, 3], 0.3)
    assert found.sampling[2, 3] == pytest.approx(one.sampling) and found.data[2, 3] == pytest.approx(one.data)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: CornerUniform(0, 1, 0.5), "C ≥ 2 classes, got 1"),
        (lambda: CornerUniform(3, 3, 0.5), "corner must be one of 0, …, 2, got 3"),
        (lambda: CornerUniform(0, 3, 1.0), "h must lie strictly between 0 and 1, got 1.0"),
        (lambda: corner_uniform([0.3, 0.3, 0.4], 2, 0.1), "got N = 3 states, C = 2 classes"),
        (lambda: corner_dirichlet([0.5, 0.5], 2, 0.5), "kappa must be at least 1, got 0.5"),
        (lambda: simplex.reach_limit(1, 0.5), "C ≥ 2 classes, got 1"),
        (lambda: simplex.reach_limit(3, 1.0), "delta must lie strictly between 0 and 1, got 1.0"),
        (lambda: simplex.smallest_kappa(1.0, 3, 0.5), "0 < heaviest < 1"),
        (lambda: simplex.log_printed_variance(2, 1.0), "delta must lie strictly between 0 and 1"),
        (lambda: simplex.admissible_variances(1, 3, 0.5), "need N ≥ 2 states"),
        (lambda: decode([0.5, 0.5], np.ones((3, 2)) / 2, 0.1), r"got shapes \(2,\) and \(3, 2\)"),
        (lambda: decode([0.5, 0.5], np.ones((2, 2)), 0.1), "masses must be non-negative with sum 1"),
        (lambda: CornerUniform(0, 3, 0.5).log_density([0.5, 0.5]), r"last axis of length d = 3, got shape \(2,\)"),
    ],
)
def test_errors_name_the_rule_and_the_value(call, message):
    with pytest.raises(ValueError, match=message):
        call()
