"""Records to `EVENT` columns. Every record gives one event or one rejection, whatever its bytes."""

import logging
import re
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, NoReturn, Protocol

import msgspec
import numpy as np
import numpy.typing as npt
import xxhash

from stream.events.columns import EVENT, HASH_BITS
from stream.events.diagnosis import diagnose
from stream.events.kinds import KIND_OF, EventKind, EventType
from stream.events.model import EARLIEST_MS, ClickEvent, EmailEvent, PurchaseEvent
from stream.events.money import Exchange
from stream.events.rejections import Reason, Rejection
from stream.events.screen import MAX_DEPTH, BadRecordError, screen
from stream.events.times import rfc3339
from stream.events.withheld import without_text

__all__ = ["Decoded", "Decoder", "Record", "hash_ids"]

Event = ClickEvent | EmailEvent | PurchaseEvent

_LOG = logging.getLogger(__name__)
_MASK = np.uint64(2**HASH_BITS - 1)
_CONTROL = re.compile(r"[\x00-\x1f]")


class Record(Protocol):
    """What a consumed record offers; aiokafka's ``ConsumerRecord`` is one. ``timestamp`` is in ms."""

    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None: ...
    @property
    def timestamp(self) -> int: ...
    @property
    def offset(self) -> int: ...
    @property
    def headers(self) -> Sequence[tuple[str, bytes | None]]: ...


class Decoded(NamedTuple):
    """A decoded batch: the accepted events and the rejected records, each in record order.

    ``customer_ids[i]`` is the customer of ``events[i]``, a row of dtype `EVENT`.
    """

    customer_ids: list[str]
    events: npt.NDArray[np.void]
    rejections: list[Rejection]


def hash_ids(ids: Sequence[str]) -> npt.NDArray[np.int64]:
    """Return the low 48 bits of the XXH3-64 of each id. 0 becomes 1, so that 0 can mean "none".

    >>> hash_ids(["order-1"]) == xxhash.xxh3_64_intdigest(b"order-1") % 2**48
    array([ True])
    """
    digests = np.frombuffer(b"".join(map(xxhash.xxh3_64_digest, map(str.encode, ids))), dtype=">u8")
    hashes: npt.NDArray[np.int64] = np.maximum(digests & _MASK, 1).astype(np.int64)
    return hashes


class Decoder:
    """Decodes and checks records of the three topics.

    The happy path does as little as possible in Python: the guards on raw bytes are C-speed searches, msgspec
    checks the contract, and why a record is bad is found out only after it was refused.

    Parameters
    ----------
    rates
        See `Exchange`.
    skew_ms
        How far in the future an event may lie: producers' clocks are not ours.
    max_bytes
        The longest value that is parsed.
    """

    def __init__(
        self,
        *,
        rates: Mapping[str, float] | None = None,
        skew_ms: int = 300_000,
        max_bytes: int = 65_536,
    ) -> None:
        self._exchange = Exchange(rates)
        self._skew_ms = skew_ms
        self._max_bytes = max_bytes
        self._readers: dict[EventType, Callable[[bytes], Event]] = {
            EventType.CLICK: msgspec.json.Decoder(ClickEvent).decode,
            EventType.EMAIL: msgspec.json.Decoder(EmailEvent).decode,
            EventType.PURCHASE: msgspec.json.Decoder(PurchaseEvent).decode,
        }

    def decode(self, event_type: EventType, records: Sequence[Record], now_ms: int) -> Decoded:
        """Decode a batch of records of one topic. Never raises.

        Event time may be at most `now_ms`, the wall clock, plus the skew.
        """
        read = self._readers[event_type]
        max_bytes = self._max_bytes
        latest_ms = now_ms + self._skew_ms
        events: list[Event] = []
        positions: list[int] = []
        times: list[int] = []
        amounts: list[int] = []
        rejections: list[Rejection] = []
        for position, record in enumerate(records):
            value = None
            try:
                key, value = record.key, record.value
                if key is None or value is None:
                    _refuse_null(key)
                escaped = b"\\" in value
                if (
                    escaped
                    or len(value) > max_bytes
                    or not value.isascii()
                    or value.count(b"{") + value.count(b"[") > MAX_DEPTH
                ):
                    screen(value, max_bytes)
                event = read(value)
                at = event.occurred_at
                at_ms = (at if isinstance(at, float) else at.timestamp()) * 1000.0
                if not EARLIEST_MS <= at_ms <= latest_ms:
                    _refuse_time(at_ms, latest_ms)
                if event.customer_id.encode() != key:
                    _refuse_key(key, event.customer_id)
                if escaped:
                    _refuse_control_characters(event)
                amount = self._amount(event) if isinstance(event, PurchaseEvent) else 0
            except Exception as error:  # noqa: BLE001 - one bad record must not stop a partition
                rejections.append(_reject(event_type, position, error, value))
            else:
                events.append(event)
                positions.append(position)
                times.append(round(at_ms))
                amounts.append(amount)
        columns = np.zeros(len(events), EVENT)
        columns["record"] = positions
        columns["time"] = times
        columns["amount"] = amounts
        columns["event_id"] = hash_ids([event.event_id for event in events])
        columns["kind"] = _kinds(event_type, events)
        if event_type is EventType.PURCHASE:
            columns["order_id"] = hash_ids([e.order_id for e in events if isinstance(e, PurchaseEvent)])
        return Decoded([event.customer_id for event in events], columns, rejections)

    def _amount(self, event: PurchaseEvent) -> int:
        if event.name == "cancelled":
            if event.currency is not None:
                self._exchange.refuse_malformed(event.currency)
            return 0  # the order is known by its id; its own amount is retracted
        if event.amount is None or event.currency is None:
            field = "amount" if event.amount is None else "currency"
            raise BadRecordError(Reason.MISSING_FIELD, f"a {event.name} order needs `{field}`")
        return self._exchange.base_amount(event.amount, event.currency)


_CODES = {
    event_type: {name: int(kind) for (of_type, name), kind in KIND_OF.items() if of_type is event_type}
    for event_type in EventType
}


def _kinds(event_type: EventType, events: Sequence[Event]) -> list[int]:
    codes = _CODES[event_type]
    kinds = [codes[event.name] for event in events]
    if event_type is EventType.EMAIL:
        for row, event in enumerate(events):
            if isinstance(event, EmailEvent) and event.machine_open and event.name == "opened":
                kinds[row] = int(EventKind.EMAIL_MACHINE_OPENED)
    return kinds


def _reject(event_type: EventType, position: int, error: Exception, value: bytes | None) -> Rejection:
    reason, detail = diagnose(error, value)
    if reason is Reason.PROCESSING_FAILED:
        _LOG.error(
            "record %d of a batch of %s events could not be decoded",
            position,
            event_type,
            exc_info=without_text(error),
        )
    return Rejection(position, reason, detail)


def _refuse_null(key: bytes | None) -> NoReturn:
    if key is None:
        raise BadRecordError(Reason.NULL_KEY, "expected the customer_id as the record key; there is none")
    raise BadRecordError(Reason.NULL_VALUE, "expected a JSON object; the record has no value")


def _refuse_time(at_ms: float, latest_ms: int) -> NoReturn:
    span = f"{rfc3339(EARLIEST_MS)} and {rfc3339(latest_ms)}"
    raise BadRecordError(
        Reason.TIMESTAMP_OUT_OF_RANGE,
        f"expected occurred_at between {span}; got {at_ms / 1000:.17g} s since the epoch",
    )


def _refuse_key(key: bytes, customer_id: str) -> NoReturn:
    shown = key[:64].decode(errors="replace")
    raise BadRecordError(Reason.KEY_MISMATCH, f"record key {shown!r} is not customer_id {customer_id[:64]!r}")


def _refuse_control_characters(event: Event) -> None:
    # Ids become record keys, header values and log lines. A control character in JSON is always escaped.
    order_id = event.order_id if isinstance(event, PurchaseEvent) else ""
    found = _CONTROL.search(f"{event.event_id}{event.customer_id}{order_id}")
    if found:
        raise BadRecordError(Reason.CONTROL_CHARACTER, f"an id contains U+{ord(found.group()):04X}")
