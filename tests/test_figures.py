"""The drawings: state of the axes, marks besides colour."""

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest

from hallucination import figures


@pytest.fixture(autouse=True)
def _clean():
    backend = mpl.get_backend()
    plt.switch_backend("agg")
    with mpl.rc_context():
        yield
    plt.close("all")
    plt.switch_backend(backend)


def test_states_differ_in_line_and_in_colour():
    (ax,) = figures.subplots()
    x = np.linspace(0, 1, 5)
    figures.state_lines(ax, x, np.stack([x, x**2, x**3]), np.array([0.2, 0.3, 0.5]))
    lines = ax.get_lines()
    assert len({line.get_linestyle() for line in lines}) == len({line.get_color() for line in lines}) == 3
    assert [line.get_label() for line in lines][1] == "state $Z_2$, $p_2=0.3$"
    assert len({*figures.LINES}) == len({*figures.HATCHES}) == len({*figures.COLOURS}) == 4


def test_panels_are_stacked_and_their_letters_large():
    upper, lower = figures.subplots(2, height=2, sharex=True)
    assert upper.get_position().y0 > lower.get_position().y1
    assert tuple(figures.whole(upper).get_size_inches()) == (figures.WIDTH, 4)
    assert upper.xaxis.label.get_fontsize() == lower.get_xticklabels()[0].get_fontsize() == 12


def test_legend_stands_above_the_panel():
    (ax,) = figures.subplots()
    ax.plot([0, 1], label="line")
    figures.legend_above(ax)
    figures.whole(ax).draw_without_rendering()
    assert ax.get_legend().get_window_extent().y0 >= ax.get_window_extent().y1


def test_latent_states_draws_one_cloud_per_state_and_no_title():
    figure = figures.latent_states()
    (ax,) = figure.axes
    assert len(ax.patches) == 3 and not ax.get_title()
    assert len({patch.get_hatch() for patch in ax.patches}) == 3


def test_max_criterion_marks_every_largest_entry():
    figure = figures.max_criterion([[0.9, 0.1], [0.7, 0.7]], ("one", "two"), ("cat", "dog"))
    (ax,) = figure.axes
    words = [text.get_text() for text in ax.texts]
    assert words.count("largest") == 3
    assert [line.get_ydata()[0] for line in ax.get_lines()] == [0.5, 0.7]
    assert [text.get_text() for text in ax.get_legend().get_texts()].count("average") == 1
    assert [patch.get_height() for patch in ax.patches] == [0.9, 0.7, 0.1, 0.7]
