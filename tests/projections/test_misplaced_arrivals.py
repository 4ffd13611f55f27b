"""Events in another partition of `arrivals` than that of their id."""

import json

from stream.events.kinds import EventKind
from stream.events.partitioner import partition_of
from stream.identity.arrival_notes import Assigned
from stream.identity.places import without_place
from stream.processing.misplaced import FORWARDED_FROM
from stream.projections.arrivals import Arrivals
from stream.settings import Settings
from tests.features.lists_of_events import DAY
from tests.oracle.event import Event
from tests.projections.store import Store
from tests.projections.test_arrivals import COOKIE, NOW_MS, CameUnder, append


def test_an_event_in_a_wrong_partition_reaches_the_one_of_its_id_once() -> None:
    """A client with another partitioner wrote it. It goes to the customer of its id all the same."""
    settings = Settings(partitions=2)
    right = partition_of(COOKIE, 2)
    stores = [Store(Arrivals(settings), partition, 3) for partition in range(2)]
    append(stores[right], Assigned(id=COOKIE, customer_id="c-1", version=1))
    come = CameUnder(COOKIE, Event("e-1", EventKind.PAGE_VIEWED, NOW_MS - DAY, "", 0))
    append(stores[1 - right], come)
    (sent_on,) = stores[1 - right].step(10, lost=False)
    assert (sent_on.topic, sent_on.key) == (settings.arrivals, COOKIE.encode())
    assert (FORWARDED_FROM, b"%d" % (1 - right)) in sent_on.headers
    assert stores[1 - right].stored == {}
    # a crash before it was known to be published publishes it again
    for _ in range(2):
        stores[right].append(0, COOKIE, sent_on.value or b"", sent_on.headers, NOW_MS)
    gone = [one for one in stores[right].step(10, lost=False) if one.topic == settings.events_click]
    assert [json.loads(one.value or b"")["customer_id"] for one in gone] == ["c-1"]
    # with other numbers of partitions in topics and settings it would go round for ever
    stores[1 - right].append(0, COOKIE, sent_on.value or b"", without_place(sent_on.headers), NOW_MS)
    assert [one.topic for one in stores[1 - right].step(10, lost=False)] == [settings.events_click]


def test_misplaced_events_stay_where_they_are_if_the_settings_say_so() -> None:
    settings = Settings(partitions=2, misplaced_events="dead-letter")
    store = Store(Arrivals(settings), 1 - partition_of(COOKIE, 2), 3)
    append(store, CameUnder(COOKIE, Event("e-1", EventKind.PAGE_VIEWED, NOW_MS - DAY, "", 0)))
    assert [one.topic for one in store.step(10, lost=False)] == [settings.events_click]
