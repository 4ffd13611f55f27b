"""How satisfied and how loyal each customer is, by what they said."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, Final, cast

import msgspec

from stream.alerts.alert_records import Alert
from stream.alerts.feedback_alerts import dropped, heard_of
from stream.alerts.intervals import Interval, share
from stream.catalogue.windows import DAY_MS
from stream.events.decode import Decoder
from stream.events.kinds import EventType
from stream.events.model import FeedbackEvent
from stream.projections.fold import Fold
from stream.projections.loyalty import FIRST_LOYALTY, Source, loyalty_after, satisfaction_of
from stream.projections.surveys import by_customer
from stream.projections.topic_inputs import ContentInput, Told
from stream.settings import Settings

__all__ = ["HALF_LIFE_DAYS", "MAX_SAID", "Opinion", "Said", "Satisfaction"]

#: A score counts half as much after so long.
HALF_LIFE_DAYS: Final = 180
#: The newest feedback of a customer that is kept, to be shown and to know a repetition by.
MAX_SAID: Final = 50
#: The satisfaction of a complaint that counted 0 until it was resolved.
RESOLVED: Final = 0.5

HALF_LIFE_MS: Final = HALF_LIFE_DAYS * DAY_MS


class Said(msgspec.Struct, omit_defaults=True):
    """One feedback. ``satisfaction``: in [0, 1], None if it tells none. ``loyalty``: after it. ``id``: a hash.

    ``ticket``: of a complaint without a score what its resolution names, of a resolution what it closes.
    """

    id: int
    at_ms: int
    name: str
    scale: str | None = None
    value: float | None = None
    satisfaction: float | None = None
    source: Source | None = None
    loyalty: float | None = None
    product_id: str | None = None
    channel: str | None = None
    ticket: str | None = None


class Opinion(msgspec.Struct):
    """What a customer thinks.

    ``total`` and ``weight``: sums of weighted satisfactions and of the weights, ``squares``: of the squared weights;
    all as of ``as_of_ms``, the newest satisfaction. ``scores``: how many were given on a scale, ``implied``: how many
    follow from the kind of the feedback alone. ``is_satisfied``: whether the mean has been high since it was low last.
    ``said``: the newest, in the order of the topic.
    """

    loyalty: float = FIRST_LOYALTY
    total: float = 0.0
    weight: float = 0.0
    squares: float = 0.0
    as_of_ms: int = 0
    scores: int = 0
    implied: int = 0
    complaints: int = 0
    resolved: int = 0
    is_satisfied: bool = False
    said: list[Said] = msgspec.field(default_factory=list)

    @property
    def satisfaction(self) -> float | None:
        """The decayed mean, in [0, 1]; None if nothing told one."""
        return self.total / self.weight if self.weight > 0 else None

    @property
    def interval(self) -> Interval:
        """The mean with Wilson's 95 % interval, for as many answers as the weights tell."""
        return share((self.satisfaction or 0.0) * self.answers, self.answers)

    @property
    def answers(self) -> float:
        """How many answers of equal weight would tell as much (Kish's effective sample size)."""
        return self.weight * self.weight / self.squares if self.squares > 0 else 0.0

    def add(self, satisfaction: float, at_ms: int) -> None:
        """Add to the mean; what is there fades to the time of the newest."""
        ahead_ms = at_ms - self.as_of_ms
        weight = 1.0
        if ahead_ms > 0:
            faded = 0.5 ** (ahead_ms / HALF_LIFE_MS)
            self.total *= faded
            self.weight *= faded
            self.squares *= faded * faded
            self.as_of_ms = at_ms
        else:
            weight = 0.5 ** (-ahead_ms / HALF_LIFE_MS)
        self.total += weight * satisfaction
        self.weight += weight
        self.squares += weight * weight


class Satisfaction(Fold[Opinion]):
    """A decayed mean of scores on their scales, and the loyalty L(t+1) = L(t) + a (S(t) - L(t)).

    A feedback that was sent twice counts once, as long as the first is among the newest `MAX_SAID`. Loyalty follows the
    order of the topic; the mean goes by event time and does not depend on the order. A complaint without a score counts
    0, and `RESOLVED` once its ticket is resolved. An alert tells when a satisfied customer is not any more.
    """

    name: ClassVar = "satisfaction"
    version: ClassVar = 3
    state: ClassVar = Opinion
    about: ClassVar = "How satisfied and how loyal each customer is, by their ratings, complaints and praise."
    why: ClassVar = "to know how satisfied a customer is"

    def __init__(self, settings: Settings) -> None:
        topic = settings.topic_of(EventType.FEEDBACK)
        self.inputs = (ContentInput(EventType.FEEDBACK, topic, Decoder.of(settings), by_customer, reports=True),)
        self._satisfied_from = settings.satisfied_from
        self._dropped_below = settings.dropped_below

    def release(self, customer_id: str) -> Iterable[tuple[str, object]]:
        return self.taken_out(customer_id)

    def fold_one(self, state: Opinion, message: Told, alerts: list[Alert]) -> Opinion:
        event = cast("FeedbackEvent", message.event)
        if any(said.id == message.event_id for said in state.said):
            return state
        _hear(state, message, event)
        mean = state.satisfaction
        if mean is not None and mean >= self._satisfied_from:
            state.is_satisfied = True
        elif mean is not None and mean < self._dropped_below and state.is_satisfied:
            state.is_satisfied = False
            answers = state.scores + state.implied
            heard = heard_of(event, message.at_ms)
            alerts.append(dropped(event.customer_id, heard, message.at_ms, state.interval, answers))
        return state


def _hear(opinion: Opinion, told: Told, event: FeedbackEvent) -> None:
    said = Said(
        told.event_id,
        told.at_ms,
        event.name,
        event.scale,
        event.value,
        product_id=event.product_id,
        channel=event.channel,
    )
    found = satisfaction_of(event)
    if found is not None:
        said.satisfaction, said.source = found
        opinion.loyalty = said.loyalty = loyalty_after(opinion.loyalty, said.satisfaction)
        opinion.scores += said.source == "score"
        opinion.implied += said.source == "kind"
    if event.name == "complained":
        opinion.complaints += 1
        if said.source == "kind":
            said.ticket = event.ticket_id or event.event_id
            # its resolution may have come before it
            if any(one.name == "resolved" and _closes(one, said) for one in opinion.said):
                said.satisfaction = RESOLVED
    elif event.name == "resolved":
        opinion.resolved += 1
        said.ticket = event.ticket_id or event.event_id
        _resolve(opinion, said)
    if said.satisfaction is not None:
        opinion.add(said.satisfaction, told.at_ms)
    opinion.said.append(said)
    del opinion.said[:-MAX_SAID]


def _closes(resolution: Said, complaint: Said) -> bool:
    """Whether a complaint came before the resolution of its ticket; one that came after it is a new one."""
    return resolution.ticket == complaint.ticket and complaint.at_ms <= resolution.at_ms


def _resolve(opinion: Opinion, resolution: Said) -> None:
    """What was complained of under this ticket counts `RESOLVED` from now on; loyalty stays as it is."""
    for said in opinion.said:
        if said.name == "complained" and said.satisfaction == 0.0 and _closes(resolution, said):
            said.satisfaction = RESOLVED
            opinion.total += RESOLVED * 0.5 ** ((opinion.as_of_ms - said.at_ms) / HALF_LIFE_MS)
