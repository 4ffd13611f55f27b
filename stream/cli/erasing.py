"""Having a projection forget, and waiting until it has."""

import time
from collections.abc import Iterable
from typing import Any

from stream.errors import StorageError
from stream.projections.protocol import Projection
from stream.storage.projection_desk import ProjectionDesk

__all__ = ["erase_states"]

_POLL_S = 0.2


def erase_states(desk: ProjectionDesk, projection: Projection[Any], ids: Iterable[str], timeout_s: float) -> None:
    """Have the states of ``ids`` erased. Raises `StorageError` if that is not done after ``timeout_s``."""
    name, version = projection.name, projection.version
    asked = [(one, projection.erased_in(one)) for one in ids]
    for one, erased_in in asked:
        desk.erase(name, version, one, erased_in)
    deadline = time.monotonic() + timeout_s
    for one, erased_in in asked:
        while desk.erasing(name, version, one, erased_in):
            if time.monotonic() >= deadline:
                raise StorageError(f"not erased from {name} yet: is a worker running that has it? The wish is noted")
            time.sleep(_POLL_S)
