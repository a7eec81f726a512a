"""What Lipschitz maps can answer, against geometry, SciPy and brute force."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from hallucination import lipschitz as smooth
from hallucination.constructions import separated_gaussians
from hallucination.mixtures import Mixture, two_gaussians
from hallucination.states import Gaussian, Scalar, UniformBall

seeds = st.integers(0, 2**32 - 1)
few = settings(max_examples=25, deadline=None, derandomize=True)


def random_state(rng: np.random.Generator, d: int) -> tuple[Gaussian, float]:
    root = rng.normal(size=(d, d))
    state = Gaussian(rng.normal(size=d), root @ root.T + 0.1 * np.eye(d))
    return state, float(np.exp(state.peak_log_density - rng.uniform(0.1, 3)))


# Distance to a region, and critical slopes


@few
@given(seeds)
def test_distance_to_an_ellipsoid_against_scipy(seed: int) -> None:
    rng = np.random.default_rng(seed)
    state, delta = random_state(rng, d := int(rng.integers(1, 5)))
    x = rng.normal(size=d) * 6
    tau = 2 * (state.peak_log_density - np.log(delta))
    inside = {"type": "ineq", "fun": lambda z: tau - state.squared_distance(z)}
    found = minimize(lambda z: ((z - x) ** 2).sum(), state.mean, constraints=inside, method="SLSQP")
    assert smooth.distance_to_region(state, x, delta) == pytest.approx(np.sqrt(found.fun), abs=1e-3)


def test_distances_in_closed_form() -> None:
    isotropic, ball = Gaussian([0.0, 0.0], 4.0), UniformBall([0.0, 0.0], 2.0)
    radius = 2 * np.sqrt(2 * (isotropic.peak_log_density - np.log(0.01)))
    assert smooth.distance_to_region(isotropic, [6.0, 8.0], 0.01) == pytest.approx(10 - radius)
    assert smooth.distance_to_region(Gaussian([0, 0], [4, 4]), [6, 8], 0.01) == pytest.approx(10 - radius)
    assert smooth.distance_to_region(Gaussian([0, 0], 4 * np.eye(2)), [6, 8], 0.01) == pytest.approx(10 - radius)
    assert smooth.distance_to_region(isotropic, [0.1, 0.0], 0.01) == 0
    assert smooth.distance_to_region(isotropic, [0.0, 0.0], 0.5) == np.inf
    assert smooth.distance_to_region(ball, [0.0, 5.0], 0.01) == 3
    assert smooth.distance_to_region(ball, [0.0, 1.0], 0.01) == 0
    assert smooth.distance_to_region(ball, [0.0, 5.0], 1.0) == np.inf


def test_critical_slopes_of_two_normal_states() -> None:
    law = two_gaussians(0.25, 8.0)  # means ∓4, E = 2
    rho = np.sqrt(-2 * np.log(0.01) - np.log(2 * np.pi))
    found = smooth.critical_slopes(law, [[0.5, 0], [0, -2.0]], 0.01)
    assert found == pytest.approx([(6 - rho) / 0.5, 0.0])
    assert smooth.critical_slopes(law, [[0.0], [1.0]], 0.01)[0] == np.inf
    assert np.isinf(smooth.critical_slopes(law, [[1.0], [2.0]], 1.0)).all()


def test_blocked_flips_at_the_critical_slope() -> None:
    law = separated_gaussians([0.5, 0.3, 0.2], 0.01, 0.05, 2, slack=1.0)
    hints = np.array([[1.0, 0], [0, 0.7], [-0.5, 0.2]])
    critical = smooth.critical_slopes(law, hints, 0.01)
    for k, slope in enumerate(critical):
        assert smooth.blocked(law, hints, slope, 0.01).own_state[k]
        assert smooth.blocked(law, hints, 0.999 * slope, 0.01).own_state[k]
        assert not smooth.blocked(law, hints, 1.001 * slope, 0.01).own_state[k]
    assert smooth.blocked(law, hints, 1.0, 0.01).any_state.all()


def test_any_state_is_the_stronger_reading() -> None:
    law = Mixture([0.25, 0.75], [Gaussian([6.0], 0.25), Gaussian([-2.0], 0.25)])
    own, every = smooth.blocked(law, [[1.0], [-0.1]], 1.0, 0.01)
    assert own.tolist() == [True, True]
    assert every.tolist() == [False, True]


def test_a_mean_inside_a_region_needs_no_slope() -> None:
    law = two_gaussians(0.5, 1.0)
    own, every = smooth.blocked(law, [[1.0], [2.0]], 0.0, 0.01)
    assert not own.any() and not every.any()
    assert smooth.critical_slopes(law, [[1.0], [2.0]], 0.01).tolist() == [0, 0]


@few
@given(seeds)
def test_radial_map_is_lipschitz_and_arrives(seed: int) -> None:
    rng = np.random.default_rng(seed)
    dx, d, slope = int(rng.integers(1, 5)), int(rng.integers(1, 5)), float(10 ** rng.uniform(-2, 2))
    center, goal, x = rng.normal(size=d), rng.normal(size=d), rng.normal(size=(12, dx))
    g = smooth.radial_map(center, goal, slope)
    assert smooth.least_slope(x, g(x)) <= slope * (1 + 1e-9)
    assert g(np.zeros(dx)) == pytest.approx(center)
    far = x[0] * np.linalg.norm(goal - center) / slope / np.linalg.norm(x[0])
    assert g(far) == pytest.approx(goal)


def test_radial_map_to_its_own_start_is_constant() -> None:
    assert smooth.radial_map([1.0, 2.0], [1.0, 2.0], 3.0)(np.ones((4, 2))).tolist() == [[1.0, 2.0]] * 4


# Several hints


def test_least_slope() -> None:
    assert smooth.least_slope([[0.0], [1.0], [3.0]], [[0.0], [2.0], [2.0]]) == 2
    assert smooth.least_slope([[0.0], [0.0]], [[1.0], [2.0]]) == np.inf
    assert smooth.least_slope([[0.0], [0.0]], [[1.0], [1.0]]) == 0
    assert smooth.least_slope([[0.0]], [[1.0]]) == 0


def test_joint_slope_on_a_line_in_closed_form() -> None:
    assert smooth.joint_slope([0], [[1], [1.01]], [[5], [-5]], [1, 1]) == pytest.approx(800, rel=1e-6)
    assert smooth.joint_slope([0], [[1], [-1]], [[5], [-5]], [1, 1]) == pytest.approx(4, rel=1e-6)
    assert smooth.joint_slope([0], [[1], [2]], [[0.5], [-0.5]], [1, 1]) == pytest.approx(0, abs=1e-6)
    assert smooth.joint_slope([3], [[1]], [[5]], [0]) == pytest.approx(2, rel=1e-6)


@few
@given(seeds)
def test_joint_slope_lies_between_its_bounds(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n, d = int(rng.integers(1, 6)), int(rng.integers(1, 4))
    start, hints, goals, radii = rng.normal(size=d), rng.normal(size=(n, 2)), rng.normal(size=(n, d)), rng.random(n)
    found = smooth.joint_slope(start, hints, 5 * goals, radii)
    x, c, size = np.vstack([np.zeros(2), hints]), np.vstack([start, 5 * goals]), np.r_[0, radii]
    pairs = [(j, k) for j in range(n + 1) for k in range(j)]
    gaps = [np.linalg.norm(c[j] - c[k]) - size[j] - size[k] for j, k in pairs]
    lower = max(max(g, 0) / np.linalg.norm(x[j] - x[k]) for g, (j, k) in zip(gaps, pairs, strict=True))
    assert lower * (1 - 1e-9) <= found <= smooth.least_slope(x, c) * (1 + 1e-9)


@few
@given(seeds)
def test_joint_slope_against_random_tuples(seed: int) -> None:
    rng = np.random.default_rng(seed)
    hints, goals = rng.normal(size=(3, 2)), 4 * rng.normal(size=(3, 2))
    found = smooth.joint_slope([0, 0], hints, goals, np.ones(3))
    way = rng.normal(size=(100, 3, 2))
    tries = goals + way * (rng.random((100, 3, 1)) / np.linalg.norm(way, axis=2, keepdims=True))
    x = np.vstack([np.zeros(2), hints])
    assert min(smooth.least_slope(x, np.vstack([np.zeros(2), v])) for v in tries) >= found * (1 - 1e-6)


def test_proportional_hints_are_usable_together_as_soon_as_one_by_one() -> None:
    law = separated_gaussians([0.6, 0.3, 0.1], 0.01, 0.05, 2)
    hints = (law.state_means - law.mean) / 7
    rho = np.linalg.norm(law.state_means[0] - law.mean) - smooth.distance_to_region(law.states[0], law.mean, 0.01)
    together = smooth.joint_slope(law.mean, hints, law.state_means, np.full(3, rho))
    assert together == pytest.approx(smooth.critical_slopes(law, hints, 0.01).max(), rel=1e-5)


# Errors


def test_errors_name_rule_and_value() -> None:
    law = two_gaussians(0.5, 4.0)
    with pytest.raises(ValueError, match="one row per state: shape \\(2, d_x\\), got \\(3, 1\\)"):
        smooth.critical_slopes(law, [[1.0], [2.0], [3.0]], 0.01)
    with pytest.raises(ValueError, match="Gaussian and UniformBall states, got Scalar"):
        from scipy import stats

        smooth.distance_to_region(Scalar(stats.laplace()), [0.0], 0.01)
    with pytest.raises(ValueError, match="not negative, got -1"):
        smooth.blocked(law, [[1.0], [2.0]], -1.0, 0.01)
    with pytest.raises(ValueError, match="delta must be positive"):
        smooth.critical_slopes(law, [[1.0], [2.0]], 0.0)
    with pytest.raises(ValueError, match="one output per input"):
        smooth.least_slope([[0.0]], [[1.0], [2.0]])
    with pytest.raises(ValueError, match="differ from each other and from zero"):
        smooth.joint_slope([0], [[1], [1]], [[5], [-5]], [1, 1])
    with pytest.raises(ValueError, match="one radius per ball, not negative"):
        smooth.joint_slope([0], [[1], [2]], [[5], [-5]], [1, -1])
