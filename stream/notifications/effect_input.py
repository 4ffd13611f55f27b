"""The records that the effect is measured on, from their topics as they end now."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Final, cast

import msgspec

from stream.alerts.action_records import Action
from stream.alerts.alert_records import Alert, AlertKind, Cause
from stream.alerts.decoding import decode_action, decode_alert, occurred_ms
from stream.errors import TopologyError
from stream.events.columns import MONEY_SCALE
from stream.events.decode import Decoder
from stream.events.kinds import EventType
from stream.events.model import FeedbackEvent
from stream.events.order_book import OrderBook, Purchase
from stream.events.rejections import Rejection
from stream.events.times import epoch_ms
from stream.notifications.complaint_effect import Complained
from stream.notifications.effect import MoneyMove
from stream.notifications.inbound import Inbound
from stream.notifications.notification_records import Notification
from stream.notifications.read_to_end import events_to_end, read_to_end
from stream.settings import Settings

__all__ = ["PurchaseLog", "actions_of", "complaints_of", "moves_of", "notifications_of"]

_AT_ONCE: Final = 2000
_notifications: Final = msgspec.json.Decoder(Notification)


def notifications_of(settings: Settings) -> Iterator[Notification]:
    """What became of alerts. Raises `TopologyError` for a record that the notifier did not write."""
    for record in read_to_end(settings, settings.notifications):
        try:
            yield _notifications.decode(record.value or b"")
        except msgspec.DecodeError as error:
            place = f"{record.topic}[{record.partition}]@{record.offset}"
            raise TopologyError(f"{place} is not a record of `stream notify`: {error}") from error


def actions_of(settings: Settings) -> dict[str, list[Action]]:
    """Actions by customer, each action id once; bad records are the notifier's to reject."""
    skew_ms = round(settings.skew_s * 1000)
    found: dict[str, Action] = {}
    for record in read_to_end(settings, settings.actions):
        action = decode_action(record, skew_ms)
        if not isinstance(action, Rejection) and action.is_response:
            found.setdefault(action.action_id, action)
    by_customer: dict[str, list[Action]] = {}
    for action in found.values():
        by_customer.setdefault(action.customer_id, []).append(action)
    return by_customer


def complaints_of(settings: Settings, actions: Mapping[str, Sequence[Action]], since_ms: int = 0) -> list[Complained]:
    """Complaints that alerts have told of, each once, with what was done about them. ``since_ms``: not those before."""
    found: dict[str, Alert] = {}
    for record in read_to_end(settings, settings.alerts):
        alert = decode_alert(record)
        # what is no alert is the notifier's to reject
        if isinstance(alert, Alert) and alert.kind is AlertKind.COMPLAINT and alert.cause is Cause.EVENT:
            found[alert.alert_id] = alert
    resolved = _resolutions_of(settings) if found else {}
    complaints = []
    for alert in found.values():
        if alert.heard is None or (at_ms := occurred_ms(alert)) < since_ms:
            continue
        ticket = alert.heard.ticket_id or alert.heard.feedback_id
        acted = [epoch_ms(action.occurred_at) for action in actions.get(alert.customer_id, ())]
        complaints.append(
            Complained(alert.customer_id, at_ms, [*acted, *resolved.get((alert.customer_id, ticket), ())])
        )
    return complaints


def _resolutions_of(settings: Settings) -> dict[tuple[str, str], list[int]]:
    """When tickets of customers were resolved."""
    found: dict[tuple[str, str], list[int]] = {}
    decoder = Decoder.of(settings)
    records = events_to_end(settings, settings.topic_of(EventType.FEEDBACK))
    while batch := [*islice(records, _AT_ONCE)]:
        decoded = decoder.decode(EventType.FEEDBACK, batch)
        for event, at_ms in zip(decoded.contents, decoded.events["time"].tolist(), strict=True):
            said = cast("FeedbackEvent", event)
            if said.name == "resolved":
                found.setdefault((said.customer_id, said.ticket_id or said.event_id), []).append(at_ms)
    return found


class PurchaseLog:
    """The orders of some customers, decoded as workers decode them: bad events and repeats do not count.

    ``as_of_ms``: the newest purchase event of any customer. Cancelled orders are taken out, refunds count where they
    fall.
    """

    def __init__(self, customers: frozenset[str], decoder: Decoder) -> None:
        self._customers = customers
        self._decoder = decoder
        self._book = OrderBook()
        self.as_of_ms: int | None = None

    def read(self, settings: Settings, from_ms: int) -> None:
        """Read the purchase topic from where it may hold events after ``from_ms``."""
        # an event is written to the topic when it happened or later, by clocks that differ by the skew at most
        records = events_to_end(settings, settings.events_purchase, from_ms=from_ms - round(settings.skew_s * 1000))
        while batch := [*islice(records, _AT_ONCE)]:
            self.add(batch)

    def add(self, records: Sequence[Inbound]) -> None:
        """Take records of the purchase topic."""
        decoded = self._decoder.decode(EventType.PURCHASE, records)
        if len(decoded.events):
            newest_ms = int(decoded.events["time"].max())
            self.as_of_ms = max(newest_ms, self.as_of_ms or newest_ms)
        chosen = [row for row, customer in enumerate(decoded.customer_ids) if customer in self._customers]
        self._book.add([decoded.customer_ids[row] for row in chosen], decoded.events[chosen])

    @property
    def orders(self) -> dict[str, list[MoneyMove]]:
        """Orders and refunds of each customer."""
        return moves_of(self._book.purchases())


def moves_of(purchases: Mapping[str, Sequence[Purchase]]) -> dict[str, list[MoneyMove]]:
    """Orders and refunds of each customer who has any."""
    return {
        customer: [MoneyMove(at_ms, amount / MONEY_SCALE, is_order) for at_ms, amount, is_order in found]
        for customer, found in purchases.items()
        if found
    }
