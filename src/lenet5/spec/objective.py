"""What training makes small."""

from typing import Literal

from lenet5.spec.plan import Plan


class Objective(Plan):
    """A loss and how the batch is brought together in it.

    loss       "cross_entropy" of the softmax of the scores, or "mean_squared_error" of the scores
               against the one-hot label
    reduction  the gradient is that of the "mean" or of the "sum" over the batch. As in PyTorch, the mean
               squared error runs over the classes too. What is reported is always the mean.
    """

    loss: Literal["cross_entropy", "mean_squared_error"] = "cross_entropy"
    reduction: Literal["mean", "sum"] = "mean"
