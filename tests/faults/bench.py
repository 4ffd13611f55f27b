"""One run: a log in Kafka, a Redis, workers, and everything that is to be looked at afterwards."""

import contextlib
import time
import uuid
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Self

import msgspec
import redis
import redis.cluster
from confluent_kafka import Consumer, KafkaError, Producer, TopicPartition

from stream.cli.topics import create_topics
from stream.processing.rules import rules_of
from stream.processing.state import PartitionState
from stream.projections.registry import projections_of
from stream.settings import Settings
from stream.storage.keys import Keys, ProjectionKeys
from stream.storage.model_store import digests
from tests.faults import frozen_model
from tests.faults.away import is_away
from tests.faults.delay_line import DelayLine
from tests.faults.event_log import EventLog
from tests.faults.expectation import Expectation, expected
from tests.faults.limited_redis import LimitedRedis
from tests.faults.processes import WorkerProcess
from tests.faults.redis_cluster import RedisCluster
from tests.faults.worker import Plan
from tests.kafka.transient import patiently

__all__ = ["Bench", "TooLateError"]

POLL_S = 0.05
SETTLE_TIMEOUT_S = 120.0
#: How long a broker is asked again that does not answer.
PATIENCE_S = 20.0
TOPICS = ("alerts", "segment-changes", "dead-letters", "training-examples")


class TooLateError(AssertionError):
    """Something did not happen in time."""


class Bench:
    """Servers, topics, a produced log and workers; leave it with the ``with`` statement.

    The whole log is in Kafka before a worker starts: then the merged order of the inputs, and with it every
    alert, is a function of the log.
    """

    def __init__(
        self,
        directory: Path,
        bootstrap: str,
        log: EventLog,
        *,
        workers: int = 2,
        plan: Plan | None = None,
        appendfsync: str = "everysec",
        cluster: bool = False,
        delay_line: bool = False,
        expectation: Expectation | None = None,
        **settings: Any,
    ) -> None:
        self.directory = directory
        self.log = log
        self.redis = LimitedRedis(directory / "redis", appendfsync=appendfsync)
        #: Instead of that one, when it was asked for.
        self.cluster = RedisCluster(directory / "redis-cluster") if cluster else None
        self._server: LimitedRedis | RedisCluster = self.cluster or self.redis
        #: Between the workers and Redis, when it was asked for; the harness itself is not slowed down.
        self.line = DelayLine(self.redis.port) if delay_line else None
        gate = str(directory / "publishing-is-refused")
        self.plan = msgspec.structs.replace(plan or Plan(pace_ms=25.0), publish_gate=gate)
        self._initial_workers = workers
        self._bootstrap = bootstrap
        self._overrides = settings
        self._expectation = expectation
        self.workers: dict[str, WorkerProcess] = {}
        self.ended: list[WorkerProcess] = []
        self.client: Any = None
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Self:
        self._server.start()
        if self.line is not None:
            self._stack.enter_context(self.line)
        prefix = f"f{uuid.uuid4().hex[:8]}."
        chosen = {
            "kafka_bootstrap": self._bootstrap,
            "redis_url": (self.line or self._server).url,
            "redis_cluster": self.cluster is not None,
            "topic_prefix": prefix,
            "group": f"{prefix}group",
            "partitions": self.log.partitions,
            "clock": "event",
            "rescore": "asked",
            "freeze_model": True,
            "horizon_days": 28.0,
            "batch_max_records": 40,
            "align_wait_ms": 600_000,
            "session_timeout_s": 6.0,
            "heartbeat_s": 2.0,
            "metrics_port": -1,
            **self._overrides,
        }
        try:
            self.settings = Settings(**chosen)
            self.keys = Keys(self.settings.namespace)
            # of the group, but never a member of it: it only asks what is committed
            self._observer = Consumer(
                {"bootstrap.servers": self._bootstrap, "group.id": self.settings.group, "log_level": 0}
            )
            self.client = self._connected()
            self.expectation = self._expectation or expected(self.log, rules_of(self.settings))
            create_topics(self.settings)
            self._produce()
            if self.settings.freeze_model:
                self.client.set(self.keys.snapshot(), frozen_model.encoded())
            for number in range(self._initial_workers):
                self.start(f"w{number}")
        except BaseException:
            self._stack.close()
            self._server.kill()
            raise
        return self

    def _connected(self) -> Any:
        limits: dict[str, Any] = {"socket_timeout": 2.0, "socket_connect_timeout": 2.0}
        if self.cluster is not None:
            return redis.cluster.RedisCluster.from_url(self.cluster.url, **limits)
        return redis.Redis.from_url(self.redis.url, retry=None, **limits)

    def __exit__(self, *exc: object) -> None:
        for worker in self.workers.values():
            worker.kill()
        self._observer.close()
        if self.client is not None:
            self.client.close()
        self._stack.close()
        self._server.kill()

    # -- workers

    def start(self, name: str, plan: Plan | None = None) -> WorkerProcess:
        """Start a worker, in place of the one of this name if that has ended."""
        if (former := self.workers.get(name)) is not None:
            if former.running:
                raise AssertionError(f"{name} runs already")
            self.ended.append(former)
        number = sum(worker.name == name for worker in self.ended)
        environment = self.settings.to_env()
        log_path = self.directory / f"{name}-{number}.log"
        own = msgspec.structs.replace(plan or self.plan, stall_gate=str(self.stall_gate(name)))
        self.workers[name] = WorkerProcess.start(name, environment, own, log_path)
        return self.workers[name]

    def stall_gate(self, name: str) -> Path:
        """While this file exists, the worker stands still as its plan says."""
        return self.directory / f"{name}-stands-still"

    def owner_of(self, partition: int) -> str:
        """Name of the worker that claimed the partition last."""
        token = (self.client.hget(self.keys.meta(partition), "token") or b"").decode()
        return self.worker_in(token)

    @staticmethod
    def worker_in(token: str) -> str:
        """The worker's name in a token ``epoch:worker-nonce:sequence``."""
        return token.split(":")[1].partition("-")[0] if token.count(":") == 2 else ""

    def unexpected_ends(self) -> list[str]:
        """How processes ended that were not to, those that have been replaced among them."""
        return [end for worker in (*self.ended, *self.workers.values()) if (end := worker.unexpected_end) is not None]

    def check_workers(self) -> None:
        """No worker has ended on its own."""
        if ends := self.unexpected_ends():
            raise AssertionError("\n".join(ends))

    # -- what is stored

    def states(self) -> dict[int, PartitionState]:
        """The stored state of every partition that has one."""
        found = {}
        for partition in range(self.log.partitions):
            state = self.client.hget(self.keys.meta(partition), "state")
            if state:
                found[partition] = msgspec.json.decode(state, type=PartitionState)
        return found

    def claims(self) -> int:
        """How often partitions have been claimed, all together."""
        return sum(int(self.client.hget(self.keys.meta(p), "epoch") or 0) for p in range(self.log.partitions))

    def tokens(self) -> list[str]:
        return [(self.client.hget(self.keys.meta(p), "token") or b"").decode() for p in range(self.log.partitions)]

    def offsets(self) -> dict[tuple[str, int], int]:
        """Stored offset of each topic partition, also of the training topic."""
        stored = {
            (topic, partition): offset
            for partition, state in self.states().items()
            for topic, offset in state.offsets.items()
        }
        trained = self.client.hget(self.keys.checkpoint(), "offset")
        stored[self.settings.training_examples, 0] = int(trained or 0)
        return stored

    def learned(self) -> set[bytes]:
        """Digests of the ids of the examples learned."""
        found: set[bytes] = set()
        for key in self.client.scan_iter(self.keys.learned_pattern(), count=1000):
            found |= self.client.smembers(key)
        return found

    def timers(self) -> dict[str, int]:
        return {
            customer.decode(): int(due)
            for partition in range(self.log.partitions)
            for customer, due in self.client.zrange(self.keys.timers(partition), 0, -1, withscores=True)
        }

    def documents(self, skip: Collection[str] = ()) -> dict[str, bytes]:
        """Documents of all customers but those to ``skip``, whose keys may hold anything."""
        return self._of_customers("GET", skip)

    def expiring(self) -> set[str]:
        """Customers whose document has a time to live."""
        return {customer for customer, ttl_s in self._of_customers("TTL").items() if ttl_s >= 0}

    def _of_customers(self, command: str, skip: Collection[str] = ()) -> dict[str, Any]:
        found = self.client.scan_iter(self.keys.customer_pattern(), count=1000)
        keys = [key for key in found if key.decode().rpartition(":")[2] not in skip]
        with self.client.pipeline(transaction=False) as pipeline:  # a cluster gets from one slot at a time
            for key in keys:
                pipeline.execute_command(command, key)
            found = pipeline.execute()
        return {key.decode().rpartition(":")[2]: value for key, value in zip(keys, found, strict=True)}

    # -- progress

    def progress(self) -> float:
        """Share of the log that is stored."""
        return sum(state.counters.events_in for state in self.states().values()) / self.log.size

    def wait(self, what: str, condition: Callable[[], bool], timeout_s: float = 60.0) -> float:
        """Wait until ``condition`` holds; return how long it took. A server that is away is waited for."""
        began = time.monotonic()
        while True:
            try:
                if condition():
                    return time.monotonic() - began
            except Exception as error:
                if not is_away(error):
                    raise
            if time.monotonic() - began > timeout_s:
                tails = "\n".join(f"--- {w.name}\n{w.log[-1500:]}" for w in self.workers.values())
                raise TooLateError(f"not within {timeout_s:g} s: {what}\n{tails}")
            time.sleep(POLL_S)

    def wait_for_progress(self, share: float) -> None:
        """Wait until so much of the log is stored, as long as there are workers to store it."""

        def reached() -> bool:
            if not any(worker.running for worker in self.workers.values()):
                raise TooLateError(f"no worker runs before {share:.0%} of the log: {self.unexpected_ends()}")
            return self.progress() >= share

        self.wait(f"{share:.0%} of the log", reached)

    def moved_since(self, before: list[str], partitions: Iterator[int] | list[int]) -> bool:
        """Whether each of these partitions has been written to since its token was as in ``before``."""
        now = self.tokens()
        unfinished = [p for p in partitions if not self.finished(p)]
        return all(now[p] != before[p] and not now[p].endswith(":0") for p in unfinished)

    def finished(self, partition: int) -> bool:
        """Whether every record of the partition is stored."""
        state = self.states().get(partition)
        return state is not None and state.counters.events_in == self.expectation.counters[partition]["events_in"]

    def finished_all(self) -> bool:
        return all(map(self.finished, range(self.log.partitions)))

    def settle(self, timeout_s: float = SETTLE_TIMEOUT_S) -> None:
        """Wait until the log is processed, all is published, and all that is published is learned."""
        self.wait("all partitions at the ends of their logs", self.at_ends, timeout_s)
        self.wait_for_effects()
        self.wait("offsets committed", self._committed_all, 15.0)
        self.wait("projections at the ends of the log", self.projected, 60.0)

    def wait_for_effects(self) -> None:
        """Wait until what follows from the events that are stored has happened: timers, publishing, learning."""
        wanted = set(digests(self.expectation.published["training-examples"]))
        self.wait("all timers fired", self._timers_fired, 30.0)
        self.wait("empty outboxes", self.published, 30.0)
        with contextlib.suppress(TooLateError):  # what is missing is reported as a violation
            # a trainer that finds itself superseded waits for a session timeout before it goes on
            patience_s = 20.0 + 3 * self.settings.session_timeout_s
            self.wait("all examples learned", lambda: self.learned() >= wanted, patience_s)

    def at_ends(self) -> bool:
        """Whether every record of every log is stored, on whatever way."""
        states = self.states()
        return len(states) == self.log.partitions and all(
            [state.offsets.get(topic, 0) for topic in self.settings.event_topics] == self.log.ends(partition)
            for partition, state in states.items()
        )

    def projected(self) -> bool:
        """Whether the present generation of every projection has the whole log in its states."""
        for projection in projections_of(self.settings):
            name, version = projection.name, projection.version
            generation = int(self.client.get(self.keys.projection_generation(name, version)) or 0)
            keys = ProjectionKeys(self.settings.namespace, name, version, generation)
            for partition in range(self.log.partitions):
                stored = self.client.hget(keys.meta(partition), "state")
                offsets = msgspec.json.decode(stored, type=PartitionState).offsets if stored else {}
                if [offsets.get(topic, 0) for topic in self.settings.event_topics] != self.log.ends(partition):
                    return False
        return True

    def _timers_fired(self) -> bool:
        return all(
            self.client.zcount(self.keys.timers(p), "-inf", f"({state.stream_time_ms}") == 0
            for p, state in self.states().items()
        )

    def ask_for_rescoring(self) -> int:
        """Ask that all customers be scored again; return the number of the request."""
        return int(self.client.incr(self.keys.rescore()))

    def rescored(self, request: int) -> bool:
        """Whether every partition with an event has answered the request."""
        return all(
            state.rescored.asked >= request for state in self.states().values() if state.stream_time_ms is not None
        )

    def outboxes(self) -> list[int]:
        """Records that wait in the outbox of each partition."""
        return [self.client.llen(self.keys.outbox(partition)) for partition in range(self.log.partitions)]

    def published(self) -> bool:
        """Whether every outbox is empty."""
        return not any(self.outboxes())

    def _committed_all(self) -> bool:
        committed = self.committed(patience_s=0.0)
        return all(
            committed.get((topic, partition), -1) == end
            for partition in range(self.log.partitions)
            for topic, end in zip(self.settings.event_topics, self.log.ends(partition), strict=True)
            if end
        )

    # -- Kafka

    def _produce(self) -> None:
        producer = Producer(
            {
                "bootstrap.servers": self._bootstrap,
                "enable.idempotence": True,
                "linger.ms": 20,
                "message.max.bytes": 1_048_588,
                "log_level": 0,
            }
        )
        failures: list[KafkaError] = []

        def delivered(error: KafkaError | None, _message: object) -> None:
            if error is not None:
                failures.append(error)

        for topic, logs in zip(self.settings.event_topics, self.log.records, strict=True):
            for partition, records in enumerate(logs):
                for record in records:
                    producer.produce(topic, record.value, record.key, partition, on_delivery=delivered)
                    producer.poll(0)
        left = producer.flush(60.0)
        if left or failures:
            raise AssertionError(f"{left} records were not delivered, {failures[:3]} were refused")

    def committed(self, patience_s: float = PATIENCE_S) -> Mapping[tuple[str, int], int]:
        """Offsets committed to Kafka, without those partitions that have none.

        Raises `KafkaException` when there is no answer within ``patience_s``, which of 0 means: asked once.
        """
        wanted = [
            TopicPartition(topic, partition)
            for topic in self.settings.event_topics
            for partition in range(self.log.partitions)
        ]
        wanted.append(TopicPartition(self.settings.training_examples, 0))
        found = patiently(partial(self._observer.committed, wanted, timeout=5.0), patience_s)
        return {(tp.topic, tp.partition): tp.offset for tp in found if tp.offset >= 0}

    def output(self) -> int:
        """How many records there are in all output topics together."""
        ends = 0
        for topic in TOPICS:
            for partition in range(1 if topic == "training-examples" else self.log.partitions):
                wanted = TopicPartition(f"{self.settings.topic_prefix}{topic}", partition)
                ask = partial(self._observer.get_watermark_offsets, wanted, timeout=5.0)
                ends += patiently(ask, PATIENCE_S)[1]
        return ends

    def read(self, topic: str, timeout_s: float = 30.0) -> list[Any]:
        """All records of an output topic, partition by partition in offset order."""
        name = f"{self.settings.topic_prefix}{topic}"
        partitions = 1 if topic == "training-examples" else self.log.partitions
        consumer = Consumer(
            {
                "bootstrap.servers": self._bootstrap,
                "group.id": f"{self.settings.group}-reader",
                "enable.auto.commit": False,
                "enable.partition.eof": True,
                "auto.offset.reset": "earliest",
                "log_level": 0,
            }
        )
        try:
            consumer.assign([TopicPartition(name, partition, 0) for partition in range(partitions)])
            found: list[Any] = []
            ended: set[int] = set()
            deadline = time.monotonic() + timeout_s
            while len(ended) < partitions:
                message = consumer.poll(0.5)
                if time.monotonic() > deadline:
                    raise TooLateError(f"{name} could not be read to its end in {timeout_s:g} s")
                if message is None:
                    continue
                if (error := message.error()) is None:
                    found.append(message)
                elif error.code() == KafkaError._PARTITION_EOF:
                    ended.add(int(message.partition() or 0))
        finally:
            consumer.close()
        return found
