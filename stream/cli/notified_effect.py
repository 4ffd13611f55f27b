"""What notifying achieves, of all notifications there are."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from stream.directory.purchase_queries import KnownPurchases
from stream.notifications.effect import EffectReport, exposures, report
from stream.notifications.effect_input import actions_of, moves_of, notifications_of, of_persons
from stream.settings import Settings
from stream.storage.horizon_desk import horizon_in_force
from stream.storage.person_ids import persons_of
from stream.storage.projection_desk import ProjectionDesk

__all__ = ["notified_effect"]


def notified_effect(settings: Settings, purchases_of: Callable[[Sequence[str]], KnownPurchases]) -> EffectReport:
    """The first comparison of ``stream effect``, with purchases that the directory knows.

    Customers whom it does not know do not count: who was erased would be one who ordered nothing. Reads the topics of
    notifications and actions to their present ends: a shop has some of them a day. Raises
    `TopologyError` for topics that are missing, `StorageError` when Redis is away.
    """
    told, acted = [*notifications_of(settings)], actions_of(settings)
    with ProjectionDesk(settings) as desk:
        persons = persons_of(desk, [*dict.fromkeys([*acted, *(one.customer_id for one in told)])])
    first, mixed = exposures(told, customer_of=persons.customer_of)
    actions = of_persons(acted, persons)
    known = purchases_of([one.customer_id for one in first])
    first = [one for one in first if one.customer_id in known.purchases]
    as_of_ms = known.as_of_ms if first else None
    return report(
        first, mixed, moves_of(known.purchases), actions, horizon_days=horizon_in_force(settings), as_of_ms=as_of_ms
    )
