"""Speed of the experiment of §7.3 on a laptop's processor, as ratios within one run.

Fine-tuning: latents and text embeddings computed once, against autoencoder and text encoder in every step; both do
the same steps.  Sampling: pictures in batches, against one after another.  The ways take turns, and medians are
compared.  The network is the small Stable Diffusion with random weights, on which time does not depend.

    python benchmarks/pictures_speed.py  # two minutes on an idle machine with two cores
    python benchmarks/pictures_speed.py --quick  # the tiny one; a few seconds, and says nothing about speed
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import torch

from hallucination.pictures.captions import PROMPTS, WORDS
from hallucination.pictures.lessons import Recipe
from hallucination.pictures.models import Loaded
from hallucination.pictures.reencoding import Reencoding
from hallucination.pictures.rehearsal import noise_lesson
from hallucination.pictures.sampling import sample
from hallucination.pictures.small import build
from hallucination.pictures.tuning_run import Run
from hallucination.records import hardware
from turns import alternate

CHEAPER, FASTER = 1.5, 4.0
LINE = "{:<44} {:>10} {:>10} {:>7}  {:<7} {}"


def tuning(loaded: Loaded, options: argparse.Namespace) -> tuple[float, float]:
    """Seconds a step: encoding in every step, and once."""
    recipe = Recipe(epochs=1, batch_size=options.train_batch)
    lesson = noise_lesson(loaded, 2 * options.train_batch, 0)
    rows = torch.from_numpy(recipe.order(len(lesson.indices), 0)[0])
    with tempfile.TemporaryDirectory() as empty:
        every, once = (kind(loaded, lesson, recipe, Path(empty)) for kind in (Reencoding, Run))
    ways = [lambda: every.step(0, rows), lambda: once.step(0, rows)]
    alternate(ways, 1)  # warm up
    most, least = alternate(ways, options.steps)
    return most, least


def sampling(loaded: Loaded, options: argparse.Namespace) -> tuple[float, float]:
    """Pictures a second: one by one, and batched."""
    prompts = [list(PROMPTS.values())[k % len(PROMPTS)] for k in range(options.batched)]

    def draw(n: int, rows: int, steps: int = options.denoising) -> None:
        sample(loaded, prompts[:n], range(n), steps=steps, batch_size=rows, label="")

    for rows in (1, options.batched):
        draw(rows, rows, 1)  # warm up
    one, many = alternate(
        [lambda: draw(options.alone, 1), lambda: draw(options.batched, options.batched)], options.repeats
    )
    return options.alone / one, options.batched / many


def compared(what: str, theirs: float, ours: float, ratio: float, bar: float, judged: bool) -> None:
    """Print one line with a ratio; nothing is judged with ``--quick``."""
    met = ("met" if ratio >= bar else "MISSED") if judged else ""
    print(LINE.format(what, f"{theirs:.3g}", f"{ours:.3g}", f"{ratio:.2f}", f">= {bar:g}", met).rstrip(), flush=True)


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="the tiny network and little of everything")
    parser.add_argument("--train-batch", type=int, default=64, help="pictures in a step of training")
    parser.add_argument("--steps", type=int, default=7, help="turns of both ways of fine-tuning")
    parser.add_argument("--batched", type=int, default=64, help="pictures drawn together")
    parser.add_argument("--alone", type=int, default=4, help="pictures drawn one by one")
    parser.add_argument("--denoising", type=int, default=8, help="steps of the sampler")
    parser.add_argument("--repeats", type=int, default=3, help="turns of both ways of sampling")
    options = parser.parse_args()
    if options.quick:
        options.train_batch, options.steps, options.batched, options.alone = 2, 1, 2, 1
        options.denoising, options.repeats = 1, 1
    if min(v for k, v in vars(options).items() if k != "quick") < 1:
        parser.error("all numbers must be at least 1")
    return options


def main() -> None:
    """Measure everything and print one table."""
    options = parsed()
    judged, size = not options.quick, "tiny" if options.quick else "small"
    loaded = Loaded(build(size, WORDS).pipeline, {"name": size})
    print(f"{size}, {torch.get_num_threads()} threads, {hardware()['processor']}")
    print(LINE.format("", "plain way", "our way", "ratio", "bar", "").rstrip())
    most, least = tuning(loaded, options)
    compared("fine-tuning, seconds a step", most, least, most / least, CHEAPER, judged)
    one, many = sampling(loaded, options)
    compared("sampling, pictures a second", one, many, many / one, FASTER, judged)


if __name__ == "__main__":
    main()
