"""What notifying achieves: customers who were notified compared with those who were deliberately not.

Both groups are made of customers whose alert would have been sent; a random draw alone decided. The notified group
counts as it was meant, deliveries that failed included: leaving them out would compare customers who differ in more
than the draw. A customer counts once, from the first such alert on.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple

from stream.alerts.action_records import Action, ActionKind
from stream.alerts.alert_records import AlertKind
from stream.alerts.intervals import Interval, mean_difference, share, share_difference
from stream.events.times import epoch_ms
from stream.notifications.notification_records import Arm, DeliveryOutcome, Notification

__all__ = ["MIN_CUSTOMERS", "Comparison", "EffectReport", "Exposure", "Group", "MoneyMove", "exposures", "report"]

#: Groups smaller than this give a warning: their differences may be chance.
MIN_CUSTOMERS: Final = 100
#: The normal approximations behind the intervals want about so many who did and who did not order.
MIN_ORDERED: Final = 5

#: What became of a customer's order: time (ms) and net amount in the base currency.
Orders = Mapping[str, Sequence["MoneyMove"]]


class MoneyMove(NamedTuple):
    """Something that moved money: an order (``is_order``) or a refund, with a negative amount."""

    at_ms: int
    amount: float
    is_order: bool


class Exposure(NamedTuple):
    """A customer's first alert that would have been sent.

    ``at_ms``: when it was first delivered, or would have been: earlier orders do not count. ``failed``: it was
    delivered on no channel.
    """

    customer_id: str
    alert_id: str
    arm: Arm
    at_ms: int
    segment: str
    channels: frozenset[str]
    failed: bool


@dataclass(frozen=True, slots=True)
class Group:
    """One arm of a comparison. ``actions``: customers for whom each action was recorded within the horizon."""

    customers: int
    ordered: Interval
    orders: int
    spend: float
    actions: Mapping[ActionKind, int]


@dataclass(frozen=True, slots=True)
class Comparison:
    """``ordered`` and ``spend``: notified less held out, per customer. ``warnings``: why to read them with care."""

    notified: Group
    held_out: Group
    ordered: Interval
    spend: Interval
    warnings: Sequence[str]


@dataclass(frozen=True, slots=True)
class EffectReport:
    """Everything together, by segment and by channel.

    ``pending``: customers whose horizon is not over; ``mixed``: customers who were in both groups and count in none;
    ``failed``: customers of the notified group whose delivery failed. ``as_of_ms``: of the newest order.
    """

    horizon_days: float
    as_of_ms: int | None
    everyone: Comparison
    by_segment: Mapping[str, Comparison]
    by_channel: Mapping[str, Comparison]
    pending: int
    mixed: int
    failed: int


def exposures(
    told: Iterable[Notification],
    since_ms: int = 0,
    kind: AlertKind = AlertKind.RAISED,
    customer_of: Callable[[str], str] = str,
) -> tuple[list[Exposure], int]:
    """First exposure of each customer, and how many customers were in both groups.

    ``since_ms``: alerts that occurred before do not count, nor do those of another ``kind``. ``customer_of``: to whom
    an id belongs, so that a person counts once, under whichever ids alerts were.
    """
    found: dict[tuple[str, str], Exposure] = {}
    for record in told:
        if record.arm is None or record.channel is None or record.kind is not kind:
            continue
        occurred_ms = epoch_ms(datetime.fromisoformat(record.occurred_at))
        if occurred_ms < since_ms:
            continue
        customer = customer_of(record.customer_id)
        new = Exposure(
            customer,
            record.alert_id,
            record.arm,
            max(epoch_ms(datetime.fromisoformat(record.at)), occurred_ms),
            record.segment or "none",
            frozenset([record.channel]),
            record.outcome is DeliveryOutcome.FAILED,
        )
        same = (customer, record.alert_id)
        found[same] = new if same not in found else _joined(found[same], new)
    firsts: dict[str, Exposure] = {}
    mixed: set[str] = set()
    for exposure in sorted(found.values(), key=lambda item: item.at_ms):
        first = firsts.setdefault(exposure.customer_id, exposure)
        if first.arm is not exposure.arm:
            mixed.add(exposure.customer_id)
    return [first for customer, first in firsts.items() if customer not in mixed], len(mixed)


def _joined(known: Exposure, other: Exposure) -> Exposure:
    """One alert on several channels: from the first delivery on, unless none of them arrived."""
    if known.failed is not other.failed:  # what failed was not seen
        delivered = other if known.failed else known
        return delivered._replace(channels=known.channels | other.channels)
    return known._replace(at_ms=min(known.at_ms, other.at_ms), channels=known.channels | other.channels)


def report(
    first: Sequence[Exposure],
    mixed: int,
    orders: Orders,
    actions: Mapping[str, Sequence[Action]],
    *,
    horizon_days: float,
    as_of_ms: int | None,
) -> EffectReport:
    """Compare the groups over `horizon_days` after the delivery; customers whose horizon ends after `as_of_ms` wait."""
    horizon_ms = round(horizon_days * 86_400_000)
    over = [item for item in first if as_of_ms is not None and item.at_ms + horizon_ms <= as_of_ms]
    segments = sorted({item.segment for item in over})
    channels = sorted({channel for item in over for channel in item.channels})
    return EffectReport(
        horizon_days=horizon_days,
        as_of_ms=as_of_ms,
        everyone=_compare(over, orders, actions, horizon_ms),
        by_segment={
            name: _compare([item for item in over if item.segment == name], orders, actions, horizon_ms)
            for name in segments
        },
        by_channel={
            name: _compare([item for item in over if name in item.channels], orders, actions, horizon_ms)
            for name in channels
        },
        pending=len(first) - len(over),
        mixed=mixed,
        failed=sum(item.failed for item in over),
    )


def _compare(
    exposed: Sequence[Exposure], orders: Orders, actions: Mapping[str, Sequence[Action]], horizon_ms: int
) -> Comparison:
    groups, spends = {}, {}
    for arm in Arm:
        members = [item for item in exposed if item.arm is arm]
        groups[arm], spends[arm] = _group(members, orders, actions, horizon_ms)
    notified, held_out = groups[Arm.NOTIFIED], groups[Arm.HELD_OUT]
    return Comparison(
        notified,
        held_out,
        share_difference(notified.orders, notified.customers, held_out.orders, held_out.customers),
        mean_difference(spends[Arm.NOTIFIED], spends[Arm.HELD_OUT]),
        _warnings(groups),
    )


def _group(
    members: Sequence[Exposure], orders: Orders, actions: Mapping[str, Sequence[Action]], horizon_ms: int
) -> tuple[Group, list[float]]:
    spends, ordered = [], 0
    counts = dict.fromkeys(ActionKind, 0)
    for member in members:
        span = range(member.at_ms + 1, member.at_ms + horizon_ms + 1)
        within = [order for order in orders.get(member.customer_id, ()) if order.at_ms in span]
        ordered += any(order.is_order for order in within)
        spends.append(sum(order.amount for order in within))
        kinds = {
            action.action for action in actions.get(member.customer_id, ()) if epoch_ms(action.occurred_at) in span
        }
        for kind in kinds:
            counts[kind] += 1
    mean = sum(spends) / len(spends) if spends else 0.0
    return Group(len(members), share(ordered, len(members)), ordered, mean, counts), spends


def _warnings(groups: Mapping[Arm, Group]) -> list[str]:
    warnings = []
    for arm, group in groups.items():
        name = arm.replace("_", " ")
        if group.customers < MIN_CUSTOMERS:
            warnings.append(f"only {group.customers} customers {name}: at least {MIN_CUSTOMERS} are needed")
        elif min(group.orders, group.customers - group.orders) < MIN_ORDERED:
            warnings.append(f"only {group.orders} of {group.customers} customers {name} ordered: the interval is rough")
    return warnings
