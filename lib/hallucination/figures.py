"""Drawings of the book: one style for all matplotlib figures, and the paper's two schematic figures drawn anew."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from IPython.display import display
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Ellipse
from numpy.typing import ArrayLike

from hallucination.states import Array

_display: Callable[..., Any] = display  # IPython leaves it untyped

# Per latent state: colour (Okabe and Ito), line and hatch, so that colour is never the only mark.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#8F5A8F")
LINES = ("-", "--", ":", "-.")
HATCHES = ("///", "\\\\\\", "...", "xxx")


WIDTH = 4.8  # inches; narrow, so that 12-point letters stay legible on a telephone


def use_style(letters: float = 10) -> None:
    """Set matplotlib to the book's style for this process, with letters of the given size in points."""
    mpl.rcParams.update(
        {
            "figure.figsize": (WIDTH, 3.2),
            "figure.dpi": 120,
            "figure.constrained_layout.use": True,
            "font.size": letters,
            "lines.linewidth": 2,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "legend.frameon": False,
            "hatch.linewidth": 0.6,
        }
    )


def subplots(rows: int = 1, height: float = 3.2, sharex: bool = False) -> list[Axes]:
    """Open a figure of stacked panels in the book's style and return their axes, one per row.

    Parameters
    ----------
    rows : int
        Number of panels, one below the other.
    height : float
        Height of one panel in inches.
    sharex : bool
        Whether the panels have one horizontal axis together.
    """
    use_style(12)
    _, axes = plt.subplots(rows, 1, figsize=(WIDTH, rows * height), squeeze=False, sharex=sharex)
    return list(axes[:, 0])


def legend_above(ax: Axes, columns: int = 1) -> None:
    """Put the legend above the panel, where it covers no curve."""
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=columns, columnspacing=1, handlelength=1.8)


def whole(ax: Axes) -> Figure:
    """Return the figure that the axes belong to."""
    figure = ax.get_figure(root=True)
    assert figure is not None
    return figure


def show_live(page: str, picture: Figure, words: str) -> None:
    """Display a live figure; in print, and where HTML does not show, a picture of its first frame.

    Parameters
    ----------
    page : str
        The figure in HTML.
    picture : matplotlib.figure.Figure
        Closed after use.
    words : str
        The first frame in words.
    """
    buffer = io.BytesIO()
    picture.savefig(buffer, format="png", metadata={"Software": None})
    plt.close(picture)
    image = base64.b64encode(buffer.getvalue()).decode()
    _display({"text/html": page, "image/png": image, "text/plain": words}, raw=True)


def state_lines(ax: Axes, x: Array, densities: Array, weights: Array | None = None) -> None:
    """Draw one curve per state; a weight p_i, if given, stands in the label.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Where to draw.
    x : ndarray, shape (n,)
        Points on the line of answers.
    densities : ndarray, shape (N, n)
        Densities of the states there, per unit of x.
    weights : ndarray, shape (N,), optional
        Weights to name in the legend.
    """
    for i, density in enumerate(densities):
        share = "" if weights is None else f", $p_{i + 1}={weights[i]:.3g}$"
        ax.plot(x, density, LINES[i % 4], color=COLOURS[i % 4], label=f"state $Z_{i + 1}${share}")


def latent_states() -> Figure:
    """Draw Figure 1 of the paper anew: one open question, three latent states, a cloud of good answers for each."""
    use_style(12)
    figure, ax = plt.subplots(figsize=(WIDTH, 4.6))
    ax.set(xlim=(0, 10), ylim=(-0.2, 8.2))
    ax.axis("off")
    frame = {"boxstyle": "round,pad=0.5", "facecolor": "white", "edgecolor": "black"}
    ax.text(0.5, 7.5, "question $X$: “How was the film?”", va="center", bbox=frame)
    names = ("$Z_1$: delighted", "$Z_2$: bored", "$Z_3$: angry")
    answers = ("“A joy from\nstart to end.”", "“Two hours,\nfelt like four.”", "“They owe\nme a ticket.”")
    for i, (name, answer) in enumerate(zip(names, answers, strict=True)):
        y = 5 - 2.1 * i
        arrow = {"arrowstyle": "->", "linestyle": LINES[i], "color": COLOURS[i], "linewidth": 1.5}
        bent = {**arrow, "connectionstyle": "angle,angleA=90,angleB=0,rad=6"}
        ax.annotate("", xy=(1.7, y), xytext=(1.1 - 0.4 * i, 7), arrowprops=bent)
        ax.text(1.8, y, name, va="center", color=COLOURS[i])
        ax.annotate("", xy=(5.65, y), xytext=(4.7, y), arrowprops=arrow)
        ax.add_patch(Ellipse((7.8, y), 4.3, 1.9, fill=False, hatch=HATCHES[i], edgecolor=COLOURS[i], alpha=0.35))
        ax.text(7.8, y, answer, ha="center", va="center", bbox={"facecolor": "white", "edgecolor": "none", "pad": 1})
    return figure


def max_criterion(table: ArrayLike, outputs: tuple[str, ...], states: tuple[str, ...]) -> Figure:
    """Draw Figure 2 of the paper anew: densities of some outputs under each state, largest entry marked.

    Parameters
    ----------
    table : array_like, shape (n, N)
        Density of output k under state i.
    outputs, states : tuple of str
        Names of the n outputs and the N states.
    """
    values = np.asarray(table, dtype=float)
    (ax,) = subplots(height=3.2)
    width = 0.7 / len(states)
    for i, state in enumerate(states):
        at = np.arange(len(outputs)) + (i - (len(states) - 1) / 2) * width
        ax.bar(at, values[:, i], 0.9 * width, label=state, fill=False, edgecolor=COLOURS[i], hatch=HATCHES[i])
    for k, row in enumerate(values):
        for best in np.flatnonzero(row == row.max()):
            x = k + (best - (len(states) - 1) / 2) * width
            ax.annotate("largest", (x, row.max()), (0, 4), textcoords="offset points", ha="center")
        name = "average" if k == 0 else None
        ax.plot([k - 0.45, k + 0.45], [row.mean()] * 2, color="black", linestyle=":", label=name)
    ax.set(xticks=range(len(outputs)), xticklabels=outputs, ylabel="density", ylim=(0, values.max() * 1.2))
    legend_above(ax, len(states) + 1)
    return whole(ax)
