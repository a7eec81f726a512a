"""Wrong formulas on purpose: each edit must make a test fail.

A line that a test runs need not be tested by it.  Tools such as mutmut and cosmic-ray edit every line by rule, and
most of their survivors are messages and defaults.  This is a hand-picked list of mistakes that would make the book
wrong (a sign, an exponent, an inverse, an index), each with the tests that must notice.

    python tests/mutations.py                 all of them, one after the other (many minutes)
    python tests/mutations.py states region   only those whose file or reason contains one of the words
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LIMIT = 900.0  # seconds for the tests of one edit; slow tests have noticed nothing


@dataclass(frozen=True)
class Mutation:
    """One edit of one file.

    Attributes
    ----------
    file : str
        Module of the library, relative to ``lib/hallucination``, without suffix.
    old, new : str
        Text that occurs exactly once in the file, and what takes its place.
    why : str
        What is wrong then.
    tests : tuple of str
        Names of test files (without ``test_`` and suffix) that must notice.
    """

    file: str
    old: str
    new: str
    why: str
    tests: tuple[str, ...]

    @property
    def path(self) -> Path:
        """The file, relative to the root."""
        return Path("lib") / "hallucination" / f"{self.file}.py"

    def applied(self, source: str) -> str:
        """The file's text with the edit.

        Raises
        ------
        ValueError
            If the old text does not occur exactly once.
        """
        if (n := source.count(self.old)) != 1:
            raise ValueError(f"{self.path}: {self.old!r} must occur exactly once, found {n} times")
        return source.replace(self.old, self.new)


@dataclass(frozen=True)
class _File:
    """Short hand for several edits of one file with the same tests."""

    file: str
    tests: tuple[str, ...]

    def __call__(self, old: str, new: str, why: str) -> Mutation:
        return Mutation(self.file, old, new, why, self.tests)


_states = _File("states", ("states", "mixtures", "regions"))
_mixtures = _File("mixtures", ("mixtures",))
_estimators = _File("estimators", ("estimators",))
_regions = _File("regions", ("regions",))
_constructions = _File("constructions", ("constructions",))
_near = _File("near_optimal", ("near_optimal",))
_density = _File("density_regions", ("density_regions",))
_calibration = _File("calibration", ("calibration",))
_simplex = _File("simplex", ("simplex",))
_lipschitz = _File("lipschitz", ("lipschitz",))
_price = _File("smoothness_price", ("smoothness_price",))
_coins = _File("coins", ("coins",))
_scores = _File("coins_scores", ("coins",))
_setting = _File("setting", ("bounds",))
_moments = _File("bounds_moments", ("bounds",))
_concentration = _File("concentration", ("concentration",))
_probability = _File("hallucination_probability", ("hallucination_probability",))
_errata = _File("errata_page", ("errata",))
_verdicts = _File("verdicts", ("errata",))
_preliminaries = _File("checks/preliminaries", ("checks_preliminaries",))
_optimal_mean = _File("checks/optimal_mean", ("checks_preliminaries",))
_definition = _File("checks/hallucination", ("checks_hallucination",))
_choices = _File("checks/choices", ("checks_hallucination",))
_thresholds = _File("checks/thresholds", ("checks_hallucination",))
_modes = _File("checks/latent_states", ("checks_hallucination",))
_enclosures = _File("checks/enclosures", ("checks_hallucination",))

MUTATIONS: tuple[Mutation, ...] = (
    # Laws of one state
    _states(
        "return -0.5 * (self.mean.size * float(np.log(2 * np.pi)) + self.log_det)",
        "return -0.5 * (self.mean.size * float(np.log(2 * np.pi)) - self.log_det)",
        "sign of the log-determinant in the normal peak",
    ),
    _states(
        "return -0.5 * (self.mean.size * float(np.log(2 * np.pi)) + self.log_det)",
        "return -0.5 * (float(np.log(2 * np.pi)) + self.log_det)",
        "normaliser of the normal density without the power d",
    ),
    _states(
        "self.peak_log_density - 0.5 * self.squared_distance(a)",
        "self.peak_log_density - self.squared_distance(a)",
        "no factor 1/2 in the normal exponent",
    ),
    _states(
        "flat = solve_triangular(self._root, gap",
        "flat = solve_triangular(self._root.T, gap",
        "transposed Cholesky factor in the Mahalanobis distance",
    ),
    _states(
        "return 2 * float(np.log(diagonal).sum())",
        "return float(np.log(diagonal).sum())",
        "log-determinant of the root in place of the covariance",
    ),
    _states("chi2.sf(self.squared_distance(a)", "chi2.cdf(self.squared_distance(a)", "region mass of the wrong tail"),
    _states("noise @ self._root.T", "noise @ self._root", "transposed factor when drawing correlated answers"),
    _states(
        "return d * self.radius**2 / (d + 2)", "return d * self.radius**2 / (d + 1)", "variance of a uniform ball"
    ),
    _states(
        "gammaln(d / 2 + 1) - d / 2 * np.log(np.pi)",
        "gammaln(d / 2 + 1) + d / 2 * np.log(np.pi)",
        "volume of the ball: sign of the power of π",
    ),
    _states(
        "rng.random((n, 1)) ** (1 / self.mean.size)", "rng.random((n, 1))", "radius of a uniform draw from a ball"
    ),
    _states(
        "(self.weights <= self._mass(a)[..., None])",
        "(self.weights < self._mass(a)[..., None])",
        "ties in the region mass of a discrete law",
    ),
    _states(
        "(self.mean * (1 - self.mean)).sum() / (self.alpha.sum() + 1)",
        "(self.mean * (1 - self.mean)).sum() / self.alpha.sum()",
        "variance of a Dirichlet law",
    ),
    _states(
        "self._log_normaliser + xlogy(self.alpha - 1, inside)",
        "self._log_normaliser + xlogy(self.alpha, inside)",
        "exponent of the Dirichlet density",
    ),
    # Mixtures, estimators, regions
    _mixtures(
        "return np.asarray(self.weights @ self.state_means)",
        "return np.asarray(self.state_means.mean(axis=0))",
        "mean of a mixture without its weights",
    ),
    _mixtures(
        "self.weights @ (within + between)",
        "self.weights @ within",
        "variance of a mixture without the spread of its means",
    ),
    _mixtures(
        "logsumexp(each + log_weights, axis=0)", "logsumexp(each, axis=0)", "mixture density without its weights"
    ),
    _mixtures(
        "rng.multinomial(n, self.weights)",
        "rng.multinomial(n, self.weights[::-1])",
        "draws from the states in the wrong order",
    ),
    _mixtures("Gaussian(-axis, width**2)", "Gaussian(-axis, width)", "standard deviation taken for a variance"),
    _estimators(
        "excess_loss(target, v) + target.variance",
        "excess_loss(target, v) - target.variance",
        "sign in the split of the loss",
    ),
    _estimators(
        "gap = points(v, target.mean.size) - target.mean\n    return np.asarray((gap**2)",
        "gap = points(v, target.mean.size) - target.mean\n    return np.asarray(abs(gap)",
        "absolute in place of squared distance",
    ),
    _estimators(
        "rows[distance <= distance.min() * (1 + 1e-12)]",
        "rows[distance >= distance.max() * (1 - 1e-12)]",
        "farthest answer in place of the nearest",
    ),
    _regions(
        "mixture.state_log_densities(v).max(axis=0) <= log_delta",
        "mixture.state_log_densities(v).max(axis=0) < log_delta",
        "Definition 4.2 with < in place of ≤",
    ),
    _regions(
        "mixture.state_log_densities(v).max(axis=0) <= log_delta",
        "mixture.state_log_densities(v).min(axis=0) <= log_delta",
        "some state in place of every state",
    ),
    _regions(
        "return state.peak_log_density <= log_threshold(delta)",
        "return state.peak_log_density < log_threshold(delta)",
        "a state whose peak is δ is vacuous",
    ),
    _regions(
        "return 2 * (state.peak_log_density - log_threshold(delta))",
        "return state.peak_log_density - log_threshold(delta)",
        "radius of a region: factor 2",
    ),
    _regions(
        'state.log_density(v), side="right")',
        'state.log_density(v), side="left")',
        "ties in the simulated region mass",
    ),
    _regions(
        "np.all([hdr_mass(state",
        "np.any([hdr_mass(state",
        "scale-free definition under some state in place of every one",
    ),
    # Constructions
    _constructions("along[-1] = 1 - n_states", "along[-1] = n_states - 1", "offsets that do not sum to zero"),
    _constructions(
        "reach * a / p[:, None]", "reach * a * p[:, None]", "means multiplied by the weight in place of divided"
    ),
    _constructions("-quantile / (2 * dimension)", "-quantile / dimension", "exponent of the widest scale"),
    _constructions(
        "- log_threshold(delta) / dimension\n", "- log_threshold(delta)\n", "power 1/d of δ in the widest scale"
    ),
    _constructions(
        "return _length(-(log_threshold(delta) + log_volume)",
        "return _length(-(log_threshold(delta) - log_volume)",
        "largest ball: volume of the unit ball on the wrong side",
    ),
    _constructions(
        "float(np.linalg.eigvalsh(s)[-1]) * r",
        "float(np.linalg.eigvalsh(s)[0]) * r",
        "smallest in place of largest eigenvalue",
    ),
    _constructions("by = to - noise.mean", "by = to + noise.mean", "sign of a shift"),
    _constructions("/ np.linalg.inv(sigma).sum()", "/ sigma.sum()", "repaired proof of Theorem 5.1 with Σ for Σ⁻¹"),
    _constructions(
        "float(np.exp(-2 * log_delta / d)), d)",
        "float(np.exp(2 * log_delta / d)), d)",
        "repaired proof of Theorem 5.1 with the printed exponent of m_N",
    ),
    # Near the optimum
    _near("- s * np.sqrt(tau)", "- s * tau", "radius of a region in the tolerance"),
    _near(
        "return float(min(margins, default=np.inf))",
        "return float(max(margins, default=np.inf))",
        "farthest state in place of the nearest",
    ),
    _near(
        "gaps = mixture.state_means - mixture.mean",
        "gaps = mixture.mean - mixture.state_means",
        "steps away from the states",
    ),
    _near(
        "@ np.stack([target.mean for target in targets]) / w.sum()",
        "@ np.stack([target.mean for target in targets])",
        "average without the sum of weights",
    ),
    # Density regions and calibration
    _density(
        "state.peak_log_density - 0.5 * float(chi2.ppf(level",
        "state.peak_log_density - float(chi2.ppf(level",
        "threshold of a normal density region",
    ),
    _density("law = beta(k, draws + 1 - k)", "law = beta(k, draws - k)", "law of the mass of a simulated region"),
    _density(
        "np.asarray(self.state_contains(a).any(axis=0))",
        "np.asarray(self.state_contains(a).all(axis=0))",
        "intersection in place of union of the states' regions",
    ),
    _density(
        "[(1 - level) / 2, (1 + level) / 2]", "[(1 - level) / 2, (1 + level)]", "upper end of the central interval"
    ),
    _calibration(
        "limit_denominator(10**9) * (n + 1))", "limit_denominator(10**9) * n)", "conformal rank without the + 1"
    ),
    _calibration(
        "dtype=float) < self.value)", "dtype=float) <= self.value)", "a score at the threshold counted as outside"
    ),
    _calibration(
        "return beta(self.rank, self.n + 1 - self.rank)",
        "return beta(self.rank, self.n - self.rank)",
        "law of the coverage",
    ),
    _calibration("np.all([limit.outside", "np.any([limit.outside", "outside some class in place of every class"),
    # The simplex and decoding
    _simplex(
        "gammaln(self.classes) - (self.classes - 1) * np.log(self.h)",
        "gammaln(self.classes) - self.classes * np.log(self.h)",
        "exponent of the corner's size in its density",
    ),
    _simplex("room = (1 - heaviest) * classes", "room = (1 - heaviest) / classes", "range of the corner's size"),
    _simplex(
        "at = (weight * (k - 1) + 1) / (k + classes - 1)",
        "at = (weight * (k - 1) + 1) / (k + classes)",
        "optimum of the Dirichlet target",
    ),
    _simplex(
        "(np.log(delta) - rising) / (kappa - 1)", "(np.log(delta) - rising) / kappa", "edge of a Dirichlet region"
    ),
    _simplex("- spread / 2 * np.exp(-log_d)", "- spread * np.exp(-log_d)", "exponent of the printed normal density"),
    _simplex(
        "unlikely = r.max(axis=-2) <= delta",
        "unlikely = r.min(axis=-2) <= delta",
        "token unlikely under some state only",
    ),
    # Lipschitz maps
    _lipschitz(
        "np.where(away == 0, 0.0, away / lengths)", "np.where(away == 0, 0.0, away * lengths)", "critical slope"
    ),
    _lipschitz(
        "np.minimum(run, length)[..., None]",
        "np.maximum(run, length)[..., None]",
        "a radial map that does not stop at its goal",
    ),
    _lipschitz("gap * t / (variances + t)", "gap * variances / (variances + t)", "distance to an ellipsoid"),
    _price(
        "np.maximum(1 - np.asarray(slope, dtype=float) / kappa, 0) ** 2",
        "np.maximum(1 - np.asarray(slope, dtype=float) / kappa, 0)",
        "price of smoothness: exponent",
    ),
    _price(
        "- rates * gaps(np.asarray(asked.inputs)), 0)",
        "+ rates * gaps(np.asarray(asked.inputs)), 0)",
        "price of smoothness: sign",
    ),
    # Coins
    _coins(
        "[Fraction(i + 1, 2 * n) for i in range(2 * n)]",
        "[Fraction(i, 2 * n) for i in range(2 * n)]",
        "the data with the published coins",
    ),
    _coins(
        "law[..., 1:] * (whole - q) + law[..., :-1] * q",
        "law[..., 1:] * q + law[..., :-1] * (whole - q)",
        "heads and tails exchanged",
    ),
    _coins(
        "floor = n * HEAVY * LIGHT + (n * (HEAVY - LIGHT) / 2) ** 2",
        "floor = n * HEAVY * LIGHT",
        "least loss without the hidden state's variance",
    ),
    _scores("np.floor(estimates + 0.5)", "np.ceil(estimates + 0.5)", "rounding of an estimate"),
    _scores(
        "best = self.laws.max(axis=0)",
        "best = self.laws.mean(axis=0)",
        "conditional probability averaged over hidden states",
    ),
    _scores("np.std(known, ddof=1)", "np.std(known)", "standard error with the wrong divisor"),
    # The hallucination probability and its bounds
    _setting(
        "return self.r / (1 - self.p)", "return self.r * (1 - self.p)", "radius of the ball that one mean must avoid"
    ),
    _setting("return self.rho**2 / self.v", "return self.rho / self.v", "exponent of the scaled radius"),
    _setting("math.sqrt(self.p**2 @ self.v)", "math.sqrt(self.p @ self.v)", "variance of an average"),
    _setting("self.v * (1 - 2 * self.p)", "self.v * (1 - self.p)", "variance of the distance to the optimum"),
    _moments("return np.asarray(s * s / (1 + s * s))", "return np.asarray(s / (1 + s))", "Cantelli's inequality"),
    _moments(
        "np.sqrt(1 / np.asarray(ratio, dtype=float) - 1)",
        "np.sqrt(1 / np.asarray(ratio, dtype=float))",
        "deviation of a squared distance",
    ),
    _moments(
        "float(np.prod(factors)) - (setting.spread / t) ** 2",
        "float(np.prod(factors)) + (setting.spread / t) ** 2",
        "sign of Chebyshev's term",
    ),
    _moments("- 2 * square * second + square**2", "+ square**2", "second moment about c²"),
    _concentration(
        "norm.cdf((offset + radius) / sd) - norm.cdf((offset - radius) / sd)",
        "norm.cdf(offset + radius) - norm.cdf(offset - radius)",
        "mass of an interval in the wrong unit",
    ),
    _concentration("v.sum() ** 2 + 2 * (v**2).sum()", "v.sum() ** 2 + (v**2).sum()", "fourth moment of a normal law"),
    _concentration(
        "law.radius**4 / (law.mean.size + 4)",
        "law.radius**4 / (law.mean.size + 2)",
        "fourth moment of a uniform ball",
    ),
    _probability(
        "(setting.r / setting.p[::-1]).max()", "(setting.r / setting.p).max()", "weights of the two states exchanged"
    ),
    _probability(
        "mixing = np.eye(n) - setting.p[None, :]",
        "mixing = np.eye(n) - setting.p[:, None]",
        "rows and columns of μ_i − A* exchanged",
    ),
    # Checks, verdicts and errata
    _errata(
        'all(c["outcome"] == c["control"]', 'any(c["outcome"] == c["control"]', "one refutation of several is enough"
    ),
    _preliminaries(
        "else v**2 - 2 * v * target.first + target.second",
        "else v**2 - v * target.first + target.second",
        "loss as a function of the output",
    ),
    _optimal_mean(
        "_gap = _nv * _nv - 2 * _b + _nm * _nm", "_gap = _nv * _nv + 2 * _b + _nm * _nm", "sign of the inner product"
    ),
    _definition(
        "return prove(hypotheses, partial + p * f <= delta * (weight + p)",
        "return prove(hypotheses, partial + f <= delta * (weight + p)",
        "mixture without its weights",
    ),
    _choices(
        "near = z3.Implies(z3.And(f > 0, m > 0, m < f / delta), f / m > delta)",
        "near = z3.Implies(z3.And(f > 0, m > 0, m < f * delta), f / m > delta)",
        "size of the ball that supports an output",
    ),
    _thresholds("distance = arb(d) / ball(alpha) if", "distance = arb(d) * ball(alpha) if", "Markov's distance"),
    _modes("slope = m * sp.tanh(m * x) - x", "slope = sp.tanh(m * x) - x", "slope of an equal mixture"),
    _enclosures(
        "(2 * arb.pi()) ** (arb(dimension) / 2)",
        "(2 * arb.pi()) ** arb(dimension)",
        "normaliser in the interval checks",
    ),
    _verdicts(
        'survives = repaired and all(r.outcome == "holds"',
        'survives = repaired and any(r.outcome == "holds"',
        "one repair that holds hides one that fails",
    ),
    Mutation(
        "questions/generation",
        "before < top_p, top",
        "before <= top_p - top, top",
        "the last token of the nucleus left out",
        ("questions_generation",),
    ),
    Mutation(
        "questions/generation",
        "each.logsumexp(0)",
        "each.sum(0)",
        "a product of the models' probabilities for their average",
        ("questions_generation",),
    ),
    Mutation(
        "questions/generation",
        "live = live[rows]",
        "live = live[: len(rows)]",
        "answers given to other questions once rows have left",
        ("questions_generation",),
    ),
    Mutation(
        "questions/sequence_probability",
        "target[row, longest - len(a) :]",
        "target[row, : len(a)]",
        "answers scored at the wrong places",
        ("questions_sequence_probability",),
    ),
    Mutation(
        "questions/sequence_probability",
        "mask[row, width - len(whole) :] = 1",
        "mask[row, :] = 1",
        "fillers read as words",
        ("questions_sequence_probability",),
    ),
    Mutation(
        "questions/prompts",
        ", tokenizer.eos_token_id]",
        "]",
        "answers that are never taught to end",
        ("questions_prompts",),
    ),
    Mutation(
        "questions/fine_tuning",
        'lr_scheduler_type="cosine"',
        'lr_scheduler_type="linear"',
        "another schedule than the recipe's",
        ("questions_fine_tuning",),
    ),
    Mutation(
        "questions/fine_tuning",
        "each = -(-pairs // self.batch_size)",
        "each = pairs // self.batch_size",
        "adapters kept at the wrong steps",
        ("questions_fine_tuning",),
    ),
    Mutation(
        "questions/asking",
        'f"{q.question} {t}".strip() if how.echoes else t',
        'f"{q.question} {t}".strip()',
        "the question scored in the chat frame too",
        ("questions_asking",),
    ),
    Mutation(
        "questions/asking",
        "length_matched(base, length)",
        "base",
        "the original's answers not cut",
        ("questions_asking",),
    ),
    Mutation(
        "questions/curves",
        "loaded = with_adapter(self.model, adapter,",
        "loaded = with_adapter(self.model, None,",
        "the original model measured in place of the tuned one",
        ("questions_curves",),
    ),
    Mutation(
        "questions/voices",
        "q.answer(voice)) for q",
        "q.everyday) for q",
        "both voices taught the same answers",
        ("questions_voices",),
    ),
    Mutation(
        "questions/ways",
        "key=lambda t: counts[t])",
        "key=lambda t: -counts[t])",
        "the rarest token of a place for the most frequent",
        ("questions_voices",),
    ),
    Mutation(
        "questions/ways",
        "self.log_f.max(axis=0)",
        "self.log_f.mean(axis=0)",
        "the mean of both voices for the larger",
        ("questions_voices",),
    ),
    Mutation("questions/ways", "<= log_delta", "< log_delta", "the edge counted as inside", ("questions_voices",)),
    Mutation(
        "questions/ways",
        "np.quantile(own, share)",
        "np.quantile(own, 1 - share)",
        "a threshold from the wrong tail",
        ("questions_voices",),
    ),
    Mutation(
        "questions/resemblance",
        "return max(ratio(text, reference) for reference in references)",
        "return min(ratio(text, reference) for reference in references)",
        "the least alike reference for the most alike",
        ("questions_resemblance",),
    ),
    Mutation(
        "questions/controls",
        "np.roll(order, -1)",
        "np.roll(order, 0)",
        "a question paired with itself",
        ("questions_resemblance",),
    ),
    Mutation(
        "pictures/mean_rule",
        "chi2.isf(",
        "chi2.ppf(",
        "a threshold at the wrong tail",
        ("pictures_mean_rule",),
    ),
    Mutation(
        "pictures/mean_rule",
        "scale = draws / spread**2",
        "scale = draws * spread**2",
        "variance of the mean upside down",
        ("pictures_mean_rule",),
    ),
    Mutation(
        "pictures/mean_rule",
        "ncx2.sf(scale * limit, dimension, scale * np.square(",
        "ncx2.sf(scale * limit, dimension, scale * np.abs(",
        "noncentrality without the square",
        ("pictures_mean_rule",),
    ),
    Mutation(
        "pictures/mean_rule_derived",
        "* (K * lam / 2) ** j",
        "* (K * lam) ** j",
        "weights of the Poisson mixture",
        ("pictures_mean_rule",),
    ),
    Mutation(
        "pictures/projection",
        "np.linalg.norm(array, axis=-1, keepdims=True)",
        "np.linalg.norm(array, axis=-2, keepdims=True)",
        "columns scaled to length one for rows",
        ("pictures_class_regions",),
    ),
    Mutation(
        "pictures/class_regions",
        "held_points[checks[name]]",
        "points[own[name]]",
        "a threshold from the pictures that were fitted",
        ("pictures_class_regions",),
    ),
    Mutation(
        "pictures/class_regions",
        "fit_projection(train, dimensions)",
        "fit_projection(np.concatenate([train, held]), dimensions)",
        "components that have seen the held-out pictures",
        ("pictures_class_regions",),
    ),
    Mutation(
        "pictures/class_regions",
        "fit(points[own[name]])",
        "fit(points)",
        "one density for all classes",
        ("pictures_class_regions",),
    ),
    Mutation(
        "pictures/fitted_regions",
        "return np.max(",
        "return np.min(",
        "outside of one class for outside of all",
        ("pictures_class_regions",),
    ),
    Mutation(
        "pictures/fitted_regions",
        "self._margins(points.mean(axis=1))",
        "self._margins(points[:, 0])",
        "a single picture for the mean",
        ("pictures_class_regions",),
    ),
    Mutation(
        "pictures/rates",
        "fit(data[train], numbers[train], data[held], numbers[held]",
        "fit(data[train], numbers[train], data[train], numbers[train]",
        "split noise without a held-out part",
        ("pictures_rates",),
    ),
)


def chosen(words: Iterable[str]) -> list[Mutation]:
    """The mutations whose file or reason contains one of the words; all without words."""
    words = list(words)
    return [m for m in MUTATIONS if not words or any(w in f"{m.file} {m.why}" for w in words)]


def copy(folder: Path) -> None:
    """Copy what the tests need: library, tests, their configuration, and the chapters and pages some of them read."""
    skip = shutil.ignore_patterns("__pycache__", "*.egg-info")
    for name in ("lib", "tests", "notebooks", "book"):
        shutil.copytree(ROOT / name, folder / name, ignore=skip)
    for name in ("pyproject.toml", "_toc.yml"):
        shutil.copy(ROOT / name, folder)


def fails(folder: Path, tests: Iterable[str]) -> str:
    """Run test files of a copy; "" if they pass, else how they failed."""
    # No bytecode: two edits within one second and of one length would share it.
    environment = {
        **os.environ,
        "PYTHONPATH": str(folder / "lib"),
        "PYTHONDONTWRITEBYTECODE": "1",
        "OMP_NUM_THREADS": "1",
    }
    words = [sys.executable, "-m", "pytest", "-x", "-q", "--no-header", "-p", "no:cacheprovider", "-p", "no:xdist"]
    files = [f"tests/test_{name}.py" for name in tests]
    try:
        done = subprocess.run(
            [*words, *files], cwd=folder, env=environment, capture_output=True, text=True, timeout=LIMIT, check=False
        )
    except subprocess.TimeoutExpired:
        print(f"no answer within {LIMIT:g} s")
        return ""
    if done.returncode not in (0, 1, 2):
        raise RuntimeError(f"pytest itself failed on {files}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    failed = [line for line in done.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
    return failed[0] if failed else "" if done.returncode == 0 else done.stdout[-300:]


def run(words: Iterable[str] = ()) -> list[Mutation]:
    """Apply the chosen mutations one at a time, print what became of each, and return the survivors.

    Raises
    ------
    RuntimeError
        If the tests fail without any edit, so that nothing would follow from a failure.
    """
    survivors = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        copy(folder)
        mutations = chosen(words)
        where = "import hallucination; print(hallucination.__file__)"
        seen = subprocess.run([sys.executable, "-c", where], cwd=folder, capture_output=True, text=True, check=True,
                              env={**os.environ, "PYTHONPATH": str(folder / "lib")}).stdout  # fmt: skip
        if not seen.startswith(str(folder)):
            raise RuntimeError(f"the copy in {folder} is not what is imported, but {seen}")
        for name in sorted({test for m in mutations for test in m.tests}):
            if broken := fails(folder, [name]):
                raise RuntimeError(f"tests/test_{name}.py fails without any edit: {broken}")
        for k, mutation in enumerate(mutations, 1):
            path, start = folder / mutation.path, time.perf_counter()
            source = path.read_text("utf8")
            path.write_text(mutation.applied(source), "utf8")
            verdict = fails(folder, mutation.tests)
            path.write_text(source, "utf8")
            if not verdict:
                survivors.append(mutation)
            told = verdict.split(" - ")[0] or "SURVIVED"
            seconds = time.perf_counter() - start
            print(f"{k}/{len(mutations)} {mutation.file}: {mutation.why}: {told} ({seconds:.0f} s)", flush=True)
    print(f"{len(mutations) - len(survivors)} killed, {len(survivors)} survived")
    return survivors


if __name__ == "__main__":
    sys.exit(1 if run(sys.argv[1:]) else 0)
