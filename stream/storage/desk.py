"""What programs have in common that look into Redis from outside of the workers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Any, ClassVar, Final, Self

from stream.errors import StorageError, SystematicError
from stream.processing.state import PartitionState
from stream.storage.connection import FAILURES, Client, explained
from stream.storage.damage import failure, state_in
from stream.storage.keys import Keys

__all__ = ["LOOK_AT_ONCE", "Desk", "partition_states"]

#: Keys looked at in one round trip.
LOOK_AT_ONCE: Final = 1000


class Desk:
    """Closes its connection at the end of a ``with``.

    ``unanswered``: how the error begins when Redis does not answer.
    """

    unanswered: ClassVar = "Redis cannot be read"

    def __init__(self, client: Client) -> None:
        self._client = client

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def _every(self, pattern: str, otherwise: bytes | None = None) -> Iterator[bytes]:
        """The values of all keys that match a glob, as `_every_item`."""
        return (value for _, value in self._every_item(pattern, otherwise))

    def _every_item(self, pattern: str, otherwise: bytes | None = None) -> Iterator[tuple[bytes, bytes]]:
        """All keys that match a glob and their values, in no order.

        Those written meanwhile may be missing or come twice. ``otherwise``: as in `_pipelined`. Raises `StorageError`.
        """
        keys: list[bytes] = []
        try:
            for key in self._client.scan_iter(match=pattern, count=LOOK_AT_ONCE):
                keys.append(key)
                if len(keys) == LOOK_AT_ONCE:
                    yield from self._present(keys, otherwise)
                    keys = []
        except FAILURES as error:
            raise StorageError(f"the customers cannot be listed: {error}") from error
        yield from self._present(keys, otherwise)

    def _present(self, keys: list[bytes], otherwise: bytes | None) -> Iterator[tuple[bytes, bytes]]:
        """Those of ``keys`` that have not expired since, with their values."""
        values = self._pipelined([("GET", key) for key in keys], otherwise=otherwise)
        return ((key, value) for key, value in zip(keys, values, strict=True) if value is not None)

    def _pipelined(self, commands: list[tuple[Any, ...]], *, otherwise: Any = None) -> list[Any]:
        """Answers to ``commands`` in their order, in one round trip (on a cluster: one to each node).

        ``otherwise``: the answer for a key of another type; None: that is an error as well.
        """
        if not commands:
            return []
        try:
            pipe = self._client.pipeline(transaction=False)
            for command in commands:
                pipe.execute_command(*command)
            answers: list[Any] = pipe.execute(raise_on_error=otherwise is None)
            if otherwise is not None:
                answers = [_of_type(answer, otherwise) for answer in answers]
        except FAILURES as error:
            found = failure(self.unanswered, error)
            is_damage = isinstance(found, SystematicError)
            raise StorageError(str(found) if is_damage else f"{self.unanswered}: {explained(error)}") from error
        return answers


def _of_type(answer: Any, otherwise: Any) -> Any:
    if not isinstance(answer, Exception):
        return answer
    if "WRONGTYPE" not in str(answer):
        raise answer
    return otherwise


def partition_states(client: Client, keys: Keys, partitions: Iterable[int]) -> dict[int, PartitionState]:
    """The stored state of each partition that has one, in one round trip.

    Raises what ``client`` raises, and `StorageError` for a state that cannot be read.
    """
    asked = [*partitions]
    pipe = client.pipeline(transaction=False)
    for partition in asked:
        pipe.hget(keys.meta(partition), "state")
    stored = pipe.execute()
    states = {p: state_in(state, p) for p, state in zip(asked, stored, strict=True)}
    return {p: state for p, state in states.items() if state is not None}
