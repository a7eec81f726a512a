"""The benchmark of §7.2 runs, compares equal work, and prints its table; times are never asserted."""

import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest
import torch

from hallucination.questions.curves import pairs_of
from hallucination.questions.datasets import open_questions
from hallucination.questions.fine_tuning import answer_loss
from hallucination.questions.models import load
from hallucination.questions.prompts import answer_tokens, prompt_tokens
from hallucination.questions.sequence_probability import IGNORED, answer_logits, pack

SCRIPT = Path(__file__).resolve().parent.parent / "benchmarks" / "questions_speed.py"


@pytest.fixture(scope="module")
def benchmark() -> ModuleType:
    spec = importlib.util.spec_from_file_location("questions_speed", SCRIPT)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_quick_prints_one_table_and_judges_nothing(
    benchmark: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", [str(SCRIPT), "--quick"])
    benchmark.main()
    printed = capsys.readouterr().out
    lines = printed.splitlines()
    assert re.fullmatch(r"tiny, \d+ threads, .+", lines[0])
    assert "met" not in printed and "MISSED" not in printed
    (memory,) = [line for line in lines if line.startswith("peak memory")]
    assert re.search(r" \d\.\d\d +<= 5$", memory)
    for what, bar in (("answering", 6), ("fine-tuning", 1.4)):
        (found,) = [line for line in lines if line.startswith(f"{what}, float32")]
        plain, ours, ratio, bound = re.split(r"\s{2,}", found)[1:]
        assert bound == f">= {bar:g}"
        larger, smaller = (ours, plain) if what == "answering" else (plain, ours)
        assert float(ratio) == pytest.approx(float(larger) / float(smaller), rel=0.02)


def test_sizes_that_do_not_fit_are_one_line(
    benchmark: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", [str(SCRIPT), "--batched", "4", "--alone", "5"])
    with pytest.raises(SystemExit) as stopped:
        benchmark.parsed()
    assert stopped.value.code == 2
    assert "need 1 <= --alone <= --batched <= " in capsys.readouterr().err.splitlines()[-1]


def test_both_losses_are_the_same_where_the_prompts_are(benchmark: ModuleType) -> None:
    """The tiny model's frame adds no system message, so an explicitly empty one is all that differs."""
    loaded = load("tiny", device="cpu", dtype="float32")
    pairs = pairs_of(open_questions())[:3]
    full = benchmark.whole(loaded, pairs)
    words = loaded.tokenizer
    answers = [answer_tokens(words, a) for _, a in pairs]
    learned = [row[row != IGNORED].tolist() for row in full["labels"]]
    assert learned == answers
    prompts = [
        row[: int(m.sum()) - len(a)].tolist()
        for row, m, a in zip(full["input_ids"], full["attention_mask"], answers, strict=True)
    ]
    framed = [prompt_tokens(words, q, "chat") for q, _ in pairs]
    assert all(p[-len(q) :] == q for p, q in zip(framed, prompts, strict=True))
    inputs, target = pack(prompts, answers, int(words.pad_token_id), "cpu")
    with torch.no_grad():
        ours = answer_loss(answer_logits(loaded.model, inputs, target.shape[1]), target)
        theirs = loaded.model(**full).loss
    assert float(ours) == pytest.approx(float(theirs), rel=1e-5)


def test_ways_take_turns(benchmark: ModuleType) -> None:
    calls: list[str] = []
    medians = benchmark.alternate([lambda: calls.append("a"), lambda: calls.append("b")], 3)
    assert calls == list("ababab")
    assert len(medians) == 2 and min(medians) >= 0


@pytest.mark.parametrize(("ratio", "verdict"), [(6.0, "met"), (5.99, "MISSED")])
def test_a_bar_is_judged(
    benchmark: ModuleType, capsys: pytest.CaptureFixture[str], ratio: float, verdict: str
) -> None:
    benchmark.compared("answering", 1.0, ratio, ratio, 6.0, True)
    assert capsys.readouterr().out.rstrip().endswith(verdict)
