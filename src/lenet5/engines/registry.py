"""Lookup of engines by name, and the reasons why one is unavailable."""

import importlib.util
from typing import Final

from lenet5 import compiled
from lenet5.distribution import install
from lenet5.engines.contract import Engine, TogetherEngine
from lenet5.errors import EngineError

NAMES = ("native", "numpy", "torch")
DEVICES = ("cpu", "cuda", "mps")
AUTO: Final = "auto"


def missing_because(name: str) -> str | None:
    """Return why an engine cannot be used here and the command that installs it, or None when it can be used."""
    if name not in NAMES:
        return f'there is no engine "{name}"; the engines are {", ".join(NAMES)}, or {AUTO}.'
    if name == "native":
        return compiled.missing_because()
    if name == "torch" and importlib.util.find_spec("torch") is None:
        return f'engine "torch" is not installed: {install("torch")}'
    return None


def get(name: str, device: str = AUTO) -> Engine:
    """Return the engine of that name; for "auto" the native one if it was built, otherwise numpy.

    device  "cpu", "cuda", "mps" or "auto", the fastest device available to the engine; with "cuda" and "mps",
            engine "auto" means torch

    Raises EngineError, with the remedy, when it cannot be used.
    """
    if device not in (*DEVICES, AUTO):
        raise EngineError(f'there is no device "{device}"; the devices are {", ".join(DEVICES)}, or {AUTO}.')
    on_gpu = device not in ("cpu", AUTO)
    if name == AUTO:
        name = "torch" if on_gpu else "numpy" if missing_because("native") else "native"
    reason = missing_because(name)
    if reason:
        raise EngineError(reason)
    if on_gpu and name != "torch":
        raise EngineError(f'engine "{name}" computes on the CPU only; device "{device}" needs engine "torch".')
    # Imported only when asked for: an engine may bring a heavy library with it.
    if name == "native":
        from lenet5.engines.native.network import NativeEngine

        return NativeEngine()
    if name == "torch":
        from lenet5.engines.torch.network import TorchEngine

        return TorchEngine(device)
    from lenet5.engines.numpy.network import NumpyEngine

    return NumpyEngine()


def get_together(name: str, device: str = AUTO) -> TogetherEngine:
    """Return an engine that trains several networks simultaneously. Raises EngineError for any engine but torch."""
    engine = get(name, device)
    if not isinstance(engine, TogetherEngine):
        raise EngineError(f'engine "{engine.name}" trains networks one by one; several together need engine "torch".')
    return engine
