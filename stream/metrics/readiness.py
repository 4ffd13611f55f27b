"""How a process says at every turn whether it is ready, to whoever answers the probes."""

from collections.abc import Callable, Mapping, Sequence

__all__ = ["Tell"]

#: What speaks against being ready (nothing: ready), and figures to show.
Tell = Callable[[Sequence[str], Mapping[str, int]], None]
