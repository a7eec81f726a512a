"""Mixtures against SciPy, scikit-learn, enumeration and their own sampling."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal
from sklearn.mixture import GaussianMixture

from hallucination.mixtures import Mixture, two_gaussians
from hallucination.states import Discrete, Gaussian, UniformBall, points

COVARIANCES = [2.5, [0.5, 2.0, 3.0], [[2.0, 0.3, 0.0], [0.3, 1.0, -0.2], [0.0, -0.2, 0.7]]]


def dense(covariance, d=3):
    array = np.asarray(covariance, dtype=float)
    return array if array.ndim == 2 else np.diag(np.broadcast_to(array, (d,)))


@pytest.mark.parametrize("covariance", COVARIANCES)
def test_gaussian_agrees_with_scipy(covariance):
    a = np.random.default_rng(0).normal(size=(4, 5, 3)) * 3
    state, reference = (
        Gaussian([1.0, -2.0, 0.5], covariance),
        multivariate_normal([1.0, -2.0, 0.5], dense(covariance)),
    )
    np.testing.assert_allclose(state.log_density(a), reference.logpdf(a), rtol=1e-12)
    assert state.variance == pytest.approx(np.trace(dense(covariance)))
    assert state.peak_log_density == pytest.approx(reference.logpdf([1.0, -2.0, 0.5]))
    assert state.log_density(a[0, 0]).shape == ()


def test_gaussian_log_density_survives_where_the_density_underflows():
    far = np.full((1, 4096), 100.0)
    assert np.isfinite(Gaussian(np.zeros(4096)).log_density(far)).all()


@pytest.mark.parametrize(
    "state",
    [
        *(Gaussian([1.0, -2.0, 0.5], c) for c in COVARIANCES),
        UniformBall([1.0, 2.0], 3.0),
        Discrete([[0.0], [1.0], [5.0]], [0.2, 0.5, 0.3]),
        Mixture([0.3, 0.7], [Gaussian([0.0, 1.0]), UniformBall([4.0, 0.0], 2.0)]),
    ],
    ids=lambda s: type(s).__name__,
)
def test_samples_have_the_stated_mean_and_variance(state):
    n = 40_000
    draws = state.sample(np.random.default_rng(3), n)
    error = np.sqrt(state.variance / n)
    assert draws.shape == (n, state.mean.size)
    assert np.linalg.norm(draws.mean(axis=0) - state.mean) < 5 * error
    assert ((draws - state.mean) ** 2).sum(axis=1).mean() == pytest.approx(state.variance, rel=0.05)


@pytest.mark.parametrize("state", [Gaussian([0.3], 0.4), UniformBall([-1.0], 2.5), two_gaussians(0.3, 4.0)])
def test_densities_integrate_to_one(state):
    x = np.linspace(-12, 12, 400_001)
    assert np.trapezoid(np.exp(state.log_density(x[:, None])), x) == pytest.approx(1, abs=1e-4)


def test_mixture_agrees_with_scikit_learn():
    rng = np.random.default_rng(1)
    weights, means = np.array([0.2, 0.5, 0.3]), rng.normal(size=(3, 2)) * 3
    covariances = np.stack([np.eye(2) * s + 0.1 for s in (0.5, 1.0, 2.0)])
    reference = GaussianMixture(3).fit(rng.normal(size=(50, 2)))
    reference.weights_, reference.means_ = weights, means
    reference.precisions_cholesky_ = np.stack([np.linalg.cholesky(np.linalg.inv(c)) for c in covariances])
    mixture = Mixture(weights, [Gaussian(m, c) for m, c in zip(means, covariances, strict=True)])
    a = rng.normal(size=(30, 2)) * 4
    np.testing.assert_allclose(mixture.log_density(a), reference.score_samples(a), rtol=1e-10)
    assert mixture.state_log_densities(a).shape == (3, 30)


def test_mixture_of_one_state_is_that_state():
    state = Gaussian([1.0, 2.0], 0.5)
    a = np.random.default_rng(0).normal(size=(7, 2))
    np.testing.assert_allclose(Mixture([1.0], [state]).log_density(a), state.log_density(a))


def test_mixture_density_never_exceeds_the_largest_state_density():
    mixture = two_gaussians(0.2, 3.0, dimension=2)
    a = np.random.default_rng(0).normal(size=(500, 2)) * 4
    assert (mixture.log_density(a) <= mixture.state_log_densities(a).max(axis=0) + 1e-12).all()


def test_discrete_masses_by_enumeration():
    coin = Discrete([[0.0], [1.0]], [0.3, 0.7])
    np.testing.assert_allclose(np.exp(coin.log_density([[0.0], [1.0], [0.5]])), [0.3, 0.7, 0.0])
    assert coin.mean == pytest.approx([0.7]) and coin.variance == pytest.approx(0.21)


def test_variance_of_two_states_has_a_within_and_a_between_part():
    assert two_gaussians(0.3, 4.0, 0.5).variance == pytest.approx(0.25 + 0.3 * 0.7 * 16)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Gaussian([0.0, 1.0], [1.0, 2.0, 3.0]), r"shape \(\), \(2,\) or \(2, 2\), got \(3,\)"),
        (lambda: Gaussian([0.0], -1.0), "positive definite, got variances -1"),
        (lambda: Gaussian([0.0, 0.0], [[1.0, 2.0], [2.0, 1.0]]), "positive definite"),
        (lambda: Gaussian([0.0, 0.0], [[1.0, 0.5], [0.0, 1.0]]), "symmetric"),
        (lambda: Gaussian([[0.0]]), r"finite vector of shape \(d,\), got shape \(1, 1\)"),
        (lambda: UniformBall([0.0], 0.0), "radius must be positive"),
        (lambda: Discrete([[0.0], [0.0]], [0.5, 0.5]), "different rows"),
        (lambda: Discrete([[0.0], [1.0]], [0.5, 0.6]), "sum to 1"),
        (lambda: Mixture([1.0], [Gaussian([0.0]), Gaussian([1.0])]), "one weight per state, got 1 weights and 2"),
        (lambda: Mixture([0.5, 0.5], [Gaussian([0.0]), Gaussian([1.0, 2.0])]), "one dimension"),
        (lambda: Mixture([0.0, 1.0], [Gaussian([0.0])] * 2), "positive and sum to 1"),
        (lambda: points([1.0, 2.0], 3), r"d = 3, got shape \(2,\)"),
        (lambda: Gaussian([0.0]).log_density(1.0), r"d = 1, got shape \(\)"),
    ],
)
def test_errors_name_the_rule_and_the_value(build, message):
    with pytest.raises(ValueError, match=message):
        build()
