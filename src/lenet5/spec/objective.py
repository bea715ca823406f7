"""The objective: the loss that training minimizes."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from lenet5.spec.specification import Specification


class Objective(Specification):
    """A loss, and its reduction over the batch.

    loss       "cross_entropy" of the softmax of the scores;
               "mean_squared_error" of the scores against the one-hot label;
               "maximum_likelihood" (1998 paper, equation 8, p. 9): the penalty of the correct class, which is minus
               its score;
               "maximum_a_posteriori" (equation 9): the same plus log(exp(-j) + sum of exp(score)), which pushes
               the scores of the wrong classes down
    j          constant of equation 9: exp(-j) stands for a "rubbish" class, and classes whose penalty is far above j
               are not pushed any further
    label_smoothing   for cross-entropy: fraction of each label that is spread evenly over all classes, in training
               only
    reduction  the gradient is that of the "mean" or of the "sum" over the batch. As in PyTorch, the mean squared
               error is averaged over the classes, too. The reported loss is always the mean.
    """

    loss: Literal["cross_entropy", "mean_squared_error", "maximum_likelihood", "maximum_a_posteriori"] = "cross_entropy"
    j: Annotated[float, Field(ge=0)] | None = None
    label_smoothing: Annotated[float, Field(ge=0, lt=1)] = 0.0
    reduction: Literal["mean", "sum"] = "mean"

    @model_validator(mode="after")
    def _j_where_it_is_used(self) -> Self:
        if (self.j is not None) != (self.loss == "maximum_a_posteriori"):
            raise ValueError("`j` is required by the loss maximum_a_posteriori and belongs to no other loss")
        if self.label_smoothing and self.loss != "cross_entropy":
            raise ValueError("`label_smoothing` belongs to the loss cross_entropy")
        return self
