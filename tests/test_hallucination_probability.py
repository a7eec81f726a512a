"""The hallucination probability by several ways that must agree, and by simulation."""

import math
import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest
from scipy import stats
from scipy.integrate import quad

from hallucination import enumeration
from hallucination import hallucination_probability as exactly
from hallucination.hallucination_probability import exact, normal_asymptotics
from hallucination.setting import Setting
from hallucination.simulation import monte_carlo
from hallucination.states import Custom, Discrete, Gaussian, Scalar, UniformBall

NORMAL, UNIFORM = Gaussian([0.0]), UniformBall([0.0], 1.0)
LAPLACE = Scalar(stats.laplace(0, math.sqrt(0.5)))
SIGNS = Discrete([[-1.0], [1.0]], [0.5, 0.5])
PLANE = [Gaussian([0.0, 0.0], [1.0, 2.0]), Gaussian([0.0, 0.0], [[1.0, 0.5], [0.5, 1.0]]), Gaussian([0.0, 0.0])]


def alike(law, n, r):
    return Setting(np.full(n, 1 / n), r, [law] * n)


def test_two_heavy_tails_are_integrated_without_a_warning():
    """SciPy's quadrature sees the peak between tails that reach millions only if it is told where to look."""
    found = exactly.two_numbers(Setting([0.001, 0.999], 0.0, [Scalar(stats.t(2)), Scalar(stats.t(2))]))
    assert found.value == pytest.approx(1.0, abs=1e-9) and found.error < 1e-8


def test_two_normal_states_in_closed_form():
    setting = Setting([0.4, 0.6], [0.1, 0.2], [Gaussian([0.0], 1.0), Gaussian([0.0], 2.0)])
    value = 2 * stats.norm.sf(0.5 / math.sqrt(3))
    assert exact(setting).value == pytest.approx(value, abs=1e-14)
    assert exactly.two_numbers(setting).value == pytest.approx(value, abs=1e-11)
    assert exactly.by_directions(setting).value == pytest.approx(value, abs=1e-12)  # one dimension: no randomness
    plane = Setting([0.5, 0.5], 0.3, [Gaussian([0.0, 0.0], [1.0, 2.0]), Gaussian([0.0, 0.0], [2.0, 1.0])])
    assert exact(plane).value == pytest.approx(stats.chi2.sf(0.36 / 3, 2))
    apart = Setting([0.5, 0.5], 0.3, [Gaussian([0.0]), Gaussian([1.0])])
    law = stats.norm(1, math.sqrt(2))
    assert exact(apart).value == pytest.approx(law.sf(0.6) + law.cdf(-0.6))
    far = Setting([0.5, 0.5], 0.3, [Gaussian([0.0, 0.0]), Gaussian([1.0, 0.0])])
    truth = monte_carlo(far.p, far.laws, far.r, 200_000)
    assert abs(exact(far).value - truth.value) < 5 * truth.error


@pytest.mark.parametrize("r", [0.0, 0.1, 0.6])
def test_three_normal_numbers_by_three_ways(r):
    setting = alike(NORMAL, 3, r)
    half = quad(lambda t: math.exp(-0.75 * r**2 / math.sin(t) ** 2) if t > 0 else float(r == 0), 0, math.pi / 6)[0]
    found = exact(setting)
    assert found.value == pytest.approx(6 / math.pi * half, abs=1e-8) and found.error < 1e-8
    assert exactly.by_convolution(setting).value == pytest.approx(found.value, abs=3e-6)
    around = exactly.by_directions(setting)
    assert abs(around.value - found.value) <= 5 * around.error


def test_unequal_normal_numbers():
    setting = Setting([0.5, 0.3, 0.2], 0.1, [Gaussian([0.0], v) for v in (1.0, 2.0, 0.7)])
    assert exact(setting).value == pytest.approx(0.75236, abs=1e-5)
    found = exactly.by_convolution(setting)
    assert found.value == pytest.approx(exact(setting).value, abs=1e-6)
    moved = Setting([0.5, 0.3, 0.2], 0.1, [Gaussian([m], 1.0) for m in (0.0, 1.0, 3.0)])
    truth = monte_carlo(moved.p, moved.laws, moved.r, 400_000)
    assert abs(exact(moved).value - truth.value) < 5 * truth.error


def test_many_normal_numbers_and_their_limit():
    assert exact(alike(NORMAL, 10, 0.3)).value == pytest.approx(0.0590461, abs=1e-6)
    assert exact(alike(NORMAL, 20, 0.3)).value == pytest.approx(0.00402826, abs=1e-7)
    assert normal_asymptotics(20, 0.3) == pytest.approx(0.00404577, abs=1e-7)


def test_normal_vectors_agree_with_simulation():
    setting = Setting([0.3, 0.3, 0.4], [0.1, 0.3, 0.2], PLANE)
    found, truth = exact(setting), monte_carlo([0.3, 0.3, 0.4], PLANE, [0.1, 0.3, 0.2], 300_000)
    assert abs(found.value - truth.value) <= 5 * math.hypot(found.error, truth.error)
    assert found.error < math.sqrt(found.value * (1 - found.value) / 200_000)  # better than plain Monte Carlo


@pytest.mark.parametrize("r", [0.05, 0.2, 0.5])
def test_three_uniform_numbers_in_closed_form(r):
    found = exact(alike(UNIFORM, 3, r))
    assert found.value == pytest.approx((1 - 1.5 * r) ** 3, abs=1e-6)
    assert found.error < 1e-4


def test_two_states_of_any_law_by_quadrature():
    setting = Setting([0.5, 0.5], 0.1, [LAPLACE, UNIFORM])
    found, truth = exact(setting), monte_carlo([0.5, 0.5], [LAPLACE, UNIFORM], 0.1, 300_000)
    assert abs(found.value - truth.value) < 5 * truth.error and found.error < 1e-8
    assert exact(alike(UNIFORM, 2, 0.25)).value == pytest.approx(0.75**2)  # |difference| > 1/2 of triangular law
    assert exact(alike(Scalar(stats.expon(-1)), 2, 0.1)).value == pytest.approx(math.exp(-0.2))


def test_mixed_numbers_agree_with_simulation():
    laws, p, r = [LAPLACE, UNIFORM, NORMAL, Scalar(stats.gamma(2, -2))], [0.2, 0.3, 0.4, 0.1], [0.1, 0.3, 0.2, 0.0]
    found, truth = exact(Setting(p, r, laws)), monte_carlo(p, laws, r, 400_000)
    assert abs(found.value - truth.value) < 5 * truth.error and found.error < 1e-4


@pytest.mark.parametrize(("n", "r", "value"), [(2, 0.3, 0.5), (5, 0.5, 0.625), (10, 0.3, 0.978515625)])
def test_signs_by_enumeration(n, r, value):
    assert exact(alike(SIGNS, n, r)) == (value, 0.0, "enumeration")


def test_floating_enumeration_agrees_with_rational_numbers_at_ties():
    rng = np.random.default_rng(0)
    for k in range(100):
        n, d = int(rng.integers(2, 4)), 1 + k % 2
        w = rng.integers(1, 6, n)
        p = [Fraction(int(x), int(w.sum())) for x in w]
        laws = []
        for _ in range(n):
            points = np.unique(rng.integers(-4, 5, (3, d)), axis=0)
            laws.append(([tuple(int(c) for c in a) for a in points], [Fraction(1, len(points))] * len(points)))
        r = [Fraction(int(x), int(w.sum())) for x in rng.integers(0, 30, n)]
        states = [Discrete(np.array(atoms, dtype=float), [float(q) for q in masses]) for atoms, masses in laws]
        found = exact(Setting([float(x) for x in p], [float(x) for x in r], states)).value
        assert found == pytest.approx(float(enumeration.exact_probability(p, laws, r)), abs=1e-12)


# --- simulation ---------------------------------------------------------------------------------------------------


def test_simulation_agrees_with_exact_values_within_its_error():
    scores = []
    for seed in range(40):
        found = monte_carlo(np.full(3, 1 / 3), [UNIFORM] * 3, 0.2, 4000, seed)
        scores.append((found.value - 0.343) / found.error)
    assert abs(np.mean(scores)) < 0.6 and 0.7 < np.std(scores) < 1.35


def test_reused_draws_are_unbiased_and_their_error_is_honest():
    truth, found = exact(alike(NORMAL, 5, 0.1)).value, []
    for seed in range(40):
        found.append(monte_carlo(np.full(5, 0.2), [NORMAL] * 5, 0.1, 20_000, seed, reuse=6))
    scores = [(f.value - truth) / f.error for f in found]
    assert abs(np.mean(scores)) < 0.6 and 0.6 < np.std(scores) < 1.4
    plain = math.sqrt(truth * (1 - truth) / 20_000)
    assert np.mean([f.error for f in found]) < 0.75 * plain


def test_threads_and_forms_of_samplers_do_not_change_the_estimate():
    p, draws = [0.5, 0.5], 700_000
    one, two = (monte_carlo(p, [NORMAL] * 2, 0.1, draws, 3, threads=t) for t in (1, 2))
    assert one == two
    flat = [lambda rng, n: rng.standard_normal(n)] * 2
    assert monte_carlo(p, flat, 0.1, draws, 3).value == one.value
    assert monte_carlo(p, flat, 0.1, draws, np.random.SeedSequence(3)).value == one.value
    custom = Custom([0.0], 1.0, lambda a: np.zeros(a.shape[:-1]), lambda rng, n: rng.standard_normal((n, 1)))
    assert monte_carlo(p, [custom] * 2, 0.1, draws, 3).value == one.value
    small = monte_carlo(p, [NORMAL] * 2, 0.1, draws, 3, memory=1 << 16, threads=1)
    assert abs(small.value - one.value) < 5 * one.error


def test_torch_draws_the_same_laws():
    numbers = [Scalar(law) for law in (stats.t(5, 0, 2), stats.norm(1, 2), stats.uniform(2, 3))]
    for law in [NORMAL, LAPLACE, UNIFORM, SIGNS, *numbers, *PLANE, UniformBall([1.0, 2.0, 3.0], 2.0)]:
        here = monte_carlo([0.3, 0.7], [law] * 2, 0.2, 100_000, 1)
        there = monte_carlo([0.3, 0.7], [law] * 2, 0.2, 100_000, 1, memory=1 << 22, device="cpu")
        assert abs(here.value - there.value) < 5 * math.hypot(here.error, there.error)


def test_torch_is_loaded_only_for_a_device():
    code = "import sys, hallucination.adversary, hallucination.bounds, hallucination.simulation as s\n"
    code += "from hallucination.states import Gaussian\n"
    code += "s.monte_carlo([.5, .5], [Gaussian([0.0])] * 2, 0.1, 1000); print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.gpu
def test_simulation_on_a_gpu():
    found = monte_carlo(np.full(10, 0.1), [NORMAL] * 10, 0.1, 10_000_000, device="cuda")
    assert abs(found.value - exact(alike(NORMAL, 10, 0.1)).value) < 5 * found.error


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: exact(Setting([0.5, 0.5], 0.1, [SIGNS, NORMAL])), "no exact method for these laws"),
        (lambda: exact(Setting([0.5, 0.5], 0.1, variances=1, ratios=1)), "moments but no laws"),
        (lambda: exactly.two_numbers(alike(NORMAL, 3, 0.1)), "N = 2 states, not 3"),
        (lambda: exactly.three_normal_numbers(alike(NORMAL, 4, 0.1)), "N = 3 states of dimension 1, got N = 4"),
        (lambda: exactly.by_directions(alike(LAPLACE, 3, 0.1)), r"needs normal laws, got \['Scalar'\]"),
        (lambda: exactly.by_directions(Setting([0.5, 0.5], 0.1, [NORMAL, Gaussian([1.0])])), "needs equal means"),
        (lambda: exactly.two_normal_states(Setting([0.5, 0.5], 0.1, PLANE[:2])), "multiple of the identity"),
        (lambda: exactly.by_enumeration(alike(NORMAL, 2, 0.1)), "needs discrete laws"),
        (lambda: exactly.by_enumeration(alike(SIGNS, 24, 0.1)), "an enumeration may hold"),
        (lambda: exactly.by_convolution(alike(SIGNS, 2, 0.1)), "continuous laws of numbers"),
        (lambda: monte_carlo([0.5, 0.6], [NORMAL] * 2, 0.1), "weights must be positive and sum to 1"),
        (lambda: monte_carlo([0.5, 0.5], [NORMAL] * 3, 0.1), "need 2 laws and 2 radii"),
        (lambda: monte_carlo([0.5, 0.5], [NORMAL] * 2, -0.1), "radii ≥ 0"),
        (lambda: monte_carlo([0.5, 0.5], [NORMAL] * 2, 0.1, 0), "draws must be at least 1"),
        (lambda: monte_carlo([0.5, 0.5], [NORMAL] * 2, 0.1, memory=10), "memory at least 65536 bytes"),
        (lambda: monte_carlo([0.5, 0.5], [NORMAL] * 2, 0.1, 100, reuse=4), "reuse must be at least 1"),
        (lambda: monte_carlo([0.5, 0.5], [NORMAL] * 2, 0.1, reuse=0), "reuse must be at least 1"),
        (lambda: monte_carlo([0.5, 0.5], [NORMAL, PLANE[0]], 0.1, 9, threads=1), "all laws must have one dimension"),
        (lambda: monte_carlo([0.5, 0.5], [NORMAL, "x"], 0.1), "a State or a callable"),
        (lambda: monte_carlo([0.5, 0.5], [lambda rng, n: [0.0]] * 2, 0.1, 9), r"must return shape \(9, d\) or"),
        (lambda: monte_carlo([0.5, 0.5], [Scalar(stats.gamma(2))] * 2, 0.1, 9, device="cpu"), "SciPy law gamma on a"),
        (lambda: monte_carlo([0.5, 0.5], [lambda rng, n: 0] * 2, 0.1, 9, device="cpu"), "cannot draw function on a"),
    ],
)
def test_errors_name_the_rule_and_the_value(call, message):
    with pytest.raises(ValueError, match=message):
        call()
