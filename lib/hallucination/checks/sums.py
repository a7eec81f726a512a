"""Sums over N states for symbolic N: split them, and pull out what does not depend on the index."""

from __future__ import annotations

import sympy as sp

i, N = sp.symbols("i N", integer=True, positive=True)
p, a, f, mu = (sp.IndexedBase(name) for name in ("p", "a", "f", "mu"))


def over_states(term: sp.Expr) -> sp.Sum:
    """Write the sum of a term in `i` over all N states."""
    return sp.Sum(term, (i, 1, N))


def linear(expression: sp.Expr) -> sp.Expr:
    """Expand an expression with sums, using that a sum is linear in its terms; any number of states."""

    def pull(total: sp.Sum) -> sp.Expr:
        indices = [limit[0] for limit in total.limits]
        parts = [t.as_independent(*indices, as_Add=False) for t in sp.Add.make_args(sp.expand(total.function))]
        return sp.Add(*(constant * sp.Sum(rest, *total.limits) for constant, rest in parts))

    return sp.expand(sp.expand(expression).replace(lambda e: isinstance(e, sp.Sum), pull))
