"""δ-hallucination, vacuity, region masses and the scale-free definition."""

import numpy as np
import pytest
from scipy.stats import norm

from hallucination.estimators import bayes_act
from hallucination.mixtures import Mixture, two_gaussians
from hallucination.regions import (
    alpha_hdr_hallucinates,
    delta_hallucinates,
    hdr_mass,
    is_vacuous,
    region_mass,
    squared_radius,
)
from hallucination.states import Discrete, Gaussian, UniformBall

GRID = np.linspace(-9, 9, 181)[:, None]


@pytest.mark.parametrize("weight", [0.1, 0.5, 0.8])
@pytest.mark.parametrize("delta", [0.001, 0.01, 0.2])
def test_phase_boundary_of_two_states(weight, delta):
    rho = np.sqrt(-2 * np.log(delta) - np.log(2 * np.pi))
    for separation in np.linspace(0.1, 40, 50):
        law = two_gaussians(weight, separation)
        expected = min(weight, 1 - weight) * separation >= rho
        assert delta_hallucinates(law, bayes_act(law), delta) == expected


def test_hallucination_is_monotone_in_delta_and_bounds_the_mixture():
    law = two_gaussians(0.3, 5.0)
    low, high = delta_hallucinates(law, GRID, 0.01), delta_hallucinates(law, GRID, 0.1)
    assert (high | ~low).all() and low.sum() < high.sum()
    assert (law.log_density(GRID[high]) <= np.log(0.1)).all()
    small = law.log_density(GRID) <= np.log(0.3 * 0.1)
    assert high[small].all()


def test_the_unscaled_converse_fails():
    law = Mixture([0.5, 0.5], [Discrete([[0.0], [1.0]], [0.6, 0.4]), Discrete([[2.0], [1.0]], [0.5, 0.5])])
    assert np.exp(law.log_density([0.0])) <= 0.5 and not delta_hallucinates(law, [0.0], 0.5)


def test_region_of_a_normal_state_by_quadrature():
    state, delta = Gaussian([1.0], 0.25), 0.05
    x = np.linspace(-4, 6, 200_001)
    density = norm(1.0, 0.5).pdf(x)
    assert region_mass(state, delta) == pytest.approx(np.trapezoid(density * (density > delta), x), abs=1e-4)
    edge = 1.0 + 0.5 * np.sqrt(squared_radius(state, delta))
    assert state.log_density([edge]) == pytest.approx(np.log(delta))


def test_vacuity_starts_in_dimension_six():
    assert [is_vacuous(Gaussian(np.zeros(d)), 0.01) for d in range(1, 9)] == [False] * 5 + [True] * 3
    assert region_mass(Gaussian(np.zeros(6)), 0.01) == 0
    assert is_vacuous(Discrete([[0.0], [1.0]], [0.5, 0.5]), 0.5) and not is_vacuous(UniformBall([0.0], 0.4), 1.0)


@pytest.mark.parametrize("factor", [1e-3, 0.5, 40.0])
def test_units_change_densities_but_not_region_masses(factor):
    law, scaled = two_gaussians(0.4, 5.0), two_gaussians(0.4, 5.0 * factor, factor)
    np.testing.assert_allclose(
        scaled.state_log_densities(GRID * factor), law.state_log_densities(GRID) - np.log(factor), rtol=1e-9
    )
    assert (alpha_hdr_hallucinates(scaled, GRID * factor, 0.05) == alpha_hdr_hallucinates(law, GRID, 0.05)).all()
    assert delta_hallucinates(law, [0.0], 0.01) != delta_hallucinates(two_gaussians(0.4, 5e3, 1e3), [0.0], 0.01)


def test_affine_maps_of_correlated_states_keep_region_masses():
    rng = np.random.default_rng(0)
    B, shift, v = rng.normal(size=(3, 3)), rng.normal(size=3), rng.normal(size=(20, 3))
    covariance = np.cov(rng.normal(size=(3, 40)))
    before = hdr_mass(Gaussian(np.ones(3), covariance), v).value
    after = hdr_mass(Gaussian(B @ np.ones(3) + shift, B @ covariance @ B.T), v @ B.T + shift).value
    np.testing.assert_allclose(after, before, rtol=1e-9)


@pytest.mark.parametrize("state", [Gaussian([0.0, 0.0], [1.0, 4.0]), UniformBall([0.0, 0.0], 1.0)])
@pytest.mark.parametrize("alpha", [0.05, 0.5])
def test_a_state_seldom_finds_its_own_answers_atypical(state, alpha):
    draws = state.sample(np.random.default_rng(5), 20_000)
    rate = (hdr_mass(state, draws).value <= alpha).mean()
    assert rate <= alpha + 4 * np.sqrt(alpha * (1 - alpha) / 20_000)


def test_region_mass_of_discrete_answers():
    law = Discrete([[0.0], [1.0], [2.0]], [0.5, 0.25, 0.25])
    assert hdr_mass(law, [[0.0], [1.0], [2.0], [9.0]]).value.tolist() == [1.0, 0.5, 0.5, 0.0]


def test_a_density_equal_to_the_threshold_hallucinates():
    coin = Mixture([1.0], [Discrete([[0.0], [1.0]], [0.25, 0.75])])
    assert delta_hallucinates(coin, [0.0], 0.25)
    assert not delta_hallucinates(coin, [0.0], 0.25 * (1 - 1e-12))


def test_one_state_that_finds_an_answer_typical_saves_it():
    law = two_gaussians(0.5, 20.0)
    centre, middle = law.state_means[0], law.mean
    assert hdr_mass(law.states[0], centre).value == 1.0
    assert hdr_mass(law.states[1], centre).value < 0.05
    assert not alpha_hdr_hallucinates(law, centre, 0.05)
    assert alpha_hdr_hallucinates(law, middle, 0.05)


def test_answers_of_equal_density_count_in_the_simulated_mass():
    plateau = Mixture([0.5, 0.5], [UniformBall([-2.0], 1.0), UniformBall([2.0], 1.0)])
    assert hdr_mass(plateau, [2.5], 1000, np.random.default_rng(0)).value == 1.0


def test_monte_carlo_agrees_with_the_exact_mass_of_the_same_law():
    v = np.array([[0.0], [1.0], [2.5]])
    exact = hdr_mass(Gaussian([0.0]), v)
    estimate = hdr_mass(Mixture([1.0], [Gaussian([0.0])]), v, 50_000, np.random.default_rng(1))
    assert (exact.standard_error == 0).all()
    assert (abs(estimate.value - exact.value) <= 5 * estimate.standard_error + 1e-12).all()
    nested = Mixture([1.0], [two_gaussians(0.5, 1.0)])
    assert not alpha_hdr_hallucinates(nested, [0.0], 0.05, rng=np.random.default_rng(0))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: delta_hallucinates(two_gaussians(0.5, 1.0), [0.0], 0.0), "delta must be positive, got 0.0"),
        (lambda: is_vacuous(Gaussian([0.0]), float("nan")), "delta must be positive"),
        (lambda: alpha_hdr_hallucinates(two_gaussians(0.5, 1.0), [0.0], 1.0), "strictly between 0 and 1, got 1.0"),
        (lambda: hdr_mass(two_gaussians(0.5, 1.0), [0.0]), "Mixture has no exact region mass: pass rng"),
    ],
)
def test_errors_name_the_rule_and_the_value(call, message):
    with pytest.raises(ValueError, match=message):
        call()
