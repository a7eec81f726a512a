"""Fine-tuning a UNet on pictures with captions (§7.3); autoencoder and text encoder are frozen.

Latents and text embeddings are computed once (see :mod:`hallucination.pictures.encode`).  A run that
was stopped goes on exactly where it was, and several processes under ``torchrun`` do the same steps as one.
"""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from pathlib import Path

from hallucination.pictures import checkpoints
from hallucination.pictures.denoising import noise_loss
from hallucination.pictures.encode import check_pictures
from hallucination.pictures.lessons import Lesson, Recipe
from hallucination.pictures.models import Loaded
from hallucination.pictures.tuning_run import Run
from hallucination.pictures.words import check_prompt

__all__ = ["Lesson", "Recipe", "Tuned", "check_lesson", "fine_tune", "noise_loss"]


@dataclass(frozen=True)
class Tuned:
    """What a fine-tuning left.

    Attributes
    ----------
    unets : dict of int to Path
        Folders of the kept UNets, by epochs trained.
    losses : list of float
        Of every step.
    steps_per_epoch : int
    """

    unets: dict[int, Path]
    losses: list[float]
    steps_per_epoch: int


def fine_tune(loaded: Loaded, lesson: Lesson, recipe: Recipe, folder: Path, *, label: str = "fine-tuning") -> Tuned:
    """Fine-tune a model's UNet and keep it after every ``keep_every`` epochs.

    A fine-tuning that was stopped goes on from its last checkpoint; one that is complete in `folder` is not repeated.
    May run as several processes under ``torchrun``.

    Parameters
    ----------
    loaded : Loaded
        The model to start from; it is left as it is.
    lesson : Lesson
        What to learn.
    recipe : Recipe
        How to.
    folder : Path
        Where checkpoints go; it belongs to this model, lesson and recipe alone.
    label : str
        Of the progress bar; none without one.

    Raises
    ------
    ValueError
        In one line, before anything is computed: if pictures or captions do not fit the model, the folder holds
        another training, the model does not predict noise, or a batch does not divide among the processes.
    """
    check_lesson(loaded, lesson, recipe)
    checkpoints.claim(folder, {"recipe": asdict(recipe), "model": dict(loaded.source), "lesson": lesson.identity()})
    if not set(recipe.kept()) <= set(checkpoints.kept(folder)):
        Run(loaded, lesson, recipe, folder).go(label)
    unets = {epoch: checkpoints.epoch_folder(folder, epoch) / "unet" for epoch in recipe.kept()}
    losses = checkpoints.losses_at(folder, recipe.epochs)
    return Tuned(unets, losses, recipe.steps_per_epoch(len(lesson.indices)))


def check_lesson(loaded: Loaded, lesson: Lesson, recipe: Recipe) -> None:
    """Refuse what cannot be learned; :func:`fine_tune` tells what is what.

    Raises
    ------
    ValueError
        In one line.
    """
    check_pictures(loaded, lesson.pictures)
    for caption in dict.fromkeys(lesson.chosen):
        if caption:
            check_prompt(loaded.pipeline.tokenizer, caption)
    kind = loaded.pipeline.scheduler.config.prediction_type
    if kind != "epsilon":
        raise ValueError(f"only models that predict the noise are fine-tuned here; this one predicts {kind!r}")
    processes = int(os.environ.get("WORLD_SIZE", "1"))
    batch = min(recipe.batch_size, len(lesson.indices))
    if batch % processes:
        raise ValueError(f"a batch of {batch} pictures does not divide evenly among {processes} processes")
