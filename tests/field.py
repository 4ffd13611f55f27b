"""The whole program on embedded servers: topics, worker processes, and what they leave in Redis."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import msgspec
import redis
from confluent_kafka import Producer

from stream.catalogue.events import KERNEL_TYPES
from stream.events.kinds import EventType
from stream.events.partitioner import partition_of
from stream.local.broker import EmbeddedBroker
from stream.local.durable_broker import DurableBroker
from stream.local.redis import EmbeddedRedis
from stream.processing.state import PartitionState
from stream.settings import Settings
from stream.storage.keys import Keys
from tests.agents.topics import create
from tests.oracle.record import LogEntry, Record, record_of, type_of

__all__ = ["Deployment", "Sent"]

ROOT = Path(__file__).parents[1]
#: If no count changes for so long, none will.
STALLED_AFTER_S = 45.0


@dataclass(frozen=True, slots=True)
class Sent:
    """A record as it was produced."""

    topic: str
    partition: int
    record: Record


class Deployment:
    """A namespace, a group and topics of their own; workers end with `close`."""

    def __init__(
        self,
        broker: EmbeddedBroker | DurableBroker,
        server: EmbeddedRedis,
        directory: Path,
        prefix: str,
        **overrides: Any,
    ) -> None:
        self.settings = Settings(
            kafka_bootstrap=broker.bootstrap,
            redis_url=server.url,
            topic_prefix=prefix,
            group=f"{prefix}group",
            namespace=prefix.rstrip("."),
            metrics_port=-1,
            **{
                "clock": "event",
                "rescore": "asked",
                "session_timeout_s": 6.0,
                "heartbeat_s": 1.0,
                "partitions": 4,
                "min_labels": 10**9,
                **overrides,
            },
        )
        self.keys = Keys(self.settings.namespace)
        self.client = redis.Redis.from_url(server.url)
        self._topic_of = dict(zip(KERNEL_TYPES, self.settings.event_topics, strict=True))
        self._directory = directory
        self._ends: dict[tuple[str, int], int] = {}
        self._workers: list[subprocess.Popen[bytes]] = []
        create(broker.bootstrap, self.settings.topics.items())

    def place(self, entry: LogEntry) -> Sent:
        """Where a record belongs: with the other records of its key."""
        owner, item = entry
        record = item if isinstance(item, Record) else record_of(owner, item)
        event_type = EventType(owner) if isinstance(item, Record) else type_of(item)
        partition = 0 if record.key is None else partition_of(record.key.decode(), self.settings.partitions)
        return Sent(self._topic_of[event_type], partition, record)

    def produce(self, entries: Iterable[LogEntry], per_second: float = float("inf")) -> list[Sent]:
        """Produce in order, at most so fast; return the records with the offsets that they got."""
        producer = Producer({"bootstrap.servers": self.settings.kafka_bootstrap, "linger.ms": 5})
        produced = []
        began = time.monotonic()
        for number, entry in enumerate(entries):
            sent = self.place(entry)
            offset = self._ends.get((sent.topic, sent.partition), 0)
            self._ends[sent.topic, sent.partition] = offset + 1
            record = sent.record._replace(offset=offset)
            produced.append(Sent(sent.topic, sent.partition, record))
            producer.produce(sent.topic, record.value, record.key, sent.partition)
            ahead_s = number / per_second - (time.monotonic() - began)
            if ahead_s > 0.02:
                producer.poll(ahead_s)
        assert producer.flush(20) == 0
        return produced

    def start_worker(self) -> subprocess.Popen[bytes]:
        """Start `stream worker`."""
        own = {name: value for name, value in os.environ.items() if not name.startswith("STREAM_")}
        with self._log(len(self._workers)).open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "stream", "worker"],
                cwd=ROOT,
                env={**own, **self.settings.to_env()},
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self._workers.append(process)
        return process

    def states(self) -> dict[int, PartitionState]:
        """The stored state of each partition that has one."""
        pipeline = self.client.pipeline(transaction=True)
        for partition in range(self.settings.partitions):
            pipeline.hget(self.keys.meta(partition), "state")
        stored = pipeline.execute()
        return {p: msgspec.json.decode(s, type=PartitionState) for p, s in enumerate(stored) if s is not None}

    def total(self) -> dict[str, int]:
        """The counters of all partitions, added up."""
        sums: dict[str, int] = {}
        for state in self.states().values():
            for name, count in msgspec.structs.asdict(state.counters).items():
                sums[name] = sums.get(name, 0) + count
        return sums

    def wait(self, condition: Callable[[Mapping[str, int]], bool], what: str) -> None:
        """Wait until the totals meet the condition; fail when they have not changed for a while."""
        seen: dict[str, int] = {}
        changed_at = time.monotonic()
        while not condition(total := self.total()):
            if total != seen:
                seen, changed_at = total, time.monotonic()
            if time.monotonic() - changed_at > STALLED_AFTER_S:
                raise AssertionError(f"no progress towards: {what}; totals {total}\n{self.logs()}")
            time.sleep(0.02)

    def wait_until_done(self, records: int) -> None:
        """Wait until so many records are counted and everything that follows from them is published."""
        self.wait(lambda total: total.get("events_in", 0) >= records, f"{records} records counted")
        partitions = range(self.settings.partitions)
        self.wait(
            lambda _: not any(self.client.llen(self.keys.outbox(p)) for p in partitions), "everything is published"
        )

    def documents(self) -> dict[str, bytes]:
        """The stored documents by customer."""
        keys = list(self.client.scan_iter(self.keys.customer_pattern(), count=1000))
        values = cast("list[bytes]", self.client.mget(keys) if keys else [])
        return {key.decode().partition(":customer:")[2]: value for key, value in zip(keys, values, strict=True)}

    def kill(self, process: subprocess.Popen[bytes]) -> None:
        """End it at once (SIGKILL)."""
        process.kill()
        process.wait(10)

    def stop(self) -> list[int]:
        """SIGTERM to the workers that run; their exit statuses."""
        running = [process for process in self._workers if process.poll() is None]
        for process in running:
            process.send_signal(signal.SIGTERM)
        return [process.wait(30) for process in running]

    def close(self) -> None:
        """Leave nothing behind but keys and topics."""
        for process in self._workers:
            if process.poll() is None:
                self.kill(process)
        self.client.close()

    def logs(self) -> str:
        """The ends of the workers' logs."""
        return "\n".join(self._log(n).read_text(errors="replace")[-3000:] for n in range(len(self._workers)))

    def _log(self, number: int) -> Path:
        return self._directory / f"worker-{number}.log"
