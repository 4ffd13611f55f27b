"""Kafka through Faust in batches: ``faust.App(..., broker="kafkabatch://host:port")``.

::

    app = faust.App("name", broker="kafkabatch://127.0.0.1:9092", **FAUST_SETTINGS)
    events = app.topic("events.click", "events.email", schema=BatchSchema())
    intake = attach(app, owner, TransportOptions(copartitioned=frozenset({"events.click", "events.email"})))

    @app.agent(events)
    async def process(inbox):
        async for batch in batches(inbox):   # RecordBatch: records of one partition
            ...                              # store the outcome and batch.next_offset in one write
            batch.ack()                      # only this lets the offset be committed

The application stores its offsets with its state; the owner's `PartitionOwner.restore_offsets` says where to
start. Offsets committed to Kafka show lag to operators and position nothing.
"""

from faust.transport.drivers import TRANSPORTS
from faust.types import TP

from stream.agents.transport.assignor import CoRangeAssignor
from stream.agents.transport.consumer import Consumer, Transport
from stream.agents.transport.fetched_batch import FetchedRecord, RecordBatch
from stream.agents.transport.flow import BatchFlow, LastActivity
from stream.agents.transport.intake import Intake, LogEnd, Position, attach
from stream.agents.transport.messages import BatchSchema, batches
from stream.agents.transport.partition_owner import PartitionOwner
from stream.agents.transport.slot_ledger import Slot, SlotLedger
from stream.agents.transport.transport_options import FAUST_SETTINGS, TransportOptions

__all__ = [
    "FAUST_SETTINGS",
    "TP",
    "BatchFlow",
    "BatchSchema",
    "CoRangeAssignor",
    "Consumer",
    "FetchedRecord",
    "Intake",
    "LastActivity",
    "LogEnd",
    "PartitionOwner",
    "Position",
    "RecordBatch",
    "Slot",
    "SlotLedger",
    "Transport",
    "TransportOptions",
    "attach",
    "batches",
]

# The entry point of the same name serves installed distributions; this one serves a source tree.
TRANSPORTS.aliases["kafkabatch"] = f"{__name__}:Transport"
