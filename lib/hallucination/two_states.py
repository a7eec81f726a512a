"""The interactive figure of two normal states: SVG and native sliders, computed in the browser by two-states.js.

Python draws the first frame from `mixtures` and `regions`; the script repeats the same formulas, and a test compares
the two on a grid.
"""

from __future__ import annotations

import html
import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from string import Template

import numpy as np
from matplotlib.figure import Figure

from hallucination.estimators import bayes_act
from hallucination.figures import COLOURS, HATCHES, legend_above, show_live, state_lines, subplots, whole
from hallucination.mixtures import Mixture, two_gaussians
from hallucination.numerals import number
from hallucination.regions import delta_hallucinates, is_vacuous, squared_radius
from hallucination.states import Array, Gaussian


@dataclass(frozen=True)
class TwoStates:
    """One frame of the interactive figure: two normal states of equal width.

    Attributes
    ----------
    separation, width : float
        Distance of the means and standard deviation, in the unit of the answers.
    weight : float
        Probability of state 1, the left one.
    delta : float
        Threshold of Definition 4.2.
    """

    separation: float
    weight: float
    width: float
    delta: float

    @cached_property
    def mixture(self) -> Mixture:
        """The target."""
        return two_gaussians(self.weight, self.separation, self.width)

    @property
    def mean(self) -> float:
        """The optimal output E."""
        return float(bayes_act(self.mixture)[0])

    @property
    def densities(self) -> Array:
        """Densities of the two states at E, shape (2,)."""
        return np.asarray(np.exp(self.mixture.state_log_densities([self.mean])))

    @property
    def radius(self) -> float:
        """Half the length of each state's region; zero if the states are vacuous."""
        return self.width * math.sqrt(max(0.0, squared_radius(self._left, self.delta)))

    @property
    def hallucinates(self) -> bool:
        """Whether E δ-hallucinates."""
        return bool(delta_hallucinates(self.mixture, [self.mean], self.delta))

    @property
    def vacuous(self) -> bool:
        """Whether no answer exceeds δ."""
        return is_vacuous(self._left, self.delta)

    @property
    def _left(self) -> Gaussian:
        return Gaussian([-self.separation / 2], self.width**2)

    def sentence(self) -> str:
        """State the verdict in words."""
        f1, f2 = self.densities
        above = "not above" if self.hallucinates else "above"
        verdict = "δ-hallucinates" if self.hallucinates else "does not δ-hallucinate"
        vacuous = "But both states are vacuous: no answer at all exceeds δ."
        return (
            f"The mean is E = {number(self.mean)}. "
            f"Its density is {number(f1)} under state 1 and {number(f2)} under state 2. "
            f"The larger, {number(max(f1, f2))}, is {above} δ = {number(self.delta)}: the mean {verdict}. "
            f"{vacuous if self.vacuous else 'Both states have answers above δ.'}"
        )


def show_two_states(
    separation: float, weight: float, delta: float, width: float = 1.0, ident: str = "two-states"
) -> None:
    """Display the interactive figure; in print, and where HTML does not show, its first frame as a picture.

    Parameters
    ----------
    separation, weight, delta, width : float
        The first frame (see `TwoStates`); the sliders' ranges are widened to hold it.
    ident : str
        HTML id, one per figure on a page.
    """
    frame = TwoStates(separation, weight, width, delta)
    show_live(two_states_html(frame, ident), _picture(frame), frame.sentence())


def _picture(frame: TwoStates) -> Figure:
    (ax,) = subplots(height=3.8)
    (left, right), (low, high) = _ranges(frame)
    x = np.linspace(left, right, 801)
    state_lines(ax, x, np.exp(frame.mixture.state_log_densities(x[:, None])), frame.mixture.weights)
    ax.axhline(frame.delta, color="black", linestyle=(0, (6, 3)), linewidth=1, label="threshold $δ$")
    ax.axvline(frame.mean, color="black", linestyle=":", linewidth=1)
    ax.plot(frame.mean, 10.0**low, "^", color="black", clip_on=False, label="mean $E$")
    for i, state in enumerate(frame.mixture.states):
        ax.axvspan(state.mean[0] - frame.radius, state.mean[0] + frame.radius, 0.02 + 0.05 * i, 0.06 + 0.05 * i,
                   fill=False, edgecolor=COLOURS[i], hatch=HATCHES[i], linewidth=0)  # fmt: skip
    ax.set(yscale="log", ylim=(10.0**low, 10.0**high), xlim=(left, right), xlabel="answer", ylabel="density")
    legend_above(ax, 2)
    return whole(ax)


def _ranges(frame: TwoStates) -> tuple[tuple[float, float], tuple[int, int]]:
    """Ranges of the axes: answers, and decimal exponents of the density."""
    reach = max(10.0, frame.separation / 2 + 4 * frame.width)
    exponent = math.log10(frame.delta)
    return (-reach, reach), (min(-5, math.floor(exponent) - 1), max(1, math.ceil(exponent) + 1))


SUBSCRIPT = "₁₂"
BOX = {"left": 64, "right": 626, "top": 20, "bottom": 240}


def two_states_html(frame: TwoStates, ident: str) -> str:
    """Write the figure's HTML: a first frame that needs no script, and hidden sliders that the script shows."""
    (left, right), (low, high) = _ranges(frame)
    box = {**BOX, "x": [left, right], "y": [low, high]}

    def px(x: float) -> float:
        return BOX["left"] + (x - left) / (right - left) * (BOX["right"] - BOX["left"])

    def py(exponent: float) -> float:
        clamped = min(max(exponent, low - 1), high)
        return BOX["bottom"] - (clamped - low) / (high - low) * (BOX["bottom"] - BOX["top"])

    moving = "".join(_state_svg(frame, i, ident, px, py, np.linspace(left, right, 161)) for i in (0, 1))
    parts = {
        "ident": ident,
        "box": html.escape(json.dumps(box)),
        "axes": _axes_svg(left, right, low, high, px, py),
        "states": moving,
        "delta_y": f"{py(math.log10(frame.delta)):.1f}",
        "mean_x": f"{px(frame.mean):.1f}",
        "controls": "".join(_slider(ident, *row) for row in _sliders(frame)),
        "text": frame.sentence(),
    }
    return _TEMPLATE.substitute(parts)


_TEMPLATE = Template("""<div class="live-figure two-states" id="$ident" data-box="$box">
<svg viewBox="0 0 640 358" role="img" aria-labelledby="$ident-title $ident-desc" font-size="15" fill="currentColor">
<title id="$ident-title">Two normal states, the threshold δ and the mean E</title>
<desc id="$ident-desc">Densities of state 1 (solid) and state 2 (dashed) on a logarithmic axis, so that bells become
parabolas. A horizontal long-dashed line marks δ, a vertical dotted line the mean E. Two hatched bars below the axis
show where each state exceeds δ. The sentence below the sliders says the same in words.</desc>
<clipPath id="$ident-clip"><path d="M64,0V240H626V0z"/></clipPath>$axes$states
<g class="delta" transform="translate(0,$delta_y)"><path d="M64,0H626" fill="none" stroke="currentColor"
 stroke-dasharray="14 5"/><text x="624" y="-5" text-anchor="end">δ</text></g>
<g class="mean" transform="translate($mean_x,0)"><path d="M0,20V300" fill="none" stroke="currentColor"
 stroke-width="2" stroke-dasharray="2 4"/><path d="M0,240l-7,13h14z"/><text x="7" y="18">E</text></g>
</svg>
<div class="live-controls" hidden>$controls</div>
<p class="live-text" aria-live="polite">$text</p>
</div>""")


def _state_svg(
    frame: TwoStates, i: int, ident: str, px: Callable[[float], float], py: Callable[[float], float], x: Array
) -> str:
    state = frame.mixture.states[i]
    exponents = state.log_density(x[:, None]) / math.log(10)
    path = "M" + "L".join(f"{px(a):.1f},{py(e):.1f}" for a, e in zip(x, exponents, strict=True))
    mean, peak = float(state.mean[0]), -math.log10(frame.width * math.sqrt(2 * math.pi))
    ink = f"var(--state-{i + 1}, {COLOURS[i]})"
    start, stop, y = px(mean - frame.radius), px(mean + frame.radius), 257 + 24 * i
    return (
        f'<pattern id="{ident}-hatch-{i + 1}" width="7" height="7" patternUnits="userSpaceOnUse" '
        f'patternTransform="rotate({45 - 90 * i})"><path d="M0,0V7" style="stroke:{ink}" stroke-width="3"/></pattern>'
        f'<path class="curve-{i + 1}" d="{path}" clip-path="url(#{ident}-clip)" fill="none" '
        f'style="stroke:{ink}" stroke-width="2.5" stroke-dasharray="{("none", "8 4")[i]}"/>'
        f'<g class="name-{i + 1}" transform="translate({px(mean):.1f},{py(peak):.1f})">'
        f'<text y="-6" x="{-6 + 12 * i}" text-anchor="{("end", "start")[i]}">Z{SUBSCRIPT[i]}</text></g>'
        f'<rect class="region-{i + 1}" x="{start:.1f}" width="{stop - start:.1f}" y="{y}" height="14" '
        f'fill="url(#{ident}-hatch-{i + 1})"/><text x="58" y="{y + 12}" text-anchor="end">U{SUBSCRIPT[i]}</text>'
    )


def _axes_svg(
    left: float, right: float, low: int, high: int, px: Callable[[float], float], py: Callable[[float], float]
) -> str:
    step = 5 if right <= 20 else 10
    across = [k for k in range(-100, 101, step) if left <= k <= right]
    every = max(1, (high - low) // 6)
    marks = [f'<text x="{px(k):.1f}" y="322" text-anchor="middle">{k:d}</text>'.replace(">-", ">−") for k in across]
    marks += [
        f'<text x="58" y="{py(k) + 5:.1f}" text-anchor="end">10<tspan dy="-6" font-size="70%">{k:d}</tspan></text>'
        for k in range(low, high + 1, every)
    ]
    names = '<text x="345" y="348" text-anchor="middle">answer</text><text x="70" y="16">density</text>'
    return f'<path d="M64,20V240H626" fill="none" stroke="currentColor"/>{"".join(marks)}{names}'


def _sliders(frame: TwoStates) -> list[tuple[str, str, float, float, float, float, str]]:
    """Name, label, least, greatest, step, value and text of each slider; δ moves on a logarithmic scale."""
    exponent = math.log10(frame.delta)
    return [
        ("separation", "separation", 0, max(12.0, frame.separation), 0.1, frame.separation, number(frame.separation)),
        ("weight", "weight of Z₁", 0.01, 0.99, 0.01, frame.weight, number(frame.weight)),
        ("width", "width", min(0.2, frame.width), max(3.0, frame.width), 0.05, frame.width, number(frame.width)),
        ("delta", "threshold δ", min(-4.0, exponent), max(0.0, exponent), 0.05, exponent, number(frame.delta)),
    ]


def _slider(
    ident: str, name: str, label: str, least: float, greatest: float, step: float, value: float, text: str
) -> str:
    key = f"{ident}-{name}"
    return (
        f'<label for="{key}">{label}</label><input type="range" id="{key}" name="{name}" min="{least:g}" '
        f'max="{greatest:g}" step="{step:g}" value="{value:g}" data-exact="{value!r}" aria-valuetext="{text}">'
        f'<output for="{key}">{text}</output>'
    )
