"""Numba's dispatcher of a kernel. Numba is imported with this module, and not before a kernel is called."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from stream.deferred_packages import defer

# Numba looks whether there is SciPy's linear algebra, which no kernel uses: the package around it takes 13 MB
defer("scipy.linalg")

import numba  # noqa: E402  # after the package is deferred, as below
from numba.core import types  # noqa: E402

__all__ = ["dispatcher", "numbas_literal_unroll"]

numbas_literal_unroll: Final = numba.literal_unroll
#: Numba declares not all of its options.
_njit: Final[Any] = numba.njit


def dispatcher(function: Callable[..., Any], options: dict[str, Any]) -> Any:
    """Numba's dispatcher of a function."""
    made = _njit(**options)(function)
    template_for = made.get_call_template

    def get_call_template(args: Any, keywords: Any) -> Any:
        return template_for(tuple(map(_widened, args)), {name: _widened(of) for name, of in keywords.items()})

    made.get_call_template = get_call_template
    return made


def _widened(of: Any) -> Any:
    """The type of any integer for that of a certain one: Numba would compile a callee for each constant it is given.

    It would also compile for the 0 that a counter starts with, before it sees that the counter is counted up.
    """
    return of.literal_type if isinstance(of, (types.IntegerLiteral, types.BooleanLiteral)) else of
