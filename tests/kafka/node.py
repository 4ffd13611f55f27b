"""One broker of Apache Kafka in KRaft mode, and the properties that it begins with."""

import logging
import subprocess
from collections.abc import Mapping
from pathlib import Path

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from stream.errors import LocalServerError
from stream.local.leash import leashed
from stream.local.server_process import HOST, LocalServer
from tests.kafka.jars import java

__all__ = ["QUIET", "Node", "broker_properties", "listener_properties"]

FORMAT_TIMEOUT_S = 60.0
# While a broker starts, librdkafka reports every refused connection; readiness is what we are polling for.
QUIET = logging.getLogger("tests.kafka.readiness")
QUIET.propagate = False
QUIET.addHandler(logging.NullHandler())

_LOG4J = """\
rootLogger.level = info
rootLogger.appenderRef.out.ref = out
appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %d %p %m (%c{1})%n%throwable{5}
"""


class Node(LocalServer):
    """One broker that is a controller as well."""

    #: After a crash it reads every partition again, which takes its time on a machine with two busy cores.
    ready_timeout_s = 90.0

    def __init__(self, directory: Path, node_id: int, properties: Mapping[str, str], jars: Path, port: int) -> None:
        super().__init__(directory, port)
        self.name = f"kafka-{node_id}"
        self.node_id = node_id
        self._properties = directory / "server.properties"
        self._jars = jars
        directory.mkdir(parents=True, exist_ok=True)
        lines = "".join(f"{name}={value}\n" for name, value in properties.items())
        self._properties.write_text(lines, encoding="utf-8")
        (directory / "log4j2.properties").write_text(_LOG4J, encoding="utf-8")

    @property
    def began(self) -> bool:
        """Whether it was started and neither killed nor stopped since; it may still have ended by itself."""
        return self._process is not None

    def begin(self) -> None:
        """Start without waiting: a quorum of controllers is ready only when most of them run."""
        self._spawn()

    def command(self) -> list[str]:
        return [*self._java(), "kafka.Kafka", str(self._properties)]

    def format(self, cluster_id: str) -> None:
        """Make the storage of a new node."""
        command = [*self._java(), "kafka.tools.StorageTool", "format"]
        outcome = subprocess.run(
            leashed([*command, "--cluster-id", cluster_id, "--config", str(self._properties)]),
            capture_output=True,
            text=True,
            timeout=FORMAT_TIMEOUT_S,
            check=False,
        )
        if outcome.returncode != 0:
            raise LocalServerError(f"the storage of {self.name} cannot be formatted: {outcome.stdout}{outcome.stderr}")

    def answers(self, timeout_s: float) -> bool:
        """Whether the broker itself is a registered member of its cluster."""
        admin = AdminClient(
            {"bootstrap.servers": f"{HOST}:{self.port}", "reconnect.backoff.max.ms": 200, "log_level": 0},
            logger=QUIET,
        )
        try:
            metadata = admin.list_topics(timeout=timeout_s)
        except KafkaException:
            return False
        return self.node_id in metadata.brokers

    def _java(self) -> list[str]:
        return [
            java(),
            *("-Xmx400m", "-Xms128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"),
            f"-Dlog4j2.configurationFile={self.directory / 'log4j2.properties'}",
            *("-cp", f"{self._jars}/*"),
        ]


def listener_properties(ports: tuple[int, int], secured: Mapping[str, int]) -> dict[str, str]:
    """Properties of a broker that listens to clients by these security protocols as well."""
    client, controller = ports
    named = {"PLAINTEXT": f"{HOST}:{client}", **{name: f"localhost:{port}" for name, port in secured.items()}}
    listeners = [f"{name}://{address}" for name, address in named.items()]
    return {
        "listeners": ",".join([*listeners, f"CONTROLLER://{HOST}:{controller}"]),
        "advertised.listeners": ",".join(listeners),
        "listener.security.protocol.map": ",".join([*(f"{name}:{name}" for name in named), "CONTROLLER:PLAINTEXT"]),
    }


def broker_properties(
    directory: Path, number: int, ports: tuple[int, int], voters: str, brokers: int
) -> dict[str, str]:
    """Properties for quick tests; ``ports`` are those for clients and for controllers."""
    client, controller = ports
    replicas = str(min(brokers, 3))
    return {
        "process.roles": "broker,controller",
        "node.id": str(number),
        "controller.quorum.voters": voters,
        "listeners": f"PLAINTEXT://{HOST}:{client},CONTROLLER://{HOST}:{controller}",
        "advertised.listeners": f"PLAINTEXT://{HOST}:{client}",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "controller.listener.names": "CONTROLLER",
        "log.dirs": str(directory / f"node-{number}" / "log"),
        "auto.create.topics.enable": "false",
        "offsets.topic.num.partitions": "4",
        "offsets.topic.replication.factor": replicas,
        "transaction.state.log.num.partitions": "4",
        "transaction.state.log.replication.factor": replicas,
        "transaction.state.log.min.isr": "1",
        "share.coordinator.state.topic.replication.factor": replicas,
        "share.coordinator.state.topic.min.isr": "1",
        # a broker that died is noticed within seconds, a group begins at once, sessions may be short
        "broker.heartbeat.interval.ms": "500",
        "broker.session.timeout.ms": "3000",
        "group.initial.rebalance.delay.ms": "0",
        "group.min.session.timeout.ms": "1000",
        "num.network.threads": "2",
        "num.io.threads": "4",
        "num.recovery.threads.per.data.dir": "4",
        "log.segment.delete.delay.ms": "1000",
    }
