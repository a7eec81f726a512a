"""Exact enumeration against plain enumeration, closed forms, SciPy and the floating-point library."""

from fractions import Fraction as F
from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from hallucination import concentration as floating
from hallucination import enumeration
from hallucination.checks.instances import no_state_hit, random_instances
from hallucination.enumeration import (
    concentration,
    exact_event,
    exact_marginal,
    exact_probability,
    exact_probability_by_types,
)
from hallucination.numerals import scientific
from hallucination.states import Discrete

HALF = F(1, 2)
FAIR = ((F(-1), F(1)), (HALF, HALF))


@pytest.mark.parametrize("dimension", [1, 2, 3])
def test_agrees_with_plain_enumeration(dimension):
    for draw in random_instances(1, 25, dimension):
        assert exact_probability(*draw) == no_state_hit(draw)


def test_marginals_agree_with_plain_enumeration_and_bound_the_whole():
    for draw in random_instances(2, 20):
        singles = [exact_marginal(i, *draw) for i in range(len(draw.weights))]
        for i, (r, found) in enumerate(zip(draw.radii, singles, strict=True)):
            radius, state = r, i
            plain = exact_event(
                draw.weights, draw.laws, lambda mu, mean, s=state, x=radius: abs(mu[s][0] - mean[0]) > x
            )
            assert found == plain
        whole = exact_probability(*draw)
        assert max(0, 1 - sum(1 - q for q in singles)) <= whole <= min(singles)


@pytest.mark.parametrize("block", [1, 2, 7])
def test_blocks_do_not_matter(monkeypatch, block):
    draws = list(random_instances(3, 8, 2))
    whole = [exact_probability(*draw) for draw in draws]
    monkeypatch.setattr(enumeration, "BLOCK", block)
    assert [exact_probability(*draw) for draw in draws] == whole


@pytest.mark.parametrize("unit", [F(1, 10**12), F(10**15, 7)])
def test_large_numbers_leave_machine_integers(unit):
    for draw in random_instances(4, 20):
        laws = [([(unit * x,) for (x,) in atoms], q) for atoms, q in draw.laws]
        assert exact_probability(draw.weights, laws, [unit * r for r in draw.radii]) == exact_probability(*draw)


def test_laws_may_move_together():
    for draw in random_instances(5, 20, 2):
        laws = [([(x + 3, y - F(1, 3)) for x, y in atoms], q) for atoms, q in draw.laws]
        assert exact_probability(draw.weights, laws, draw.radii) == exact_probability(*draw)


@settings(max_examples=40)
@given(st.integers(2, 6), st.integers(0, 3), st.fractions(0, 3, max_denominator=6))
def test_types_agree_with_single_states(many, others, radius):
    three = ((F(-1), F(0), F(4)), (HALF, F(1, 4), F(1, 4)))
    counts = [many, others] if others else [many]
    weights = [F(1, many + others)] * len(counts)
    laws, radii = [FAIR, three][: len(counts)], [radius, HALF][: len(counts)]
    expanded = [[x] * n for x, n in zip(range(len(counts)), counts, strict=True)]
    order = [t for group in expanded for t in group]
    single = exact_probability([weights[t] for t in order], [laws[t] for t in order], [radii[t] for t in order])
    assert exact_probability_by_types(counts, weights, laws, radii) == single


@pytest.mark.parametrize("n", [2, 5, 10, 40, 200])
@pytest.mark.parametrize("radius", [F(0), F(1, 10), HALF, F(9, 10)])
def test_fair_states_by_the_binomial_law(n, radius):
    def missed(heads: int) -> bool:
        mean = F(2 * heads - n, n)
        return (heads == 0 or abs(1 - mean) > radius) and (heads == n or abs(-1 - mean) > radius)

    by_scipy = sum(binom.pmf(k, n, 0.5) for k in range(n + 1) if missed(k))
    assert float(exact_probability_by_types([n], [F(1, n)], [FAIR], [radius])) == pytest.approx(by_scipy, abs=1e-12)


def test_two_states_by_the_distance_of_their_centres():
    for draw in random_instances(6, 100):
        if len(draw.weights) == 2:
            limit = max(draw.radii[0] / draw.weights[1], draw.radii[1] / draw.weights[0])
            both = exact_event(draw.weights, draw.laws, lambda mu, _, limit=limit: abs(mu[0][0] - mu[1][0]) > limit)
            assert exact_probability(*draw) == both


def test_a_tie_is_a_hit():
    assert exact_probability([HALF, HALF], [FAIR, FAIR], [F(1), F(1)]) == 0
    assert exact_probability([HALF, HALF], [FAIR, FAIR], [F(1) - F(1, 10**30), F(1, 2)]) == HALF
    assert exact_probability([F(1)], [FAIR], [F(0)]) == 0


def test_a_radius_per_atom():
    radii = [(F(1, 10), F(11, 10))] * 2
    assert exact_probability([HALF, HALF], [FAIR, FAIR], radii) == 0
    assert exact_probability([HALF, HALF], [FAIR, FAIR], [F(1, 10)] * 2) == HALF
    same = [(F(1, 10), F(1, 10))] * 2
    assert exact_probability([HALF, HALF], [FAIR, FAIR], same) == HALF


def test_plain_integers_and_a_point_mass_are_fine():
    assert exact_probability([1], [([3], [1])], [0]) == 0
    assert exact_probability([HALF, HALF], [([0], [1]), ([4], [1])], [1, 1]) == 1


@settings(max_examples=60)
@given(
    st.lists(st.fractions(-5, 5, max_denominator=6), min_size=1, max_size=5),
    st.fractions(0, 6, max_denominator=6),
    st.data(),
)
def test_concentration_on_the_line_by_a_sliding_window(atoms, radius, data):
    parts = data.draw(st.lists(st.integers(1, 9), min_size=len(atoms), max_size=len(atoms)))
    masses = [F(x, sum(parts)) for x in parts]
    window = max(sum(q for b, q in zip(atoms, masses, strict=True) if a <= b <= a + 2 * radius) for a in atoms)
    assert concentration((atoms, masses), radius) == window


def test_concentration_in_the_plane_by_pairs_and_triples():
    square = [(F(0), F(0)), (F(2), F(0)), (F(0), F(2)), (F(2), F(2))]
    masses = [F(1, 10), F(2, 10), F(3, 10), F(4, 10)]
    law = (square, masses)
    assert [concentration(law, r) for r in (F(0), F(99, 100), F(1), F(141, 100), F(142, 100))] == [
        F(4, 10), F(4, 10), F(7, 10), F(7, 10), 1,
    ]  # fmt: skip
    triangle = [(F(0), F(0)), (F(4), F(0)), (F(2), F(3))]  # its circle has centre (2, 5/6) and radius 13/6
    thirds = [F(1, 3)] * 3
    assert concentration((triangle, thirds), F(13, 6)) == 1
    assert concentration((triangle, thirds), F(13, 6) - F(1, 10**9)) == F(2, 3)


def test_concentration_in_space_and_of_collinear_points():
    line = [(F(k), F(k), F(0)) for k in range(4)]
    quarters = [F(1, 4)] * 4
    assert concentration((line, quarters), F(0)) == F(1, 4)
    assert concentration((line, quarters), F(3, 4)) == HALF
    assert concentration((line, quarters), F(3)) == 1
    corners = list(product((F(-1), F(1)), repeat=3))
    cube = (corners, [F(1, 8)] * 8)
    assert concentration(cube, F(17, 10)) < 1 == concentration(cube, F(18, 10))


@pytest.mark.parametrize("dimension", [1, 2])
def test_concentration_agrees_with_floating_point(dimension):
    for draw in random_instances(7, 15, dimension):
        for (atoms, masses), r in zip(draw.laws, draw.radii, strict=True):
            radius = r + F(1, 1000)  # away from ties
            law = Discrete(np.array(atoms, float), np.array(masses, float))
            assert floating.concentration(law, float(radius)).value == pytest.approx(
                float(concentration((atoms, masses), radius)), abs=1e-9
            )


def test_no_ball_holds_more_than_the_concentration():
    rng = np.random.default_rng(0)
    for draw in random_instances(8, 20, 2):
        for (atoms, masses), r in zip(draw.laws, draw.radii, strict=True):
            centres = rng.uniform(-9, 9, size=(2000, 2))
            held = np.linalg.norm(centres[:, None] - np.array(atoms, float), axis=2) <= float(r)
            assert (held @ np.array(masses, float)).max() <= float(concentration((atoms, masses), r)) + 1e-12


def test_circumcentre_of_dependent_points_is_none():
    assert enumeration._circumcentre([(F(0), F(0)), (F(1), F(1)), (F(2), F(2))]) is None


def test_multinomials_count_arrangements():
    words = ["".join(w) for w in product("abc", repeat=4)]
    for parts in enumeration._compositions(4, 3):
        assert enumeration._multinomial(parts) == sum(tuple(map(w.count, "abc")) == parts for w in words)


BAD = [
    ({"weights": [0.5, 0.5]}, r"weights\[0\] must be an int or a Fraction, got 0.5 of type float"),
    ({"weights": [HALF, F(1, 3)]}, "sum to one, got sum 5/6"),
    ({"weights": [F(3, 2), -HALF]}, "at least 0 and sum to one"),
    ({"radii": [F(1), F(-1)]}, r"radii\[1\] must be at least 0, got -1"),
    ({"radii": [F(1), (F(1),)]}, r"radii\[1\] must be one radius or one per atom \(2\), got 1"),
    ({"radii": [F(1), float("inf")]}, "must be an int or a Fraction"),
    ({"radii": [F(1)]}, "one length above 0"),
    ({"laws": [FAIR, ((F(0), F(1)), (HALF, HALF + F(1, 9)))]}, r"probabilities of laws\[1\] .* sum to one"),
    ({"laws": [FAIR, ((F(0), F(1)), (HALF,))]}, "as many probabilities as atoms, got 1 and 2"),
    ({"laws": [FAIR, (((F(0), F(1)), F(1)), (HALF, HALF))]}, "one dimension of at least 1"),
    ({"laws": [FAIR, (((F(0), F(1)), (F(1), F(1))), (HALF, HALF))]}, r"laws must have one dimension, got \[1, 2\]"),
    ({"laws": [FAIR, ((), ())]}, "as many probabilities as atoms, got 0 and 0"),
    ({"laws": [FAIR, ((0.5, 1.0), (HALF, HALF))]}, r"atoms of laws\[1\] must be an int or a Fraction"),
    ({"limit": 3}, "limited to 3 outcomes, this needs 4"),
]


@pytest.mark.parametrize(("change", "message"), BAD)
def test_bad_input_is_refused(change, message):
    good = {"weights": [HALF, HALF], "laws": [FAIR, FAIR], "radii": [F(1), F(1)]}
    with pytest.raises(ValueError, match=message):
        exact_probability(**(good | change))


def test_other_bad_input_is_refused():
    with pytest.raises(ValueError, match="counts must be whole numbers of at least 1"):
        exact_probability_by_types([0], [F(1)], [FAIR], [F(1)])
    with pytest.raises(ValueError, match="state must be between 0 and 1, got 2"):
        exact_marginal(2, [HALF, HALF], [FAIR, FAIR], [F(1), F(1)])
    with pytest.raises(ValueError, match="radius must be at least 0"):
        concentration(FAIR, F(-1))
    with pytest.raises(ValueError, match="limited to 3 outcomes, this needs 4"):
        exact_event([HALF, HALF], [FAIR, FAIR], lambda mu, mean: True, limit=3)


def test_many_states_of_one_type_are_quick():
    assert exact_probability_by_types([500], [F(1, 500)], [FAIR], [F(1, 10)]) > F(999, 1000)


def test_random_instances_are_as_described():
    draws = list(random_instances(9, 60, centred=True))
    assert all(sum(d.weights) == 1 and min(d.weights) > 0 for d in draws)
    assert all(sum(a[0] * q for a, q in zip(*law, strict=True)) == 0 for d in draws for law in d.laws)
    assert [d.text() for d in draws] == [d.text() for d in random_instances(9, 60, centred=True)]
    on_edge = 0
    for d in draws[::3]:  # A* is on the edge of a ball in some outcome
        drawn = product(*([x for (x,) in atoms] for atoms, _ in d.laws))
        means = [(xs, sum(p * x for p, x in zip(d.weights, xs, strict=True))) for xs in drawn]
        on_edge += any(abs(x - m) == r for xs, m in means for x, r in zip(xs, d.radii, strict=True))
    assert on_edge == 20


def test_points_and_numbers_for_readers():
    assert [scientific(x) for x in (F(1, 4), 3e-12, 5e20, 0)] == ["0.25", "3·10⁻¹²", "5·10²⁰", "0"]
    assert all("p " in d.text() and "(" in d.text() for d in random_instances(10, 3, 2))


def test_a_ball_around_the_middle_of_a_subset_holds_no_more():
    for draw in random_instances(11, 10, 2):
        atoms, masses = draw.laws[0]
        best = concentration((atoms, masses), draw.radii[0])
        for size in range(1, len(atoms) + 1):
            for chosen in combinations(range(len(atoms)), size):
                x, y = (sum(atoms[i][k] for i in chosen) / size for k in range(2))
                if all((atoms[i][0] - x) ** 2 + (atoms[i][1] - y) ** 2 <= draw.radii[0] ** 2 for i in chosen):
                    assert sum(masses[i] for i in chosen) <= best
