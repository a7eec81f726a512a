"""Regions of classes: scikit-learn's own steps, the guarantee, the published rule on laws that are known, files."""

from __future__ import annotations

import json
import runpy
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from sklearn.decomposition import PCA
from sklearn.mixture import GaussianMixture
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Normalizer, StandardScaler

from hallucination.calibration import calibrate, outside_all
from hallucination.pictures.archive import ARRAYS, FACTS
from hallucination.pictures.class_regions import ClassRegions, fit, load
from hallucination.pictures.mean_rule import expected_margin, firing_probability, firing_shift, squared_limit

CLASSES = ("cat", "dog")
FAR = 1e4  # so long a constant coordinate that scaling to length 1 is the same for all, and normal laws stay normal


def embedded(points: np.ndarray) -> np.ndarray:
    return np.column_stack([np.full(len(points), FAR), points])


def normal_regions(D: int, n: int = 4000, apart: float = 0.0, seed: int = 0, **settings) -> ClassRegions:
    """Cats around the origin and dogs `apart` from them along the first axis, each N(·, I) in D dimensions."""
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(2 * n, D))
    labels = np.arange(2 * n) % 2
    points[labels == 1, 0] += apart
    held = np.arange(2 * n) >= 1.6 * n
    data = embedded(points)
    settings = {"dimensions": D, "covariance": "full", **settings}
    return fit(data[~held], labels[~held], data[held], labels[held], CLASSES, **settings)


def heavy(rng: np.random.Generator, n: int, D: int = 12) -> tuple[np.ndarray, np.ndarray]:
    """Embeddings of two classes with heavy tails, and their labels."""
    labels = np.arange(n) % 2
    return rng.standard_t(3, size=(n, D)) + np.outer(labels, np.linspace(0, 3, D)), labels


@pytest.fixture(scope="module")
def regions() -> ClassRegions:
    data, labels = heavy(np.random.default_rng(5), 500)
    return fit(data[:400], labels[:400], data[400:], labels[400:], CLASSES, dimensions=6, components=2)


@pytest.mark.parametrize("covariance", ["diag", "full"])
def test_scores_are_those_of_scikit_learns_steps(covariance):
    data, labels = heavy(np.random.default_rng(1), 500)
    train, held = data[:400], data[400:]
    found = fit(
        train, labels[:400], held, labels[400:], CLASSES, dimensions=5, components=2, covariance=covariance, seed=3
    )
    steps = make_pipeline(Normalizer(), PCA(5, svd_solver="full"), StandardScaler()).fit(train)
    assert found.projection(held) == pytest.approx(steps.transform(held), abs=1e-9)
    margins = []
    for k, name in enumerate(CLASSES):
        mixture = GaussianMixture(2, covariance_type=covariance, random_state=3, max_iter=1000)
        mixture.fit(steps.transform(train[labels[:400] == k]))
        scores = mixture.score_samples(steps.transform(held))
        assert found.scores(held)[name] == pytest.approx(scores, abs=1e-6)
        limit = calibrate(scores[labels[400:] == k], Fraction(1, 10))
        assert found.thresholds[name].value == pytest.approx(limit.value, abs=1e-6)
        assert (found.thresholds[name].rank, found.thresholds[name].n) == (5, 50)
        margins.append(scores - limit.value)
    assert found.margins(held) == pytest.approx(np.max(margins, axis=0), abs=1e-6)


def test_held_out_part_moves_thresholds_only():
    data, labels = heavy(np.random.default_rng(2), 500)
    rest = (data[:400], labels[:400])
    one = fit(*rest, data[400:], labels[400:], CLASSES, dimensions=5)
    two = fit(*rest, 3 * data[400:] + 1, labels[400:], CLASSES, dimensions=5)
    assert np.array_equal(one.scores(data)["cat"], two.scores(data)["cat"])
    assert one.thresholds["cat"].value != two.thresholds["cat"].value


def test_outside_is_outside_every_class(regions):
    data, _ = heavy(np.random.default_rng(6), 300)
    outside = regions.outside(data)
    assert 0 < outside.sum() < 300
    assert np.array_equal(outside, regions.outside_of(data, "cat") & regions.outside_of(data, "dog"))
    assert np.array_equal(outside, regions.margins(data) < 0)
    assert np.array_equal(outside, outside_all({**regions.thresholds}, {**regions.scores(data)}))
    with pytest.raises(ValueError, match="the classes are cat, dog; got 'horse'"):
        regions.outside_of(data, "horse")


def test_new_pictures_of_a_class_are_outside_it_as_seldom_as_promised():
    rng, rates = np.random.default_rng(7), []
    for _ in range(60):
        data, labels = heavy(rng, 300)
        found = fit(data[:140], labels[:140], data[140:200], labels[140:200], CLASSES, dimensions=4)
        fresh, kinds = heavy(rng, 400)
        rates += [found.outside_of(fresh[kinds == k], name).mean() for k, name in enumerate(CLASSES)]
    expected = 3 / 31  # 30 held-out pictures of each class: the third smallest of them
    law = stats.beta(3, 28)
    assert np.mean(rates) == pytest.approx(expected, abs=4 * law.std() / np.sqrt(len(rates)))
    assert np.std(rates) == pytest.approx(np.sqrt(law.var() + expected * (1 - expected) / 200), rel=0.3)


# The published rule


def test_horses_half_outside_with_their_mean_inside():
    D, K = 32, 1000
    found = normal_regions(D)
    # A fixed direction, at the distance at which half the samples of a normal law lie outside.
    horses = np.random.default_rng(8).normal(size=(K, D))
    horses[:, 1] += firing_shift(D)
    outside = found.outside_of(embedded(horses), "cat")
    assert 0.4 < outside.mean() < 0.6
    margin = found.mean_margin(embedded(horses))
    assert margin == pytest.approx(D / 2, abs=2.5)
    assert margin == pytest.approx(float(expected_margin(firing_shift(D), D, K)), abs=2.5)


def test_the_rule_fires_where_theory_says_and_then_nearly_all_samples_are_outside():
    D, K = 16, 16
    found = normal_regions(D, n=8000)
    rng = np.random.default_rng(9)
    for shift in (0.9, 1.0, 1.1) * np.array(firing_shift(D, K)):
        groups = rng.normal(size=(400, K, D))
        groups[:, :, 1] += shift
        data = embedded(groups.reshape(-1, D))
        fired = (found.mean_margins(data.reshape(400, K, D + 1)) < 0).mean()
        assert fired == pytest.approx(float(firing_probability(shift, D, K)), abs=0.12)
        assert found.outside(data).mean() > 0.85


def test_margin_of_the_mean_grows_with_the_dimension():
    margins = []
    for D in (4, 16, 64):
        found = normal_regions(D, n=2000)
        fresh = np.random.default_rng(10).normal(size=(1000, D))
        margins.append(found.mean_margin(embedded(fresh)))
        assert margins[-1] == pytest.approx((squared_limit(D) - D / 1000) / 2, rel=0.12)
        median = (squared_limit(D) - stats.chi2(D).median()) / 2  # of single samples; it grows with √D only
        assert np.median(found.margins(embedded(fresh))) == pytest.approx(median, abs=1.0)
    assert np.all(np.diff(margins) > 4)


def test_mean_gains_half_the_trace_for_embeddings_of_any_law():
    found = normal_regions(5, n=500, covariance="diag")
    strange = embedded(np.random.default_rng(11).lognormal(size=(60, 5)))
    points = found.projection(strange)
    gained = np.trace(np.cov(points.T, ddof=0) / found.densities["cat"].covariances_[0][:, None]) / 2
    at_mean = found.densities["cat"].score_samples(points.mean(axis=0, keepdims=True))[0]
    assert at_mean - found.scores(strange)["cat"].mean() == pytest.approx(gained)


def test_means_of_preprocessed_embeddings_not_of_raw_ones(regions):
    data, _ = heavy(np.random.default_rng(12), 40)
    points = regions.projection(data).mean(axis=0, keepdims=True)
    by_hand = max(regions.densities[c].score_samples(points)[0] - regions.thresholds[c].value for c in CLASSES)
    assert regions.mean_margin(data) == pytest.approx(by_hand)
    assert regions.mean_margin(data) != pytest.approx(regions.margins(data.mean(axis=0, keepdims=True))[0])
    assert regions.mean_margins(data.reshape(4, 10, -1))[2] == pytest.approx(regions.mean_margin(data[20:30]))
    assert regions.mean_margin(data[:1]) == pytest.approx(regions.margins(data[:1])[0])


# Files


def test_saved_regions_score_the_same_and_hold_no_pickle(regions, tmp_path):
    data, _ = heavy(np.random.default_rng(13), 50)
    regions.save(tmp_path / "regions")
    assert {f.name for f in (tmp_path / "regions").iterdir()} == {ARRAYS, FACTS}
    again = load(tmp_path / "regions")
    assert np.array_equal(again.margins(data), regions.margins(data))
    assert again.classes == CLASSES and dict(again.settings) == dict(regions.settings)
    assert again.thresholds == regions.thresholds
    assert again.settings["alpha"] == "1/10"
    with np.load(tmp_path / "regions" / ARRAYS, allow_pickle=False) as arrays:
        assert all(array.dtype.kind == "f" for array in arrays.values())
    regions.save(tmp_path / "again")
    assert (tmp_path / "again" / ARRAYS).read_bytes() == (tmp_path / "regions" / ARRAYS).read_bytes()


def test_files_of_two_saves_are_not_mixed(regions, tmp_path):
    regions.save(tmp_path)
    with (tmp_path / ARRAYS).open("ab") as file:
        file.write(b"more")
    with pytest.raises(ValueError, match=r"arrays.npz has sha256 .+, but facts.json names"):
        load(tmp_path)


@pytest.mark.parametrize("missing", [ARRAYS, FACTS])
def test_missing_files_are_one_line(regions, tmp_path, missing):
    regions.save(tmp_path)
    (tmp_path / missing).unlink()
    with pytest.raises(ValueError, match=r"holds no arrays\.npz with its facts\.json") as caught:
        load(tmp_path)
    assert "\n" not in str(caught.value)


def test_other_facts_are_one_line(regions, tmp_path):
    regions.save(tmp_path)
    facts = json.loads((tmp_path / FACTS).read_text("utf8"))
    del facts["settings"]["components"]
    (tmp_path / FACTS).write_text(json.dumps(facts), "utf8")
    with pytest.raises(ValueError, match="holds no class regions: KeyError"):
        load(tmp_path)


def test_a_failed_save_leaves_the_old_files(regions, tmp_path, monkeypatch):
    regions.save(tmp_path)
    before = {f.name: f.read_bytes() for f in tmp_path.iterdir()}

    def full(*_: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr("pathlib.Path.replace", full)
    with pytest.raises(OSError, match="no space left"):
        regions.save(tmp_path)
    assert {f.name: f.read_bytes() for f in tmp_path.iterdir()} == before


# Bad input

DATA, LABELS = heavy(np.random.default_rng(14), 60)


def without(name: int) -> np.ndarray:
    return np.where(name == LABELS, 1 - name, LABELS)


def broken(value: float) -> np.ndarray:
    data = DATA.copy()
    data[7] = value
    return data


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"train_labels": without(1)}, "class 'dog' has 0 training pictures; at least 2 are needed"),
        ({"held_labels": without(0)}, "class 'cat' has 0 held-out pictures; at least 9 are needed"),
        ({"components": 31}, "class 'cat' has 30 training pictures; at least 31 are needed"),
        ({"alpha": 0.01}, "class 'cat' has 30 held-out pictures; at least 99 are needed"),
        ({"alpha": 1.5}, "alpha must lie strictly between 0 and 1, got 1.5"),
        ({"dimensions": 13}, "dimensions must lie between 1 and 12, .* got 13"),
        ({"dimensions": 0}, "dimensions must lie between 1 and 12, .* got 0"),
        ({"train": np.column_stack([DATA, DATA]), "dimensions": 13}, "spread in 12 directions only"),
        ({"train": broken(np.nan)}, r"embeddings must be finite; these are not: \[7\]"),
        ({"held": broken(np.inf)}, r"embeddings must be finite; these are not: \[7\]"),
        ({"train": broken(0.0)}, r"an embedding of zeros has no direction; see \[7\]"),
        ({"held": DATA[:, :5]}, "regions fitted to embeddings of length 12 got length 5"),
        ({"train_labels": LABELS[:5]}, r"training embeddings of shape \(60, 12\) do not fit labels of shape \(5,\)"),
        ({"train_labels": LABELS + 1}, "training labels must be 0 to 1, got 2"),
        ({"classes": ("cat", "cat")}, "each named once; got"),
        ({"components": 0}, "got 0 and 'diag'"),
        ({"covariance": "tied"}, "got 1 and 'tied'"),
    ],
)
def test_bad_input_is_one_line(changes, words):
    given = {
        "train": DATA, "train_labels": LABELS, "held": DATA, "held_labels": LABELS, "classes": CLASSES,
        "dimensions": 4, **changes,
    }  # fmt: skip
    with pytest.raises(ValueError, match=words) as caught:
        fit(**given)
    assert "\n" not in str(caught.value)


def test_as_few_held_out_pictures_as_a_threshold_needs():
    kept = np.arange(18)
    found = fit(DATA, LABELS, DATA[kept], LABELS[kept], CLASSES, dimensions=4)
    assert [t.rank for t in found.thresholds.values()] == [1, 1]


def test_groups_of_another_shape_are_one_line(regions):
    with pytest.raises(ValueError, match=r"shape \(groups, K, D\); got \(60, 12\)"):
        regions.mean_margins(DATA)


def test_the_benchmark_judges_two_thousand_pictures_only(monkeypatch, capsys):
    script = Path(__file__).resolve().parent.parent / "benchmarks" / "pictures_calibration.py"
    monkeypatch.setattr(sys, "argv", [str(script), "--pictures", "1000", "--repeats", "1"])
    runpy.run_path(str(script), run_name="__main__")
    printed = capsys.readouterr().out.splitlines()
    assert printed[0].startswith("1000 embeddings, ")
    assert [line.split(",")[0] for line in printed[2:]] == ["small CLIP", "CLIP ViT-B/32", "CLIP ViT-B/32"]
    assert all(line.endswith("<= 5") for line in printed[2:])
    monkeypatch.setattr(sys, "argv", [str(script), "--pictures", "10"])
    with pytest.raises(SystemExit):
        runpy.run_path(str(script), run_name="__main__")
    assert "need --pictures >= 1000" in capsys.readouterr().err
