"""What would have been sent: the notifier itself, over alerts of the past, with time that is told and nobody told.

Every delivery arrives at once, and nobody acts, as the log does not know what people would have done.
"""

from __future__ import annotations

import queue
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from random import Random
from typing import Final

import msgspec
from msgspec import Struct

from stream.alerts.alert_records import Alert
from stream.alerts.decoding import occurred_ms
from stream.catalogue.declaring import Money
from stream.clock import FixedClock
from stream.consent.consented import NOTHING_SAID
from stream.notifications.config import Config
from stream.notifications.courier import Courier, DeliveryReport, Parcel
from stream.notifications.delivery_journal import DeliveryJournal, JournalEntry
from stream.notifications.inbound import Inbound
from stream.notifications.lane import Lane
from stream.notifications.notification_records import DeliveryOutcome, Notification
from stream.notifications.notifier import Notifier
from stream.notifications.templates import Templates
from stream.notifications.wall_time import local_day
from stream.settings import Settings
from stream.storage.notification_store import NotificationStore, Room, StoredCustomer

__all__ = ["ChannelLoad", "deliver"]

#: While something waits, the notifier looks again after so long.
_LOOK_MS: Final = 15 * 60_000
_NOBODY: Final = "nobody"
_notifications: Final = msgspec.json.Decoder(Notification)
_encoder: Final = msgspec.json.Encoder()


class ChannelLoad(Struct, kw_only=True):
    """What a channel had to carry.

    ``messages``: a digest is one; ``alerts`` in them. ``held_out`` and ``suppressed``, by reason: not sent. ``waiting``
    at the end of the log. ``per_day``: the budget; ``most_a_day``: messages; ``days_full``: days that spent all of it.
    """

    messages: int = 0
    alerts: int = 0
    held_out: int = 0
    suppressed: dict[str, int] = {}
    waiting: int = 0
    per_day: int | None = None
    most_a_day: int = 0
    days_full: int = 0


def deliver(config: Config, alerts: Sequence[Alert], settings: Settings, money: Money) -> dict[str, ChannelLoad]:
    """What each channel would have carried of ``alerts``, which are in the order of time. Raises `SettingsError`.

    ``nobody``: alerts that no rule sends anywhere.
    """
    clock = FixedClock(occurred_ms(alerts[0]) if alerts else 0)
    reports: queue.SimpleQueue[DeliveryReport] = queue.SimpleQueue()
    couriers = {name: _Instant(reports, clock) for name in config.channels}
    random = Random(1)  # noqa: S311 - nothing fails, so nothing is drawn
    lanes = {
        name: Lane(name, channel, config.zone(name), couriers[name], random)
        for name, channel in config.channels.items()
    }
    store = _Remembered()
    journal = _Told(store)
    templates = Templates(config, money)
    notifier = Notifier(
        settings, config, templates, lanes, reports, store, journal, clock, consents=lambda _: NOTHING_SAID
    )
    for offset, alert in enumerate(alerts):
        at_ms = occurred_ms(alert)
        _pass(notifier, clock, at_ms)
        record = Inbound(settings.alerts, 0, offset, alert.customer_id.encode(), _encoder.encode(alert), at_ms)
        notifier.take_in([record])
        _settle(notifier)
    return _loads(config, couriers, journal, lanes)


def _pass(notifier: Notifier, clock: FixedClock, until_ms: int) -> None:
    while notifier.waiting and clock.at_ms + _LOOK_MS < until_ms:
        clock.advance(_LOOK_MS)
        _settle(notifier)
    clock.at_ms = max(clock.at_ms, until_ms)


def _settle(notifier: Notifier) -> None:
    notifier.step()
    while notifier.is_busy:
        notifier.step()


def _loads(
    config: Config, couriers: Mapping[str, _Instant], journal: _Told, lanes: Mapping[str, Lane]
) -> dict[str, ChannelLoad]:
    loads: dict[str, ChannelLoad] = {}
    for name, channel in config.channels.items():
        days = Counter(local_day(config.zone(name), at_ms) for at_ms in couriers[name].carried_ms)
        per_day = None if channel.budget is None else channel.budget.per_day
        loads[name] = ChannelLoad(
            messages=days.total(),
            waiting=len(lanes[name].line),
            per_day=per_day,
            most_a_day=max(days.values(), default=0),
            days_full=0 if per_day is None else sum(count >= per_day for count in days.values()),
        )
    suppressed: dict[str, Counter[str]] = defaultdict(Counter)
    for told in journal.told:
        load = loads.setdefault(told.channel or _NOBODY, ChannelLoad())
        load.alerts += told.outcome is DeliveryOutcome.SENT
        load.held_out += told.outcome is DeliveryOutcome.HELD_OUT
        if told.outcome in {DeliveryOutcome.SUPPRESSED, DeliveryOutcome.FAILED}:
            suppressed[told.channel or _NOBODY][told.reason or ""] += 1
    for name, counts in suppressed.items():
        loads[name].suppressed = dict(sorted(counts.items()))
    return loads


class _Instant(Courier):
    """Everything arrives at once."""

    def __init__(self, reports: queue.SimpleQueue[DeliveryReport], clock: FixedClock) -> None:
        self.carried_ms: list[int] = []
        self._reports = reports
        self._now_ms = clock.now_ms

    def carry(self, parcel: Parcel) -> None:
        self.carried_ms.append(self._now_ms())
        self._reports.put(DeliveryReport(parcel, None, 0.0))


class _Remembered(NotificationStore):
    """What Redis remembers for the notifier, in memory: rates and budgets as `take_room.lua` counts them."""

    def __init__(self) -> None:
        self._held: set[str] = set()
        self._sent: Counter[tuple[str, str]] = Counter()
        self._arrival_ms: dict[str, int] = {}

    def outcomes(self, alert_ids: Sequence[str]) -> list[dict[str, str]]:
        return [{} for _ in alert_ids]

    def known(self, customer_ids: Sequence[str]) -> list[StoredCustomer]:
        return [StoredCustomer({}, customer in self._held) for customer in customer_ids]

    def hold_out(self, customer_id: str, alert_id: str, ttl_s: int) -> None:
        del alert_id, ttl_s
        self._held.add(customer_id)

    def note_told(self, customers: Sequence[tuple[str, int]]) -> None:
        """Nobody has two ids here."""

    def take_room(
        self, channel: str, day: str, allowance: int | None, interval_ms: int, burst_ms: int, now_ms: int
    ) -> Room:
        arrival_ms = max(self._arrival_ms.get(channel, 0), now_ms)
        if interval_ms and arrival_ms - burst_ms > now_ms:
            return Room("rate", arrival_ms - burst_ms)
        if allowance is not None and self._sent[channel, day] >= allowance:
            return Room("budget", 0)
        self._sent[channel, day] += allowance is not None
        if interval_ms:
            self._arrival_ms[channel] = arrival_ms + interval_ms
        return Room("", 0)

    def return_room(self, channel: str, day: str) -> None:
        self._sent[channel, day] -= 1


class _Told(DeliveryJournal):
    """Keeps the records that would be published."""

    def __init__(self, store: _Remembered) -> None:
        self.told: list[Notification] = []
        self._store = store
        self._entries = []

    def work(self) -> None:
        entries, self._entries = self._entries, []
        for entry in entries:
            self._take(entry)

    @property
    def is_behind(self) -> bool:
        return False

    def _take(self, entry: JournalEntry) -> None:
        if entry.hold_out is not None:
            self._store.hold_out(*entry.hold_out, ttl_s=0)
        self.told.append(_notifications.decode(entry.records[0].value or b""))
        entry.done()
