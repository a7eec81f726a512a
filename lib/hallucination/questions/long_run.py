"""The runs that no build repeats: one sub-command a run, one JSON record a run.

    python -m hallucination.questions.long_run curve --seed 0 --benchmark TruthfulQA.csv
    python -m hallucination.questions.long_run voices --seed 0
    torchrun --nproc_per_node 2 -m hallucination.questions.long_run tune --model tiny --work /tmp/work

A run that was stopped goes on where it was.  With ``--model tiny`` everything runs in seconds.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import click
import numpy as np

from hallucination.devices import NoRoomError, device_name, place
from hallucination.model_sources import MissingModelError
from hallucination.questions.controls import best_human, elsewhere
from hallucination.questions.curves import Experiment, check_epochs, pairs_of
from hallucination.questions.datasets import Benchmark, misconceptions, open_questions
from hallucination.questions.fine_tuning import Recipe
from hallucination.questions.models import QWEN_SHAPES, load, require
from hallucination.questions.points import DIGITS, Row, Style
from hallucination.questions.rehearsal import rehearse
from hallucination.questions.truthfulqa import asked
from hallucination.questions.voices import voices_test
from hallucination.records import provenance, write_json

RECORDS = Path("records/questions")
WORK = Path("runs/questions")
RECIPE = Recipe(epochs=4, learning_rate=5e-5, checkpoints_in_first_epoch=2)


def _facts(experiment: Experiment, recipe: Recipe, source: Mapping[str, Any], pairs: int) -> dict[str, Any]:
    parameters = {**asdict(recipe), "pairs": pairs, "ask_seed": experiment.ask_seed}
    return {"model": dict(source), "benchmark": _identity(experiment.benchmark), "parameters": parameters}


def _identity(bench: Benchmark) -> dict[str, Any]:
    return {"name": bench.name, "version": bench.version, "sha256": bench.sha256, "asked": len(bench.questions)}


def _finish(path: Path, started: float, facts: Mapping[str, Any], results: Mapping[str, Any]) -> None:
    usage = {
        "seconds_in_this_process": round(time.perf_counter() - started, 1),
        "peak_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }
    write_json(path, {**facts, **usage, "provenance": provenance(Path.cwd()), **results}, indent=None)
    click.echo(f"written: {path}")


def _stem(experiment: Experiment) -> str:
    return f"{Path(experiment.model).name}-{experiment.benchmark.name}-{len(experiment.benchmark.questions)}"


@click.group()
def main() -> None:
    """Long runs of the experiment of §7.2."""


_common = [
    click.option("--model", default="smollm2", show_default=True, help="Name or folder of the model."),
    click.option(
        "--benchmark", default="misconceptions", show_default=True, help="Ours, or TruthfulQA's path or id."
    ),
    click.option("--n-eval", type=click.IntRange(min=2), help="Ask only so many of its questions, drawn at random."),
    click.option("--n-train", type=int, help="Learn only so many of our open questions."),
    click.option("--epochs", type=int, default=RECIPE.epochs, show_default=True),
    click.option("--learning-rate", type=float, default=RECIPE.learning_rate, show_default=True),
    click.option("--seed", type=int, default=0, show_default=True),
    click.option(
        "--batch-size", type=click.IntRange(min=1), default=64, show_default=True, help="Questions asked at a time."
    ),
    click.option("--work", type=click.Path(path_type=Path), default=WORK, show_default=True),
    click.option("--out", type=click.Path(path_type=Path), default=RECORDS, show_default=True),
]


def _with_common(function: Any) -> Any:
    for option in reversed(_common):
        function = option(function)
    return function


def _set_up(
    model: str, benchmark: str, n_eval: int | None, n_train: int | None, epochs: int, learning_rate: float, seed: int,
    batch_size: int, work: Path,
) -> tuple[Experiment, Recipe, Any]:  # fmt: skip
    with _one_line():
        bench = asked(benchmark, n_eval)
        questions = open_questions(n_train)
        recipe = replace(RECIPE, epochs=epochs, learning_rate=learning_rate, seed=seed)
        require([model])
    folder = work / f"{Path(model).name}-{len(questions)}-lr{learning_rate:g}-epochs{epochs}"
    return Experiment(model, bench, folder, batch_size), recipe, questions


@contextmanager
def _one_line() -> Iterator[None]:
    """Say what is wrong with an option without a traceback."""
    try:
        yield
    except (ValueError, OSError, ModuleNotFoundError, MissingModelError) as error:
        raise click.ClickException(str(error)) from error


def _numbers(_context: click.Context, _option: click.Parameter, text: str) -> list[float]:
    try:
        return [float(e) for e in text.split(",") if e]
    except ValueError:
        raise click.BadParameter(f"numbers with commas between them are needed, as 2,4; got {text!r}") from None


@main.command()
@_with_common
@click.option("--row", type=click.Choice(["tuned", "shuffled"]), default="tuned", show_default=True)
@click.option(
    "--published-at",
    default="",
    callback=_numbers,
    help="Epochs after which to ask as published, too: 2,4 (default: the last).",
)
@click.option(
    "--chat-at", default="", callback=_numbers, help="Epochs after which to ask in the chat frame (default: all)."
)
def curve(row: Row, out: Path, published_at: list[float], chat_at: list[float], **words: Any) -> None:
    """Fine-tune and measure at every kept step: Figure 4 with its controls, for one seed."""
    started = time.perf_counter()
    experiment, recipe, questions = _set_up(**words)
    when: dict[Style, list[float] | None] = {
        "chat": chat_at or None,
        "as published": published_at or [float(recipe.epochs)],
    }
    with _one_line():
        check_epochs(recipe, 2 * len(questions), when)
    points, losses = experiment.curve(questions, recipe, row, when)
    facts = _facts(experiment, recipe, load(experiment.model).source, 2 * len(questions))
    results = {"row": row, "losses": [round(x, 4) for x in losses], "points": [p.as_data() for p in points]}
    _finish(out / f"{_stem(experiment)}-{row}-{recipe.seed}.json", started, facts, results)


@main.command()
@_with_common
@click.option(
    "--draws", type=click.IntRange(min=1), default=16, show_default=True, help="Draws for the average place by place."
)
def voices(draws: int, out: Path, **words: Any) -> None:
    """Test Definition 4.2: one model a voice and one of the mixture; always on questions of ours."""
    started = time.perf_counter()
    experiment, recipe, questions = _set_up(**words)
    if experiment.benchmark.name != misconceptions().name:
        raise click.ClickException(
            "the answers go into the record with their words, so only our own questions are asked"
        )
    tuned = experiment.tune(f"tuned-{recipe.seed}", pairs_of(questions), recipe)
    scored = voices_test(experiment, questions, recipe, tuned.adapters[max(tuned.adapters)], draws=draws)
    facts = _facts(experiment, recipe, load(experiment.model).source, 2 * len(questions))
    results = {"draws": draws, "ways": [s.as_data() for s in scored.values()]}
    _finish(out / f"{_stem(experiment)}-voices-{recipe.seed}.json", started, facts, results)


@main.command()
@_with_common
def tune(out: Path, **words: Any) -> None:
    """Fine-tune only; may run as several processes under ``torchrun``."""
    experiment, recipe, questions = _set_up(**words)
    tuned = experiment.tune(f"tuned-{recipe.seed}", pairs_of(questions), recipe)
    click.echo(f"{len(tuned.losses)} steps; last loss {tuned.losses[-1]:.4f}; adapters in {experiment.folder}")


@main.command()
@click.option("--shape", type=click.Choice(list(QWEN_SHAPES)), default="qwen2.5-7b-instruct", show_default=True)
@click.option("--device", default="auto", show_default=True)
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--out", type=click.Path(path_type=Path), default=RECORDS, show_default=True)
def qwen(shape: str, device: str, seed: int, out: Path) -> None:
    """Rehearse at the size of the paper's models, with random weights: seconds and memory, no answers."""
    started = time.perf_counter()
    try:
        results = rehearse(shape, device, seed=seed)
    except NoRoomError as error:
        raise click.ClickException(str(error)) from error
    _finish(out / f"rehearsal-{shape}-{device_name(place(device))}.json", started, {}, results)


@main.command()
@click.option("--benchmark", required=True, help="TruthfulQA's path or id.")
@click.option("--out", type=click.Path(path_type=Path), default=RECORDS, show_default=True)
def references(benchmark: str, out: Path) -> None:
    """Score a benchmark's own best answers by its incorrect ones: what people of good will would get."""
    started = time.perf_counter()
    bench = asked(benchmark)
    scores = {"wrong": best_human(bench), "elsewhere": elsewhere([q.best for q in bench.questions], bench, 0)}
    facts = {"model": {"name": "best answers"}, "benchmark": _identity(bench), "parameters": {}}
    results = {"scores": {name: np.round(values, DIGITS).tolist() for name, values in scores.items()}}
    _finish(out / f"references-{bench.name}.json", started, facts, results)


if __name__ == "__main__":
    main()
