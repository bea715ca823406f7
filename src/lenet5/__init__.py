"""LeNet-5, reproduced: train the published recipes, check their numbers, use the models.

    import lenet5

    run = lenet5.train("archaeology", epochs=1)
    print(run.result()["test_accuracy_percent"])
    digits = lenet5.load(run.path).predict(images)  # uint8 (N, 28, 28)

Names are imported lazily, so that `import lenet5` is fast.
"""

import importlib
from typing import TYPE_CHECKING, Any

from lenet5.distribution import VERSION

if TYPE_CHECKING:
    from lenet5.api import evaluate, export, load, resume, train
    from lenet5.classifier import LeNet5Classifier
    from lenet5.errors import Lenet5Error

__version__ = VERSION
__all__ = ["LeNet5Classifier", "Lenet5Error", "__version__", "evaluate", "export", "load", "resume", "train"]

_HOMES = {
    "LeNet5Classifier": "lenet5.classifier",
    "Lenet5Error": "lenet5.errors",
    "evaluate": "lenet5.api",
    "export": "lenet5.api",
    "load": "lenet5.api",
    "resume": "lenet5.api",
    "train": "lenet5.api",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'lenet5' has no attribute '{name}'")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
