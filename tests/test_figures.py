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


def test_latent_states_draws_one_cloud_per_state_and_no_title():
    figure = figures.latent_states()
    (ax,) = figure.axes
    assert len(ax.patches) == 3 and not ax.get_title()
    assert len({patch.get_hatch() for patch in ax.patches}) == 3


def test_max_criterion_marks_every_largest_entry():
    figure = figures.max_criterion([[0.9, 0.1], [0.7, 0.7]], ("one", "two"), ("cat", "dog"))
    (ax,) = figure.axes
    words = [text.get_text() for text in ax.texts]
    assert words.count("largest") == 3 and words.count("average") == 2
    assert [patch.get_height() for patch in ax.patches] == [0.9, 0.7, 0.1, 0.7]
