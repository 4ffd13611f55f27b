"""The alerts of a policy over a log, as they are kept for the next comparison: they name no customer."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from stream.alerts.alert_records import Alert
from stream.errors import SnapshotError
from stream.events.log_event import LogEvent

__all__ = ["dump_alerts", "load_alerts"]

_LEVEL: Final = 1
_decoder: Final = msgspec.msgpack.Decoder(list[Alert])


def dump_alerts(alerts: Iterable[Alert], events: Sequence[LogEvent]) -> bytes:
    """For a file. Of each customer it has the place in the order of first events, which only the log can resolve."""
    place_of = {customer: str(place) for place, customer in enumerate(_customers(events))}
    nameless = [msgspec.structs.replace(one, customer_id=place_of[one.customer_id]) for one in alerts]
    return zlib.compress(msgspec.msgpack.encode(nameless), _LEVEL)


def load_alerts(content: bytes, events: Sequence[LogEvent]) -> list[Alert]:
    """What `dump_alerts` was given, with the same events. Raises `SnapshotError` for something else."""
    customers = _customers(events)
    try:
        nameless = _decoder.decode(zlib.decompress(content))
        return [msgspec.structs.replace(one, customer_id=customers[int(one.customer_id)]) for one in nameless]
    except (zlib.error, msgspec.DecodeError, ValueError, IndexError) as error:
        raise SnapshotError(f"these are no alerts of this log: {error}") from error


def _customers(events: Sequence[LogEvent]) -> list[str]:
    return [*dict.fromkeys(event.customer_id for event in events)]
