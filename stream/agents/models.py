"""Keeping the scorer current: a poll of the snapshot key."""

from __future__ import annotations

import asyncio
import logging

from stream import metrics
from stream.errors import SnapshotError, StorageError
from stream.online_models.snapshot import decode_snapshot
from stream.processing.scorer import WARMING, Scorer
from stream.storage.model_store import ModelStore

__all__ = ["CurrentModel"]

_LOG = logging.getLogger(__name__)


class CurrentModel:
    """The newest verified snapshot as a scorer; a corrupt one is reported and the last good one stays."""

    def __init__(self, store: ModelStore, poll_s: float) -> None:
        self._store = store
        self._poll_s = poll_s
        self._seen: bytes | None = None
        self.scorer: Scorer = WARMING

    async def refresh(self) -> None:
        """Look once; load what is new."""
        try:
            encoded = await self._store.snapshot()
        except StorageError as error:
            _LOG.warning("scoring goes on with model version %d: %s", self.scorer.model.version, error)
            return
        if encoded is None or encoded == self._seen:
            return
        self._seen = encoded
        try:
            self.scorer = Scorer.of(decode_snapshot(encoded))
        except SnapshotError:
            _LOG.exception("the model snapshot is refused; version %d goes on scoring", self.scorer.model.version)
            return
        metrics.MODEL_VERSION.set(self.scorer.model.version)
        metrics.MODEL_READY.set(self.scorer.model.ready)

    async def run(self) -> None:
        """Refresh for ever."""
        while True:
            await self.refresh()
            await asyncio.sleep(self._poll_s)
