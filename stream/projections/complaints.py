"""Which complaints and questions of each customer wait for an answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, Final, cast

import msgspec

from stream.alerts.action_records import ActionKind
from stream.alerts.alert_records import Alert, Heard
from stream.alerts.feedback_alerts import complaint, heard_of
from stream.catalogue.windows import HOUR_MS
from stream.events.decode import Decoder
from stream.events.kinds import EventType
from stream.events.model import Event, FeedbackEvent
from stream.projections.fold import Fold
from stream.projections.topic_inputs import Acted, ActionInput, ContentInput, Told
from stream.settings import Settings

__all__ = ["COMPLAINED", "MAX_CASES", "Case", "Cases", "Complaints"]

#: Open cases of a customer that are kept, and closed ones that are remembered; the oldest are forgotten.
MAX_CASES: Final = 50
#: The name of a complaint; other cases are questions.
COMPLAINED: Final = "complained"


class Case(msgspec.Struct, frozen=True):
    """A complaint or question (``name``) that nobody has resolved. ``at_ms``: when it came."""

    name: str
    at_ms: int
    heard: Heard


class Cases(msgspec.Struct, omit_defaults=True):
    """``open``: the newest complaint or question of each ticket, by its id, or that of the event where there is none.

    ``closed_ms``: when tickets were closed.

    ``acted_ms``: the latest action of people about the customer. ``resolved_ms``: the latest that says that all is
    resolved; what came before it is closed.
    """

    customer_id: str = ""
    open: dict[str, Case] = msgspec.field(default_factory=dict)
    closed_ms: dict[str, int] = msgspec.field(default_factory=dict)
    acted_ms: int = 0
    resolved_ms: int = 0

    def absorb(self, other: Cases) -> None:
        """Add what came and was done under another id of the same person."""
        self.acted_ms, self.resolved_ms = max(self.acted_ms, other.acted_ms), max(self.resolved_ms, other.resolved_ms)
        for ticket, at_ms in other.closed_ms.items():
            self.closed_ms[ticket] = max(at_ms, self.closed_ms.get(ticket, 0))
        newest = {**other.open, **self.open}
        for ticket, case in other.open.items():
            if case.at_ms > newest[ticket].at_ms:
                newest[ticket] = case
        self.open = {
            ticket: case
            for ticket, case in newest.items()
            if case.at_ms > max(self.closed_ms.get(ticket, 0), self.resolved_ms)
        }

    @property
    def unanswered(self) -> dict[str, Case]:
        """Complaints since which nobody has acted."""
        complaints = ((ticket, case) for ticket, case in self.open.items() if case.name == COMPLAINED)
        return {ticket: case for ticket, case in complaints if case.at_ms > self.acted_ms}


class Complaints(Fold[Cases]):
    """Open cases, from feedback and from what people do; an alert when a complaint comes, and when nobody acts on it.

    The order of the inputs does not matter to the state, and that of events only beyond `MAX_CASES`: what is closed is
    closed for good, whichever comes first. An alert repeats in a rebuild with the same id.
    """

    name: ClassVar = "complaints"
    state: ClassVar = Cases
    about: ClassVar = "Which complaints and questions of each customer nobody has resolved, and when people acted last."
    why: ClassVar = "to answer every complaint"
    is_timed: ClassVar = True

    def __init__(self, settings: Settings) -> None:
        topic, decoder = settings.topic_of(EventType.FEEDBACK), Decoder.of(settings)
        self.inputs = (
            ContentInput(EventType.FEEDBACK, topic, decoder, _customer, reports=False),
            ActionInput.of(settings, responses_only=True),
        )
        self._again_ms = round(settings.complaint_again_h * HOUR_MS)

    def release(self, customer_id: str) -> None:
        """What people did about a complaint is not sent again, so a complaint stays where it was made.

        A complaint that came again would be told again. Readers add the cases of all ids of a person (`Cases.absorb`).
        """

    def fold_one(self, state: Cases, message: Told | Acted, alerts: list[Alert]) -> Cases:
        if isinstance(message, Acted):
            state.customer_id = message.action.customer_id
            _act(state, message)
            return state
        event = cast("FeedbackEvent", message.event)
        state.customer_id = event.customer_id
        ticket = event.ticket_id or event.event_id
        if event.name == "resolved":
            _close(state, ticket, message.at_ms)
        elif message.at_ms > _newest_ms(state, ticket):
            case = state.open[ticket] = Case(event.name, message.at_ms, heard_of(event, message.at_ms))
            if len(state.open) > MAX_CASES:
                del state.open[min(state.open, key=lambda one: (state.open[one].at_ms, one))]
            if event.name == COMPLAINED:
                alerts.append(complaint(state.customer_id, case.heard, case.at_ms))
        return state

    def timers(self, state: Cases) -> Mapping[str, int]:
        if not self._again_ms:
            return {}
        return {ticket: case.at_ms + self._again_ms for ticket, case in state.unanswered.items()}

    def fire(self, key: str, state: Cases, timer: str) -> Sequence[Alert]:
        case = state.unanswered.get(timer)
        return () if case is None else (complaint(key, case.heard, case.at_ms, self._again_ms),)


def _customer(event: Event) -> Sequence[str]:
    said = cast("FeedbackEvent", event)
    is_case = said.name in {COMPLAINED, "resolved"} or (said.name == "asked" and said.ticket_id is not None)
    return (event.customer_id,) if is_case else ()


def _newest_ms(state: Cases, ticket: str) -> int:
    """Until when what is said under a ticket is known or over."""
    at_ms = state.open[ticket].at_ms if ticket in state.open else 0
    return max(at_ms, state.closed_ms.get(ticket, 0), state.resolved_ms)


def _act(state: Cases, acted: Acted) -> None:
    state.acted_ms = max(state.acted_ms, acted.at_ms)
    if acted.action.action is ActionKind.RESOLVED and acted.at_ms > state.resolved_ms:
        state.resolved_ms = acted.at_ms
        state.open = {ticket: case for ticket, case in state.open.items() if case.at_ms > acted.at_ms}


def _close(state: Cases, ticket: str, at_ms: int) -> None:
    state.closed_ms[ticket] = max(at_ms, state.closed_ms.get(ticket, 0))
    if len(state.closed_ms) > MAX_CASES:
        del state.closed_ms[min(state.closed_ms, key=lambda one: (state.closed_ms[one], one))]
    if ticket in state.open and state.open[ticket].at_ms <= at_ms:
        del state.open[ticket]
