"""How kernels are compiled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
from numba.core import types

__all__ = ["jit", "jit_generated", "jit_inline", "jit_with_arrays"]

_Decorator = Callable[[Callable[..., Any]], Any]


def _decorator(*, counts_references: bool, cache: bool = True, **more: Any) -> _Decorator:
    # kernels release the GIL, so that the fetching thread continues meanwhile; no C function is made of them: nobody
    # passes a kernel on
    options: dict[str, Any] = {"no_cfunc_wrapper": True, "_nrt": counts_references, **more}
    decorate = numba.njit(cache=cache, nogil=True, **options)

    def kernel(function: Callable[..., Any]) -> Any:
        dispatcher = decorate(function)
        template_for = dispatcher.get_call_template

        def get_call_template(args: Any, keywords: Any) -> Any:
            return template_for(tuple(map(_widened, args)), {name: _widened(of) for name, of in keywords.items()})

        dispatcher.get_call_template = get_call_template
        return dispatcher

    return kernel


def _widened(of: Any) -> Any:
    """The type of any integer for that of a certain one: Numba would compile a callee for each constant it is given.

    It would also compile for the 0 that a counter starts with, before it sees that the counter is counted up.
    """
    return of.literal_type if isinstance(of, (types.IntegerLiteral, types.BooleanLiteral)) else of


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
