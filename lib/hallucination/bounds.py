"""All lower bounds of the hallucination probability in one place, and the best of them (§6).

Every bound is called as ``bound(setting)`` with a `hallucination.setting.Setting` and returns a
`hallucination.setting.Bound`: a value, or the hypothesis that is not met.
"""

from __future__ import annotations

from collections.abc import Callable

from hallucination.bounds_laws import (
    cells,
    localised,
    product_laws,
    shifted_laws,
    symmetric_shift,
    two_states_laws,
    union_laws,
)
from hallucination.bounds_moments import (
    centred_factor,
    marginals,
    moment_factor,
    paper,
    paper_cap,
    paper_cap_exponent,
    paper_factor,
    paper_factors,
    paper_optimum,
    product_centred,
    product_constant,
    product_density,
    product_log_concave,
    product_moments,
    shifted_moments,
    two_states_moments,
    union_density,
    union_log_concave,
    union_moments,
)
from hallucination.setting import Bound, Setting

MOMENTS: tuple[Callable[[Setting], Bound], ...] = (
    product_moments,
    product_constant,
    product_centred,
    two_states_moments,
    union_moments,
    shifted_moments,
    product_log_concave,
    union_log_concave,
)
LAWS: tuple[Callable[[Setting], Bound], ...] = (
    product_laws,
    two_states_laws,
    union_laws,
    shifted_laws,
    symmetric_shift,
    localised,
    product_density,
    union_density,
    cells,
)

__all__ = [
    "LAWS",
    "MOMENTS",
    "Bound",
    "Setting",
    "best",
    "cells",
    "centred_factor",
    "every",
    "localised",
    "marginals",
    "moment_factor",
    "paper",
    "paper_cap",
    "paper_cap_exponent",
    "paper_factor",
    "paper_factors",
    "paper_optimum",
    "product_centred",
    "product_constant",
    "product_density",
    "product_laws",
    "product_log_concave",
    "product_moments",
    "shifted_laws",
    "shifted_moments",
    "symmetric_shift",
    "two_states_laws",
    "two_states_moments",
    "union_density",
    "union_laws",
    "union_log_concave",
    "union_moments",
]


def every(setting: Setting, skip: tuple[Callable[[Setting], Bound], ...] = ()) -> list[Bound]:
    """All proved lower bounds of P_H for a setting, in a fixed order; without the paper's, which is not one.

    Parameters
    ----------
    setting : Setting
        Laws or moments.
    skip : tuple of bounds
        Bounds to leave out, such as ``(cells,)``, which takes about a second.
    """
    chosen = MOMENTS if setting.laws is None else (*MOMENTS, *LAWS)
    return [b(setting) for b in chosen if b not in skip]


def best(setting: Setting, skip: tuple[Callable[[Setting], Bound], ...] = ()) -> Bound:
    """Largest proved lower bound of P_H for a setting; its name says which it is.

    Returns
    -------
    Bound
        If no bound applies, a value of None and the reasons.
    """
    found = every(setting, skip)
    met = [b for b in found if b.value is not None]
    if met:
        return max(met, key=lambda b: b.value or 0.0)
    reasons = "; ".join(f"{b.name}: {b.reason}" for b in found)
    return Bound(None, False, reasons, "best", "none applies")
