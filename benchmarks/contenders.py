"""The other side, at its strongest: how PyTorch users train this network, and the nested loops of reproduction 003.

All train `archaeology`: the same layers, the same loss and optimiser, the same batches.
"""

from collections.abc import Callable

import numpy as np
import torch
from PIL import Image
from torch import nn
from torch.utils.data import DataLoader, Dataset, Subset

from lenet5.data.datasets import Images


def network() -> nn.Sequential:
    """Return the network as PyTorch users write it."""
    return nn.Sequential(
        nn.Conv2d(1, 6, 5), nn.ReLU(), nn.AvgPool2d(2),
        nn.Conv2d(6, 16, 5), nn.ReLU(), nn.AvgPool2d(2),
        nn.Flatten(), nn.Linear(256, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10),
    )  # fmt: skip


def plain_loop(data: Images, batch_size: int, steps: int) -> Callable[[], None]:
    """A plain loop with everything in memory: no loader, no transfer, no `.item()` in the loop."""
    inputs = torch.from_numpy(data.images.astype(np.float32)[:, None] / 127.5 - 1)
    labels = torch.from_numpy(np.array(data.labels))
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)

    def turn() -> None:
        shuffled = torch.randperm(len(labels))
        for step in range(steps):
            batch = shuffled[step * batch_size : (step + 1) * batch_size]
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(inputs[batch]), labels[batch]).backward()
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


def loader_loop(data: Images, batch_size: int, steps: int, workers: int) -> Callable[[], None]:
    """The loop that users write: a DataLoader with per-image transforms, the loss read at each step."""
    # One turn is one epoch of so many images: workers are started for each epoch, as they are by default.
    chosen = Subset(PerImage(data), range(steps * batch_size))
    loader = DataLoader(chosen, batch_size=batch_size, shuffle=True, num_workers=workers)
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)

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
    """Both convolutions of reproduction 003 there and back, loop by loop as it prints them, faults corrected.

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
