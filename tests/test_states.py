"""Dirichlet, SciPy and custom states against SciPy, quadrature, their own sampling, and each other."""

import math

import numpy as np
import pytest
from scipy import stats

from hallucination.mixtures import Mixture
from hallucination.regions import delta_hallucinates, hdr_mass
from hallucination.states import Custom, Dirichlet, Gaussian, Peaked, Scalar


def custom_gaussian(center, width):
    normal = stats.norm(center, width)
    return Custom(
        [center],
        width**2,
        lambda a: normal.logpdf(a[..., 0]),
        lambda rng, n: normal.rvs(size=(n, 1), random_state=rng),
    )


# Dirichlet ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("alpha", [[1.0, 1.0], [3.0, 0.5], [2.0, 3.0, 4.0], [0.7, 1.0, 12.0, 1.0]])
def test_dirichlet_agrees_with_scipy(alpha):
    state, reference = Dirichlet(alpha), stats.dirichlet(alpha)
    q = np.random.default_rng(0).dirichlet(np.ones(len(alpha)), size=(4, 6))
    expected = np.array([[reference.logpdf(x) for x in row] for row in q])
    np.testing.assert_allclose(state.log_density(q), expected, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(state.mean, reference.mean())
    assert state.variance == pytest.approx(reference.var().sum())
    assert state.log_density(q[0, 0]).shape == ()


def test_dirichlet_density_integrates_to_one_over_the_first_coordinates():
    two, x = Dirichlet([2.5, 1.5]), np.linspace(0, 1, 200_001)
    density = np.exp(two.log_density(np.stack([x, 1 - x], axis=1)))
    assert np.trapezoid(density, x) == pytest.approx(1, abs=1e-5)
    step = 1 / 400
    mid = np.arange(step / 2, 1, step)
    q = np.stack([*np.meshgrid(mid, mid)], axis=-1)
    q = np.concatenate([q, 1 - q.sum(axis=-1, keepdims=True)], axis=-1)
    total = np.exp(Dirichlet([2.0, 3.0, 2.0]).log_density(q)).sum() * step**2
    assert total == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("size", [2, 3, 6])
def test_uniform_law_on_the_simplex_has_density_factorial(size):
    state = Dirichlet(np.ones(size))
    q = np.random.default_rng(1).dirichlet(np.ones(size), size=5)
    np.testing.assert_allclose(np.exp(state.log_density(q)), math.factorial(size - 1))
    assert np.exp(state.peak_log_density) == pytest.approx(math.factorial(size - 1))


def test_dirichlet_density_is_zero_off_the_simplex():
    state = Dirichlet([2.0, 2.0, 2.0])
    outside = [[0.5, 0.5, 0.5], [1.2, -0.1, -0.1], [0.2, 0.2, 0.2]]
    assert (state.log_density(outside) == -np.inf).all()
    assert state.log_density([1.0, 0.0, 0.0]) == -np.inf  # the density vanishes at the corner
    assert np.isfinite(Dirichlet([5.0, 1.0, 1.0]).log_density([1.0, 0.0, 0.0]))


def test_dirichlet_peak_is_the_largest_value():
    q = np.random.default_rng(2).dirichlet(np.ones(3), size=200_000)
    for alpha in ([2.0, 3.0, 4.0], [1.0, 1.0, 7.0]):
        state = Dirichlet(alpha)
        values = state.log_density(q)
        assert values.max() <= state.peak_log_density + 1e-12
        assert values.max() == pytest.approx(state.peak_log_density, abs=0.05)
    assert Dirichlet([0.5, 2.0]).peak_log_density == np.inf
    assert isinstance(Dirichlet([1.0, 2.0]), Peaked)


def test_dirichlet_with_large_parameters_does_not_overflow():
    state = Dirichlet(np.full(512, 40.0))
    assert np.isfinite(state.log_density(state.mean)) and np.isfinite(state.peak_log_density)


# Laws of SciPy ------------------------------------------------------------------------------------------------------

LAWS = [stats.laplace(1, 2), stats.gamma(3, loc=-1), stats.t(4, loc=0.5), stats.uniform(-2, 5)]


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.dist.name)
def test_scalar_agrees_with_scipy(law):
    state, a = Scalar(law), np.random.default_rng(0).normal(size=(3, 5, 1)) * 4
    np.testing.assert_array_equal(state.log_density(a), law.logpdf(a[..., 0]))
    assert state.mean == pytest.approx([law.mean()]) and state.variance == pytest.approx(law.var())


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.dist.name)
def test_scalar_density_integrates_to_one(law):
    x = np.linspace(-300, 300, 600_001)
    assert np.trapezoid(np.exp(Scalar(law).log_density(x[:, None])), x) == pytest.approx(1, abs=1e-3)


def test_scalar_may_have_an_infinite_variance():
    assert Scalar(stats.t(2)).variance == np.inf


# Sampling -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "state",
    [
        Dirichlet([2.0, 3.0, 0.7]),
        Scalar(stats.laplace(1, 2)),
        Scalar(stats.gamma(3, loc=-1)),
        custom_gaussian(-2.0, 0.5),
        Mixture([0.3, 0.7], [Scalar(stats.uniform(0, 1)), custom_gaussian(4.0, 1.0)]),
    ],
    ids=["Dirichlet", "laplace", "gamma", "Custom", "Mixture"],
)
def test_samples_have_the_stated_mean_and_variance(state):
    n = 40_000
    draws = state.sample(np.random.default_rng(3), n)
    assert draws.shape == (n, state.mean.size)
    assert np.linalg.norm(draws.mean(axis=0) - state.mean) < 5 * np.sqrt(state.variance / n)
    assert ((draws - state.mean) ** 2).sum(axis=1).mean() == pytest.approx(state.variance, rel=0.06)


def test_sampling_depends_on_the_generator_only():
    for state in (Dirichlet([1.0, 2.0]), Scalar(stats.laplace()), custom_gaussian(0.0, 1.0)):
        one, two = (state.sample(np.random.default_rng(5), 7) for _ in range(2))
        np.testing.assert_array_equal(one, two)


# Custom states ------------------------------------------------------------------------------------------------------


def test_custom_state_with_normal_functions_is_a_normal_state():
    mine, theirs = custom_gaussian(1.0, 0.5), Gaussian([1.0], 0.25)
    a = np.random.default_rng(0).normal(size=(4, 3, 1))
    np.testing.assert_allclose(mine.log_density(a), theirs.log_density(a))
    assert mine.mean == theirs.mean and mine.variance == theirs.variance
    pair = Mixture([0.5, 0.5], [mine, Gaussian([-1.0], 0.25)])
    assert not delta_hallucinates(pair, [1.0], 0.1) and delta_hallucinates(pair, [0.0], 0.15)


def test_region_masses_of_custom_and_scipy_states_by_simulation():
    rng = np.random.default_rng(0)
    for state in (custom_gaussian(0.0, 1.0), Scalar(stats.norm())):
        found = hdr_mass(state, [[1.0], [2.0]], draws=40_000, rng=rng)
        np.testing.assert_allclose(found.value, [0.3173, 0.0455], atol=0.01)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Dirichlet([1.0]), "at least 2 positive numbers"),
        (lambda: Dirichlet([1.0, 0.0]), r"positive numbers, got \[1\. 0\.\]"),
        (lambda: Dirichlet([[1.0, 2.0]]), r"finite vector of shape \(d,\), got shape \(1, 2\)"),
        (lambda: Dirichlet([1.0, np.inf]), "finite vector"),
        (lambda: Dirichlet([1.0, 2.0]).log_density([0.5, 0.3, 0.2]), r"d = 2, got shape \(3,\)"),
        (lambda: Scalar(stats.cauchy()), "finite mean, got nan for cauchy"),
        (lambda: Scalar(stats.pareto(0.5)), "finite mean, got inf for pareto"),
        (lambda: Scalar(stats.norm()).log_density([1.0, 2.0]), r"d = 1, got shape \(2,\)"),
        (lambda: Custom([0.0], 1.0, lambda a: a, None).log_density([[1.0]]), r"return shape \(1,\), got \(1, 1\)"),
        (lambda: Custom([0.0], 1.0, None, lambda rng, n: np.zeros(n)).sample(None, 4), r"shape \(4, 1\), got \(4,\)"),
        (lambda: Mixture([1.0], [Custom([[0.0]], 1.0, None, None)]), r"mean must be a finite vector"),
    ],
)
def test_errors_name_the_rule_and_the_value(call, message):
    with pytest.raises(ValueError, match=message):
        call()
