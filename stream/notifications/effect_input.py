"""The records that the effect is measured on, from their topics as they end now."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Final, NamedTuple, cast

import msgspec

from stream.alerts.action_records import Action
from stream.alerts.alert_records import Alert, AlertKind, Cause
from stream.alerts.decoding import decode_action, decode_alert, occurred_ms
from stream.errors import TopologyError
from stream.events.columns import MONEY_SCALE
from stream.events.decode import Decoder
from stream.events.kinds import EventKind, EventType
from stream.events.model import FeedbackEvent
from stream.events.order_book import OrderBook, Purchase
from stream.events.rejections import Rejection
from stream.events.times import epoch_ms
from stream.identity.departures import arrived_as
from stream.identity.persons_of_ids import Persons
from stream.notifications.complaint_effect import Complained
from stream.notifications.effect import MoneyMove
from stream.notifications.inbound import Inbound
from stream.notifications.notification_records import Notification
from stream.notifications.read_to_end import events_to_end, read_to_end
from stream.privacy.erasure_feed import ErasureFeed
from stream.projections.loyalty import satisfaction_of
from stream.settings import Settings

__all__ = [
    "PurchaseLog",
    "actions_of",
    "answered_complaints",
    "complaints_of",
    "moves_of",
    "notifications_of",
    "of_persons",
]

_AT_ONCE: Final = 2000
#: For so long Kafka may take to tell who is erased.
_ERASED_S: Final = 15.0
_notifications: Final = msgspec.json.Decoder(Notification)


def notifications_of(settings: Settings) -> Iterator[Notification]:
    """What became of alerts of people who are not erased: those would be customers who ordered nothing.

    Raises `TopologyError` for a record that the notifier did not write, `StorageError` when nobody tells who is erased.
    """
    with ErasureFeed(settings, wait_s=_ERASED_S) as feed:
        for record in read_to_end(settings, settings.notifications):
            try:
                told = _notifications.decode(record.value or b"")
            except msgspec.DecodeError as error:
                place = f"{record.topic}[{record.partition}]@{record.offset}"
                raise TopologyError(f"{place} is not a record of `stream notify`: {error}") from error
            if not feed.erasures.refuses(told.customer_id, record.timestamp):
                yield told


def actions_of(settings: Settings) -> dict[str, list[Action]]:
    """Actions by the id that each names, each action id once; bad records are the notifier's to reject."""
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


def of_persons(actions: Mapping[str, Sequence[Action]], persons: Persons) -> dict[str, list[Action]]:
    """Actions by the customer to whom the id of each belongs."""
    found: dict[str, list[Action]] = {}
    for own_id, some in actions.items():
        found.setdefault(persons.customer_of(own_id), []).extend(some)
    return found


def complaints_of(settings: Settings, since_ms: int = 0) -> list[Alert]:
    """Complaints that alerts have told of, each once. ``since_ms``: not those before."""
    found: dict[str, Alert] = {}
    for record in read_to_end(settings, settings.alerts):
        alert = decode_alert(record)
        # what is no alert is the notifier's to reject
        if isinstance(alert, Alert) and alert.kind is AlertKind.COMPLAINT and alert.cause is Cause.EVENT:
            found[alert.alert_id] = alert
    return [alert for alert in found.values() if alert.heard is not None and occurred_ms(alert) >= since_ms]


def answered_complaints(
    settings: Settings, complaints: Sequence[Alert], actions: Mapping[str, Sequence[Action]], persons: Persons
) -> list[Complained]:
    """Complaints of persons, with what was done about each; ``actions``: of persons."""
    feedback = _feedback_of(settings) if complaints else _Feedback({}, {})
    found = []
    for alert in complaints:
        customer, heard = persons.customer_of(alert.customer_id), alert.heard
        ticket = "" if heard is None else heard.ticket_id or heard.feedback_id
        acted = [epoch_ms(action.occurred_at) for action in actions.get(customer, ())]
        ids = persons.ids_of(customer)
        told = [at_ms for own_id in ids for at_ms in feedback.resolved.get((own_id, ticket), ())]
        said = {event: one for own_id in ids for event, one in feedback.satisfied.get(own_id, {}).items()}
        found.append(Complained(customer, occurred_ms(alert), [*acted, *told], [*said.values()]))
    return found


class _Feedback(NamedTuple):
    """``resolved``: when tickets of customers were resolved. ``satisfied``: by customer and event, when and
    how much.
    """

    resolved: dict[tuple[str, str], list[int]]
    satisfied: dict[str, dict[str, tuple[int, float]]]


def _feedback_of(settings: Settings) -> _Feedback:
    found = _Feedback({}, {})
    decoder = Decoder.of(settings)
    records = events_to_end(settings, settings.topic_of(EventType.FEEDBACK))
    while batch := [*islice(records, _AT_ONCE)]:
        decoded = decoder.decode(EventType.FEEDBACK, batch)
        for event, at_ms in zip(decoded.contents, decoded.events["time"].tolist(), strict=True):
            said = cast("FeedbackEvent", event)
            if said.name == "resolved":
                found.resolved.setdefault((said.customer_id, said.ticket_id or said.event_id), []).append(at_ms)
            elif (told := satisfaction_of(said)) is not None:
                found.satisfied.setdefault(said.customer_id, {})[said.event_id] = (at_ms, told[0])
    return found


class PurchaseLog:
    """The orders of some customers, decoded as workers decode them: bad events and repeats do not count.

    ``customers``: of each id whose orders count the customer to whom it belongs. ``as_of_ms``: the newest
    order of any customer, as of the directory. Cancelled orders are taken out, refunds count where they fall.
    """

    def __init__(self, customers: Mapping[str, str], decoder: Decoder) -> None:
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
        orders = decoded.events["time"][decoded.events["kind"] == int(EventKind.ORDER_COMPLETED)]
        if len(orders):
            newest_ms = int(orders.max())
            self.as_of_ms = max(newest_ms, self.as_of_ms or newest_ms)
        came = (arrived_as(records[at].headers) for at in decoded.events["record"].tolist())
        ids = (own_id or customer for own_id, customer in zip(came, decoded.customer_ids, strict=True))
        owners = [self._customers.get(one) for one in ids]
        chosen = [row for row, owner in enumerate(owners) if owner is not None]
        self._book.add([owner for owner in owners if owner is not None], decoded.events[chosen])

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
