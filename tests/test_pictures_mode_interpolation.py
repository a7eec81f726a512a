"""Mode interpolation: exact rates, the ideal denoiser against quadrature, the sampler's limits, a trained network."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.integrate import quad
from scipy.stats import binomtest, multivariate_normal, norm

from hallucination.density_regions import quantile
from hallucination.mixtures import Mixture, two_gaussians
from hallucination.pictures.mode_interpolation import (
    Count,
    between,
    data_rate,
    delta_leaving,
    lattice,
    rate,
    ring,
)
from hallucination.pictures.mode_interpolation_cases import measure, rates_by_separation
from hallucination.pictures.mode_interpolation_ideal import Losses, PosteriorMean, losses, noised
from hallucination.pictures.mode_interpolation_sampling import (
    LEVELS,
    draw,
    rates_by_steps,
    schedule,
    signals,
    source,
)
from hallucination.pictures.mode_interpolation_training import Network, Trained, train
from hallucination.regions import region_mass
from hallucination.states import Gaussian, UniformBall

UNEVEN = Mixture([0.2, 0.5, 0.3], [Gaussian([-1.5], 0.04), Gaussian([0.1], 0.3), Gaussian([1.2], 0.01)])
FLAT = Mixture([0.6, 0.4], [Gaussian([-1.0, 0.5], [0.1, 0.4]), Gaussian([0.8, -0.3], 0.2)])


@pytest.mark.parametrize("mixture", [lattice(8, 4), lattice(12, 3, 2), ring(12), ring(9, 3)])
def test_spacing_and_scale(mixture):
    d, means = mixture.mean.size, mixture.state_means
    gaps = np.linalg.norm(means[:, None] - means, axis=-1)[~np.eye(len(means), dtype=bool)]
    width = np.sqrt(mixture.states[0].variance / d)
    assert gaps.min() / width == pytest.approx({4: 8, 9: 12, 8: 12, 3: 9}[len(means)])
    second = mixture.weights @ (means**2) + width**2
    np.testing.assert_allclose(mixture.mean, 0, atol=1e-12)
    np.testing.assert_allclose(second, 1)


@pytest.mark.parametrize("alpha", [0.1, 0.01, 1e-6])
def test_delta_leaves_alpha_of_every_state(alpha):
    for mixture in (lattice(8), ring(12)):
        delta = delta_leaving(mixture, alpha)
        assert [1 - region_mass(s, delta) for s in mixture.states] == pytest.approx([alpha] * len(mixture.states))


def test_data_rate_on_the_line_counts_what_neighbours_cover():
    mixture = two_gaussians(0.3, 3.0)  # regions of radius 1.645 overlap
    edge = 1.5 + norm.isf(0.05)
    tails = 0.3 * (norm.cdf(-edge + 1.5) + norm.sf(edge + 1.5)) + 0.7 * (norm.cdf(-edge - 1.5) + norm.sf(edge - 1.5))
    assert data_rate(mixture, delta_leaving(mixture, 0.1)) == pytest.approx(tails, rel=1e-9)


def test_data_rate_in_the_plane():
    far, near = ring(40), Mixture([0.5, 0.5], [Gaussian([-1.6, 0]), Gaussian([1.6, 0])])
    assert data_rate(far, delta_leaving(far, 0.01)) == pytest.approx(0.01, abs=1e-12)
    delta, radius = delta_leaving(near, 0.5), np.sqrt(2 * np.log(2))  # discs that nearly touch

    def strip(x):  # mass of the right disc under the left state, by slices
        half = np.sqrt(radius**2 - x**2)
        return norm.pdf(x + 3.2) * (norm.cdf(half) - norm.cdf(-half))

    assert data_rate(near, delta) == pytest.approx(0.5 - quad(strip, -radius, radius)[0], rel=1e-7)


@pytest.mark.parametrize("mixture", [lattice(5), ring(8)])
def test_real_draws_hallucinate_at_the_exact_rate(mixture):
    for alpha in (0.1, 0.01):
        delta = delta_leaving(mixture, alpha)
        k, n = rate(mixture.sample(np.random.default_rng(1), 20_000), mixture, delta)
        assert binomtest(k, n, data_rate(mixture, delta)).pvalue > 1e-3


def test_between_counts_the_middle_half_of_the_gap():
    mixture = two_gaussians(0.5, 20.0)
    draws = np.array([[-10.0], [-6.0], [-4.9], [0.1], [4.9], [5.1], [14.0], [30.0]])
    delta = delta_leaving(mixture, 0.01)
    assert rate(draws, mixture, delta) == (7, 8)
    assert between(draws, mixture, delta) == (3, 8)
    assert between(draws, two_gaussians(0.5, 20.0, width=10.0), delta_leaving(mixture, 0.01) / 100) == (0, 8)
    assert Count(3, 8).share == 0.375


@pytest.mark.parametrize("signal", [0.02, 0.5, 0.97])
def test_ideal_denoiser_is_the_posterior_mean_by_quadrature(signal):
    ideal, x = PosteriorMean(UNEVEN), np.array([[-1.7], [0.0], [0.6], [2.5]])
    grid = np.linspace(-6, 6, 20_001)  # the trapezoidal rule is exact to rounding for such smooth functions
    joint = np.exp(UNEVEN.log_density(grid[:, None])) * norm.pdf(x, np.sqrt(signal) * grid, np.sqrt(1 - signal))
    weight = joint / joint.sum(axis=1, keepdims=True)
    mean = weight @ grid
    np.testing.assert_allclose(ideal(x, signal)[:, 0], mean, atol=1e-10)
    np.testing.assert_allclose(ideal.variance(x, signal), weight @ grid**2 - mean**2, atol=1e-10)


def test_ideal_denoiser_in_the_plane_and_per_draw_levels():
    ideal, x, levels = PosteriorMean(FLAT), np.array([[0.2, -0.4], [-1.0, 1.0]]), np.array([0.3, 0.8])
    grid = np.stack(np.meshgrid(np.linspace(-5, 5, 401), np.linspace(-5, 5, 401)), axis=-1).reshape(-1, 2)
    for i, signal in enumerate(levels):
        weight = np.exp(FLAT.log_density(grid)) * multivariate_normal(x[i], 1 - signal).pdf(np.sqrt(signal) * grid)
        mean = weight @ grid / weight.sum()
        spread = weight @ ((grid - mean) ** 2).sum(axis=1) / weight.sum()
        np.testing.assert_allclose(ideal(x, levels)[i], mean, atol=1e-9)
        assert ideal.variance(x, levels)[i] == pytest.approx(spread, rel=1e-9)
        np.testing.assert_allclose(ideal(x, signal)[i], mean, atol=1e-9)


def test_tweedie_score_and_slope():
    signal, x, h = 0.6, np.linspace(-2, 2, 9)[:, None], 1e-5
    seen = Mixture(
        UNEVEN.weights, [Gaussian(np.sqrt(signal) * s.mean, signal * s.variance + 0.4) for s in UNEVEN.states]
    )
    score = (seen.log_density(x + h) - seen.log_density(x - h))[:, None] / (2 * h)
    ideal = PosteriorMean(UNEVEN)
    np.testing.assert_allclose(ideal(x, signal), (x + 0.4 * score) / np.sqrt(signal), atol=1e-8)
    slope = (ideal(x + h, signal) - ideal(x - h, signal))[:, 0] / (2 * h)
    np.testing.assert_allclose(slope, np.sqrt(signal) / 0.4 * ideal.variance(x, signal), rtol=1e-6)


def test_without_signal_the_ideal_answer_is_the_mean():
    for mixture in (UNEVEN, FLAT):
        ideal, x = PosteriorMean(mixture), np.random.default_rng(0).standard_normal((50, mixture.mean.size))
        np.testing.assert_allclose(ideal(x, 0.0), np.tile(mixture.mean, (50, 1)), atol=1e-14)
        np.testing.assert_allclose(ideal.variance(x, 0.0), mixture.variance)
        for sampler in ("ddim", "ddpm"):
            one_step = draw(ideal, 50, 1, sampler=sampler)
            np.testing.assert_allclose(one_step, np.tile(mixture.mean, (50, 1)), atol=1e-8)


def test_schedule_runs_from_data_to_pure_noise():
    levels = signals()
    assert levels.shape == (LEVELS,) and levels[-1] == 0 and levels[0] > 0.999 and (np.diff(levels) < 0).all()


def test_sampler_makes_the_steps_of_ddim_at_the_right_levels():
    ideal, levels = PosteriorMean(UNEVEN), signals()
    x = source(3, "sampling").standard_normal((20, 1))
    for at, then in ((1023, 767), (767, 511), (511, 255), (255, None)):
        kept, later = levels[at], 1.0 if then is None else levels[then]
        guess = ideal(x, kept)
        noise = (x - np.sqrt(kept) * guess) / np.sqrt(1 - kept)
        x = np.sqrt(later) * guess + np.sqrt(1 - later) * noise
    np.testing.assert_allclose(draw(ideal, 20, 4, 3), x, atol=1e-5)


def test_many_steps_carry_noise_to_data_by_quantiles():
    # In one dimension the flow keeps the order of the samples, so in the limit it is F⁻¹(Φ(z)).
    mixture, n = lattice(4, 2), 400
    start = source(0, "sampling").standard_normal((n, 1))
    limit = quantile(mixture, norm.cdf(start))
    errors = [np.abs(draw(PosteriorMean(mixture), n, steps) - limit).mean() for steps in (32, 128, 512)]
    assert errors[0] > 2 * errors[1] > 4 * errors[2] and errors[2] < 0.01


# The ancestral sampler's noise is the least its posterior can have, so it comes to the data's rate from below, late.
@pytest.mark.parametrize(("sampler", "low", "high"), [("ddim", 0.08, 0.12), ("ddpm", 0.04, 0.1)])
def test_ideal_denoiser_hallucinates_with_few_steps_only(sampler, low, high):
    mixture = lattice(8)
    delta = delta_leaving(mixture, 0.1)
    found = rates_by_steps(PosteriorMean(mixture), mixture, delta, (1, 2, 8, 256), 3000, sampler=sampler)
    shares = [r.outside.share for r in found]
    assert [r.steps for r in found] == [1, 2, 8, 256] and shares[0] == 1 and shares[1] > 0.35 and shares[2] > 0.2
    assert data_rate(mixture, delta) == pytest.approx(0.1, abs=1e-6) and low < shares[3] < high
    assert found[1].between.share > 0.3 and found[3].between.share < 0.05


def test_mean_of_an_odd_lattice_is_a_mode_and_passes():
    mixture = lattice(8, 3)
    (one,) = rates_by_steps(PosteriorMean(mixture), mixture, delta_leaving(mixture, 0.01), [1], 100)
    assert one.outside == (0, 100)


def test_floor_of_the_loss_by_quadrature():
    level, ideal = 0.6, PosteriorMean(UNEVEN)

    grid = np.linspace(-7, 7, 20_001)[:, None]
    parts = [Gaussian(np.sqrt(level) * s.mean, level * s.variance + 1 - level) for s in UNEVEN.states]
    density = np.exp(Mixture(UNEVEN.weights, parts).log_density(grid))
    floor = np.trapezoid(density * ideal.variance(grid, level), grid[:, 0]) / (1 - level)
    found = losses(ideal, UNEVEN, np.array([level]), 100_000)
    assert found == (pytest.approx(floor, rel=0.01), 0.0) and found.total == found.floor
    at_noise = losses(PosteriorMean(FLAT), FLAT, np.array([0.0]), 100)
    assert at_noise.floor == pytest.approx(FLAT.variance / 2) and Losses(1.0, 0.5).total == 1.5


@pytest.fixture(scope="module")
def trained() -> Trained:
    return train(lattice(8), 500, seed=1, batch_size=256)


def test_trained_loss_is_near_the_floor_and_split_exactly(trained):
    mixture, levels = lattice(8), signals()
    found = losses(trained, mixture, levels, 20_000)
    assert 0 < found.excess < 0.5 * (1 - found.floor)  # guessing v = 0 has loss 1
    rng = np.random.default_rng(5)
    clean, kept = mixture.sample(rng, 40_000), rng.choice(levels, 40_000)
    noisy = noised(clean, kept, rng)
    seen = (((clean - trained(noisy, kept)) ** 2)[:, 0] / (1 - kept)).mean()
    assert seen == pytest.approx(found.total, abs=0.03)
    assert trained.losses[-100:].mean() == pytest.approx(found.total, abs=0.05)


def test_trained_network_interpolates_modes_and_the_ideal_one_does_not(trained):
    mixture = lattice(8)
    delta = delta_leaving(mixture, 0.01)
    ours, best = (rates_by_steps(f, mixture, delta, [64], 2000)[0] for f in (trained, PosteriorMean(mixture)))
    assert ours.between.share > 0.03 > 0.02 > best.between.share
    assert ours.outside.share > 3 * data_rate(mixture, delta)


def test_one_step_of_the_trained_network_is_near_the_mean(trained):
    draws = draw(trained, 500, 1)
    assert np.abs(draws.mean()) < 0.15 and draws.std() < 0.25


def test_velocity_and_guess_agree(trained):
    x, kept = np.random.default_rng(0).standard_normal((5, 1)), np.array([0.1, 0.3, 0.5, 0.7, 0.9])
    guess, a, s = trained(x, kept)[:, 0], np.sqrt(kept), np.sqrt(1 - kept)
    with torch.no_grad():
        v = trained.network(torch.tensor(x).float(), torch.tensor(kept).float()).numpy()[:, 0]
    noise = (x[:, 0] - a * guess) / s
    np.testing.assert_allclose(v, a * noise - s * guess, atol=1e-5)
    np.testing.assert_allclose([trained(x[i : i + 1], k)[0, 0] for i, k in enumerate(kept)], guess, atol=1e-5)


def test_seeds_decide_everything_and_nothing_else_moves():
    before = torch.get_rng_state()
    first, again, other = (train(lattice(8), 3, seed, width=8, batch_size=16) for seed in (0, 0, 1))
    assert torch.equal(before, torch.get_rng_state())
    np.testing.assert_array_equal(first.losses, again.losses)
    assert (first.losses != other.losses).all() and first.dimension == 1
    for sampler in ("ddim", "ddpm"):
        a, b, c = (draw(first, 9, 8, seed, sampler=sampler) for seed in (4, 4, 5))
        np.testing.assert_array_equal(a, b)
        assert (a != c).any() and np.isfinite(a).all()


def test_cases_by_separation():
    cases = rates_by_separation([6.5, 12], [1, 4], dimension=2, modes=2, n=300, training_steps=4, width=8)
    assert list(cases) == [6.5, 12]
    for case in cases.values():
        assert case.real.steps == 0 and case.real.outside.n == 300 and case.denoiser.dimension == 2
        assert [r.steps for r in case.ideal] == [r.steps for r in case.trained] == [1, 4]
        assert 0.0096 < case.data_rate < 0.010001
        assert binomtest(*case.real.outside, case.data_rate).pvalue > 1e-3
        assert case.ideal[0].outside.share == 1 and case.loss.excess > 0


def test_network_reads_one_level_for_all_draws():
    network, x = Network(2, 8), torch.randn(5, 2)
    torch.testing.assert_close(network(x, torch.full((5,), 0.3)), network(x, torch.tensor([0.3])))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: lattice(0), "separation must be positive and finite, got 0"),
        (lambda: lattice(5, 1), "at least 2 modes, got 1"),
        (lambda: lattice(5, 2, 0), "dimension must be at least 1, got 0"),
        (lambda: ring(5, 2), "at least 3 modes, got 2"),
        (lambda: delta_leaving(lattice(5), 1.0), "alpha must lie strictly between 0 and 1, got 1.0"),
        (lambda: delta_leaving(UNEVEN, 0.1), "one peak density"),
        (lambda: between(np.zeros((2, 1)), Mixture([1.0], [Gaussian([0.0])]), 0.1), "at least 2 states, got 1"),
        (lambda: data_rate(ring(4), delta_leaving(ring(4), 0.01)), "regions apart; radius 3.03, means 4 widths"),
        (lambda: data_rate(FLAT, 0.1), "round states of one width"),
        (lambda: PosteriorMean(Mixture([1.0], [UniformBall([0.0], 1.0)])), "must be Gaussian, got .'UniformBall'"),
        (lambda: PosteriorMean(Mixture([1.0], [Gaussian([0.0, 0.0], np.eye(2))])), "got a matrix"),
        (lambda: draw(PosteriorMean(UNEVEN), 5, 3), "must divide 1024, got 3"),
        (lambda: draw(PosteriorMean(UNEVEN), 0, 1), "at least 1, got 0"),
        (lambda: schedule("euler"), "one of ddim, ddpm, got 'euler'"),
        (lambda: train(lattice(5), 0), "steps must be at least 1, got 0"),
        (lambda: train(two_gaussians(0.5, 8.0)), "between 1/2 and 2, got 17"),
        (lambda: measure(lattice(5), [1, 6], training_steps=10**9), "must divide 1024, got 6"),
    ],
)
def test_bad_input_gets_one_line(call, message):
    with pytest.raises(ValueError, match=message) as caught:
        call()
    assert "\n" not in str(caught.value)
