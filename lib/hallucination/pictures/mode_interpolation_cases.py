"""Mode interpolation: real draws, the ideal denoiser and a trained one side by side, by steps and by separation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tqdm import tqdm

from hallucination.mixtures import Mixture
from hallucination.pictures.mode_interpolation import between, data_rate, delta_leaving, lattice, rate
from hallucination.pictures.mode_interpolation_ideal import Losses, PosteriorMean, losses
from hallucination.pictures.mode_interpolation_sampling import Rates, check_steps, rates_by_steps, signals, source
from hallucination.pictures.mode_interpolation_training import Trained, train

JUDGED = 20_000  # noisy draws at which the loss is measured


@dataclass(frozen=True, eq=False)
class Case:
    """What was measured on one mixture.

    Attributes
    ----------
    mixture : Mixture
        Law of the data.
    delta : float
        Threshold δ.
    data_rate : float
        Exact probability that a real draw δ-hallucinates.
    real : Rates
        The control: as many real draws (with 0 steps).
    ideal, trained : list of Rates
        One per number of steps, for the posterior mean and for the network, from the same noise.
    denoiser : Trained
        The network.
    loss : Losses
        Of the network.
    """

    mixture: Mixture
    delta: float
    data_rate: float
    real: Rates
    ideal: list[Rates]
    trained: list[Rates]
    denoiser: Trained
    loss: Losses


def measure(
    mixture: Mixture,
    steps: Sequence[int],
    *,
    alpha: float = 0.01,
    n: int = 4000,
    training_steps: int = 1000,
    width: int = 64,
    seed: int = 0,
    bar: tqdm | None = None,
) -> Case:
    """Train on a mixture, then count δ-hallucinations of real draws, of the ideal denoiser and of the network.

    Parameters
    ----------
    mixture : Mixture
        Gaussian states with one peak density.
    steps : sequence of int
        Numbers of denoising steps, divisors of 1024.
    alpha : float
        Share of each state's answers that δ leaves outside its region.
    n : int
        Samples of each kind.
    training_steps, width, seed, bar
        As in :func:`train`.

    Raises
    ------
    ValueError
        Before anything is trained, if a number is not allowed or the mixture has no exact rate (see
        :func:`hallucination.pictures.mode_interpolation.data_rate`).
    """
    check_steps(steps)
    delta = delta_leaving(mixture, alpha)
    exact = data_rate(mixture, delta)
    real = mixture.sample(source(seed, "real"), n)
    control = Rates(0, rate(real, mixture, delta), between(real, mixture, delta))
    ideal = rates_by_steps(PosteriorMean(mixture), mixture, delta, steps, n, seed)
    net = train(mixture, training_steps, seed, width=width, bar=bar)
    trained = rates_by_steps(net, mixture, delta, steps, n, seed)
    loss = losses(net, mixture, signals(), JUDGED, seed)
    return Case(mixture, delta, exact, control, ideal, trained, net, loss)


def rates_by_separation(
    separations: Sequence[float],
    steps: Sequence[int],
    *,
    modes: int = 4,
    dimension: int = 1,
    alpha: float = 0.01,
    n: int = 4000,
    training_steps: int = 1000,
    width: int = 64,
    seed: int = 0,
) -> dict[float, Case]:
    """Measure lattices of several separations, each with a network of its own, under one progress bar.

    Arguments as in :func:`hallucination.pictures.mode_interpolation.lattice` and :func:`measure`.
    """
    mixtures = {separation: lattice(separation, modes, dimension) for separation in separations}
    with tqdm(total=training_steps * len(mixtures), unit="step", desc="training") as bar:
        return {
            at: measure(
                mixture, steps, alpha=alpha, n=n, training_steps=training_steps, width=width, seed=seed, bar=bar
            )
            for at, mixture in mixtures.items()
        }
