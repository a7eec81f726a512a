"""Drawings of the book: one style for all matplotlib figures, and the paper's two schematic figures drawn anew."""

from __future__ import annotations

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Ellipse
from numpy.typing import ArrayLike

from hallucination.mixtures import Array

# Per latent state: colour (Okabe and Ito), line and hatch, so that colour is never the only mark.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#8F5A8F")
LINES = ("-", "--", ":", "-.")
HATCHES = ("///", "\\\\\\", "...", "xxx")


def use_style() -> None:
    """Set matplotlib to the book's style for this process."""
    mpl.rcParams.update(
        {
            "figure.figsize": (6.4, 3.2),
            "figure.dpi": 120,
            "figure.constrained_layout.use": True,
            "font.size": 10,
            "lines.linewidth": 2,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "legend.frameon": False,
            "hatch.linewidth": 0.6,
        }
    )


def subplots(columns: int = 1, height: float = 3.2) -> list[Axes]:
    """Open a figure in the book's style and return its axes, one per column."""
    use_style()
    _, axes = plt.subplots(1, columns, figsize=(6.4, height), squeeze=False)
    return list(axes[0])


def whole(ax: Axes) -> Figure:
    """Return the figure that the axes belong to."""
    figure = ax.get_figure(root=True)
    assert figure is not None
    return figure


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
    use_style()
    figure, ax = plt.subplots(figsize=(6.4, 2.9))
    ax.set(xlim=(0, 10), ylim=(-0.2, 6.2))
    ax.axis("off")
    frame = {"boxstyle": "round,pad=0.5", "facecolor": "white", "edgecolor": "black"}
    ax.text(1.2, 3, "question $X$:\n“How was\nthe film?”", ha="center", va="center", bbox=frame)
    names = ("$Z_1$: delighted", "$Z_2$: bored", "$Z_3$: angry")
    answers = ("“A joy from start to end.”", "“Two hours, felt like four.”", "“They owe me a ticket.”")
    for i, (name, answer) in enumerate(zip(names, answers, strict=True)):
        y = 5 - 2 * i
        arrow = {"arrowstyle": "->", "linestyle": LINES[i], "color": COLOURS[i], "linewidth": 1.5}
        ax.annotate("", xy=(3.3, y), xytext=(2.35, 3), arrowprops=arrow)
        ax.text(4.3, y, name, ha="center", va="center", color=COLOURS[i])
        ax.annotate("", xy=(6.1, y), xytext=(5.3, y), arrowprops=arrow)
        ax.add_patch(Ellipse((8.1, y), 3.8, 1.5, fill=False, hatch=HATCHES[i], edgecolor=COLOURS[i], alpha=0.35))
        ax.text(
            8.1, y, answer, ha="center", va="center", fontsize=9, bbox={"facecolor": "white", "edgecolor": "none"}
        )
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
    (ax,) = subplots(height=2.6)
    width = 0.8 / len(states)
    for i, state in enumerate(states):
        at = np.arange(len(outputs)) + (i - (len(states) - 1) / 2) * width
        ax.bar(at, values[:, i], 0.9 * width, label=state, fill=False, edgecolor=COLOURS[i], hatch=HATCHES[i])
    for k, row in enumerate(values):
        for best in np.flatnonzero(row == row.max()):
            x = k + (best - (len(states) - 1) / 2) * width
            ax.annotate("largest", (x, row.max()), (0, 4), textcoords="offset points", ha="center")
        ax.plot([k - 0.4, k + 0.4], [row.mean()] * 2, color="black", linestyle=":")
        ax.text(k + 0.42, row.mean(), "average", va="center", fontsize=9)
    ax.set(xticks=range(len(outputs)), xticklabels=outputs, ylabel="density", ylim=(0, values.max() * 1.2))
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=len(states))
    return whole(ax)
