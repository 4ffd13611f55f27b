"""How kernels are compiled, and when: a kernel asks for Numba when it is first called.

Numba takes a third of a second to import, and compiled code as long to load. Commands that import kernels and call none
do not pay for it, nor do those that interpret them (`interpret_kernels`).
"""

from __future__ import annotations

import functools
import sys
import threading
from collections.abc import Callable
from typing import Any

__all__ = [
    "KernelFunction",
    "interpret_kernels",
    "jit",
    "jit_at_once",
    "jit_generated",
    "jit_inline",
    "jit_with_arrays",
    "literal_unroll",
]

_Decorator = Callable[[Callable[..., Any]], Any]

#: Two threads may call a kernel for the first time.
_LOCK = threading.RLock()


class _Start:
    """How kernels start: whether they are interpreted as long as that goes well."""

    interprets = False


def interpret_kernels() -> None:
    """Run kernels as Python from now on: for a process that calls a few of them a few times, for one customer.

    The results are the same to the bit. After the first error of a kernel all are compiled, and that one is run again;
    so only kernels may be called whose results depend on nothing that they write. Nothing is interpreted where Numba
    is in memory already.
    """
    _Start.interprets = "stream.kernel_code" not in sys.modules


class KernelFunction:
    """A function that Numba compiles for the types of its first call.

    It has all attributes of Numba's dispatcher, which it stands for wherever another kernel calls it.
    """

    def __init__(self, function: Callable[..., Any], options: dict[str, Any]) -> None:
        functools.update_wrapper(self, function)
        self.py_func = function
        #: Numba looks here for ``inline``.
        self.targetoptions = options
        self._dispatcher: Any = None

    def __call__(self, *args: Any) -> Any:
        return (self._dispatcher or self._not_made)(*args)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._made(), name)

    @property
    def _numba_type_(self) -> Any:
        return self._made()._numba_type_

    def _not_made(self, *args: Any) -> Any:
        if _Start.interprets:
            from stream.kernel_interpreter import interpreted

            try:
                return interpreted(self.py_func, args)
            except Exception:  # noqa: BLE001 - compiled code decides what is an error
                _Start.interprets = False
        return self._made()(*args)

    def _made(self) -> Any:
        with _LOCK:
            if self._dispatcher is None:
                from stream.kernel_code import dispatcher, numbas_literal_unroll

                for name, value in self.py_func.__globals__.items():
                    if value is literal_unroll:
                        self.py_func.__globals__[name] = numbas_literal_unroll
                self._dispatcher = dispatcher(self.py_func, self.targetoptions)
            return self._dispatcher


def literal_unroll(values: Any) -> Any:
    """Numba's ``literal_unroll``, which takes this one's place when a kernel that uses it is compiled."""
    return values


def _decorator(*, counts_references: bool, cache: bool = True, nogil: bool = True, **more: Any) -> _Decorator:
    # kernels release the GIL, so that the fetching thread continues meanwhile; no C function is made of them: nobody
    # passes a kernel on
    options = {"no_cfunc_wrapper": True, "_nrt": counts_references, "cache": cache, "nogil": nogil, **more}
    return lambda function: KernelFunction(function, options)


#: Kernels never allocate, so reference counting is off. Numba counts with atomic instructions at every call that is not
#: inlined, which took a tenth of a worker's CPU time. Code that allocates an array, even by assigning one slice to
#: another, does not compile with this option.
jit: _Decorator = _decorator(counts_references=False)

#: As `jit`, for functions without a source file: their code is cached with the kernels that call them.
jit_generated: _Decorator = _decorator(counts_references=False, cache=False)

#: As `jit`, inlined into every caller.
jit_inline: _Decorator = _decorator(counts_references=False, inline="always")

#: For rarely called functions that allocate arrays.
jit_with_arrays: _Decorator = _decorator(counts_references=True)

#: As `jit_with_arrays`, for models that several threads read: nobody sees one that is half changed.
jit_at_once: _Decorator = _decorator(counts_references=True, nogil=False)
