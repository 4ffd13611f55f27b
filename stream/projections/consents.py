"""What each customer agreed to, and took back.

A state is of the id under which something was said, whoever's the id is by now. So nothing moves, and nothing is lost,
when ids turn out to be one person: readers take together what was said under all ids of the person. A state is in the
partition of the customer to whom the id belonged at that time, so several partitions may have a part of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final

from stream.alerts.alert_records import Alert
from stream.catalogue.declaring import Retention
from stream.consent.agreements import Agreements, Statement
from stream.consent.purposes import EMAIL, Purpose
from stream.events.decode import Decoder
from stream.events.kinds import EventType
from stream.events.model import ConsentEvent, EmailEvent, Event
from stream.events.record import Record
from stream.identity.departures import arrived_as
from stream.projections.fold import Fold
from stream.projections.protocol import Reading
from stream.projections.topic_inputs import ContentInput, Told
from stream.settings import Settings

__all__ = ["Consents"]

#: E-mail events that take back marketing by e-mail.
_WITHDRAWING_EMAILS: Final = frozenset({"unsubscribed", "complained"})


class _Statements(ContentInput):
    """Events by the id under which they came. All count, also those that are sent again: statements count once."""

    comes_again: ClassVar[bool] = False

    def read(self, records: Sequence[Record]) -> Reading:
        reading = super().read(records)
        ids = (arrived_as(records[position].headers) for position in reading.positions)
        return reading._replace(
            keyed=[(own or key, message) for (key, message), own in zip(reading.keyed, ids, strict=True)]
        )


class Consents(Fold[Agreements]):
    """Statements of consent events; an e-mail that is unsubscribed or reported as spam takes marketing by e-mail back.

    The order of the inputs and of events does not matter, nor does it how often one comes.
    """

    name: ClassVar = "consents"
    state: ClassVar = Agreements
    about: ClassVar = "What each customer agreed to and took back, for what and by which channel, when and where."
    why: ClassVar = "to obey what customers agreed to"
    kept: ClassVar = Retention.DECISIONS
    key: ClassVar = "id"

    def __init__(self, settings: Settings) -> None:
        decoder = Decoder.of(settings)
        self.inputs = (
            _Statements(EventType.CONSENT, settings.topic_of(EventType.CONSENT), decoder, _customer, reports=True),
            _Statements(EventType.EMAIL, settings.topic_of(EventType.EMAIL), decoder, _customer, reports=False),
        )

    def release(self, customer_id: str) -> None:
        """What was said stays with the id under which it was said."""

    def erased_in(self, customer_id: str) -> None:
        """The id may have belonged to any customer."""

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
    tells = isinstance(event, ConsentEvent) or event.name in _WITHDRAWING_EMAILS
    return (event.customer_id,) if tells else ()
