"""Types and ranges of every chapter's parameters.

The default and the help of a parameter stand in the chapter's parameters
cell and nowhere else; the type and the range stand here and nowhere else.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field


class Parameters(BaseModel):
    """Base of all parameter sets: strict types, unknown names refused, frozen."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


def _as_list(value: Any) -> Any:
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _distinct(value: list[int]) -> list[int]:
    if len(set(value)) < len(value):
        raise ValueError(f"the values must differ from each other, got {value}")
    return value


Seed = Annotated[int, Field(ge=0, le=2**32 - 1)]
CoinCounts = Annotated[
    list[Annotated[int, Field(ge=2, le=8)]],
    BeforeValidator(_as_list),
    Field(min_length=1, max_length=4),
    AfterValidator(_distinct),
]


class BayesEstimator(Parameters):
    """Parameters of 01-bayes-estimator."""

    weight: Annotated[float, Field(gt=0, lt=1)]
    separation: Annotated[float, Field(ge=0, le=20)]
    n_draws: Annotated[int, Field(ge=100, le=10_000_000)]
    seed: Seed


class DeltaHallucination(Parameters):
    """Parameters of 02-delta-hallucination."""

    delta: Annotated[float, Field(ge=1e-30, le=1000)]
    weight: Annotated[float, Field(gt=0, lt=1)]
    separation: Annotated[float, Field(ge=0, le=20)]
    alpha: Annotated[float, Field(gt=0, lt=1)]
    dimension: Annotated[int, Field(ge=1, le=4096)]


class Coins(Parameters):
    """Parameters of 09-coins."""

    n_coins_half: CoinCounts
    n_flips: Annotated[int, Field(ge=200, le=1_000_000)]
    epochs: Annotated[int, Field(ge=1, le=400)]
    rounds: Annotated[int, Field(ge=2, le=64)]
    learning_rate: Annotated[float, Field(gt=0, le=1)]
    batch_size: Annotated[int, Field(ge=1, le=65_536)]
    seed: Seed


CHAPTERS: dict[str, type[Parameters]] = {
    "01-bayes-estimator": BayesEstimator,
    "02-delta-hallucination": DeltaHallucination,
    "09-coins": Coins,
}
