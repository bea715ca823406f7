"""Steps common to all exports."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from lenet5.data.prepare import SIDE, resized
from lenet5.errors import ModelError
from lenet5.models.fold import for_use
from lenet5.models.model import Model


def ready(model: Model) -> Model:
    """Return the model without training-only layers. Raises ModelError when its mean is not known yet."""
    if model.preparation.subtract_mean:
        raise ModelError(
            "the preparation subtracts a mean that is not known yet; use preparation.centred(mean_pixel(images)) first."
        )
    architecture, weights = for_use(model.architecture, model.weights)
    return replace(model, architecture=architecture, weights=weights)


def stretch(side: int) -> NDArray[np.float64]:
    """Return the (side, 28) matrix A with which `data/prepare.py` resizes: an image X becomes A X A^T."""
    lines = np.repeat(np.eye(SIDE)[:, :, None], SIDE, axis=2)  # (28, 28, 28): image j has ink only in row j
    return resized(lines, side)[:, :, 0].T
