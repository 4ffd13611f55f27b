"""Event logs with identifiers in clear: tokens in their place, as the events go to Kafka."""

from collections.abc import Iterable, Iterator

from stream.events.log_event import LogEvent
from stream.events.log_report import LogReport
from stream.events.placement import Placement, place
from stream.events.rejections import Rejection
from stream.identity.sealing import Sealer

__all__ = ["sealed"]


def sealed(events: Iterable[LogEvent], sealer: Sealer, report: LogReport) -> Iterator[LogEvent]:
    """Yield ``events`` with their identifiers sealed (`Sealer`); those that name nobody are rejected."""
    for event in events:
        value = sealer.seal(event.value)
        if value is event.value:
            yield event
        elif isinstance(value, Rejection):
            report.reject(value.reason, event.line, value.detail)
        else:
            placed = place(value, event.event_type)
            customer_id = placed.customer_id if isinstance(placed, Placement) else ""
            yield event._replace(value=value, customer_id=customer_id)
