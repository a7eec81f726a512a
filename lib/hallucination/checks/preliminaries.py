"""Checks of §3: the quadratic loss and Lipschitz maps."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import sympy as sp
import z3

from hallucination.checks import Outcome, check, decide, fails
from hallucination.checks.prover import prove

_v, _x, _cut = sp.Symbol("v", real=True), sp.Symbol("x", positive=True), sp.Symbol("R", positive=True)
_m1, _m2 = sp.symbols("m1 m2", real=True)  # first and second moment of any target that has them


@cache
def pareto_moment(tail: int, power: int) -> sp.Expr:
    """Moment of the density tail·x^(−tail−1) on x > 1, as the limit of the moment cut off at R."""
    return sp.limit(sp.integrate(tail * _x ** (power - tail - 1), (_x, 1, _cut)), _cut, sp.oo)


class Target(NamedTuple):
    """What the loss needs to know of a target: a name, and two moments (infinite if there are none)."""

    name: str
    first: sp.Expr
    second: sp.Expr


def target_with(property_: str) -> Target:
    """Return a target with the given property.

    With a "second moment" it stands for all such targets: its moments are symbols.  Otherwise it is one law that has
    no more than the property, a "mean" or "nothing", and that can only refute.
    """
    if property_ == "second moment":
        return Target("first moment m1, second moment m2", _m1, _m2)
    tail = {"mean": 2, "nothing": 1}[property_]
    without = {"mean": "no second moment", "nothing": "no mean"}[property_]
    law = f"density {tail}/x^{tail + 1} on x > 1, {without}"
    return Target(law, pareto_moment(tail, 1), pareto_moment(tail, 2))


def loss_at(v: sp.Expr, target: Target) -> sp.Expr:
    """Expected quadratic loss of output v in one dimension; infinite without a second moment."""
    return sp.oo if target.second is sp.oo else v**2 - 2 * v * target.first + target.second


def plain(expression: sp.Expr) -> str:
    """Write a polynomial for readers: v² − 3 v in place of v**2 - 3*v."""
    return str(sp.sstr(expression, order="rev-lex")).replace("**2", "²").replace("*", " ").replace(" - ", " − ")


@check(
    "def-3.1",
    "If the target has a second moment, the loss is finite and can serve as an objective",
    name="objective-with-second-moment",
    form="repaired",
    evidence="symbolic",
    statement={"target": "second moment"},
    control={"target": "mean"},
)
@check(
    "def-3.1",
    "The loss can serve as an objective: whatever the target, some outputs lose more than others",
    name="objective-for-every-target",
    form="printed",
    evidence="symbolic",
    statement={"target": "mean"},
    control={"target": "nothing"},
)
def loss_tells_outputs_apart(target: str) -> Outcome:
    """Decide whether the loss is finite for symbolic v, and larger at v = mean + 1 than at the mean."""
    law = target_with(target)
    loss = loss_at(_v, law)
    if loss is sp.oo:
        return fails(f"{law.name}: every output has an infinite loss")
    gap = sp.expand(loss.subs(_v, law.first + 1) - loss.subs(_v, law.first))
    return decide(
        loss.is_finite and gap.is_positive,
        f"{law.name}: loss {plain(loss)} at v, and {gap} more at m1 + 1 than at m1",
        f"{law.name}: loss {plain(loss)}",
    )


@check(
    "def-3.1",
    "The regret, loss at v minus loss at 0, needs a first moment only",
    form="stronger",
    evidence="symbolic",
    control={"reference": False},
)
def regret_needs_first_moment(reference: bool = True) -> Outcome:
    """Read off the highest power of the answer a in (v − a)² − a²; coordinates add up, so this covers every d."""
    a = sp.Symbol("a", real=True)
    payment = sp.Poly((_v - a) ** 2 - (a**2 if reference else 0), a)
    written = plain(payment.as_expr())
    return decide(
        payment.degree() <= 1, f"its average needs that of a only: {written}", f"a second moment: {written}"
    )


@check(
    "def-3.1",
    "Read given the input, the loss fixes the output there",
    name="pins-every-input-conditionally",
    form="repaired",
    evidence="solver",
    statement={"weights": "positive"},
    control={"weights": "not negative"},
)
@check(
    "def-3.1",
    "The expectation may also run over the input: the loss still fixes the output at each input",
    name="pins-every-input-on-average",
    form="printed",
    evidence="solver",
    statement={"weights": "not negative"},
    control={"weights": "any"},
)
def loss_pins_every_input(weights: str) -> Outcome:
    """Decide whether zero excess loss, weighted over two inputs, forces both outputs to the conditional means."""
    w1, w2, gap1, gap2 = z3.Reals("w1 w2 gap1 gap2")  # gap_j: distance of output j to its conditional mean
    allowed = {"positive": [w1 > 0, w2 > 0], "not negative": [w1 >= 0, w2 >= 0], "any": []}[weights]
    hypotheses = [*allowed, w1 + w2 == 1, gap1 >= 0, gap2 >= 0, w1 * gap1**2 + w2 * gap2**2 == 0]
    story = (
        "two inputs with probabilities {w1} and {w2}: the excess loss is 0, although the outputs are {gap1} and "
        "{gap2} away from the conditional means"
    )
    return prove(hypotheses, z3.And(gap1 == 0, gap2 == 0), "zero excess loss forces both outputs", story)


@check(
    "def-3.2",
    "For a given L: L-Lipschitz means that gaps grow at most L-fold",
    name="given-constant",
    form="repaired",
    evidence="solver",
    statement={"bound": "given L"},
    control={"bound": "some K"},
)
@check(
    "def-3.2",
    "L-Lipschitz, defined by “there is an L > 0”, means that gaps grow at most L-fold",
    name="constant-bound-twice",
    form="printed",
    evidence="solver",
    statement={"bound": "some K"},
    control={"bound": "given 2 L"},
)
def definition_uses_its_constant(bound: str) -> Outcome:
    """Compare the defined property with slope <= L; `slope` is the largest ratio of gaps of any one map."""
    L, K, slope = z3.Reals("L K slope")
    defined = {
        "given L": slope <= L,
        "given 2 L": slope <= 2 * L,
        "some K": z3.Exists([K], z3.And(K > 0, slope <= K)),
    }[bound]
    story = "L = {L}, and a map whose gaps grow up to {slope}-fold: it passes the definition"
    return prove([L > 0, slope >= 0], defined == (slope <= L), "equivalent for every map with bounded slope", story)


@check(
    "def-3.2",
    "An L-Lipschitz map after an M-Lipschitz map is LM-Lipschitz",
    form="stronger",
    evidence="solver",
    statement={"combine": "product"},
    control={"combine": "sum"},
)
def composition(combine: str) -> Outcome:
    """Chain two Lipschitz bounds; the gaps are distances, so the proof covers every dimension."""
    L, M, start, middle, end = z3.Reals("L M start middle end")
    constant = {"product": L * M, "sum": L + M}[combine]
    hypotheses = [L >= 0, M >= 0, start >= 0, middle >= 0, middle <= M * start, end <= L * middle]
    return prove(hypotheses, end <= constant * start, "for all gaps and all L, M")
