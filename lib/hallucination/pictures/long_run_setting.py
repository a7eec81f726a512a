"""What the options of the long runs of §7.3 name, loaded and checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from hallucination.pictures.averages import LatentSpace
from hallucination.pictures.captions import PROMPTS, captions
from hallucination.pictures.checkpoints import with_unet
from hallucination.pictures.curves import Drawing, Experiment
from hallucination.pictures.datasets import Split, only, pictures, split
from hallucination.pictures.embedding import Embedder, embedder
from hallucination.pictures.encode import check_pictures
from hallucination.pictures.judging import Fit, Judge, judge
from hallucination.pictures.lessons import Lesson
from hallucination.pictures.models import Loaded, load, require
from hallucination.pictures.sampling import check
from hallucination.pictures.sets import Part, Pictures


@dataclass(frozen=True, eq=False)
class Setting:
    """A model, pictures and how they are judged.

    Attributes
    ----------
    loaded : Loaded
    pictures, others : Pictures
        Of the classes that are learned; and all.
    space : Embedder
    prompts : tuple of str
    drawing : Drawing
    fit : Fit
    work : Path
    stem : str
        Beginning of the records' names.
    """

    loaded: Loaded
    pictures: Pictures
    others: Pictures
    space: Embedder
    prompts: tuple[str, ...]
    drawing: Drawing
    fit: Fit
    work: Path
    stem: str

    @cached_property
    def parts(self) -> Split:
        """The division that counts: learned from, and held out."""
        return split(self.pictures)

    def judge(self) -> Judge:
        """Regions in the space of embeddings."""
        return judge(self.space, self.pictures, self.fit, self.work)

    def judges(self) -> dict[str, Judge]:
        """Regions in the space of embeddings and in that of latents, by their names."""
        latent = LatentSpace(self.loaded, self.drawing.batch_size)
        return {"embedding": self.judge(), "latent": judge(latent, self.pictures, self.fit, self.work)}

    def experiment(self, by: Judge | None) -> Experiment:
        """Everything together; without a judge it can only fine-tune."""
        lesson = Lesson(self.pictures, self.parts.train, captions(self.pictures))
        judged = by if by is not None else Judge(self.space, ())
        return Experiment(self.loaded, lesson, judged, self.work, self.prompts, self.drawing)

    def facts(self, by: Judge, **parameters: Any) -> dict[str, Any]:
        """What a record says about all this."""
        limits = {name: vars(t) for name, t in by.regions[0].thresholds.items()}
        settled = {"prompts": list(self.prompts), "drawing": vars(self.drawing), "fit": self.fit.as_data()}
        return {
            "model": dict(self.loaded.source),
            "pictures": {**self.pictures.source, "learned": len(self.parts.train), "held": len(self.parts.held)},
            "space": dict(self.space.source),
            "thresholds": limits,
            "parameters": {**settled, **parameters},
        }


def set_up(
    model: str, unet: Path | None, data: str, data_path: Path | None, size: int, classes: str, per_class: int | None,
    embedding: str, prompts: tuple[str, ...], k: int, denoising: int, guidance: float, image_seed: int,
    batch_size: int, dimensions: int, components: int, covariance: Any, splits: int, dtype: str, device: str,
    work: Path,
) -> Setting:  # fmt: skip
    """Load what the options name; anything wrong is told before anything is computed.

    Raises
    ------
    ValueError, MissingModelError, MissingPicturesError
        In one line.
    """
    drawing = Drawing(k, denoising, guidance, batch_size, image_seed)
    fit = Fit(dimensions, components, covariance, splits=splits)
    require([model])
    everything = limited(pictures(data, data_path, size=size), per_class)
    chosen = only(everything, [name.strip() for name in classes.split(",")])
    space = embedder(embedding, device)
    loaded = load(model, dtype, device)
    loaded = loaded if unet is None else with_unet(loaded, unet)
    check_pictures(loaded, chosen)
    asked = prompts or tuple(PROMPTS.values())
    check(loaded, asked, range(len(asked)), denoising, guidance, batch_size)
    stem = f"{Path(model).name}-{Path(data).name}"
    return Setting(loaded, chosen, everything, space, asked, drawing, fit, work / stem, stem)


def limited(whole: Pictures, per_class: int | None) -> Pictures:
    """Return the first so many pictures of each class, or all of them."""
    if per_class is None:
        return whole
    firsts = [np.flatnonzero(whole.labels == c)[:per_class] for c in range(len(whole.classes))]
    kept = np.sort(np.concatenate(firsts))
    source: Mapping[str, Any] = {**whole.source, "n": len(kept), "first of each class": per_class}
    return Part(whole, kept, whole.labels[kept], whole.classes, source)
