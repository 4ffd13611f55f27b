"""The contract before publishing: what the workers would make a dead letter is refused here."""

from collections.abc import Sequence
from operator import itemgetter
from typing import NamedTuple

import msgspec

from stream.client.event_record import EventRecord
from stream.errors import InvalidEventError
from stream.events.decode import Decoder
from stream.events.kinds import TYPE_OF_NAME, EventType
from stream.events.model import CONTRACT_OF, Event
from stream.events.placement import place
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


class _Judged(NamedTuple):
    """A draft as it would be published, and where; ``bad``: why it cannot be. Ids are empty if they cannot be read."""

    value: bytes
    bad: Rejection | None
    event_type: EventType | None = None
    event_id: str = ""
    customer_id: str = ""


class _AsConsumed(msgspec.Struct):
    """A draft in the shape in which a worker will see it. ``timestamp``: it would be appended now."""

    key: bytes
    value: bytes
    timestamp: int
    offset: int = 0
    headers: tuple[tuple[str, bytes | None], ...] = ()


class _Stated(msgspec.Struct, gc=False):
    """What tells the record of a good event, and its type."""

    event_id: str
    customer_id: str
    name: str
    type: str | None = None


_STATED = msgspec.json.Decoder(_Stated).decode
_TYPES: dict[str, EventType] = {event_type.value: event_type for event_type in EventType}


class EventContract:
    """Judges events as the workers will: by their decoder, their currency rates and their clock skew.

    Identifiers in clear become tokens first (`Sealer`).
    """

    def __init__(self, settings: Settings) -> None:
        self._decoder = Decoder.of(settings, in_clear=True)
        self._sealer = Sealer.of(settings)

    def admit(self, drafts: Sequence[Draft], now_ms: int) -> Admitted:
        """Check drafts against the contract; bad ones become rejections. ``now_ms``: the wall clock."""
        return self._all_good(drafts, now_ms) or self._sorted_out(drafts, now_ms)

    def _all_good(self, drafts: Sequence[Draft], now_ms: int) -> Admitted | None:
        """Drafts that are all admitted, in half the time of `_sorted_out`; None if one is not: that tells why."""
        try:
            sealed = [self._sealer.seal(draft.value) for draft in drafts]
            values = [value for value in sealed if not isinstance(value, Rejection)]
            stated = [*map(_STATED, values)]
            types = [
                draft.event_type or (_TYPES[one.type] if one.type is not None else TYPE_OF_NAME[one.name])
                for draft, one in zip(drafts, stated, strict=True)
            ]
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, KeyError, ValueError):
            return None
        keys = [one.customer_id.encode() for one in stated]
        found: list[EventRecord | None] = [None] * len(drafts)
        amounts = [0] * len(drafts)
        for event_type in dict.fromkeys(types):
            group = [k for k, of in enumerate(types) if of is event_type]
            decoded = self._decoder.decode(event_type, [_AsConsumed(keys[k], values[k], now_ms) for k in group])
            if decoded.rejections:
                return None
            columns = (decoded.events[name].tolist() for name in ("time", "amount"))
            for k, content, at_ms, amount in zip(group, decoded.contents, *columns, strict=True):
                found[k] = EventRecord(
                    event_type, content.event_id, content.customer_id, at_ms, values[k], content=content
                )
                amounts[k] = amount
        records = [record for record in found if record is not None]
        return Admitted([*range(len(records))], records, amounts, [], [one.event_id for one in stated])

    def _sorted_out(self, drafts: Sequence[Draft], now_ms: int) -> Admitted:
        judged = [self._judged(draft) for draft in drafts]
        rejections = [one.bad._replace(record=k) for k, one in enumerate(judged) if one.bad is not None]
        admitted: list[tuple[int, EventRecord, int]] = []
        for event_type in EventType:
            group = [k for k, one in enumerate(judged) if one.bad is None and one.event_type is event_type]
            if not group:
                continue
            consumed = [_AsConsumed(judged[k].customer_id.encode(), judged[k].value, now_ms) for k in group]
            decoded = self._decoder.decode(event_type, consumed)
            rejections += [bad._replace(record=group[bad.record]) for bad in decoded.rejections]
            columns = (decoded.events[name].tolist() for name in ("record", "time", "amount"))
            for content, row, at_ms, amount in zip(decoded.contents, *columns, strict=True):
                k = group[row]
                of = content.event_id, content.customer_id
                admitted.append((k, EventRecord(event_type, *of, at_ms, judged[k].value, content=content), amount))
        admitted.sort(key=itemgetter(0))
        return Admitted(
            [k for k, _, _ in admitted],
            [record for _, record, _ in admitted],
            [amount for _, _, amount in admitted],
            sorted(rejections),
            [one.event_id for one in judged],
        )

    def _judged(self, draft: Draft) -> _Judged:
        sealed = self._sealer.seal(draft.value)
        # a draft that cannot be sealed is told by the event id that it has in clear
        value = draft.value if isinstance(sealed, Rejection) else sealed
        placement = place(value, draft.event_type)
        bad = next((one for one in (sealed, placement) if isinstance(one, Rejection)), None)
        if isinstance(placement, Rejection):
            return _Judged(value, bad)
        return _Judged(value, bad, placement.event_type, placement.event_id, placement.customer_id)

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
