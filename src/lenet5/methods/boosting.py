"""Three LeNet-4 that make each other's errors good (Drucker, Schapire and Simard 1993; 1998 paper, section III-C.8).

The first is trained as usual. The second sees as many patterns that the first misclassifies as patterns that it gets
right; the third those on which the first two disagree. Distorted copies are an endless supply of such patterns. The
scores of the three are added.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from lenet5.data.distort import REACH, affine, drawn
from lenet5.data.warp import warp
from lenet5.engines.contract import Network
from lenet5.methods.contract import Float, Labels, Pixels
from lenet5.methods.networks import scored, trained
from lenet5.recipes import catalogue
from lenet5.seeds import stream
from lenet5.spec.distortion import Distortion
from lenet5.spec.recipe import Recipe

SHARE_OF_SECOND = 0.75  # of the images the first is not sure enough about: 1.75 networks a digit on average (paper)


@dataclass
class Boosted:
    """Three networks of one recipe, trained in turn on distorted digits.

    rounds  maximum number of distorted copies of the whole training set to search for patterns
    """

    rounds: int = 30
    seeded = True
    recipe: Recipe = field(default_factory=lambda: catalogue.load("lenet-4"), repr=False)
    distortion: Distortion = field(
        default_factory=lambda: catalogue.load("lecun-1998-distortions").distortion or Distortion(), repr=False
    )
    networks: list[Network] = field(default_factory=list, repr=False)

    @property
    def multiply_adds(self) -> int:
        """As the paper counts: the second and third network are asked only where the first is not sure."""
        return round((1 + SHARE_OF_SECOND) * self.recipe.architecture.multiply_adds)

    @property
    def memory(self) -> int:
        return 3 * self.recipe.architecture.parameters

    def fit(self, images: Pixels, labels: Labels, seed: int) -> None:
        distorted = self.recipe.model_copy(update={"distortion": self.distortion})
        first = trained(distorted, images, labels, seed)

        def missed(copies: Pixels) -> NDArray[np.bool_]:
            wrong: NDArray[np.bool_] = self._answers(first, copies) != labels
            return wrong

        hard, hard_labels = self._found(missed, images, labels, len(labels) // 2, seed, "second")
        copies = next(self._copies(images, seed, "easy"))
        easy = np.flatnonzero(~missed(copies))[: len(hard)]
        mixed = np.concatenate([hard, copies[easy]]), np.concatenate([hard_labels, labels[easy]])
        second = trained(self.recipe, *mixed, seed + 1)

        def disputed(copies: Pixels) -> NDArray[np.bool_]:
            differ: NDArray[np.bool_] = self._answers(first, copies) != self._answers(second, copies)
            return differ

        third = trained(self.recipe, *self._found(disputed, images, labels, len(labels), seed, "third"), seed + 2)
        self.networks = [first, second, third]

    def scores(self, images: Pixels) -> Float:
        result: Float = np.sum([scored(network, self.recipe, images) for network in self.networks], axis=0)
        return result

    def _answers(self, network: Network, images: Pixels) -> Labels:
        answers: Labels = scored(network, self.recipe, images).argmax(axis=1)
        return answers

    def _copies(self, images: Pixels, seed: int, purpose: str) -> Iterator[Pixels]:
        """Yield the whole set again and again, each time distorted anew."""
        for number in range(self.rounds):
            parameters = drawn(self.distortion, len(images), stream(seed, f"boosting, {purpose}", number))
            yield warp(images, affine(parameters), None, REACH)

    def _found(
        self,
        wanted: Callable[[Pixels], NDArray[np.bool_]],
        images: Pixels,
        labels: Labels,
        count: int,
        seed: int,
        purpose: str,
    ) -> tuple[Pixels, Labels]:
        """Return up to `count` distorted copies that are wanted, with their labels; fewer when the rounds end first."""
        found: list[tuple[Pixels, Labels]] = []
        total = 0
        for copies in self._copies(images, seed, purpose):
            chosen = wanted(copies)
            found.append((copies[chosen], labels[chosen]))
            total += int(chosen.sum())
            if total >= count:
                break
        return np.concatenate([each for each, _ in found])[:count], np.concatenate([each for _, each in found])[:count]
