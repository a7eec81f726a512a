"""The interactive figure of the bounds of §6: laws × N × r, computed here and drawn by bound-explorer.js.

Equal weights and variance 1. The page holds all numbers, so that neither a kernel nor a network is needed. The laws
are those that chapter 7 offers by name.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from string import Template
from typing import Any, NamedTuple

import numpy as np
from matplotlib.figure import Figure
from scipy import stats

from hallucination import bounds
from hallucination.concentration import scalar_law
from hallucination.figures import COLOURS, legend_above, show_live, subplots, whole
from hallucination.hallucination_probability import exact
from hallucination.numerals import number, superscript
from hallucination.scalar_sums import Lattice, escape_probability
from hallucination.setting import Bound, Setting
from hallucination.simulation import Estimate, monte_carlo
from hallucination.states import Array, Discrete, Gaussian, Scalar, State, UniformBall

GUMBEL = math.sqrt(6) / math.pi  # SciPy's scale of the Gumbel law of variance 1
LAWS: Mapping[str, Callable[[float], State]] = {
    "normal": lambda s: Gaussian([0.0], s**2),
    "uniform": lambda s: UniformBall([0.0], math.sqrt(3) * s),
    "laplace": lambda s: Scalar(stats.laplace(0, s / math.sqrt(2))),
    "logistic": lambda s: Scalar(stats.logistic(0, s * math.sqrt(3) / math.pi)),
    "t5": lambda s: Scalar(stats.t(5, 0, s * math.sqrt(3 / 5))),
    "t3": lambda s: Scalar(stats.t(3, 0, s / math.sqrt(3))),
    "t2": lambda s: Scalar(stats.t(2, 0, s)),
    "exponential": lambda s: Scalar(stats.expon(-s, s)),
    "gumbel": lambda s: Scalar(stats.gumbel_r(-np.euler_gamma * s * GUMBEL, s * GUMBEL)),
    "two-point": lambda s: Discrete([[-s], [s]], [0.5, 0.5]),
    "skewed": lambda s: Discrete([[-0.5 * s], [2.0 * s]], [0.8, 0.2]),
    "lazy": lambda s: Discrete([[-math.sqrt(5) * s], [0.0], [math.sqrt(5) * s]], [0.1, 0.8, 0.1]),
}
SHOWN = {
    "normal": "normal",
    "uniform": "uniform",
    "laplace": "Laplace",
    "t5": "Student t, 5 degrees of freedom",
    "exponential": "exponential (not symmetric)",
    "two-point": "two points, ±1",
}
STATES = (2, 3, 5, 10)
RADII = (0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6)


@cache
def law_named(name: str, scale: float = 1.0) -> State:
    """A law of a number with mean 0, by name: the same object for the same arguments.

    Parameters
    ----------
    name : str
        One of `LAWS`.
    scale : float
        Standard deviation (for "t2", whose variance is infinite, SciPy's scale).

    Raises
    ------
    ValueError
        If there is no such law, or the scale is not positive and finite.
    """
    if name not in LAWS:
        raise ValueError(f"law must be one of {', '.join(LAWS)}, got {name!r}")
    if not 0 < scale < math.inf:
        raise ValueError(f"scale must be positive and finite, got {scale!r}")
    return LAWS[name](scale)


def probability(setting: Setting, draws: int, seed: int) -> tuple[Estimate, Estimate]:
    """P_H by the best method for the laws, and by Monte Carlo; the first is the second where no other can be trusted.

    Parameters
    ----------
    setting : Setting
        With laws.
    draws, seed
        Of the Monte Carlo estimate.

    Notes
    -----
    An enumeration is always trusted: where A* can lie exactly on the edge of a disc, rounding decides in the draws. A
    quadrature is trusted if its own error is below the standard error of the draws, or negligible, and both agree
    within five standard errors.
    """
    drawn = monte_carlo(setting.p, setting.known_laws, setting.r, draws, seed)
    try:
        computed = exact(setting)
    except ValueError:  # no other method for a mixture of kinds
        return drawn, drawn
    if computed.method == "enumeration":
        return computed, drawn
    settled = computed.error == 0 or computed.error <= max(drawn.error, 1e-6)
    agree = abs(computed.value - drawn.value) <= 5 * (drawn.error + computed.error)
    return (computed if settled and agree else drawn), drawn


class Cell(NamedTuple):
    """One cell of the table: P_H, the right side of Theorem 6.1 (None if not met), and what we prove.

    All numbers have three significant digits, bounds rounded down and P_H to nearest.
    """

    truth: float
    printed: float | None
    product: float
    union: float
    moments: float | None
    best: float
    name: str


CURVES = {
    "truth": ("P_H itself", "0"),
    "product": ("product bound, from the laws", "9 4"),
    "union": ("union bound, from the laws", "2 4"),
    "moments": ("product bound, from moments", "9 4 2 4"),
    "printed": ("printed bound", "4 7"),
}
NAMES = ("product bound", "union bound", "bound for two states", "shifted bound", "moments")


def _three(x: float | None) -> float | None:
    """Round down to three significant digits."""
    if x is None or x == 0:
        return x
    unit = 10.0 ** (math.floor(math.log10(x)) - 2)
    return float(f"{math.floor(x / unit + 1e-9) * unit:.3g}")


def _value(found: Bound) -> float:
    return found.value or 0.0


def evaluate(name: str, states: int, radius: float) -> Cell:
    """One cell for equal weights and variance 1; parameters as in `table`."""
    law = law_named(name)
    setting = Setting(np.full(states, 1 / states), radius, [law] * states)
    discrete = isinstance(law, Discrete)
    truth = exact(setting).value if discrete else _truth(name, states, radius)
    moments = bounds.product_moments(setting).value
    two = max(_value(bounds.two_states_laws(setting)), _value(bounds.two_states_moments(setting)))
    shifted = _value(bounds.shifted_laws(setting)) if discrete else 0.0
    product, union = _value(bounds.product_laws(setting)), _value(bounds.union_laws(setting))
    ours = (product, union, two, shifted, moments or 0.0)
    best = max(ours)
    return Cell(
        float(f"{truth:.3g}"),
        _three(bounds.paper(setting).value),
        _three(product) or 0.0,
        _three(union) or 0.0,
        _three(moments),
        _three(best) or 0.0,
        NAMES[ours.index(best)] if best else "none",
    )


def _truth(name: str, states: int, radius: float) -> float:
    """P_H of a continuous law, good to three digits (a test compares with `exact`) and fast.

    Two states: the average of Pr[|μ_2 − x| > 2r] over midpoints x of intervals of equal probability of μ_1.
    """
    lattice = _lattice(name, states)
    if states > 2:
        return escape_probability(lattice, np.full(states, radius), 100, 1e-8)
    law = lattice.laws[0]
    return float((law.sf(_midpoints(name) + 2 * radius) + law.cdf(_midpoints(name) - 2 * radius)).mean())


@cache
def _lattice(name: str, states: int) -> Lattice:
    """Lattice of A*."""
    law = scalar_law(law_named(name))
    return Lattice(np.full(states, 1 / states), [law] * states, 1 << 12, 1e-7)


@cache
def _midpoints(name: str, count: int = 4000) -> Array:
    return np.asarray(scalar_law(law_named(name)).ppf((np.arange(count) + 0.5) / count))


Table = dict[tuple[str, int, float], Cell]


def table() -> Table:
    """All cells of the figure: every law of `SHOWN`, N of `STATES` and r of `RADII`; takes some seconds."""
    return {(law, n, r): evaluate(law, n, r) for law in SHOWN for n in STATES for r in RADII}


@dataclass(frozen=True)
class BoundExplorer:
    """One frame of the interactive figure.

    Attributes
    ----------
    cells : Table
        From `table`.
    law : str
        Of `SHOWN`.
    states : int
        Of `STATES`.
    radius : float
        Of `RADII`.
    """

    cells: Table
    law: str
    states: int
    radius: float

    @property
    def cell(self) -> Cell:
        """What the frame shows."""
        return self.cells[self.law, self.states, self.radius]

    @property
    def lowest(self) -> int:
        """Exponent at which the vertical axis starts: a multiple of 4."""
        shown = [v for r in RADII for k in CURVES if (v := getattr(self.cells[self.law, self.states, r], k))]
        return 4 * math.floor(math.log10(min(shown)) / 4)

    def sentence(self) -> str:
        """State the frame in words."""
        c, where = self.cell, f"Law: {SHOWN[self.law]}; N = {self.states}, r = {number(self.radius)}."
        ours = (
            f"Our best bound here is {number(c.best)} ({c.name}), {number(c.best / c.truth)} of it."
            if c.best
            else "None of our bounds says more than 0 here."
        )
        if c.printed is None:
            reach = number(1 / math.sqrt(self.states) + self.radius)
            printed = f"The printed bound does not apply: d + r = {reach} is not below √v = 1."
        else:
            factor = round(math.log10(c.truth / c.printed))
            small = f"too small by a factor of about 10{superscript(factor)}"
            printed = f"The printed bound is {number(c.printed)}, {small}."
        return f"{where} The probability P_H is {number(c.truth)}. {ours} {printed}"


def show_bound_explorer(
    cells: Table, law: str = "normal", states: int = 3, radius: float = 0.1, ident: str = "bound-explorer"
) -> None:
    """Display the interactive figure; in print, and where HTML does not show, its first frame as a picture.

    Parameters
    ----------
    cells : Table
        From `table`.
    law, states, radius
        The first frame (see `BoundExplorer`).
    ident : str
        HTML id, one per figure on a page.
    """
    frame = BoundExplorer(cells, law, states, radius)
    show_live(explorer_html(frame, ident), _picture(frame), frame.sentence())


INKS = ("#000000", COLOURS[0], COLOURS[2], COLOURS[3], COLOURS[1])


def _picture(frame: BoundExplorer) -> Figure:
    (ax,) = subplots(height=3.8)
    for (key, (label, dashes)), ink in zip(CURVES.items(), INKS, strict=True):
        pairs = [(r, v) for r in RADII if (v := getattr(frame.cells[frame.law, frame.states, r], key))]
        style: Any = "-" if dashes == "0" else (0, tuple(float(d) / 2 for d in dashes.split()))
        ax.plot(*zip(*pairs, strict=True), color=ink, linestyle=style, label=label)
    ax.axvline(frame.radius, color="black", linestyle=":", linewidth=1)
    ax.set(yscale="log", ylim=(10.0**frame.lowest, 3.0), xlabel="radius $r$", ylabel="probability")
    legend_above(ax)
    return whole(ax)


BOX = {"left": 64, "right": 606, "top": 14, "bottom": 280}


def _px(radius: float) -> float:
    return BOX["left"] + radius / RADII[-1] * (BOX["right"] - BOX["left"])


def _py(value: float, lowest: int) -> float:
    return BOX["top"] + math.log10(value) / lowest * (BOX["bottom"] - BOX["top"])


def explorer_html(frame: BoundExplorer, ident: str) -> str:
    """Write the figure's HTML: a first frame that needs no script, and hidden controls that the script shows."""
    data = [
        [[[c.truth, c.printed, c.product, c.union, c.moments, c.best, [*NAMES, "none"].index(c.name)]
          for r in RADII for c in [frame.cells[law, n, r]]] for n in STATES] for law in SHOWN
    ]  # fmt: skip
    parts = {
        "ident": ident,
        "data": json.dumps(data, separators=(",", ":")),
        "radii": json.dumps(RADII),
        "ticks": _ticks(frame.lowest),
        "marks": "".join(_mark(x) for x in (0, 0.2, 0.4, 0.6)),
        "curves": "".join(_curve(frame, key, k) for k, key in enumerate(CURVES)),
        "at": f"{_px(frame.radius):.1f}",
        "rows": "".join(_row(frame, key, k) for k, key in enumerate(CURVES)),
        "law": _select(ident, "law", "law of the means", list(SHOWN.values()), list(SHOWN).index(frame.law)),
        "states": _select(ident, "states", "states N", [str(n) for n in STATES], STATES.index(frame.states)),
        "last": len(RADII) - 1,
        "index": RADII.index(frame.radius),
        "radius": number(frame.radius),
        "text": frame.sentence(),
    }
    return _TEMPLATE.substitute(parts)


def _line(key: str, k: int) -> str:
    """Attributes of a curve's line: no two curves have the same dashes."""
    return f'style="stroke:var(--curve-{k}, {INKS[k]})" stroke-width="2.5" stroke-dasharray="{CURVES[key][1]}"'


def _curve(frame: BoundExplorer, key: str, k: int) -> str:
    pairs = [(r, v) for r in RADII if (v := getattr(frame.cells[frame.law, frame.states, r], key))]
    places = [(r, f"{_px(r):.1f}", f"{_py(v, frame.lowest):.1f}") for r, v in pairs]
    path = "M" + "L".join(f"{x},{y}" for _, x, y in places) if places else ""
    dots = "".join(f'<circle cx="{x}" cy="{y}" r="4"/>' for r, x, y in places if r == frame.radius)
    return (
        f'<path class="curve-{key}" d="{path}" {_line(key, k)} fill="none"/>'
        f'<g class="dot-{key}" style="fill:var(--curve-{k}, {INKS[k]})">{dots}</g>'
    )


def _row(frame: BoundExplorer, key: str, k: int) -> str:
    value, size = getattr(frame.cell, key), 'viewBox="0 0 56 12" width="56" height="12"'
    return (
        f'<tr><td><svg {size} aria-hidden="true"><path d="M0,6H56" {_line(key, k)}/>'
        f'</svg></td><th scope="row">{CURVES[key][0]}</th>'
        f'<td class="value-{key}">{"not met" if value is None else number(value)}</td></tr>'
    )


def _mark(x: float) -> str:
    return f'<text x="{_px(x):.1f}" y="302" text-anchor="middle">{x:g}</text>'


def _ticks(lowest: int) -> str:
    marks = ""
    for k in range(5):
        y, exponent = BOX["top"] + k / 4 * (BOX["bottom"] - BOX["top"]), str(lowest * k // 4).replace("-", "−")
        power = f'10<tspan dy="-6" font-size="70%">{exponent}</tspan>'
        marks += f'<text x="58" y="{y + 5:.1f}" text-anchor="end">{power}</text>'
    return marks


def _select(ident: str, name: str, label: str, options: list[str], chosen: int) -> str:
    rows = "".join(
        f'<option value="{k}"{" selected" if k == chosen else ""}>{text}</option>' for k, text in enumerate(options)
    )
    return f'<label for="{ident}-{name}">{label}</label><select id="{ident}-{name}" name="{name}">{rows}</select>'


_TEMPLATE = Template("""<div class="live-figure bound-explorer" id="$ident" data-cells="$data" data-radii="$radii">
<svg viewBox="0 0 640 330" role="img" aria-labelledby="$ident-title $ident-desc" font-size="15" fill="currentColor">
<title id="$ident-title">The probability of hallucination and lower bounds of it, against the radius</title>
<desc id="$ident-desc">Five falling curves over the radius r on a logarithmic axis: the true probability on top
(solid), the product bound and the union bound from the laws close below it, the product bound from moments further
down, and the printed bound far below all of them. A dotted vertical line marks the chosen radius. The table and the
sentence below say the same in numbers and words.</desc>
<path d="M64,14V280H606" fill="none" stroke="currentColor"/><g class="ticks">$ticks</g>$marks
<text x="335" y="326" text-anchor="middle">radius r, in standard deviations of a mean</text>
$curves<g class="at" transform="translate($at,0)"><path d="M0,14V280" stroke="currentColor"
 stroke-dasharray="2 4"/></g>
</svg>
<table class="live-table"><caption class="live-caption">Values at the dotted line</caption>
<tbody>$rows</tbody></table>
<div class="live-controls" hidden>$law<span></span>$states<span></span>
<label for="$ident-radius">radius r</label><input type="range" id="$ident-radius" name="radius" min="0" max="$last"
 step="1" value="$index" aria-valuetext="$radius"><output for="$ident-radius">$radius</output></div>
<p class="live-text" aria-live="polite">$text</p>
</div>""")
