"""What every part of a plan is: a frozen value, checked when it is made."""

from pydantic import BaseModel, ConfigDict


class Plan(BaseModel):
    """A frozen value with no unknown fields, no silent conversions and no NaN."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False, populate_by_name=True)
