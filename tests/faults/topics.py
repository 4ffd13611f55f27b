"""The topics of a run: writing its log, reading what was published, asking what is committed."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from confluent_kafka import Consumer, KafkaError, Producer, TopicPartition

from stream.settings import Settings
from tests.faults.decision_log import produce_decisions
from tests.faults.event_log import EventLog
from tests.faults.waiting import Patience, TooLateError
from tests.kafka.transient import patiently

__all__ = ["Topics"]

#: How long a broker is asked again that does not answer.
PATIENCE_S = 60.0
#: A topic that gives nothing for so long although its end is not reached cannot be read.
SILENCE_S = 120.0
OUTPUTS = ("alerts", "segment-changes", "stages", "dead-letters", "training-examples")


class Topics:
    """The inputs and outputs of ``settings``; to be closed."""

    def __init__(self, settings: Settings, log: EventLog) -> None:
        self._settings = settings
        self._log = log
        # uses the group's id without joining, only to ask for committed offsets
        self._observer = Consumer(
            {"bootstrap.servers": settings.kafka_bootstrap, "group.id": settings.group, "log_level": 0}
        )

    def close(self) -> None:
        self._observer.close()

    def produce(self) -> None:
        """Write the whole log, and decisions about its customers where a projection reads them."""
        producer = Producer(
            {
                "bootstrap.servers": self._settings.kafka_bootstrap,
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

        for topic, logs in zip(self._settings.event_topics, self._log.records, strict=True):
            for partition, records in enumerate(logs):
                for record in records:
                    producer.produce(topic, record.value, record.key, partition, on_delivery=delivered)
                    producer.poll(0)
        left = producer.flush(60.0)
        if left or failures:
            raise AssertionError(f"{left} records were not delivered, {failures[:3]} were refused")
        produce_decisions(self._settings, self._log)

    def committed(self, patience_s: float = PATIENCE_S) -> Mapping[tuple[str, int], int]:
        """Offsets committed to Kafka, without those partitions that have none.

        Raises `KafkaException` when there is no answer within ``patience_s``, which of 0 means: asked once.
        """
        wanted = [
            TopicPartition(topic, partition)
            for topic in self._settings.event_topics
            for partition in range(self._log.partitions)
        ]
        wanted.append(TopicPartition(self._settings.training_examples, 0))
        found = patiently(partial(self._observer.committed, wanted, timeout=5.0), patience_s)
        return {(tp.topic, tp.partition): tp.offset for tp in found if tp.offset >= 0}

    def ends(self, topic: str) -> list[int]:
        """How long the log of a topic with as many partitions as the events is in each of them.

        It is read: the embedded broker does not know the ends of its logs.
        """
        ends = [0] * self._log.partitions
        for message in self.read(topic.removeprefix(self._settings.topic_prefix)):
            ends[message.partition() or 0] = (message.offset() or 0) + 1
        return ends

    def examples(self) -> int:
        """How many records the topic of examples has; it has one partition."""
        return max(((message.offset() or 0) + 1 for message in self.read("training-examples")), default=0)

    def published_count(self) -> int:
        """How many records there are in all output topics together."""
        ends = 0
        for topic in OUTPUTS:
            for partition in range(self._partitions_of(topic)):
                wanted = TopicPartition(f"{self._settings.topic_prefix}{topic}", partition)
                ask = partial(self._observer.get_watermark_offsets, wanted, timeout=5.0)
                ends += patiently(ask, PATIENCE_S)[1]
        return ends

    def read(self, topic: str) -> list[Any]:
        """All records of an output topic, partition by partition in offset order.

        Raises `TooLateError` where nothing comes for `SILENCE_S` before the end.
        """
        name = f"{self._settings.topic_prefix}{topic}"
        partitions = self._partitions_of(topic)
        consumer = Consumer(
            {
                "bootstrap.servers": self._settings.kafka_bootstrap,
                "group.id": f"{self._settings.group}-reader",
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
            patience = Patience(SILENCE_S)
            while len(ended) < partitions:
                message = consumer.poll(0.5)
                if message is None:
                    if patience.is_over():
                        raise TooLateError(f"{name} gave nothing for {SILENCE_S:g} s, before its end")
                    continue
                patience.renew()
                if (error := message.error()) is None:
                    found.append(message)
                elif error.code() == KafkaError._PARTITION_EOF:
                    ended.add(int(message.partition() or 0))
        finally:
            consumer.close()
        return found

    def _partitions_of(self, topic: str) -> int:
        return 1 if topic == "training-examples" else self._log.partitions
