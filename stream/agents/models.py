"""Keeping the scorer current: a poll of the snapshot key."""

from __future__ import annotations

import asyncio
import logging
import time

from stream import metrics
from stream.errors import SnapshotError, StorageError
from stream.online_models.snapshot import ModelSnapshot, decode_snapshot
from stream.processing.scorer import WARMING, Scorer
from stream.storage.model_store import ModelStore

__all__ = ["CurrentModel"]

_LOG = logging.getLogger(__name__)

#: A look takes milliseconds; without an answer for so long Redis counts as away.
_SILENT_S = 5.0


class CurrentModel:
    """The newest verified snapshot as a scorer; a corrupt one is reported and the last good one stays.

    ``first`` scores while nothing has been published.
    """

    def __init__(self, store: ModelStore, poll_s: float, first: Scorer = WARMING) -> None:
        self._store = store
        self._first = first
        self.poll_s = poll_s
        self._seen: bytes | None = None
        self.scorer: Scorer = WARMING
        #: How often an operator has asked that all customers be scored again.
        self.asked = 0
        #: When Redis last told what it has, by the monotonic clock (s); None: never.
        self.looked_at_s: float | None = None
        #: Whether the snapshot that is stored now is refused.
        self.refused = False

    async def refresh(self) -> None:
        """Look once; load what is new."""
        try:
            encoded, self.asked = await self._store.present()
        except StorageError as error:
            _LOG.warning("scoring continues with model version %d: %s", self.scorer.model.version, error)
            return
        self.looked_at_s = time.monotonic()
        if encoded is None and self.scorer is WARMING:
            self.scorer = self._first
        if encoded is None or encoded == self._seen:
            return
        self._seen = encoded
        try:
            self.scorer = Scorer.of(decode_snapshot(encoded))
            self.refused = False
        except SnapshotError:
            self.refused = True
            _LOG.exception("the model snapshot is refused; version %d continues to score", self.scorer.model.version)
            return
        metrics.MODEL_VERSION.set(self.scorer.model.version)
        if self.scorer.snapshot is not None:
            metrics.MODEL_READY.set(self.scorer.snapshot.churn.ready)
            metrics.MODEL_CREATED.set(self.scorer.snapshot.created_at_ms / 1000)
            _show_segments(self.scorer.snapshot)

    def answered(self) -> bool:
        """Whether Redis has answered one of the last looks. Safe to call from another thread."""
        return self.looked_at_s is not None and time.monotonic() - self.looked_at_s < max(_SILENT_S, 3 * self.poll_s)

    async def run(self) -> None:
        """Refresh for ever."""
        while True:
            await self.refresh()
            await asyncio.sleep(self.poll_s)


def _show_segments(snapshot: ModelSnapshot) -> None:
    metrics.SEGMENT_SHARE.clear()  # a review may have renamed some
    for segment in snapshot.segments.segments if snapshot.segments is not None else ():
        metrics.SEGMENT_SHARE.labels(segment.name).set(segment.share)
