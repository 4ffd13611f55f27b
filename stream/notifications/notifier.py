"""From records to messages: routing, what is suppressed or held out, what leaves, and what became of it.

The alerts topic itself is the queue: what waits is kept in memory only, and the offset of an alert is committed when
every channel that is to hear of it has an outcome that is published and stored. After a restart the rest is read again.
"""

import logging
import queue
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Final

from stream import metrics
from stream.alerts.alert_records import Alert, AlertKind
from stream.alerts.decoding import decode_action, decode_alert, encode_action, occurred_ms
from stream.clock import Clock
from stream.consent.consented import Consented
from stream.errors import StorageError
from stream.events.rejections import Rejection
from stream.events.times import epoch_ms
from stream.notifications.config import Config
from stream.notifications.courier import DeliveryReport, Parcel
from stream.notifications.delivery_journal import DeliveryJournal
from stream.notifications.hold_out import is_held_out
from stream.notifications.holding_back import held_back
from stream.notifications.inbound import Inbound
from stream.notifications.lane import Lane
from stream.notifications.notification_records import DeliveryOutcome, Suppression
from stream.notifications.notifier_erasing import NotifierErasing
from stream.notifications.offset_ledger import OffsetLedger, Partition
from stream.notifications.outcomes import NO_CHANNEL, Outcomes, show_from_start
from stream.notifications.routing import route
from stream.notifications.templates import Templates
from stream.notifications.under_way import UnderWay
from stream.notifications.waiting_line import Delivery
from stream.privacy.erasures import Erasures
from stream.settings import Settings
from stream.storage.notification_store import NotificationStore, StoredCustomer

__all__ = ["Notifier"]

_LOG = logging.getLogger(__name__)
_DAY_S: Final = 86_400
#: Actions are kept at least so long, for the customer's view.
_MIN_ACTION_DAYS: Final = 90.0
_EXPIRY_LOOK_MS: Final = 10_000
#: What is decided without sending, at most, before the broker is asked again.
_MAX_WITHOUT_SENDING: Final = 200


class Notifier:
    """Works on one thread; only the couriers of ``lanes`` work beside it and put their reports into ``reports``.
    ``consents`` tells what customers have agreed to.

    Raises `StorageError` when Redis fails; then nothing is lost, and the same call is to be made again later.
    """

    def __init__(
        self,
        settings: Settings,
        config: Config,
        templates: Templates,
        lanes: Mapping[str, Lane],
        reports: "queue.SimpleQueue[DeliveryReport]",
        store: NotificationStore,
        journal: DeliveryJournal,
        clock: Clock,
        *,
        consents: Callable[[Sequence[str]], Consented],
        erasures: Erasures | None = None,
    ) -> None:
        self._settings = settings
        self._config = config
        self._templates = templates
        self._lanes = lanes
        self._reports = reports
        self._store = store
        self._journal = journal
        self._outcomes = Outcomes(settings, journal, compares=config.hold_out.share > 0)
        self._consents = consents
        self._clock = clock
        self._come: list[DeliveryReport] = []
        self._under_way = UnderWay()
        self._looked_for_expired_ms = 0
        self._action_ttl_s = round(max(_MIN_ACTION_DAYS, *config.actions.values(), 0.0) * _DAY_S)
        self.ledger = OffsetLedger()
        self._erasing = NotifierErasing(erasures or Erasures(), store, self.ledger, self._under_way, lanes)
        show_from_start(lanes)

    @property
    def waiting(self) -> int:
        """Deliveries that have no outcome yet."""
        return len(self._under_way)

    @property
    def is_busy(self) -> bool:
        """Whether something is under way that ends by itself: a delivery, a record to be confirmed."""
        return len(self._journal) > 0 or any(lane.carried is not None for lane in self._lanes.values())

    def take_in(self, records: Sequence[Inbound]) -> None:
        """Take records, those of a partition in order."""
        now_ms = self._clock.now_ms()
        records = self._erasing.others(records)
        decoded = [self._decoded(record) for record in records]
        alerts = [alert.alert_id for alert in decoded if isinstance(alert, Alert)]
        outcomes = dict(zip(alerts, self._store.outcomes(alerts), strict=True))
        for record, content in zip(records, decoded, strict=True):
            if isinstance(content, Rejection):
                self.ledger.enter(*record.position, parts=1)
                self._outcomes.reject(record, content, now_ms, partial(self.ledger.done, *record.position))
            elif isinstance(content, Alert):
                self._admit(record, content, outcomes[content.alert_id], now_ms)
            else:
                self.ledger.enter(*record.position, parts=0)

    def step(self, *, dispatch: bool = True) -> None:
        """Take the couriers' reports, record what is over and (unless told not to) send what may leave."""
        now_ms = self._clock.now_ms()
        self._erasing.step()
        self._collect(now_ms)
        self._journal.work()
        if not dispatch or self._journal.is_behind:
            return
        if now_ms - self._looked_for_expired_ms >= _EXPIRY_LOOK_MS:
            self._looked_for_expired_ms = now_ms
            for lane in self._lanes.values():
                for delivery in lane.expired(now_ms):
                    self._expire(delivery, now_ms)
        for lane in self._lanes.values():
            self._dispatch(lane, now_ms)
            metrics.NOTIFICATION_QUEUE.labels(lane.name).set(len(lane.line))

    def wait(self, timeout_s: float) -> None:
        """Wait for a courier to come back, for at most so long."""
        try:
            self._come.append(self._reports.get(timeout=timeout_s))
        except queue.Empty:
            return

    def drop(self, partitions: Iterable[Partition]) -> None:
        """Forget what waits on behalf of partitions that are not ours any more."""
        dropped = {*partitions}
        self.ledger.drop(dropped)
        for delivery in self._under_way.without(dropped):
            if delivery.is_waiting:
                self._lanes[delivery.route.channel].line.remove(delivery)
                self._under_way.remove(delivery)

    def _decoded(self, record: Inbound) -> Alert | Rejection | None:
        """The alert of a record, why it is none, or None for an action, which is stored by then."""
        if record.topic == self._settings.alerts:
            return decode_alert(record)
        action = decode_action(record, round(self._settings.skew_s * 1000))
        if isinstance(action, Rejection):
            return action
        at_ms = epoch_ms(action.occurred_at)
        if action.is_response and self._store.record_action(
            action.customer_id, action.action, at_ms, encode_action(action), self._action_ttl_s
        ):
            metrics.ACTIONS.labels(action.action).inc()
        return None

    def _admit(self, record: Inbound, alert: Alert, known: Mapping[str, str], now_ms: int) -> None:
        if alert.kind is AlertKind.CLEARED:
            self._withdraw(alert, now_ms)
        routing = route(self._config, alert)
        if not routing.routes:
            is_known = NO_CHANNEL in known
            self.ledger.enter(*record.position, parts=int(not is_known))
            if not is_known:
                self._outcomes.leave_out(alert, routing, now_ms, partial(self.ledger.done, *record.position))
            return
        wanted = [wanted for wanted in routing.routes if wanted.channel not in known]
        self.ledger.enter(*record.position, parts=len(wanted))
        for wanted_route in wanted:
            delivery = self._under_way.of(alert, wanted_route.channel)
            if delivery is not None:
                delivery.positions.append(record.position)
                continue
            since_ms = min(record.timestamp, occurred_ms(alert))
            delivery = Delivery(alert, record.value or b"", wanted_route, record.timestamp, since_ms, [record.position])
            self._under_way.add(delivery)
            lane = self._lanes[wanted_route.channel]
            if delivery.since_ms < now_ms - lane.channel.expire_ms:
                self._expire(delivery, now_ms)
            else:
                lane.put(delivery)

    def _withdraw(self, clear: Alert, now_ms: int) -> None:
        """What raised the alarm for this customer before is not to be sent any more."""
        for delivery in self._under_way.raised_before(clear):
            delivery.is_cleared = True
            if delivery.is_waiting:
                self._lanes[delivery.route.channel].line.remove(delivery)
                self._finish(delivery, DeliveryOutcome.SUPPRESSED, now_ms, reason=Suppression.CLEARED)

    def _dispatch(self, lane: Lane, now_ms: int) -> None:
        for _ in range(_MAX_WITHOUT_SENDING):
            if not lane.is_open(now_ms):
                return
            picked = lane.pick(now_ms)
            if not picked:
                return
            try:
                sendable = self._sendable(lane, picked, now_ms)
            except StorageError:
                lane.put_back(picked, now_ms)
                raise
            if sendable is None or (sendable and self._send(lane, sendable, now_ms)):
                return

    def _sendable(self, lane: Lane, picked: Sequence[Delivery], now_ms: int) -> list[Delivery] | None:
        """Those that are to be sent now; the others are finished. None: there is no room, all wait.

        The hold-out decides last: what is held out would have been sent, so the groups differ in nothing else.
        """
        # while they were under way, and the delivery failed
        cleared = [delivery for delivery in picked if delivery.is_cleared]
        picked = [delivery for delivery in picked if not delivery.is_cleared]
        known = dict(zip(picked, self._store.known([d.alert.customer_id for d in picked]), strict=True))
        consented = self._consents([delivery.alert.customer_id for delivery in picked])
        reasons = held_back(picked, known, consented, self._config, lane.channel, now_ms)
        wanted = [delivery for delivery in picked if delivery not in reasons]
        has_room = not wanted or lane.has_room(self._store, now_ms)
        # nothing is read from here on: if that failed, what is finished would be put back
        for delivery, reason in (*dict.fromkeys(cleared, Suppression.CLEARED).items(), *reasons.items()):
            self._finish(delivery, DeliveryOutcome.SUPPRESSED, now_ms, reason=reason)
        if not has_room:
            lane.put_back(wanted, now_ms)
            return None
        sendable = [d for d in wanted if not (lane.channel.hold_out and self._is_held_out(d.alert, known[d]))]
        for delivery in wanted:
            if delivery not in sendable:
                self._finish(delivery, DeliveryOutcome.HELD_OUT, now_ms)
        if wanted and not sendable:
            lane.return_room(self._store, now_ms)
        return sendable

    def _is_held_out(self, alert: Alert, known: StoredCustomer) -> bool:
        hold_out = self._config.hold_out
        return known.held_out or is_held_out(alert.customer_id, hold_out.salt, hold_out.share)

    def _send(self, lane: Lane, deliveries: Sequence[Delivery], now_ms: int) -> bool:
        """Hand a message to the courier; False if it could not be worded."""
        try:
            message = lane.worded(self._templates, deliveries, now_ms)
        except StorageError:
            raise  # persons cannot be read at present: all wait
        except Exception as error:  # noqa: BLE001 - logged, and dead-lettered
            # an expression of a template can raise anything: the alert is not at fault and must not block the others
            _LOG.exception("a template of channel %s cannot be filled", lane.name)
            for delivery in deliveries:
                self._finish(delivery, DeliveryOutcome.FAILED, now_ms, reason="template", detail=type(error).__name__)
            lane.return_room(self._store, now_ms)
            return False
        lane.carry(Parcel(lane.name, message, deliveries))
        return True

    def _collect(self, now_ms: int) -> None:
        while not self._reports.empty():
            self._come.append(self._reports.get_nowait())
        while self._come:
            parcel, failure, seconds = self._come.pop(0)
            lane = self._lanes[parcel.channel]
            metrics.NOTIFICATION_SECONDS.labels(lane.name).observe(seconds)
            if failure is None:
                lane.delivered()
                for delivery in parcel.deliveries:
                    delivery.attempts += 1
                    self._finish(delivery, DeliveryOutcome.SENT, now_ms)
                continue
            _LOG.warning("channel %s: not delivered: %s", lane.name, failure.detail)
            metrics.NOTIFICATION_FAILURES.labels(lane.name).inc()
            reason = "refused" if failure.is_permanent else "unreachable"
            for delivery in lane.failed(
                parcel, now_ms, is_permanent=failure.is_permanent, again_after_s=failure.again_after_s
            ):
                self._finish(delivery, DeliveryOutcome.FAILED, now_ms, reason=reason, detail=failure.detail)
            lane.return_room(self._store, now_ms)

    def _expire(self, delivery: Delivery, now_ms: int) -> None:
        if delivery.attempts:
            self._finish(
                delivery, DeliveryOutcome.FAILED, now_ms, reason="expired", detail="not delivered before it expired"
            )
        else:
            self._finish(delivery, DeliveryOutcome.SUPPRESSED, now_ms, reason=Suppression.EXPIRED)

    def _finish(
        self, delivery: Delivery, outcome: DeliveryOutcome, now_ms: int, *, reason: str | None = None, detail: str = ""
    ) -> None:
        """Enter an outcome into the journal; the offsets follow when it is recorded."""
        lane, done = self._lanes[delivery.route.channel], partial(self._settle, delivery)
        self._outcomes.finish(delivery, lane, outcome, now_ms, done, reason=reason, detail=detail)

    def _settle(self, delivery: Delivery) -> None:
        self._under_way.remove(delivery)
        for position in delivery.positions:
            self.ledger.done(*position)
