"""The brokers that trials run on: one real Kafka for all trials that leave it whole, others of their own."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from stream.local.broker import EmbeddedBroker
from stream.local.durable_broker import DurableBroker
from tests.faults.scenario import Fault
from tests.kafka.cluster import KafkaCluster

__all__ = ["Broker", "Brokers", "broker_name"]


def broker_name(kind: str, fault: Fault) -> str:
    """What the table calls the broker of this kind on which the fault is tried."""
    return kind if kind in {"embedded", "durable"} else f"{kind} x{fault.brokers}"


@dataclass(frozen=True)
class Broker:
    """``name``: as in the table. ``kafka``, ``durable``: what may be killed and restarted, None on other brokers."""

    name: str
    bootstrap: str
    kafka: KafkaCluster | None
    durable: DurableBroker | None = None


class Brokers:
    """``with Brokers() as brokers: with brokers.of("kafka", fault, directory) as broker: ...``, in one thread."""

    def __init__(self) -> None:
        self._scratch = tempfile.TemporaryDirectory(prefix="faults-kafka-")
        self._shared: KafkaCluster | None = None
        self._started = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._let_go()
        self._scratch.cleanup()

    @contextmanager
    def of(self, kind: str, fault: Fault, directory: Path) -> Iterator[Broker]:
        """A broker of ``kind``, or of the one that the fault needs. One that saw an exception is not used again."""
        if not fault.runs_on(kind):
            raise AssertionError(f"{fault.name} cannot be tried on {kind}: {fault.needs_kafka or fault.needs_durable}")
        if kind == "embedded":
            with EmbeddedBroker(directory / "broker") as embedded:
                yield Broker(broker_name(kind, fault), embedded.bootstrap, None)
        elif kind == "durable":
            with DurableBroker(directory / "broker") as durable:
                yield Broker(broker_name(kind, fault), durable.bootstrap, None, durable)
        elif fault.own_broker:
            with KafkaCluster(directory / "kafka", fault.brokers) as cluster:
                yield Broker(broker_name(kind, fault), cluster.bootstrap, cluster)
        else:
            try:
                shared = self._whole()
                yield Broker(broker_name(kind, fault), shared.bootstrap, shared)
            except BaseException:
                self._let_go()
                raise

    def _whole(self) -> KafkaCluster:
        if self._shared is None:
            self._started += 1
            self._shared = KafkaCluster(Path(self._scratch.name) / str(self._started)).start()
        return self._shared

    def _let_go(self) -> None:
        if self._shared is not None:
            self._shared.stop()
            self._shared = None
