"""The interactive figure: its numbers, its HTML, and the script's numbers against Python's."""

import json
import shutil
import subprocess
from itertools import product
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
from bs4 import BeautifulSoup

from hallucination import figures, two_states
from hallucination.numerals import number
from hallucination.two_states import TwoStates, two_states_html

SCRIPT = Path(__file__).parent.parent / "book" / "_static" / "two-states.js"
GRID = [
    {"separation": s, "weight": w, "width": r, "delta": d}
    for s, w, r, d in product(
        (0.0, 1.3, 6.0, 20.0), (0.05, 0.333, 0.5, 0.9), (0.2, 1.0, 3.0), (1e-6, 0.01, 0.13, 2.0)
    )
]


@pytest.fixture(scope="module")
def from_script():
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed: the script's numbers were not compared with Python's")
    program = (
        f"const t = require({json.dumps(str(SCRIPT))});"
        "const grid = JSON.parse(require('fs').readFileSync(0));"
        "console.log(JSON.stringify(grid.map((g) => ({ ...t.compute(g), sentence: t.sentence(g) }))));"
    )
    done = subprocess.run([node, "-e", program], input=json.dumps(GRID), capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def test_script_and_python_compute_the_same(from_script):
    for settings, theirs in zip(GRID, from_script, strict=True):
        ours = TwoStates(**settings)
        assert theirs["E"] == pytest.approx(ours.mean, abs=1e-12)
        assert theirs["densities"] == pytest.approx(ours.densities, rel=1e-9)
        assert theirs["radius"] == pytest.approx(ours.radius, rel=1e-9)
        assert (theirs["hallucinates"], theirs["vacuous"]) == (ours.hallucinates, ours.vacuous), settings


def test_script_and_python_say_the_same(from_script):
    for settings, theirs in zip(GRID, from_script, strict=True):
        assert theirs["sentence"] == TwoStates(**settings).sentence()


def test_the_grid_meets_every_verdict():
    found = {(frame.hallucinates, frame.vacuous) for frame in (TwoStates(**settings) for settings in GRID)}
    assert found == {(True, True), (True, False), (False, False)}


def test_region_ends_where_the_density_is_delta():
    frame = TwoStates(6.0, 0.5, 0.7, 0.02)
    edge = frame.mixture.states[0].log_density([-3.0 + frame.radius])
    assert edge == pytest.approx(np.log(0.02))


@pytest.mark.parametrize(
    ("x", "text"),
    [(0.0, "0.00"), (-0.0, "0.00"), (-1.5, "−1.50"), (12.34, "12.3"), (4.4e-5, "4.4e−5"), (500.0, "500")],
)
def test_numbers_read_well(x, text):
    assert number(x) == text


@pytest.mark.parametrize("frame", [TwoStates(6.0, 0.5, 1.0, 0.01), TwoStates(20.0, 0.333, 1.0, 1e-9)])
def test_first_frame_stands_without_a_script(frame):
    page = BeautifulSoup(two_states_html(frame, "a"), "html.parser")
    assert page.find(class_="live-text").text == frame.sentence()
    box = json.loads(page.find(class_="two-states")["data-box"])
    low, high = box["x"]
    place = box["left"] + (frame.mean - low) / (high - low) * (box["right"] - box["left"])
    assert f"translate({place:.1f},0)" in page.find(class_="mean")["transform"]
    assert page.find(class_="live-controls").has_attr("hidden")


def test_html_is_accessible_and_its_ids_are_unique():
    page = BeautifulSoup(two_states_html(TwoStates(6.0, 0.5, 1.0, 0.01), "a"), "html.parser")
    page.append(BeautifulSoup(two_states_html(TwoStates(1.0, 0.5, 1.0, 0.3), "b"), "html.parser"))
    ids = [tag["id"] for tag in page.find_all(id=True)]
    assert len(ids) == len(set(ids))
    for svg in page.find_all("svg"):
        assert svg["role"] == "img" and all(page.find(id=i).text for i in svg["aria-labelledby"].split())
    for field in page.find_all("input"):
        assert page.find("label", attrs={"for": field["id"]}).text
        assert page.find("output", attrs={"for": field["id"]}).text == field["aria-valuetext"]
        assert float(field["min"]) <= float(field["data-exact"]) <= float(field["max"])
    assert not page.find_all(src=True) and "http" not in str(page)


def test_lines_of_the_two_states_differ_in_dashes():
    page = BeautifulSoup(two_states_html(TwoStates(6.0, 0.5, 1.0, 0.01), "a"), "html.parser")
    dashes = [page.find(class_=f"curve-{i}")["stroke-dasharray"] for i in (1, 2)]
    turns = [tag["patterntransform"] if tag.has_attr("patterntransform") else tag["patternTransform"]
             for tag in page.find_all("pattern")]  # fmt: skip
    assert len(set(dashes)) == len(set(turns)) == 2


def test_bundle_has_html_picture_and_words(monkeypatch):
    shown = []
    monkeypatch.setattr(figures, "_display", lambda bundle, raw: shown.append(bundle))
    plt.switch_backend("agg")
    two_states.show_two_states(6.0, 0.5, 0.01)
    (bundle,) = shown
    assert set(bundle) == {"text/html", "image/png", "text/plain"} and bundle["text/plain"].startswith(
        "The mean is E"
    )
    assert "live-figure" in bundle["text/html"] and not plt.get_fignums()


def test_the_script_is_small_and_loads_nothing():
    text = SCRIPT.read_text("utf8")
    assert len(text.splitlines()) <= 85
    assert not any(word in text for word in ("import ", "fetch(", "http"))
