"""Teachers for distillation (Hinton, Vinyals and Dean 2015)."""

from typing import Annotated

from pydantic import Field

from lenet5.spec.specification import Specification


class Teacher(Specification):
    """Several networks of one recipe, whose mean probabilities are the student's targets.

    They score the same images as the student, with the same distortions, and are trained on the same training images.

    recipe       name of the teachers' recipe, a shipped one
    set          overrides of that recipe
    seeds        one teacher for each seed
    temperature  divides the scores before the softmax; above 1, the wrong classes carry more information
    share        weight of the teachers' probabilities in the targets; the rest is the label's
    """

    recipe: str
    set: tuple[str, ...] = ()
    seeds: Annotated[tuple[Annotated[int, Field(ge=0)], ...], Field(min_length=1)]
    temperature: Annotated[float, Field(gt=0)] = 1.0
    share: Annotated[float, Field(gt=0, le=1)] = 1.0
