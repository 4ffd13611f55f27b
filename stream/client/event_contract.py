"""The contract before publishing: what the workers would make a dead letter is refused here."""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from stream.client.event_record import EventRecord
from stream.errors import InvalidEventError
from stream.events.decode import Decoder
from stream.events.kinds import EventType
from stream.events.model import CONTRACT_OF, Event
from stream.events.placement import Placement, place
from stream.events.rejections import Rejection
from stream.identity.sealing import Sealer
from stream.settings import Settings

__all__ = ["Admitted", "Draft", "EventContract"]

_TYPE_OF: dict[type[Event], EventType] = {contract: event_type for event_type, contract in CONTRACT_OF.items()}
_ENCODER = msgspec.json.Encoder()


class Draft(NamedTuple):
    """An event before it is checked: JSON, and its type when that is known from elsewhere."""

    value: bytes
    event_type: EventType | None = None


class Admitted(NamedTuple):
    """``records[k]`` is draft ``positions[k]``; a rejection names its draft in ``record``. Both in order of the drafts.

    ``amounts[k]``: the amount of record k in 1/MONEY_SCALE of the base currency; 0 if it has none.
    ``event_ids[k]``: the event id of draft k, empty if it has none that can be read.
    """

    positions: list[int]
    records: list[EventRecord]
    amounts: list[int]
    rejections: list[Rejection]
    event_ids: list[str]


class _AsConsumed(NamedTuple):
    """A draft in the shape in which a worker will see it. ``timestamp``: it would be appended now."""

    key: bytes
    value: bytes
    timestamp: int
    offset: int = 0
    headers: tuple[tuple[str, bytes | None], ...] = ()


class EventContract:
    """Judges events as the workers will: by their decoder, their currency rates and their clock skew.

    Identifiers in clear become tokens first (`Sealer`).
    """

    def __init__(self, settings: Settings) -> None:
        self._decoder = Decoder.of(settings)
        self._sealer = Sealer.of(settings)

    def admit(self, drafts: Sequence[Draft], now_ms: int) -> Admitted:
        """Check drafts against the contract; bad ones become rejections. ``now_ms``: the wall clock."""
        sealed = [self._sealer.seal(draft.value) for draft in drafts]
        values = [
            draft.value if isinstance(value, Rejection) else value for draft, value in zip(drafts, sealed, strict=True)
        ]
        known = [place(value, draft.event_type) for value, draft in zip(values, drafts, strict=True)]
        placed = [
            bad if isinstance(bad, Rejection) else placement for bad, placement in zip(sealed, known, strict=True)
        ]
        rejections = [bad._replace(record=k) for k, bad in enumerate(placed) if isinstance(bad, Rejection)]
        good = [(k, placement) for k, placement in enumerate(placed) if isinstance(placement, Placement)]
        admitted: list[tuple[int, EventRecord, int]] = []
        for event_type in EventType:
            group = [(k, placement) for k, placement in good if placement.event_type is event_type]
            if not group:
                continue
            consumed = [_AsConsumed(placement.customer_id.encode(), values[k], now_ms) for k, placement in group]
            decoded = self._decoder.decode(event_type, consumed)
            rejections += [bad._replace(record=group[bad.record][0]) for bad in decoded.rejections]
            columns = (decoded.events[name].tolist() for name in ("record", "time", "amount"))
            for row, at_ms, amount in zip(*columns, strict=True):
                k, (_, event_id, customer_id) = group[row]
                admitted.append((k, EventRecord(event_type, event_id, customer_id, at_ms, values[k]), amount))
        admitted.sort()
        return Admitted(
            [k for k, _, _ in admitted],
            [record for _, record, _ in admitted],
            [amount for _, _, amount in admitted],
            sorted(rejections),
            [placement.event_id if isinstance(placement, Placement) else "" for placement in known],
        )

    def record(self, event: Event, now_ms: int) -> EventRecord:
        """Return ``event`` as a record. Raises `InvalidEventError` if the workers would refuse it."""
        try:
            draft = Draft(_ENCODER.encode(event), _TYPE_OF[type(event)])
        except (UnicodeEncodeError, TypeError) as error:
            raise InvalidEventError(
                f"event {event.event_id!r} cannot be written as JSON: {error}",
                event_id=str(event.event_id),
                reason="malformed_json",
            ) from error
        admitted = self.admit([draft], now_ms)
        for rejection in admitted.rejections:
            raise InvalidEventError(
                f"event {event.event_id!r} breaks the contract ({rejection.reason}): {rejection.detail}",
                event_id=event.event_id,
                reason=rejection.reason,
            )
        return admitted.records[0]
