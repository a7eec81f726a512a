"""Concentration functions, moments and shapes of laws."""

import math
from fractions import Fraction

import numpy as np
import pytest
from scipy import stats
from scipy.integrate import dblquad

from hallucination import enumeration
from hallucination.concentration import (
    _most,
    circumcentres,
    concentration,
    interval,
    moments,
    outside,
    peak_density,
    scalar_law,
    shape,
)
from hallucination.states import Custom, Dirichlet, Discrete, Gaussian, Scalar, UniformBall

LAPLACE = Scalar(stats.laplace(1.0, 0.5))


@pytest.mark.parametrize("law", [stats.norm(2, 3), stats.laplace(1, 0.5), stats.t(3, -1, 2), stats.uniform(1, 2),
                                 stats.logistic(), stats.semicircular(0, 2)])  # fmt: skip
@pytest.mark.parametrize("radius", [0.01, 0.4, 3.0])
def test_symmetric_unimodal_numbers_concentrate_at_their_mean(law, radius):
    found = concentration(Scalar(law), radius)
    assert found.exact
    assert found.value == pytest.approx(law.cdf(law.mean() + radius) - law.cdf(law.mean() - radius), abs=1e-14)
    low, high = law.ppf(1e-12) - radius, law.isf(1e-12) + radius
    gap = _most(law.cdf, radius, low, high) - found.value
    assert 0 <= gap <= (1e-4 if law.dist.name == "uniform" else 2e-6)


@pytest.mark.parametrize("radius", [0.01, 0.4, 2.0])
def test_skew_numbers_by_branch_and_bound(radius):
    assert concentration(Scalar(stats.expon(-1)), radius).value == pytest.approx(1 - math.exp(-2 * radius), abs=2e-6)
    law = stats.gamma(3.0)
    z = np.linspace(0, 10, 20_001)
    grid = (law.cdf(z + radius) - law.cdf(z - radius)).max()
    assert grid <= concentration(Scalar(law), radius).value <= grid + 2e-6
    near = concentration(Scalar(law), radius, [9.0], 1.0)
    assert near.value == pytest.approx(law.cdf(8 + radius) - law.cdf(8 - radius), abs=2e-6)
    two = Scalar(stats.beta(0.5, 0.5))  # two peaks at the ends
    assert concentration(two, 0.1).value == pytest.approx(stats.beta(0.5, 0.5).cdf(0.2), abs=2e-6)


@pytest.mark.parametrize("d", [1, 2, 5])
def test_isotropic_normal_laws_are_exact(d):
    law = Gaussian(np.arange(d), 4.0)
    found = concentration(law, 1.5)
    assert found.exact and found.value == pytest.approx(stats.chi2.cdf((1.5 / 2) ** 2, d))
    centre = np.arange(d) + np.eye(d)[0] * 5
    near = concentration(law, 1.5, centre, 2.0)
    draws = law.sample(np.random.default_rng(0), 200_000)
    best = centre - 2 * np.eye(d)[0]
    assert near.value == pytest.approx((np.linalg.norm(draws - best, axis=1) <= 1.5).mean(), abs=0.004)
    assert concentration(law, 1.5, centre, 5.0).value == pytest.approx(found.value)


def test_unequal_variances_are_bounded_from_above():
    v = np.array([3.0, 0.5])
    law = Gaussian([0.0, 0.0], v)
    density = stats.multivariate_normal([0, 0], np.diag(v)).pdf
    for radius in (0.2, 1.0, 3.0):

        def half(x, r=radius):
            return math.sqrt(r * r - x * x)

        inside, _ = dblquad(lambda y, x: density([x, y]), -radius, radius, lambda x: -half(x), half)
        found = concentration(law, radius)
        assert not found.exact and inside <= found.value <= 1.25 * inside
    rotation = np.array([[0.6, -0.8], [0.8, 0.6]])
    turned = Gaussian([1.0, 2.0], rotation @ np.diag(v) @ rotation.T)
    assert concentration(turned, 1.0).value == pytest.approx(concentration(law, 1.0).value)
    draws = turned.sample(np.random.default_rng(1), 100_000)
    far = np.array([5.0, 2.0])
    for z in far + np.array([[0, 0], [-1, 0], [0.6, 0.8], [-0.6, -0.8]]):
        share = (np.linalg.norm(draws - z, axis=1) <= 1).mean()
        assert share <= concentration(turned, 1.0, far, 1.0).value < concentration(turned, 1.0).value


@pytest.mark.parametrize("d", [1, 2, 3, 6])
def test_balls_cover_balls(d):
    law, axis = UniformBall(np.zeros(d), 2.0), np.eye(d)[0]
    draws = law.sample(np.random.default_rng(2), 200_000)
    pairs = [(0.5, 0.0), (0.5, 1.2), (0.5, 1.8), (1.0, 2.5), (3.0, 0.5), (3.0, 2.0), (2.0, 1.0), (1.0, 3.5)]
    for radius, offset in pairs:
        found = concentration(law, radius, offset * axis, 0.0)
        share = (np.linalg.norm(draws - offset * axis, axis=1) <= radius).mean()
        assert found.exact and found.value == pytest.approx(share, abs=0.005)
    assert concentration(law, 1.0).value == pytest.approx(0.5**d)
    assert concentration(law, 5.0) == (1.0, True)


def random_law(rng, d, grid=6):
    k = int(rng.integers(1, 6))
    points = {tuple(int(c) for c in rng.integers(-grid, grid + 1, d)) for _ in range(k)}
    atoms = [tuple(Fraction(c, 4) for c in p) for p in sorted(points)]
    weights = rng.integers(1, 9, len(atoms))
    return atoms, [Fraction(int(w), int(weights.sum())) for w in weights]


def as_state(atoms, masses):
    return Discrete([[float(c) for c in a] for a in atoms], [float(q) for q in masses])


@pytest.mark.parametrize("d", [1, 2, 3])
def test_discrete_laws_agree_with_rational_enumeration(d):
    rng = np.random.default_rng(d)
    for _ in range(60):
        law = random_law(rng, d, 3 if d > 1 else 6)
        radius = Fraction(int(rng.integers(0, 9)), 8)  # often a tie
        found = concentration(as_state(*law), float(radius))
        assert found.exact and found.value == pytest.approx(float(enumeration.concentration(law, radius)), abs=1e-12)


def test_localised_discrete_laws_by_trying_centres():
    rng = np.random.default_rng(7)
    for _ in range(40):
        atoms, masses = random_law(rng, 1)
        law, radius, m, reach = as_state(atoms, masses), rng.random(), rng.normal(), rng.random()
        z = np.linspace(m - reach, m + reach, 4001)[:, None]
        tried = ((np.abs(law.answers[:, 0] - z) <= radius) @ law.weights).max()
        assert tried <= concentration(law, radius, [m], reach).value <= concentration(law, radius).value + 1e-15
        finer = np.abs(law.answers[:, 0] - np.concatenate([z, law.answers + radius, law.answers - radius]))
        if (np.abs(np.concatenate([law.answers + radius, law.answers - radius]) - m) <= reach).all():
            assert concentration(law, radius, [m], reach).value == ((finer <= radius + 1e-12) @ law.weights).max()


def test_large_or_flat_discrete_laws_get_an_upper_bound():
    rng = np.random.default_rng(3)
    many = Discrete(rng.normal(size=(60, 3)), np.full(60, 1 / 60))
    assert circumcentres(many.answers) is None
    found, small = concentration(many, 0.8), Discrete(many.answers[:12], np.full(12, 1 / 12))
    assert not found.exact
    gaps = np.linalg.norm(many.answers[None] - rng.normal(size=(4000, 1, 3)), axis=2)
    assert ((gaps <= 0.8) @ many.weights).max() <= found.value
    assert concentration(small, 0.8).exact
    flat = Discrete([[0.0, 0.0], [1.0, 1e-6], [2.0, 0.0]], [0.2, 0.3, 0.5])
    assert concentration(flat, 1.0).value == 1.0
    assert concentration(many, 0.1, [50.0, 0.0, 0.0], 1.0).value == 0


@pytest.mark.parametrize(
    ("law", "variance", "ratio"),
    [
        (Gaussian([3.0], 4.0), 4.0, 1 / 3),
        (Gaussian([0.0, 0.0], [1.0, 1.0]), 2.0, 1 / 2),
        (Gaussian([0.0, 0.0], [[2.0, 0.5], [0.5, 1.0]]), 3.0, 9 / (9 + 2 * 5.5)),
        (LAPLACE, 0.5, 1 / 6),
        (UniformBall([0.0], 3.0), 3.0, 5 / 9),
        (UniformBall([0.0, 0.0], 1.0), 0.5, 0.75),
        (Scalar(stats.t(5)), 5 / 3, 1 / 9),
        (Discrete([[-1.0], [1.0]], [0.5, 0.5]), 1.0, 1.0),
        (Discrete([[-1.0], [3.0]], [0.75, 0.25]), 3.0, 9 / 21),
    ],
)
def test_moments(law, variance, ratio):
    assert moments(law) == (pytest.approx(variance), pytest.approx(ratio))
    draws = law.sample(np.random.default_rng(0), 100_000)
    assert ((draws - law.mean) ** 2).sum(axis=1).mean() == pytest.approx(variance, rel=0.05)


def test_shapes_densities_and_intervals():
    assert shape(Gaussian([0.0])) == shape(LAPLACE) == {"symmetric", "centred", "log-concave"}
    assert shape(Scalar(stats.t(5))) == {"symmetric", "centred"} and shape(Scalar(stats.expon())) == {"log-concave"}
    assert shape(Discrete([[0.0], [1.0], [2.0]], [0.2, 0.6, 0.2])) == {"symmetric"}
    assert shape(Discrete([[0.0], [1.0]], [0.2, 0.8])) == shape(Scalar(stats.gamma(2))) == frozenset()
    assert peak_density(LAPLACE) == pytest.approx(1.0) and peak_density(Discrete([[0.0]], [1.0])) is None
    assert interval(UniformBall([1.0], 2.0)) == (-1.0, 3.0)
    assert interval(Discrete([[0.0], [4.0]], [0.5, 0.5])) == (0, 4)
    assert interval(LAPLACE) is None and interval(UniformBall([0.0, 0.0], 1.0)) is None
    assert scalar_law(Gaussian([1.0], 4.0)).std() == 2 and scalar_law(Gaussian([0.0, 1.0])) is None
    assert outside(LAPLACE, 0.5) == pytest.approx(math.exp(-1))


def test_authors_of_a_law_can_give_what_the_bounds_need():
    class Known(Custom):
        fourth_moment = 3.0

        def most_in_a_ball(self, radius):
            return min(1.0, 2 * radius)

    law = Known([0.0], 1.0, lambda a: np.zeros(a.shape[:-1]), lambda rng, n: rng.normal(size=(n, 1)))
    assert concentration(law, 0.2) == (0.4, False) and moments(law) == (1.0, pytest.approx(1 / 3))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: concentration(LAPLACE, -0.1), "must not be negative, got -0.1"),
        (lambda: concentration(LAPLACE, float("nan")), "must not be negative"),
        (lambda: concentration(LAPLACE, 1.0, [0.0, 1.0]), r"centre must have shape \(1,\)"),
        (lambda: concentration(Dirichlet([1.0, 1.0]), 0.1), "no concentration function is known for Dirichlet"),
        (lambda: moments(Dirichlet([1.0, 1.0])), "no fourth moment is known for Dirichlet"),
        (lambda: moments(Scalar(stats.t(4))), "must be positive and finite, got 2 and inf"),
        (lambda: moments(Scalar(stats.t(2))), "must be positive and finite, got inf"),
        (lambda: moments(Discrete([[1.0]], [1.0])), "must be positive and finite, got 0 and 0"),
    ],
)
def test_errors_name_the_rule_and_the_value(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_a_ball_without_bounds_holds_everything():
    assert concentration(LAPLACE, math.inf) == (1.0, True)
