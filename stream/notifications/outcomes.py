"""What becomes of records: the entries of the journal, each with what is published, and what is remembered."""

import logging
from collections.abc import Callable, Iterable
from typing import Final

from stream import metrics
from stream.alerts.action_records import ActionKind
from stream.alerts.alert_records import Alert, AlertKind
from stream.events.dead_letters import dead_letter
from stream.events.rejections import Rejection
from stream.notifications.delivery_journal import DeliveryJournal, JournalEntry
from stream.notifications.inbound import Inbound
from stream.notifications.lane import Lane
from stream.notifications.notification_records import Arm, DeliveryOutcome
from stream.notifications.published_records import PublishedRecord, notification, undelivered
from stream.notifications.routing import Routing
from stream.notifications.waiting_line import Delivery
from stream.settings import Settings

__all__ = ["NO_CHANNEL", "Outcomes", "show_from_start"]

_LOG = logging.getLogger(__name__)

#: In the store, the channel of an alert that no channel is to hear of.
NO_CHANNEL: Final = ""


class Outcomes:
    """Enters outcomes into ``journal``. ``done`` of each method is called when the outcome is published and stored.

    ``compares``: whether customers are held out at all.
    """

    def __init__(self, settings: Settings, journal: DeliveryJournal, *, compares: bool) -> None:
        self._settings = settings
        self._journal = journal
        self._compares = compares
        self._told_of: set[tuple[str, str]] = set()

    def reject(self, record: Inbound, rejection: Rejection, now_ms: int, done: Callable[[], None]) -> None:
        """A record that cannot be read becomes a dead letter; the first of each kind is logged."""
        letter = dead_letter(record, rejection, topic=record.topic, partition=record.partition, at_ms=now_ms)
        headers: list[tuple[str, str | bytes | None]] = [*letter.headers]
        published = PublishedRecord(self._settings.notification_dead_letters, letter.key, letter.value, headers)
        self._journal.enter(JournalEntry([published], done))
        topic = record.topic
        if (topic, rejection.reason) not in self._told_of:
            self._told_of.add((topic, rejection.reason))
            _LOG.warning(
                "a record of %s cannot be read (%s): see the topic %s; more of the kind are only counted",
                topic,
                rejection.reason,
                self._settings.notification_dead_letters,
            )
        metrics.DEAD_LETTERS.labels(rejection.reason).inc()

    def leave_out(self, alert: Alert, routing: Routing, now_ms: int, done: Callable[[], None]) -> None:
        """No rule sends the alert anywhere."""
        published = notification(
            self._settings.notifications,
            alert,
            DeliveryOutcome.SUPPRESSED,
            at_ms=now_ms,
            channel=None,
            rule=routing.rule,
            reason=routing.reason,
        )
        marks = [(alert.alert_id, NO_CHANNEL, DeliveryOutcome.SUPPRESSED.value)]
        self._journal.enter(JournalEntry([published], done, marks))
        metrics.NOTIFICATIONS.labels("none", DeliveryOutcome.SUPPRESSED).inc()

    def finish(
        self,
        delivery: Delivery,
        lane: Lane,
        outcome: DeliveryOutcome,
        now_ms: int,
        done: Callable[[], None],
        *,
        reason: str | None = None,
        detail: str = "",
    ) -> None:
        """A delivery on ``lane`` is over; one that failed becomes a dead letter as well."""
        alert, channel = delivery.alert, delivery.route.channel
        records = [
            notification(
                self._settings.notifications,
                alert,
                outcome,
                at_ms=now_ms,
                channel=channel,
                rule=delivery.route.rule,
                reason=reason,
                arm=self._arm(lane, outcome),
                attempts=delivery.attempts,
                digest=lane.digest,
            )
        ]
        if outcome is DeliveryOutcome.FAILED:
            records.append(
                undelivered(
                    self._settings.notification_dead_letters,
                    alert,
                    delivery.value,
                    delivery.positions[0] if delivery.positions else (self._settings.alerts, -1, -1),
                    at_ms=now_ms,
                    channel=channel,
                    reason=reason or "",
                    detail=detail,
                    attempts=delivery.attempts,
                )
            )
        held_out = (alert.customer_id, alert.alert_id) if outcome is DeliveryOutcome.HELD_OUT else None
        is_told = outcome is DeliveryOutcome.SENT and alert.kind is AlertKind.RAISED
        told = alert.customer_id if is_told else None
        marks = [(alert.alert_id, channel, outcome.value)]
        self._journal.enter(JournalEntry(records, done, marks, held_out, told))
        metrics.NOTIFICATIONS.labels(channel, outcome).inc()

    def _arm(self, lane: Lane, outcome: DeliveryOutcome) -> Arm | None:
        """The group of the comparison: failed deliveries were meant to be sent, and held-out ones cannot fail."""
        if outcome is DeliveryOutcome.HELD_OUT:
            return Arm.HELD_OUT
        is_compared = lane.channel.hold_out and self._compares
        return Arm.NOTIFIED if is_compared and outcome in {DeliveryOutcome.SENT, DeliveryOutcome.FAILED} else None


def show_from_start(channels: Iterable[str]) -> None:
    """Show every counter as 0: to Prometheus a counter that appears with its first count has not increased."""
    metrics.CONSENT_REFUSALS.labels("notification")
    for kind in ActionKind:
        metrics.ACTIONS.labels(kind)
    for channel in channels:
        metrics.NOTIFICATION_FAILURES.labels(channel)
        for outcome in DeliveryOutcome:
            metrics.NOTIFICATIONS.labels(channel, outcome)
