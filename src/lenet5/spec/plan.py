"""What every part of a plan is: a frozen value, checked when it is made."""

from typing import Any

from pydantic import BaseModel, ConfigDict


class Plan(BaseModel):
    """A frozen value with no unknown fields, no silent conversions and no NaN."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False, populate_by_name=True)


def decisive(value: Any) -> Any:
    """Return a plan as plain values without what is as it is by default; its `kind` always stays.

    A field that is added later, with a default that changes nothing, changes nothing here either.
    """
    if isinstance(value, Plan):
        fields = {name: (field, getattr(value, name)) for name, field in type(value).model_fields.items()}
        return {
            name: decisive(here) for name, (field, here) in fields.items() if name == "kind" or here != field.default
        }
    if isinstance(value, tuple):
        return [decisive(item) for item in value]
    return value
