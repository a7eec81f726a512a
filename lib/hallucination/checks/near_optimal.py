"""Checks of Theorem 5.2: outputs within ε of the optimum, with laws whose states keep their mass.

In the solver checks nv, nm are the norms of an output v and of a state's mean μ, both measured from the optimum E,
and b is their inner product.  They are tied by |b| <= nv nm only, so a proof holds in every dimension.
"""

from __future__ import annotations

from fractions import Fraction

import sympy as sp
import z3
from flint import arb

from hallucination.checks import Outcome, check, decide, fails, holds, undecided
from hallucination.checks.enclosures import TENTH, ball, chi2_tail, log_normal
from hallucination.checks.prover import prove
from hallucination.constructions import separated_gaussians
from hallucination.mixtures import Mixture
from hallucination.near_optimal import tolerance, worst_output
from hallucination.regions import delta_hallucinates

nv, nm, b, eps, rho = z3.Reals("nv nm b eps rho")
CAUCHY = [nv >= 0, nm >= 0, b <= nv * nm, b >= -nv * nm]
GAP = nv * nv - 2 * b + nm * nm  # ‖v − μ‖²
WHERE = "for all v, μ, ε in every dimension"


@check(
    "thm-5.2",
    "For every δ, ε and dimension infinitely many laws make every output near the optimum hallucinate",
    form="printed",
    evidence="symbolic",
    control={"width": "below the limit"},
)
def wide_states_suffice(width: str = "from the limit on") -> Outcome:
    """Compare the peak of N(μ, s²I), s² = c / (2π δ^(2/d)), with δ: for c >= 1 no output at all exceeds δ."""
    d, delta, t = sp.symbols("d delta t", positive=True)
    c = 1 + t if width == "from the limit on" else 1 / (1 + t)
    log_s2 = sp.log(c) - sp.log(2 * sp.pi) - 2 * sp.log(delta) / d
    log_peak = -d / 2 * (sp.log(2 * sp.pi) + log_s2)
    excess = sp.simplify(sp.expand(log_peak - sp.log(delta)))
    grows = sp.diff(d * sp.exp(log_s2), t).is_positive  # the variances differ, so the laws do
    found = f"ln(peak/δ) = {str(excess).replace('*', '·')} with t > 0"
    if excess.is_negative and grows:
        return holds(f"{found}: every output of these laws hallucinates, typical or not")
    return fails(f"{found}: the centre does not hallucinate") if excess.is_positive else undecided(found)


@check(
    "thm-5.2",
    "If every mean is at least ρ + ε from the optimum, all outputs within ε lie outside every region of radius ρ",
    form="stronger",
    evidence="solver",
    control={"reach": "ρ + ε/2"},
)
def ball_lies_outside_every_region(reach: str = "ρ + ε") -> Outcome:
    """Prove ‖v − μ‖ >= ρ from the norms and the inner product."""
    least = rho + (eps if reach == "ρ + ε" else eps / 2)
    story = "region of radius {rho}, ε = {eps}: an output at distance {nv} from the optimum, mean at distance {nm}"
    return prove([*CAUCHY, rho > 0, eps >= 0, nv <= eps, nm >= least], rho * rho <= GAP, WHERE, story)


@check(
    "thm-5.2",
    "For any covariance it is enough that the mean is ε + √(λτ) away, with λ the largest variance in any direction",
    form="stronger",
    evidence="solver",
    control={"variance": "smallest"},
)
def other_covariances_too(variance: str = "largest") -> Outcome:
    """Prove D² >= τ from D² >= ‖v − μ‖² / λ, where D is the Mahalanobis distance."""
    lam, tau, square = z3.Reals("lam tau square")
    bound = square * lam >= GAP if variance == "largest" else square * lam <= GAP
    region = [lam > 0, tau > 0, rho >= 0, rho * rho == lam * tau]
    hypotheses = [*CAUCHY, *region, square >= 0, bound, eps >= 0, nv <= eps]
    story = "λ = {lam}, τ = {tau}: D² may be {square}"
    return prove([*hypotheses, nm >= rho + eps], square >= tau, "for all v, μ, ε, Σ in every dimension", story)


@check(
    "thm-5.2",
    "The closed ball of radius ε around the optimum misses a region of radius ρ exactly if its mean is ρ + ε or more "
    "away",
    form="stronger",
    evidence="solver",
    control={"distance": "ρ"},
)
def condition_is_sharp(distance: str = "ρ + ε") -> Outcome:
    """Compare with the least distance max(r − ε, 0) of the ball from a mean at distance r."""
    r = z3.Real("r")
    nearest = z3.If(r >= eps, r - eps, 0)
    needed = rho + eps if distance == "ρ + ε" else rho
    story = "mean at distance {r}, region of radius {rho}, ε = {eps}"
    return prove([r >= 0, rho > 0, eps >= 0], (nearest >= rho) == (r >= needed), "for all distances and radii", story)


@check(
    "thm-5.2",
    "No law with a supported answer serves every ε: once ε reaches that answer's distance from the optimum, it is in "
    "the ball",
    form="stronger",
    evidence="solver",
    control={"reached": "half"},
)
def law_depends_on_epsilon(reached: str = "all") -> Outcome:
    """Take a supported answer at distance r from the optimum as the output v."""
    r = z3.Real("r")
    far = eps >= (r if reached == "all" else r / 2)
    story = "supported answer at distance {r}, ε = {eps}: it is out of reach"
    return prove([r >= 0, eps >= 0, far, nv == r], nv <= eps, "for every law with such an answer", story)


@check(
    "thm-5.2",
    "With means at least ρ + ε away, every estimator with an excess loss of at most ε² hallucinates",
    form="stronger",
    evidence="solver",
    control={"allowed": "4 ε²"},
)
def stated_in_loss(allowed: str = "ε²") -> Outcome:
    """Use that the excess loss of v is ‖v − E‖² (Lemma B.1, repaired), here nv²."""
    excess = eps * eps * (1 if allowed == "ε²" else 4)
    story = "ε = {eps}, ρ = {rho}: an output at distance {nv} from the optimum, mean at distance {nm}"
    return prove([*CAUCHY, rho > 0, eps >= 0, nv * nv <= excess, nm >= rho + eps], rho * rho <= GAP, WHERE, story)


@check(
    "thm-5.2",
    "With the elementary scale s² = exp(−1/η)/(2π δ^(2/d)) the squared radius of a region is d/η, in units of s",
    form="stronger",
    evidence="symbolic",
    control={"power": 2},
)
def closed_form_of_the_radius(power: int = 1) -> Outcome:
    """Compute τ = −2 ln δ − d ln(2π s²) for symbolic d, δ, η."""
    d, delta, eta = sp.symbols("d delta eta", positive=True)
    log_s2 = -power / eta - sp.log(2 * sp.pi) - 2 * sp.log(delta) / d
    tau = sp.simplify(sp.expand(-2 * sp.log(delta) - d * (sp.log(2 * sp.pi) + log_s2)))
    found = f"τ = {tau}".replace("*", "·").replace("eta", "η")
    return decide(sp.cancel(tau / (d / eta)) == 1, found, found)


CASES = tuple(
    (weights, delta, eta, dimension, epsilon)
    for weights, dimension in (((1, 1), 1), ((1, 3, 5), 2), ((7, 1, 1, 1), 10), ((1,) * 9, 512))
    for delta, eta, epsilon in ((1e-2, 0.1, 1.0), (1e-12, 0.01, 30.0), (50.0, 0.5, 1000.0))
)


def law_of(weights: tuple[int, ...], delta: float, eta: float, dimension: int, slack: float) -> Mixture:
    """Build the library's law for these relative weights."""
    shares = [w / sum(weights) for w in weights]
    return separated_gaussians(shares, delta, eta, dimension, slack=slack)


def verified(law: Mixture, delta: float, eta: float, epsilon: float) -> str:
    """Return what is wrong with a law by rigorous enclosures of its floating-point numbers, or nothing.

    The numbers are read as the exact rationals that they are, so this covers rounding in the construction.
    """
    p = [arb(x) for x in law.weights]
    mus = [[arb(x) for x in mu] for mu in law.state_means]
    total, d = sum(p, arb(0)), law.mean.size
    E = [sum((w * mu[k] for w, mu in zip(p, mus, strict=True)), arb(0)) / total for k in range(d)]
    for i, (mu, state) in enumerate(zip(mus, law.states, strict=True)):
        s2 = arb(state.variance) / d
        r = sum(((x - e) * (x - e) for x, e in zip(mu, E, strict=True)), arb(0)).nonnegative_part().sqrt()
        if not log_normal(d, d * s2.log(), (r - epsilon) ** 2 / s2) <= arb(delta).log() or not r > epsilon:
            away = f"the mean of state {i + 1} is {float(r.mid()):.4g} away"
            return f"{away}, and the ball of ε = {epsilon:g} meets its region"
        tau = -2 * arb(delta).log() - d * (2 * arb.pi() * s2).log()
        if not chi2_tail(d, tau) <= arb(eta):
            return f"state {i + 1} does not keep mass {1 - eta:g}"
    return ""


@check(
    "thm-5.2",
    "In the library's law every state keeps mass 1 − η, and the whole ball of radius ε hallucinates",
    form="stronger",
    evidence="interval",
    control={"slack": 0.0},
)
def library_law_is_safe(slack: float = 1.0) -> Outcome:
    """Enclose the worst density on the ball for laws that are built for `slack` times ε."""
    for weights, delta, eta, dimension, epsilon in CASES:
        law = law_of(weights, delta, eta, dimension, slack * epsilon)
        wrong = verified(law, delta, eta, epsilon)
        if wrong:
            return fails(f"δ = {delta:g}, d = {dimension}: {wrong}")
    return holds(f"{len(CASES)} laws with 2 to 9 states, d from 1 to 512, δ from 1e-12 to 50, ε from 1 to 1000")


@check(
    "thm-5.2",
    "The library's largest tolerated ε is sharp: just below it the worst output hallucinates, just above it does not",
    form="stronger",
    evidence="property",
    control={"factor": Fraction(2)},
)
def tolerance_is_sharp(factor: Fraction = Fraction(1)) -> Outcome:
    """Move the worst output a millionth to both sides of the largest ε."""
    for weights, delta, eta, dimension, epsilon in CASES:
        law = law_of(weights, delta, eta, dimension, epsilon)
        limit = tolerance(law, delta) * float(factor)
        below, above = (
            bool(delta_hallucinates(law, worst_output(law, limit * (1 + side * 1e-6)), delta)) for side in (-1, 1)
        )
        if not below or above:
            found = "neither" if not below and not above else "both" if below and above else "the wrong one"
            return fails(f"d = {dimension}, δ = {delta:g}: at {limit:.4g} ∓ a millionth {found} hallucinates")
    return holds(f"{len(CASES)} laws, d from 1 to 512")


@check(
    "thm-5.2",
    "The mass claim needs no tables: P(χ²_d ≥ d/η) is at most η",
    form="stronger",
    evidence="interval",
    control={"eta_power": 0},
)
def markov_keeps_the_mass(eta_power: int = 1) -> Outcome:
    """Enclose the tail for several d and η; Markov's inequality gives the rest."""
    worst = arb(0)
    for d in (1, 2, 3, 10, 100, 1000):
        for eta in (Fraction(1, 2), TENTH, Fraction(1, 100)):
            ratio = chi2_tail(d, d / ball(eta) ** eta_power) / ball(eta)
            if not ratio <= 1:
                return fails(f"d = {d}, η = {eta}: the tail is {float(ratio.mid()):.3g} η")
            worst = ratio if ratio > worst else worst
    return holds(f"at most {float(worst.mid()):.3g} η in 18 cases")
