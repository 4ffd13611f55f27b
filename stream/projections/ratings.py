"""How often each score was given, by month, channel, product and survey: what NPS, CSAT and CES are computed from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import ClassVar, Final, cast

import msgspec

from stream.alerts.alert_records import Alert
from stream.events.decode import Decoder
from stream.events.kinds import EventType
from stream.events.model import Event, FeedbackEvent
from stream.projections.fold import Fold
from stream.projections.loyalty import satisfaction_of
from stream.projections.surveys import is_invitation
from stream.projections.topic_inputs import ContentInput, Told
from stream.settings import Settings

__all__ = ["KIND", "MAX_MONTHS", "PRODUCT", "SHOP", "SURVEY", "Counts", "RatingTally", "Ratings"]

#: The newest months that are kept.
MAX_MONTHS: Final = 36
#: Other channels count under the last of these.
MAX_CHANNELS: Final = 50
OTHER: Final = "other"
#: The key of the whole shop, and the beginnings of that of a product and of a survey. A partition has its own part of
#: each.
SHOP: Final = "shop"
PRODUCT: Final = "product:"
SURVEY: Final = "survey:"

#: In place of a scale: complaints (a satisfaction of 0) and praise (1) without a score.
KIND: Final = "kind"

#: Score -> how often it was given.
Counts = dict[str, int]


class RatingTally(msgspec.Struct):
    """``months``: month (UTC, ``2026-01``) -> scale or `KIND` -> `Counts`. ``channels``: the same by channel.

    ``kinds``: month -> kind of feedback -> how many.
    """

    months: dict[str, dict[str, Counts]] = msgspec.field(default_factory=dict)
    channels: dict[str, dict[str, Counts]] = msgspec.field(default_factory=dict)
    kinds: dict[str, dict[str, int]] = msgspec.field(default_factory=dict)


class Ratings(Fold[RatingTally]):
    """Scores by month, channel, product and survey.

    Counts commute, so the order matters only for channels beyond the limit.
    A feedback that was sent twice counts twice, unless it came by `arrivals`; `satisfaction` has what counts once.
    """

    name: ClassVar = "ratings"
    version: ClassVar = 3
    state: ClassVar = RatingTally
    about: ClassVar = "How often each score was given, by month, channel, product and survey."
    why: ClassVar = "to count what customers say of products"
    key: ClassVar = f"shop ({SHOP}), product ({PRODUCT}ID) or survey ({SURVEY}ID), in each partition"

    def __init__(self, settings: Settings) -> None:
        topic = settings.topic_of(EventType.FEEDBACK)
        self.inputs = (ContentInput(EventType.FEEDBACK, topic, Decoder.of(settings), _keys, reports=False),)

    def release(self, customer_id: str) -> None:
        """Scores are of nobody alone."""

    def fold_one(self, state: RatingTally, message: Told, alerts: list[Alert]) -> RatingTally:
        del alerts
        _count(state, cast("FeedbackEvent", message.event), message.at_ms)
        return state

    def erase(self, customer_id: str) -> Iterable[str]:
        """Counts are of no customer alone."""
        del customer_id
        return ()


def _keys(event: Event) -> Sequence[str]:
    said = cast("FeedbackEvent", event)
    if is_invitation(said):
        return ()
    product = (f"{PRODUCT}{said.product_id}",) if said.product_id else ()
    survey = (f"{SURVEY}{said.survey_id}",) if said.survey_id else ()
    return (SHOP, *product, *survey)


def _count(tally: RatingTally, event: FeedbackEvent, at_ms: int) -> None:
    month = datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m")
    if not _has_place(tally, month):
        return
    kinds = tally.kinds.setdefault(month, {})
    kinds[event.name] = kinds.get(event.name, 0) + 1
    found = satisfaction_of(event)
    if found is None:
        return
    satisfaction, source = found
    if source == "kind" or event.scale is None or event.value is None:
        scale, value = KIND, f"{satisfaction:g}"
    else:
        scale, value = event.scale, f"{event.value:g}"
    channel = event.channel or ""
    if channel not in tally.channels and len(tally.channels) >= MAX_CHANNELS:
        channel = OTHER
    for of in (tally.months.setdefault(month, {}), tally.channels.setdefault(channel, {})):
        counts = of.setdefault(scale, {})
        counts[value] = counts.get(value, 0) + 1


def _has_place(tally: RatingTally, month: str) -> bool:
    """Whether a month is among the newest; the oldest goes when there are too many."""
    if month in tally.kinds:
        return True
    if len(tally.kinds) < MAX_MONTHS:
        return True
    oldest = min(tally.kinds)
    if month < oldest:
        return False
    del tally.kinds[oldest]
    tally.months.pop(oldest, None)
    return True
