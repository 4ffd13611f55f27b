"""The events of the topics as a log for ``stream whatif``, and what was done about their customers."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import islice
from typing import Final

from stream.cli.privacy_erasing import KAFKA_S
from stream.events.decode import Decoder
from stream.events.kinds import EventType
from stream.events.log_event import LogEvent
from stream.events.times import epoch_ms
from stream.identity.departures import arrived_as
from stream.identity.renaming import as_of_customer
from stream.notifications.effect_input import actions_of, notifications_of
from stream.notifications.notification_records import DeliveryOutcome
from stream.notifications.read_to_end import events_to_end
from stream.privacy.erasure_feed import ErasureFeed
from stream.settings import Settings
from stream.storage.person_ids import customers_of
from stream.storage.projection_desk import ProjectionDesk

__all__ = ["contacts_of_topics", "events_of_topics"]

_AT_ONCE: Final = 2_000


def events_of_topics(settings: Settings) -> list[LogEvent]:
    """The events of the topics up to their ends, in time order: each once, of the person whose id it came under.

    Those of erased people are left out. Raises `TopologyError`, and `StorageError` when nobody tells who is erased, or
    who is who.
    """
    decoder = Decoder.of(settings, in_clear=True)
    found: list[tuple[str, LogEvent]] = []
    with ErasureFeed(settings, wait_s=KAFKA_S) as feed:
        refuses = feed.erasures.refuses
        for event_type in EventType:
            records = events_to_end(settings, settings.topic_of(event_type))
            while batch := [*islice(records, _AT_ONCE)]:
                decoded = decoder.decode(event_type, batch)
                refused = {rejection.record for rejection in decoded.rejections}
                taken = [record for row, record in enumerate(batch) if row not in refused]
                times = decoded.events["time"].tolist()
                for customer, at_ms, record in zip(decoded.customer_ids, times, taken, strict=True):
                    own_id = arrived_as(record.headers) or customer
                    if not (refuses(customer, record.timestamp) or refuses(own_id, record.timestamp)):
                        found.append((own_id, LogEvent(event_type, customer, at_ms, record.value or b"")))
    customers = _customers(settings, (own_id for own_id, _ in found))
    events = [_of_person(event, customers.get(own_id, own_id)) for own_id, event in found]
    events.sort(key=lambda event: event.at_ms)
    return events


def contacts_of_topics(settings: Settings) -> Iterator[tuple[str, int]]:
    """Customer and time of everything that was done about customers, and of messages about them that were delivered.

    Of ids of one person it is the person's customer.
    """
    found = [
        (own_id, epoch_ms(action.occurred_at)) for own_id, actions in actions_of(settings).items() for action in actions
    ]
    sent = (told for told in notifications_of(settings) if told.outcome is DeliveryOutcome.SENT)
    found += [(told.customer_id, _ms(told.at)) for told in sent]
    customers = _customers(settings, (own_id for own_id, _ in found))
    return ((customers.get(own_id, own_id), at_ms) for own_id, at_ms in found)


def _customers(settings: Settings, ids: Iterable[str]) -> dict[str, str]:
    with ProjectionDesk(settings) as desk:
        return customers_of(desk, [*dict.fromkeys(ids)])


def _of_person(event: LogEvent, customer: str) -> LogEvent:
    if customer == event.customer_id:
        return event
    return event._replace(customer_id=customer, value=as_of_customer(event.value, customer))


def _ms(at: str) -> int:
    return epoch_ms(datetime.fromisoformat(at))
