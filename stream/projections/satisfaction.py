"""How satisfied and how loyal each customer is, by what they said."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, cast

import msgspec

from stream.events.decode import Decoder
from stream.events.kinds import EventType
from stream.events.model import Event, FeedbackEvent
from stream.projections.inputs import ContentInput, Told
from stream.projections.loyalty import FIRST_LOYALTY, Source, loyalty_after, satisfaction_of
from stream.projections.protocol import Description, Folded
from stream.settings import Settings

__all__ = ["HALF_LIFE_DAYS", "MAX_SAID", "Opinion", "Said", "Satisfaction"]

#: A score counts half as much after so long.
HALF_LIFE_DAYS: Final = 180
#: The newest feedback of a customer that is kept, to be shown and to know a repetition by.
MAX_SAID: Final = 50
#: Tickets and complaints that are open at the same time; beyond that the oldest are forgotten.
MAX_OPEN: Final = 50

_HALF_LIFE_MS: Final = HALF_LIFE_DAYS * 86_400_000
_OPENING: Final = frozenset({"complained", "asked"})


class Said(msgspec.Struct, omit_defaults=True):
    """One feedback. ``satisfaction``: in [0, 1], None if it tells none. ``loyalty``: after it. ``id``: a hash."""

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


class Opinion(msgspec.Struct):
    """What a customer thinks.

    ``total`` and ``weight``: sums of weighted satisfactions and of the weights, ``squares``: of the squared weights;
    all as of ``as_of_ms``, the newest satisfaction. ``scores``: how many were given on a scale, ``implied``: how many
    follow from the kind of the feedback alone. ``open``: when each ticket that is not resolved was opened, by its id;
    of complaints without one, by that of the event. ``said``: the newest, in the order of the topic.
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
    open: dict[str, int] = msgspec.field(default_factory=dict)
    said: list[Said] = msgspec.field(default_factory=list)

    @property
    def satisfaction(self) -> float | None:
        """The decayed mean, in [0, 1]; None if nothing told one."""
        return self.total / self.weight if self.weight > 0 else None

    @property
    def answers(self) -> float:
        """How many answers of equal weight would tell as much (Kish's effective sample size)."""
        return self.weight * self.weight / self.squares if self.squares > 0 else 0.0


class Satisfaction:
    """A decayed mean of scores on their scales, and the loyalty L(t+1) = L(t) + a (S(t) - L(t)).

    A feedback that was sent twice counts once, as long as the first is among the newest `MAX_SAID`. Loyalty follows the
    order of the topic; the mean goes by event time and does not depend on the order.
    """

    name: Final = "satisfaction"
    version: Final = 1
    state: Final = Opinion

    def __init__(self, settings: Settings) -> None:
        topic = settings.topic_of(EventType.FEEDBACK)
        self.inputs = (ContentInput(EventType.FEEDBACK, topic, Decoder.of(settings), _customer, reports=True),)

    def fold(self, states: Mapping[str, Opinion], messages: Sequence[tuple[str, object]]) -> Folded:
        folded = dict(states)
        for customer, message in messages:
            told = cast("Told", message)
            opinion = folded.get(customer)
            if opinion is None:
                opinion = folded[customer] = Opinion()
            if all(said.id != told.event_id for said in opinion.said):
                _hear(opinion, told, cast("FeedbackEvent", told.event))
        return Folded(folded)

    def erase(self, customer_id: str) -> Iterable[str]:
        return (customer_id,)

    def describe(self) -> Description:
        return Description(
            self.name,
            self.version,
            "How satisfied and how loyal each customer is, by their ratings, complaints and praise.",
            "customer",
            tuple(source.topic for source in self.inputs),
        )


def _customer(event: Event) -> Sequence[str]:
    return (event.customer_id,)


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
        _add(opinion, said.satisfaction, told.at_ms)
        opinion.loyalty = said.loyalty = loyalty_after(opinion.loyalty, said.satisfaction)
        opinion.scores += said.source == "score"
        opinion.implied += said.source == "kind"
    _note_ticket(opinion, told, event)
    opinion.said.append(said)
    del opinion.said[:-MAX_SAID]


def _add(opinion: Opinion, satisfaction: float, at_ms: int) -> None:
    """Add to the mean; what is there fades to the time of the newest."""
    ahead_ms = at_ms - opinion.as_of_ms
    weight = 1.0
    if ahead_ms > 0:
        faded = 0.5 ** (ahead_ms / _HALF_LIFE_MS)
        opinion.total *= faded
        opinion.weight *= faded
        opinion.squares *= faded * faded
        opinion.as_of_ms = at_ms
    else:
        weight = 0.5 ** (-ahead_ms / _HALF_LIFE_MS)
    opinion.total += weight * satisfaction
    opinion.weight += weight
    opinion.squares += weight * weight


def _note_ticket(opinion: Opinion, told: Told, event: FeedbackEvent) -> None:
    ticket = event.ticket_id or event.event_id
    opinion.complaints += event.name == "complained"
    if event.name in _OPENING and (event.ticket_id or event.name == "complained"):
        opinion.open.setdefault(ticket, told.at_ms)
        if len(opinion.open) > MAX_OPEN:
            del opinion.open[next(iter(opinion.open))]
    elif event.name == "resolved":
        opinion.resolved += 1
        opinion.open.pop(ticket, None)
