"""The losses of each image, and the objective of a batch."""

import torch
from torch import Tensor
from torch.nn import functional

from lenet5.spec.objective import Objective


def image_losses(objective: Objective, scores: Tensor, labels: Tensor, targets: Tensor | None = None) -> Tensor:
    """Return the loss of each image, (...,).

    scores  (..., classes)    labels  (...,) int64    targets  (..., classes) in place of the labels, for cross-entropy
    """
    match objective.loss:
        case "cross_entropy":
            return _cross_entropy(scores, labels, targets)
        case "maximum_likelihood":
            return -scores.gather(-1, labels[..., None]).squeeze(-1)
        case "maximum_a_posteriori":
            return _cross_entropy(with_rubbish(scores, objective), labels, None)
        case "mean_squared_error":
            # As in PyTorch, this mean runs over the classes too.
            one_hot = torch.zeros_like(scores).scatter_(-1, labels[..., None], 1.0)
            return (scores - one_hot).square().mean(-1)


def minimized(objective: Objective, losses: Tensor, classes: int) -> Tensor:
    """Return the objective: the mean or sum of the losses (M, N) of each network's batch, summed over the M networks.

    The networks share no weights, so the gradient of this sum holds the gradient of each network.
    """
    if objective.reduction == "mean":
        return losses.sum() / losses.shape[-1]
    return losses.sum() * (classes if objective.loss == "mean_squared_error" else 1)


def with_rubbish(scores: Tensor, objective: Objective) -> Tensor:
    """Append the score -j of the class "rubbish" of 1998 (equation 9). Returns (..., classes + 1)."""
    return torch.cat([scores, scores.new_full((*scores.shape[:-1], 1), -(objective.j or 0.0))], dim=-1)


def curvature_of_scores(objective: Objective, scores: Tensor) -> Tensor:
    """Return the second derivative of each image's loss with respect to each of its scores: (..., classes)."""
    match objective.loss:
        case "cross_entropy":
            p = scores.softmax(-1)
        case "maximum_a_posteriori":
            p = with_rubbish(scores, objective).softmax(-1)[..., :-1]
        case "maximum_likelihood":
            return torch.zeros_like(scores)
        case "mean_squared_error":
            return torch.full_like(scores, 2 / scores.shape[-1] if objective.reduction == "mean" else 2)
    return p * (1 - p)


def _cross_entropy(scores: Tensor, labels: Tensor, targets: Tensor | None) -> Tensor:
    answer = labels.flatten() if targets is None else targets.flatten(0, -2)
    return functional.cross_entropy(scores.flatten(0, -2), answer, reduction="none").view(labels.shape)
