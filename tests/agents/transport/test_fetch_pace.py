"""How long a broker may hold a fetch, busy and idle."""

from functools import partial
from typing import TYPE_CHECKING

import pytest

from stream.agents.transport.fetch_pace import FetchPace, Hold
from stream.agents.transport.transport_options import TransportOptions

if TYPE_CHECKING:
    from tests.agents.transport.conftest import TransportGroup

BUSY = Hold(25, 65_536)


def test_a_worker_that_receives_nothing_asks_seldom_and_hears_of_the_first_record() -> None:
    pace = FetchPace(TransportOptions(idle_after_s=1.0, idle_wait_s=0.5))
    assert pace.hold(100.0) == BUSY, "where to start is not known yet"
    pace.moved(100.0)
    assert pace.hold(100.9) == BUSY
    assert pace.hold(101.0) == Hold(500, 1)
    pace.moved(102.0)
    assert pace.hold(102.5) == BUSY


def test_an_idle_fetch_is_held_at_least_as_long_as_a_busy_one() -> None:
    pace = FetchPace(TransportOptions(fetch_max_wait_s=3.0, idle_after_s=1.0, idle_wait_s=0.5))
    pace.moved(0.0)
    assert pace.hold(5.0) == Hold(3_000, 1)


@pytest.mark.timeout(300)
def test_records_reach_an_idle_worker_although_the_broker_may_hold_its_fetch(durable_field: "TransportGroup") -> None:
    topics = [durable_field.topic(name, 2, 1) for name in ("click", "email")]
    # held for longer than the test waits
    options = {"idle_after_s": 0.01, "idle_wait_s": 100.0, "poll_s": 0.02}
    durable_field.start(topics=topics, options=options)

    def is_there(records: int) -> bool:
        return durable_field.journaled() >= 3 + records

    for records in range(1, 6):
        durable_field.until(partial(is_there, records), f"record {records} is there")
        durable_field.produce(topics[records % 2], records % 2, 1, start=records)
