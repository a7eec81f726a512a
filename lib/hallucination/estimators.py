"""What an estimator with a given loss should answer (Definition 3.1, Lemma B.1)."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from hallucination.states import Array, State, points


def bayes_act(target: State) -> Array:
    """Return the output of least expected quadratic loss, the mean of the target, shape (d,).

    Parameters
    ----------
    target : State
        Law of the answer (a `Mixture` included) with a second moment.

    Notes
    -----
    Lemma B.1 of the paper.
    """
    return target.mean


def excess_loss(target: State, v: ArrayLike) -> Array:
    """How much more than the optimum the outputs v of shape (..., d) lose: ‖v − E‖², shape (...).

    The unit is the square of the answers' unit.
    """
    gap = points(v, target.mean.size) - target.mean
    return np.asarray((gap**2).sum(axis=-1))


def expected_loss(target: State, v: ArrayLike) -> Array:
    """Compute the expected quadratic loss of Definition 3.1 at outputs v of shape (..., d); shape (...)."""
    return np.asarray(excess_loss(target, v) + target.variance)


def nearest_answers(answers: ArrayLike, target: ArrayLike) -> Array:
    """Return all admissible answers at the least distance from the target.

    Parameters
    ----------
    answers : array_like, shape (m, d)
        The outputs the estimator may give.
    target : array_like, shape (d,)
        The point to come near, for squared loss the mean.

    Returns
    -------
    ndarray, shape (k, d)
        One row, or several if they tie up to rounding.

    Raises
    ------
    ValueError
        If there is no answer, or its dimension is not that of the target.
    """
    goal = np.asarray(target, dtype=float)
    rows = np.asarray(answers, dtype=float)
    if rows.ndim != 2 or len(rows) == 0 or rows.shape[1:] != goal.shape:
        raise ValueError(f"answers must have shape (m, d) with m > 0, d as in {goal.shape}; got {rows.shape}")
    distance = np.linalg.norm(rows - goal, axis=1)
    return np.asarray(rows[distance <= distance.min() * (1 + 1e-12)])
