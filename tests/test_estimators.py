"""The mean as optimum, the dictionary of losses, the nearest answers."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hallucination.estimators import bayes_act, excess_loss, expected_loss, nearest_answers
from hallucination.mixtures import Mixture, two_gaussians
from hallucination.states import Discrete, Gaussian, UniformBall

whole = st.integers(-20, 20)


def by_hand(law, v):
    return float(law.weights @ ((law.answers - v) ** 2).sum(axis=1))


@settings(max_examples=60, deadline=None, derandomize=True, database=None)
@given(st.lists(st.tuples(whole, whole), min_size=1, max_size=6, unique=True), st.tuples(whole, whole), st.data())
def test_loss_of_discrete_laws_is_the_enumerated_one_and_the_mean_wins(atoms, v, data):
    counts = np.array(data.draw(st.lists(st.integers(1, 9), min_size=len(atoms), max_size=len(atoms))), dtype=float)
    law = Discrete(np.array(atoms, dtype=float), counts / counts.sum())
    v = np.array(v, dtype=float)
    assert expected_loss(law, v) == pytest.approx(by_hand(law, v), abs=1e-9)
    assert excess_loss(law, v) == pytest.approx(by_hand(law, v) - by_hand(law, bayes_act(law)), abs=1e-8)
    assert by_hand(law, bayes_act(law)) <= by_hand(law, v) + 1e-9


@settings(max_examples=60, deadline=None, derandomize=True, database=None)
@given(st.lists(st.tuples(whole, whole), min_size=1, max_size=6, unique=True), st.tuples(whole, whole))
def test_nearest_answers_are_those_of_least_loss(answers, centre):
    law, rows = Gaussian(np.array(centre, dtype=float), 2.0), np.array(answers, dtype=float)
    losses = expected_loss(law, rows)
    best = {tuple(row) for row in rows[losses <= losses.min() + 1e-9]}
    assert {tuple(row) for row in nearest_answers(rows, bayes_act(law))} == best


def test_loss_of_a_mixture_agrees_with_simulation():
    law = Mixture([0.3, 0.7], [Gaussian([0.0, 1.0], 0.5), UniformBall([3.0, -1.0], 2.0)])
    v = np.array([1.0, 1.0])
    payments = ((law.sample(np.random.default_rng(0), 40_000) - v) ** 2).sum(axis=1)
    assert abs(payments.mean() - expected_loss(law, v)) < 5 * payments.std() / 200


def test_excess_loss_is_the_squared_distance_in_any_shape():
    law = two_gaussians(0.25, 8.0, dimension=3)
    assert bayes_act(law) == pytest.approx([2.0, 0.0, 0.0])
    assert excess_loss(law, bayes_act(law) + np.array([[0.0, 0.3, 0.4]])) == pytest.approx([0.25])
    assert excess_loss(law, np.zeros((2, 5, 3))).shape == (2, 5)


def test_ties_give_all_nearest_answers():
    assert nearest_answers([[-1.0], [1.0], [5.0]], [0.0]).tolist() == [[-1.0], [1.0]]


@pytest.mark.parametrize("answers", [np.zeros((0, 1)), [[0.0, 1.0]], [0.0, 1.0]])
def test_nearest_answers_refuses_other_shapes(answers):
    with pytest.raises(ValueError, match=r"shape \(m, d\) with m > 0"):
        nearest_answers(answers, [0.0])
