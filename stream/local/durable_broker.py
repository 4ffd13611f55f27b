"""The broker of `stream.broker` as a server process: a Kafka for one machine that keeps its log."""

import logging
import sys

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from stream.local.server_process import HOST, LocalServer

__all__ = ["DurableBroker"]

# While a broker starts, librdkafka reports every refused connection; readiness is what we are polling for.
_QUIET = logging.getLogger("stream.local.durable_broker.readiness")
_QUIET.propagate = False
_QUIET.addHandler(logging.NullHandler())


class DurableBroker(LocalServer):
    """A broker that keeps topics, records and committed offsets in ``directory`` across `stop`, `kill` and a power cut.

    ``with DurableBroker(directory) as broker: ... broker.bootstrap``. See `LocalServer` for the life cycle.
    """

    name = "broker"

    @property
    def bootstrap(self) -> str:
        """The address for clients, ``127.0.0.1:PORT``."""
        return f"{HOST}:{self.port}"

    def command(self) -> list[str]:
        return [sys.executable, "-m", "stream.broker", str(self.directory.resolve()), self.bootstrap]

    def answers(self, timeout_s: float) -> bool:
        # this process listens there: a second one could not have bound the port and would have ended
        admin = AdminClient(
            {"bootstrap.servers": self.bootstrap, "reconnect.backoff.max.ms": 100, "log_level": 0},
            logger=_QUIET,
        )
        try:
            admin.list_topics(timeout=timeout_s)
        except KafkaException:
            return False
        return self.running
