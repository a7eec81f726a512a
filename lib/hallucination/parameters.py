"""Types and ranges of every chapter's parameters.

The default and the help of a parameter stand in the chapter's parameters
cell and nowhere else; the type and the range stand here and nowhere else.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, field_validator


class Parameters(BaseModel):
    """Base of all parameter sets: strict types, unknown names refused, frozen."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


def _as_list(value: Any) -> Any:
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _distinct(value: list[Any]) -> list[Any]:
    if len(set(value)) < len(value):
        raise ValueError(f"the values must differ from each other, got {value}")
    return value


Seed = Annotated[int, Field(ge=0, le=2**32 - 1)]
Name = Annotated[str, Field(min_length=1)]
Names = Annotated[
    list[Name], BeforeValidator(_as_list), Field(min_length=1, max_length=16), AfterValidator(_distinct)
]
Seeds = Annotated[
    list[Seed], BeforeValidator(_as_list), Field(min_length=1, max_length=16), AfterValidator(_distinct)
]
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


class DensityRegions(Parameters):
    """Parameters of 03-density-regions."""

    weight: Annotated[float, Field(gt=0, lt=1)]
    separation: Annotated[float, Field(ge=0, le=20)]
    width: Annotated[float, Field(ge=0.05, le=20)]
    mass: Annotated[float, Field(ge=0.01, le=0.999)]
    delta: Annotated[float, Field(ge=1e-6, le=100)]
    delta_1: Annotated[float, Field(ge=1e-6, le=100)]
    n_calibration: Annotated[int, Field(ge=1, le=20_000)]
    seed: Seed


class SingleInput(Parameters):
    """Parameters of 04-single-input."""

    weights: Annotated[list[Annotated[float, Field(ge=1e-6, le=1e6)]], Field(min_length=2, max_length=64)]
    delta: Annotated[float, Field(ge=1e-30, le=1000)]
    eta: Annotated[float, Field(ge=1e-9, le=0.999)]
    dimension: Annotated[int, Field(ge=1, le=4096)]
    seed: Seed


class NearOptimal(Parameters):
    """Parameters of 05-near-optimal."""

    delta: Annotated[float, Field(ge=1e-30, le=1000)]
    eta: Annotated[float, Field(ge=1e-6, le=0.9)]
    epsilon: Annotated[float, Field(ge=0, le=1e6)]
    weights: Annotated[list[Annotated[float, Field(ge=1e-3, le=1000)]], Field(min_length=2, max_length=12)]
    dimension: Annotated[int, Field(ge=1, le=4096)]
    n_inputs: Annotated[int, Field(ge=1, le=24)]
    seed: Seed


class Hints(Parameters):
    """Parameters of 06-hints."""

    weights: Annotated[list[Annotated[float, Field(ge=0.01, le=100)]], Field(min_length=2, max_length=8)]
    delta: Annotated[float, Field(ge=1e-12, le=1000)]
    eta: Annotated[float, Field(ge=1e-6, le=0.9)]
    lipschitz: Annotated[float, Field(ge=0, le=1000)]
    hint_length: Annotated[float, Field(ge=1e-3, le=1000)]
    plain_share: Annotated[float, Field(ge=0.01, le=0.99)]
    n_slopes: Annotated[int, Field(ge=4, le=40)]
    n_draws: Annotated[int, Field(ge=100, le=1_000_000)]
    steps: Annotated[int, Field(ge=1, le=5000)]
    seed: Seed


LawName = Literal[
    "normal", "uniform", "laplace", "logistic", "t5", "t3", "t2", "exponential", "gumbel",
    "two-point", "skewed", "lazy",
]  # fmt: skip


_EACH = Field(min_length=1, max_length=10)


class LowerBound(Parameters):
    """Parameters of 07-lower-bound; a single law, scale or radius stands for all states."""

    weights: Annotated[list[Annotated[float, Field(ge=1e-3, lt=1)]], Field(min_length=2, max_length=10)]
    law: Annotated[list[LawName], BeforeValidator(_as_list), _EACH]
    scales: Annotated[list[Annotated[float, Field(ge=0.01, le=100)]], BeforeValidator(_as_list), _EACH]
    radii: Annotated[list[Annotated[float, Field(ge=0, le=1000)]], BeforeValidator(_as_list), _EACH]
    n_draws: Annotated[int, Field(ge=1000, le=20_000_000)]
    seed: Seed

    @field_validator("weights")
    @classmethod
    def _sum_to_one(cls, value: list[float]) -> list[float]:
        if abs(sum(value) - 1) > 1e-6:
            raise ValueError(f"the weights are probabilities and must sum to 1, but they sum to {sum(value):.9g}")
        return value

    @field_validator("law", "scales", "radii")
    @classmethod
    def _one_or_one_each(cls, value: list[Any], info: ValidationInfo) -> list[Any]:
        states = len(info.data.get("weights", value))
        if len(value) not in (1, states):
            raise ValueError(f"give one for all states or one for each of the {states} weights, got {len(value)}")
        return value


class CrossEntropy(Parameters):
    """Parameters of 08-cross-entropy."""

    delta: Annotated[float, Field(ge=1e-300, le=0.99)]
    n_states: Annotated[int, Field(ge=2, le=12)]
    n_classes: Annotated[int, Field(ge=2, le=50_000)]
    first_weight: Annotated[float, Field(ge=0.001, le=0.999)]
    h_share: Annotated[float, Field(ge=0.01, le=0.99)]
    epsilon: Annotated[float, Field(gt=0, le=2)]
    n_draws: Annotated[int, Field(ge=10, le=100_000)]
    seed: Seed

    @field_validator("n_classes")
    @classmethod
    def _a_class_for_each_state(cls, value: int, info: ValidationInfo) -> int:
        states = info.data.get("n_states", 2)
        if value < states:
            raise ValueError(f"each state needs a class of its own: n_classes must be at least n_states = {states}")
        return value


class Coins(Parameters):
    """Parameters of 09-coins."""

    n_coins_half: CoinCounts
    n_flips: Annotated[int, Field(ge=200, le=1_000_000)]
    epochs: Annotated[int, Field(ge=1, le=400)]
    rounds: Annotated[int, Field(ge=2, le=64)]
    learning_rate: Annotated[float, Field(gt=0, le=1)]
    batch_size: Annotated[int, Field(ge=1, le=65_536)]
    seed: Seed


class OpenQuestions(Parameters):
    """Parameters of 10-open-questions; a single model or seed may stand without brackets."""

    models: Names
    n_train: Annotated[int, Field(ge=2, le=300)]
    epochs: Annotated[int, Field(ge=1, le=50)]
    learning_rate: Annotated[float, Field(gt=0, le=1)]
    rank: Annotated[int, Field(ge=1, le=512)]
    batch_size: Annotated[int, Field(ge=1, le=1024)]
    seeds: Seeds
    benchmark: Name
    n_eval: Annotated[int, Field(ge=2, le=817)]
    n_voices: Annotated[int, Field(ge=2, le=160)]
    n_draws: Annotated[int, Field(ge=1, le=256)]
    folder: str


class TextToImage(Parameters):
    """Parameters of 11-text-to-image; a single class, prompt or seed may stand without brackets."""

    model: Name
    pictures: Name
    classes: Names
    embedding: Name
    prompts: Names
    epochs: Annotated[int, Field(ge=1, le=1000)]
    learning_rate: Annotated[float, Field(gt=0, le=1)]
    batch_size: Annotated[int, Field(ge=1, le=4096)]
    seeds: Seeds
    n_images: Annotated[int, Field(ge=8, le=10_000)]
    n_steps: Annotated[int, Field(ge=1, le=1000)]
    guidance: Annotated[float, Field(ge=1, le=50)]
    dimensions: Annotated[int, Field(ge=1, le=2048)]
    components: Annotated[int, Field(ge=1, le=64)]
    folder: str


CHAPTERS: dict[str, type[Parameters]] = {
    "01-bayes-estimator": BayesEstimator,
    "02-delta-hallucination": DeltaHallucination,
    "03-density-regions": DensityRegions,
    "04-single-input": SingleInput,
    "05-near-optimal": NearOptimal,
    "06-hints": Hints,
    "07-lower-bound": LowerBound,
    "08-cross-entropy": CrossEntropy,
    "09-coins": Coins,
    "10-open-questions": OpenQuestions,
    "11-text-to-image": TextToImage,
}
