"""Running kernels as the Python functions that they are, over the same records and arrays.

NumPy's numbers do not compute as compiled code does: those of 32 bits overflow where it widens them, and the sum of two
truths is a truth. Here all numbers are Python's, those of records, arrays and constants too, and ``np.int64`` and the
like make such numbers. They compute as 64 bits do, unless 64 bits overflow without a cast.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from functools import cache, partial
from types import FunctionType
from typing import Any, Final

import numpy as np
import numpy.typing as npt

__all__ = ["call"]


class _Record:
    """A record whose fields are attributes."""

    __slots__ = ("_of",)

    def __init__(self, of: Any) -> None:
        object.__setattr__(self, "_of", of)

    def __getattr__(self, name: str) -> Any:
        return _seen(self._of[name])

    def __setattr__(self, name: str, value: Any) -> None:
        self._of[name] = _fitting(self._of.dtype[name], value)

    __getitem__ = __getattr__
    __setitem__ = __setattr__

    def __array__(self, dtype: npt.DTypeLike | None = None, *, copy: bool | None = None) -> npt.NDArray[Any]:
        return np.asarray(self._of, dtype)


class _Array:
    """An array whose items are Python's numbers, records, or such arrays."""

    __slots__ = ("_of", "shape")

    def __init__(self, of: npt.NDArray[Any]) -> None:
        self._of = of
        self.shape = of.shape

    def __getitem__(self, index: Any) -> Any:
        return _seen(self._of[index])

    def __setitem__(self, index: Any, value: Any) -> None:
        self._of[index] = _fitting(self._of.dtype, value)

    def __len__(self) -> int:
        return len(self._of)

    def __array__(self, dtype: npt.DTypeLike | None = None, *, copy: bool | None = None) -> npt.NDArray[Any]:
        return np.asarray(self._of, dtype)


class _Whole(int):
    """A whole number that knows its bits."""

    def view(self, of: Any) -> Any:
        return _SHAPES[of.dtype].unpack(struct.pack("<q", self))[0]


class _Real(float):
    """A float that knows its bits."""

    def view(self, of: Any) -> Any:
        return _SHAPES[of.dtype].unpack(struct.pack("<d", self))[0]


class _Cast:
    """``np.int64`` and the like: a number of their width, as Python has it."""

    def __init__(self, of: type[np.generic]) -> None:
        self.dtype = np.dtype(of)
        self._bits = 8 * self.dtype.itemsize
        self._sign = 1 << self._bits - 1 if self.dtype.kind == "i" else 0

    def __call__(self, value: Any) -> Any:
        if self.dtype.kind == "f":
            return _Real(self.dtype.type(value))
        if self.dtype.kind == "b":
            return bool(value)
        return _Whole(((int(value) + self._sign) & (1 << self._bits) - 1) - self._sign)


class _NumPy:
    """What stands for ``np`` in kernels."""

    def __getattr__(self, name: str) -> Any:
        found = getattr(np, name)
        if isinstance(found, type) and issubclass(found, np.generic):
            return _CASTS[found]
        return partial(_results, found) if callable(found) else found


_SHAPES: Final = {np.dtype(np.int64): struct.Struct("<q"), np.dtype(np.float64): struct.Struct("<d")}
_CASTS: Final[dict[type[np.generic], _Cast]] = {
    of: _Cast(of)
    for of in (
        *(np.bool_, np.float32, np.float64),
        *(np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint16, np.uint32, np.uint64),
    )
}
_NUMPY: Final = _NumPy()
#: The globals of a module by their address: a function's code is of one module, and modules are never unloaded.
_CONSTANTS: Final[dict[int, dict[str, Any]]] = {}


def call(function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
    """What a kernel's function returns for arguments that the compiled kernel takes."""
    return _plain(function)(*map(_seen, arguments))


@cache
def _plain(function: Any) -> Callable[..., Any]:
    """The function, with constants that are Python's numbers."""
    if function.__closure__ is not None:
        raise TypeError(f"{function.__qualname__} has a closure: only constants of the module can be replaced")
    place = id(function.__globals__)
    if place not in _CONSTANTS:
        _CONSTANTS[place] = {name: _seen(value) for name, value in function.__globals__.items()}
    return FunctionType(function.__code__, _CONSTANTS[place])


def _fitting(dtype: np.dtype[Any], value: Any) -> Any:
    """A number as compiled code stores it: the low bits of one that is too wide."""
    return _CASTS[dtype.type](value) if dtype.kind in "iu" and isinstance(value, int) else value


def _results(function: Callable[..., Any], *arguments: Any, **more: Any) -> Any:
    return _seen(function(*arguments, **more))


def _seen(value: Any) -> Any:
    if value is np:
        return _NUMPY
    if isinstance(value, np.void):
        return _Record(value)
    if isinstance(value, np.ndarray):
        return _Array(value)
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*map(_seen, value))
    return value
