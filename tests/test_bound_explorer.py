"""The interactive figure of the bounds: its numbers, its words and its HTML; the laws of chapter 7."""

from __future__ import annotations

import json
import shutil
import subprocess
from itertools import product
from pathlib import Path
from typing import get_args

import matplotlib.pyplot as plt
import numpy as np
import pytest
from bs4 import BeautifulSoup
from pydantic import ValidationError

from hallucination import bound_explorer, bounds, figures
from hallucination.bound_explorer import (
    CURVES,
    LAWS,
    NAMES,
    RADII,
    SHOWN,
    STATES,
    BoundExplorer,
    Cell,
    evaluate,
    explorer_html,
    law_named,
    probability,
)
from hallucination.hallucination_probability import exact
from hallucination.numerals import number
from hallucination.parameters import LawName, LowerBound
from hallucination.setting import Setting
from hallucination.states import Discrete

SCRIPT = Path(__file__).parent.parent / "book" / "_static" / "bound-explorer.js"


def setting(name: str, states: int, radius: float) -> Setting:
    return Setting(np.full(states, 1 / states), radius, [law_named(name)] * states)


@pytest.fixture(scope="module")
def cells() -> bound_explorer.Table:
    """A table with invented numbers of every kind; computing the real one takes seconds."""
    rng = np.random.default_rng(0)

    def cell(k: int) -> Cell:
        truth, printed = float(f"{0.9 * rng.random() + 1e-3:.3g}"), float(f"{10 ** -(3 + 9 * rng.random()):.3g}")
        best = 0.0 if k % 11 == 0 else float(f"{truth * rng.random():.3g}")
        return Cell(
            truth, None if k % 3 == 0 else printed, best, 0.0, None, best, NAMES[k % 5] if best else "none"
        )  # fmt: skip

    return {key: cell(k) for k, key in enumerate(product(SHOWN, STATES, RADII))}


@pytest.mark.parametrize(
    ("name", "states", "radius"),
    [("normal", 2, 0.1), ("laplace", 2, 0.5), ("t5", 3, 0.1), ("t5", 10, 0.6), ("laplace", 10, 0.5),
     ("exponential", 5, 0.3), ("uniform", 10, 0.02), ("two-point", 5, 0.5), ("exponential", 2, 0.02)],
)  # fmt: skip
def test_cells_agree_with_the_library(name: str, states: int, radius: float) -> None:
    cell, where = evaluate(name, states, radius), setting(name, states, radius)
    truth = exact(where).value
    assert cell.truth == pytest.approx(truth, rel=6e-3)
    assert cell.best <= truth and cell.product <= (bounds.product_laws(where).value or 0.0)
    printed = bounds.paper(where).value
    assert (cell.printed is None) == (printed is None)
    assert cell.printed is None or cell.printed == pytest.approx(printed, rel=0.01)


def test_three_uniforms_reach_the_truth() -> None:
    rho = 1.5 * 0.2 / np.sqrt(3)
    cell = evaluate("uniform", 3, 0.2)
    assert cell.truth == pytest.approx((1 - rho) ** 3, abs=5e-4)
    assert cell.product == pytest.approx(cell.truth, abs=1e-3)


def test_bounds_are_rounded_down_and_never_beyond_the_truth() -> None:
    assert [bound_explorer._three(x) for x in (0.12399, 0.25, 1.999e-7, 1.0, 0.0, None)] == [
        0.123, 0.25, 1.99e-7, 1.0, 0.0, None,
    ]  # fmt: skip
    cell = evaluate("two-point", 10, 0.1)
    assert cell.best <= cell.truth == 0.998


@pytest.mark.parametrize("name", LAWS)
def test_laws_are_standard(name: str) -> None:
    law = law_named(name, 2.0)
    assert law.mean == pytest.approx(0.0, abs=1e-12)
    assert law.variance == (np.inf if name == "t2" else pytest.approx(4.0))
    assert law is law_named(name, 2.0)


def test_names_of_laws_are_those_of_the_parameters() -> None:
    assert set(get_args(LawName)) == set(LAWS) and set(SHOWN) <= set(LAWS)


@pytest.mark.parametrize(("name", "scale", "words"), [("cauchy", 1.0, "must be one of"), ("normal", 0.0, "positive")])
def test_unknown_laws_are_refused(name: str, scale: float, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        law_named(name, scale)


@pytest.mark.parametrize(
    ("names", "method"),
    [(("normal", "normal"), "closed form"), (("lazy", "skewed", "two-point"), "enumeration"),
     (("normal", "two-point"), "Monte Carlo"), (("t2", "t2", "t2"), "Monte Carlo"),
     (("laplace", "gumbel", "logistic"), "convolution")],
)  # fmt: skip
def test_probability_uses_what_can_be_trusted(names: tuple[str, ...], method: str) -> None:
    n = len(names)
    best, drawn = probability(Setting(np.full(n, 1 / n), 0.1, [law_named(x) for x in names]), 20_000, 1)
    assert method in best.method and "Monte Carlo" in drawn.method
    assert abs(best.value - drawn.value) <= 5 * (best.error + drawn.error)


def test_narrow_laws_fall_back_to_draws_or_agree() -> None:
    """A law a hundred times narrower than the others: quadrature must not be trusted blindly."""
    laws = [law_named("laplace", 0.01), law_named("laplace", 1.0), law_named("uniform", 100.0)]
    best, drawn = probability(Setting([0.4, 0.3, 0.3], [0.05, 0.2, 1.0], laws), 50_000, 2)
    assert abs(best.value - drawn.value) <= 5 * (best.error + drawn.error)


def test_edges_count_as_hit_whatever_the_draws_say() -> None:
    """A* = 0.6 with one state at 1 and r = 0.4: exactly on the edge, which rounding may miss."""
    best, _ = probability(Setting([0.5, 0.3, 0.2], 0.4, [law_named("two-point")] * 3), 1000, 0)
    assert best.value == 0.5 and best.method == "enumeration"


GOOD = {"weights": [0.5, 0.5], "law": "normal", "scales": 1.0, "radii": 0.1, "n_draws": 1000, "seed": 0}


@pytest.mark.parametrize(
    ("changed", "words"),
    [({"weights": [0.5, 0.6]}, "must sum to 1, but they sum to 1.1"), ({"weights": [1.0]}, "weights"),
     ({"law": ["normal"] * 3}, "one for each of the 2 weights, got 3"), ({"law": "cauchy"}, "two-point"),
     ({"radii": -0.1}, "radii"), ({"scales": [1.0, float("nan")]}, "scales"), ({"n_draws": 10}, "n_draws")],
)  # fmt: skip
def test_bad_parameters_are_refused(changed: dict[str, object], words: str) -> None:
    assert LowerBound.model_validate(GOOD).law == ["normal"]
    with pytest.raises(ValidationError, match=words):
        LowerBound.model_validate({**GOOD, **changed})


def test_script_and_python_say_the_same(cells: bound_explorer.Table) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed: the script's sentences were not compared with Python's")
    frames = [BoundExplorer(cells, *key) for key in cells]
    indices = [*NAMES, "none"]
    rows = [
        {"law": SHOWN[f.law], "n": f.states, "r": f.radius, "cell": [*(getattr(f.cell, k) for k in (
            "truth", "printed", "product", "union", "moments", "best")), indices.index(f.cell.name)],
         "row": [[getattr(cells[f.law, f.states, r], k) for k in CURVES] for r in RADII]} for f in frames
    ]  # fmt: skip
    program = (
        f"const t = require({json.dumps(str(SCRIPT))});"
        "const rows = JSON.parse(require('fs').readFileSync(0));"
        "console.log(JSON.stringify(rows.map((x) => [t.sentence(x.law, x.n, x.r, x.cell), t.lowest(x.row)])));"
    )
    done = subprocess.run([node, "-e", program], input=json.dumps(rows), capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == [[f.sentence(), f.lowest] for f in frames]


@pytest.mark.parametrize("key", [("normal", 3, 0.1), ("two-point", 10, 0.6)])
def test_first_frame_stands_without_a_script(cells: bound_explorer.Table, key: tuple[str, int, float]) -> None:
    frame = BoundExplorer(cells, *key)
    page = BeautifulSoup(explorer_html(frame, "a"), "html.parser")
    assert page.find(class_="live-text").text == frame.sentence()
    assert page.find(class_="live-controls").has_attr("hidden")
    assert page.find(class_="value-truth").text == number(frame.cell.truth)
    shown = json.loads(page.find(class_="bound-explorer")["data-cells"])
    assert np.shape([[len(r) for r in n] for n in shown]) == (len(SHOWN), len(STATES)) and len(str(page)) < 150_000
    assert page.find("select", attrs={"name": "law"}).find("option", selected=True).text == SHOWN[key[0]]


def test_html_is_accessible_and_its_ids_are_unique(cells: bound_explorer.Table) -> None:
    page = BeautifulSoup(explorer_html(BoundExplorer(cells, "normal", 3, 0.1), "a"), "html.parser")
    page.append(BeautifulSoup(explorer_html(BoundExplorer(cells, "laplace", 2, 0.3), "b"), "html.parser"))
    ids = [tag["id"] for tag in page.find_all(id=True)]
    assert len(ids) == len(set(ids))
    for svg in page.find_all("svg", role="img"):
        assert all(page.find(id=i).text for i in svg["aria-labelledby"].split())
    for field in page.find_all(["input", "select"]):
        assert page.find("label", attrs={"for": field["id"]}).text
    dashes = [page.find(class_=f"curve-{k}")["stroke-dasharray"] for k in CURVES]
    assert len(set(dashes)) == len(CURVES)
    assert not page.find_all(src=True) and "http" not in str(page)


def test_bundle_has_html_picture_and_words(cells: bound_explorer.Table, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[dict[str, str]] = []
    monkeypatch.setattr(figures, "_display", lambda bundle, raw: seen.append(bundle))
    plt.switch_backend("agg")
    bound_explorer.show_bound_explorer(cells)
    (bundle,) = seen
    assert set(bundle) == {"text/html", "image/png", "text/plain"} and bundle["text/plain"].startswith("Law: normal")
    assert not plt.get_fignums()


def test_the_script_knows_pythons_lists_and_loads_nothing() -> None:
    text = SCRIPT.read_text("utf8")
    assert f"const STATES = {json.dumps(list(STATES))};" in text
    assert f"const NAMES = {json.dumps([*NAMES, 'none'])};" in text
    assert not any(word in text for word in ("import ", "fetch(", "http")) and len(text.splitlines()) <= 85


def test_whole_table_is_a_dictionary_of_all_cells(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bound_explorer, "evaluate", lambda *key: key)
    assert set(bound_explorer.table()) == set(product(SHOWN, STATES, RADII))


def test_discrete_laws_of_the_figure_are_enumerated() -> None:
    assert isinstance(law_named("two-point"), Discrete)
    assert evaluate("two-point", 2, 0.1).truth == 0.5
