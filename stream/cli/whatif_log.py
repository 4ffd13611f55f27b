"""The log that ``stream whatif`` replays, what happened in it, and the models that it teaches."""

import contextlib
import hashlib
import os
from bisect import insort
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Final

import stream
from stream.cli.saying import say
from stream.errors import SnapshotError
from stream.events.decode import Decoded, Decoder
from stream.events.kinds import EventType
from stream.events.log_event import LogEvent, LogRecord
from stream.events.order_book import OrderBook
from stream.events.times import epoch_ms
from stream.kernel_cache import directory_of
from stream.notifications.effect_input import actions_of, notifications_of
from stream.notifications.notification_records import DeliveryOutcome
from stream.notifications.read_to_end import events_to_end
from stream.settings import Settings
from stream.whatif.comparison import WhatHappened
from stream.whatif.recorded_models import Recording, record_models

__all__ = ["contacts_of_topics", "events_of_topics", "recording_of", "what_happened"]

#: Settings that decide what is learned from a log, and how.
_LEARNING: Final = frozenset({"Labels", "Alerts", "Events", "Time"})
#: Recordings that are kept, the newest.
_KEPT: Final = 8
_AT_ONCE: Final = 2_000


def events_of_topics(settings: Settings) -> list[LogEvent]:
    """The events of the topics up to their ends, in time order. Raises `TopologyError`."""
    decoder = Decoder.of(settings, in_clear=True)
    found: list[LogEvent] = []
    for event_type in EventType:
        records = events_to_end(settings, settings.topic_of(event_type))
        while batch := [*islice(records, _AT_ONCE)]:
            decoded = decoder.decode(event_type, batch)
            refused = {rejection.record for rejection in decoded.rejections}
            values = [record.value or b"" for row, record in enumerate(batch) if row not in refused]
            times = decoded.events["time"].tolist()
            found += [
                LogEvent(event_type, customer, at_ms, value)
                for customer, at_ms, value in zip(decoded.customer_ids, times, values, strict=True)
            ]
    found.sort(key=lambda event: event.at_ms)
    return found


def contacts_of_topics(settings: Settings) -> Iterator[tuple[str, int]]:
    """Customer and time of everything that was done about customers, and of messages about them that were delivered."""
    for customer, actions in actions_of(settings).items():
        yield from ((customer, epoch_ms(action.occurred_at)) for action in actions)
    for told in notifications_of(settings):
        if told.outcome is DeliveryOutcome.SENT:
            yield told.customer_id, _ms(told.at)


def what_happened(
    events: Sequence[LogEvent], settings: Settings, now_ms: int, contacts: Iterable[tuple[str, int]] = ()
) -> WhatHappened:
    """Orders and contacts of ``events``; mails that were sent are contacts, beside those that are given."""
    decoder = Decoder.of(settings, in_clear=True)
    purchases = _decoded(decoder, EventType.PURCHASE, events, now_ms)
    book = OrderBook()
    book.add(purchases.customer_ids, purchases.events)
    touched: dict[str, list[int]] = defaultdict(list)
    mails = _decoded(decoder, EventType.EMAIL, events, now_ms)
    for mail, at_ms in zip(mails.contents, mails.events["time"].tolist(), strict=True):
        if mail.name == "sent":
            touched[mail.customer_id].append(at_ms)
    for customer, at_ms in contacts:
        insort(touched[customer], at_ms)
    return WhatHappened(
        orders={
            customer: [purchase.at_ms for purchase in found if purchase.is_order]
            for customer, found in book.purchases().items()
        },
        contacts=touched,
        begin_ms=events[0].at_ms,
        end_ms=events[-1].at_ms,
    )


def recording_of(events: Sequence[LogEvent], settings: Settings, now_ms: int) -> Recording:
    """What ``events`` teach under ``settings``: recorded before, or now, and then kept in the user's cache."""
    kept = _cache() / f"{_key(events, settings)}.models"
    try:
        return Recording.load(kept.read_bytes())
    except OSError:
        say(f"learning from {len(events):,} events, once for this log and these settings")
    except SnapshotError as error:
        say(f"{kept}: {error}; learning again")
    recording = record_models(events, settings, now_ms)
    with contextlib.suppress(OSError):  # it is learned again where nothing can be kept
        _keep(kept, recording.dump())
    return recording


def _decoded(decoder: Decoder, event_type: EventType, events: Sequence[LogEvent], now_ms: int) -> Decoded:
    chosen = [event for event in events if event.event_type is event_type]
    return decoder.decode(event_type, [LogRecord.of(event, now_ms, k) for k, event in enumerate(chosen)])


def _keep(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    partial = path.with_suffix(f".{os.getpid()}")
    partial.write_bytes(content)
    partial.rename(path)
    for old in sorted(path.parent.glob("*.models"), key=lambda one: one.stat().st_mtime)[:-_KEPT]:
        old.unlink(missing_ok=True)


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "customer-stream" / "whatif"


def _key(events: Sequence[LogEvent], settings: Settings) -> str:
    """Of all that decides what is learned: the program, the settings, the events."""
    state = hashlib.sha256(directory_of(Path(stream.__file__).parent).name.encode())
    for declaration in fields(settings):
        if declaration.metadata["group"] in _LEARNING:
            state.update(f"{declaration.name}={getattr(settings, declaration.name)!r}\n".encode())
    for event in events:
        state.update(f"{event.event_type}\0{event.customer_id}\0{event.at_ms}\0{len(event.value)}\n".encode())
        state.update(event.value)
    return state.hexdigest()[:32]


def _ms(at: str) -> int:
    return epoch_ms(datetime.fromisoformat(at))
