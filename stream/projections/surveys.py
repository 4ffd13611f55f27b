"""Who was asked to answer a survey, and who did: what the share without an answer is computed from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import ClassVar, Final, NamedTuple, cast

import msgspec

from stream.events.decode import Decoder
from stream.events.kinds import EventType
from stream.events.model import Event, FeedbackEvent
from stream.projections.fold import Fold
from stream.projections.protocol import Folded, TakenOut
from stream.projections.topic_inputs import ContentInput, Told
from stream.settings import Settings

__all__ = [
    "SHOP",
    "Invitation",
    "Surveyed",
    "Surveys",
    "by_customer",
    "channel_key",
    "is_invitation",
    "product_key",
    "survey_key",
]

#: Surveys of a customer that are remembered; those asked first are forgotten.
MAX_SURVEYS: Final = 50
#: Channels that are named; further ones are counted under their keys only.
MAX_CHANNELS: Final = 50
#: Surveys of the shop that are named, those heard of last.
MAX_NAMED: Final = 100
#: The beginning of the keys of counts, and the key of those of the whole shop. A partition has its own part of each.
_COUNTS: Final = "/"
SHOP: Final = f"{_COUNTS}shop"


class Invitation(msgspec.Struct, omit_defaults=True):
    """A survey of a customer. ``asked_ms``, ``channel``, ``product_id``: of the first time they were asked; None: they
    were not. ``is_answered``: whether an answer has come, before or after that.
    """

    asked_ms: int | None = None
    channel: str = ""
    product_id: str = ""
    is_answered: bool = False


class Surveyed(msgspec.Struct, omit_defaults=True):
    """Of a customer: ``surveys``, by the id of the survey. Of the shop, a channel, product or survey: ``months``.

    ``months``: month (UTC) in which customers were asked -> how many were asked, and how many of them answered.
    ``channels``: of the shop, by which some were asked, so that one by which nobody answered is known.
    ``named``: of the shop, its surveys, and when the newest question or answer of each came (ms).
    """

    surveys: dict[str, Invitation] = msgspec.field(default_factory=dict)
    months: dict[str, list[int]] = msgspec.field(default_factory=dict)
    channels: list[str] = msgspec.field(default_factory=list)
    named: dict[str, int] = msgspec.field(default_factory=dict)


class _Counted(NamedTuple):
    keys: Sequence[str]
    channel: str
    month: str
    is_answered: bool


def is_invitation(event: FeedbackEvent) -> bool:
    """Whether the shop asked the customer, with a survey. Without one, or with a ticket, the customer asked the shop.

    >>> is_invitation(FeedbackEvent(event_id="e", customer_id="c", occurred_at=0.0, name="asked", survey_id="s-1"))
    True
    """
    return event.name == "asked" and event.survey_id is not None and event.ticket_id is None


def by_customer(event: Event) -> Sequence[str]:
    """The key of what a customer did: the customer; none for what the shop did."""
    is_of_shop = isinstance(event, FeedbackEvent) and is_invitation(event)
    return () if is_of_shop else (event.customer_id,)


class Surveys(Fold[Surveyed]):
    """Customers who were asked, and of those who answered, by the month in which they were asked.

    A customer counts once for each survey, however often they are asked or answer. What is counted follows from the
    customer's state, and is replaced when that changes; so neither the order of the events matters nor how often one
    comes, as long as a customer has at most `MAX_SURVEYS` surveys. The names of surveys and channels stay when the last
    customer is another one who was asked by them.
    """

    name: ClassVar = "surveys"
    version: ClassVar = 2
    state: ClassVar = Surveyed
    about: ClassVar = "How many customers were asked to answer a survey, and how many answered, by month."
    why: ClassVar = "to count who answers surveys"
    key: ClassVar = "customer; shop, channel, product and survey, in each partition"

    def __init__(self, settings: Settings) -> None:
        topic = settings.topic_of(EventType.FEEDBACK)
        self.inputs = (ContentInput(EventType.FEEDBACK, topic, Decoder.of(settings), _keys, reports=False),)

    def release(self, customer_id: str) -> Iterable[tuple[str, object]]:
        return self.taken_out(customer_id)

    def reach(self, states: Mapping[str, Surveyed], messages: Sequence[tuple[str, object]]) -> Iterable[str]:
        """The counts that may change: those of what is remembered, and of what is told now."""
        found = {SHOP}
        for key, message in messages:
            if isinstance(message, TakenOut):
                for survey, one in (states[key].surveys if key in states else {}).items():
                    found.update(_counts_of(survey, one.channel, one.product_id))
                continue
            event = cast("FeedbackEvent", cast("Told", message).event)
            survey = event.survey_id or ""
            found.update(_counts_of(survey, event.channel or "", event.product_id or ""))
            known = states.get(key)
            if known is not None and survey in known.surveys:
                one = known.surveys[survey]
                found.update(_counts_of(survey, one.channel, one.product_id))
        return sorted(found)

    def fold(self, states: Mapping[str, Surveyed], messages: Sequence[tuple[str, object]]) -> Folded:
        folded: dict[str, Surveyed | None] = dict(states)
        for key, message in messages:
            if isinstance(message, TakenOut):
                for survey, one in _state_of(folded, key).surveys.items():
                    _count(folded, _counted(survey, one), -1)
                folded[key] = None
                continue
            told = cast("Told", message)
            event = cast("FeedbackEvent", told.event)
            survey = event.survey_id or ""
            _name(_state_of(folded, SHOP).named, survey, told.at_ms)
            customer = _state_of(folded, key)
            one = customer.surveys.setdefault(survey, Invitation())
            before = _counted(survey, one)
            _hear(one, event, told.at_ms)
            after = _counted(survey, one)
            if before != after:
                _count(folded, before, -1)
                _count(folded, after, 1)
            if len(customer.surveys) > MAX_SURVEYS:
                del customer.surveys[min(customer.surveys, key=lambda of: (customer.surveys[of].asked_ms or 0, of))]
        return Folded(folded)

    def erase(self, customer_id: str) -> Iterable[str]:
        """Counts are of no customer alone."""
        return (_customer_key(customer_id),)


def channel_key(channel: str) -> str:
    """The key of the counts of those who were asked by a channel."""
    return f"{_COUNTS}channel:{channel}"


def product_key(product_id: str) -> str:
    """The key of the counts of those who were asked about a product."""
    return f"{_COUNTS}product:{product_id}"


def survey_key(survey_id: str) -> str:
    """The key of the counts of those who were asked to answer a survey."""
    return f"{_COUNTS}survey:{survey_id}"


def _customer_key(customer_id: str) -> str:
    """No customer has a key of counts."""
    return _COUNTS + customer_id if customer_id.startswith(_COUNTS) else customer_id


def _keys(event: Event) -> Sequence[str]:
    said = cast("FeedbackEvent", event)
    tells = said.survey_id is not None and said.name != "resolved" and (said.name != "asked" or is_invitation(said))
    return (_customer_key(said.customer_id),) if tells else ()


def _hear(one: Invitation, event: FeedbackEvent, at_ms: int) -> None:
    if not is_invitation(event):
        one.is_answered = True
        return
    # of two at the same time the choice must not depend on their order
    asked = (at_ms, event.channel or "", event.product_id or "")
    if one.asked_ms is None or asked < (one.asked_ms, one.channel, one.product_id):
        one.asked_ms, one.channel, one.product_id = asked


def _name(named: dict[str, int], survey_id: str, at_ms: int) -> None:
    """Remember a survey as long as it is among the newest; whatever the order, the same are remembered."""
    named[survey_id] = max(at_ms, named.get(survey_id, at_ms))
    if len(named) > MAX_NAMED:
        del named[min(named, key=lambda of: (named[of], of))]


def _counted(survey_id: str, one: Invitation) -> _Counted | None:
    if one.asked_ms is None:
        return None
    month = datetime.fromtimestamp(one.asked_ms / 1000, UTC).strftime("%Y-%m")
    return _Counted(_counts_of(survey_id, one.channel, one.product_id), one.channel, month, one.is_answered)


def _counts_of(survey_id: str, channel: str, product_id: str) -> list[str]:
    return [SHOP, survey_key(survey_id), channel_key(channel), *([product_key(product_id)] if product_id else [])]


def _state_of(folded: dict[str, Surveyed | None], key: str) -> Surveyed:
    state = folded.get(key)
    if state is None:
        state = folded[key] = Surveyed()
    return state


def _count(folded: dict[str, Surveyed | None], counted: _Counted | None, by: int) -> None:
    if counted is None:
        return
    named = _state_of(folded, SHOP).channels
    if counted.channel not in named and len(named) < MAX_CHANNELS:
        named.append(counted.channel)
        named.sort()
    for key in counted.keys:
        months = _state_of(folded, key).months
        counts = months.setdefault(counted.month, [0, 0])
        counts[0] += by
        counts[1] += by * counted.is_answered
        if not any(counts):
            del months[counted.month]
