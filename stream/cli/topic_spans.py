"""Where the partitions of topics begin and end, as a broker tells."""

from collections.abc import Iterable
from typing import Final, Self

from confluent_kafka import Consumer, KafkaException, TopicPartition

from stream.cli.kafka import TIMEOUT_S, client_config, silent
from stream.errors import TopologyError
from stream.settings import Settings

__all__ = ["Place", "Spans", "TopicSpans"]

#: Topic and partition.
Place = tuple[str, int]
#: Of each, the offset of the oldest record that is still there, and the next one to be written.
Spans = dict[Place, tuple[int, int]]

_TIMEOUT_S: Final = 10.0


class TopicSpans:
    """``with TopicSpans(settings) as spans: ...``: one connection for as many questions as there are.

    The broker in memory (Tansu) tells the ends of its partitions wrong.
    """

    def __init__(self, settings: Settings) -> None:
        self._bootstrap = settings.kafka_bootstrap
        self._consumer = Consumer(client_config(settings, group_id=f"{settings.group}.ends"), logger=silent)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._consumer.close()

    def places(self, topics: Iterable[str]) -> list[Place]:
        """The partitions of those of ``topics`` that exist. Raises `TopologyError` when the broker does not answer."""
        try:
            known = self._consumer.list_topics(timeout=TIMEOUT_S).topics
        except KafkaException as error:
            raise TopologyError(f"no Kafka broker answers at {self._bootstrap} ({error.args[0].str()})") from error
        return [(topic, p) for topic in topics if topic in known for p in known[topic].partitions]

    def of(self, places: Iterable[Place]) -> Spans:
        """Raises `TopologyError` when the broker does not tell, also of a place that it does not have."""
        try:
            return {
                place: self._consumer.get_watermark_offsets(TopicPartition(*place), timeout=_TIMEOUT_S)
                for place in places
            }
        except KafkaException as error:
            raise self._explained(error) from error

    def _explained(self, error: KafkaException) -> TopologyError:
        return TopologyError(f"Kafka at {self._bootstrap}: {error.args[0].str()}")
