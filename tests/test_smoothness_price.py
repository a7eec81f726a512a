"""What smoothness costs, against closed forms, certificates and brute force."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hallucination import smoothness_price as cost
from hallucination.constructions import separated_gaussians
from hallucination.lipschitz import least_slope
from hallucination.mixtures import two_gaussians

seeds = st.integers(0, 2**32 - 1)
few = settings(max_examples=25, deadline=None, derandomize=True)


def questions(rng: np.random.Generator, n: int | None = None) -> cost.Questions:
    n, d = n or int(rng.integers(2, 7)), int(rng.integers(1, 4))
    return cost.Questions(rng.normal(size=(n, 2)), 3 * rng.normal(size=(n, d)), rng.dirichlet(np.full(n, 2.0)))


@few
@given(seeds, st.sampled_from([0.001, 0.05, 0.3, 0.7, 1.2]))
def test_best_outputs_are_feasible_certified_and_above_the_bound(seed: int, share: float) -> None:
    asked = questions(np.random.default_rng(seed))
    slope = share * least_slope(asked.inputs, asked.targets)
    best = cost.best_outputs(asked, slope)
    assert least_slope(asked.inputs, best.outputs) <= slope * (1 + 1e-9)
    assert best.excess == pytest.approx(float(asked.excess(best.outputs)))
    assert 0 <= best.gap <= 1e-7 * asked.spread
    assert best.excess >= float(cost.price_bound(asked, slope)) - 1e-9 * asked.spread
    assert best.excess <= asked.spread * (1 + 1e-9)


@few
@given(seeds)
def test_no_random_lipschitz_tuple_is_better(seed: int) -> None:
    rng = np.random.default_rng(seed)
    asked = questions(rng)
    slope = 0.5 * least_slope(asked.inputs, asked.targets)
    least = cost.best_outputs(asked, slope).excess
    v = asked.targets + rng.normal(size=(80, *asked.targets.shape))
    for tuple_ in v:
        shrink = max(1.0, least_slope(asked.inputs, tuple_) / slope)
        assert float(asked.excess(tuple_ / shrink)) >= least * (1 - 1e-9)


@few
@given(seeds)
def test_two_questions_are_exact(seed: int) -> None:
    rng = np.random.default_rng(seed)
    asked = questions(rng, 2)
    slope = 0.6 * least_slope(asked.inputs, asked.targets)
    assert cost.best_outputs(asked, slope).excess == pytest.approx(float(cost.price_bound(asked, slope)), rel=1e-7)


def test_proportional_hints_are_exact() -> None:
    law = separated_gaussians([0.5, 0.3, 0.2], 0.01, 0.05, 2)
    asked = cost.hinted_questions(law, (law.state_means - law.mean) / 3, 0.25)
    assert cost.proportion(asked) == pytest.approx(3)
    slopes = np.array([0.0, 1.0, 2.5, 3.0, 4.0])
    formula = cost.proportional_excess(asked.spread, slopes, 3)
    assert cost.price_bound(asked, slopes) == pytest.approx(formula)
    assert [cost.best_outputs(asked, s).excess for s in slopes] == pytest.approx(formula, abs=1e-8 * asked.spread)
    assert cost.best_outputs(asked, 1.0).outputs[0] == pytest.approx(law.mean, abs=1e-6)
    between = law.weights @ ((law.state_means - law.mean) ** 2).sum(axis=1)
    assert asked.spread == pytest.approx(0.75 * between)


def test_proportion_says_no() -> None:
    assert cost.proportion(questions(np.random.default_rng(0), 4)) is None
    same = cost.Questions(np.zeros((2, 1)), np.array([[0.0], [1.0]]), np.array([0.5, 0.5]))
    assert cost.proportion(same) is None


def test_slope_zero_and_equal_targets() -> None:
    asked = questions(np.random.default_rng(0))
    best = cost.best_outputs(asked, 0.0)
    assert best.excess == pytest.approx(asked.spread)
    assert best.outputs == pytest.approx(np.tile(asked.mean, (len(asked.weights), 1)))
    flat = cost.Questions(asked.inputs, np.ones_like(asked.targets), asked.weights)
    assert cost.best_outputs(flat, 1.0).excess == 0


@pytest.mark.parametrize("scale", [1e-9, 1e9])
def test_units_do_not_matter(scale: float) -> None:
    asked = questions(np.random.default_rng(3), 5)
    moved = cost.Questions(asked.inputs / scale, asked.targets * scale, asked.weights)
    slope = 0.4 * least_slope(asked.inputs, asked.targets)
    here, there = cost.best_outputs(asked, slope), cost.best_outputs(moved, slope * scale**2)
    assert there.excess / scale**2 == pytest.approx(here.excess, rel=1e-6)


def test_many_output_coordinates_are_no_burden() -> None:
    rng = np.random.default_rng(4)
    asked = cost.Questions(rng.normal(size=(5, 3)), rng.normal(size=(5, 512)), rng.dirichlet(np.ones(5)))
    slope = 0.5 * least_slope(asked.inputs, asked.targets)
    best = cost.best_outputs(asked, slope)
    assert best.outputs.shape == (5, 512)
    assert best.gap <= 1e-7 * asked.spread


def test_errors_name_rule_and_value() -> None:
    law, asked = two_gaussians(0.5, 4.0), questions(np.random.default_rng(0), 3)
    with pytest.raises(ValueError, match="strictly between 0 and 1, got 1"):
        cost.hinted_questions(law, [[1.0], [2.0]], 1.0)
    with pytest.raises(ValueError, match="one row per weight"):
        cost.Questions(np.zeros((2, 1)), np.zeros((3, 1)), np.ones(3) / 3)
    same = cost.Questions(np.zeros((3, 1)), asked.targets, asked.weights)
    with pytest.raises(ValueError, match="inputs must differ"):
        cost.best_outputs(same, 1.0)
    with pytest.raises(ValueError, match="finite and not negative, got nan"):
        cost.best_outputs(asked, float("nan"))
