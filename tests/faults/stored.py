"""What a run has stored in Redis: partitions, customers, models and projections."""

from collections.abc import Collection, Mapping
from typing import Any

import msgspec

from stream.processing.state import PartitionState
from stream.settings import Settings
from stream.storage.keys import Keys, ProjectionKeys
from stream.storage.outbox_records import decode_entries

__all__ = ["Stored"]


class Stored:
    """Reads the keys of the namespace of ``settings``, for ``partitions`` partitions; writes nothing."""

    def __init__(self, client: Any, settings: Settings, partitions: int) -> None:
        self._client = client
        self._keys = Keys(settings.namespace)
        self._settings = settings
        self._partitions = range(partitions)

    # -- partitions

    def states(self) -> dict[int, PartitionState]:
        """The stored state of every partition that has one."""
        found = {}
        for partition in self._partitions:
            state = self._client.hget(self._keys.meta(partition), "state")
            if state:
                found[partition] = msgspec.json.decode(state, type=PartitionState)
        return found

    def claims(self) -> int:
        """How often partitions have been claimed, all together."""
        return sum(int(self._client.hget(self._keys.meta(p), "epoch") or 0) for p in self._partitions)

    def token(self, partition: int) -> str:
        """The token of a partition, ``epoch:worker-nonce:sequence``; "" if it has none."""
        return (self._client.hget(self._keys.meta(partition), "token") or b"").decode()

    def tokens(self) -> list[str]:
        """The token of each partition."""
        return [self.token(partition) for partition in self._partitions]

    def offsets(self) -> dict[tuple[str, int], int]:
        """Stored offset of each topic partition, also of the training topic."""
        stored = {
            (topic, partition): offset
            for partition, state in self.states().items()
            for topic, offset in state.offsets.items()
        }
        trained = self._client.hget(self._keys.checkpoint(), "offset")
        stored[self._settings.training_examples, 0] = int(trained or 0)
        return stored

    def outboxes(self) -> list[int]:
        """Records that wait in the outbox of each partition."""
        entries = (self._client.lrange(self._keys.outbox(partition), 0, -1) for partition in self._partitions)
        return [sum(len(decode_entries(entry)) for entry in of_partition) for of_partition in entries]

    # -- customers

    def timers(self) -> dict[str, int]:
        """When each customer is due, in ms; who has no timer is absent."""
        return {
            customer.decode(): int(due)
            for partition in self._partitions
            for customer, due in self._client.zrange(self._keys.timers(partition), 0, -1, withscores=True)
        }

    def timers_due(self, partition: int, before_ms: int | None) -> int:
        """How many customers of a partition are due before this time."""
        return int(self._client.zcount(self._keys.timers(partition), "-inf", f"({before_ms}"))

    def documents(self, skip: Collection[str] = ()) -> dict[str, bytes]:
        """Documents of all customers but those to ``skip``, whose keys may hold anything."""
        return self._of_customers("GET", skip)

    def expiring(self) -> set[str]:
        """Customers whose document has a time to live."""
        return {customer for customer, ttl_s in self._of_customers("TTL").items() if ttl_s >= 0}

    def _of_customers(self, command: str, skip: Collection[str] = ()) -> dict[str, Any]:
        found = self._client.scan_iter(self._keys.customer_pattern(), count=1000)
        keys = [key for key in found if key.decode().rpartition(":")[2] not in skip]
        with self._client.pipeline(transaction=False) as pipeline:  # a cluster gets from one slot at a time
            for key in keys:
                pipeline.execute_command(command, key)
            found = pipeline.execute()
        return {key.decode().rpartition(":")[2]: value for key, value in zip(keys, found, strict=True)}

    # -- models and projections

    def learned(self) -> set[bytes]:
        """Digests of the ids of the examples learned."""
        found: set[bytes] = set()
        for key in self._client.scan_iter(self._keys.learned_pattern(), count=1000):
            found |= self._client.smembers(key)
        return found

    def has_learned(self, wanted: Collection[bytes], end: int) -> bool:
        """Whether what is ``wanted`` is learned, or nothing before ``end`` is left to learn: then it will not be."""
        learned_up_to = int(self._client.hget(self._keys.checkpoint(), "offset") or 0)
        return learned_up_to >= end or self.learned().issuperset(wanted)

    def trainer_token(self) -> str:
        """The token of the worker that trains; "" before the first one."""
        return (self._client.hget(self._keys.checkpoint(), "token") or b"").decode()

    def projection_pending(self, name: str, version: int) -> int:
        """What the present generation of a projection has still to do: timers that are due, records to publish."""
        generation = int(self._client.get(self._keys.projection_generation(name, version)) or 0)
        keys = ProjectionKeys(self._settings.namespace, name, version, generation)
        pending = 0
        for partition in self._partitions:
            state = self._client.hget(keys.meta(partition), "state")
            now_ms = msgspec.json.decode(state, type=PartitionState).stream_time_ms if state else None
            if now_ms is not None:
                pending += self._client.zcount(keys.timers(partition), "-inf", f"({now_ms}")
            pending += self._client.llen(keys.outbox(partition))
        return pending

    def projection_offsets(self, name: str, version: int) -> list[Mapping[str, int]]:
        """The offsets of each partition of a projection's present generation."""
        generation = int(self._client.get(self._keys.projection_generation(name, version)) or 0)
        keys = ProjectionKeys(self._settings.namespace, name, version, generation)
        states = [self._client.hget(keys.meta(partition), "state") for partition in self._partitions]
        return [msgspec.json.decode(state, type=PartitionState).offsets if state else {} for state in states]
