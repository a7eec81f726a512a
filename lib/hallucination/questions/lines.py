"""JSON Lines files of typed rows, read with errors that name file, line and field."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError


def _written(text: str) -> str:
    if not text.strip():
        raise ValueError("must not be blank")
    if text != text.strip():
        raise ValueError("must not begin or end with a space")
    return text


Text = Annotated[str, AfterValidator(_written)]


class Row(BaseModel):
    """One line of a data file: strict types, unknown fields refused, frozen."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    id: Text


R = TypeVar("R", bound=Row)


def read_lines(path: Path, model: type[R]) -> tuple[R, ...]:
    """Read a JSON Lines file of `model`; blank lines are passed over.

    Raises
    ------
    ValueError
        In one line with file, line and field: text that is not UTF-8, a line
        that does not fit `model`, an id that occurs twice, no line at all.
    """
    try:
        lines = path.read_bytes().decode("utf8").split("\n")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path.name}: byte {error.start} is not UTF-8 text") from None
    found: dict[str, tuple[int, R]] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = model.model_validate_json(line)
        except ValidationError as error:
            raise ValueError(f"{path.name}, line {number}: {_complaint(error)}") from None
        if row.id in found:
            raise ValueError(
                f"{path.name}, line {number}: the id {row.id!r} stands in line {found[row.id][0]} already"
            )
        found[row.id] = number, row
    if not found:
        raise ValueError(f"{path.name} holds no question")
    return tuple(row for _, row in found.values())


def _complaint(error: ValidationError) -> str:
    """Say the first complaint of pydantic in our words."""
    first = error.errors(include_url=False)[0]
    field = ".".join(map(str, first["loc"]))
    match first["type"]:
        case "json_invalid":
            return f"not JSON ({first['ctx']['error']})"
        case "missing":
            return f"field {field!r} is missing"
        case "extra_forbidden":
            return f"field {field!r} is unknown"
    where = f"field {field!r}: " if field else ""
    return f"{where}{first['msg'].removeprefix('Value error, ')}; got {first['input']!r}"
