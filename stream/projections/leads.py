"""Who has been in touch with the shop and has not ordered, and how long it took others who were alike."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import ClassVar, Final, NamedTuple, cast

import msgspec

from stream.catalogue.events import EventKind, EventType
from stream.consent.agreements import DEFAULTS, ConsentDefault
from stream.consent.purposes import Purpose
from stream.events.decode import Decoder
from stream.events.model import ConsentEvent, Event, FeedbackEvent
from stream.events.record import Record
from stream.identity.departures import arrived_as
from stream.leads.lead_cohorts import Cells, count
from stream.leads.lead_contacts import LeadHistory, contact_of, is_news, meet, order, week_of
from stream.leads.signs import SILENT_WEEKS, Landmark, landmarks_of
from stream.projections.fold import Fold
from stream.projections.protocol import Folded, Reading, TakenOut
from stream.projections.surveys import is_invitation
from stream.projections.topic_inputs import ContentInput, EventInput, Happened, Told
from stream.settings import Settings

__all__ = ["LeadState", "Leads", "customer_in", "lead_key", "week_key"]

_WEEK: Final = "/"


#: What the shop did, and no contact of the person.
_OF_SHOP: Final[Mapping[EventType, Callable[[Event], bool]]] = {
    EventType.FEEDBACK: lambda event: isinstance(event, FeedbackEvent) and is_invitation(event)
}


class ProfilingSaid(msgspec.Struct, frozen=True, order=True, array_like=True):
    """That a person agreed to profiling, or took it back. The greater statement holds, as in `Agreements`."""

    at_ms: int
    is_withdrawn: bool


class LeadState(LeadHistory, omit_defaults=True):
    """Of a person: a `LeadHistory`. Of a week: how many were alike at its beginning.

    ``cells``: see `stream.leads.lead_cohorts`. ``week``: which one, None for a person. ``said``: what the person said
    last of profiling, None for nothing; ``said_straight``: the same of what came straight to the topic, which is not
    sent again. ``is_counted``: whether their landmarks are in the counts of weeks.
    """

    week: int | None = None
    cells: Cells = msgspec.field(default_factory=dict)
    said: ProfilingSaid | None = None
    is_counted: bool = True
    said_straight: ProfilingSaid | None = None

    @property
    def counted(self) -> dict[int, Landmark]:
        """The landmarks that are in the counts."""
        return landmarks_of(self) if self.is_counted else {}


#: The state of a customer who has none.
_NOBODY: Final = LeadState()


class _News(NamedTuple):
    """A contact in a week, or the order where there are no ``bits``."""

    week: int
    bits: int


class _Contacts(EventInput):
    """Events by person; no person has the key of a week."""

    def read(self, records: Sequence[Record]) -> Reading:
        reading = super().read(records)
        return reading._replace(keyed=[(lead_key(customer), message) for customer, message in reading.keyed])


class Stated(NamedTuple):
    """What somebody said; ``is_straight``: it did not come by the topic `arrivals`, and is not sent again."""

    told: Told
    is_straight: bool


class _Statements(ContentInput):
    """Events of consent by person."""

    def read(self, records: Sequence[Record]) -> Reading:
        reading = super().read(records)
        came = (arrived_as(records[position].headers) for position in reading.positions)
        return reading._replace(
            keyed=[
                (key, Stated(cast("Told", told), not own_id))
                for (key, told), own_id in zip(reading.keyed, came, strict=True)
            ]
        )


class Leads(Fold[LeadState]):
    """Contacts of each person before the first order, and counts of landmarks by week.

    Nothing is learned of who does not agree to profiling: the landmarks of a person who takes that back are taken out
    of the counts, and come back with a new agreement.

    Which landmarks a person has follows from the contacts and the order alone, those to come included. So the counts
    of a week are a sum over persons: when a person's change, the former ones are taken back. Neither the order of the
    events nor how often one comes matters. A label matures by the calendar, so no timer is needed.
    """

    name: ClassVar[str] = "leads"
    version: ClassVar[int] = 2
    state: ClassVar[type[LeadState]] = LeadState
    about: ClassVar[str] = "Who was in touch and has not ordered, and how many who were alike ordered, and when."
    why: ClassVar[str] = "to see who may order for the first time"
    key: ClassVar[str] = "customer, and week"

    def __init__(self, settings: Settings) -> None:
        decoder = Decoder.of(settings)
        default: ConsentDefault = "opt-in" if settings.consent_default == "opt-in" else "opt-out"
        self._is_allowed = Purpose.PROFILING in DEFAULTS[default]
        self.inputs = tuple(
            _Statements(event_type, settings.topic_of(event_type), decoder, _of_person, reports=False)
            if event_type is EventType.CONSENT
            else _Contacts(event_type, settings.topic_of(event_type), decoder, _OF_SHOP.get(event_type))
            for event_type in EventType
        )

    def release(self, customer_id: str) -> Iterable[tuple[str, object]]:
        return self.taken_out(customer_id)

    def reach(self, states: Mapping[str, LeadState], messages: Sequence[tuple[str, object]]) -> Iterable[str]:
        """The weeks whose counts may change."""
        gone = {key for key, message in messages if isinstance(message, TakenOut)}
        kept = {key: state for key, state in states.items() if key not in gone}
        news, said = _news(kept, messages), _said(messages)
        weeks = set[int]()
        for key in news.keys() | said.keys():
            lead = states.get(key, _NOBODY)
            # of who is taken out all may come again; of who agrees, or does no longer, all is counted or taken back
            is_all = key in gone or key in said or lead.is_counted != self._may(lead)
            weeks.update(_touched(lead, news.get(key, ()), is_all=is_all))
        for key in gone & states.keys():
            weeks.update(states[key].counted)
        return map(week_key, sorted(weeks))

    def fold(self, states: Mapping[str, LeadState], messages: Sequence[tuple[str, object]]) -> Folded:
        folded: dict[str, LeadState | None] = dict(states)
        begin = 0
        for end, (key, message) in enumerate(messages):
            if isinstance(message, TakenOut):
                self._meet_all(folded, messages[begin:end])
                if (lead := folded.get(key)) is not None:
                    _recount(folded, lead.counted, {})
                    # all else comes again
                    folded[key] = self._left_of(lead)
                begin = end + 1
        self._meet_all(folded, messages[begin:])
        return Folded(folded)

    def _left_of(self, lead: LeadState) -> LeadState | None:
        """What is kept of a person who is taken out."""
        if lead.said_straight is None:
            return None
        left = LeadState(lead.customer_id, said_straight=lead.said_straight)
        left.is_counted = self._may(left)
        return left

    def _may(self, lead: LeadState) -> bool:
        """Whether models may learn from a person, by all that was told so far."""
        said = [one for one in (lead.said, lead.said_straight) if one is not None]
        return not max(said).is_withdrawn if said else self._is_allowed

    def _meet_all(self, folded: dict[str, LeadState | None], messages: Sequence[tuple[str, object]]) -> None:
        """Take contacts, orders and agreements in."""
        news, said = _news(folded, messages), _said(messages)
        for key in dict.fromkeys([*news, *said]):
            lead = folded.get(key) or LeadState(key.removeprefix(_WEEK))
            before = lead.counted
            for one in news.get(key, ()):
                if one.bits:
                    meet(lead, one.week, one.bits)
                else:
                    order(lead, one.week)
            came, straight = said.get(key, (None, None))
            lead.said = _newer(lead.said, came)
            lead.said_straight = _newer(lead.said_straight, straight)
            lead.is_counted = self._may(lead)
            folded[key] = lead
            _recount(folded, before, lead.counted)

    def erase(self, customer_id: str) -> Iterable[str]:
        """Counts of weeks are of nobody alone."""
        return (lead_key(customer_id),)


def lead_key(customer_id: str) -> str:
    """The key of a person's state."""
    return _WEEK + customer_id if customer_id.startswith(_WEEK) else customer_id


def customer_in(key: str) -> str | None:
    """The person of a `lead_key`, None for the key of a week.

    >>> customer_in(lead_key("c-1")), customer_in(lead_key("/2931")), customer_in(week_key(2931))
    ('c-1', '/2931', None)
    """
    if not key.startswith(_WEEK):
        return key
    own = key.removeprefix(_WEEK)
    return own if own.startswith(_WEEK) else None


def week_key(week: int) -> str:
    """The key of the counts of a week."""
    return f"{_WEEK}{week}"


def _recount(
    folded: dict[str, LeadState | None], before: Mapping[int, Landmark], after: Mapping[int, Landmark]
) -> None:
    """Count the landmarks of a person ``after`` a change in place of those ``before``."""
    for week in before.keys() | after.keys():
        old, new = before.get(week), after.get(week)
        if old != new:
            of_week = folded.get(week_key(week)) or LeadState(week=week)
            if old is not None:
                count(of_week.cells, old, -1)
            if new is not None:
                count(of_week.cells, new, 1)
            folded[week_key(week)] = of_week if of_week.cells else None


def _news(states: Mapping[str, LeadState | None], messages: Sequence[tuple[str, object]]) -> dict[str, list[_News]]:
    """What is not remembered yet, by person; most events tell nothing new, as those of everybody who has ordered."""
    found: dict[str, list[_News]] = {}
    for key, message in messages:
        if isinstance(message, TakenOut | Stated):
            continue
        happened = cast("Happened", message)
        lead, week = states.get(key) or _NOBODY, week_of(happened.at_ms)
        if happened.type is EventType.PURCHASE:
            is_order = happened.kind == EventKind.ORDER_COMPLETED
            if is_order and (lead.ordered is None or week < lead.ordered):
                found.setdefault(key, []).append(_News(week, 0))
        else:
            bits = contact_of(happened.type, happened.kind, happened.at_ms)
            if is_news(lead, week, bits):
                found.setdefault(key, []).append(_News(week, bits))
    return found


def _said(messages: Sequence[tuple[str, object]]) -> dict[str, tuple[ProfilingSaid | None, ProfilingSaid | None]]:
    """The newest statement about profiling that came by `arrivals`, and straight, by person.

    Those about one channel say nothing of models.
    """
    found: dict[str, tuple[ProfilingSaid | None, ProfilingSaid | None]] = {}
    for key, message in messages:
        if not isinstance(message, Stated):
            continue
        event, at_ms, _ = message.told
        if isinstance(event, ConsentEvent) and (event.purpose, event.contact_channel) == (Purpose.PROFILING, None):
            said = ProfilingSaid(at_ms, event.name == "withdrawn")
            came, straight = found.get(key, (None, None))
            found[key] = (came, _newer(straight, said)) if message.is_straight else (_newer(came, said), straight)
    return found


def _newer(one: ProfilingSaid | None, other: ProfilingSaid | None) -> ProfilingSaid | None:
    return max((said for said in (one, other) if said is not None), default=None)


def _of_person(event: Event) -> Sequence[str]:
    return (lead_key(event.customer_id),)


def _touched(lead: LeadHistory, news: Sequence[_News], *, is_all: bool) -> range:
    """A range that has all weeks whose landmarks may change; ``is_all``: every one of the person may."""
    contacts = [one.week for one in news if one.bits]
    known = [*lead.weeks]
    if not known and not contacts:
        return range(0)
    # an order changes all of the person's, the earliest contact too, and any other those that come after it
    has_order = is_all or len(contacts) < len(news)
    begin = min(known + contacts) if has_order else min(contacts)
    return range(begin + 1, max(known + contacts) + SILENT_WEEKS + 1)
