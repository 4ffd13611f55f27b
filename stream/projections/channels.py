"""Where each customer comes from: visits, calls, complaints and all else they do beside the shop's site, by channel."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from types import MappingProxyType
from typing import ClassVar, Final, cast

import msgspec

from stream.alerts.alert_records import Alert
from stream.events.decode import Decoder
from stream.events.kinds import EventType
from stream.events.model import FeedbackEvent, InteractionEvent
from stream.projections.fold import Fold
from stream.projections.shop_time import shop_zone
from stream.projections.surveys import by_customer
from stream.projections.topic_inputs import ContentInput, Told
from stream.settings import Settings

__all__ = ["MAX_CHANNELS", "OTHER", "Channels", "Contacts"]

#: Channels of a customer that are told apart; all others count under `OTHER`.
MAX_CHANNELS: Final = 20
OTHER: Final = "other"

#: The channel of what happens on one only, where the event does not say.
_USUAL: Final = MappingProxyType(
    {
        "visited": "store",
        "met": "store",
        "called": "phone",
        "chatted": "chat",
        **dict.fromkeys(("liked", "commented", "shared", "followed", "mentioned"), "social"),
    }
)


class Contacts(msgspec.Struct):
    """How often, by what the customer did or said (``kinds``), by channel, and by hour of the shop's day (``0`` to
    ``23``). What names no channel, and may have come by any, is in no count of ``channels``.
    """

    kinds: dict[str, int] = msgspec.field(default_factory=dict)
    channels: dict[str, int] = msgspec.field(default_factory=dict)
    hours: dict[str, int] = msgspec.field(default_factory=dict)

    @property
    def shares(self) -> dict[str, float]:
        """The share of each channel, the preferred one first; of equal ones the first by name."""
        total = sum(self.channels.values())
        ordered = sorted(self.channels.items(), key=lambda one: (-one[1], one[0]))
        return {channel: count / total for channel, count in ordered}

    @property
    def preferred_hour(self) -> int | None:
        """The hour of most contacts; of equal ones the earliest. None: there was no contact."""
        return min(map(int, self.hours), key=lambda hour: (-self.hours[str(hour)], hour), default=None)


class Channels(Fold[Contacts]):
    """Counts of feedback and interactions. They commute, so the order matters only for channels beyond the limit.

    An event that was sent twice counts twice, unless it came by `arrivals`. Hours are those of ``shop_timezone``:
    rebuild after a change of it.
    """

    name: ClassVar = "channels"
    state: ClassVar = Contacts
    about: ClassVar = "What each customer did and said beside the shop's site, by kind, channel and hour of the day."
    why: ClassVar = "to show by what way a customer comes"

    def __init__(self, settings: Settings) -> None:
        decoder = Decoder.of(settings)
        self.inputs = tuple(
            ContentInput(of, settings.topic_of(of), decoder, by_customer, reports=of is EventType.INTERACTION)
            for of in (EventType.FEEDBACK, EventType.INTERACTION)
        )
        self._zone = shop_zone(settings)

    def release(self, customer_id: str) -> Iterable[tuple[str, object]]:
        return self.taken_out(customer_id)

    def fold_one(self, state: Contacts, message: Told, alerts: list[Alert]) -> Contacts:
        del alerts
        event = cast("FeedbackEvent | InteractionEvent", message.event)
        hour = datetime.fromtimestamp(message.at_ms / 1000, UTC).astimezone(self._zone).hour
        _count(state.kinds, event.name)
        _count(state.hours, str(hour))
        if channel := event.channel or _USUAL.get(event.name):
            is_known = channel in state.channels or len(state.channels) < MAX_CHANNELS
            _count(state.channels, channel if is_known else OTHER)
        return state


def _count(counts: dict[str, int], name: str) -> None:
    counts[name] = counts.get(name, 0) + 1
