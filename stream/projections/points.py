"""What customers earned, were given and spent in points: facts, to which the rules are applied when they are read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, cast

from stream.catalogue.events import EVENT_NAMES, EventKind, EventType
from stream.events.columns import MONEY_SCALE, UNKNOWN_AMOUNT
from stream.events.decode import Decoder
from stream.events.kinds import KIND_OF
from stream.events.model import Event, InteractionEvent, PurchaseEvent
from stream.events.times import epoch_ms
from stream.points.account import PointEvent, PointOrder, PointsAccount, lines_of
from stream.points.point_records import PointsMovement
from stream.projections.fold import Fold
from stream.projections.order_input import OrderInput, ToldOrder
from stream.projections.protocol import Folded
from stream.projections.topic_inputs import ContentInput, JsonInput, Told
from stream.settings import Settings

__all__ = ["Points"]


class Points(Fold[PointsAccount]):
    """Orders of each customer, what they said and did elsewhere, and points that were given and spent, by their ids.

    Neither the order of records matters nor how often one comes. Points expire when nothing comes, so they are counted
    when they are read (`stream.points.statement`), by the rules of that time; no timer is needed.
    """

    name: ClassVar[str] = "points"
    state: ClassVar[type[PointsAccount]] = PointsAccount
    about: ClassVar[str] = (
        "Orders, feedback and interactions of each customer, and points that were given and spent, from which balances"
        " follow."
    )
    why: ClassVar[str] = "to know what points a customer has"

    def __init__(self, settings: Settings) -> None:
        decoder = Decoder.of(settings)
        beside = (EventType.FEEDBACK, EventType.INTERACTION)
        self.inputs = (
            OrderInput(settings.topic_of(EventType.PURCHASE), decoder),
            JsonInput(settings.points, PointsMovement, lambda movement: movement.customer_id),
            *(ContentInput(of, settings.topic_of(of), decoder, _customer_of, reports=False) for of in beside),
        )

    def release(self, customer_id: str) -> None:
        """Facts stay with the id under which they came first, and readers add the accounts of all ids of a person.

        Of a long history only the newest part comes again, and nobody loses points because two ids are joined or taken
        apart.
        """

    def fold(self, states: Mapping[str, PointsAccount], messages: Sequence[tuple[str, object]]) -> Folded:
        folded = dict(states)
        for key, message in messages:
            account = folded.setdefault(key, PointsAccount())
            if isinstance(message, PointsMovement):
                account.move(message, epoch_ms(message.occurred_at))
                continue
            if isinstance(message, Told):
                account.happen(f"{message.event_id:x}", PointEvent(message.at_ms, _kind_of(message.event)))
                continue
            told = cast("ToldOrder", message)
            lines = _converted(told.event, told.amount)
            order = account.orders.setdefault(told.order_id, PointOrder())
            order.take(told.kind, told.event_id, told.at_ms, told.amount)
            # told again with other lines, those count that cost most, whatever came first
            if told.kind is EventKind.ORDER_COMPLETED and _weight(lines) > _weight(order.lines):
                order.lines = lines
        for key, _ in messages:
            folded[key].forget_old()
        return Folded(folded)


def _customer_of(event: Event) -> Sequence[str]:
    return (event.customer_id,)


def _kind_of(event: Event) -> str:
    of = EventType.INTERACTION if isinstance(event, InteractionEvent) else EventType.FEEDBACK
    return EVENT_NAMES[KIND_OF[of, str(cast("Any", event).name)]].kind


def _weight(lines: Mapping[str, int]) -> tuple[int, list[tuple[str, int]]]:
    return sum(lines.values()), sorted(lines.items())


def _converted(event: PurchaseEvent, amount: int) -> dict[str, int]:
    """What lines cost, in the base currency of ``amount``."""
    lines = lines_of(event.items)
    own = 0 if event.amount is None else round(event.amount * MONEY_SCALE)
    if amount == UNKNOWN_AMOUNT or amount <= 0 or own <= 0 or own == amount:
        return lines
    return {category: cost * amount // own for category, cost in lines.items()}
