"""Records of the long runs of §7.3, read back and checked; nothing here imports torch."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hallucination.pictures import grids
from hallucination.pictures.points import Cell, Loss, cell_from, published_rate, select
from hallucination.pictures.sets import Images

FOLDER = Path(__file__).resolve().parents[3] / "records" / "pictures"

COMMON = ("kind", "provenance", "seconds_in_this_process", "peak_memory_mb")
JUDGED = (*COMMON, "model", "pictures", "space", "parameters")
# A rehearsal has no pictures and no judge, but facts of its own.
NEEDED = {
    "curve": (*JUDGED, "losses", "steps_per_epoch", "same_noise", "cells"),
    "averages": (*JUDGED, "cells", "controls"),
    "steps": (*JUDGED, "cells"),
    "rehearsal": (*COMMON, "shape", "device", "dtype", "parameters", "training", "sampling"),
}


@dataclass(frozen=True, eq=False)
class Curves:
    """Fine-tunings of one model on the same pictures, one a seed.

    Attributes
    ----------
    cells : tuple of Cell
        With the keys prompt, seed and epoch.
    losses : mapping of int to a tuple of float
        Loss of every step, by seed.
    steps_per_epoch : int
    same_noise : mapping of int to a mapping of str to a tuple of Loss
        Losses on the same noise, by seed, for ``"learned"`` and ``"held out"``, in order of epochs.
    facts : tuple of mappings
        All else that each record says.
    """

    cells: tuple[Cell, ...]
    losses: Mapping[int, tuple[float, ...]]
    steps_per_epoch: int
    same_noise: Mapping[int, Mapping[str, tuple[Loss, ...]]]
    facts: tuple[Mapping[str, Any], ...]

    @property
    def seeds(self) -> list[int]:
        """Seeds with a record."""
        return sorted(self.losses)

    @property
    def epochs(self) -> list[int]:
        """Epochs after which every seed was judged, 0 first."""
        each = [{c.what["epoch"] for c in select(self.cells, seed=seed)} for seed in self.seeds]
        return sorted(int(e) for e in set.intersection(*each))

    @property
    def prompts(self) -> list[str]:
        """Prompts, in their order."""
        return list(dict.fromkeys(str(c.what["prompt"]) for c in self.cells))

    def cell(self, prompt: str, seed: int, epoch: int) -> Cell:
        """One cell.

        Raises
        ------
        KeyError
            If there is no record of it.
        """
        found = select(self.cells, prompt=prompt, seed=seed, epoch=epoch)
        if not found:
            raise KeyError(f"no record of {prompt!r}, seed {seed}, epoch {epoch}")
        return found[0]

    def rates(self, prompt: str) -> NDArray[np.float64]:
        """Shares of single pictures outside (corrected), shape (seeds, epochs)."""
        return np.array([[self.cell(prompt, s, e).rate for e in self.epochs] for s in self.seeds])

    def published(self) -> NDArray[np.float64]:
        """Mean over prompts of the published rule's 0 or 1, shape (seeds, epochs)."""
        return np.array([[published_rate(self._at(s, e)) for e in self.epochs] for s in self.seeds])

    def epoch_losses(self) -> NDArray[np.float64]:
        """Mean loss of the steps of each epoch, shape (seeds, epochs trained)."""
        return np.array([np.reshape(self.losses[s], (-1, self.steps_per_epoch)).mean(axis=1) for s in self.seeds])

    def _at(self, seed: int, epoch: int) -> list[Cell]:
        return [self.cell(prompt, seed, epoch) for prompt in self.prompts]


@dataclass(frozen=True, eq=False)
class Judged:
    """What was judged without fine-tuning.

    Attributes
    ----------
    cells : tuple of Cell
        Of means, or of few steps.
    controls : tuple of Cell
        Of pictures that nobody generated; empty for few steps.
    facts : mapping
        All else that the record says.
    """

    cells: tuple[Cell, ...]
    controls: tuple[Cell, ...]
    facts: Mapping[str, Any]


def read(path: Path, kind: str) -> dict[str, Any]:
    """Read one record of a kind named in ``NEEDED``.

    Raises
    ------
    ValueError
        In one line, if it is not JSON, lacks a field, or is of another kind.
    """
    try:
        data: dict[str, Any] = json.loads(path.read_text("utf8"))
    except json.JSONDecodeError as error:
        raise ValueError(f"{path.name} is not a whole record: {error}") from None
    missing = [name for name in NEEDED[kind] if name not in data]
    if missing:
        raise ValueError(f"{path.name} is not a record of this experiment: it lacks {', '.join(missing)}")
    if data["kind"] != kind:
        raise ValueError(f"{path.name} is a record of {data['kind']!r}, not of {kind!r}")
    return data


def curves_from(records: Sequence[Mapping[str, Any]]) -> Curves:
    """Join the records of several seeds.

    Raises
    ------
    ValueError
        If there is none, or they differ in more than the seed.
    """
    kinds = {json.dumps(_alike(r), sort_keys=True) for r in records}
    if len(kinds) != 1:
        raise ValueError(f"curves are joined if they differ in the seed only; got {len(kinds)} different ones")
    cells = tuple(cell_from(data) for record in records for data in record["cells"])
    seeds = [int(r["parameters"]["recipe"]["seed"]) for r in records]
    losses = {seed: tuple(r["losses"]) for seed, r in zip(seeds, records, strict=True)}
    paired = {
        seed: {part: tuple(Loss(**each) for each in r["same_noise"][part]) for part in r["same_noise"]}
        for seed, r in zip(seeds, records, strict=True)
    }
    return Curves(cells, losses, int(records[0]["steps_per_epoch"]), paired, tuple(map(_facts, records)))


def curves(model: str = "animals", pictures: str = "animals", folder: Path = FOLDER) -> Curves | None:
    """Recorded fine-tunings of a model on some pictures; None without a record."""
    paths = sorted(folder.glob(f"{model}-{pictures}-curve-*.json"))
    return curves_from([read(path, "curve") for path in paths]) if paths else None


def averages(model: str = "animals", pictures: str = "animals", folder: Path = FOLDER) -> Judged | None:
    """Recorded test of means of real pictures, with controls; None without a record."""
    return _judged(folder / f"{model}-{pictures}-averages.json", "averages")


def steps(model: str = "animals", pictures: str = "animals", folder: Path = FOLDER) -> Judged | None:
    """Recorded test of the one-step prediction and of few steps; None without a record."""
    return _judged(folder / f"{model}-{pictures}-steps.json", "steps")


def rehearsals(folder: Path = FOLDER) -> list[dict[str, Any]]:
    """Records of rehearsals with random weights, in order of their names."""
    return [read(path, "rehearsal") for path in sorted(folder.glob("rehearsal-*.json"))]


def shown(record: Mapping[str, Any], folder: Path = FOLDER) -> list[tuple[Mapping[str, Any], Images]]:
    """Pictures that a curve's record shows: for each row, what it is, and the pictures (n, side, side, channels).

    A row's ``outside`` tells which of its pictures lie outside.
    """
    told = record.get("shown")
    return list(zip(told["rows"], grids.read(folder, told), strict=True)) if told else []


def _judged(path: Path, kind: str) -> Judged | None:
    if not path.is_file():
        return None
    record = read(path, kind)
    controls = tuple(map(cell_from, record.get("controls", ())))
    return Judged(tuple(map(cell_from, record["cells"])), controls, _facts(record))


def _facts(record: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: value for name, value in record.items() if name not in ("cells", "controls", "losses", "same_noise")
    }


def _alike(record: Mapping[str, Any]) -> dict[str, Any]:
    """What records of the same curves agree in; a device computes the same."""
    parameters = json.loads(json.dumps(record["parameters"]))
    parameters["recipe"].pop("seed", None)
    parameters["drawing"].pop("batch_size", None)
    model, space = ({n: v for n, v in record[what].items() if n != "device"} for what in ("model", "space"))
    return {"model": model, "pictures": record["pictures"], "space": space, "parameters": parameters}
