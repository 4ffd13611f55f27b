"""How Faust sees batches and records."""

import asyncio
from typing import Any

import faust
import pytest
from faust.transport.drivers import by_url

from stream.agents import transport
from stream.agents.transport import TP, BatchFlow, BatchSchema, PartitionOwner, Position, attach
from stream.agents.transport.intake import LogEnd, intake_of
from stream.agents.transport.messages import BatchMessage, RecordMessage
from stream.errors import SettingsError, TopologyError

CLICK = TP("click", 0)


class OneRecord:
    topic, partition, offset, timestamp, timestamp_type = "click", 0, 0, 1_500, 0
    key, value, headers, checksum = b"k", b"v", (), None
    serialized_key_size = serialized_value_size = 1


def make_flow() -> tuple[BatchFlow, int]:
    flow = BatchFlow(batch_max_records=10, queued_batches=2, monotonic=lambda: 0.0)
    return flow, flow.open(CLICK, 0)


def test_no_ack_of_faust_reaches_a_batch() -> None:
    flow, lease = make_flow()
    (batch,) = flow.batches(CLICK, lease, 0, 1, [OneRecord()])
    message = BatchMessage(batch, generation_id=1)
    consumer: Any = object()
    message.incref()

    assert message.tracked, "Faust does not wait for it"
    assert message.acked, "Faust has nothing to ack"
    message.acked = True
    assert not message.ack(consumer)
    assert flow.ledger.committable(CLICK) == 0
    assert batch.ack()
    assert flow.ledger.committable(CLICK) == 1


def test_an_ack_of_faust_marks_a_single_record_done() -> None:
    flow, lease = make_flow()
    ((record, slot),) = flow.singles(CLICK, lease, 0, 1, [OneRecord()])
    message = RecordMessage(record, slot, flow, generation_id=1)
    assert not message.acked
    message.acked = True
    assert message.acked
    assert flow.ledger.committable(CLICK) == 1


async def decoded(message: BatchMessage) -> Any:
    app = faust.App("decoding", broker="kafkabatch://127.0.0.1:1")
    return await BatchSchema().decode(app, message, propagate=True)


def test_the_value_of_an_event_is_the_batch() -> None:
    flow, lease = make_flow()
    (batch,) = flow.batches(CLICK, lease, 0, 1, [OneRecord()])
    event = asyncio.run(decoded(BatchMessage(batch, generation_id=1)))
    assert event.value is batch
    assert event.message.timestamp == 1.5


def test_the_url_scheme_names_the_transport() -> None:
    assert by_url("kafkabatch://127.0.0.1:9092") is transport.Transport


def test_an_app_without_an_owner_is_told_what_to_do() -> None:
    with pytest.raises(SettingsError, match=r"call attach\(app, owner\)"):
        intake_of(faust.App("ownerless", broker="kafkabatch://127.0.0.1:1"))


def test_an_intake_cannot_be_used_before_the_app_has_started() -> None:
    intake = attach(faust.App("early", broker="kafkabatch://127.0.0.1:1"), PartitionOwner())
    with pytest.raises(TopologyError, match="from its agents and hooks"):
        _ = intake.assigned


@pytest.mark.parametrize(
    ("end", "lag", "at_end"),
    [
        (None, None, False),
        (LogEnd(10, 12, 0), 3, False),
        (LogEnd(7, 9, 0), 0, True),
        (LogEnd(5, 5, 0), 0, True),
    ],
)
def test_lag_counts_to_the_readable_end(end: LogEnd | None, lag: int | None, at_end: bool) -> None:
    position = Position(next_offset=7, end=end)
    assert (position.lag, position.at_end) == (lag, at_end)


def test_the_public_names_are_what_the_module_exports() -> None:
    assert all(hasattr(transport, name) for name in transport.__all__)
    assert transport.__all__ == sorted(transport.__all__, key=lambda name: (not name.isupper(), name))
