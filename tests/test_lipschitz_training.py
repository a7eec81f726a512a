"""Networks with a certain Lipschitz constant: the certificate, determinism, units, and what they learn."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from hallucination import lipschitz as smooth
from hallucination import lipschitz_training as training
from hallucination import smoothness_price as cost
from hallucination.constructions import separated_gaussians

LAW = separated_gaussians([0.5, 0.3, 0.2], 0.01, 0.05, 2, slack=1.0)
HINTS = (LAW.state_means - LAW.mean) / 10
ASKED = cost.hinted_questions(LAW, HINTS, 0.5)


@pytest.fixture(scope="module")
def fit() -> training.Fit:
    return training.train(ASKED, [0.0, 4.0, 9.0, 12.0], 200)


def test_constants_are_certified_and_kept(fit: training.Fit) -> None:
    assert (fit.certified <= fit.slopes * (1 + 1e-12)).all()
    for slope, outputs in zip(fit.slopes, fit.outputs, strict=True):
        assert smooth.least_slope(ASKED.inputs, outputs) <= slope * (1 + 1e-9) + 1e-12


@pytest.mark.parametrize("seed", range(3))
def test_no_pair_of_inputs_is_stretched_at_any_weights(seed: int) -> None:
    nets = training.LipschitzNets([0.5, 2.0], 3, 2, seed=seed)
    with torch.no_grad():
        for weights in nets.parameters():
            weights.add_(torch.from_numpy(np.random.default_rng(seed).normal(size=weights.shape)))
        x = torch.from_numpy(np.random.default_rng(seed).normal(size=(40, 3)))
        answers = nets(x).numpy()
    assert [smooth.least_slope(x, a) <= s * (1 + 1e-9) for s, a in zip([0.5, 2.0], answers, strict=True)] == [
        True
    ] * 2
    assert (nets.certified() <= np.array([0.5, 2.0]) * (1 + 1e-9)).all()


def test_a_network_is_above_the_bound_and_near_the_optimum(fit: training.Fit) -> None:
    excess = ASKED.excess(fit.outputs)
    assert (excess >= cost.price_bound(ASKED, fit.slopes) - 1e-9 * ASKED.spread).all()
    assert excess == pytest.approx(cost.proportional_excess(ASKED.spread, fit.slopes, 10), abs=0.01 * ASKED.spread)
    assert fit.losses[-1] == pytest.approx(excess)


def test_training_lowers_the_loss(fit: training.Fit) -> None:
    assert (fit.losses[-1] < fit.losses[0])[1:].all()  # a constant starts at its optimum
    assert fit.losses.shape == (51, 4)


def test_the_same_seed_gives_the_same_networks() -> None:
    runs = [training.train(ASKED, [1.0, 5.0], 5, seed=s).outputs for s in (7, 7, 8)]
    assert (runs[0] == runs[1]).all()
    assert not np.allclose(runs[0], runs[2])


def test_networks_do_not_depend_on_their_neighbours() -> None:
    together = training.train(ASKED, [1.0, 5.0], 20).outputs[1]
    alone = training.train(ASKED, [5.0], 20).outputs[0]
    assert together == pytest.approx(alone, abs=1e-9)


def test_units_do_not_matter() -> None:
    moved = cost.Questions(ASKED.inputs * 1e-6, 1e6 * ASKED.targets, ASKED.weights)
    here, there = training.train(ASKED, [5.0], 20).outputs, training.train(moved, [5e12], 20).outputs
    assert there / 1e6 == pytest.approx(here, rel=1e-6, abs=1e-9)


def test_global_random_state_and_threads_are_left_alone() -> None:
    torch.manual_seed(3)
    before, threads = torch.get_rng_state(), torch.get_num_threads()
    training.train(ASKED, [1.0], 2)
    assert torch.equal(before, torch.get_rng_state())
    assert torch.get_num_threads() == threads


def test_a_training_set_is_what_the_squared_loss_sees_of_it() -> None:
    drawn = training.sampled(LAW, ASKED, 50_000, np.random.default_rng(0))
    assert drawn.weights == pytest.approx(ASKED.weights, abs=0.01)
    assert drawn.targets == pytest.approx(ASKED.targets, abs=0.2)
    assert drawn.weights.sum() == pytest.approx(1)
    assert training.sampled(LAW, ASKED, 4, np.random.default_rng(0)).weights.tolist() == [0.25] * 4


def test_maxmin_permutes_every_point() -> None:
    x = torch.tensor([[3.0, 1.0, 2.0, 5.0]])
    assert sorted(training.MaxMin()(x)[0].tolist()) == sorted(x[0].tolist())
    assert training.MaxMin()(x).tolist() == [[3.0, 5.0, 1.0, 2.0]]


def test_equal_targets_are_learned_exactly() -> None:
    flat = cost.Questions(ASKED.inputs, np.ones_like(ASKED.targets), ASKED.weights)
    assert np.isfinite(training.train(flat, [0.0, 1.0], 3).outputs).all()


def test_errors_name_rule_and_value() -> None:
    with pytest.raises(ValueError, match="at least one training step, got 0"):
        training.train(ASKED, [1.0], 0)
    with pytest.raises(ValueError, match="none negative"):
        training.train(ASKED, [-1.0], 1)
    with pytest.raises(ValueError, match="even width of at least 2"):
        training.LipschitzNets([1.0], 2, 2, width=5)
    with pytest.raises(ValueError, match="one draw per input, 4, got 3"):
        training.sampled(LAW, ASKED, 3, np.random.default_rng(0))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="skipped: needs a CUDA device")
def test_a_gpu_learns_the_same(fit: training.Fit) -> None:
    there = training.train(ASKED, fit.slopes, 200, where="cuda")
    assert there.outputs == pytest.approx(fit.outputs, abs=0.02 * np.sqrt(ASKED.spread))
