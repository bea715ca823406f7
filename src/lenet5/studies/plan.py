"""A study as a value, equal to its TOML file."""

import difflib
import json
from itertools import accumulate
from operator import add
from pathlib import Path
from typing import Annotated

from pydantic import Field, PositiveInt, ValidationError

from lenet5 import files
from lenet5.data.sources import DATA_SETS
from lenet5.errors import StudyError
from lenet5.spec import text
from lenet5.spec.specification import Specification

Options = dict[str, tuple[str, ...]]


class Axis(Specification):
    """One factor that is varied.

    name        the factor's name
    options     label -> overrides of the recipe, such as "batch_size=64"; an empty list leaves the recipe unchanged
    cumulative  each option includes the overrides of all options before it
    """

    name: str
    cumulative: bool = False
    options: Annotated[Options, Field(min_length=1)]

    def choices(self) -> dict[str, tuple[str, ...]]:
        """Return label -> all overrides of the recipe."""
        if not self.cumulative:
            return self.options
        return dict(zip(self.options, accumulate(self.options.values(), add), strict=True))


class StudyPlan(Specification):
    """The runs of a study: every combination of the axes' options, each with every seed.

    recipe  a shipped recipe's name, or the path of a TOML file, relative to the plan
    seeds   a list, or a number: 5 means 1 to 5
    data    a data set's name, or the path of your own labelled images; a relative path is tried beside the plan first
    set     overrides for all runs
    vary    the axes; without any, only the seeds vary
    """

    name: Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
    recipe: str
    seeds: PositiveInt | tuple[Annotated[int, Field(ge=0)], ...] = 5
    data: str | None = None
    set: tuple[str, ...] = ()
    vary: tuple[Axis, ...] = ()

    @property
    def overrides(self) -> tuple[str, ...]:
        """The overrides of all runs."""
        return self.set if self.data is None else (*self.set, f"data={json.dumps(self.data)}")

    @property
    def seed_list(self) -> tuple[int, ...]:
        """The seeds one by one."""
        return self.seeds if isinstance(self.seeds, tuple) else tuple(range(1, self.seeds + 1))


def read(path: Path) -> StudyPlan:
    """Return the plan in a TOML file. Raises StudyError, naming the error in it."""
    tree = files.parse_toml(files.read_text(path, error=StudyError), str(path), StudyError)
    known = StudyPlan.model_fields
    for key in tree:
        if key not in known:
            nearest = difflib.get_close_matches(key, known, n=1, cutoff=0.0)[0]
            raise StudyError(f'{path}: there is no key "{key}". Did you mean "{nearest}"?')
    try:
        plan = StudyPlan.model_validate(tree, strict=False)
    except ValidationError as error:
        raise StudyError(text.sentence(error.errors()[0], str(path))) from None
    if plan.recipe.endswith(".toml"):
        plan = plan.model_copy(update={"recipe": str(path.parent / plan.recipe)})
    if plan.data and plan.data not in DATA_SETS and (path.parent / plan.data).exists():
        plan = plan.model_copy(update={"data": str((path.parent / plan.data).resolve())})
    return plan
