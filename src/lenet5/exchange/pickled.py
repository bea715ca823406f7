"""A safe interpreter for pickles of state dicts, which builds only plain values and references to arrays.

A pickle is a program that may call any function. This interpreter supports about forty instructions and calls only our
own constructors in `CALLS`; any other name is rejected before anything is executed. Nothing is imported. PyTorch's
tensors become `Stored`: a position in a storage, a shape and strides, without the numbers. Values of a few harmless
types that checkpoints contain beside the weights, such as a path or a date, become `IGNORED`.
"""

import io
import pickletools
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np

STORAGES: dict[str, str] = {
    "FloatStorage": "<f4", "DoubleStorage": "<f8", "HalfStorage": "<f2", "BFloat16Storage": "bfloat16",
    "LongStorage": "<i8", "IntStorage": "<i4", "ShortStorage": "<i2", "CharStorage": "i1", "ByteStorage": "u1",
    "BoolStorage": "?", "UntypedStorage": "u1",
}  # fmt: skip
DTYPES = ("float32", "float64", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8", "bool")
# Limits on values that are copied or traversed, because a pickle can reuse a value any number of times.
MOST_INSTRUCTIONS = 1_000_000  # a LeNet-5 and its optimiser's state take some thousand
MOST_ARGUMENTS = 16
MOST_DIMENSIONS = 8
MOST_TEXT = 1_000  # characters that are encoded to bytes: the value of one number; longer texts are ignored
KEYS = (str, int, float, bool, bytes, type(None))
MARK = object()
IGNORED = object()


class RefusedError(Exception):
    """The pickle contains something other than plain values and tensors, which the message names."""


class DamagedError(Exception):
    """The pickle is invalid."""


@dataclass(frozen=True)
class Storage:
    """A contiguous array of numbers with a key; `dtype` is a NumPy name, or "bfloat16"."""

    key: str
    dtype: str
    count: int


@dataclass(frozen=True)
class Stored:
    """A tensor as a view of a storage; offset and strides count numbers."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


@dataclass(frozen=True)
class Name:
    """A name in a module to which the file refers."""

    module: str
    name: str

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"


@dataclass
class NumpyType:
    """A pickled NumPy dtype: type code and byte order."""

    code: str
    order: str = "<"


def load(file: io.BytesIO) -> Any:
    """Interpret one pickle from the file's current position, and return its value.

    Raises RefusedError for anything but plain values and tensors, DamagedError for invalid pickles.
    """
    machine = Machine()
    try:
        for opcode, argument, _ in islice(pickletools.genops(file), MOST_INSTRUCTIONS):
            if opcode.name == "STOP":
                return machine.pop()
            machine.do(opcode.name, argument)
    except (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError) as error:
        raise DamagedError(f"{type(error).__name__}: {error}") from None
    raise DamagedError(f"it has no end within {MOST_INSTRUCTIONS:,} instructions")


class Machine:
    """The interpreter's stack and memo."""

    def __init__(self) -> None:
        self._stack: list[Any] = []
        self._memo: dict[int, Any] = {}

    def pop(self) -> Any:
        """Pop the topmost value."""
        value = self._stack.pop()
        if value is MARK:
            raise DamagedError("a mark stands where a value belongs")
        return value

    def do(self, instruction: str, argument: Any) -> None:
        """Execute one instruction. Raises RefusedError, DamagedError, or any exception for a broken stack."""
        if instruction in ("PROTO", "FRAME"):
            return
        if instruction in VALUES:
            self._stack.append(argument)
        elif instruction in CONSTANTS:
            self._stack.append(CONSTANTS[instruction]())
        elif method := getattr(self, f"_{instruction.lower()}", None):
            method(argument)
        else:
            raise RefusedError(f"the instruction {instruction}")

    def _mark(self, _: None) -> None:
        self._stack.append(MARK)

    def _to_mark(self) -> list[Any]:
        values = []
        while (value := self._stack.pop()) is not MARK:
            values.append(value)
        return values[::-1]

    def _pop(self, _: None) -> None:
        self._stack.pop()

    def _pop_mark(self, _: None) -> None:
        self._to_mark()

    def _dup(self, _: None) -> None:
        self._stack.append(self._stack[-1])

    def _tuple(self, _: None) -> None:
        self._stack.append(tuple(self._to_mark()))

    def _tuple1(self, _: None) -> None:
        self._stack.append((self.pop(),))

    def _tuple2(self, _: None) -> None:
        last = self.pop()
        self._stack.append((self.pop(), last))

    def _tuple3(self, _: None) -> None:
        last, middle = self.pop(), self.pop()
        self._stack.append((self.pop(), middle, last))

    def _list(self, _: None) -> None:
        self._stack.append(self._to_mark())

    def _dict(self, _: None) -> None:
        values = self._to_mark()
        self._stack.append(_pairs(values))

    def _append(self, _: None) -> None:
        value = self.pop()
        self._top(list).append(value)

    def _appends(self, _: None) -> None:
        values = self._to_mark()
        self._top(list).extend(values)

    def _setitem(self, _: None) -> None:
        value, key = self.pop(), self.pop()
        self._top(dict).update(_pairs([key, value]))

    def _setitems(self, _: None) -> None:
        values = self._to_mark()
        self._top(dict).update(_pairs(values))

    def _additems(self, _: None) -> None:
        values = self._to_mark()
        self._top(set).update(map(_key, values))

    def _top(self, kind: type) -> Any:
        if type(self._stack[-1]) is not kind:
            raise DamagedError(f"a {type(self._stack[-1]).__name__} where a {kind.__name__} belongs")
        return self._stack[-1]

    def _put(self, place: int) -> None:
        if self._stack[-1] is MARK:
            raise DamagedError("a mark stands where a value belongs")
        self._memo[place] = self._stack[-1]

    _binput = _long_binput = _put

    def _memoize(self, _: None) -> None:
        self._put(len(self._memo))

    def _get(self, place: int) -> None:
        self._stack.append(self._memo[place])

    _binget = _long_binget = _get

    def _global(self, argument: str) -> None:
        module, _, name = argument.partition(" ")
        self._named(module, name)

    def _stack_global(self, _: None) -> None:
        name, module = self.pop(), self.pop()
        self._named(module, name)

    def _named(self, module: Any, name: Any) -> None:
        if not isinstance(module, str) or not isinstance(name, str):
            raise DamagedError("a name that is no text")
        found = Name(module, name)
        if str(found) not in CALLS and str(found) not in PLAIN_NAMES:
            raise RefusedError(str(found))
        self._stack.append(found)

    def _reduce(self, _: None) -> None:
        arguments, function = self.pop(), self.pop()
        self._stack.append(_called(function, arguments))

    _newobj = _reduce

    def _build(self, _: None) -> None:
        """Set an object's state: the byte order of a NumPy dtype; nothing for a dictionary or an ignored value."""
        state, target = self.pop(), self._stack[-1]
        if isinstance(target, NumpyType):
            target.order = _text(state[1])
        elif target is not IGNORED and type(target) is not dict:
            raise RefusedError(f"the state of a {type(target).__name__}")

    def _binpersid(self, _: None) -> None:
        """Resolve ("storage", type, key, device, count), in old files with a view as the sixth element."""
        kind, name, key, _, count = self.pop()[:5]
        if kind != "storage" or not isinstance(name, Name) or type(count) is not int:
            raise DamagedError("a reference to something other than a storage")
        dtype = STORAGES.get(name.name)
        if dtype is None:
            raise RefusedError(str(name))
        self._stack.append(Storage(_text(key), dtype, count))


def _pairs(values: list[Any]) -> dict[Any, Any]:
    return dict(zip(map(_key, values[::2]), values[1::2], strict=True))


def _key(value: Any) -> Any:
    """Return a valid key; tuples are not, because hashing nested shared tuples could take exponential time."""
    if not isinstance(value, KEYS):
        raise DamagedError(f"a {type(value).__name__} as a dictionary key")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise DamagedError(f"a {type(value).__name__} where a string was expected")
    return value


def _called(function: Any, arguments: Any) -> Any:
    """Call one of our constructors. Raises DamagedError for anything else, and for wrong arguments."""
    if not isinstance(function, Name) or str(function) not in CALLS:
        raise DamagedError("a call of something that is not a function")
    if not isinstance(arguments, tuple) or len(arguments) > MOST_ARGUMENTS:
        raise DamagedError(f"a call of {function} with other arguments")
    return CALLS[str(function)](*arguments)


def _tensor(storage: Storage, offset: int, shape: tuple[int, ...], strides: tuple[int, ...], *_: Any) -> Stored:
    if not isinstance(shape, tuple) or not isinstance(strides, tuple) or not isinstance(storage, Storage):
        raise DamagedError("a tensor of another form")
    if len(shape) != len(strides) or len(shape) > MOST_DIMENSIONS:
        raise DamagedError(f"a tensor of {len(shape):,} dimensions with {len(strides):,} strides")
    if not all(type(number) is int and 0 <= number < 1 << 62 for number in (offset, *shape, *strides)):
        raise DamagedError("a tensor with invalid sizes")
    return Stored(storage, offset, shape, strides)


def _tensor_of_dtype(*arguments: Any) -> Stored:
    """Reject types without a typed storage: float8, and unsigned integers of more than one byte."""
    dtype = arguments[6] if len(arguments) > 6 and isinstance(arguments[6], Name) else "an unknown type"
    raise RefusedError(f"numbers of {dtype}")


def _parameter(data: Any, *_: Any) -> Any:
    return data


def _subclass(function: Any, _: Any, arguments: Any, *__: Any) -> Any:
    return _called(function, arguments)


def _ordered(*pairs: Any) -> dict[Any, Any]:
    if any(pairs):
        raise DamagedError("an ordered dictionary that is filled when it is made")
    return {}


def _empty(*_: Any) -> dict[Any, Any]:
    """Return a dictionary that later instructions fill."""
    return {}


def _ignored(*_: Any) -> object:
    return IGNORED


def _encoded(text: Any, encoding: Any) -> object:
    if _text(encoding) not in ("latin1", "latin-1"):
        raise DamagedError("an encoded text that is not a NumPy number")
    return str(text).encode("latin-1") if len(_text(text)) <= MOST_TEXT else IGNORED


def _dtype(code: Any, *_: Any) -> NumpyType:
    return NumpyType(_text(code))


def _scalar(dtype: Any, content: Any = b"") -> int | float | bool:
    """Return a scalar of NumPy as a plain number. Raises RefusedError for other scalars."""
    if not isinstance(dtype, NumpyType) or not isinstance(content, bytes):
        raise DamagedError("a scalar of NumPy of another form")
    if dtype.code not in ("b1", *(kind + size for kind in "iuf" for size in "1248")) or dtype.order not in "<>=|":
        raise RefusedError("a NumPy scalar that is not a number")
    number: int | float | bool = np.frombuffer(content, np.dtype(dtype.order + dtype.code)).reshape(()).item()
    return number


def _size(sizes: Any = ()) -> tuple[Any, ...]:
    if not isinstance(sizes, list | tuple) or len(sizes) > MOST_DIMENSIONS:
        raise DamagedError("a size of another form")
    return tuple(sizes)


VALUES = {
    "INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT", "STRING", "BINSTRING",
    "SHORT_BINSTRING", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "UNICODE", "BINUNICODE", "SHORT_BINUNICODE",
    "BINUNICODE8",
}  # fmt: skip
CONSTANTS: dict[str, Callable[[], Any]] = {
    "NONE": lambda: None, "NEWTRUE": lambda: True, "NEWFALSE": lambda: False,
    "EMPTY_DICT": dict, "EMPTY_LIST": list, "EMPTY_TUPLE": tuple, "EMPTY_SET": set,
}  # fmt: skip
CALLS: dict[str, Callable[..., Any]] = {
    "collections.OrderedDict": _ordered,
    "torch._utils._rebuild_tensor": _tensor,
    "torch._utils._rebuild_tensor_v2": _tensor,
    "torch._utils._rebuild_tensor_v3": _tensor_of_dtype,
    "torch._utils._rebuild_parameter": _parameter,
    "torch._utils._rebuild_parameter_with_state": _parameter,
    "torch._tensor._rebuild_from_type_v2": _subclass,
    "torch.Size": _size,
    "torch.device": lambda *_: None,
    "_codecs.encode": _encoded,
    "numpy.dtype": _dtype,
    "numpy.core.multiarray.scalar": _scalar,
    "numpy._core.multiarray.scalar": _scalar,
}
CALLS |= dict.fromkeys(
    (
        "collections.defaultdict", "lightning.fabric.utilities.data.AttributeDict",
        "lightning_fabric.utilities.data.AttributeDict", "pytorch_lightning.utilities.parsing.AttributeDict",
    ),
    _empty,
)  # fmt: skip
CALLS |= dict.fromkeys(
    (
        "argparse.Namespace", "collections.Counter", "datetime.date", "datetime.datetime", "datetime.timedelta",
        *(f"pathlib.{flavour}Path" for flavour in ("Posix", "Windows", "PurePosix", "PureWindows")),
        *(f"pathlib._local.{flavour}Path" for flavour in ("Posix", "Windows", "PurePosix", "PureWindows")),
        "numpy.core.multiarray._reconstruct", "numpy._core.multiarray._reconstruct", "__builtin__.set", "builtins.set",
    ),
    _ignored,
)  # fmt: skip
PLAIN_NAMES = {
    *(f"{module}.{name}" for module in ("__builtin__", "builtins") for name in ("dict", "float", "int", "list")),
    "numpy.ndarray",
    *(f"torch.{name}" for name in (*STORAGES, *DTYPES)), "torch.storage.UntypedStorage", "torch.Tensor",
    "torch.float8_e4m3fn", "torch.float8_e5m2", "torch.nn.parameter.Parameter",
}  # fmt: skip
