"""The instances that refute Theorem 6.1, against closed forms, independent enumeration and floating point."""

from fractions import Fraction as F
from math import sqrt

import numpy as np
import pytest

from hallucination import refutations
from hallucination.bounds_moments import paper_factor
from hallucination.checks.instances import random_instances
from hallucination.checks.lower_bound_repaired import on_the_line
from hallucination.enumeration import exact_probability, exact_probability_by_types
from hallucination.refutations import (
    Instance,
    credit_above,
    credit_below,
    display_with_four_states,
    display_with_two_states,
    per_state_radii,
    probability_by_noise,
    random_radius,
    sharp,
    symmetric,
    three_uniforms,
    two_point,
    uniform_radius,
)


def test_uniform_radius_refutes_with_25_states():
    instance = uniform_radius()
    p_h, right = instance.probability(), instance.right_side()
    assert instance.states == 25 and len(set(instance.radii)) == 1
    assert p_h == 2 * F(1501, 1502**2) * F(5, 12) ** 23
    assert p_h < right and float(right / p_h) == pytest.approx(1.607, abs=1e-3)


@pytest.mark.parametrize(("light", "ratio"), [(24, 3.167), (30, 186), (40, 1.6e5)])
def test_uniform_radius_refutes_with_more_states(light, ratio):
    instance = uniform_radius(light)
    assert float(instance.right_side() / instance.probability()) == pytest.approx(ratio, rel=0.05)


def test_uniform_radius_does_not_refute_with_24_states():
    instance = uniform_radius(22)
    assert instance.right_side_above() < instance.probability()


def test_far_apart_refutes_with_62_states():
    instance = uniform_radius(60, 1001, 1)
    assert instance.states == 62
    assert instance.probability() == 2 * F(1001, 1002**2) / 2**60 < instance.right_side() / 10**8


def test_a_radius_per_state_refutes_with_13_states():
    instance = per_state_radii()
    assert instance.states == 13 and instance.right_side() > F(17, 10) * instance.probability()
    assert per_state_radii(9).right_side_above() < per_state_radii(9).probability()


def test_single_states_give_the_same_number_as_types():
    instance = per_state_radii(4)
    order = [t for t, n in enumerate(instance.counts) for _ in range(n)]
    parts = ([x[t] for t in order] for x in (instance.weights, instance.laws, instance.radii))
    assert exact_probability(*parts) == instance.probability()


def test_symmetric_laws_refute_with_74_states():
    instance = symmetric()
    assert instance.states == 74
    assert probability_by_noise(instance, 2) < instance.right_side()
    for atoms, masses in instance.laws:
        assert sorted(atoms) == sorted(-x for x in atoms) and masses == masses[::-1]


def test_symmetric_laws_refute_clearly_with_more_states():
    instance = symmetric((38, 36, 18))
    assert instance.right_side() > 3 * probability_by_noise(instance, 2)


def test_symmetric_probability_in_closed_form():
    n1, n2, n3 = families = (31, 29, 12)
    q1, q2 = F(16, 10**6), F(425, 10**8)
    once = q1 * (1 - q2) / 2**n1 + q2 * (1 - q1) / 2**n2
    assert probability_by_noise(symmetric(families), 2) == once + q1 * q2 / 2 * (F(1, 2**n1) + F(1, 2**n3))


@pytest.mark.parametrize(
    ("instance", "heavy"), [(uniform_radius(), 1), (per_state_radii(), 2), (symmetric((2, 3, 1)), 2)]
)
def test_light_states_decide_nothing(instance, heavy):
    assert probability_by_noise(instance, heavy) == instance.probability()


def test_light_states_that_decide_are_noticed():
    with pytest.raises(ValueError, match="the light states decide whether"):
        fair = two_point(-1, 1)
        probability_by_noise(Instance((1, 1), (F(1, 2),) * 2, (fair, fair), (F(3, 5),) * 2), 1)


def test_repaired_heavy_states_saturate_the_cap():
    """Two heavy states hold almost all weight, so that their factors are almost the largest possible ones."""
    instance = uniform_radius(60, 10**6 + 1, 1)
    (v, _), _ = instance.moments()
    spread = sqrt(instance.spread_squared())
    assert paper_factor(float(v), spread, float(instance.radii[0])) ** 2 == pytest.approx(8.037e-4, rel=1e-3)


def test_credits_enclose_the_best_value():
    for draw in random_instances(20, 20, centred=True):
        instance = on_the_line(draw)
        spread2 = instance.spread_squared()
        low, high = refutations._root_below(spread2), refutations._root_above(spread2)
        assert low**2 <= spread2 < high**2 and high - low < high / 10**25
        for v, _ in instance.moments():
            r = F((sqrt(v) - sqrt(spread2)) / 3).limit_denominator(100)
            if r <= 0 or (high + r) ** 2 >= v:
                continue
            below, above = credit_below(v, high, r), credit_above(v, low, r, 100)
            assert below <= above and float(above) <= 1.2 * float(below) + 1e-4
            assert float(below) == pytest.approx(paper_factor(float(v), float(high), float(r)), rel=1e-6)


def test_credit_in_closed_form_without_radius():
    t = F(1, 4)
    x = (sqrt(t * t + 8 * t) - t) / 2
    assert float(credit_below(F(4), F(1), F(0))) == pytest.approx(4 * (1 - x) ** 3 / (2 - x) ** 2)


def test_unmet_hypothesis_gives_no_number():
    with pytest.raises(ValueError, match=r"hypothesis not met: need d \+ r < √v"):
        credit_below(F(1), F(1, 2), F(1, 2))
    with pytest.raises(ValueError, match="hypothesis not met"):
        sharp().right_side()
    assert credit_above(F(1), F(1, 2), F(1, 2)) == 0


def test_instances_are_checked():
    lopsided = ((F(0), F(1)), (F(1, 2), F(1, 2)))
    with pytest.raises(ValueError, match="one mean"):
        Instance((1, 1), (F(1, 2),) * 2, (two_point(-1, 1), lopsided), (F(0),) * 2).moments()
    with pytest.raises(ValueError, match="positive variance"):
        Instance((2,), (F(1, 2),), (((F(0),), (F(1),)),), (F(0),)).moments()
    with pytest.raises(ValueError, match="0 must lie between the two points, got 1 and 2"):
        two_point(1, 2)


def test_moments_of_the_instances():
    (v, k), (light, k_light) = uniform_radius().moments()
    assert (v, light) == (1501, 750 * 1050)
    assert k == F(1501, 1501**2 - 1501 + 1) and k_light == F(35, 25 + 49 - 35)


def test_display_fails_for_four_states():
    d = display_with_four_states()
    assert (d.left, d.first, d.second, d.joint) == (F(9, 20), F(3, 5), F(4, 5), F(2, 5))
    assert d.left < d.right == F(12, 25)
    assert d.instance.spread_squared() == F(372295, 10**6) < d.near**2
    assert all((d.near + d.instance.radii[0]) ** 2 <= v for v, _ in d.instance.moments())


@pytest.mark.parametrize("q", [F(1, 16), F(1, 17)])
def test_display_for_two_states_in_closed_form(q):
    d = display_with_two_states(q)
    assert d.joint == q**2 / 2
    assert d.right == q * ((1 - q) ** 2 + q**2 / 2)
    assert d.left == 2 * q * (1 - q) + q**2 / 2


def test_display_needs_its_hypotheses():
    with pytest.raises(ValueError, match="d_1 must be above d"):
        display_with_two_states(F(1, 2))
    with pytest.raises(ValueError, match=r"d_1 \+ r must be at most every √v_i"):
        display_with_two_states(F(1, 30))


def test_random_radius():
    p_h, right = random_radius()
    assert p_h == 0 < right and float(right) < 8.04e-4


def test_sharp_instance():
    assert sharp().probability() == F(1, 81)


@pytest.mark.parametrize("radius", [F(0), F(1, 10), F(1, 5), F(2, 5), F(2, 3)])
def test_three_uniforms_by_simulation(radius):
    centres = np.random.default_rng(5).uniform(-1, 1, (200_000, 3))
    missed = np.abs(centres - centres.mean(axis=1, keepdims=True)) > float(radius)
    everywhere, one = map(float, three_uniforms(radius))
    assert missed.all(axis=1).mean() == pytest.approx(everywhere, abs=5 * 0.5 / sqrt(200_000) + 1e-9)
    assert missed[:, 0].mean() == pytest.approx(one, abs=5 * 0.5 / sqrt(200_000) + 1e-9)


def test_three_uniforms_by_enumeration_of_a_fine_grid():
    n = 31
    law = ([F(2 * k - n + 1, n) for k in range(n)], [F(1, n)] * n)
    r = F(1, 5)
    found = exact_probability_by_types([3], [F(1, 3)], [law], [r])
    assert float(found) == pytest.approx(float(three_uniforms(r)[0]), abs=0.08)


def test_three_uniforms_need_a_small_radius():
    with pytest.raises(ValueError, match="radius must lie between 0 and 2/3, got 1"):
        three_uniforms(F(1))
