"""One run: a log in Kafka, a Redis, workers, and what is checked afterwards."""

import contextlib
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self

import msgspec
import redis
import redis.cluster

from stream.cli.topics import create_topics
from stream.processing.rules import rules_of
from stream.projections.all_projections import projections_of
from stream.settings import Settings
from stream.storage.keys import Keys
from stream.storage.model_store import digests
from tests.faults import frozen_model
from tests.faults.delay_line import DelayLine
from tests.faults.event_log import EventLog
from tests.faults.expectation import Expectation, expected
from tests.faults.feedback_log import made_feedback
from tests.faults.limited_redis import LimitedRedis
from tests.faults.login_log import arrivals_for
from tests.faults.processes import WorkerProcess
from tests.faults.redis_cluster import RedisCluster
from tests.faults.stored import Stored
from tests.faults.topics import Topics
from tests.faults.waiting import TooLateError, wait
from tests.faults.worker import Plan

__all__ = ["Bench"]

SETTLE_TIMEOUT_S = 120.0


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
        #: Replaces that one when it was asked for.
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
            #: The other inputs of projections, if there are any.
            self.feedback = made_feedback(self.log.seed, self.log.partitions) if self.settings.projections else None
            self.arrivals = arrivals_for(self.settings, self.log.seed)
            self.topics = Topics(self.settings, self.log)
            self._stack.callback(self.topics.close)
            self._look_through(self._connected())
            self.expectation = self._expectation or expected(self.log, rules_of(self.settings))
            create_topics(self.settings)
            self.topics.produce()
            if self.feedback is not None:
                self.feedback.produce(self.settings)
            if self.arrivals is not None:
                self.arrivals.produce(self.settings)
            if self.settings.freeze_model:
                self.client.set(self.keys.snapshot(), frozen_model.encoded())
            for number in range(self._initial_workers):
                self.start(f"w{number}")
        except BaseException:
            self._stack.close()
            self._server.kill()
            raise
        return self

    def _look_through(self, client: Any) -> None:
        self.client = client
        self.stored = Stored(client, self.settings, self.log.partitions)

    def connect_as(self, user: str) -> None:
        """Use Redis as another user from now on, so that the harness keeps the rights that workers lose."""
        self.client.close()
        self._look_through(self._connected(username=user, password=""))

    def _connected(self, **login: str) -> Any:
        limits: dict[str, Any] = {"socket_timeout": 2.0, "socket_connect_timeout": 2.0, **login}
        if self.cluster is not None:
            return redis.cluster.RedisCluster.from_url(self.cluster.url, **limits)
        return redis.Redis.from_url(self.redis.url, retry=None, **limits)

    def __exit__(self, *exc: object) -> None:
        for worker in self.workers.values():
            worker.kill()
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
        return self.worker_in(self.stored.token(partition))

    @staticmethod
    def worker_in(token: str) -> str:
        """The worker's name in a token ``epoch:worker-nonce:sequence``."""
        return token.split(":")[1].partition("-")[0] if token.count(":") == 2 else ""

    def unexpected_ends(self) -> list[str]:
        """The unexpected ends of processes, replaced ones included."""
        return [end for worker in (*self.ended, *self.workers.values()) if (end := worker.unexpected_end) is not None]

    def check_workers(self) -> None:
        """No worker has ended on its own."""
        if ends := self.unexpected_ends():
            raise AssertionError("\n".join(ends))

    # -- progress

    def progress(self) -> float:
        """Share of the log that is stored."""
        return sum(state.counters.events_in for state in self.stored.states().values()) / self.log.size

    def wait(self, what: str, condition: Callable[[], bool], timeout_s: float = SETTLE_TIMEOUT_S) -> float:
        """Wait until ``condition`` holds; return how long it took. A server that is away is waited for."""
        return wait(what, condition, timeout_s, tell=self._ends_of_logs)

    def _ends_of_logs(self) -> str:
        return "\n".join(f"--- {w.name}\n{w.log[-1500:]}" for w in self.workers.values())

    def wait_for_progress(self, share: float) -> None:
        """Wait until this share of the log is stored, as long as workers run."""

        def reached() -> bool:
            if not any(worker.running for worker in self.workers.values()):
                raise TooLateError(f"no worker runs before {share:.0%} of the log: {self.unexpected_ends()}")
            return self.progress() >= share

        self.wait(f"{share:.0%} of the log", reached)

    def moved_since(self, before: list[str], partitions: Iterator[int] | list[int]) -> bool:
        """Whether each of these partitions has been written to since its token was as in ``before``."""
        now = self.stored.tokens()
        unfinished = [p for p in partitions if not self.finished(p)]
        return all(now[p] != before[p] and not now[p].endswith(":0") for p in unfinished)

    def finished(self, partition: int) -> bool:
        """Whether every record of the partition is stored."""
        state = self.stored.states().get(partition)
        return state is not None and state.counters.events_in == self.expectation.counters[partition]["events_in"]

    def finished_all(self) -> bool:
        return all(map(self.finished, range(self.log.partitions)))

    def settle(self, timeout_s: float = SETTLE_TIMEOUT_S) -> None:
        """Wait until the log is processed, all is published, and all that is published is learned."""
        self.wait("all partitions at the ends of their logs", self.at_ends, timeout_s)
        self.wait_for_effects()
        self.wait("offsets committed", self._committed_all)
        self.wait("projections at the ends of the log", self.projected)

    def wait_for_effects(self) -> None:
        """Wait for the consequences of the stored events: timers, publishing, learning."""
        wanted = set(digests(self.expectation.published["training-examples"]))
        self.wait("all timers fired", self._timers_fired)
        self.wait("empty outboxes", self.published)
        end = self.topics.examples()
        with contextlib.suppress(TooLateError):  # missing results are reported as a violation
            # a trainer that finds itself superseded waits for a session timeout before it goes on
            patience_s = SETTLE_TIMEOUT_S + 3 * self.settings.session_timeout_s
            self.wait("all examples learned", lambda: self.stored.has_learned(wanted, end), patience_s)

    def at_ends(self) -> bool:
        """Whether every record of every log is stored, on whatever way."""
        states = self.stored.states()
        return len(states) == self.log.partitions and all(
            [state.offsets.get(topic, 0) for topic in self.settings.event_topics] == self.log.ends(partition)
            for partition, state in states.items()
        )

    def projected(self) -> bool:
        """Whether the present generation of every projection has the whole log in its states, and has told of it."""
        if self.feedback is None:
            return True
        partitions = range(self.log.partitions)
        kernel = enumerate(self.settings.event_topics)
        ends = {topic: [self.log.ends(partition)[source] for partition in partitions] for source, topic in kernel}
        ends |= self.feedback.ends(self.settings)
        read: dict[str, list[int]] = {}
        for projection in projections_of(self.settings):
            stored = self.stored.projection_offsets(projection.name, projection.version)
            # projections that publish for others come first, so their output is complete by then
            for topic in {source.topic for source in projection.inputs} - ends.keys():
                ends[topic] = read[topic] = self.topics.ends(topic)
            for topic in {source.topic for source in projection.inputs}:
                if [offsets.get(topic, 0) for offsets in stored] != ends[topic]:
                    return False
            if self.stored.projection_pending(projection.name, projection.version):
                return False
        # one may have published, meanwhile, what another reads
        return all(self.topics.ends(topic) == end for topic, end in read.items())

    def _timers_fired(self) -> bool:
        return all(
            self.stored.timers_due(p, before_ms=state.stream_time_ms) == 0 for p, state in self.stored.states().items()
        )

    def ask_for_rescoring(self) -> int:
        """Ask that all customers be scored again; return the number of the request."""
        return int(self.client.incr(self.keys.rescore()))

    def rescored(self, request: int) -> bool:
        """Whether every partition with an event has answered the request."""
        return all(
            state.rescored.asked >= request
            for state in self.stored.states().values()
            if state.stream_time_ms is not None
        )

    def published(self) -> bool:
        """Whether every outbox is empty."""
        return not any(self.stored.outboxes())

    def _committed_all(self) -> bool:
        committed = self.topics.committed(patience_s=0.0)
        return all(
            committed.get((topic, partition), -1) == end
            for partition in range(self.log.partitions)
            for topic, end in zip(self.settings.event_topics, self.log.ends(partition), strict=True)
            if end
        )
