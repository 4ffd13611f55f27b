"""What each customer agreed to, and took back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from stream.alerts.alert_records import Alert
from stream.consent.agreements import Agreements, Statement
from stream.consent.purposes import EMAIL, Purpose
from stream.events.decode import Decoder
from stream.events.kinds import EventType
from stream.events.model import ConsentEvent, EmailEvent, Event
from stream.identity.alias import WITHDRAWING_EMAILS
from stream.projections.fold import Fold
from stream.projections.topic_inputs import ContentInput, Told
from stream.settings import Settings

__all__ = ["Consents"]


class Consents(Fold[Agreements]):
    """Statements of consent events; an e-mail that is unsubscribed or reported as spam takes marketing by e-mail back.

    The order of the inputs and of events does not matter, nor does it how often one comes.
    """

    name: ClassVar = "consents"
    state: ClassVar = Agreements
    about: ClassVar = "What each customer agreed to and took back, for what and by which channel, when and where."

    def __init__(self, settings: Settings) -> None:
        decoder = Decoder.of(settings)
        self.inputs = (
            ContentInput(EventType.CONSENT, settings.topic_of(EventType.CONSENT), decoder, _customer, reports=True),
            ContentInput(EventType.EMAIL, settings.topic_of(EventType.EMAIL), decoder, _customer, reports=False),
        )

    def release(self, customer_id: str) -> Iterable[tuple[str, object]]:
        return self.taken_out(customer_id)

    def fold_one(self, state: Agreements, message: Told, alerts: list[Alert]) -> Agreements:
        del alerts
        event = message.event
        if isinstance(event, ConsentEvent):
            said = Statement(
                at_ms=message.at_ms,
                is_withdrawn=event.name == "withdrawn",
                event_id=event.event_id,
                event=f"{EventType.CONSENT} {event.name}",
                source=event.source or event.channel or "",
                version=event.version or "",
                text=event.text or "",
            )
            state.add(Purpose(event.purpose), event.contact_channel, said)
        else:
            said = Statement(
                at_ms=message.at_ms,
                is_withdrawn=True,
                event_id=event.event_id,
                event=f"{EventType.EMAIL} {event.name}",
                source=(event.campaign_id if isinstance(event, EmailEvent) else None) or "",
            )
            state.add(Purpose.MARKETING, EMAIL, said)
        return state


def _customer(event: Event) -> Sequence[str]:
    tells = isinstance(event, ConsentEvent) or event.name in WITHDRAWING_EMAILS
    return (event.customer_id,) if tells else ()
