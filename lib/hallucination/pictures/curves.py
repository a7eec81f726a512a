"""The experiment of §7.3 from end to end: fine-tune, and after each kept epoch sample and judge.

Vectors of the pictures of every cell are written to disk when they are
known, so that a run that was stopped goes on where it was.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hallucination.pictures.captions import PROMPTS
from hallucination.pictures.checkpoints import with_unet
from hallucination.pictures.fine_tuning import Lesson, Recipe, Tuned, fine_tune
from hallucination.pictures.judging import Floats, Judge, digest, stored
from hallucination.pictures.models import Loaded
from hallucination.pictures.points import Cell
from hallucination.pictures.sampling import sample
from hallucination.pictures.sets import Images
from hallucination.pictures.words import check_prompt


@dataclass(frozen=True)
class Drawing:
    """How pictures are drawn.

    Attributes
    ----------
    k : int
        Pictures of a prompt.
    steps : int
        Of the sampler.
    guidance : float
        Classifier-free guidance; 1 is none.
    batch_size : int
        Pictures at a time.
    image_seed : int
        Which k initial noises: the same for all prompts, epochs and fine-tunings, so that differences are paired.
    """

    k: int = 64
    steps: int = 20
    guidance: float = 3.0
    batch_size: int = 64
    image_seed: int = 0

    def __post_init__(self) -> None:
        for name in ("k", "steps", "batch_size"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1; got {getattr(self, name)}")
        if not self.guidance >= 1:
            raise ValueError(f"guidance must be at least 1, which is none; got {self.guidance}")
        if self.image_seed < 0:
            raise ValueError(f"image_seed must not be negative; got {self.image_seed}")

    def seeds(self) -> range:
        """Seeds of the initial noises; no two image seeds share one."""
        return range(self.image_seed * self.k, (self.image_seed + 1) * self.k)

    def images(self, loaded: Loaded, prompt: str, numbers: Sequence[int] | None = None, label: str = "") -> Images:
        """Pictures of a prompt, all of them or those with the given numbers below k."""
        seeds = self.seeds() if numbers is None else [self.seeds()[n] for n in numbers]
        return sample(
            loaded, [prompt] * len(seeds), seeds, steps=self.steps, guidance=self.guidance,
            batch_size=self.batch_size, label=label,
        )  # fmt: skip


@dataclass(frozen=True, eq=False)
class Experiment:
    """A model, what it learns, who judges it, and a folder for what is kept on the way.

    Attributes
    ----------
    loaded : Loaded
        The model before fine-tuning.
    lesson : Lesson
        Pictures and captions to fine-tune on.
    judge : Judge
        Regions of real pictures.
    folder : Path
        May be shared by experiments; each finds its own in it.
    prompts : tuple of str
        The paper's three, unless given.
    drawing : Drawing
        How pictures are drawn.

    Raises
    ------
    ValueError
        In one line, if a prompt has words the model would have to spell.
    """

    loaded: Loaded
    lesson: Lesson
    judge: Judge
    folder: Path
    prompts: tuple[str, ...] = tuple(PROMPTS.values())
    drawing: Drawing = Drawing()

    def __post_init__(self) -> None:
        if not self.prompts or len(set(self.prompts)) < len(self.prompts):
            raise ValueError(f"prompts must be one or more, each once; got {list(self.prompts)}")
        for prompt in self.prompts:
            check_prompt(self.loaded.pipeline.tokenizer, prompt)

    def tuning_folder(self, recipe: Recipe) -> Path:
        """Where the checkpoints of a fine-tuning are."""
        name = digest(asdict(recipe), dict(self.loaded.source), self.lesson.identity())
        return self.folder / f"tuned-{recipe.seed}-{name}"

    def tune(self, recipe: Recipe) -> Tuned:
        """Fine-tune the model; what is there already is not repeated."""
        label = f"fine-tuning, seed {recipe.seed}"
        return fine_tune(self.loaded, self.lesson, recipe, self.tuning_folder(recipe), label=label)

    def curve(self, recipe: Recipe) -> tuple[list[Cell], Tuned]:
        """Fine-tune, and judge K pictures of each prompt before it and after every kept epoch.

        Returns
        -------
        tuple of a list of Cell and a Tuned
            Cells in order of epochs and prompts, each with the keys prompt, seed and epoch.
        """
        found = list(self.cells(recipe, 0, None))
        tuned = self.tune(recipe)
        for epoch, unet in tuned.unets.items():
            found += self.cells(recipe, epoch, unet)
        return found, tuned

    def cells(self, recipe: Recipe, epoch: int, unet: Path | None) -> Iterator[Cell]:
        """Judge the pictures of each prompt after an epoch, or read what was drawn before."""
        loaded = None
        for prompt in self.prompts:
            path = self._path(recipe, epoch, prompt)
            if loaded is None and not path.is_file():
                loaded = self.at(unet)
            vectors = stored(path, lambda p=prompt, model=loaded: self._vectors(model, p, epoch))  # type: ignore[misc]
            yield self.judge.cell({"prompt": prompt, "seed": recipe.seed, "epoch": epoch}, vectors)

    def at(self, unet: Path | None) -> Loaded:
        """Return the model with a checkpoint's UNet, or as it was before fine-tuning."""
        return self.loaded if unet is None else with_unet(self.loaded, unet)

    def _vectors(self, loaded: Loaded, prompt: str, epoch: int) -> Floats:
        images = self.drawing.images(loaded, prompt, label=f"epoch {epoch}, {prompt}")
        return self.judge.space.embed(images)

    def _path(self, recipe: Recipe, epoch: int, prompt: str) -> Path:
        # How many at a time is left out: it changes nothing that is drawn.
        drawn = {k: v for k, v in asdict(self.drawing).items() if k != "batch_size"}
        made = digest(drawn, dict(self.loaded.source), dict(self.judge.space.source), prompt)
        where = self.tuning_folder(recipe) if epoch else self.folder
        return where / "drawn" / f"epoch-{epoch:04d}-{made}.npy"


def first_of(cell: Cell, n: int, *, outside: bool) -> NDArray[np.int64]:
    """Numbers of the first n pictures of a cell that are outside, or inside: a choice that favours none."""
    return np.flatnonzero((cell.margins < 0) == outside)[:n]
