"""What training makes small."""

from torch import Tensor
from torch.nn import functional

from lenet5.spec.objective import Objective


def mean_loss(objective: Objective, scores: Tensor, labels: Tensor) -> tuple[Tensor, int]:
    """Return the mean loss of a batch and the number of terms in that mean.

    scores  (N, classes)    labels  (N,) int64
    """
    if objective.loss == "cross_entropy":
        return functional.cross_entropy(scores, labels), len(labels)
    # As in PyTorch, this mean runs over the classes too.
    one_hot = scores.new_zeros(scores.shape).scatter_(1, labels[:, None], 1.0)
    return functional.mse_loss(scores, one_hot), scores.numel()
