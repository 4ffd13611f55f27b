"""How kernels are compiled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba

__all__ = ["jit", "jit_generated", "jit_inline", "jit_with_arrays"]

_Decorator = Callable[[Callable[..., Any]], Any]


def _options(*, counts_references: bool, cache: bool = True) -> dict[str, Any]:
    # without the lock of the interpreter, so that meanwhile the thread that fetches goes on
    return {"cache": cache, "nogil": True, "_nrt": counts_references}


#: Kernels write where their caller says and make no array, so nobody need count who refers to one. Numba does it with
#: atomic instructions, at every call that is not inlined: that was a tenth of the CPU time of a worker. What makes an
#: array, and be it by assigning one slice to another, does not compile so.
jit: _Decorator = numba.njit(**_options(counts_references=False))

#: As `jit`, for functions without a source file: they are kept with the kernels that call them.
jit_generated: _Decorator = numba.njit(**_options(counts_references=False, cache=False))

#: As `jit`, put into the code of every caller.
jit_inline: _Decorator = numba.njit(inline="always", **_options(counts_references=False))

#: For the seldom called that make arrays.
jit_with_arrays: _Decorator = numba.njit(**_options(counts_references=True))
