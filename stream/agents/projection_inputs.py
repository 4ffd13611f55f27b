"""What a worker of a projection reads from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from stream.agents.input_protocols import Batch, Inputs
from stream.projections.fold_outcome import Part

__all__ = ["ProjectionBatch", "ProjectionInputs", "unnoted_ends"]


class ProjectionBatch(Batch, Protocol):
    """A fetched batch with where its log goes on."""

    @property
    def next_offset(self) -> int: ...


class ProjectionInputs(Inputs, Protocol):
    """Inputs that also tell how far they are."""

    def received_to(self, source: int) -> int | None:
        """The first offset of this input that has not been received; None: not known."""
        ...


def unnoted_ends(inputs: ProjectionInputs, topics: Sequence[str], stored: Mapping[str, int]) -> list[Part]:
    """Parts without records, up to the ends of inputs that have been read whole and of which less is ``stored``.

    Markers of transactions, and what retention has deleted, are no records: whoever looks from outside how far this is
    would wait for them for ever.
    """
    ends = [(source, inputs.received_to(source)) for source in range(len(topics))]
    return [Part(source, (), end) for source, end in ends if end is not None and end > stored.get(topics[source], 0)]
