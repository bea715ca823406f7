"""Find an engine by its name, and say why one is missing."""

import importlib.util

from lenet5.distribution import install
from lenet5.engines.contract import Engine
from lenet5.engines.native import library
from lenet5.errors import EngineError

NAMES = ("native", "numpy", "torch")
AUTO = "auto"


def missing_because(name: str) -> str | None:
    """Return why an engine cannot be used here, with the command that helps, or None when it can."""
    if name not in NAMES:
        return f'there is no engine "{name}"; the engines are {", ".join(NAMES)}, or {AUTO}.'
    if name == "native":
        return library.missing_because()
    if name == "torch" and importlib.util.find_spec("torch") is None:
        return f'engine "torch" is not installed: {install("torch")}'
    return None


def get(name: str) -> Engine:
    """Return the engine of that name; for "auto" the native one where it was built, otherwise numpy.

    Raises EngineError, with what to do, when it cannot be used.
    """
    if name == AUTO:
        name = "numpy" if missing_because("native") else "native"
    reason = missing_because(name)
    if reason:
        raise EngineError(reason)
    # Imported only when asked for: an engine may bring a heavy library with it.
    if name == "native":
        from lenet5.engines.native.network import NativeEngine

        return NativeEngine()
    if name == "torch":
        from lenet5.engines.torch.network import TorchEngine

        return TorchEngine()
    from lenet5.engines.numpy.network import NumpyEngine

    return NumpyEngine()
