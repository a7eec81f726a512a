"""Options of the long runs of §7.3."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from hallucination.pictures.lessons import PRECISIONS

RECORDS = Path("records/pictures")
WORK = Path("runs/pictures")

OPTIONS = [
    click.option("--model", default="animals", show_default=True, help="Name or folder of the model."),
    click.option("--unet", type=click.Path(path_type=Path), help="Folder of a fine-tuned UNet to start from."),
    click.option("--data", default="animals", show_default=True, help="Name or folder of the pictures."),
    click.option("--data-path", type=click.Path(path_type=Path), help="Where the files of fashion or afhq are."),
    click.option("--size", type=int, default=512, show_default=True, help="Side of photographs in pixels."),
    click.option("--classes", default="cat,dog", show_default=True, help="Classes learned and judged by."),
    click.option("--per-class", type=click.IntRange(min=2), help="Use only so many pictures of each class."),
    click.option("--embedding", default="animals", show_default=True, help="Name or folder of the embedder."),
    click.option("--prompt", "prompts", multiple=True, help="May be repeated; the paper's three unless given."),
    click.option("--k", type=int, default=128, show_default=True, help="Pictures of each kind."),
    click.option("--steps", "denoising", type=int, default=20, show_default=True, help="Steps of the sampler."),
    click.option("--guidance", type=float, default=3.0, show_default=True),
    click.option("--image-seed", type=int, default=0, show_default=True, help="Which initial noises."),
    click.option("--batch-size", type=int, default=64, show_default=True, help="Pictures drawn at a time."),
    click.option("--dimensions", type=int, default=32, show_default=True, help="Principal components kept."),
    click.option("--components", type=int, default=1, show_default=True, help="Gaussians per class."),
    click.option("--covariance", type=click.Choice(["diag", "full"]), default="diag", show_default=True),
    click.option("--splits", type=int, default=5, show_default=True, help="Divisions of the real pictures."),
    click.option("--dtype", default="auto", show_default=True),
    click.option("--device", default="auto", show_default=True),
    click.option("--work", type=click.Path(path_type=Path), default=WORK, show_default=True),
]
RECIPE = [
    click.option("--epochs", type=int, default=20, show_default=True),
    click.option("--learning-rate", type=float, default=1e-4, show_default=True),
    click.option("--train-batch", type=int, default=64, show_default=True, help="Pictures in a step of training."),
    click.option("--ema", type=float, default=0.0, show_default=True, help="Decay of the weights' moving average."),
    click.option("--dropout", type=float, default=0.1, show_default=True, help="Share of captions made empty."),
    click.option("--precision", type=click.Choice(PRECISIONS), default=PRECISIONS[0], show_default=True),
    click.option("--keep-every", type=int, default=1, show_default=True, help="Epochs between checkpoints."),
    click.option("--seed", type=int, default=0, show_default=True, help="Of the fine-tuning."),
]

with_out = click.option("--out", type=click.Path(path_type=Path), default=RECORDS, show_default=True)


def with_options(function: Any) -> Any:
    """Give a command the common options."""
    return _with(OPTIONS, function)


def with_recipe(function: Any) -> Any:
    """Give a command the options of a fine-tuning."""
    return _with(RECIPE, function)


def integers(_context: click.Context, _option: click.Parameter, text: str) -> list[int]:
    """Whole numbers with commas between them; raises click.BadParameter."""
    return _parsed(text, int, "2,4")


def numbers(_context: click.Context, _option: click.Parameter, text: str) -> list[float]:
    """Numbers with commas between them; raises click.BadParameter."""
    return _parsed(text, float, "1,7.5")


def _with(options: list[Any], function: Any) -> Any:
    for option in reversed(options):
        function = option(function)
    return function


def _parsed(text: str, kind: type[Any], example: str) -> list[Any]:
    try:
        return [kind(e) for e in text.split(",")]
    except ValueError:
        what = "whole numbers" if kind is int else "numbers"
        raise click.BadParameter(f"{what} with commas between them are needed, as {example}; got {text!r}") from None
