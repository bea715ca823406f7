"""What training makes small."""

import torch
from torch import Tensor
from torch.nn import functional

from lenet5.spec.objective import Objective


def mean_loss(
    objective: Objective, scores: Tensor, labels: Tensor, targets: Tensor | None = None
) -> tuple[Tensor, int]:
    """Return the mean loss of a batch and the number of terms in that mean.

    scores  (N, classes)    labels  (N,) int64    targets  (N, classes) in place of the labels, for cross-entropy
    """
    match objective.loss:
        case "cross_entropy":
            return functional.cross_entropy(scores, labels if targets is None else targets), len(labels)
        case "maximum_likelihood":
            return -scores.gather(1, labels[:, None]).mean(), len(labels)
        case "maximum_a_posteriori":
            return functional.cross_entropy(with_rubbish(scores, objective), labels), len(labels)
        case "mean_squared_error":
            # As in PyTorch, this mean runs over the classes too.
            one_hot = scores.new_zeros(scores.shape).scatter_(1, labels[:, None], 1.0)
            return functional.mse_loss(scores, one_hot), scores.numel()


def with_rubbish(scores: Tensor, objective: Objective) -> Tensor:
    """Return (N, classes + 1): equation 9 of the 1998 paper is cross-entropy with a class more, whose score is -j."""
    return torch.cat([scores, scores.new_full((len(scores), 1), -(objective.j or 0.0))], dim=1)


def curvature_of_scores(objective: Objective, scores: Tensor) -> Tensor:
    """Return the loss's second derivative for each score of each image alone: (N, classes)."""
    match objective.loss:
        case "cross_entropy":
            p = scores.softmax(1)
        case "maximum_a_posteriori":
            p = with_rubbish(scores, objective).softmax(1)[:, :-1]
        case "maximum_likelihood":
            return torch.zeros_like(scores)
        case "mean_squared_error":
            return torch.full_like(scores, 2 / scores.shape[1] if objective.reduction == "mean" else 2)
    return p * (1 - p)
