"""The other side, at its strongest: how PyTorch users train these networks, and the nested loops of reproduction 003.

The same layers, the same loss and optimiser, the same batches.
"""

from collections.abc import Callable

import numpy as np
import torch
from PIL import Image
from torch import nn
from torch.utils.data import DataLoader, Dataset, Subset

from lenet5.data.batches import Examples
from lenet5.data.datasets import Images
from lenet5.spec import layers
from lenet5.spec.architecture import PlacedLayer
from lenet5.spec.optimizer import Adam
from lenet5.spec.recipe import Recipe

SQUASH = {"relu": nn.ReLU, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid}


def module(placed: PlacedLayer) -> nn.Module:
    """Return one layer as PyTorch users write it."""
    match placed.layer:
        case layers.Convolution(maps=maps, kernel=kernel, padding=padding):
            return nn.Conv2d(placed.input_shape[0], maps, kernel, padding=padding)
        case layers.Dense(units=units):
            return nn.Linear(placed.input_shape[0], units)
        case layers.AveragePool(size=size):
            return nn.AvgPool2d(size)
        case layers.MaxPool(size=size):
            return nn.MaxPool2d(size)
        case layers.Activation(function=function):
            return SQUASH[function]()
        case layers.Flatten():
            return nn.Flatten()


def network(recipe: Recipe) -> nn.Sequential:
    """Return a recipe's network as PyTorch users write it."""
    return nn.Sequential(*(module(placed) for placed in recipe.architecture.placed))


def optimizer_of(recipe: Recipe, model: nn.Module) -> torch.optim.Optimizer:
    """Return a recipe's optimiser."""
    settings = recipe.optimizer
    if isinstance(settings, Adam):
        return torch.optim.Adam(model.parameters(), lr=settings.learning_rate)
    return torch.optim.SGD(
        model.parameters(), lr=settings.learning_rate, momentum=settings.momentum, weight_decay=settings.weight_decay
    )


def plain_loop(
    recipe: Recipe,
    data: Images,
    batch_size: int,
    steps: int,
    *,
    compiled: bool = False,
    mode: str | None = None,
    device: str = "cpu",
) -> Callable[[], None]:
    """A plain loop with every input prepared in memory: no loader, no transfer, no flips, no `.item()` in the loop.

    compiled  the network and its loss pass through torch.compile, in this mode
    """
    everything = np.arange(len(data.labels))
    inputs = torch.from_numpy(Examples(data.images, data.labels, recipe.preparation).inputs(everything)).to(device)
    labels = torch.from_numpy(np.array(data.labels)).to(device)
    model = network(recipe).to(device)
    optimizer = optimizer_of(recipe, model)

    def loss_of(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        if recipe.objective.loss == "cross_entropy":
            return nn.functional.cross_entropy(model(x), y)
        return nn.functional.mse_loss(model(x), nn.functional.one_hot(y, 10).to(torch.float32))

    loss = torch.compile(loss_of, mode=mode) if compiled else loss_of

    def turn() -> None:
        shuffled = torch.randperm(len(labels), device=device)
        for step in range(steps):
            batch = shuffled[step * batch_size : (step + 1) * batch_size]
            optimizer.zero_grad()
            loss(inputs[batch], labels[batch]).backward()
            optimizer.step()

    return turn


class PerImage(Dataset[tuple[torch.Tensor, int]]):
    """What torchvision's MNIST does with ToTensor and Normalize((0.5,), (0.5,)), step by step, for each image."""

    def __init__(self, data: Images) -> None:
        self.images, self.labels = torch.from_numpy(np.array(data.images)), torch.from_numpy(np.array(data.labels))

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        picture = Image.fromarray(self.images[index].numpy())
        pixels = torch.from_numpy(np.array(picture, np.uint8, copy=True)).view(picture.height, picture.width, 1)
        scaled = pixels.permute(2, 0, 1).contiguous().to(torch.float32).div(255)
        mean, deviation = torch.as_tensor([0.5]), torch.as_tensor([0.5])
        normalised = scaled.clone().sub_(mean.view(-1, 1, 1)).div_(deviation.view(-1, 1, 1))
        return normalised, int(self.labels[index])


def loader_loop(recipe: Recipe, data: Images, batch_size: int, steps: int, workers: int) -> Callable[[], None]:
    """The loop that users write: a DataLoader with per-image transforms, the loss read at each step."""
    # One turn is one epoch of these images: by default workers are started for each epoch.
    chosen = Subset(PerImage(data), range(steps * batch_size))
    loader = DataLoader(chosen, batch_size=batch_size, shuffle=True, num_workers=workers)
    model = network(recipe)
    optimizer = optimizer_of(recipe, model)

    def turn() -> None:
        total = 0.0
        for inputs, labels in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(inputs), labels)
            loss.backward()
            optimizer.step()
            total += loss.item()

    return turn


def nested_loops_forward_and_back(images: np.ndarray, random: np.random.Generator) -> None:
    """Both convolutions of reproduction 003, forward and backward, loop by loop as printed, with its faults corrected.

    images  (N, 1, 28, 28). The other layers are left out: this is a lower bound of what the listing takes.
    """
    first = random.normal(size=(6, 1, 5, 5))
    second = random.normal(size=(16, 6, 5, 5))
    maps = convolve_by_loops(images, first)
    pooled = maps.reshape(len(images), 6, 12, 2, 12, 2).max(axis=(3, 5))
    deep = convolve_by_loops(pooled, second)
    convolution_gradients_by_loops(pooled, second, deep)
    convolution_gradients_by_loops(images, first, maps)


def convolve_by_loops(x: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """One multiplication of patch and kernel at a time, over images, kernels and places."""
    N, _, H, W = x.shape
    K, _, R, S = weight.shape
    y = np.zeros((N, K, H - R + 1, W - S + 1))
    for n in range(N):
        for k in range(K):
            for h in range(H - R + 1):
                for w in range(W - S + 1):
                    y[n, k, h, w] = (x[n, :, h : h + R, w : w + S] * weight[k]).sum()
    return y


def convolution_gradients_by_loops(x: np.ndarray, weight: np.ndarray, grad_y: np.ndarray) -> None:
    """The gradients for the kernels and for the input, loop by loop."""
    N, C, H, W = x.shape
    K, _, R, S = weight.shape
    out_H, out_W = H - R + 1, W - S + 1
    grad_weight, grad_x = np.zeros_like(weight), np.zeros_like(x, dtype=float)
    for k in range(K):
        for c in range(C):
            for r in range(R):
                for s in range(S):
                    patch = x[:, c, r : r + out_H, s : s + out_W]
                    grad_weight[k, c, r, s] = (patch * grad_y[:, k]).sum()
    padded = np.pad(grad_y, ((0, 0), (0, 0), (R - 1, R - 1), (S - 1, S - 1)))
    turned = weight[:, :, ::-1, ::-1]
    for n in range(N):
        for c in range(C):
            for h in range(H):
                for w in range(W):
                    grad_x[n, c, h, w] = (turned[:, c] * padded[n, :, h : h + R, w : w + S]).sum()
