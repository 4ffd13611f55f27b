"""Records to `EVENT` columns. Any bytes of a record give one event or one rejection."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from operator import attrgetter
from typing import NamedTuple, NoReturn

import msgspec
import numpy as np
import numpy.typing as npt

from stream.events.alphabet import Alphabet
from stream.events.columns import EVENT, UNKNOWN_AMOUNT
from stream.events.contract_rules import refuse_control_characters, refuse_incomplete
from stream.events.diagnosis import diagnose
from stream.events.id_hashes import hash_event_ids, hash_ids
from stream.events.kinds import KIND_OF, VARIANT_OF, EventType
from stream.events.model import (
    CONTRACT_OF,
    EARLIEST_MS,
    LATEST_MS,
    Event,
    PurchaseEvent,
)
from stream.events.money import Exchange
from stream.events.parsing_times import epoch_seconds
from stream.events.record import Record
from stream.events.rejections import Defect, Rejection
from stream.events.screen import MAX_DEPTH, BadRecordError, screen
from stream.events.times import rfc3339
from stream.events.withheld import without_text
from stream.settings import Settings

__all__ = ["Decoded", "Decoder"]

_LOG = logging.getLogger(__name__)
_TIMESTAMP = attrgetter("timestamp")
#: Types with rules that go beyond single fields, besides amounts.
_WITH_RULES = frozenset({EventType.FEEDBACK, EventType.INTERACTION})


class Decoded(NamedTuple):
    """A decoded batch: the accepted events and the rejected records, each in record order.

    ``customer_ids[i]`` is the customer of ``events[i]``, a row of dtype `EVENT`, and ``contents[i]`` all that it says.
    """

    customer_ids: list[str]
    events: npt.NDArray[np.void]
    rejections: list[Rejection]
    contents: list[Event]


class _Read(NamedTuple):
    """Events that are all good, their times and those of their records (ms, int64), amounts in the base currency."""

    events: list[Event]
    times_ms: npt.NDArray[np.int64]
    appended_at_ms: npt.NDArray[np.int64]
    amounts: list[int]

    @classmethod
    def joined(cls, parts: Sequence[_Read]) -> _Read:
        return cls(
            [event for part in parts for event in part.events],
            np.concatenate([np.zeros(0, np.int64), *(part.times_ms for part in parts)]),
            np.concatenate([np.zeros(0, np.int64), *(part.appended_at_ms for part in parts)]),
            [amount for part in parts for amount in part.amounts],
        )


class Decoder:
    """Decodes and checks records of the topics of events.

    The happy path does as little as possible in Python: the guards on raw bytes are C-speed searches over the whole
    batch, msgspec checks the contract, and which record is bad, and why, is found out after the batch was refused.

    Parameters
    ----------
    rates
        See `Exchange`.
    skew_ms
        How far after its record an event may lie: producers' clocks are not the broker's. The clock of whoever
        decodes has no say, so that the outcome is a function of the log.
    max_bytes
        The longest value that is parsed.
    earliest_ms
        No event is believed to have occurred before.
    customer_ids
        Which texts are customer ids.
    """

    def __init__(
        self,
        *,
        rates: Mapping[str, float] | None = None,
        skew_ms: int = 300_000,
        max_bytes: int = 65_536,
        earliest_ms: int = EARLIEST_MS,
        customer_ids: Alphabet = Alphabet.ANY,
    ) -> None:
        self._alphabet = customer_ids
        self._exchange = Exchange(rates)
        self._skew_ms = skew_ms
        self._max_bytes = max_bytes
        self._earliest_ms = earliest_ms
        self._readers: dict[EventType, Callable[[bytes], Event]] = {
            event_type: msgspec.json.Decoder(contract).decode for event_type, contract in CONTRACT_OF.items()
        }

    @classmethod
    def of(cls, settings: Settings, *, in_clear: bool = False) -> Decoder:
        """The decoder that goes by ``settings``. ``in_clear``: of events before they are under pseudonyms."""
        has_keys = settings.privacy_keys and not in_clear
        return cls(
            rates=settings.rates,
            skew_ms=round(settings.skew_s * 1000),
            earliest_ms=settings.earliest_ms,
            customer_ids=Alphabet.PSEUDONYM if has_keys else Alphabet(settings.customer_ids),
        )

    def decode(self, event_type: EventType, records: Sequence[Record]) -> Decoded:
        """Decode a batch of records of one topic. Never raises."""
        rejections: list[Rejection] = []
        parts = list(self._good_parts(event_type, records, 0, rejections))
        read = parts[0][1] if len(parts) == 1 else _Read.joined([part for _, part in parts])
        events = read.events
        columns = np.zeros(len(events), EVENT)
        columns["record"] = np.concatenate([np.zeros(0, np.int64), *(np.arange(p.start, p.stop) for p, _ in parts)])
        columns["time"] = read.times_ms
        columns["appended"] = read.appended_at_ms
        columns["amount"] = read.amounts
        columns["event_id"] = hash_event_ids(event_type, [event.event_id for event in events])
        columns["kind"] = _kinds(event_type, events)
        if event_type is EventType.PURCHASE:
            columns["order_id"] = hash_ids([e.order_id for e in events if isinstance(e, PurchaseEvent)])
        return Decoded([event.customer_id for event in events], columns, rejections, events)

    def _good_parts(
        self, event_type: EventType, records: Sequence[Record], first: int, rejections: list[Rejection]
    ) -> Iterator[tuple[range, _Read]]:
        """Halve what is not all good until the bad records, from position ``first`` on, stand alone."""
        values: list[bytes | None] = []
        try:
            values = [record.value for record in records]
            read = self._read(event_type, [record.key for record in records], values, _appended_at_ms(records))
        except Exception as error:  # noqa: BLE001 - one bad record must not stop a partition
            if len(records) > 1:
                half = len(records) // 2
                yield from self._good_parts(event_type, records[:half], first, rejections)
                yield from self._good_parts(event_type, records[half:], first + half, rejections)
            else:
                rejections.append(_reject(event_type, first, error, values[0] if values else None))
        else:
            yield range(first, first + len(records)), read

    def _read(
        self,
        event_type: EventType,
        keys: list[bytes | None],
        found: list[bytes | None],
        appended_at_ms: npt.NDArray[np.int64],
    ) -> _Read:
        """Read keys and values that are all good; for a single record the exception says why it is bad."""
        latest_ms = np.clip(appended_at_ms, 0, LATEST_MS) + self._skew_ms
        values = [value for value in found if value is not None]
        if len(values) < len(keys) or None in keys:
            _refuse_null(keys[0])
        suspects = self._suspects(values)
        for k in suspects:
            screen(values[k], self._max_bytes)
        events = list(map(self._readers[event_type], values))
        times_ms = _epoch_ms([event.occurred_at for event in events])
        if not ((times_ms >= self._earliest_ms) & (times_ms <= latest_ms)).all():
            _refuse_time(float(times_ms[0]), self._earliest_ms, int(latest_ms[0]))
        customer_ids = [event.customer_id for event in events]
        encoded = list(map(str.encode, customer_ids))
        if encoded != keys:
            _refuse_key(keys[0], customer_ids[0])
        for k in suspects:
            refuse_control_characters(events[k])
        if self._alphabet.suspects(encoded):
            for customer_id in customer_ids:
                if objection := self._alphabet.objection(customer_id):
                    raise BadRecordError(Defect.BAD_CUSTOMER_ID, objection)
        for event in events if event_type in _WITH_RULES else ():
            refuse_incomplete(event, self._alphabet)
        amounts = self._amounts(events) if event_type is EventType.PURCHASE else [0] * len(events)
        return _Read(events, np.rint(times_ms).astype(np.int64), appended_at_ms, amounts)

    def _suspects(self, values: list[bytes]) -> Sequence[int]:
        """Positions of values that must be checked before they are parsed; most batches have none."""
        raw = b"".join(values)
        openings = raw.count(b"{") + raw.count(b"[")
        if (
            openings <= len(values)
            and raw.isascii()
            and b"\\" not in raw
            and max(map(len, values), default=0) <= self._max_bytes
        ):
            return ()
        return [k for k, value in enumerate(values) if _is_suspect(value, self._max_bytes)]

    def _amounts(self, events: list[Event]) -> list[int]:
        return [self._amount(event) for event in events if isinstance(event, PurchaseEvent)]

    def _amount(self, event: PurchaseEvent) -> int:
        if event.name == "cancelled" or event.amount is None:
            if event.currency is not None:
                self._exchange.refuse_malformed(event.currency)
            # an order that is cancelled is known by its id; its own amount is retracted
            return 0 if event.name == "cancelled" else UNKNOWN_AMOUNT
        if event.currency is None:
            raise BadRecordError(Defect.MISSING_FIELD, f"the `amount` of a {event.name} order needs a `currency`")
        return self._exchange.base_amount(event.amount, event.currency)


def _appended_at_ms(records: Sequence[Record]) -> npt.NDArray[np.int64]:
    return np.fromiter(map(_TIMESTAMP, records), np.int64, len(records))


def _is_suspect(value: bytes, max_bytes: int) -> bool:
    return (
        b"\\" in value
        or len(value) > max_bytes
        or not value.isascii()
        or value.count(b"{") + value.count(b"[") > MAX_DEPTH
    )


def _epoch_ms(instants: list[datetime | float]) -> npt.NDArray[np.float64]:
    try:
        seconds = np.array(instants, np.float64)
    except TypeError:
        seconds = np.array([at if isinstance(at, float) else at.timestamp() for at in instants], np.float64)
    with np.errstate(over="ignore"):  # what is infinite then is out of range
        return seconds * 1000.0


_CODES = {
    event_type: {name: int(kind) for (of_type, name), kind in KIND_OF.items() if of_type is event_type}
    for event_type in EventType
}
_VARIANTS = {
    event_type: [
        (name, flag, int(kind)) for (of_type, name), (flag, kind) in VARIANT_OF.items() if of_type is event_type
    ]
    for event_type in EventType
}


def _kinds(event_type: EventType, events: Sequence[Event]) -> list[int]:
    codes = _CODES[event_type]
    kinds = [codes[event.name] for event in events]
    for name, flag, kind in _VARIANTS[event_type]:
        for row, event in enumerate(events):
            if event.name == name and getattr(event, flag):
                kinds[row] = kind
    return kinds


def _reject(event_type: EventType, position: int, error: Exception, value: bytes | None) -> Rejection:
    reason, detail = diagnose(error, value)
    if reason is Defect.PROCESSING_FAILED:
        _LOG.error(
            "record %d of a batch of %s events could not be decoded",
            position,
            event_type,
            exc_info=without_text(error),
        )
    return Rejection(position, reason, detail)


def _refuse_null(key: bytes | None) -> NoReturn:
    if key is None:
        raise BadRecordError(Defect.NULL_KEY, "expected the customer_id as the record key; there is none")
    raise BadRecordError(Defect.NULL_VALUE, "expected a JSON object; the record has no value")


def _refuse_time(at_ms: float, earliest_ms: int, latest_ms: int) -> NoReturn:
    span = f"{rfc3339(earliest_ms)} and {rfc3339(latest_ms)}"
    got = f"{at_ms / 1000:.17g} s since the epoch"
    if earliest_ms <= at_ms <= LATEST_MS:
        got = rfc3339(round(at_ms))
    elif earliest_ms <= epoch_seconds(at_ms / 1000) * 1000 <= latest_ms:
        got += "; milliseconds? Send seconds or RFC 3339"
    raise BadRecordError(Defect.TIMESTAMP_OUT_OF_RANGE, f"expected occurred_at between {span}; got {got}")


def _refuse_key(key: bytes | None, customer_id: str) -> NoReturn:
    shown = (key or b"")[:64].decode(errors="replace")
    raise BadRecordError(Defect.KEY_MISMATCH, f"record key {shown!r} is not customer_id {customer_id[:64]!r}")
