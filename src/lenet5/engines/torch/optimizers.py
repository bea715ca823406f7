"""The optimisers, as PyTorch defines them, for all weights at once.

weights   (M, P) all trainable numbers of M networks, changed in place
gradient  (M, P) their gradients; overwritten

Nothing here waits for the device: the learning rate and the step count are tensors on it, so that a captured step
stays valid when they change.
"""

import math
from typing import Protocol

import torch
from torch import Tensor

from lenet5.spec import optimizer as plan


class Optimizer(Protocol):
    """An update rule. Its state: `memory`, (M, P) each, by weight, and `counts`, (M, 1) each, by network."""

    memory: dict[str, Tensor]
    counts: dict[str, Tensor]

    def step(self, weights: Tensor, gradient: Tensor, learning_rate: Tensor) -> None:
        """Update the weights by their gradient; the learning rate is a tensor of shape ()."""
        ...


class Sgd:
    """v <- momentum v + g + weight_decay w;  w <- w - learning_rate (1 - dampening) v."""

    def __init__(self, settings: plan.Sgd, weights: Tensor) -> None:
        self.settings = settings
        self.memory = {"momentum": torch.zeros_like(weights)} if settings.momentum else {}
        self.counts: dict[str, Tensor] = {}

    def step(self, weights: Tensor, gradient: Tensor, learning_rate: Tensor) -> None:
        """Update the weights by their gradient."""
        if self.settings.weight_decay:
            gradient.add_(weights, alpha=self.settings.weight_decay)
        if self.settings.momentum:
            gradient = self.memory["momentum"].mul_(self.settings.momentum).add_(gradient)
        if self.settings.dampening:
            learning_rate = learning_rate * self.settings.step_factor
        weights.addcmul_(gradient, learning_rate, value=-1)


class Adam:
    """Adam (Kingma and Ba 2015): running means of the gradient and of its square scale each weight's step."""

    def __init__(self, settings: plan.Adam, weights: Tensor) -> None:
        self.settings = settings
        self.memory = {"mean": torch.zeros_like(weights), "square": torch.zeros_like(weights)}
        self.counts = {"steps": torch.zeros(*weights.shape[:-1], 1, dtype=torch.int64, device=weights.device)}

    def step(self, weights: Tensor, gradient: Tensor, learning_rate: Tensor) -> None:
        """Update the weights by their gradient."""
        settings, mean, square = self.settings, self.memory["mean"], self.memory["square"]
        steps = self.counts["steps"].add_(1).to(weights.dtype)
        if settings.weight_decay:
            gradient.add_(weights, alpha=settings.weight_decay)
        mean.lerp_(gradient, 1 - settings.beta1)
        square.mul_(settings.beta2).addcmul_(gradient, gradient, value=1 - settings.beta2)
        divisor = (square / _share(settings.beta2, steps)).sqrt_().add_(settings.epsilon)
        weights.sub_((mean * (learning_rate / _share(settings.beta1, steps))).div_(divisor))


class Sdlm:
    """w <- w - learning_rate / (mu + h) g, with h, the curvature, set before each epoch."""

    def __init__(self, settings: plan.Sdlm, weights: Tensor) -> None:
        self.settings = settings
        self.memory = {"curvature": torch.zeros_like(weights)}
        self.counts: dict[str, Tensor] = {}

    def step(self, weights: Tensor, gradient: Tensor, learning_rate: Tensor) -> None:
        """Update the weights by their gradient."""
        weights.sub_(gradient.div_(self.memory["curvature"] + self.settings.mu).mul_(learning_rate))


def _share(beta: float, steps: Tensor) -> Tensor:
    """Return 1 - beta^steps, the bias correction of running means that start at 0.

    Computed by expm1: in float32 the plain difference would lose four digits at the first steps.
    """
    return -torch.expm1(steps * (math.log(beta) if beta else -math.inf))


def optimizer_for(settings: plan.Optimizer, weights: Tensor) -> Optimizer:
    """Return the optimiser that the settings describe, with a fresh state for these weights."""
    match settings:
        case plan.Sgd():
            return Sgd(settings, weights)
        case plan.Adam():
            return Adam(settings, weights)
        case plan.Sdlm():
            return Sdlm(settings, weights)
