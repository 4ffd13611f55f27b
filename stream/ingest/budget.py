"""The memory that bodies of requests may take together, however many come at a time."""

from http import HTTPStatus
from types import TracebackType
from typing import Self

from stream.ingest import metrics
from stream.ingest.refusal import Refusal

__all__ = ["BodyBudget", "Lease"]


class BodyBudget:
    """At most ``max_bytes`` of bodies are held, and at most half of that by requests whose sender is not proven yet.

    So those who must be listened to before they can be told to be strangers leave room for everyone else.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._held = 0
        self._held_unproven = 0

    def lease(self, *, is_proven: bool) -> "Lease":
        """The account of one request, for a ``with`` block."""
        return Lease(self, is_proven=is_proven)

    def move(self, size: int, *, is_proven: bool) -> None:
        """Count ``size`` bytes more, or fewer. Raises `Refusal` for want of room; then nothing is counted."""
        if size > 0 and (
            self._held + size > self._max_bytes or (not is_proven and self._held_unproven + size > self._max_bytes // 2)
        ):
            raise Refusal(
                HTTPStatus.TOO_MANY_REQUESTS,
                "busy",
                "too much is being sent at once; send again later",
                unread=True,
                retry=True,
            )
        self._held += size
        if not is_proven:
            self._held_unproven += size
        metrics.INGEST_BODY_BYTES.set(self._held)

    def prove(self, size: int) -> None:
        """So many bytes turned out to come from an authorised sender."""
        self._held_unproven -= size


class Lease:
    """What one request holds; leaving the ``with`` block gives it back."""

    def __init__(self, budget: BodyBudget, *, is_proven: bool) -> None:
        self._budget = budget
        self._is_proven = is_proven
        self._size = 0

    def take(self, size: int) -> None:
        """Hold ``size`` bytes more. Raises `Refusal` for want of room."""
        self._budget.move(size, is_proven=self._is_proven)
        self._size += size

    def prove(self) -> None:
        """The sender is known now."""
        if not self._is_proven:
            self._is_proven = True
            self._budget.prove(self._size)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._budget.move(-self._size, is_proven=self._is_proven)
        self._size = 0
