"""LeNet-5, reproduced: train the published recipes, check their numbers, use the models.

    import lenet5

    run = lenet5.train("archaeology", epochs=1)
    print(run.result()["test_accuracy_percent"])
    test = lenet5.data("mnist", "test")
    digits = lenet5.load(run.path).predict(test.images)  # uint8 (N, 28, 28)

Names are imported lazily, so that `import lenet5` is fast.
"""

import importlib
from typing import TYPE_CHECKING, Any

from lenet5.distribution import VERSION

if TYPE_CHECKING:
    from lenet5.api import evaluate, export, load, resume, train
    from lenet5.classifier import LeNet5Classifier
    from lenet5.errors import Lenet5Error
    from lenet5.plots import (
        plot_architecture,
        plot_calibration,
        plot_confusion,
        plot_curves,
        plot_feature_maps,
        plot_images,
        plot_kernels,
        plot_misclassified,
    )

__version__ = VERSION
_PACKAGES = ("data", "models", "recipes")  # which can be called
_HOMES = {
    "LeNet5Classifier": "lenet5.classifier",
    "Lenet5Error": "lenet5.errors",
    **dict.fromkeys(("evaluate", "export", "load", "resume", "train"), "lenet5.api"),
    **dict.fromkeys(
        (
            "plot_architecture", "plot_calibration", "plot_confusion", "plot_curves", "plot_feature_maps",
            "plot_images", "plot_kernels", "plot_misclassified",
        ),
        "lenet5.plots",
    ),
}  # fmt: skip
__all__ = [
    "LeNet5Classifier", "Lenet5Error", "__version__", "data", "evaluate", "export", "load", "models",
    "plot_architecture", "plot_calibration", "plot_confusion", "plot_curves", "plot_feature_maps", "plot_images",
    "plot_kernels", "plot_misclassified", "recipes", "resume", "train",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name in _PACKAGES:
        return importlib.import_module(f"lenet5.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module 'lenet5' has no attribute '{name}'")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
