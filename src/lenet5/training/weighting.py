"""Weights of training images: their own, and those of their classes.

An image that counts twice is shown twice as often: see `data.batches.order`. So every loss and every engine knows them.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from lenet5.data.datasets import Images
from lenet5.errors import DataError, RecipeError


def image_weights(class_weight: str | Mapping[str, float] | None, train: Images) -> NDArray[np.float64] | None:
    """Return how much each training image counts, (N,); None where all count alike.

    class_weight  as in a recipe; it multiplies the images' own weights

    Raises RecipeError for a class that the data do not have, DataError where no image counts.
    """
    weights = train.weights
    if weights is not None and not (np.isfinite(weights).all() and weights.min() >= 0 and weights.sum() > 0):
        raise DataError(f"{train.name}: its images' weights must be finite, not negative, and not all 0.")
    if class_weight is None:
        return weights
    if class_weight == "balanced":
        counts = np.bincount(train.labels, weights, len(train.class_names))
        by_class = np.divide(1.0, counts, out=np.zeros_like(counts, float), where=counts > 0)
    else:
        assert not isinstance(class_weight, str)
        for name in class_weight:
            if name not in train.class_names:
                raise RecipeError(
                    f'class_weight names "{name}"; the classes of {train.name} are {", ".join(train.class_names)}.'
                )
        by_class = np.array([class_weight.get(name, 1.0) for name in train.class_names])
    of_images: NDArray[np.float64] = by_class[train.labels]
    return of_images if weights is None else of_images * weights
