"""Images and order of an epoch, as a function of the seed and the epoch alone.

So a run that resumes in the middle of epoch 17 needs no stored state: it draws the same order again and
leaves out the batches that are done.
"""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lenet5.data.augment import flipped
from lenet5.data.distort import KINDS, REACH, affine, drawn, drawn_bends
from lenet5.data.prepare import prepare
from lenet5.data.warp import warp
from lenet5.seeds import stream
from lenet5.spec.distortion import Distortion
from lenet5.spec.preparation import Preparation


@dataclass(frozen=True, eq=False)
class Examples:
    """Images and labels that training steps draw their batches from.

    images  (N, 28, 28) uint8, 0 = background; read in place, so they may lie on the disk
    labels  (N,) int64
    flips   (N,) True for an image to mirror in this epoch, or None
    targets (N, classes) float32: each class's share of the answer, where the label does not have it all
    chance  32 bits, drawn for each epoch, that decide what dropout leaves out
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    preparation: Preparation
    flips: NDArray[np.bool_] | None = None
    targets: NDArray[np.float32] | None = None
    chance: int = 0

    def inputs(self, indices: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the prepared inputs of some images: (n, 1, S, S) float32."""
        chosen = self.images[indices]
        if self.flips is not None and self.preparation.flip != "none":
            chosen = flipped(chosen, self.flips[indices], self.preparation.flip)
        return prepare(chosen, self.preparation)


def examples_for_epoch(
    examples: Examples,
    seed: int,
    epoch: int,
    *,
    distortion: Distortion | None = None,
    dropout: bool = False,
) -> Examples:
    """Return the examples as one epoch shows them, as many as there are images.

    If the preparation flips, each example is flipped with probability 1/2, drawn anew in every epoch.

    distortion  distorts them; see `_distorted`
    dropout     draws the chance that decides what dropout leaves out

    Where nothing is drawn, they are the very same examples, and an engine that holds them need not copy them again.
    """
    if distortion is not None:
        examples = _distorted(examples, seed, epoch, distortion)
    if examples.preparation.flip != "none":
        examples = replace(examples, flips=stream(seed, "flips", epoch).random(len(examples.images)) < 0.5)
    if dropout:
        examples = replace(examples, chance=int(stream(seed, "dropout", epoch).integers(2**32)))
    return examples


def _distorted(examples: Examples, seed: int, epoch: int, distortion: Distortion) -> Examples:
    """Return the examples as one epoch distorts them.

    Each image and its distorted copies are samples, and each sample stays the same picture for the whole run. They are
    dealt at random to copies + 1 epochs, and then these come again: so the 1998 paper (section III-A) shows 60,000 +
    540,000 patterns in 20 passes of 60,000, each of them twice. With copies = 0 every epoch distorts all images anew.
    """
    if distortion.copies == 0:
        return _distorted_anew(examples, seed, epoch, distortion)
    N, versions = len(examples.images), distortion.copies + 1
    samples = stream(seed, "distorted samples").permutation(versions * N)
    part = (epoch - 1) % versions
    version, image = np.divmod(samples[part * N : (part + 1) * N], N)  # version 0 is the image itself
    parameters = np.zeros((N, len(KINDS)))
    bends = np.zeros((N, 2, *[REACH.shape[1]] * 2), np.int32) if distortion.bending else None
    for copy in range(1, versions):
        here = version == copy
        random = stream(seed, "distortion", copy)
        parameters[here] = drawn(distortion, N, random)[image[here]]
        of_copy = drawn_bends(distortion, N, random)
        if bends is not None and of_copy is not None:
            bends[here] = of_copy[image[here]]
    images = warp(examples.images[image], affine(parameters), bends, REACH)
    return replace(examples, images=images, labels=examples.labels[image])


def _distorted_anew(examples: Examples, seed: int, epoch: int, distortion: Distortion) -> Examples:
    """Each image once, but for the untouched ones in a shape that it has in this epoch alone."""
    N, random = len(examples.images), stream(seed, "distortion", epoch)
    parameters, bends = drawn(distortion, N, random), drawn_bends(distortion, N, random)
    untouched = random.random(N) < distortion.untouched
    parameters[untouched] = 0
    if bends is not None:
        bends[untouched] = 0
    return replace(examples, images=warp(examples.images, affine(parameters), bends, REACH))


def order(
    count: int,
    seed: int,
    epoch: int,
    sampling: Literal["shuffled", "constant", "independent"],
    weights: NDArray[np.float64] | None = None,
) -> NDArray[np.int64]:
    """Return the images of an epoch in their order: (count,) indices.

    sampling  "shuffled" shows each image once; "constant" too, in the same random order in every epoch;
              "independent" draws each with replacement
    weights   (count,) how much each image counts: an epoch still has `count` draws, and shows each image that often
              in proportion, to the nearest whole number below or above, drawn anew in each epoch
    """
    random = stream(seed, "order", 0 if sampling == "constant" else epoch)
    if weights is not None:
        expected = weights * (count / weights.sum())
        if sampling == "independent":
            return random.choice(count, size=count, p=expected / count)
        # One random offset for all (systematic sampling): no image is further than 1 from its expected number.
        marks = np.floor(np.cumsum(expected) + random.random() + 1e-9).astype(np.int64)
        times = np.diff(marks, prepend=0)
        times[-1] += count - times.sum()
        return random.permutation(np.repeat(np.arange(count), np.maximum(times, 0)))
    if sampling == "independent":
        return random.integers(count, size=count)
    return random.permutation(count)


def batches(order: NDArray[np.int64], batch_size: int, start: int = 0) -> list[NDArray[np.int64]]:
    """Cut an order into batches, the last one maybe smaller; the first `start` batches are left out."""
    return [order[begin : begin + batch_size] for begin in range(start * batch_size, len(order), batch_size)]
