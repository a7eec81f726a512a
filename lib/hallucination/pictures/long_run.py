"""The runs that no build repeats: one sub-command a run, one JSON record a run.

    python -m hallucination.pictures.long_run curve --seed 0 --k 1024
    python -m hallucination.pictures.long_run averages
    python -m hallucination.pictures.long_run steps
    python -m hallucination.pictures.long_run rehearsal --shape sd-v1.5
    torchrun --nproc_per_node 2 -m hallucination.pictures.long_run tune --model tiny --embedding tiny

A run that was stopped goes on where it was.  With ``--model tiny --embedding tiny`` everything is small and random.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from itertools import product
from pathlib import Path
from typing import Any

import click

from hallucination.devices import NoRoomError, device_name, place
from hallucination.model_sources import MissingModelError
from hallucination.pictures import grids
from hallucination.pictures.averages import GUIDANCES, MEANS, STEPS, average_cells, step_cells, subsets
from hallucination.pictures.controls import control_cells
from hallucination.pictures.curves import Experiment, first_of
from hallucination.pictures.lessons import Recipe
from hallucination.pictures.long_run_options import integers, numbers, with_options, with_out, with_recipe
from hallucination.pictures.long_run_setting import Setting, set_up
from hallucination.pictures.minimiser import minimiser_cells
from hallucination.pictures.points import Cell
from hallucination.pictures.rehearsal import rehearse
from hallucination.pictures.rehearsal_shapes import SHAPES
from hallucination.pictures.same_noise import losses_on_same_noise
from hallucination.pictures.sampling import check
from hallucination.pictures.sets import MissingPicturesError
from hallucination.records import provenance, write_json

SHOWN = 8  # pictures outside, and as many inside, of each prompt in a record's grid


@contextmanager
def _one_line() -> Iterator[None]:
    """Say what is wrong without a traceback."""
    try:
        yield
    except (ValueError, OSError, ModuleNotFoundError, MissingModelError, MissingPicturesError, NoRoomError) as error:
        raise click.ClickException(" ".join(str(error).split())) from error


def _finish(path: Path, started: float, facts: Mapping[str, Any], results: Mapping[str, Any]) -> None:
    usage = {
        "seconds_in_this_process": round(time.perf_counter() - started, 1),
        "peak_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }
    write_json(path, {**facts, **usage, "provenance": provenance(Path.cwd()), **results}, indent=None)
    click.echo(f"written: {path}")


def _shown(experiment: Experiment, cells: Sequence[Cell], unets: Mapping[int, Path], path: Path) -> dict[str, Any]:
    """Draw again the first pictures outside and inside, before and after fine-tuning, for a grid."""
    last = max(unets)
    facts, rows = [], []
    for epoch, unet in ((0, None), (last, unets[last])):
        loaded = experiment.at(unet)
        for cell in (c for c in cells if c.what["epoch"] == epoch):
            out, within = (first_of(cell, SHOWN, outside=where).tolist() for where in (True, False))
            rows.append(experiment.drawing.images(loaded, str(cell.what["prompt"]), [*out, *within]))
            facts.append(
                {**cell.what, "numbers": [*out, *within], "outside": [True] * len(out) + [False] * len(within)}
            )
    return {**grids.write(path, rows), "rows": facts}


@click.group()
def main() -> None:
    """Long runs of the experiment of §7.3."""


@main.command()
@with_options
@with_recipe
@click.option(
    "--draws",
    type=click.IntRange(min=1),
    default=1600,
    show_default=True,
    help="Draws for the loss on the same noise.",
)
@with_out
def curve(draws: int, out: Path, **words: Any) -> None:
    """Fine-tune, and judge pictures after every kept epoch: Figures 5 and 6, for one seed."""
    started = time.perf_counter()
    with _one_line():
        setting, recipe = _split(words)
        experiment = setting.experiment(setting.judge())
        cells, tuned = experiment.curve(recipe)
        stem = f"{setting.stem}-curve-{recipe.seed}"
        shown = _shown(experiment, cells, tuned.unets, out / f"{stem}.png")
        paired = losses_on_same_noise(setting.loaded, experiment.lesson, tuned.unets, n=draws)
    facts = {"kind": "curve", **setting.facts(experiment.judge, recipe=asdict(recipe))}
    results = {
        "losses": [round(x, 5) for x in tuned.losses],
        "steps_per_epoch": tuned.steps_per_epoch,
        "draws": draws,
        "same_noise": {part: [asdict(each) for each in found] for part, found in paired.items()},
        "shown": shown,
        "cells": [c.as_data() for c in cells],
    }
    _finish(out / f"{stem}.json", started, facts, results)


@main.command()
@with_options
@with_recipe
def tune(**words: Any) -> None:
    """Fine-tune only; may run as several processes under ``torchrun``."""
    with _one_line():
        setting, recipe = _split(words)
        experiment = setting.experiment(None)
        tuned = experiment.tune(recipe)
    click.echo(
        f"{len(tuned.losses)} steps; last loss {tuned.losses[-1]:.4f}; UNets in {experiment.tuning_folder(recipe)}"
    )


@main.command()
@with_options
@click.option(
    "--means", default=",".join(map(str, MEANS)), callback=integers, show_default=True, help="m, with commas."
)
@click.option("--seed", type=int, default=0, show_default=True, help="Of the draws.")
@with_out
def averages(means: list[int], seed: int, out: Path, **words: Any) -> None:
    """Judge means of real pictures, the loss's own minimiser, and the controls."""
    started = time.perf_counter()
    with _one_line():
        setting = set_up(**words)
        for m in means:
            subsets(setting.parts.held, m, 1, seed)  # refuses what cannot be drawn, before anything is computed
        judges = setting.judges()
        cells = list(
            average_cells(
                setting.loaded, setting.pictures, setting.parts.held, judges, k=setting.drawing.k,
                means=means, seed=seed, batch_size=setting.drawing.batch_size,
            )
        )  # fmt: skip
        cells += minimiser_cells(
            setting.loaded, setting.pictures, setting.parts.train, judges, k=setting.drawing.k,
            batch_size=setting.drawing.batch_size,
        )  # fmt: skip
        controls = control_cells(
            setting.pictures,
            setting.parts.held,
            setting.others,
            judges["embedding"],
            setting.fit,
            seed=seed,
            folder=setting.work,
        )
        results = {"cells": [c.as_data() for c in cells], "controls": [c.as_data() for c in controls]}
    facts = setting.facts(judges["embedding"], means=means, seed=seed)
    _finish(out / f"{setting.stem}-averages.json", started, {"kind": "averages", **facts}, results)


@main.command()
@with_options
@click.option(
    "--counts", default=",".join(map(str, STEPS)), callback=integers, show_default=True, help="Numbers of steps."
)
@click.option("--guidances", default=",".join(map(str, GUIDANCES)), callback=numbers, show_default=True)
@with_out
def steps(counts: list[int], guidances: list[float], out: Path, **words: Any) -> None:
    """Judge the one-step prediction from pure noise, and pictures drawn in few steps."""
    started = time.perf_counter()
    with _one_line():
        setting = set_up(**words)
        for n, guidance in product(counts, guidances):
            check(
                setting.loaded, setting.prompts, range(len(setting.prompts)), n, guidance, setting.drawing.batch_size
            )
        judges = setting.judges()
        cells = step_cells(
            setting.loaded, setting.prompts, judges, setting.drawing, steps=counts, guidances=guidances
        )
        results = {"cells": [c.as_data() for c in cells]}
    facts = setting.facts(judges["embedding"], counts=counts, guidances=guidances)
    _finish(out / f"{setting.stem}-steps.json", started, {"kind": "steps", **facts}, results)


@main.command()
@click.option("--shape", type=click.Choice(SHAPES), default="sd-v1.5", show_default=True)
@click.option("--device", default="auto", show_default=True)
@click.option("--seed", type=int, default=0, show_default=True)
@with_out
def rehearsal(shape: str, device: str, seed: int, out: Path) -> None:
    """Rehearse at the size of the paper's models, with random weights: seconds and memory, no results."""
    started = time.perf_counter()
    with _one_line():
        results = rehearse(shape, device, seed=seed)
    name = f"rehearsal-{shape}-{device_name(place(device))}.json"
    _finish(out / name, started, {"kind": "rehearsal"}, results)


def _split(words: dict[str, Any]) -> tuple[Setting, Recipe]:
    own = ("epochs", "learning_rate", "ema", "dropout", "precision", "keep_every", "seed")
    recipe = Recipe(batch_size=words.pop("train_batch"), **{name: words.pop(name) for name in own})
    return set_up(**words), recipe


if __name__ == "__main__":
    main()
