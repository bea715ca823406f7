"""Export of a model as plain weights, with the names and shapes of PyTorch's layers.

`C1.weight`, `C1.bias`, ... are the `weight` and `bias` of `torch.nn.Conv2d` and `torch.nn.Linear`, in layers named as
in the paper. Our model files have the same arrays; the differences are that here batch normalisation is folded in, the
codes of an rbf output are written as `output.codes`, and the metadata contain "format": "pt", which other readers of
safetensors require. `lenet5 import` restores the model from the file.
"""

import numpy as np
import safetensors.numpy

from lenet5.exchange.for_export import ready
from lenet5.models.model import Model
from lenet5.spec import paper
from lenet5.spec.layers import Rbf


def build(model: Model) -> bytes:
    """Return the content of the file."""
    model = ready(model)
    tensors = dict(model.weights)
    last = model.architecture.placed[-1]
    if isinstance(last.layer, Rbf):
        tensors[f"{last.name}.codes"] = np.array(paper.codes(), np.float32)
    metadata = {
        "format": "pt",
        "architecture": model.architecture.model_dump_json(),
        "preparation": model.preparation.model_dump_json(),
        "card": model.card.model_dump_json(),
    }
    content: bytes = safetensors.numpy.save(tensors, metadata)
    return content
