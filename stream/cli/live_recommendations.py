"""What to offer to customers, for a process that is asked all the time: counts of all items are read now and then."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Final, NamedTuple, Self

from stream.cli.known_rows import KnownRows
from stream.cli.recommendations_desk import KnownItems, agreed_lists_of, known_items
from stream.console.offering import Offered
from stream.errors import StorageError
from stream.settings import Settings
from stream.storage.consent_desk import ConsentDesk
from stream.storage.projection_desk import ProjectionDesk

__all__ = ["LiveRecommendations"]

_LOG = logging.getLogger(__name__)
#: Counts of all items are megabytes, and change slowly; what a customer owns, and agrees to, is read each time.
_EVERY_S: Final = 60.0


class _Desks(NamedTuple):
    items: ProjectionDesk
    consents: ConsentDesk

    def close(self) -> None:
        with self.items, self.consents:
            pass


class LiveRecommendations:
    """Answers from any thread. Counts that are older than a minute are read anew beside the answers, what goes with an
    item when it is asked for and older than ten.

    Redis may come later than this process, and go and come back.
    """

    def __init__(self, settings: Settings, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._settings = settings
        self._monotonic = monotonic
        self._desks: _Desks | None = None
        self._opening, self._reading = threading.Lock(), threading.Lock()
        self._known: KnownItems | None = None
        self._rows = KnownRows(monotonic)
        self._read_at_s = 0.0

    def prepared(self) -> Self:
        """Begin to read counts beside what the process does, so that the first customer does not wait for them."""
        if self._known is None and self._reading.acquire(blocking=False):
            threading.Thread(target=self._read_first, daemon=True, name="items").start()
        return self

    def close(self) -> None:
        """Let connections go; the next question opens new ones."""
        with self._opening:
            desks, self._desks = self._desks, None
        if desks is not None:
            desks.close()

    def lists(self, customer_id: str, limit: int) -> Offered:
        """What to offer to a customer. Raises `StorageError` when Redis fails."""
        try:
            return self._lists(customer_id, limit)
        except StorageError:
            # connections that Redis has closed meanwhile fail once
            self.close()
            return self._lists(customer_id, limit)

    def _lists(self, customer_id: str, limit: int) -> Offered:
        desks, known = self._open(), self._known
        if known is None:
            with self._reading:
                known = self._known or self._read(desks)
        elif self._monotonic() - self._read_at_s > _EVERY_S and self._reading.acquire(blocking=False):
            threading.Thread(target=self._read_again, args=(desks,), daemon=True, name="items").start()
        of = (desks.items, desks.consents, self._settings, customer_id, limit)
        return Offered(*agreed_lists_of(*of, known, self._rows))

    def _open(self) -> _Desks:
        with self._opening:
            if self._desks is None:
                self._desks = _Desks(ProjectionDesk(self._settings), ConsentDesk(self._settings))
            return self._desks

    def _read(self, desks: _Desks) -> KnownItems | None:
        self._known, self._read_at_s = known_items(desks.items, self._settings), self._monotonic()
        return self._known

    def _read_first(self) -> None:
        try:
            self._read(self._open())
        except StorageError as error:
            _LOG.info("counts of items are read when somebody asks for recommendations: %s", error)
        finally:
            self._reading.release()

    def _read_again(self, desks: _Desks) -> None:
        try:
            self._read(desks)
        except StorageError as error:
            self._read_at_s = self._monotonic()
            _LOG.warning("recommendations go on with former counts of items: %s", error)
        finally:
            self._reading.release()
