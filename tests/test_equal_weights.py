"""The certificate for equal weights, against exact enumeration and floating point."""

from fractions import Fraction as F
from math import exp, log, sqrt

import numpy as np
import pytest
from flint import arb
from scipy.optimize import minimize_scalar

from hallucination import equal_weights as module
from hallucination.bounds_moments import paper_factor
from hallucination.enumeration import exact_probability_by_types
from hallucination.equal_weights import SIX_TYPES, THIRTEEN_TYPES, equal_weights
from hallucination.refutations import two_point


@pytest.mark.parametrize(("states", "types"), [(10**9, SIX_TYPES), (2 * 10**7, THIRTEEN_TYPES)])
def test_equal_weights_are_refuted(states, types):
    found = equal_weights(states, types)
    assert found.refutes and found.left.rad() < 1e-9 and found.right.rad() < 1e-9


def test_equal_weights_are_not_refuted_with_fewer_states():
    assert not equal_weights(10**7, THIRTEEN_TYPES).refutes


def test_equal_weights_right_side_is_a_lower_bound():
    found = equal_weights(10**9)
    v = [float(F(a) * F(b)) for _, a, b in SIX_TYPES]
    k = [x / (float(a) ** 2 - x + float(b) ** 2) for x, (_, a, b) in zip(v, SIX_TYPES, strict=True)]
    phi = [float(s) for s, _, _ in SIX_TYPES]
    d = sqrt(np.dot(phi, v) / 1e9)
    right = sum(s * log(paper_factor(x, d, 1.0) * y) for s, x, y in zip(phi, v, k, strict=True))
    assert float(found.right.upper()) <= right + 1e-9 and right == pytest.approx(float(found.right.mid()), abs=1e-7)


@pytest.mark.parametrize("counts", [(3, 2), (2, 2, 1), (4, 1, 3)])
@pytest.mark.parametrize("seed", range(6))
def test_cell_bounds_hold_for_few_states(counts, seed):
    """The Chernoff bound per cell, summed, is at least the exact probability."""
    rng, n = np.random.default_rng(seed), sum(counts)
    laws = [two_point(-F(int(rng.integers(5, 40)), 10), F(int(rng.integers(5, 40)), 10)) for _ in counts]
    exact = exact_probability_by_types(list(counts), [F(1, n)] * len(counts), laws, [F(1)] * len(counts))
    shares = [module._share(str(F(c, n)), str(-atoms[0]), str(atoms[1])) for c, (atoms, _) in
              zip(counts, laws, strict=True)]  # fmt: skip
    cuts = sorted({x + s for t in shares for x in t.atoms for s in (-1, 1)})
    cells = zip([None, *cuts], [*cuts, None], strict=True)
    rates = [r for low, high in cells if (r := module._cell_rate(shares, low, high)) is not None]
    assert float(exact) <= sum(exp(n * float(r.upper())) for r in rates) * (1 + 1e-12)


def test_best_tilt_is_the_minimum():
    free = [module._Free(F(1), [F(2), F(-1)], [F(1, 3), F(2, 3)])]
    tilt = float(module._best_tilt(free, F(1), 1))
    best = minimize_scalar(lambda t: log(exp(t) / 3 + 2 * exp(-2 * t) / 3), bounds=(0, 2), method="bounded").x
    assert tilt == pytest.approx(best, abs=1e-4)


def test_shares_must_fit():
    with pytest.raises(ValueError, match="shares must sum to one and give whole numbers of 1000 states"):
        equal_weights(1000)
    with pytest.raises(ValueError, match="shares must sum to one"):
        equal_weights(10**9, SIX_TYPES[:2])


def test_balls_hold_fractions():
    third = module._ball(F(1, 3))
    assert isinstance(third, arb) and module._fraction_above(third) >= F(1, 3)
