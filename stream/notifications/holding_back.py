"""What is not sent although a rule wants it: somebody acted, it was told already, or the customer does not agree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from stream import metrics
from stream.alerts.alert_records import AlertKind
from stream.alerts.decoding import occurred_ms
from stream.consent.consented import Consented
from stream.notifications.actions import suppressing
from stream.notifications.config import Config, DeliveryChannel
from stream.notifications.notification_records import Suppression
from stream.notifications.waiting_line import Delivery
from stream.storage.notification_store import StoredCustomer

__all__ = ["held_back"]

#: Alerts that follow from a score of the customer. That a risk is over may be told: it takes a score back.
_BY_SCORES: Final = frozenset({AlertKind.RAISED, AlertKind.WINBACK, AlertKind.DROPPED})


def held_back(
    deliveries: Sequence[Delivery],
    known: Mapping[Delivery, StoredCustomer],
    consented: Consented,
    config: Config,
    channel: DeliveryChannel,
    now_ms: int,
) -> dict[Delivery, Suppression]:
    """Why each of those deliveries is not sent that are not."""
    found: dict[Delivery, Suppression] = {}
    for delivery in deliveries:
        alert = delivery.alert
        if suppressing(alert, occurred_ms(alert), known[delivery].actions, config.actions) is not None:
            found[delivery] = Suppression.ACTION
        elif alert.kind is AlertKind.RAISED and known[delivery].is_told_as_other:
            found[delivery] = Suppression.TOLD
        elif not _agrees(delivery, consented, channel, now_ms):
            found[delivery] = Suppression.CONSENT
            metrics.CONSENT_REFUSALS.labels("notification").inc()
    return found


def _agrees(delivery: Delivery, consented: Consented, channel: DeliveryChannel, now_ms: int) -> bool:
    customer, asked = delivery.alert.customer_id, channel.consent
    if delivery.alert.kind in _BY_SCORES and not consented.may_score(customer, now_ms):
        return False
    return asked is None or bool(consented.may(customer, asked.purpose, asked.channel, now_ms))
