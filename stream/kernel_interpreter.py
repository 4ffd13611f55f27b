"""Kernels as plain Python, for who calls a few of them a few times.

Numba takes 0.4 s to import and to load compiled code; the kernels of one customer take 0.03 s as Python.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Final

import numpy as np

__all__ = ["interpreted"]

#: Whether this thread runs a kernel already: one that it calls gets its arguments as they are.
_RUNNING: Final = threading.local()


def interpreted(function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
    """Call the Python function of a kernel, which may change its arrays and records as the kernel does.

    Any error means that compiled code has to decide: it may not even be one there, as the logarithm of zero.
    """
    if getattr(_RUNNING, "is_any", False):
        return function(*arguments)
    _RUNNING.is_any = True
    try:
        # compiled integers have 64 bits and wrap round, those here keep their width: what would differ is an error
        with np.errstate(over="raise", divide="raise", invalid="raise"):
            return function(*map(_with_attributes, arguments))
    finally:
        _RUNNING.is_any = False


def _with_attributes(argument: Any) -> Any:
    """The same memory, with the fields of records as attributes, as they are in compiled code."""
    if isinstance(argument, np.ndarray):
        return argument.view(np.recarray) if argument.dtype.names else argument
    array = getattr(argument, "base", None) if isinstance(argument, np.void) else None
    if array is None:
        return argument
    offset = _address(np.frombuffer(argument, np.uint8)) - _address(array)
    return np.recarray(1, argument.dtype, buf=array, offset=offset)[0]


def _address(array: Any) -> int:
    address: int = array.__array_interface__["data"][0]
    return address
