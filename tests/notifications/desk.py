"""A notifier without a consumer, under a clock that a test sets; store, broker and receivers are real."""

import queue
import time
from collections.abc import Callable, Iterable, Sequence
from random import Random
from types import TracebackType
from typing import Self

import msgspec

from stream.alerts.alert_records import Alert
from stream.clock import FixedClock
from stream.consent.consented import Consented
from stream.errors import UnreadError
from stream.notifications.config_file import parse
from stream.notifications.courier import Courier, DeliveryReport
from stream.notifications.delivery_journal import DeliveryJournal
from stream.notifications.inbound import Inbound
from stream.notifications.lane import Lane
from stream.notifications.notifier import Notifier
from stream.notifications.sender import AppriseSender
from stream.notifications.templates import Templates
from stream.recommending.recommended import RecommendationLists
from stream.storage.consent_desk import ConsentDesk
from stream.storage.person_ids import PersonNotifications
from tests.notifications.rig import DEADLINE_S, NotifierBench, as_of

__all__ = ["NOON_MS", "NotifierDesk", "configuration"]

#: Monday 2026-06-01, 12:00 UTC.
NOON_MS = 1_780_315_200_000
MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS


def configuration(url: str, channel: str = "", more: str = "", match: str = "{}", channels: str = "[hook]") -> str:
    """One channel ``hook``; the arguments are further YAML in the places of their names."""
    return f"""
channels:
  hook:
    url: "{url}"
    retries: {{attempts: 3, first_s: 60, longest_s: 60}}
    {channel}
templates:
  alert: {{title: "risk", body: "{{{{ alert.customer_id }}}}"}}
  digest:
    title: "{{{{ alerts | length }}}}"
    body: "{{{{ alerts | join(' ', 'customer_id') }}}}{{% if waiting %}} +{{{{ waiting }}}}{{% endif %}}"
rules:
  - {{name: all, match: {match}, channels: {channels}}}
{more}
"""


class NotifierDesk:
    """Takes alerts and actions, lets the test set the clock, and shows the results."""

    def __init__(
        self,
        bench: NotifierBench,
        text: str,
        at_ms: int = NOON_MS,
        offered: Callable[[str], RecommendationLists] = lambda _: RecommendationLists(),
    ) -> None:
        self.bench = bench
        self.clock = FixedClock(at_ms)
        self.offsets: dict[str, int] = {}
        self.store = PersonNotifications(bench.settings)
        self.consents = ConsentDesk(bench.settings)
        self.are_consents_read = True
        config = parse(text, {}, source="test.yaml")
        reports: queue.SimpleQueue[DeliveryReport] = queue.SimpleQueue()
        self.lanes = {
            name: Lane(
                name, channel, config.zone(name), Courier(name, AppriseSender(name, channel), reports), Random(1)
            )
            for name, channel in config.channels.items()
        }
        journal = DeliveryJournal(bench.settings, self.store, lambda: 3600.0)
        self.notifier = Notifier(
            bench.settings,
            config,
            Templates(config, offered=offered),
            self.lanes,
            reports,
            self.store,
            journal,
            self.clock,
            consents=self._agreed,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.consents.__exit__(kind, error, trace)
        self.store.__exit__(kind, error, trace)

    def _agreed(self, customer_ids: Sequence[str]) -> Consented:
        if not self.are_consents_read:
            raise UnreadError("the projection consents has yet to read something")
        return self.consents.read(customer_ids)

    def take(self, alerts: Iterable[Alert]) -> None:
        """Alerts arrive now."""
        now_ms = self.clock.now_ms()
        encoded = [(a.customer_id, msgspec.json.encode(as_of(a, now_ms))) for a in alerts]
        self.take_raw(self.bench.settings.alerts, encoded)

    def take_raw(self, topic: str, values: Iterable[tuple[str, bytes]]) -> None:
        records = []
        for key, value in values:
            offset = self.offsets.get(topic, 0)
            self.offsets[topic] = offset + 1
            records.append(Inbound(topic, 0, offset, key.encode(), value, self.clock.now_ms()))
        self.notifier.take_in(records)

    def work(self, until: Callable[[], bool] | None = None) -> None:
        """Work until the condition holds and no delivery is in flight."""
        deadline = time.monotonic() + DEADLINE_S
        while True:
            self.notifier.step()
            if not self.notifier.is_busy and (until is None or until()):
                return
            assert time.monotonic() < deadline, "the notifier did not come to rest"
            time.sleep(0.002)

    def advance(self, *, hours: float = 0, minutes: float = 0) -> None:
        """Set the clock forward and work."""
        self.clock.advance(round(hours * HOUR_MS + minutes * MINUTE_MS))
        self.work()

    @property
    def committable(self) -> int:
        """The next offset of the alerts that may be committed."""
        self.notifier.ledger.uncommitted([(self.bench.settings.alerts, 0)])
        return self.notifier.ledger.committable().get((self.bench.settings.alerts, 0), 0)
