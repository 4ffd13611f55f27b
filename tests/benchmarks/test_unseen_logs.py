"""Each change of a log before its evaluation does what its name says and no more."""

from itertools import islice

import msgspec
import pytest

from benchmarks.alerts import ROOT
from benchmarks.learning_runs import CJ, UCI
from benchmarks.simulated_shops import SHOPS, known_at, simulate
from benchmarks.unseen_logs import BEGIN_MS, cohort, events_of, order_times, thinned, without_amounts
from stream.events.decode import Decoder
from stream.events.kinds import EventType
from stream.events.log import read_log
from stream.events.log_event import LogEvent, LogRecord

DAY_MS = 86_400_000


@pytest.fixture(scope="module", params=[CJ, UCI])
def events(request: pytest.FixtureRequest) -> list[LogEvent]:
    return [*islice(read_log(ROOT / request.param), 12_000)]


def test_a_cohort_has_all_events_of_customers_with_an_early_first_order(events: list[LogEvent]) -> None:
    times = order_times(events)
    until = min(found[0] for found in times.values()) // DAY_MS * DAY_MS + 84 * DAY_MS
    left = cohort(events)
    kept = {event.customer_id for event in left}
    assert kept == {who for who, found in times.items() if found[0] < until}
    assert left == [event for event in events if event.customer_id in kept]
    assert 0 < len(kept) <= len(times)


def test_without_amounts_the_orders_are_the_same_and_their_worth_is_unknown(events: list[LogEvent]) -> None:
    some = events[:3_000]
    left = without_amounts(some)
    assert order_times(left) == order_times(some)
    assert [event._replace(value=b"") for event in left] == [event._replace(value=b"") for event in some]
    purchases = [event for event in left if event.event_type is EventType.PURCHASE]
    records = [LogRecord.of(event, events[-1].at_ms + DAY_MS, k) for k, event in enumerate(purchases)]
    assert not Decoder().decode(EventType.PURCHASE, records).rejections
    assert not any({"amount", "currency"} & msgspec.json.decode(event.value).keys() for event in left)


def test_about_one_order_in_ten_is_dropped_with_all_its_events(events: list[LogEvent]) -> None:
    left = thinned(events)
    before, after = order_times(events), order_times(left)
    count, rest = (sum(len(found) for found in times.values()) for times in (before, after))
    assert 0.89 < rest / count < 0.91
    assert all(set(found) <= set(before[who]) for who, found in after.items())
    others = [event for event in events if event.event_type is not EventType.PURCHASE]
    assert [event for event in left if event.event_type is not EventType.PURCHASE] == others
    assert thinned(left) == left


def test_the_log_of_a_simulated_shop_has_its_orders_at_their_times() -> None:
    orders = simulate(SHOPS["growth"]._replace(customers=200), 1)
    log = events_of(orders, 1)
    assert [event.at_ms for event in log] == sorted(event.at_ms for event in log)
    times = order_times(log)
    who, known = known_at(orders, 400.0)
    before = BEGIN_MS + 400 * DAY_MS
    found = [len([at for at in times[f"c{number}"] if at < before]) for number in who.tolist()]
    assert found == (known.x + 1).tolist()
    assert sum(map(len, times.values())) == len(orders.at)
