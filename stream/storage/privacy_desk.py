"""Looking for what workers keep of a person in Redis, and how far they are with erasing it."""

from __future__ import annotations

import secrets
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Final, NamedTuple

from stream.errors import StorageError
from stream.events.partitioner import partition_of
from stream.online_models.customer_sample import CustomerSample
from stream.online_models.sampled_customers import sample_in
from stream.projections.subjects import subjects
from stream.settings import Settings
from stream.storage.connection import FAILURES, explained
from stream.storage.desk import LOOK_AT_ONCE, partition_states
from stream.storage.keys import Keys
from stream.storage.outbox_records import StoredDocument, decode_entries
from stream.storage.projection_desk import ProjectionDesk

__all__ = ["PrivacyDesk", "StoredProfile"]

_OUTBOX_AT_ONCE: Final = 5000
_LOCK_S: Final = 120
_POLL_S: Final = 0.2


class StoredProfile(NamedTuple):
    """What the core keeps of a customer: the document, and when a timer is due (ms)."""

    document: bytes | None
    due_ms: int | None


class PrivacyDesk(ProjectionDesk):
    """In the namespace of ``settings``; raises `StorageError` when Redis fails."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._core = Keys(settings.namespace)

    def profile(self, customer_id: str) -> StoredProfile:
        """What the core keeps of a customer."""
        partition = partition_of(customer_id, self._partitions)
        document, due_ms = self._pipelined(
            [
                ("GET", self._core.customer(partition, customer_id)),
                ("ZSCORE", self._core.timers(partition), customer_id),
            ]
        )
        return StoredProfile(document or None, None if due_ms is None else int(due_ms))

    def states_in(
        self, name: str, version: int, keys: Collection[str], kept_in: Collection[str] | None
    ) -> dict[str, bytes]:
        """The states of ``keys`` in the partitions of the record keys ``kept_in`` (None: in all), by their names."""
        of = self._keys_of(name, version)
        partitions = sorted(self._partitions_of(kept_in))
        names = [of.customer(partition, key) for partition in partitions for key in keys]
        found = zip(names, self._pipelined([("GET", one) for one in names]), strict=True)
        return {one: state for one, state in found if state}

    def unpublished_about(self, ids: Collection[str], projections: Sequence[tuple[str, int]]) -> int:
        """Records about ``ids`` in the outboxes of the core and of projections (name, version)."""
        ids_of = frozenset(ids)
        of = [self._core, *(self._keys_of(*one) for one in projections)]
        boxes = [keys.outbox(partition) for keys in of for partition in range(self._partitions)]
        lengths = self._pipelined([("LLEN", one) for one in boxes])
        filled = [box for box, length in zip(boxes, lengths, strict=True) if length]
        entries = (one for box in filled for entry in self._records(box) for one in decode_entries(entry))
        about = (subjects(one.key, None if isinstance(one, StoredDocument) else one.value) for one in entries)
        return sum(not ids_of.isdisjoint(of_entry) for of_entry in about)

    def sampled(self, ids: Collection[str]) -> list[dict[str, int | str]]:
        """What the trainer keeps of single customers among ``ids``: a row of its sample of order histories."""
        (checkpoint,) = self._pipelined([("HGET", self._core.checkpoint(), "learner")])
        sample = sample_in(checkpoint) if checkpoint else CustomerSample()
        found = ((one, sample.about(one)) for one in ids)
        return [{"customer_id": one, **row} for one, row in found if row is not None]

    def behind(self, offset: int, projections: Sequence[tuple[str, int]]) -> list[str]:
        """Who has not carried out the request at ``offset`` of the topic `privacy-requests` yet."""
        named: list[tuple[str, Keys]] = [("the core", self._core)]
        named += [(f"projection {name}", self._keys_of(name, version)) for name, version in projections]
        found = []
        try:
            for told, keys in named:
                states = partition_states(self._client, keys, range(self._partitions))
                if late := sorted(p for p, state in states.items() if state.erased_up_to <= offset):
                    found.append(f"{told} in partitions {late}")
        except FAILURES as error:
            raise StorageError(f"how far workers are cannot be read: {explained(error)}") from error
        return found

    def former(self, names: Collection[tuple[str, int]], ids: Collection[str], *, delete: bool) -> int:
        """States of ``ids`` in versions and generations of projections that no worker writes any more."""
        present = tuple(
            f":projection:{name}.{version}.{self._keys_of(name, version).generation}:".encode()
            for name, version in names
        )
        wanted = {one.encode() for one in ids}
        found = []
        try:
            pattern = f"{self._namespace}:{{*}}:projection:*:state:*"
            for key in self._client.scan_iter(match=pattern, count=LOOK_AT_ONCE):
                of_key = key.partition(b":state:")[2]
                named = {of_key, of_key.partition(b"/")[2], of_key.removeprefix(b"\x1f")}
                if named & wanted and not any(one in key for one in present):
                    found.append(key)
            for key in found if delete else ():
                self._client.unlink(key)
        except FAILURES as error:
            raise StorageError(f"former states of projections cannot be erased: {explained(error)}") from error
        return len(found)

    def rewrite_files(self, timeout_s: float) -> bool:
        """Have Redis write its files anew, which had what is deleted; False: this user may not, or it is not done."""
        try:
            before = self._client.info("persistence")
            if before.get("aof_enabled"):
                self._client.bgrewriteaof()
            if before.get("rdb_saves") or before.get("rdb_last_load_keys_loaded"):
                self._client.bgsave(schedule=True)
            deadline = time.monotonic() + timeout_s
            while time.monotonic() < deadline:
                now = self._client.info("persistence")
                running = ("aof_rewrite_in_progress", "aof_rewrite_scheduled", "rdb_bgsave_in_progress")
                if not any(now.get(one) for one in running):
                    return True
                time.sleep(_POLL_S)
        except FAILURES:
            # what is erased stays so; whoever asked says that the files may still have it
            return False
        return False

    @contextmanager
    def lock(self, timeout_s: float) -> Iterator[None]:
        """One process at a time writes receipts; one that died lets go after two minutes."""
        key, own = f"{self._namespace}:{{models}}:privacy-lock", secrets.token_hex(8)
        deadline = time.monotonic() + timeout_s
        try:
            while not self._client.set(key, own, nx=True, ex=_LOCK_S):
                if time.monotonic() > deadline:
                    raise StorageError("another process writes a receipt: try again in two minutes")
                time.sleep(_POLL_S)
            try:
                yield
            finally:
                if self._client.get(key) == own.encode():
                    self._client.expire(key, 0)
        except FAILURES as error:
            raise StorageError(f"the receipt cannot be written: {explained(error)}") from error

    def _records(self, box: str) -> Iterator[bytes]:
        start = 0
        while found := self._pipelined([("LRANGE", box, start, start + _OUTBOX_AT_ONCE - 1)])[0]:
            yield from found
            start += len(found)
