"""Publishing what an import has staged, and noting in the ledger what the broker has confirmed."""

from collections.abc import Callable, Iterable, Iterator
from typing import Final

import msgspec
from confluent_kafka import KafkaError, Message

from stream.client.event_record import EventRecord
from stream.client.producer import Producer
from stream.events.rejections import Rejection
from stream.imports.import_ledger import Book, ImportLedger, LedgerEntry, Witness
from stream.imports.staging import StagedEvent

__all__ = ["MAX_CHUNK_MS", "publish"]

#: The events of a chunk lie within this much of each other: less than the time for which workers know events by id, so
#: that those of a chunk that was not noted can be published again.
MAX_CHUNK_MS: Final = 60 * 86_400_000
MAX_CHUNK_EVENTS: Final = 20_000

_BOOKS: Final = msgspec.msgpack.Decoder(Book)


def publish(
    events: Iterable[StagedEvent], producer: Producer, ledger: ImportLedger, on_confirmed: Callable[[int], None]
) -> int:
    """Publish ``events``, which come by time, and enter their orders in the ledger, chunk by chunk; returns how many.

    ``on_confirmed`` is told of the size of each chunk.

    Raises `PublishError` when the broker does not take them. What was confirmed before is noted then, and the import
    can be run again.
    """
    total = 0
    for chunk in _chunks(events):
        witnesses: list[Witness] = []

        def note(error: KafkaError | None, message: Message, witnesses: list[Witness] = witnesses) -> None:
            if error is None:
                place = message.topic() or "", message.partition() or 0, message.offset() or 0
                witnesses.append(Witness(*place, (message.key() or b"").decode()))

        records = [EventRecord(one.event_type, one.event_id, one.customer_id, one.at_ms, one.value) for one in chunk]
        # of people who were erased nothing is published; the ledger has their orders as done
        going = [one for one in producer.concealer.conceal(records) if not isinstance(one, Rejection)]
        for record in going:
            producer.send(record, note if record is going[-1] else None)
        producer.flush()
        entries = [LedgerEntry(event.order_key, event.at_ms, _BOOKS.decode(event.book)) for event in chunk]
        ledger.enter(entries, witnesses[-1] if witnesses else None)
        total += len(chunk)
        on_confirmed(len(chunk))
    return total


def _chunks(events: Iterable[StagedEvent]) -> Iterator[list[StagedEvent]]:
    chunk: list[StagedEvent] = []
    for event in events:
        if chunk and (len(chunk) == MAX_CHUNK_EVENTS or event.at_ms - chunk[0].at_ms > MAX_CHUNK_MS):
            yield chunk
            chunk = []
        chunk.append(event)
    if chunk:
        yield chunk
