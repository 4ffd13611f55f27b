"""How the kernels are compiled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba

__all__ = ["jit", "jit_inline"]

_Decorator = Callable[[Callable[..., Any]], Any]

#: Kernels write where their caller says and make no array of their own, so they need not count who refers to one. Numba
#: counts with atomic instructions at every call that is not inlined: that was a tenth of what a worker spent on an
#: event. A kernel that makes an array does not compile; it takes ``numba.njit(cache=True)`` itself, with a reason.
jit: _Decorator = numba.njit(cache=True, _nrt=False)

#: As `jit`, put into the code of every caller.
jit_inline: _Decorator = numba.njit(cache=True, inline="always", _nrt=False)
