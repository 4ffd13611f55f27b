"""A consumed record, as the notifier and the decoders look at it."""

from collections.abc import Sequence
from typing import NamedTuple

from confluent_kafka import TIMESTAMP_NOT_AVAILABLE, Message

from stream.events.message_headers import headers_of, raw

__all__ = ["Inbound", "inbound"]


class Inbound(NamedTuple):
    """A record. ``timestamp``: when the broker or the producer says it was written, in ms."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    timestamp: int
    headers: Sequence[tuple[str, bytes | None]] = ()

    @property
    def position(self) -> tuple[str, int, int]:
        return self.topic, self.partition, self.offset


def inbound(message: Message, now_ms: int) -> Inbound:
    """The record of a message without an error. One without a timestamp, or with one to come, was written now."""
    kind, at_ms = message.timestamp()
    return Inbound(
        message.topic() or "",
        message.partition() or 0,
        message.offset() or 0,
        raw(message.key()),
        raw(message.value()),
        now_ms if kind == TIMESTAMP_NOT_AVAILABLE else min(at_ms, now_ms),
        headers_of(message.headers()),
    )
