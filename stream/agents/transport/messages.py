"""Batches as Faust messages: the schema, the two kinds of message, and the typed way to iterate a stream."""

from collections.abc import AsyncIterator
from typing import Any, cast

import faust
from faust.types import AppT, ConsumerMessage, Message, StreamT
from faust.types.transports import ConsumerT

from stream.agents.transport.fetched_batch import RecordBatch
from stream.agents.transport.flow import BatchFlow
from stream.agents.transport.slot_ledger import Slot

__all__ = ["BatchMessage", "BatchSchema", "RecordMessage", "batches"]

NO_TIMESTAMP_TYPE = 0


class BatchSchema(faust.Schema[None, RecordBatch]):
    """Marks a topic, ``app.topic(NAME, schema=BatchSchema())``: its events are a `RecordBatch` each."""

    def loads_key(self, app: AppT, message: Message, **codecs: Any) -> None:
        """A batch has no key."""

    def loads_value(self, app: AppT, message: Message, **codecs: Any) -> RecordBatch:  # noqa: ARG002
        """The batch as it is."""
        return cast("RecordBatch", message.value)


class BatchMessage(ConsumerMessage):
    """A message with a `RecordBatch` as value, and deaf to Faust's acks.

    Faust acks at the end of the loop body of an agent, also when that body raises, and waits for unacked
    messages before it stops. For a batch both are wrong. So Faust is told that nothing is to be acked, and
    that the message is tracked already.
    """

    use_tracking = False

    def __init__(self, batch: RecordBatch, generation_id: int) -> None:
        self.batch = batch
        last = batch.records[-1]
        super().__init__(
            *(batch.tp.topic, batch.tp.partition, last.offset, last.timestamp / 1000, NO_TIMESTAMP_TYPE),
            headers=None,
            key=None,
            value=cast("Any", batch),
            checksum=None,
            serialized_key_size=0,
            serialized_value_size=0,
            tp=batch.tp,
            generation_id=generation_id,
        )

    @property
    def is_current(self) -> bool:
        return self.batch.is_current

    @property  # an attribute in the base class
    def acked(self) -> bool:
        return True

    @acked.setter
    def acked(self, value: bool) -> None:
        """Only `RecordBatch.ack` acks."""

    def ack(self, consumer: ConsumerT, n: int = 1) -> bool:  # noqa: ARG002
        return False


class RecordMessage(ConsumerMessage):
    """A message with one record, for topics without `BatchSchema`: Faust's ack marks its slot done."""

    def __init__(self, record: Any, slot: Slot, flow: BatchFlow, generation_id: int) -> None:
        self._slot = slot
        self._flow = flow
        super().__init__(
            *(slot.tp.topic, slot.tp.partition, record.offset, record.timestamp / 1000, record.timestamp_type),
            headers=list(record.headers),
            key=record.key,
            value=record.value,
            checksum=record.checksum,
            serialized_key_size=-1 if record.key is None else len(record.key),
            serialized_value_size=-1 if record.value is None else len(record.value),
            tp=slot.tp,
            generation_id=generation_id,
        )

    @property
    def is_current(self) -> bool:
        return self._flow.ledger.is_current(self._slot)

    @property  # an attribute in the base class
    def acked(self) -> bool:
        return self._slot.done

    @acked.setter
    def acked(self, value: bool) -> None:
        if value:
            self._flow.ack(self._slot)


async def batches(stream: StreamT[Any]) -> AsyncIterator[RecordBatch]:
    """The batches of an agent's stream, without those that are no longer current.

    Receiving a batch is what lets fetching go on and `Intake.position` advance, so iterate with this::

        @app.agent(events)
        async def process(inbox: StreamT[Any]) -> None:
            async for batch in batches(inbox):
                ...
    """
    async for value in stream:
        batch = cast("RecordBatch", value)
        if batch.receive():
            yield batch
