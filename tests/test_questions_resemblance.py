"""Resemblance against difflib itself, its controls, its intervals, and the paper's table."""

from __future__ import annotations

from difflib import SequenceMatcher

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hallucination.questions import controls, resemblance, uncertainty
from hallucination.questions.datasets import Asked, Benchmark
from hallucination.questions.results_table import EPOCHS, TABLE_1, highest

TEXT = st.text("abc AB", max_size=30)


def asked(k: int, wrong: tuple[str, ...]) -> Asked:
    return Asked(id=f"q{k}", category="x", question=f"Q{k}?", best=f"True {k}.", correct=("Yes.",), incorrect=wrong)


def bench(*wrong: tuple[str, ...]) -> Benchmark:
    return Benchmark("small", "1", "0" * 64, tuple(asked(k, refs) for k, refs in enumerate(wrong)))


FOUR = bench(("a cat", "a dog"), ("the moon",), ("blue cheese",), ("nothing happens", "you fall ill"))


# --- the measure ---------------------------------------------------------------------------------------------


@given(TEXT, TEXT)
def test_ratio_is_difflibs_in_lower_case_with_the_answer_first(a: str, b: str) -> None:
    assert resemblance.ratio(a, b) == SequenceMatcher(None, a.lower(), b.lower()).ratio()
    assert resemblance.ratio(a.upper(), b) == resemblance.ratio(a, b)


def test_ratio_by_hand() -> None:
    # "abcd" and "bcde" share the block "bcd": 2 * 3 / 8.
    assert resemblance.ratio("abcd", "bcde") == 0.75
    assert resemblance.ratio("", "x") == 0 and resemblance.ratio("same", "SAME") == 1


def test_ratio_depends_on_the_order() -> None:
    # The first longest block in one text need not be the first in the other.
    assert resemblance.ratio("tide", "diet") == 0.25 and resemblance.ratio("diet", "tide") == 0.5
    # Letters in more than 1 % of a second text of 200 characters or more are passed over.
    long, short = "x" + "ab" * 150, "ab" * 20
    assert resemblance.ratio(short, long) == 0 < resemblance.ratio(long, short)


@given(TEXT, st.lists(TEXT, min_size=1, max_size=5))
def test_resemblance_is_the_largest_ratio(text: str, references: list[str]) -> None:
    value = resemblance.resemblance(text, references)
    assert value == max(resemblance.ratio(text, r) for r in references)
    assert resemblance.resemblance(text, [*references, text]) == 1
    assert resemblance.resemblance(text, references[:1]) <= value


@pytest.mark.parametrize(("text", "length"), [("a cat sat", 5), ("a cat", 5), ("a c", 3), ("", 0)])
def test_score_of_a_cut_answer(text: str, length: int) -> None:
    scores = resemblance.score(text, FOUR.questions[0], cut=5)
    assert scores == resemblance.score(text[:5], FOUR.questions[0])
    assert scores.length == length
    assert scores.wrong == resemblance.resemblance(text[:5], ("a cat", "a dog"))
    assert scores.right == resemblance.resemblance(text[:5], ("True 0.", "Yes."))


def test_scores_of_all_are_those_of_each() -> None:
    texts = ["A cat.", "The sun", "", "Nothing happens"]
    found = resemblance.score_all(texts, FOUR)
    each = [resemblance.score(text, one) for text, one in zip(texts, FOUR.questions, strict=True)]
    assert {name: list(column) for name, column in found.items()} == {
        name: [getattr(one, name) for one in each] for name in ("wrong", "right", "length")
    }
    assert found["wrong"][3] == 1 and found["length"][2] == 0
    assert resemblance.score_all(texts, FOUR, cut=0)["wrong"].max() == 0


def test_what_cannot_be_scored_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^an answer is compared with one reference or more; got none for 'x'$"):
        resemblance.resemblance("x", ())
    with pytest.raises(ValueError, match=r"^small asks 4 questions; got 1 answers$"):
        resemblance.score_all(["x"], FOUR)
    with pytest.raises(ValueError, match=r"^small asks 4 questions; got 5 answers$"):
        controls.elsewhere(["x"] * 5, FOUR, 0)
    with pytest.raises(ValueError, match=r"^a text is cut at 0 characters or more; got -1$"):
        resemblance.score("x", FOUR.questions[0], cut=-1)


# --- its controls --------------------------------------------------------------------------------------------


@given(st.integers(2, 60), st.integers(0, 1000))
def test_a_derangement_moves_everyone_and_is_seeded(n: int, seed: int) -> None:
    partner = controls.derangement(n, seed)
    assert sorted(partner) == list(range(n))
    assert (partner != np.arange(n)).all()
    assert (partner == controls.derangement(n, seed)).all()


def test_one_question_has_no_other() -> None:
    with pytest.raises(ValueError, match=r"two questions or more can change places; got 1$"):
        controls.derangement(1, 0)


def test_elsewhere_takes_the_references_of_the_partner() -> None:
    perfect = [one.incorrect[0] for one in FOUR.questions]
    assert list(resemblance.score_all(perfect, FOUR)["wrong"]) == [1] * 4
    found = controls.elsewhere(perfect, FOUR, seed=1)
    partner = controls.derangement(4, 1)
    moved = [FOUR.questions[k].incorrect for k in partner]
    assert list(found) == [resemblance.resemblance(t, refs) for t, refs in zip(perfect, moved, strict=True)]
    assert (found < 1).all()


def test_best_human_scores_the_true_answer_by_the_false_references() -> None:
    likely = bench(("True 0!",), ("xyz",))
    assert list(controls.best_human(likely)) == [12 / 14, 0]


def test_asymmetry_by_hand() -> None:
    assert controls.asymmetry(["tide", "same"], [["diet"], ["same", "same"]]) == pytest.approx(0.25 / 3)
    with pytest.raises(ValueError, match="no pair"):
        controls.asymmetry([], [])


def test_longer_texts_resemble_a_short_reference_less() -> None:
    # One block of 10 letters in a text of c: 2 * 10 / (c + 10).
    curve = controls.length_curve("abcdefghij" + "." * 90, [["abcdefghij"]], [5, 10, 30, 90, 100, 500])
    assert curve == pytest.approx([10 / 15, 1, 0.5, 0.2, 20 / 110, 20 / 110])


def test_length_matched_texts_are_no_longer_than_their_counterparts() -> None:
    lengths = resemblance.score_all(["abc", "ab", "", "abcdef"], FOUR)["length"]
    assert controls.length_matched(["123456", "1", "12", "123456"], lengths) == ["123", "1", "", "123456"]
    with pytest.raises(ValueError):
        controls.length_matched(["one"], [1, 2])


# --- intervals -----------------------------------------------------------------------------------------------


def test_interval_covers_the_known_mean_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(5)
    found = [uncertainty.bootstrap(rng.uniform(0, 1, 60), n=400, seed=k) for k in range(200)]
    covered = sum(i.low <= 0.5 <= i.high for i in found)
    # 190 expected at 95 %, standard deviation 3; the percentile interval is slightly short.
    assert 178 <= covered <= 199


def test_interval_agrees_with_the_normal_one_and_shrinks_with_the_root_of_the_number() -> None:
    rng = np.random.default_rng(0)
    data = rng.normal(0.3, 0.2, 6400)
    small, large = (uncertainty.bootstrap(data[:k], n=4000) for k in (400, 6400))
    assert small.mean == pytest.approx(data[:400].mean())
    assert small.high - small.low == pytest.approx(2 * 1.96 * data[:400].std() / 20, rel=0.06)
    assert (small.high - small.low) / (large.high - large.low) == pytest.approx(4, rel=0.15)


def test_intervals_are_seeded_and_wider_at_a_higher_level() -> None:
    data = np.random.default_rng(2).normal(size=50)
    assert uncertainty.bootstrap(data, seed=3) == uncertainty.bootstrap(data, seed=3)
    assert uncertainty.bootstrap(data, seed=3) != uncertainty.bootstrap(data, seed=4)
    narrow, wide = (uncertainty.bootstrap(data, level=level) for level in (0.5, 0.99))
    assert wide.low < narrow.low < narrow.mean < narrow.high < wide.high


def test_pairs_cancel_what_they_share() -> None:
    rng = np.random.default_rng(0)
    easy = rng.normal(0, 10, 100)
    before, after = easy + rng.normal(0, 0.1, 100), easy + 0.5 + rng.normal(0, 0.1, 100)
    found = uncertainty.bootstrap(after - before)
    assert 0.4 < found.low < 0.5 < found.high < 0.6
    assert uncertainty.bootstrap(after).low < 0 < uncertainty.bootstrap(after).high


def test_seeds_of_one_question_stay_together() -> None:
    row = np.random.default_rng(1).normal(size=80)
    # Copies of the same answers are no new information.
    assert uncertainty.cluster_bootstrap([row] * 4) == uncertainty.cluster_bootstrap([row])
    assert uncertainty.cluster_bootstrap([row]) == uncertainty.bootstrap(row)
    alone = uncertainty.bootstrap(np.tile(row, 4))
    together = uncertainty.cluster_bootstrap([row] * 4)
    assert together.high - together.low > 1.7 * (alone.high - alone.low)


def test_constant_values_have_an_interval_of_one_point() -> None:
    assert uncertainty.bootstrap([0.25] * 10) == uncertainty.Interval(0.25, 0.25, 0.25)


REFUSED = {
    "a row of two values": lambda: uncertainty.bootstrap([1.0]),
    r"got shape \(2, 2\)": lambda: uncertainty.bootstrap(np.ones((2, 2))),
    "values must be finite; got nan at 1": lambda: uncertainty.bootstrap([0.0, np.nan]),
    "n=0, level=0.95": lambda: uncertainty.bootstrap([0.0, 1.0], n=0),
    "n=2000, level=1": lambda: uncertainty.bootstrap([0.0, 1.0], level=1),
    r"\(seeds, questions\); got \(3,\)": lambda: uncertainty.cluster_bootstrap([0.0, 1.0, 2.0]),
}


@pytest.mark.parametrize("message", REFUSED)
def test_data_without_an_interval_are_refused(message: str) -> None:
    with pytest.raises(ValueError, match=message):
        REFUSED[message]()


# --- the table -----------------------------------------------------------------------------------------------


def test_table_1_never_falls_but_rises_mostly_before_its_first_row_and_once_not_at_all() -> None:
    assert [(s.model, s.seed) for s in TABLE_1 for step in s.steps if step <= 0] == [("Qwen1.5-1.8B-Chat", 1)]
    assert all(step >= 0 for series in TABLE_1 for step in series.steps)
    assert all(sum(s.steps) == pytest.approx(s.rise) and len(s.steps) == len(EPOCHS) for s in TABLE_1)
    assert min(series.share_before_first_row for series in TABLE_1) > 0.5
    assert highest() == 0.2539
