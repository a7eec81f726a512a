"""The minimiser of the squared loss at pure noise, in closed form (Definition 3.1, Theorem 5.1, for §7.3).

A network that removes noise is trained with the squared loss.  For finitely many learned latents, what minimises it
is known: the mean of the latents, weighted by how well each explains the noisy input.  At the last noise level hardly
anything can be told from the input, so the answer is nearly the plain mean.

The network's own first answer is another matter.  It predicts the noise; its guess of the picture is its error there
divided by √ᾱ, which is small at that level.  The loss hardly notices even a large error of the guess.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import softmax

from hallucination.pictures.averages import flat, judged
from hallucination.pictures.encode import latents
from hallucination.pictures.judging import Judge
from hallucination.pictures.models import Loaded
from hallucination.pictures.points import Cell
from hallucination.pictures.sampling import initial_noise
from hallucination.pictures.sets import Pictures


def last_level(loaded: Loaded) -> float:
    """ᾱ of the last noise level: the share of the picture's variance that is left in the noisiest input."""
    return float(loaded.pipeline.scheduler.alphas_cumprod[-1])


def conditional_mean(learned: ArrayLike, noisy: ArrayLike, kept: float) -> NDArray[np.float64]:
    """Mean of the learned points given noisy ones: the minimiser of the expected squared loss.

    Parameters
    ----------
    learned : array_like, shape (n, d)
        Each as likely as the others.
    noisy : array_like, shape (k, d)
        √ᾱ times one of them plus √(1 - ᾱ) times standard normal noise.
    kept : float
        ᾱ, strictly between 0 and 1.

    Returns
    -------
    ndarray of float64, shape (k, d)

    Raises
    ------
    ValueError
        If ᾱ is out of range, or the shapes do not fit.
    """
    points, inputs = np.asarray(learned, dtype=np.float64), np.asarray(noisy, dtype=np.float64)
    if not 0 < kept < 1:
        raise ValueError(f"kept must lie strictly between 0 and 1; got {kept}")
    if points.ndim != 2 or inputs.ndim != 2 or points.shape[1] != inputs.shape[1] or not len(points):
        raise ValueError(f"learned (n, d) and noisy (k, d) do not fit: {points.shape} and {inputs.shape}")
    fit = (np.sqrt(kept) * inputs @ points.T - kept * (points**2).sum(axis=1) / 2) / (1 - kept)
    answer: NDArray[np.float64] = softmax(fit, axis=1) @ points
    return answer


def relative_spread(answers: ArrayLike, learned: ArrayLike) -> float:
    """Variance of answers to different noise over that of the learned points, each summed over coordinates."""
    mine, theirs = (np.asarray(x, dtype=np.float64).var(axis=0).sum() for x in (answers, learned))
    return float(mine / theirs)


def minimiser_cells(
    loaded: Loaded, pictures: Pictures, learned: ArrayLike, judges: Mapping[str, Judge], *, k: int = 100,
    batch_size: int = 64,
) -> Iterator[Cell]:  # fmt: skip
    """Judge the minimiser's answers to k pure noises, for each class and for all learned pictures together.

    Parameters are as in :func:`hallucination.pictures.averages.average_cells`; `learned` are the pictures that were
    fine-tuned on.

    Yields
    ------
    Cell
        With the keys way ("minimiser"), class ("all" for all), space and spread, of the answers over that of the
        latents.
    """
    rows = np.asarray(learned)
    known = latents(loaded, pictures, rows, batch_size=batch_size, label="").mean.numpy()
    noise = flat(initial_noise(loaded, range(k)).numpy())
    groups = {"all": np.full(len(rows), True)}
    groups |= {name: pictures.labels[rows] == c for c, name in enumerate(pictures.classes)}
    for name, mine in groups.items():
        if mine.any():
            answers = conditional_mean(flat(known[mine]), noise, last_level(loaded)).astype(np.float32)
            spread = round(relative_spread(answers, flat(known[mine])), 4)
            for space, by in judges.items():
                what = {"way": "minimiser", "class": name, "space": space, "spread": spread}
                yield judged(what, by, loaded, answers.reshape(k, *known.shape[1:]), batch_size)
