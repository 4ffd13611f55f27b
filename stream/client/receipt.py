"""What a producer gives back for an event."""

from collections.abc import Callable
from concurrent.futures import Future
from typing import NamedTuple

from confluent_kafka import KafkaError, Message

__all__ = ["Delivery", "OnDelivery", "Receipt"]


class Receipt(NamedTuple):
    """Where the broker put an event."""

    topic: str
    partition: int
    offset: int


#: Resolves to a `Receipt`, or raises `PublishError`, when the broker has answered.
Delivery = Future[Receipt]
#: Called once for each event, from the producer's thread, with an error or None. Must be quick and must not raise.
OnDelivery = Callable[[KafkaError | None, Message], None]
