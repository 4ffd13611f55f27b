"""What programs have in common that look into Redis from outside of the workers."""

from __future__ import annotations

from collections.abc import Iterable
from types import TracebackType
from typing import Self

import msgspec

from stream.processing.state import PartitionState
from stream.storage.connection import Client
from stream.storage.keys import Keys

__all__ = ["Desk", "partition_states"]

_state_decoder = msgspec.json.Decoder(PartitionState)


class Desk:
    """Closes its connection at the end of a ``with``."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()


def partition_states(client: Client, keys: Keys, partitions: Iterable[int]) -> dict[int, PartitionState]:
    """The stored state of each partition that has one, in one round trip. Raises what ``client`` raises."""
    asked = [*partitions]
    pipe = client.pipeline(transaction=False)
    for partition in asked:
        pipe.hget(keys.meta(partition), "state")
    stored = pipe.execute()
    return {p: _state_decoder.decode(state) for p, state in zip(asked, stored, strict=True) if state}
