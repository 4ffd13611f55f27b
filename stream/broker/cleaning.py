"""Deleting what topics keep no longer: by age, or because a later record of the key took its place."""

import asyncio
import logging
import sqlite3
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from stream.broker.commits import Commits
from stream.broker.journal import Journal, Log, StoredTopic
from stream.broker.journal_reader import Reader
from stream.broker.record_batch import BatchError, kept_of, records_of

__all__ = ["Cleaner"]

_LOG = logging.getLogger(__name__)
#: How often is looked what can go (s).
_EVERY_S: Final = 30.0
#: Batches that are deleted or written anew in one transaction: producers wait for it.
_AT_ONCE: Final = 200
#: A partition of more bytes is compacted when half of it is new, or it was last compacted so long ago.
_SMALL_BYTES: Final = 4 * 1024 * 1024
_LONGEST_S: Final = 3600.0
#: A record without a value, which says that its key is gone, stays so long for readers that are away (ms).
_TOMBSTONE_MS: Final = 24 * 3600 * 1000


@dataclass(slots=True)
class _Compacted:
    """Up to which offset a partition was compacted, when (s, monotonic), and the bytes that it had then."""

    end: int
    at_s: float
    raw: int


class Cleaner:
    """Goes over the topics as long as `tend` runs. The newest batch of a partition always stays, as it holds its end.

    ``logs``: the partitions there are now. Use it within the event loop of ``commits``.
    """

    def __init__(
        self, path: Path, journal: Journal, commits: Commits, logs: Callable[[], Iterable[tuple[int, Log]]]
    ) -> None:
        self._path = path
        self._journal = journal
        self._commits = commits
        self._logs = logs
        self._compacted: dict[tuple[int, int], _Compacted] = {}
        self._thread = ThreadPoolExecutor(1, "cleaning")

    async def tend(self) -> None:
        """Clean now and then, until cancelled."""
        try:
            while True:
                await self.clean()
                await asyncio.sleep(_EVERY_S)
        finally:
            self._thread.shutdown(wait=False)

    async def clean(self) -> None:
        """Go over all partitions once."""
        changed = False
        for p, log in [*self._logs()]:
            try:
                policy = log.topic.config.get("cleanup.policy", "delete").split(",")
                if "delete" in policy:
                    changed |= await self._delete_old(log, p)
                if "compact" in policy:
                    changed |= await self._compact(log, p)
            except Exception:  # noqa: BLE001 - whatever it is, the log is served, and there is a next time
                _LOG.exception("%s-%d could not be cleaned", log.topic.name, p)
        if changed:
            try:
                await self._commits.between(self._journal.checkpoint)
            except sqlite3.Error as error:
                _LOG.warning("what was deleted is in the log's files until the next cleaning: %s", error)

    async def _delete_old(self, log: Log, p: int) -> bool:
        keep_ms = int(log.topic.config.get("retention.ms", "-1"))
        if keep_ms < 0:
            return False
        before = log.start
        while (start := await self._start_after(log.topic, p, _now_ms() - keep_ms)) > log.start:
            log.start = start
        return log.start > before

    async def _start_after(self, topic: StoredTopic, p: int, horizon_ms: int) -> int:
        return await self._commits.submit(lambda: self._journal.delete_before(topic, p, horizon_ms, _AT_ONCE))

    async def _compact(self, log: Log, p: int) -> bool:
        place = log.topic.id, p
        former = self._compacted.get(place)
        if former is not None and former.end == log.end:
            return False
        raw = await self._commits.between(lambda: self._journal.bytes_of(log.topic, p))
        if former is not None and raw > _SMALL_BYTES:
            is_due = raw > 2 * former.raw or time.monotonic() - former.at_s > _LONGEST_S
            if not is_due:
                return False
        end = log.end
        changes = await asyncio.get_running_loop().run_in_executor(self._thread, self._changes, log.topic, p, end)
        for first in range(0, len(changes), _AT_ONCE):
            some = changes[first : first + _AT_ONCE]
            await self._commits.submit(lambda some=some: self._journal.replace(log.topic, p, some))  # type: ignore[misc]
        left = raw if not changes else await self._commits.between(lambda: self._journal.bytes_of(log.topic, p))
        self._compacted[place] = _Compacted(end, time.monotonic(), left)
        return bool(changes)

    def _changes(self, topic: StoredTopic, p: int, end: int) -> list[tuple[int, bytes | None]]:
        """Base and new content of each batch that loses records; None: all of them. In a thread of its own."""
        reader = Reader(self._path)
        try:
            newest = {
                key: offset
                for _, _, body in reader.each(topic, p, end)
                for offset, key, _ in _records(topic, body)
                if key is not None
            }
            old_ms = _now_ms() - _TOMBSTONE_MS
            changes: list[tuple[int, bytes | None]] = []
            waiting: tuple[int, int, bytes] | None = None
            # one behind: the last batch stays as it is
            for batch in reader.each(topic, p, end):
                if waiting is not None:
                    base, time_ms, body = waiting
                    kept = _kept(body, newest, with_tombstones=time_ms > old_ms)
                    if kept is not body:
                        changes.append((base, kept))
                waiting = batch
            return changes
        finally:
            reader.close()


def _records(topic: StoredTopic, body: bytes) -> list[tuple[int, bytes | None, bytes | None]]:
    try:
        return records_of(body)
    except BatchError as error:
        _LOG.warning("a batch of %s stays as it is: %s", topic.name, error)
        return []


def _kept(body: bytes, newest: dict[bytes, int], *, with_tombstones: bool) -> bytes | None:
    def stays(offset: int, key: bytes | None, value: bytes | None) -> bool:
        return key is None or (newest.get(key) == offset and (value is not None or with_tombstones))

    try:
        return kept_of(body, stays)
    except BatchError:  # that was told when its keys were looked for
        return body


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
