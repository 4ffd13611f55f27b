"""What notifying achieves, of all notifications there are."""

from __future__ import annotations

from stream.events.decode import Decoder
from stream.notifications.effect import EffectReport, exposures, report
from stream.notifications.effect_input import PurchaseLog, actions_of, notifications_of
from stream.settings import Settings
from stream.storage.horizon_desk import horizon_in_force

__all__ = ["notified_effect"]


def notified_effect(settings: Settings) -> EffectReport:
    """The first comparison of ``stream effect``; reads topics to their present ends.

    Raises `TopologyError` for topics that are missing, `StorageError` when Redis is away.
    """
    first, mixed = exposures([*notifications_of(settings)], 0)
    actions = actions_of(settings)
    purchases = PurchaseLog(frozenset(one.customer_id for one in first), Decoder.of(settings))
    if first:
        purchases.read(settings, min(one.at_ms for one in first))
    horizon_days = horizon_in_force(settings)
    return report(first, mixed, purchases.orders, actions, horizon_days=horizon_days, as_of_ms=purchases.as_of_ms)
