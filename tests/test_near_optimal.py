"""The worst output near the optimum, the largest tolerated distance, and one estimator at several inputs."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from hallucination.constructions import directions_for, radius, separated_gaussians, spread_means, widest_scale
from hallucination.mixtures import Mixture
from hallucination.near_optimal import best_constant, tolerance, total_excess_loss, worst_output
from hallucination.regions import delta_hallucinates, region_mass
from hallucination.states import Gaussian, UniformBall

WEIGHTS = st.lists(st.floats(0.01, 100), min_size=2, max_size=7)


def shares(weights):
    return np.array(weights) / np.sum(weights)


@st.composite
def laws(draw):
    """A target with normal states of different widths, and a threshold."""
    n, d = draw(st.integers(1, 5)), draw(st.integers(1, 4))
    seed = draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    states = [Gaussian(mu, draw(st.floats(0.2, 3)) ** 2) for mu in rng.normal(size=(n, d)) * 4]
    return Mixture(rng.dirichlet(np.full(n, 2.0)), states), float(10 ** rng.uniform(-6, 0)), rng


@settings(max_examples=60, deadline=None, derandomize=True)
@given(WEIGHTS, st.integers(1, 300), st.floats(-30, 3), st.floats(1e-6, 0.9), st.floats(0, 1e6))
def test_the_whole_ball_hallucinates_and_no_state_is_vacuous(weights, d, log_delta, eta, epsilon):
    delta = 10.0**log_delta
    law = separated_gaussians(shares(weights), delta, eta, d, slack=epsilon)
    assert delta_hallucinates(law, worst_output(law, epsilon), delta)
    assert tolerance(law, delta) >= epsilon * (1 - 1e-12)
    assert min(region_mass(state, delta) for state in law.states) >= (1 - eta) * (1 - 1e-9) - 1e-12
    directions = np.random.default_rng(0).normal(size=(50, d))
    directions *= epsilon / np.linalg.norm(directions, axis=1, keepdims=True)
    assert delta_hallucinates(law, law.mean + directions, delta).all()


@settings(max_examples=60, deadline=None, derandomize=True)
@given(laws(), st.floats(0, 10))
def test_no_output_of_the_ball_is_more_plausible_than_the_worst(case, epsilon):
    law, _, rng = case
    inside = rng.normal(size=(200, law.mean.size))
    inside *= epsilon * rng.random((200, 1)) / np.linalg.norm(inside, axis=1, keepdims=True)
    worst = worst_output(law, epsilon)
    assert np.linalg.norm(worst - law.mean) <= epsilon + 1e-12
    best = law.state_log_densities(worst).max()
    assert law.state_log_densities(law.mean + inside).max() <= best + 1e-9


@settings(max_examples=80, deadline=None, derandomize=True)
@given(laws())
def test_tolerance_is_where_the_verdict_turns(case):
    law, delta, _ = case
    limit = tolerance(law, delta)
    assert (limit >= 0) == bool(delta_hallucinates(law, law.mean, delta)) or abs(limit) < 1e-9
    if np.isinf(limit):
        assert delta_hallucinates(law, law.state_means, delta).all()
    elif limit > 1e-6:
        assert delta_hallucinates(law, worst_output(law, limit * (1 - 1e-6)), delta)
        assert not delta_hallucinates(law, worst_output(law, limit + 1e-5 * (1 + limit)), delta)


def test_tolerance_by_hand():
    law, delta = Mixture([0.5, 0.5], [Gaussian([-4.0]), Gaussian([4.0])]), 0.01
    assert tolerance(law, delta) == pytest.approx(4 - radius(1.0, delta))
    assert tolerance(law, 1.0) == np.inf
    assert tolerance(Mixture([1.0], [Gaussian([0.0])]), delta) == pytest.approx(-radius(1.0, delta))


def test_worst_output_by_hand():
    law = Mixture([0.75, 0.25], [Gaussian([0.0, -1.0]), Gaussian([0.0, 3.0])])
    np.testing.assert_allclose(worst_output(law, 0.25), [0.0, -0.25])
    np.testing.assert_allclose(worst_output(law, 50.0), [0.0, -1.0])
    np.testing.assert_allclose(worst_output(law, 0.0), law.mean)


def test_worst_output_agrees_with_a_numerical_search():
    law = Mixture([0.5, 0.3, 0.2], [Gaussian([-3.0, 0.0], 0.5), Gaussian([2.0, 2.0]), Gaussian([4.0, -3.0], 2.0)])
    inside = {"type": "ineq", "fun": lambda v: 1.5**2 - ((v - law.mean) ** 2).sum()}
    best = max(
        -minimize(lambda v, k=k: -law.states[k].log_density(v), law.mean, constraints=[inside], method="SLSQP").fun
        for k in range(3)
    )
    assert law.state_log_densities(worst_output(law, 1.5)).max() == pytest.approx(best, abs=1e-5)


def test_a_smaller_distance_lets_a_region_in():
    p, delta, eta, epsilon = np.array([0.4, 0.35, 0.25]), 0.01, 0.1, 2.0
    s = widest_scale(delta, eta, 2)
    needed = radius(s, delta, 2) + epsilon
    for factor, whole in ((1 + 1e-9, True), (1 - 1e-6, False), (0.5, False)):
        means = spread_means(p, factor * needed * p.max(), directions_for(p, 2))
        law = Mixture(p, [Gaussian(mu, s**2) for mu in means])
        assert delta_hallucinates(law, worst_output(law, epsilon), delta) == whole


def test_one_state_on_two_balls_does_without_a_second():
    """Exercise: N = 1, not vacuous, and no output within ε of the optimum has a positive density."""
    epsilon, r = 5.0, 0.1
    law = Mixture([1.0], [Mixture([0.5, 0.5], [UniformBall([h], r) for h in (-6.0, 6.0)])])
    grid = np.linspace(-epsilon, epsilon, 101)[:, None]
    assert law.mean == pytest.approx(0)
    assert delta_hallucinates(law, grid, 1e-12).all() and not delta_hallucinates(law, [6.0], 1.0)


@settings(max_examples=50, deadline=None, derandomize=True)
@given(st.integers(1, 6), st.integers(0, 2**32 - 1))
def test_total_loss_is_least_at_the_optima(n_inputs, seed):
    rng = np.random.default_rng(seed)
    targets = [separated_gaussians([0.5, 0.5], 0.01, 0.1, 2, center=rng.normal(size=2)) for _ in range(n_inputs)]
    w, optima = rng.random(n_inputs) + 0.1, np.stack([t.mean for t in targets])
    assert total_excess_loss(w, targets, optima) == 0
    moved = optima + rng.normal(size=optima.shape)
    assert total_excess_loss(w, targets, moved) == pytest.approx(sum(w * ((moved - optima) ** 2).sum(axis=1)))
    common = best_constant(w, targets)
    least = total_excess_loss(w, targets, np.tile(common, (n_inputs, 1)))
    others = common + rng.normal(size=(20, 2))
    assert all(total_excess_loss(w, targets, np.tile(v, (n_inputs, 1))) >= least for v in others)


def test_an_input_of_weight_zero_is_free():
    targets = [Mixture([1.0], [Gaussian([0.0])]), Mixture([1.0], [Gaussian([5.0])])]
    assert total_excess_loss([1.0, 0.0], targets, [[0.0], [99.0]]) == 0
    assert best_constant([1.0, 0.0], targets) == pytest.approx(0)


ODD = Mixture([0.5, 0.5], [Gaussian([0.0, 0.0], [1.0, 2.0]), Gaussian([1.0, 0.0])])
FULL = Mixture([1.0], [Gaussian([0.0, 0.0], [[1.0, 0.0], [0.0, 1.0]])])
BALL = Mixture([1.0], [UniformBall([0.0], 1.0)])
ONE = [Mixture([1.0], [Gaussian([0.0])])]


@pytest.mark.parametrize("law", [ODD, FULL, BALL])
def test_states_whose_regions_are_no_balls_are_refused(law):
    with pytest.raises(ValueError, match="every state must be normal with covariance s²I"):
        tolerance(law, 0.01)
    with pytest.raises(ValueError, match="every state must be normal"):
        worst_output(law, 1.0)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: worst_output(ONE[0], -1.0), "epsilon must be a finite number, not negative, got -1.0"),
        (lambda: worst_output(ONE[0], np.inf), "epsilon must be a finite number"),
        (lambda: tolerance(ONE[0], 0.0), "delta must be positive"),
        (lambda: total_excess_loss([1.0, 1.0], ONE, [[0.0]]), "one weight per input"),
        (lambda: total_excess_loss([-1.0], ONE, [[0.0]]), "none negative"),
        (lambda: best_constant([0.0], ONE), "not all zero"),
        (lambda: total_excess_loss([1.0], ONE, [0.0]), r"outputs must have shape \(S, d\) = \(1, 1\), got \(1,\)"),
    ],
)
def test_bad_input_is_refused_with_the_rule(call, words):
    with pytest.raises(ValueError, match=words):
        call()
