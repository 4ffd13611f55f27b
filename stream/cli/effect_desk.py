"""What notifying, answering and offering achieved, by the topics and the stored sums of offers."""

from __future__ import annotations

from typing import Final, NamedTuple

from stream.alerts.alert_records import AlertKind
from stream.cli.offer_effect_desk import effects_of_offers
from stream.cli.shop_writing import writing_of
from stream.events.decode import Decoder
from stream.notifications.complaint_effect import ComplaintEffect, complaint_effect
from stream.notifications.effect import Comparison, EffectReport, exposures, report
from stream.notifications.effect_input import (
    PurchaseLog,
    actions_of,
    answered_complaints,
    complaints_of,
    notifications_of,
    of_persons,
)
from stream.notifications.verdict import verdict
from stream.reporting.offer_effect import OfferEffect
from stream.settings import Settings
from stream.storage.horizon_desk import horizon_in_force
from stream.storage.person_ids import persons_of
from stream.storage.projection_desk import ProjectionDesk

__all__ = ["EffectFound", "effect_of"]

#: An answer within so long is a fast one, where there is no second alert about complaints.
_WITHIN_HOURS: Final = 24.0


class EffectFound(NamedTuple):
    """``report``: customers who were notified against those held out, and ``sentence`` says what came of it.

    ``complaints``: answered in time against later. ``complaint_alerts``: of alerts about complaints, customers who were
    notified against those held out. ``offers``: what each brought.
    """

    report: EffectReport
    sentence: str
    complaints: ComplaintEffect
    complaint_alerts: Comparison
    offers: list[OfferEffect]


def effect_of(settings: Settings, since_ms: int) -> EffectFound:
    """Compare over one horizon what followed alerts and complaints from ``since_ms`` on, to the topics' present ends.

    A person with several ids counts once. Raises `StorageError` and `TopologyError`.
    """
    notifications = [*notifications_of(settings)]
    acted, complained = actions_of(settings), complaints_of(settings, since_ms)
    ids = dict.fromkeys([*acted, *(one.customer_id for one in notifications), *(one.customer_id for one in complained)])
    with ProjectionDesk(settings) as desk:
        persons = persons_of(desk, [*ids])
    actions = of_persons(acted, persons)
    first, mixed = exposures(notifications, since_ms, customer_of=persons.customer_of)
    drawn, drawn_mixed = exposures(notifications, since_ms, AlertKind.COMPLAINT, persons.customer_of)
    complaints = answered_complaints(settings, complained, actions, persons)
    concerned = [(one.customer_id, one.at_ms) for one in (*first, *drawn)]
    concerned += [(one.customer_id, one.at_ms) for one in complaints]
    customers = {own_id: customer for customer, _ in concerned for own_id in persons.ids_of(customer)}
    purchases = PurchaseLog(customers, Decoder.of(settings))
    if concerned:
        purchases.read(settings, min(at_ms for _, at_ms in concerned))
    orders, as_of_ms, horizon_days = purchases.orders, purchases.as_of_ms, horizon_in_force(settings)
    found = report(first, mixed, orders, actions, horizon_days=horizon_days, as_of_ms=as_of_ms)
    of_complaints = report(drawn, drawn_mixed, orders, actions, horizon_days=horizon_days, as_of_ms=as_of_ms)
    writing = writing_of(settings)
    return EffectFound(
        report=found,
        sentence=verdict(found, writing.about),
        complaints=complaint_effect(
            complaints,
            orders,
            within_hours=settings.complaint_again_h or _WITHIN_HOURS,
            horizon_days=horizon_days,
            as_of_ms=as_of_ms,
        ),
        complaint_alerts=of_complaints.everyone,
        offers=effects_of_offers(settings, writing, since_ms),
    )
