"""The adversarial search: it finds what is false, respects what is true, and resumes where it stopped."""

import json
from fractions import Fraction

import numpy as np
import pytest

from hallucination import bounds, enumeration
from hallucination.adversary import Instance, decode, log_ratio, paper_radius, product_radius, search
from hallucination.setting import Bound


def tripled(setting):
    """A wrong bound: three times the product bound, which is attained."""
    found = bounds.product_laws(setting)
    return Bound(3 * found.value, True, "", "tripled", "wrong")


def test_it_refutes_a_wrong_bound_exactly():
    found = search(tripled, 3, budget=2000, seed=1)
    assert found.ratio < 1
    p, laws, r = found.instance.rational()
    assert found.probability == enumeration.exact_probability(p, laws, r)
    assert sum(p) == 1 and all(sum(a * q for a, q in zip(*law, strict=True)) == 0 for law in laws)


def test_it_does_not_refute_the_product_bound():
    for atoms in (2, 3):
        found = search(bounds.product_laws, 2, atoms, budget=800)
        assert found.ratio >= 1 - 1e-9 and found.evaluations <= 800


def test_the_papers_right_side_is_far_off_for_two_states():
    found = search(bounds.paper, 2, budget=1500, widest=paper_radius)
    assert 500 < found.ratio < 1e5
    assert found.bound <= 8.04e-4 and found.probability > 0


def test_an_interrupted_search_ends_like_an_uninterrupted_one(tmp_path):
    calls = []
    whole = search(bounds.product_moments, 2, budget=1200, seed=4, progress=lambda *a: calls.append(a))
    path = tmp_path / "search.json"
    search(bounds.product_moments, 2, budget=600, seed=4, path=path)
    between = json.loads(path.read_text("utf8"))
    again = search(bounds.product_moments, 2, budget=1200, seed=4, path=path)
    assert 0 < between["evaluations"] <= 600 < again.evaluations
    assert again.ratio == whole.ratio and again.probability == whole.probability
    assert [c[0] for c in calls] == sorted(c[0] for c in calls) and calls[-1][1] == 1200
    assert min(c[2] for c in calls) == calls[-1][2] == pytest.approx(whole.ratio, rel=1e-3)
    with pytest.raises(ValueError, match="belongs to the search"):
        search(bounds.product_moments, 3, budget=1200, seed=4, path=path)


@pytest.mark.parametrize("atoms", [2, 3])
def test_decoded_instances_meet_the_hypotheses(atoms):
    rng = np.random.default_rng(0)
    for _ in range(100):
        x = rng.random(3 * (atoms + 1) + 1)
        free, tight = decode(x, 3, atoms), decode(x, 3, atoms, paper_radius)
        setting = free.setting
        np.testing.assert_allclose([law.mean[0] for law in setting.laws] / np.sqrt(setting.v), 0, atol=1e-9)
        assert free.radius <= product_radius(setting.p, setting.v) and bounds.product_moments(setting).met
        if tight is not None:
            assert bounds.paper(tight.setting).met
        assert np.isfinite(log_ratio(free, bounds.product_laws))


def test_rational_instances_are_close():
    atoms, masses = np.array([[-1.0, 2.0], [-0.5, 0.5]]), np.array([[2 / 3, 1 / 3], [0.5, 0.5]])
    instance = Instance(np.array([0.3, 0.7]), atoms, masses, 0.1)
    p, laws, r = instance.rational()
    assert sum(p) == 1 and p[0] == Fraction(3, 10) and r == [Fraction(1, 10)] * 2
    assert [float(a) for a in laws[0][0]] == pytest.approx([-1, 2], abs=1e-8)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: search(bounds.product_laws, 1), "at least 2 states and 2 or 3 atoms, got 1 and 2"),
        (lambda: search(bounds.product_laws, 2, 4), "2 or 3 atoms, got 2 and 4"),
        (lambda: search(bounds.product_laws, 2, budget=10), "budget must be at least 308 evaluations, got 10"),
        (lambda: search(bounds.cells, 2, budget=400), "no instance met the hypotheses"),
    ],
)
def test_errors_name_the_rule_and_the_value(call, message):
    with pytest.raises(ValueError, match=message):
        call()
