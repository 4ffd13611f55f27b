"""Asking that all customers be scored again, and looking how far that is, from outside of the workers."""

from __future__ import annotations

from typing import NamedTuple

from stream.errors import StorageError
from stream.settings import Settings
from stream.storage.connection import FAILURES, connect_or_explain, explained
from stream.storage.desk import Desk, partition_states
from stream.storage.keys import Keys

__all__ = ["Answer", "RescoreDesk"]


class Answer(NamedTuple):
    """What a partition that has customers says. ``is_done``: whether the request was answered."""

    partition: int
    is_done: bool
    customers: int
    stream_time_ms: int


class RescoreDesk(Desk):
    """Asks in the namespace of ``settings``; raises `StorageError` when Redis fails."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(connect_or_explain(settings, retries=0))
        self._keys = Keys(settings.namespace)
        self._partitions = range(settings.partitions)

    def ask(self) -> int:
        """Ask; return the number of the request."""
        try:
            return int(self._client.incr(self._keys.rescore()))
        except FAILURES as error:
            raise StorageError(f"the request cannot be written to Redis: {explained(error)}") from error

    def answers(self, request: int) -> list[Answer]:
        """What each partition with an event says to this request or a later one."""
        try:
            states = partition_states(self._client, self._keys, self._partitions)
        except FAILURES as error:
            raise StorageError(f"the partitions cannot be read from Redis: {explained(error)}") from error
        return [
            Answer(
                partition, state.rescored.asked >= request, state.rescored.customers, state.rescored.stream_time_ms or 0
            )
            for partition, state in states.items()
            if state.stream_time_ms is not None
        ]
