"""What a worker of a projection reads from."""

from __future__ import annotations

from typing import Protocol

from stream.agents.input_protocols import Batch, Inputs

__all__ = ["ProjectionBatch", "ProjectionInputs"]


class ProjectionBatch(Batch, Protocol):
    """A fetched batch with where its log goes on."""

    @property
    def next_offset(self) -> int: ...


class ProjectionInputs(Inputs, Protocol):
    """Inputs that also tell how far behind they are."""

    def lag(self, source: int) -> int | None:
        """Records of the log of this input that have not been received; None while its end is unknown."""
        ...
