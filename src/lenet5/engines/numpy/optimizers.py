"""The optimisers, as PyTorch defines them. They change the weights in place."""

from collections.abc import Mapping
from typing import Protocol

import numpy as np

from lenet5.engines.contract import Float, Weights
from lenet5.spec import optimizer as plan


class Optimizer(Protocol):
    """An update rule; `state` holds its arrays between steps, by name."""

    state: Weights

    def step(self, weights: Mapping[str, Float], gradients: Mapping[str, Float], learning_rate: float) -> None:
        """Update each weight by its gradient."""
        ...


class Sgd:
    """v <- momentum v + g + weight_decay w;  w <- w - learning_rate (1 - dampening) v."""

    def __init__(self, settings: plan.Sgd, weights: Mapping[str, Float]) -> None:
        self.settings = settings
        remembered = weights if settings.momentum else {}
        self.state: Weights = {f"momentum.{name}": np.zeros_like(w) for name, w in remembered.items()}

    def step(self, weights: Mapping[str, Float], gradients: Mapping[str, Float], learning_rate: float) -> None:
        """Update each weight by its gradient."""
        for name, w in weights.items():
            change = gradients[name]
            if self.settings.weight_decay:
                change = change + self.settings.weight_decay * w
            if self.settings.momentum:
                velocity = self.state[f"momentum.{name}"]
                velocity *= self.settings.momentum
                velocity += change
                change = velocity
            w -= learning_rate * self.settings.step_factor * change


class Adam:
    """Adam (Kingma and Ba 2015): running means of the gradient and of its square scale each weight's step."""

    def __init__(self, settings: plan.Adam, weights: Mapping[str, Float]) -> None:
        self.settings = settings
        self.state: Weights = {"steps": np.zeros((), np.int64)}
        for name, w in weights.items():
            self.state[f"mean.{name}"] = np.zeros_like(w)
            self.state[f"square.{name}"] = np.zeros_like(w)

    def step(self, weights: Mapping[str, Float], gradients: Mapping[str, Float], learning_rate: float) -> None:
        """Update each weight by its gradient."""
        plan = self.settings
        self.state["steps"] += 1
        steps = int(self.state["steps"])
        # Bias correction: both means start at 0, so that they are too small at first.
        mean_share, square_share = 1 - plan.beta1**steps, 1 - plan.beta2**steps
        for name, w in weights.items():
            g = gradients[name] + plan.weight_decay * w if plan.weight_decay else gradients[name]
            mean, square = self.state[f"mean.{name}"], self.state[f"square.{name}"]
            mean += (1 - plan.beta1) * (g - mean)
            square *= plan.beta2
            square += (1 - plan.beta2) * g * g
            w -= (learning_rate / mean_share) * mean / (np.sqrt(square / square_share) + plan.epsilon)


class Sdlm:
    """w <- w - learning_rate / (mu + h) g: the flatter the loss along a weight, the larger its step.

    h, "curvature" in the state, is set before each epoch.
    """

    def __init__(self, settings: plan.Sdlm, weights: Mapping[str, Float]) -> None:
        self.settings = settings
        self.state: Weights = {f"curvature.{name}": np.zeros_like(w) for name, w in weights.items()}

    def step(self, weights: Mapping[str, Float], gradients: Mapping[str, Float], learning_rate: float) -> None:
        """Update each weight by its gradient."""
        for name, w in weights.items():
            w -= learning_rate / (self.settings.mu + self.state[f"curvature.{name}"]) * gradients[name]


def optimizer_for(settings: plan.Optimizer, weights: Mapping[str, Float]) -> Optimizer:
    """Return the optimiser that the settings describe, with a fresh state for these weights."""
    match settings:
        case plan.Sgd():
            return Sgd(settings, weights)
        case plan.Adam():
            return Adam(settings, weights)
        case plan.Sdlm():
            return Sdlm(settings, weights)
