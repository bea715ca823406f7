"""Networks that teach another: distillation (Hinton, Vinyals and Dean 2015)."""

from typing import Annotated

from pydantic import Field

from lenet5.spec.plan import Plan


class Teacher(Plan):
    """Several networks of one recipe, whose mean probabilities are what the pupil should answer.

    They see the very images that the pupil sees, distorted alike, and are trained on the same part of the training set.

    recipe       of the teachers, a shipped one
    set          overrides of it
    seeds        a teacher for each
    temperature  the scores are divided by it before their softmax: above 1, the wrong classes tell more
    share        of the answer; the rest is the label's
    """

    recipe: str
    set: tuple[str, ...] = ()
    seeds: Annotated[tuple[Annotated[int, Field(ge=0)], ...], Field(min_length=1)]
    temperature: Annotated[float, Field(gt=0)] = 1.0
    share: Annotated[float, Field(gt=0, le=1)] = 1.0
