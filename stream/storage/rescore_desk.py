"""Asking that all customers be scored again, and looking how far that is, from outside of the workers."""

from __future__ import annotations

from types import TracebackType
from typing import NamedTuple, Self

import msgspec

from stream.errors import StorageError
from stream.processing.state import PartitionState
from stream.settings import Settings
from stream.storage.connection import FAILURES, connect_or_explain, explained
from stream.storage.keys import Keys

__all__ = ["Answer", "RescoreDesk"]

_state_decoder = msgspec.json.Decoder(PartitionState)


class Answer(NamedTuple):
    """What a partition that has customers says. ``is_done``: whether the request was answered."""

    partition: int
    is_done: bool
    customers: int
    stream_time_ms: int


class RescoreDesk:
    """Asks in the namespace of ``settings``; raises `StorageError` when Redis fails."""

    def __init__(self, settings: Settings) -> None:
        self._keys = Keys(settings.namespace)
        self._partitions = range(settings.partitions)
        self._client = connect_or_explain(settings, retries=0)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def ask(self) -> int:
        """Ask; return the number of the request."""
        try:
            return int(self._client.incr(self._keys.rescore()))
        except FAILURES as error:
            raise StorageError(f"the request cannot be written to Redis: {explained(error)}") from error

    def answers(self, request: int) -> list[Answer]:
        """What each partition with an event says to this request or a later one."""
        try:
            pipe = self._client.pipeline(transaction=False)
            for partition in self._partitions:
                pipe.hget(self._keys.meta(partition), "state")
            stored = pipe.execute()
        except FAILURES as error:
            raise StorageError(f"the partitions cannot be read from Redis: {explained(error)}") from error
        states = {p: _state_decoder.decode(state) for p, state in zip(self._partitions, stored, strict=True) if state}
        return [
            Answer(
                partition, state.rescored.asked >= request, state.rescored.customers, state.rescored.stream_time_ms or 0
            )
            for partition, state in states.items()
            if state.stream_time_ms is not None
        ]
