"""Who is erased, as every process knows it that reads or writes data of customers: a fold of `privacy-requests`."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

from stream.errors import SystematicError
from stream.privacy.pseudonym import Pseudonyms
from stream.privacy.request_records import PrivacyRequest

__all__ = ["Erasures", "WantedErasure"]

#: Ids that are remembered not to be erased.
_REMEMBERED: Final = 200_000
_ALWAYS: Final = float("inf")


class WantedErasure(NamedTuple):
    """What a store has to erase: ``ids`` in clear, and where only hashes are known, ids that `Erasures.among` finds."""

    ids: frozenset[str]
    pseudonyms: frozenset[str]


class Erasures:
    """The requests that were read so far. One thread takes requests, any number ask.

    ``anew``: events that came after the erasure begin a new profile; else all events of the person are refused.
    """

    def __init__(self, key: bytes = b"", *, anew: bool = False) -> None:
        self._pseudonyms = Pseudonyms(key)
        self._anew = anew
        self._requests: dict[str, tuple[int, PrivacyRequest]] = {}
        self._until_ms: dict[str, float] = {}
        self._unknown: set[str] = set()
        self._position = 0
        self._failure: Exception | None = None
        self._changed = threading.Condition()

    @property
    def position(self) -> int:
        """The offset after the last record that was read. Raises `SystematicError` when none will be read any more."""
        if self._failure is not None:
            raise SystematicError(f"who is erased is not known any more: {self._failure}") from self._failure
        return self._position

    @property
    def is_empty(self) -> bool:
        """Whether nobody was ever erased."""
        return not self._until_ms

    @property
    def requests(self) -> list[PrivacyRequest]:
        """The newest record of each request, in the order of the topic."""
        return [request for _, request in sorted(self._requests.values(), key=lambda one: one[0])]

    def offset_of(self, request_id: str) -> int | None:
        """Where the newest record of a request is; None: it has not been read."""
        found = self._requests.get(request_id)
        return None if found is None else found[0]

    def take(self, offset: int, request: PrivacyRequest | None) -> None:
        """A record of the topic; None: one that is no request."""
        if request is not None:
            self._requests[request.request_id] = (offset, request)
            until_ms = request.asked_at * 1000 if self._anew else _ALWAYS
            for pseudonym in request.pseudonyms:
                self._until_ms[pseudonym] = max(until_ms, self._until_ms.get(pseudonym, 0.0))
            # a new one: who is just looking somebody up adds to the former, which nobody reads any more
            self._unknown = set()
        with self._changed:
            # last, for it promises that all before is known
            self._position = offset + 1
            self._changed.notify_all()

    def failed(self, error: Exception) -> None:
        """Requests cannot be read any more; `position` says so to all who go by it."""
        self._failure = error

    def refuses(self, one_id: str, at_ms: int) -> bool:
        """Whether what was appended to the log at ``at_ms`` about this id must leave no trace."""
        unknown = self._unknown
        if not self._until_ms or one_id in unknown:
            return False
        until_ms = self._until_ms.get(self._pseudonyms.of(one_id))
        if until_ms is not None:
            return at_ms <= until_ms
        if len(unknown) >= _REMEMBERED:
            unknown.clear()
        unknown.add(one_id)
        return False

    def wanted(self, from_offset: int) -> WantedErasure:
        """Who was to be erased by requests from ``from_offset`` on; what took the place of a request counts as it."""
        requests = [*self._requests.values()]
        found = [one for at, one in requests if (at if one.opened_at is None else one.opened_at) >= from_offset]
        ids = frozenset(one for request in found for one in request.ids)
        closed = (one for request in found if not request.is_open for one in request.pseudonyms)
        return WantedErasure(ids, frozenset(closed))

    def among(self, ids: Iterable[str], pseudonyms: frozenset[str]) -> list[str]:
        """Those of ``ids`` whose hashes are among ``pseudonyms``."""
        return [one for one in dict.fromkeys(ids) if self._pseudonyms.of(one) in pseudonyms]

    def wait_for(self, done: Callable[[], bool], timeout_s: float) -> bool:
        """Wait until ``done``, which is asked again after each record; returns what it says at last."""
        with self._changed:
            return self._changed.wait_for(done, timeout_s)
