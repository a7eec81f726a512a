"""Lower bounds of the hallucination probability: never above it, attained where they should be, silent where unmet.

The property test runs 2,000 rational instances; for a hundred thousand (about half an hour):

    HALLUCINATION_INSTANCES=100000 python -m pytest -m slow tests/test_bounds.py
"""

import math
import os
from fractions import Fraction

import numpy as np
import pytest
from scipy import stats

from hallucination import bounds, enumeration
from hallucination.bounds_laws import tail
from hallucination.hallucination_probability import exact
from hallucination.scalar_sums import Lattice, cell_enclosure
from hallucination.setting import Bound, Setting
from hallucination.simulation import monte_carlo
from hallucination.states import Discrete, Gaussian, Scalar, UniformBall

NORMAL, UNIFORM = Gaussian([0.0]), UniformBall([0.0], math.sqrt(3))
LAPLACE, STUDENT = Scalar(stats.laplace(0, math.sqrt(0.5))), Scalar(stats.t(5, 0, math.sqrt(0.6)))
SIGNS = Discrete([[-1.0], [1.0]], [0.5, 0.5])


def alike(law, n, r):
    return Setting(np.full(n, 1 / n), r, [law] * n)


# --- random rational instances ------------------------------------------------------------------------------------


def random_law(rng, d, kind):
    k = int(rng.integers(2, 5 if d == 1 else 4))
    points = rng.integers(-9, 10, (k, d))
    masses = rng.integers(1, 9, k)
    if kind == "symmetric":
        points, masses = np.concatenate([points, -points]), np.concatenate([masses, masses])
    points, where = np.unique(points, axis=0, return_inverse=True)
    masses = np.bincount(where.ravel(), weights=masses).astype(int)
    if len(points) == 1:
        points, masses = np.concatenate([points - 1, points + 1]), np.array([1, 1])
    q = [Fraction(int(m), int(masses.sum())) for m in masses]
    atoms = [tuple(Fraction(int(c)) for c in a) for a in points]
    if kind != "free":
        mean = [sum((m * a[c] for m, a in zip(q, atoms, strict=True)), Fraction(0)) for c in range(d)]
        atoms = [tuple(x - y for x, y in zip(a, mean, strict=True)) for a in atoms]
    return atoms, q


def random_instance(rng, d):
    n, kind = int(rng.integers(2, 5)), rng.choice(["free", "centred", "symmetric"])
    w = rng.integers(1, 9, n) if rng.random() < 0.7 else np.ones(n, dtype=int)
    p = [Fraction(int(x), int(w.sum())) for x in w]
    laws = [random_law(rng, d, kind) for _ in range(n)]
    if d == 2 or rng.random() < 0.6:
        r = [Fraction(int(x), 8) for x in rng.integers(0, 33 if rng.random() < 0.5 else 9, n)]
    else:  # on the boundary: the distance of one outcome
        x = [a[int(rng.integers(len(a)))][0] for a, _ in laws]
        r = [abs(y - sum(q * z for q, z in zip(p, x, strict=True))) for y in x]
    return p, laws, r


def as_setting(p, laws, r):
    states = [Discrete([[float(c) for c in a] for a in atoms], [float(m) for m in q]) for atoms, q in laws]
    return Setting([float(x) for x in p], [float(x) for x in r], states)


def check_instances(count, seed):
    rng, beaten = np.random.default_rng(seed), {}
    for k in range(count):
        p, laws, r = random_instance(rng, 1 + k % 2)
        truth, setting = float(enumeration.exact_probability(p, laws, r)), as_setting(p, laws, r)
        skip = () if k % 40 == 0 else (bounds.localised,)
        for found in [*bounds.every(setting, skip)]:
            if found.value is not None:
                assert found.value <= truth + 1e-12, (found, truth, p, laws, r)
                beaten[found.name] = beaten.get(found.name, 0) + (found.value > 0)
        for i, single in enumerate(bounds.marginals(setting)):
            if single.value is not None and k % 5 == 0:
                assert single.value <= float(enumeration.exact_marginal(i, p, laws, r)) + 1e-12
    return beaten


def test_no_bound_exceeds_the_exact_probability():
    positive = check_instances(2000, 1)
    said = {"product laws", "union laws", "shifted laws", "product moments", "two states moments", "localised",
            "two states laws", "union moments", "symmetric shift", "product constant"}  # fmt: skip
    assert said <= {name for name, n in positive.items() if n > 0}


@pytest.mark.slow
@pytest.mark.timeout(4 * 3600)
def test_no_bound_exceeds_the_exact_probability_at_length():
    check_instances(int(os.environ.get("HALLUCINATION_INSTANCES", "100000")), 2)


def test_a_wrong_bound_is_caught():
    rng = np.random.default_rng(5)
    too_large = 0
    for k in range(200):
        p, laws, r = random_instance(rng, 1 + k % 2)
        truth, s = float(enumeration.exact_probability(p, laws, r)), as_setting(p, laws, r)
        wrong = Setting(s.p, s.r * (1 - s.p), s.laws)  # forgets the 1 / (1 − p)
        too_large += (bounds.product_laws(wrong).value or 0) > truth + 1e-12
    assert too_large > 0


# --- values known by other means ----------------------------------------------------------------------------------


def test_the_product_bound_is_attained_by_three_uniform_laws():
    for r in (0.02, 0.2, 0.5):
        law = UniformBall([0.0], 1.0)
        setting = alike(law, 3, r)
        assert bounds.product_laws(setting).value == pytest.approx((1 - 1.5 * r) ** 3)
        assert exact(setting).value == pytest.approx((1 - 1.5 * r) ** 3, abs=1e-6)


def test_the_product_bound_is_attained_by_discrete_laws():
    third, ninth = Fraction(1, 3), Fraction(1, 9)
    laws = [([-16, 8], [third, 1 - third]), ([-24, 3], [ninth, 1 - ninth]), ([-8, 16], [1 - third, third])]
    p, r = [Fraction(5, 16), Fraction(1, 4), Fraction(7, 16)], [Fraction(19, 4)] * 3
    assert enumeration.exact_probability(p, laws, r) == Fraction(1, 81)
    states = [Discrete([[float(a)] for a in atoms], [float(q) for q in masses]) for atoms, masses in laws]
    assert bounds.product_laws(Setting([float(x) for x in p], 4.75, states)).value == pytest.approx(1 / 81)


@pytest.mark.parametrize(
    ("law", "n", "r", "name", "value"),
    [
        (NORMAL, 3, 0.1, "paper", 2.91e-6),
        (NORMAL, 10, 0.5, "paper", 1.78e-23),
        (STUDENT, 5, 0.3, "paper", 2.91e-13),
        (SIGNS, 2, 0.02, "paper", 5.55e-4),
        (NORMAL, 10, 0.3, "product laws", 0.0485),
        (LAPLACE, 10, 0.1, "product laws", 0.2078),
        (UNIFORM, 5, 0.5, "product laws", 0.1067),
        (LAPLACE, 3, 0.1, "union laws", 0.6485),
        (UNIFORM, 10, 0.1, "union laws", 0.3585),
        (SIGNS, 10, 0.5, "union laws", 0.1016),
        (NORMAL, 2, 0.1, "product moments", 0.0403),
        (UNIFORM, 5, 0.1, "product moments", 0.0021),
        (LAPLACE, 3, 0.3, "product centred", 0.00144),
        (NORMAL, 2, 0.1, "two states moments", 0.3244),
        (SIGNS, 5, 0.5, "shifted laws", 0.625),
    ],
)
def test_table(law, n, r, name, value):
    setting = alike(law, n, r)
    found = {b.name: b for b in [*bounds.every(setting, (bounds.cells, bounds.localised)), bounds.paper(setting)]}
    assert found[name].value == pytest.approx(value, rel=6e-3)


def test_cells_enclose_the_truth_and_sharpen_the_worst_cell():
    setting = alike(LAPLACE, 10, 0.1)
    truth = exact(setting).value
    assert truth == pytest.approx(0.3146, abs=1e-4)
    box = cell_enclosure(Lattice(setting.p, setting.scalar_laws, 1 << 14, 1e-6), setting.r, 300)
    assert box.lower <= truth <= box.upper
    found = bounds.best(setting)
    assert found.name == "cells" and 0.9 * truth <= found.value <= truth
    mixed = Setting([0.3, 0.3, 0.4], [0.1, 0.3, 0.2], [LAPLACE, UNIFORM, NORMAL])
    box = cell_enclosure(Lattice(mixed.p, mixed.scalar_laws, 1 << 14, 1e-6), mixed.r, 300)
    assert box.lower <= exact(mixed).value <= box.upper <= 1.1 * box.lower


def test_the_localised_bound_can_be_the_best():
    law = Discrete([[-10.0], [0.0], [10.0]], [0.4, 0.2, 0.4])
    setting = Setting(np.full(12, 1 / 12), 0.5, [law] * 12)
    assert bounds.localised(setting).value >= bounds.product_laws(setting).value - 1e-12
    signs = alike(SIGNS, 30, 0.1)
    assert bounds.localised(signs).value > 0.99 > bounds.product_laws(signs).value


def test_tails_of_the_optimal_answer_are_not_underestimated():
    m = np.array([0.1])
    for law in (NORMAL, LAPLACE, UNIFORM, SIGNS):
        setting = alike(law, 6, 0.0)
        reach = tail(setting)
        draws = np.mean([law.sample(np.random.default_rng(i), 100_000) for i in range(6)], axis=0)[:, 0]
        for t in (0.2, 0.5, 1.0):
            share = (abs(draws - 0.1) > t).mean()
            assert share - 0.006 <= reach(m, t) <= share + 0.01
    plane = Setting([0.5, 0.5], 0.1, [Gaussian([0.0, 0.0])] * 2)
    assert tail(plane)(np.zeros(2), 1.0) == pytest.approx(stats.chi2.sf(2.0, 2))


# --- the paper's right side ---------------------------------------------------------------------------------------


def test_paper_factor_is_the_maximum():
    rng = np.random.default_rng(0)
    for _ in range(100):
        v, d = rng.uniform(0.1, 3), rng.uniform(0.01, 1)
        r = rng.choice([0.0, 0.2]) * math.sqrt(v)
        found = bounds.paper_factor(v, d, r)
        if d + r >= math.sqrt(v):
            assert found is None
            continue
        a = np.linspace(1, (math.sqrt(v) - r) / d, 4001)[1:]
        grid = ((1 - a**-2) * (1 - (a * d + r) ** 2 / v) ** 2).max()
        assert grid - 1e-12 <= found <= grid * (1 + 1e-4) + 1e-9
    nearly = [bounds.paper_factor(1.0, 0.3, 0.0), bounds.paper_factor(1.0, 0.3, 1e-12)]
    np.testing.assert_allclose(nearly, bounds.paper_optimum(0.09), rtol=1e-9)


def test_the_papers_right_side_is_never_large():
    assert bounds.paper_cap_exponent() == pytest.approx(7.126246, abs=1e-6)
    rng = np.random.default_rng(1)
    for _ in range(200):
        n = int(rng.integers(2, 8))
        setting = Setting(rng.dirichlet(np.full(n, 2.0)), rng.uniform(0, 0.1), variances=rng.uniform(0.5, 2, n),
                          ratios=rng.uniform(0.1, 1, n))  # fmt: skip
        found = bounds.paper(setting)
        if found.value is not None:
            assert found.value <= bounds.paper_cap(setting) <= 8.04e-4
            assert found.value <= bounds.product_moments(setting).value
            assert (bounds.paper(setting, uniform=True).value or 0) <= found.value + 1e-18


def test_the_papers_right_side_exceeds_the_truth_for_62_states():
    n, beta, omega = 60, 1001, Fraction(1, 10**12)
    p, c = (1 - n * omega) / 2, Fraction(beta - 1, 2)
    far, r = Fraction(1, beta + 1), 2 * n * omega * (beta + c)
    laws = [([-1, beta], [1 - far, far]), ([c, -c], [Fraction(1, 2)] * 2)]
    truth = enumeration.exact_probability_by_types([2, n], [p, omega], laws, [r, r])
    assert truth == 2 * Fraction(beta, (beta + 1) ** 2) / 2**n
    two, many = (Discrete([[float(a)] for a in atoms], [float(q) for q in masses]) for atoms, masses in laws)
    setting = Setting([float(p)] * 2 + [float(omega)] * n, float(r), [two, two, *[many] * n])
    assert bounds.paper(setting).value > 1e8 * float(truth)
    assert bounds.product_laws(setting).value <= float(truth) * (1 + 1e-9)


def test_moment_factors():
    assert bounds.moment_factor(1.0, 0.0) == pytest.approx(0.5)
    k, u = np.meshgrid(np.linspace(0.02, 1, 60), np.linspace(0, 0.999, 60))
    factor = bounds.moment_factor(k, u)
    assert (factor >= (2 * math.sqrt(3) - 3) * (1 - u) ** 2 * k - 1e-12).all()
    assert (bounds.centred_factor(k, u) >= factor - 1e-12).all()
    assert bounds.moment_factor(0.5, 1.2) == bounds.centred_factor(0.5, 1.2) == 0


@pytest.mark.parametrize("law", [LAPLACE, UNIFORM, NORMAL])
def test_log_concave_and_density_corollaries(law):
    setting = alike(law, 4, 0.05)
    truth = exact(setting).value
    found = {b.name: b.value for b in bounds.every(setting, (bounds.cells, bounds.localised))}
    for name in ("product log concave", "union log concave", "product density", "union density"):
        assert 0 < found[name] <= truth
    assert found["product density"] >= found["product log concave"] - 1e-9
    given = Setting(np.full(4, 0.25), 0.05, variances=1.0, ratios=0.2, shapes=["log-concave"])
    assert bounds.product_log_concave(given).value == pytest.approx((1 - 2 * 0.05 / 0.75) ** 4)
    assert bounds.product_density(given, [0.5] * 4).value == pytest.approx((1 - 0.05 / 0.75) ** 4)


def test_variances_of_the_gaps_between_a_state_and_the_answer():
    setting = Setting([0.2, 0.3, 0.5], 0.1, variances=[1.0, 2.0, 3.0], ratios=[0.5] * 3)
    np.testing.assert_allclose(setting.gap_variances, (np.eye(3) - setting.p) ** 2 @ setting.v)


def test_vectors():
    skew = Gaussian([0.0, 0.0], [[1.0, 0.3], [0.3, 1.0]])
    laws = [Gaussian([0.0, 0.0], [1.0, 2.0]), skew, UniformBall([0.0, 0.0], 2.0)]
    setting = Setting([0.3, 0.3, 0.4], 0.2, laws)
    truth = monte_carlo(setting.p, laws, setting.r, 200_000)
    for found in bounds.every(setting):
        assert found.value is None or found.value <= truth.value + 5 * truth.error
    assert bounds.product_laws(setting).value > 0.85 * truth.value
    assert "dimension 1" in bounds.product_density(setting).reason
    normal = Setting([0.5, 0.5], 0.1, [Gaussian([0.0, 0.0])] * 2)
    assert 0.98 < bounds.union_laws(normal).value <= exact(normal).value <= 1.02 * bounds.best(normal).value


# --- hypotheses and bad input -------------------------------------------------------------------------------------


def test_unmet_hypotheses_give_a_reason_and_no_number():
    wide = alike(NORMAL, 2, 0.5)
    found = bounds.paper(wide)
    assert found == Bound(None, False, found.reason, "paper", found.source)
    assert "no α > 1 has θ(α) ≤ 1 for state 1: d + r = 1.20711 ≥ √v = 1" in found.reason
    assert str(found).startswith("paper: hypothesis not met: no α > 1")
    assert "is not below (1 − p)√v = 0.5" in bounds.product_moments(wide).reason
    heavy = alike(Scalar(stats.t(3)), 3, 0.1)
    assert "positive and finite" in bounds.product_moments(heavy).reason and bounds.product_laws(heavy).value > 0.5
    apart = Setting([0.5, 0.5], 0.1, [Gaussian([0.0]), Gaussian([5.0])])
    assert "means E μ_i differ" in bounds.paper(apart).reason and bounds.product_laws(apart).met
    moments = Setting([0.5, 0.5], 0.1, variances=1, ratios=0.5)
    assert "needs the laws" in bounds.product_laws(moments).reason
    assert "not all laws are known to be centred" in bounds.product_centred(moments).reason
    assert bounds.product_centred(Setting([0.5, 0.5], 0.1, variances=1, ratios=0.5, shapes=["centred"])).met
    assert "N = 2 states, not 3" in bounds.two_states_laws(heavy).reason
    assert "continuous laws of numbers" in bounds.cells(alike(SIGNS, 3, 0.1)).reason
    hopeless = Setting([0.5, 0.5], 9.0, variances=1, ratios=0.5)
    assert not any(b.met for b in bounds.every(hopeless)) and "is not below" in bounds.best(hopeless).reason


def test_best_takes_the_largest():
    setting = alike(UNIFORM, 3, 0.1)
    found = bounds.best(setting, (bounds.cells,))
    assert found.value == max(b.value or 0 for b in bounds.every(setting, (bounds.cells,)))
    assert found.name in str(found)
    moments = Setting(setting.p, setting.r, variances=1, ratios=5 / 9)
    assert bounds.best(moments).value <= found.value


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Setting([0.5, 0.6], 0.1, [NORMAL] * 2), r"weights must be positive and sum to 1, got .*1\.1"),
        (lambda: Setting([1.0], 0.1, [NORMAL]), "N ≥ 2 states, got 1"),
        (lambda: Setting([0.5, 0.5], -0.1, [NORMAL] * 2), "radii must not be negative"),
        (lambda: Setting([0.5, 0.5], [0.1] * 3, [NORMAL] * 2), r"radii must be a number or have shape \(2,\)"),
        (lambda: Setting([0.5, 0.5], math.inf, [NORMAL] * 2), "radii must be a finite vector"),
        (lambda: Setting([0.5, 0.5], 0.1, [NORMAL] * 3), "need 2 laws of one dimension"),
        (lambda: Setting([0.5, 0.5], 0.1, [NORMAL, Gaussian([0.0, 0.0])]), "need 2 laws of one dimension"),
        (lambda: Setting([0.5, 0.5], 0.1), "either laws, or both variances and ratios"),
        (lambda: Setting([0.5, 0.5], 0.1, [NORMAL] * 2, variances=1, ratios=1), "either laws, or both"),
        (lambda: Setting([0.5, 0.5], 0.1, variances=1), "either laws, or both variances and ratios"),
        (lambda: Setting([0.5, 0.5], 0.1, variances=[1, 0], ratios=1), "variances must be positive"),
        (lambda: Setting([0.5, 0.5], 0.1, variances=math.inf, ratios=1), "variances must be a finite vector"),
        (lambda: Setting([0.5, 0.5], 0.1, variances=1, ratios=1.2), r"must lie in \(0, 1\]"),
        (lambda: Setting([0.5, 0.5], 0.1, [NORMAL] * 2, shapes=["round"]), r"must be among .* got \['round'\]"),
        (lambda: bounds.product_density(alike(NORMAL, 2, 0.1), [1.0, -1.0]), "peaks must be positive"),
        (lambda: Setting([0.5, 0.5], 0.1, variances=1, ratios=1).known_laws, "moments but no laws"),
        (lambda: alike(Scalar(stats.t(3)), 2, 0.1).v, "must be positive and finite"),
    ],
)
def test_errors_name_the_rule_and_the_value(call, message):
    with pytest.raises(ValueError, match=message):
        call()
