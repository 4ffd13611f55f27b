"""How kernels are compiled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba

__all__ = ["jit", "jit_generated", "jit_inline", "jit_with_arrays"]

_Decorator = Callable[[Callable[..., Any]], Any]


def _options(*, counts_references: bool, cache: bool = True) -> dict[str, Any]:
    # kernels release the GIL, so that the fetching thread continues meanwhile
    return {"cache": cache, "nogil": True, "_nrt": counts_references}


#: Kernels never allocate, so reference counting is off. Numba counts with atomic instructions at every call that is not
#: inlined, which took a tenth of a worker's CPU time. Code that allocates an array, even by assigning one slice to
#: another, does not compile with this option.
jit: _Decorator = numba.njit(**_options(counts_references=False))

#: As `jit`, for functions without a source file: their code is cached with the kernels that call them.
jit_generated: _Decorator = numba.njit(**_options(counts_references=False, cache=False))

#: As `jit`, inlined into every caller.
jit_inline: _Decorator = numba.njit(inline="always", **_options(counts_references=False))

#: For rarely called functions that allocate arrays.
jit_with_arrays: _Decorator = numba.njit(**_options(counts_references=True))
