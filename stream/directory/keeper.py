"""The process that keeps the directory: read, fold, commit; from what is stored again after any failure."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from random import Random
from typing import Final

from stream import metrics
from stream.clock import Clock, SystemClock
from stream.directory.feed import Feed, FeedPart
from stream.directory.message_inputs import inputs_of
from stream.directory.store import NAME, DirectoryClaim, DirectoryStore, Step
from stream.errors import FencedError, StorageError
from stream.metrics.readiness import Tell
from stream.notifications.backoff import ServerBackoff
from stream.privacy.erasures import Erasures
from stream.projections.protocol import Input
from stream.projections.subjects import of_others
from stream.settings import Settings

__all__ = ["run"]

_LOG = logging.getLogger(__name__)

#: The more at once, the less often the purchases of one customer are read again.
_STEP_RECORDS: Final = 20_000
_FETCH_S: Final = 0.2
#: How often a process that has nothing to do looks whether it is still the one who writes, and what it lags.
_LOOK_S: Final = 1.0
#: How often it looks whether topics have more partitions.
_METADATA_S: Final = 60.0


def run(
    settings: Settings,
    store: DirectoryStore,
    stop: threading.Event,
    *,
    until_end: bool = False,
    clock: Clock | None = None,
    tell: Tell = lambda _reasons, _figures: None,
    erasures: Erasures | None = None,
) -> None:
    """Keep the directory until ``stop`` is set, or with ``until_end`` until all there is has been read.

    ``erasures``: who is erased; None: nobody.

    Servers that are away are waited for. Raises `TopologyError` for topics that are missing or may not be read, and
    `FencedError` when another process has taken over.
    """
    inputs = inputs_of(settings)
    with Feed(settings, inputs, clock or SystemClock()) as feed:
        keeper = _Keeper(store, feed, inputs, tell, erasures or Erasures())
        backoff = ServerBackoff(Random())  # noqa: S311 - jitter
        while not stop.is_set():
            try:
                if keeper.turn():
                    backoff.succeeded()
                    if until_end and feed.is_at_end:
                        return
                    continue
            except FencedError as error:
                if error.superseded:
                    raise
                # an operator rebuilds, or somebody is erased: what is stored by now is where to go on
                _LOG.info("%s", error)
                keeper.forget()
                continue
            except StorageError as error:
                _LOG.warning("%s", error)
            keeper.forget()
            tell(["the database or Kafka does not answer"], {})
            stop.wait(backoff.failed())


class _Keeper:
    """Turns of the process, and what it has claimed."""

    def __init__(
        self, store: DirectoryStore, feed: Feed, inputs: Mapping[str, Input], tell: Tell, erasures: Erasures
    ) -> None:
        self._store = store
        self._feed = feed
        self._inputs = inputs
        self._tell = tell
        self._erasures = erasures
        self._erased_up_to = 0
        self._claim: DirectoryClaim | None = None
        self._offsets: dict[tuple[str, int], int] = {}
        self._partitions: frozenset[tuple[str, int]] = frozenset()
        self._looked_s = self._asked_s = 0.0

    def forget(self) -> None:
        """Begin with what is stored at the next turn."""
        self._claim = None

    def turn(self) -> bool:
        """Read and fold what has come; False when no broker answers. Raises `StorageError`."""
        claim = self._claim or self._claimed()
        if claim is None:
            return False
        if self._erasures.position > self._erased_up_to:
            self._erase()
        parts = self._feed.fetch(_STEP_RECORDS, _FETCH_S)
        if parts:
            self._commit(claim, parts)
        now_s = time.monotonic()
        if now_s - self._looked_s >= _LOOK_S:
            self._looked_s = now_s
            if not parts:
                self._store.verify(claim)
            self._look(now_s)
        return True

    def _claimed(self) -> DirectoryClaim | None:
        partitions = self._feed.partitions()
        if partitions is None:
            return None
        self._claim = claim = self._store.claim()
        self._offsets = dict(claim.offsets)
        self._erased_up_to = self._store.erased_up_to()
        self._partitions, self._asked_s = partitions, time.monotonic()
        self._feed.start(partitions, claim.offsets)
        _LOG.info("%d partitions, generation %d of the directory", len(partitions), claim.generation)
        return claim

    def _erase(self) -> None:
        """Carry requests out that came since; where only hashes are left of them, all customers are compared."""
        up_to, wanted = self._erasures.position, self._erasures.wanted(self._erased_up_to)
        known = self._store.customer_ids() if wanted.pseudonyms else []
        self._store.erase(*wanted.ids, *self._erasures.among(known, wanted.pseudonyms), up_to=up_to)
        self._erased_up_to = up_to

    def _commit(self, claim: DirectoryClaim, parts: Sequence[FeedPart]) -> None:
        messages: list[object] = []
        skipped, erased_up_to = 0, self._erased_up_to
        with _timed("read"):
            for part in parts:
                records = of_others(part.records, self._erasures)
                reading = self._inputs[part.topic].read(records)
                messages += [message for _, message in reading.keyed]
                skipped += len(part.records) - len(reading.keyed)
                for rejection in reading.rejections:
                    record = records[rejection.record]
                    place = (part.topic, part.partition, record.offset)
                    _LOG.warning("record %s[%d]@%d is skipped: %s", *place, rejection.reason.value)
        offsets = {(part.topic, part.partition): part.next_offset for part in parts}
        with _timed("commit"):
            self._store.commit(claim, Step(messages, offsets, skipped, erased_up_to))
        self._offsets |= offsets
        metrics.PROJECTION_RECORDS.labels(NAME, "folded").inc(len(messages))
        metrics.PROJECTION_RECORDS.labels(NAME, "skipped").inc(skipped)

    def _look(self, now_s: float) -> None:
        lag = self._feed.lag(self._offsets)
        for topic, unread in lag.items():
            metrics.PROJECTION_LAG.labels(NAME, topic).set(unread)
        reasons = [] if self._feed.is_at_end else ["the directory has not caught up with the log yet"]
        self._tell(reasons, {"unread": sum(lag.values())})
        if now_s - self._asked_s >= _METADATA_S:
            self._asked_s = now_s
            if (self._feed.partitions() or self._partitions) != self._partitions:
                _LOG.info("topics have other partitions: reading restarts from the stored offsets")
                self.forget()


def _timed(phase: str) -> AbstractContextManager[object]:
    return metrics.PROJECTION_STEP.labels(NAME, phase).time()
