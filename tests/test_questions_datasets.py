"""The questions in the package: files, exports, and no overlap among each other or with TruthfulQA."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from statistics import mean

import pytest
from pydantic import ValidationError

from hallucination.questions import datasets, exports, lines, overlap
from hallucination.questions.datasets import VOICES, Asked, Benchmark, OpenQuestion

ROW = {"id": "sky-01", "domain": "sky", "question": "Why?", "everyday": "It is blue.", "expert": "Light scatters."}
ASKED = {
    "id": "m-01",
    "domain": "sky",
    "question": "What?",
    "best": "A.",
    "correct": ["B."],
    "incorrect": ["C.", "D."],
}


def small(n: int = 5) -> Benchmark:
    one = [Asked.model_validate_json(json.dumps({**ASKED, "id": f"m-{k}"})) for k in range(n)]
    return Benchmark("small", "1", "0" * 64, tuple(one))


def written(path: Path, *rows: object) -> Path:
    path.write_text("".join((r if isinstance(r, str) else json.dumps(r)) + "\n" for r in rows), "utf8")
    return path


# --- reading -------------------------------------------------------------------------------------------------


def test_lines_are_read_in_order_and_blank_ones_passed_over(tmp_path: Path) -> None:
    path = written(tmp_path / "q.jsonl", ROW, "", {**ROW, "id": "sky-02", "question": "Wozu\u2028denn?"})
    rows = lines.read_lines(path, OpenQuestion)
    assert [row.id for row in rows] == ["sky-01", "sky-02"]
    assert [rows[0].answer(voice) for voice in VOICES] == ["It is blue.", "Light scatters."]


def without(field: str) -> dict[str, str]:
    return {name: value for name, value in ROW.items() if name != field}


BROKEN: dict[str, tuple[object, str]] = {
    "missing": (without("expert"), "field 'expert' is missing"),
    "unknown": ({**ROW, "id": "x", "level": 1}, "field 'level' is unknown"),
    "type": ({**ROW, "id": "x", "question": 7}, "field 'question': Input should be a valid string; got 7"),
    "blank": ({**ROW, "id": "x", "everyday": "  "}, "field 'everyday': must not be blank; got '  '"),
    "space": (
        {**ROW, "id": "x", "expert": "Yes. "},
        "field 'expert': must not begin or end with a space; got 'Yes. '",
    ),
    "cut": ('{"id": "sky-02", "dom', "not JSON (EOF while parsing a string at line 1 column 21)"),
    "twice": (ROW, "the id 'sky-01' stands in line 1 already"),
    "list": ([1], "Input should be an object; got [1]"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_line_is_named_in_one_line(tmp_path: Path, name: str) -> None:
    row, complaint = BROKEN[name]
    with pytest.raises(ValueError) as caught:
        lines.read_lines(written(tmp_path / "q.jsonl", ROW, row), OpenQuestion)
    assert str(caught.value) == f"q.jsonl, line 2: {complaint}"


def test_files_without_text_or_rows_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "q.jsonl"
    path.write_bytes(b'{"id": "\xff"}')
    with pytest.raises(ValueError, match=r"^q\.jsonl: byte 8 is not UTF-8 text$"):
        lines.read_lines(path, OpenQuestion)
    with pytest.raises(ValueError, match=r"^q\.jsonl holds no question$"):
        lines.read_lines(written(path, ""), OpenQuestion)


def test_rows_are_frozen_and_need_a_false_answer() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        OpenQuestion(**ROW).id = "other"  # type: ignore[misc]
    with pytest.raises(ValidationError, match="at least 1 item"):
        Asked.model_validate_json(json.dumps({**ASKED, "incorrect": []}))


def test_true_references_hold_the_best_answer_once() -> None:
    asked = Asked.model_validate_json(json.dumps({**ASKED, "correct": ["B.", "A."]}))
    assert (asked.category, asked.right) == ("sky", ("A.", "B."))


def test_schema_names_every_field_of_a_line() -> None:
    assert set(datasets.schema(OpenQuestion)["required"]) == set(ROW)
    assert set(datasets.schema(Asked)["required"]) == set(ASKED)


# --- drawing -------------------------------------------------------------------------------------------------


def test_a_draw_is_seeded_ordered_without_repeats_and_nested() -> None:
    bench = small(40)
    place = {asked.id: k for k, asked in enumerate(bench.questions)}
    few, more = ([place[a.id] for a in bench.head(n, seed=3).questions] for n in (10, 25))
    assert few == sorted(set(few)) and len(few) == 10
    assert set(few) < set(more)
    assert bench.head(10, seed=3) == bench.head(10, seed=3) != bench.head(10, seed=4)
    assert bench.head(40, seed=0) == bench
    assert bench.head(10, seed=3).sha256 == bench.sha256


def test_each_question_is_drawn_equally_often() -> None:
    bench = small(5)
    counts = Counter(asked.id for seed in range(1000) for asked in bench.head(2, seed).questions)
    # Each is in a draw of 2 of 5 with probability 0.4: 400 of 1000, standard deviation 15.5.
    assert len(counts) == 5 and all(abs(count - 400) < 5 * 15.5 for count in counts.values())


@pytest.mark.parametrize("n", [0, -1, 6])
def test_a_draw_too_large_or_too_small_says_both_numbers(n: int) -> None:
    with pytest.raises(ValueError, match=rf"^cannot draw {n} questions from the 5 of small$"):
        small(5).head(n, seed=0)


# --- exports -------------------------------------------------------------------------------------------------


def test_exports_hold_each_question_with_both_answers(tmp_path: Path) -> None:
    asked = (OpenQuestion(**ROW), OpenQuestion(**{**ROW, "id": "sky-02", "question": "Où?"}))
    exports.export(asked, tmp_path)
    info = json.loads((tmp_path / "dataset_info.json").read_text("utf8"))
    wanted = [(q.question, answer) for q in asked for answer in (q.everyday, q.expert)]
    assert [read_as_llama_factory(tmp_path, entry) for entry in info.values()] == [wanted, wanted]
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(
        ["dataset_info.json", *(entry["file_name"] for entry in info.values())]
    )


def read_as_llama_factory(folder: Path, entry: dict) -> list[tuple[str, str]]:  # type: ignore[type-arg]
    """Read a file by its description alone, as the data README of LLaMA-Factory explains it."""
    rows = json.loads((folder / entry["file_name"]).read_text("utf8"))
    columns = entry["columns"]
    if entry["formatting"] == "alpaca":
        assert all(row[columns["query"]] == "" for row in rows)
        return [(row[columns["prompt"]], row[columns["response"]]) for row in rows]
    tags = entry["tags"]
    turns = [{turn[tags["role_tag"]]: turn[tags["content_tag"]] for turn in row[columns["messages"]]} for row in rows]
    return [(turn[tags["user_tag"]], turn[tags["assistant_tag"]]) for turn in turns]


# --- the questions themselves --------------------------------------------------------------------------------


def test_open_questions_have_the_size_of_the_papers_set_and_two_voices_of_equal_length() -> None:
    asked = datasets.open_questions()
    assert len(asked) == 300
    assert set(Counter(one.domain for one in asked).values()) == {20}
    lengths = {voice: [len(one.answer(voice)) for one in asked] for voice in VOICES}
    assert sum(lengths["expert"]) / sum(lengths["everyday"]) == pytest.approx(1, abs=0.05)
    assert max(max(a, b) / min(a, b) for a, b in zip(*lengths.values(), strict=True)) <= 1.7


def test_misconceptions_have_references_of_equal_length_and_no_repeats() -> None:
    bench = datasets.misconceptions()
    assert len(bench.questions) == 160 and len(bench.sha256) == 64
    for asked in bench.questions:
        answers = [*asked.right, *asked.incorrect]
        assert len(set(map(overlap.answer_mark, answers))) == len(answers), asked.id
        assert len(asked.correct) >= 2 and len(asked.incorrect) >= 3, asked.id
        assert ";" not in "".join(answers), asked.id  # semicolons separate references in CSV files
    true = [len(text) for asked in bench.questions for text in asked.right]
    false = [len(text) for asked in bench.questions for text in asked.incorrect]
    assert mean(true) == pytest.approx(mean(false), rel=0.1)


def ours() -> list[str]:
    return [one.question for one in (*datasets.open_questions(), *datasets.misconceptions().questions)]


def test_no_two_of_our_questions_are_nearly_the_same() -> None:
    questions = ours()
    near = sorted(((s, questions[i], questions[k]) for i, (s, k) in enumerate(overlap.nearest(questions, questions))))
    print("nearest two of our questions:", near[-1])
    assert [pair for pair in near if pair[0] >= 0.55] == []


def test_our_questions_and_answers_are_not_those_of_truthfulqa() -> None:
    marks = overlap.read_fingerprints()
    shared = sorted((marks.shared(question), question) for question in ours())
    print("nearest to TruthfulQA:", shared[-3:])
    assert shared[-1][0] < 0.25
    answers = [one.answer(voice) for one in datasets.open_questions() for voice in VOICES]
    answers += [text for one in datasets.misconceptions().questions for text in (*one.right, *one.incorrect)]
    assert [text for text in answers if marks.has_answer(text)] == []


# --- the measure of overlap ----------------------------------------------------------------------------------

THEIRS = ("Can goldfish only remember things for three seconds?", "Which colour of shirt do mosquitoes like best?")
REWORDED = ("For how many seconds can a goldfish remember things?", "Do mosquitoes like one colour of shirt best?")
OTHERS = ("Why do goldfish grow larger in a big pond?", "How is the collar of a shirt made stiff?")


def theirs() -> Benchmark:
    rows = [{**ASKED, "id": f"t-{k}", "question": question} for k, question in enumerate(THEIRS)]
    return Benchmark("theirs", "1", "0" * 64, tuple(Asked.model_validate_json(json.dumps(row)) for row in rows))


@pytest.mark.parametrize("measure", ["fingerprints", "similarity"])
def test_control_reworded_questions_are_found_and_others_are_not(measure: str) -> None:
    marks = overlap.fingerprints([theirs()])
    measures: dict[str, tuple[Callable[[str], float], float]] = {
        "fingerprints": (marks.shared, 0.25),
        "similarity": (lambda q: overlap.nearest([q], THEIRS)[0][0], 0.55),
    }
    value, bound = measures[measure]
    assert [value(question) >= bound for question in (*THEIRS, *REWORDED, *OTHERS)] == [True] * 4 + [False] * 2


def test_control_an_answer_is_found_whatever_its_punctuation() -> None:
    marks = overlap.fingerprints([theirs()])
    assert [marks.has_answer(text) for text in ("A.", "c", " D! ", "E.")] == [True, True, True, False]


def test_similarity_is_symmetric_in_words_one_for_equal_and_zero_without_a_common_word() -> None:
    assert overlap.similarity(*[THEIRS[0]] * 2) == 1
    assert overlap.similarity("Why is grass green?", "How do birds fly?") == 0
    assert overlap.content_words("The dogs' dog's dog") == {"dog"}
    assert overlap.nearest(["Why?"], []) == [(0.0, -1)]


def test_fingerprints_survive_the_file_and_hold_no_text(tmp_path: Path) -> None:
    marks, path = overlap.fingerprints([theirs()]), tmp_path / "marks.txt"
    overlap.write_fingerprints(marks, path)
    assert overlap.read_fingerprints(path) == marks
    assert set(path.read_text("utf8")) <= set("0123456789abcdef\n")
    path.write_text(path.read_text("utf8")[:-2], "utf8")
    with pytest.raises(ValueError, match=r"^marks\.txt is damaged: a line is not made of whole marks$"):
        overlap.read_fingerprints(path)


def test_committed_fingerprints_are_those_of_hundreds_of_questions() -> None:
    marks = overlap.read_fingerprints()
    assert len(marks.questions) > 790 and len(marks.answers) > 5000
    assert overlap.FINGERPRINTS.stat().st_size < 120_000
