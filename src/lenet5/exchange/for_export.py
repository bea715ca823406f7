"""Steps common to all exports."""

from dataclasses import replace

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
