"""Base class of all specifications: a frozen value, validated on construction."""

from typing import Any

from pydantic import BaseModel, ConfigDict


class Specification(BaseModel):
    """A frozen value with no unknown fields, no silent conversions and no NaN."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False, populate_by_name=True)


def decisive(value: Any) -> Any:
    """Return a specification as plain values, without the fields at their defaults; `kind` is always kept.

    Adding a field whose default preserves the behaviour therefore changes no digest.
    """
    if isinstance(value, Specification):
        fields = {name: (field, getattr(value, name)) for name, field in type(value).model_fields.items()}
        return {
            name: decisive(here) for name, (field, here) in fields.items() if name == "kind" or here != field.default
        }
    if isinstance(value, tuple):
        return [decisive(item) for item in value]
    return value
