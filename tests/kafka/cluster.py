"""Apache Kafka as a referee for tests: real brokers in KRaft mode on the loopback interface."""

import base64
import time
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from stream.errors import LocalServerError
from stream.local.server_process import HOST, free_port
from tests.kafka.jars import resolved_jars
from tests.kafka.node import QUIET, Node, broker_properties, listener_properties

__all__ = ["KafkaCluster"]

CLUSTER_TIMEOUT_S = 90.0
POLL_INTERVAL_S = 0.1
START_ATTEMPTS = 3


class KafkaCluster:
    """``with KafkaCluster(directory, brokers=3) as kafka: ... kafka.bootstrap``; nodes are numbered from 1.

    Storage stays in ``directory`` across `kill`, `stop_node` and `restart`, ports stay the same. ``overrides`` are
    broker properties over the ones made for quick tests. The processes die with the one that started them.

    ``secured`` are security protocols for which the first broker listens as well, see `secured`; what each needs is in
    the ``overrides``, prefixed ``listener.name.PROTOCOL.`` in lower case.
    """

    def __init__(
        self,
        directory: Path,
        brokers: int = 1,
        overrides: Mapping[str, str] | None = None,
        secured: Sequence[str] = (),
    ) -> None:
        self.directory = Path(directory).resolve()
        self._jars = resolved_jars()
        self._numbers = range(1, brokers + 1)
        self._overrides = dict(overrides or {})
        self._protocols = tuple(secured)
        # like Kafka's ids, but never with a leading dash, which Kafka's tool takes for an option
        self._cluster_id = base64.urlsafe_b64encode(b"\0" + uuid.uuid4().bytes[1:]).rstrip(b"=").decode()
        self._formatted = False
        self._choose_ports()

    def _choose_ports(self) -> None:
        """Lay the nodes out on ports that are free now; what they have stored stays where it is."""
        numbers, brokers = self._numbers, len(self._numbers)
        ports = {number: (free_port(), free_port()) for number in numbers}
        voters = ",".join(f"{number}@{HOST}:{ports[number][1]}" for number in numbers)
        self._secured = {protocol: free_port() for protocol in self._protocols}
        self._nodes = {
            number: Node(
                self.directory / f"node-{number}",
                number,
                {
                    **broker_properties(self.directory, number, ports[number], voters, brokers),
                    **(listener_properties(ports[number], self._secured) if number == 1 else {}),
                    **self._overrides,
                },
                self._jars,
                ports[number][0],
            )
            for number in numbers
        }

    @property
    def bootstrap(self) -> str:
        """The addresses for clients, ``127.0.0.1:PORT,...``."""
        return ",".join(f"{HOST}:{node.port}" for node in self._nodes.values())

    def secured(self, protocol: str) -> str:
        """The address of the listener with this security protocol."""
        return f"localhost:{self._secured[protocol]}"

    @property
    def nodes(self) -> tuple[int, ...]:
        return tuple(self._nodes)

    @property
    def pids(self) -> tuple[int, ...]:
        """The process ids of the nodes, in their order."""
        return tuple(node.pid for node in self._nodes.values())

    def start(self) -> Self:
        """Start all nodes and wait until they know each other.

        Between the choice of a port and the moment at which a virtual machine binds it, seconds pass, and someone else
        may take it. So a node that ends while it starts is tried on other ports.
        """
        if not self._formatted:
            for node in self._nodes.values():
                node.format(self._cluster_id)
            self._formatted = True
        for attempt in range(1, START_ATTEMPTS + 1):
            try:
                for node in self._nodes.values():
                    node.begin()
                self.wait_until_whole()
            except BaseException as error:
                ended = [node for node in self._nodes.values() if not node.running]
                self.stop()
                if not (isinstance(error, LocalServerError) and ended) or attempt == START_ATTEMPTS:
                    raise
                self._choose_ports()
            else:
                break
        return self

    def stop(self) -> None:
        """End every node at once; a test cluster needs no controlled shutdown."""
        for node in self._nodes.values():
            node.kill()

    def kill(self, node: int) -> None:
        """End one node as a crash would."""
        self._nodes[node].kill()

    def stop_node(self, node: int) -> None:
        """End one node in good order: it hands its partitions over."""
        self._nodes[node].stop()

    def restart(self, node: int) -> None:
        """Start a node that has ended, on its port; returns when it is a member of its cluster again."""
        for attempt in range(1, START_ATTEMPTS + 1):
            try:
                self._nodes[node].start()
            except LocalServerError:
                if attempt == START_ATTEMPTS:
                    raise
            else:
                break

    def leaders(self, topics: Sequence[str]) -> dict[tuple[str, int], int]:
        """The node that leads each partition of these topics that has a leader. Raises `KafkaException`."""
        found = AdminClient({"bootstrap.servers": self.bootstrap, "log_level": 0}, logger=QUIET).list_topics(
            timeout=5.0
        )
        return {
            (topic, partition): of.leader
            for topic in topics
            if topic in found.topics
            for partition, of in found.topics[topic].partitions.items()
            if of.leader in self._nodes
        }

    def log_tail(self, node: int = 1) -> str:
        return self._nodes[node].log_tail()

    def wait_until_whole(self, timeout_s: float = CLUSTER_TIMEOUT_S) -> None:
        """Wait until each running node lists all running nodes as brokers; `LocalServerError` as soon as one ends."""
        deadline = time.monotonic() + timeout_s
        running = {number for number, node in self._nodes.items() if node.began}
        while True:
            if ended := [number for number in running if not self._nodes[number].running]:
                tails = "\n".join(self.log_tail(number) for number in ended)
                raise LocalServerError(f"brokers {ended} ended while the cluster was being waited for; {tails}")
            seen = {number: self._brokers_seen_by(number) for number in running}
            if all(brokers >= running for brokers in seen.values()):
                return
            if time.monotonic() > deadline:
                tails = "\n".join(self.log_tail(number) for number in running)
                raise LocalServerError(f"expected brokers {running} in {timeout_s:g} s, each sees {seen}; {tails}")
            time.sleep(POLL_INTERVAL_S)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _brokers_seen_by(self, number: int) -> set[int]:
        admin = AdminClient({"bootstrap.servers": f"{HOST}:{self._nodes[number].port}", "log_level": 0}, logger=QUIET)
        try:
            return set(admin.list_topics(timeout=1.0).brokers)
        except KafkaException:
            return set()
