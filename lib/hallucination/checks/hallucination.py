"""Checks of §4: the target with its latent states, δ-hallucination, and the sentences around them.

Statements about N states are proved for every N by induction: the solver adds one more state to a partial sum.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from itertools import product

import sympy as sp
import z3
from flint import arb

from hallucination.checks import Outcome, check, decide, fails, holds
from hallucination.checks.enclosures import HALF, HUNDREDTH, TENTH, ball, certain, normal_mass, phi
from hallucination.checks.prover import prove
from hallucination.mixtures import Mixture
from hallucination.regions import delta_hallucinates
from hallucination.states import Discrete, UniformBall

# Definition 4.1 -----------------------------------------------------------------------------------------------------


@check(
    "def-4.1",
    "If every state has positive probability, the joint density fixes each conditional density",
    name="conditional-density-of-possible-states",
    form="repaired",
    evidence="solver",
    statement={"weights": "positive"},
    control={"weights": "not negative"},
)
@check(
    "def-4.1",
    "The joint density fixes the conditional density of every state of Z",
    name="conditional-density-of-every-state",
    form="printed",
    evidence="solver",
    statement={"weights": "not negative"},
    control={"weights": "any"},
)
def conditional_density_is_fixed(weights: str) -> Outcome:
    """Decide whether two numbers f, g with p f = p g = joint must agree."""
    p, joint, f, g = z3.Reals("p joint f g")
    allowed = {"positive": [p > 0], "not negative": [p >= 0], "any": []}[weights]
    hypotheses = [*allowed, p <= 1, joint >= 0, f >= 0, g >= 0, p * f == joint, p * g == joint]
    story = "a state of probability {p}: the values {f} and {g} both fit the joint density {joint}"
    return prove(hypotheses, f == g, "the quotient joint/p is the only choice", story)


@check(
    "rem-4.1",
    "The density of A(X) is the sum of the states' densities times their probabilities",
    name="mixes-the-states",
    form="printed",
    evidence="solver",
    control={"power": 2},
)
@check(
    "def-4.1",
    "The conditional densities, mixed with the weights, give back the density of the target",
    form="repaired",
    evidence="solver",
    control={"power": 2},
)
def mixing_gives_back_the_target(power: int = 1) -> Outcome:
    """Induct over the states: partial sum of p_i f_i equals partial sum of the joint densities, then one more."""
    mixed, marginal, p, f, joint = z3.Reals("mixed marginal p f joint")
    hypotheses = [mixed == marginal, p > 0, p <= 1, joint >= 0, p * f == joint]
    term = p * f if power == 1 else p * p * f
    return prove(hypotheses, mixed + term == marginal + joint, "for every number of states (induction step)")


# Remark 4.1 ---------------------------------------------------------------------------------------------------------


@check(
    "rem-4.1",
    "Several modes come from nothing but Z: a target with a single latent state has at most one",
    name="one-state-one-mode",
    reading="several modes come only from Z",
    form="printed",
    evidence="exact",
    statement={"answers": 3, "most": 1},
    control={"answers": 3, "most": 0},
)
def one_state_has_few_modes(answers: int, most: int) -> Outcome:
    """Look for a law of one state on 1, 2, …, with probabilities proportional to 1, 2 or 3, with more modes."""
    laws = list(product((1, 2, 3), repeat=answers))
    for law in laws:
        padded = (0, *law, 0)
        modes = [k for k in range(1, answers + 1) if padded[k - 1] < padded[k] > padded[k + 1]]
        if len(modes) > most:
            masses = ", ".join(str(Fraction(m, sum(law))) for m in law)
            return fails(f"one state with masses {masses} on {', '.join(map(str, range(1, answers + 1)))}: "
                         f"modes at {' and '.join(map(str, modes))}")  # fmt: skip
    return holds(f"{len(laws)} laws of one state")


@check(
    "rem-4.1",
    "Different states need not give several modes (normal states at ±1/2)",
    name="states-without-modes",
    form="stronger",
    evidence="symbolic",
    statement={"half_distance": HALF, "modes": 1},
    control={"half_distance": Fraction(2), "modes": 1},
)
@check(
    "rem-4.1",
    "Several modes can come from Z: two states with one mode each, and two modes of A(X) (normal states at ±2)",
    name="modes-from-states",
    reading="several modes can come from Z",
    form="printed",
    evidence="symbolic",
    statement={"half_distance": Fraction(2), "modes": 2},
    control={"half_distance": HALF, "modes": 2},
)
def equal_mixture_has_modes(half_distance: Fraction, modes: int) -> Outcome:
    """Count the modes of (N(−m,1) + N(m,1))/2 from the slope g(x) = m tanh(m x) − x, concave for x > 0.

    The derivative of the density has the sign of g.  As g(0) = 0 and g is concave, g'(0) = m² − 1 decides:
    not positive means one mode, positive means two.
    """
    m, x = sp.symbols("m x", positive=True)
    slope = m * sp.tanh(m * x) - x
    negative = -2 * m**3 * sp.tanh(m * x) * (1 - sp.tanh(m * x) ** 2)
    if sp.expand(sp.diff(slope, x, 2) - negative) != 0:
        return Outcome("undecided", "SymPy could not show that the slope is concave")
    start = sp.diff(slope, x).subs(x, 0).subs(m, sp.Rational(half_distance))
    found = 1 if start <= 0 else 2
    detail = f"m = {half_distance}: g'(0) = {start}, so {found} mode{'s' * (found > 1)}"
    return decide(found == modes, detail, detail)


# Definition 4.2 -----------------------------------------------------------------------------------------------------


@check(
    "def-4.2",
    "The law of the answer decides whether its mean hallucinates",
    name="continuous-version",
    reading="continuous version of the density",
    form="printed",
    evidence="interval",
    statement={"redefined": False},
    control={"redefined": True},
)
@check(
    "def-4.2",
    "The law of the answer decides whether its mean hallucinates",
    name="any-version",
    reading="any version of the density",
    form="printed",
    evidence="interval",
    statement={"redefined": True},
    control={"redefined": False, "decides": False},
)
def law_decides(redefined: bool, decides: bool = True, delta: Fraction = TENTH) -> Outcome:
    """Compare δ with the stated density of N(0,1) at 0, and with its averages over small intervals around 0.

    The law decides if both give one verdict; `decides` says whether that is claimed.
    """
    stated = arb(0) if redefined else phi(0)
    radius = Fraction(1, 1000)
    average = normal_mass(-radius, radius) / (2 * ball(radius))
    first = certain(bool(stated <= ball(delta)), bool(stated > ball(delta)))
    second = certain(bool(average <= ball(delta)), bool(average > ball(delta)))
    agree = None if None in (first, second) else first == second
    found = f"f(0) = {float(stated.mid()):.4f}, average near 0 is {float(average.mid()):.4f}, δ = {delta}"
    verdicts = "one verdict" if agree else "the same law, two verdicts"
    return decide(None if agree is None else agree == decides, found, f"{found}: {verdicts}")


@check(
    "def-4.2",
    "Changing the unit of the answers does not change the verdict, if δ is converted like a density",
    name="unit-and-converted-delta",
    form="stronger",
    evidence="solver",
    statement={"compare": "value, δ converted"},
    control={"compare": "value, δ converted the wrong way"},
)
@check(
    "def-4.2",
    "Changing the unit of the answers does not change the verdict, if the density's rank replaces its value",
    name="unit-and-rank",
    form="stronger",
    evidence="solver",
    statement={"compare": "rank"},
    control={"compare": "value"},
)
@check(
    "def-4.2",
    "Changing the unit of the answers does not change the verdict",
    name="unit-and-value",
    form="stronger",
    evidence="solver",
    statement={"compare": "value"},
    control={"compare": "value, δ converted the wrong way"},
)
def unit_does_not_matter(compare: str) -> Outcome:
    """Divide densities by the factor j = |det B| > 0 of a change of unit, in any dimension."""
    f, g, delta, j = z3.Reals("f g delta j")
    hypotheses = [f >= 0, g >= 0, delta > 0, delta <= 1, j > 0]
    goal = {
        "value": (f <= delta) == (f / j <= delta),
        "rank": (g <= f) == (g / j <= f / j),
        "value, δ converted": (f <= delta) == (f / j <= delta / j),
        "value, δ converted the wrong way": (f <= delta) == (f / j <= delta * j),
    }[compare]
    story = "density {f}, δ = {delta}: divided by {j}, the density is on the other side of δ"
    return prove(hypotheses, goal, "for every factor and all densities", story)


@check(
    "def-4.2",
    "For probabilities of single answers, the definition depends on the law alone",
    reading="probability mass",
    form="printed",
    evidence="exact",
    statement={"value": "mass"},
    control={"value": "density"},
)
def masses_have_no_unit(value: str) -> Outcome:
    """Send four equally likely outcomes through k -> 3k, count them anew, and ask the library for both verdicts.

    The control takes the heights of a histogram with one cell per answer: densities in place of masses.
    """

    def target(outcomes: Sequence[int], cell: int) -> Mixture:
        counts = Counter(outcomes)
        masses, answers = [n / len(outcomes) for n in counts.values()], [[float(k)] for k in counts]
        if value == "mass":
            return Mixture([1.0], [Discrete(answers, masses)])
        return Mixture([1.0], [Mixture(masses, [UniformBall(a, cell / 2) for a in answers])])

    cases = 0
    for outcomes in product(range(3), repeat=4):
        before, after = target(outcomes, 1), target([3 * k for k in outcomes], 3)
        for k, delta in product(range(3), (0.3, 0.6)):  # masses are quarters, so no case is at the threshold
            if delta_hallucinates(before, [k], delta) != delta_hallucinates(after, [3 * k], delta):
                return fails(f"outcomes {outcomes}, answer {k}, δ = {delta}: another verdict after k -> 3k")
            cases += 1
    return holds(f"{cases} outcome lists, answers and thresholds")


@check(
    "def-4.2",
    "For densities: an output hallucinates exactly if the probability of producing it is at most δ",
    name="probability-decides-for-densities",
    form="stronger",
    evidence="interval",
    statement={"law": "normal"},
    control={"law": "narrow"},
)
@check(
    "def-4.2",
    "For probability masses: an output hallucinates exactly if the probability of producing it is at most δ",
    name="probability-decides-for-masses",
    form="stronger",
    evidence="interval",
    statement={"law": "coin"},
    control={"law": "normal"},
)
def probability_decides(law: str, delta: Fraction = HUNDREDTH) -> Outcome:
    """Compare f(v) <= δ with P(A = v) <= δ for one output v of one state."""
    name, probability, f = {
        "coin": ("a fair coin", HALF, ball(HALF)),
        "normal": ("N(0, 1) at 0", Fraction(0), phi(0)),
        "narrow": ("the uniform law on [0, 1/2] at 1/4", Fraction(0), arb(2)),
    }[law]
    low = certain(bool(f <= ball(delta)), bool(f > ball(delta)))
    found = f"{name}: probability {probability}, value of Definition 4.2 {float(f.mid()):.3g}, δ = {delta}"
    return decide(None if low is None else low == (probability <= delta), found, found)


@check(
    "def-4.2",
    "A hallucination can have the least loss (normal states at ±3, output 0)",
    name="least-loss-is-possible",
    form="stronger",
    evidence="interval",
    statement={"half_distance": 3, "output": 0, "factor": 1},
    control={"half_distance": 3, "output": 10, "factor": 1},
)
@check(
    "def-4.2",
    "A hallucination has a low loss, say at most twice the least one",
    name="loss-is-low",
    form="stronger",
    evidence="interval",
    statement={"half_distance": 0, "output": 100, "factor": 2},
    control={"half_distance": 0, "output": 100, "factor": 1000},
)
def hallucination_loses_little(half_distance: int, output: int, factor: int, delta: Fraction = HUNDREDTH) -> Outcome:
    """Compare the loss of a hallucinating output of (N(−m,1) + N(m,1))/2 with the least loss 1 + m²."""
    nearest = abs(abs(output) - half_distance)
    if not phi(nearest) <= ball(delta):
        return Outcome("undecided", f"output {output} does not hallucinate")
    least = 1 + half_distance**2
    loss = least + output**2
    found = f"output {output} hallucinates at δ = {delta}: loss {loss}, least loss {least}"
    return decide(loss <= factor * least, found, found)


@check(
    "def-4.2",
    "What hallucinates at δ hallucinates at every larger δ, too",
    form="printed",
    evidence="solver",
    control={"larger": False},
)
def monotone_in_delta(larger: bool = True) -> Outcome:
    """Move the threshold of one state; all states move together."""
    f, delta, other = z3.Reals("f delta other")
    return prove([f <= delta, delta <= other if larger else other < delta], f <= other, "for all densities and δ")


@check(
    "def-4.2",
    "A hallucination has mixture density at most δ",
    form="stronger",
    evidence="solver",
    control={"bounded_states": False},
)
def mixture_at_most_max(bounded_states: bool = True) -> Outcome:
    """Induct over the states: partial sum of p_i f_i <= δ · (partial sum of p_i), then one more state."""
    partial, weight, p, f, delta = z3.Reals("partial weight p f delta")
    step = [f <= delta] if bounded_states else []
    hypotheses = [partial <= delta * weight, p > 0, f >= 0, weight >= 0, *step]
    return prove(hypotheses, partial + p * f <= delta * (weight + p), "for every number of states (induction step)")


@check(
    "def-4.2",
    "Mixture density at most δ times the smallest weight means hallucination",
    form="stronger",
    evidence="solver",
    control={"scaled": False},
)
def small_mixture_means_hallucination(scaled: bool = True) -> Outcome:
    """Bound one state's density f by the mixture density, of which p f is a part."""
    p, f, rest, least, delta = z3.Reals("p f rest least delta")
    limit = least * delta if scaled else delta
    hypotheses = [least > 0, p >= least, p <= 1, f >= 0, rest >= 0, delta > 0, delta <= 1, p * f + rest <= limit]
    return prove(hypotheses, f <= delta, "for every state of every mixture")


@check(
    "def-4.2",
    "A standard normal state of dimension d is vacuous at δ = 1/100 from d = 6 on",
    form="stronger",
    evidence="interval",
    statement={"first": 6},
    control={"first": 5},
)
def standard_normal_is_vacuous_from(first: int, delta: Fraction = HUNDREDTH) -> Outcome:
    """Compare the peak (2π)^(−d/2) with δ just below and at the dimension `first` (the peak falls with d)."""
    before, here = phi(0, first - 1), phi(0, first)
    answer = certain(bool(before > ball(delta) >= here), bool(before <= ball(delta)) or bool(here > ball(delta)))
    peaks = f"peaks {float(before.mid()):.6f} at d = {first - 1}, {float(here.mid()):.6f} at d = {first}"
    return decide(answer, peaks, peaks)


@check(
    "def-4.2",
    "The choice of Z alone can turn a hallucination into a supported answer",
    form="stronger",
    evidence="interval",
    statement={"radius": TENTH},
    control={"radius": Fraction(5)},
)
def latent_variable_decides(radius: Fraction, delta: Fraction = HUNDREDTH) -> Outcome:
    """Take (N(−3,1) + N(3,1))/2 at its mean 0, first with these two states, then with Z = 1{|A| < radius}."""
    by_component = phi(3)
    by_nearness = phi(3) / normal_mass(3 - radius, 3 + radius)
    flips = certain(
        bool(by_component <= ball(delta) < by_nearness),
        bool(by_component > ball(delta)) or bool(by_nearness <= ball(delta)),
    )
    found = f"densities at 0: {float(by_component.mid()):.4f} and {float(by_nearness.mid()):.4f}, δ = {delta}"
    return decide(flips, found, found)


@check(
    "def-4.2",
    "Region mass: at most a share α of a state's own answers has π(a) ≤ α",
    form="stronger",
    evidence="exact",
    control={"share": HALF},
)
def region_mass_is_never_vacuous(share: Fraction = Fraction(1)) -> Outcome:
    """Enumerate laws on four answers with weights 1 to 4 and α in tenths; `share` tightens the bound."""
    cases = 0
    for weights in product(range(1, 5), repeat=4):
        total = sum(weights)
        pi = [Fraction(sum(u for u in weights if u <= w), total) for w in weights]
        for tenths in range(1, 10):
            alpha = Fraction(tenths, 10)
            rate = Fraction(sum(w for w, mass in zip(weights, pi, strict=True) if mass <= alpha), total)
            if rate > share * alpha:
                return fails(f"weights {weights}, α = {alpha}: share {rate}")
            cases += 1
    return holds(f"{cases} laws and levels")


@check(
    "def-4.2",
    "The squared distance behind the region mass of a normal state is the same in all units",
    form="stronger",
    evidence="symbolic",
    control={"transform_covariance": False},
)
def mahalanobis_is_affine_invariant(transform_covariance: bool = True) -> Outcome:
    """Compare uᵀΣ⁻¹u before and after u -> Bu, Σ -> BΣBᵀ, in symbolic dimension."""
    n = sp.Symbol("n", integer=True, positive=True)
    cov, B, u = sp.MatrixSymbol("Sigma", n, n), sp.MatrixSymbol("B", n, n), sp.MatrixSymbol("u", n, 1)
    after = B * cov * B.T if transform_covariance else cov
    moved = ((B * u).T * sp.Inverse(after) * (B * u)).doit()
    if moved == (u.T * cov.I * u).doit():
        return holds("for every invertible B, Σ and every dimension")
    one = {cov: sp.Matrix([[1]]), B: sp.Matrix([[2]]), u: sp.Matrix([[1]])}
    example = moved.subs(n, 1).subs({k.subs(n, 1): v for k, v in one.items()}).doit()[0, 0]
    return fails(f"Σ = 1, B = 2, u = 1: {example} in place of 1") if example != 1 else Outcome("undecided")


@check(
    "def-4.2",
    "A squared distance of d/α from a normal state is enough for π ≤ α",
    form="stronger",
    evidence="interval",
    statement={"factor": "1/alpha"},
    control={"factor": "1"},
)
def markov_distance_is_enough(factor: str) -> Outcome:
    """Enclose P(χ²_d ≥ d·factor) for d from 1 to 500 and compare with α."""
    worst = arb(0)
    for d, alpha in product((1, 2, 5, 50, 500), (HALF, TENTH, Fraction(1, 1000))):
        distance = arb(d) / ball(alpha) if factor == "1/alpha" else arb(d)
        ratio = (distance / 2).gamma_upper(arb(d) / 2, 1) / ball(alpha)
        if ratio > 1:
            return fails(f"d = {d}, α = {alpha}: π is {float(ratio.mid()):.3g} α")
        if not ratio <= 1:
            return Outcome("undecided", f"d = {d}, α = {alpha}: {ratio}")
        worst = ratio if ratio > worst else worst
    return holds(f"π is at most {float(worst.mid()):.3g} α in 15 cases; Markov's inequality gives the rest")


# Remark 4.2 ---------------------------------------------------------------------------------------------------------


@check(
    "rem-4.2",
    "If no state is vacuous, a hallucination is below the peak of every state",
    name="below-every-peak",
    form="repaired",
    evidence="solver",
    statement={"clause": "peak > δ"},
    control={"clause": "none"},
)
@check(
    "rem-4.2",
    "A hallucination is below the peak of every state, so it is no mode of any",
    name="below-every-peak-as-printed",
    form="printed",
    evidence="solver",
    statement={"clause": "none"},
    control={"clause": "peak ≥ δ"},
)
def hallucination_is_below_every_peak(clause: str) -> Outcome:
    """Compare the density f of an output with a state's peak, given f <= δ."""
    f, peak, delta = z3.Reals("f peak delta")
    extra = {"peak > δ": [peak > delta], "peak ≥ δ": [peak >= delta], "none": []}[clause]
    hypotheses = [f >= 0, peak > 0, f <= peak, delta > 0, delta <= 1, f <= delta, *extra]
    story = "density {f} at the output, peak {peak}, δ = {delta}: the output hallucinates at the peak itself"
    return prove(hypotheses, f < peak, "for every state, output and δ", story)


@check(
    "rem-4.2",
    "Even if no state is vacuous, a lower mode of a state may hallucinate (19/20 N(−5,1) + 1/20 N(5,1), δ = 1/10)",
    form="stronger",
    evidence="interval",
    control={"delta": HUNDREDTH},
)
def lower_mode_hallucinates(delta: Fraction = TENTH) -> Outcome:
    """Enclose the density of one state at 4, 5, 6, where it has a mode, and its peak from below."""
    share = Fraction(1, 20)

    def density(a: int) -> arb:
        return ball(1 - share) * phi(a + 5) + ball(share) * phi(a - 5)

    rises_and_falls = bool(density(4) < density(5)) and bool(density(6) < density(5))
    highest = ball(1 - share) * phi(9) + ball(share) * phi(0)  # no density between 4 and 6 is larger
    peak = density(-5)
    if not (rises_and_falls and peak > ball(delta)):
        return Outcome("undecided", "no mode between 4 and 6, or a vacuous state")
    found = (
        f"mode between 4 and 6: density at most {float(highest.mid()):.4f}, peak {float(peak.mid()):.4f}, δ = {delta}"
    )
    return decide(certain(bool(highest <= ball(delta)), bool(density(5) > ball(delta))), found, found)


@check(
    "rem-4.2",
    "Even if no state is vacuous, the one mode of A(X) may hallucinate (normal states at ±1/2, δ = 0.3521)",
    form="stronger",
    evidence="interval",
    control={"half_distance": Fraction(1, 4)},
)
def only_mode_hallucinates(half_distance: Fraction = HALF, delta: Fraction = Fraction(3521, 10000)) -> Outcome:
    """Enclose the density of both states at 0, the only mode of (N(−m,1) + N(m,1))/2 for m <= 1, and their peak."""
    one_mode = equal_mixture_has_modes(half_distance, 1)
    if one_mode.verb != "holds" or not phi(0) > ball(delta):
        return Outcome("undecided", "several modes, or vacuous states")
    there = phi(half_distance)
    found = (
        f"density {float(there.mid()):.5f} at 0 under both states, peak {float(phi(0).mid()):.5f}, δ = {float(delta)}"
    )
    return decide(certain(bool(there <= ball(delta)), bool(there > ball(delta))), found, found)


@check(
    "rem-4.2",
    "The best answer of a standard normal state in dimension 5 is supported at δ = 1/100",
    name="mode-in-dimension-5",
    form="stronger",
    evidence="interval",
    statement={"dimension": 5},
    control={"dimension": 6},
)
@check(
    "rem-4.2",
    "The most typical answer of a state has a cause, so it does not hallucinate (standard normal, d = 6, δ = 1/100)",
    name="mode-in-dimension-6",
    form="printed",
    evidence="interval",
    statement={"dimension": 6},
    control={"dimension": 512},
)
def mode_is_supported(dimension: int, delta: Fraction = HUNDREDTH) -> Outcome:
    """Compare the density of N(0, I_d) at its own mode with δ."""
    peak = phi(0, dimension)
    found = f"d = {dimension}: density {float(peak.mid()):.3g} at the mode, δ = {delta}"
    return decide(certain(bool(peak > ball(delta)), bool(peak <= ball(delta))), found, f"{found}: it hallucinates")


@check(
    "rem-4.2",
    "If every region keeps mass 1 − η of its state, a true answer hallucinates with probability at most η",
    form="stronger",
    evidence="solver",
    control={"regions_heavy": False},
)
def true_answers_are_safe(regions_heavy: bool = True) -> Outcome:
    """Induct over the states: `miss` is the mass a state has outside all regions, at most that outside its own."""
    partial, weight, p, miss, own, eta = z3.Reals("partial weight p miss own eta")
    heavy = [own >= 1 - eta] if regions_heavy else []
    hypotheses = [partial <= eta * weight, p > 0, miss >= 0, miss <= 1 - own, own >= 0, own <= 1, *heavy]
    return prove([*hypotheses, eta > 0, eta < 1], partial + p * miss <= eta * (weight + p), "for every N (induction)")


# §1 and Figure 2 ----------------------------------------------------------------------------------------------------


@check(
    "sec-1-neighbourhood",
    "An output hallucinates exactly if it is farther than δ from the centre of every state (here N(0, 1), δ = 1/10)",
    reading="distance to the centre of a state",
    form="printed",
    evidence="interval",
    statement={"side": "at most"},
    control={"side": "above"},
)
def neighbourhood_is_threshold(
    side: str, distances: Sequence[Fraction] = (Fraction(1), Fraction(2), Fraction(3)), delta: Fraction = TENTH
) -> Outcome:
    """Compare “distance > δ” with “density at most (or, wrongly, above) δ” at several outputs."""
    for distance in distances:
        density = phi(distance)
        low = certain(bool(density <= ball(delta)), bool(density > ball(delta)))
        if low is None:
            return Outcome("undecided", f"density {density} and δ = {delta}")
        if (low if side == "at most" else not low) != (distance > delta):
            return fails(f"output at distance {distance}: density {float(density.mid()):.3f}, δ = {delta}")
    return holds(f"{len(distances)} outputs")


@check(
    "sec-1-neighbourhood",
    "An output hallucinates exactly if it lies outside the region with density above δ of every state",
    reading="region with density above δ",
    form="printed",
    evidence="solver",
    control={"region": "at least δ"},
)
def region_is_threshold(region: str = "above δ") -> Outcome:
    """Induct over the states: the two properties agree for some states; then one more with density f."""
    f, delta = z3.Reals("f delta")
    outside, hallucinates = z3.Bools("outside hallucinates")
    inside = f > delta if region == "above δ" else f >= delta
    goal = z3.And(outside, z3.Not(inside)) == z3.And(hallucinates, f <= delta)
    story = "density {f} and δ = {delta}: inside the region, and yet a hallucination"
    return prove([outside == hallucinates, f >= 0, delta > 0], goal, "for every number of states (induction)", story)


@check(
    "sec-1-neighbourhood",
    "A larger δ can only make hallucination by Definition 4.2 more frequent",
    name="threshold-catches-more",
    form="stronger",
    evidence="solver",
    statement={"rule": "density", "effect": "more"},
    control={"rule": "density", "effect": "fewer"},
)
@check(
    "sec-1-neighbourhood",
    "A larger distance δ can only make lying outside a δ-neighbourhood rarer",
    name="neighbourhood-catches-fewer",
    form="stronger",
    evidence="solver",
    statement={"rule": "distance", "effect": "fewer"},
    control={"rule": "distance", "effect": "more"},
)
def larger_delta_catches(rule: str, effect: str) -> Outcome:
    """Decide whether a verdict stays when δ grows ("more") or when it shrinks; x is a density or a distance."""
    x, delta, larger = z3.Reals("x delta larger")

    def verdict(level: z3.ArithRef) -> z3.BoolRef:
        return {"density": x <= level, "distance": x > level}[rule]

    given, goal = (delta, larger) if effect == "more" else (larger, delta)
    hypotheses = [x >= 0, delta > 0, larger > delta, larger <= 1, verdict(given)]
    return prove(hypotheses, verdict(goal), "for all outputs and thresholds")


@check(
    "sec-1-neighbourhood",
    "For a normal state the answers with density above δ form an ellipsoid, D² < −2 ln δ − d ln 2π − ln det Σ; "
    "none if the right side is not positive",
    form="stronger",
    evidence="symbolic",
    control={"with_determinant": False},
)
def region_is_an_ellipsoid(with_determinant: bool = True) -> Outcome:
    """Write ln f(v) − ln δ as (τ − D²)/2 for symbolic dimension, ln det Σ and squared distance D²."""
    d, delta, square = sp.symbols("d delta D2", positive=True)
    log_det = sp.Symbol("logdet", real=True)
    log_density = -(d * sp.log(2 * sp.pi) + log_det + square) / 2
    tau = -2 * sp.log(delta) - d * sp.log(2 * sp.pi) - (log_det if with_determinant else 0)
    rest = sp.expand(log_density - sp.log(delta) - (tau - square) / 2)
    return decide(rest.equals(0), "for every dimension, Σ and δ", f"left over: {rest}")


CAPTION = ((Fraction(9, 10), TENTH), (Fraction(7, 10), Fraction(7, 10)))  # rows: the two outputs; columns: cat, dog
LOWER = ((Fraction(6, 10), TENTH), (Fraction(4, 10), Fraction(4, 10)))


@check(
    "fig-2",
    "Numbers that fit all three readings exist: 0.6, 0.1 against 0.4, 0.4",
    name="smaller-numbers-fit-all",
    form="stronger",
    evidence="exact",
    statement={"sums": "both", "table": LOWER},
    control={"sums": "both"},
)
@check(
    "fig-2",
    "The caption's four numbers can occur together",
    name="as-probabilities-of-outputs",
    reading="probabilities of the output under each category",
    form="printed",
    evidence="exact",
    statement={"sums": "outputs"},
    control={"sums": "both"},
)
@check(
    "fig-2",
    "The caption's four numbers can occur together",
    name="as-posterior",
    reading="probabilities of the category given the output",
    form="printed",
    evidence="exact",
    statement={"sums": "categories"},
    control={"sums": "both"},
)
def table_is_possible(sums: str, table: tuple[tuple[Fraction, ...], ...] = CAPTION) -> Outcome:
    """Test that probabilities which exclude each other do not add up to more than one."""
    totals: list[tuple[str, Fraction]] = []
    if sums in ("categories", "both"):  # each output belongs to one category
        totals += [("one output", sum(row, Fraction(0))) for row in table]
    if sums in ("outputs", "both"):  # each category produces one output at a time
        totals += [("one category", sum(column, Fraction(0))) for column in zip(*table, strict=True)]
    bad = [f"{where} sums to {total}" for where, total in totals if total > 1]
    return fails(", ".join(bad)) if bad else holds(f"no sum exceeds 1 in {len(totals)} sums")


@check(
    "fig-2",
    "The caption's four numbers can occur together",
    name="as-densities",
    reading="densities of the output under each category",
    form="printed",
    evidence="exact",
    statement={"cell": HALF},
    control={"cell": Fraction(1)},
)
def table_as_densities(cell: Fraction) -> Outcome:
    """Build a density per category: its two values on two cells of this length, the rest on a third cell."""
    found = []
    for category, column in zip(("cat", "dog"), zip(*CAPTION, strict=True), strict=True):
        masses = [cell * value for value in column]
        rest = 1 - sum(masses)
        if rest < 0:
            return fails(f"cells of length {cell}: {category} would have mass {sum(masses)} on two cells")
        assert min(masses) >= 0 and sum(masses) + rest == 1
        found.append(f"{category} has mass {masses[0]} + {masses[1]} on them and {rest} elsewhere")
    return holds(f"constant densities on two cells of length {cell}: {', '.join(found)}")


@check(
    "fig-2",
    "By the largest entry the first output is better",
    form="printed",
    evidence="exact",
    control={"rule": "mean"},
)
def first_output_is_better(rule: str = "max") -> Outcome:
    """Rank the caption's outputs by their largest entry or by their equal-weight mean."""
    first, second = (max(row) if rule == "max" else sum(row) / len(row) for row in CAPTION)
    return decide(first > second, f"{first} against {second}", f"{first} against {second}: the second is better")


@check(
    "fig-2",
    "The mixture ranks the first output first only if cats have weight 3/4 or more",
    form="stronger",
    evidence="solver",
    statement={"threshold": Fraction(3, 4)},
    control={"threshold": HALF},
)
def mixture_needs_heavy_category(threshold: Fraction) -> Outcome:
    """Compare the mixtures of both outputs for every weight p of the first category."""
    p = z3.Real("p")
    first, second = (
        z3.Q(a.numerator, a.denominator) * p + z3.Q(b.numerator, b.denominator) * (1 - p) for a, b in CAPTION
    )
    goal = (first >= second) == (p >= z3.Q(threshold.numerator, threshold.denominator))
    return prove([p >= 0, p <= 1], goal, f"for every weight: from {threshold} on")
