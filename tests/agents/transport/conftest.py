"""Topics with numbered records, and workers in processes of their own."""

import itertools
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from stream.local.broker import EmbeddedBroker
from stream.local.durable_broker import DurableBroker
from tests.kafka_clients import committed

WORKER = Path(__file__).with_name("worker.py")
ROOT = WORKER.parents[3]

Entry = dict[str, Any]


@dataclass
class Process:
    """A running worker."""

    process: subprocess.Popen[bytes]
    log_path: Path

    @property
    def log(self) -> str:
        return self.log_path.read_text(errors="replace")

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(10)

    def stop(self, timeout_s: float = 30) -> tuple[int, float]:
        """SIGTERM. Returns the exit status and how long it took, in seconds."""
        began_s = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        return self.wait(timeout_s), time.monotonic() - began_s

    def wait(self, timeout_s: float = 60) -> int:
        try:
            return self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.kill()
            pytest.fail(f"the worker did not end in {timeout_s} s:\n{self.log[-3000:]}")


class TransportGroup:
    """One group on one broker: topics, records, workers, and their journals."""

    def __init__(self, bootstrap: str, prefix: str, directory: Path) -> None:
        self.bootstrap = bootstrap
        self.prefix = prefix
        self.directory = directory
        self.workers: list[Process] = []

    def topic(self, name: str, partitions: int, records: int | Mapping[int, int] = 0) -> str:
        """Create a topic; every partition gets ``records`` records, each with its offset as value."""
        topic = f"{self.prefix}{name}"
        admin = AdminClient({"bootstrap.servers": self.bootstrap})
        for created in admin.create_topics([NewTopic(topic, partitions, 1)]).values():
            created.result(10)
        for partition in range(partitions):
            self.produce(topic, partition, records if isinstance(records, int) else records.get(partition, 0))
        return topic

    def produce(self, topic: str, partition: int, records: int, start: int = 0) -> None:
        producer = Producer({"bootstrap.servers": self.bootstrap, "linger.ms": 5})
        for offset in range(start, start + records):
            producer.produce(topic, str(offset).encode(), partition=partition)
            if offset % 10_000 == 0:
                producer.flush()
        assert producer.flush(10) == 0

    def start(self, name: str = "worker", *, env: Mapping[str, str] | None = None, **config: Any) -> Process:
        config = {"bootstrap": self.bootstrap, "group": f"{self.prefix}group", "name": name, **config}
        config["directory"] = str(self.directory)
        log_path = self.directory / f"{name}.{len(self.workers)}.log"
        with log_path.open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, str(WORKER), json.dumps(config)],
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, "PYTHONPATH": str(ROOT), **(env or {})},
            )
        worker = Process(process, log_path)
        self.workers.append(worker)
        return worker

    def store(self, topic: str, partition: int, offset: int) -> None:
        """Make the next worker restore this offset."""
        entry = {"event": "stored", "tp": [topic, partition], "next": offset}
        with (self.directory / "stored.jsonl").open("a") as journal:
            journal.write(json.dumps(entry) + "\n")

    def entries(self, event: str, worker: str = "*") -> list[Entry]:
        """The journal entries of one kind, by time. A line that is being written is not there yet."""
        texts = [path.read_text() for path in self.directory.glob(f"{worker}.jsonl")]
        lines = [line for text in texts for line in text[: text.rfind("\n") + 1].splitlines()]
        entries = [entry for entry in map(json.loads, lines) if entry["event"] == event]
        return sorted(entries, key=lambda entry: float(entry.get("at_s", 0)))

    def ranges(self, topic: str, partition: int) -> list[tuple[int, int]]:
        """The offset ranges of a partition's journaled batches, by time."""
        return [(entry["first"], entry["next"]) for entry in self.entries("batch") if entry["tp"] == [topic, partition]]

    def journaled(self) -> int:
        """The number of records in the journals; repeats count."""
        return sum(entry["next"] - entry["first"] for entry in self.entries("batch"))

    def until(self, condition: Callable[[], bool], what: str, timeout_s: float = 60) -> None:
        """Wait for the condition; fail with the end of the workers' logs when it does not come."""
        deadline = time.monotonic() + timeout_s
        while not condition():
            if time.monotonic() > deadline:
                logs = "\n".join(worker.log[-2_000:] for worker in self.workers)
                pytest.fail(f"did not happen in {timeout_s} s: {what}\n{logs}")
            time.sleep(0.05)

    def assert_covered_once(self, topic: str, partition: int, end: int) -> None:
        """Every record of the partition is in the journals exactly once, in order."""
        ranges = self.ranges(topic, partition)
        assert ranges[0][0] == 0
        assert ranges[-1][1] == end
        assert all(before[1] == after[0] for before, after in itertools.pairwise(ranges))
        assert all(entry["faithful"] for entry in self.entries("batch"))

    def committed(self, *tps: tuple[str, int]) -> list[int]:
        """The offsets committed to Kafka; -1001 where there is none."""
        return committed({"bootstrap.servers": self.bootstrap, "group.id": f"{self.prefix}group"}, tps)


@pytest.fixture
def kafka_field(broker: EmbeddedBroker, topic_prefix: str, tmp_path: Path) -> Iterator[TransportGroup]:
    with ended(TransportGroup(broker.bootstrap, topic_prefix, tmp_path)) as field:
        yield field


@pytest.fixture
def durable_field(topic_prefix: str, tmp_path: Path) -> Iterator[TransportGroup]:
    """As ``kafka_field``, on a broker that answers a held fetch with the first record, as Apache Kafka does."""
    with (
        DurableBroker(tmp_path / "broker") as broker,
        ended(TransportGroup(broker.bootstrap, topic_prefix, tmp_path)) as field,
    ):
        yield field


@contextmanager
def ended(field: TransportGroup) -> Iterator[TransportGroup]:
    """Whose workers are gone afterwards."""
    yield field
    for worker in field.workers:
        if worker.process.poll() is None:
            worker.kill()
