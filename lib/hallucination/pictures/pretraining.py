"""Train the small Stable Diffusion that the project ships: autoencoder, then CLIP, then UNet.

::

    python -m hallucination.pictures.pretraining --size small --work runs/pictures/animals --out models/animals

A run that was stopped goes on where it was.  Autoencoder and CLIP do not need
each other: ``--stage vae`` and ``--stage clip`` may run side by side before
the rest.  Only the first part of the pictures' split is learned from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from hallucination.pictures import datasets
from hallucination.pictures.pretraining_card import check_out, ship
from hallucination.pictures.pretraining_run import PLANS, Pretraining
from hallucination.pictures.small import SIZES

Command = Callable[..., None]


@contextmanager
def _one_line() -> Iterator[None]:
    """Say what is wrong without a traceback."""
    try:
        yield
    except (ValueError, ArithmeticError, OSError, datasets.MissingPicturesError) as error:
        raise click.ClickException(str(error)) from error


def _epochs(name: str) -> Callable[[Command], Command]:
    kind = click.IntRange(min=1)
    return click.option(f"--{name}-epochs", type=kind, default=PLANS[name].epochs, show_default=True)


@click.command()
@click.option("--pictures", type=click.Choice(["animals", "fashion"]), default="animals", show_default=True)
@click.option("--size", type=click.Choice(list(SIZES)), default="small", show_default=True)
@click.option("--work", type=click.Path(path_type=Path), help="Default: runs/pictures/PICTURES.")
@click.option("--out", type=click.Path(path_type=Path), help="Default: models/PICTURES.")
@click.option("--stage", type=click.Choice(["vae", "clip", "all"]), default="all", show_default=True)
@_epochs("vae")
@_epochs("clip")
@_epochs("unet")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@click.option("--device", default="auto", show_default=True)
def main(pictures: str, size: str, work: Path | None, out: Path | None, stage: str, seed: int, device: str,
         **epochs: int) -> None:  # fmt: skip
    """Train the small Stable Diffusion and write it with its card."""
    out = out or Path("models") / pictures
    plans = {name: plan.lasting(epochs[f"{name}_epochs"]) for name, plan in PLANS.items()}
    with _one_line():
        check_out(out)
        run = Pretraining(
            datasets.pictures(pictures), size, plans, work or Path("runs/pictures") / pictures, seed, device
        )
        if stage != "all":
            last = getattr(run, stage)()[-1]
            click.echo(f"{stage}: loss {last.loss:.4f} after {last.epoch} epochs; kept in {run.work / stage}")
            return
        done = run.whole()
        parts = run.parts
        ship(out, parts, lambda: run.facts(done))
    click.echo(f"written: {out}")


if __name__ == "__main__":
    main()
