"""Sales, cohorts and standing over time, exact to the cent and the customer, against pandas."""

import random
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.events.decode import Decoder
from stream.events.kinds import EventType
from stream.events.log_event import LogRecord
from stream.identity.departures import ARRIVED_AS
from stream.reporting.cohorts import cohorts
from stream.reporting.life import standing_at
from stream.reporting.order_log import OrderLog, Orders
from stream.reporting.periods import period_ends, sales, totals
from stream.reporting.track_record import track_record
from stream.reporting.writing import Writing
from tests.oracle.record import Record
from tests.reporting.independent import frame, habits
from tests.reporting.made_up_shop import DAY_MS, END_MS, Shop, make_shop

WRITING = Writing("en_GB", "EUR", ZoneInfo("Europe/Berlin"))


def book_of(shop: Shop, *, shuffled: int | None = None, repeated: bool = False) -> Orders:
    events = [event for event in shop.events if event.event_type is EventType.PURCHASE] * (1 + repeated)
    if shuffled is not None:
        random.Random(shuffled).shuffle(events)
    book = OrderLog(Decoder())
    records = [LogRecord(event.customer_id.encode(), event.value, END_MS, n) for n, event in enumerate(events)]
    for start in range(0, len(records), 100):
        book.add(records[start : start + 100])
    return book.orders()


def test_orders_under_several_ids_of_a_person_are_those_of_one_customer() -> None:
    """By whom the id belongs to now, and not by whom the event went to when it came."""

    def order(number: int, customer: str, came_as: str = "") -> Record:
        told = {"order_id": f"o-{number}", "name": "completed", "amount": 10.0, "currency": "EUR"}
        body = {"event_id": f"e-{number}", "customer_id": customer, "occurred_at": END_MS / 1000 - number * 86_400}
        headers = ((ARRIVED_AS, came_as.encode()),) if came_as else ()
        return Record(customer.encode(), orjson.dumps({**body, **told}), END_MS, number, headers)

    book = OrderLog(Decoder())
    book.add([order(1, "email:x"), order(2, "c-1"), order(3, "c-1", "c-2"), order(4, "c-3"), order(2, "email:x")])
    assert {*book.ids} == {"email:x", "c-1", "c-2", "c-3"}
    apart, joined = book.orders(), book.orders({"email:x": "c-1"})
    assert sorted(apart.customers[at] for at in apart.customer) == ["c-1", "c-2", "c-3", "email:x", "email:x"]
    assert sorted(joined.customers[at] for at in joined.customer) == ["c-1", "c-1", "c-2", "c-3"]
    assert OrderLog(Decoder()).orders().revenue(0, END_MS) == 0.0


SHOPS = {customers: make_shop(customers) for customers in (30, 420)}


@pytest.fixture(params=SHOPS)
def shop(request: pytest.FixtureRequest) -> Shop:
    return SHOPS[request.param]


def local(rows: pd.DataFrame) -> "pd.Series[Any]":
    months: pd.Series[Any] = rows["at"].dt.tz_convert("Europe/Berlin").dt.tz_localize(None).dt.to_period("M")
    return months


def test_sales_are_those_of_pandas_to_the_cent(shop: Shop) -> None:
    found = sales(book_of(shop), END_MS, WRITING)
    assert found is not None
    rows = frame(shop)
    orders, refunds = rows[rows["kind"] == "order"], rows[rows["kind"] == "refund"]
    assert found.whole.revenue == pytest.approx(orders["amount"].sum() - refunds["amount"].sum(), abs=0.001)
    assert found.whole.orders == len(orders)
    assert found.whole.average_order == pytest.approx(orders["amount"].mean())
    counts = orders.groupby("customer").size()
    assert found.customers == len(counts)
    assert found.repeat_rate == pytest.approx((counts > 1).mean())
    month, first = local(orders), local(orders.sort_values("at_ms").drop_duplicates("customer"))
    revenue = orders.groupby(month)["amount"].sum().sub(refunds.groupby(local(refunds))["amount"].sum(), fill_value=0)
    first_month = orders["customer"].map(first.set_axis(orders.loc[first.index, "customer"]))
    assert not found.weekly
    for period in found.periods:
        at = pd.Period(period.begin, "M")
        within = month == at
        assert period.totals.revenue == pytest.approx(revenue.get(at, 0.0), abs=0.001)
        assert period.totals.orders == within.sum()
        assert period.totals.new == orders["customer"][within & (first_month == at)].nunique()
        assert period.totals.returning == orders["customer"][within & (first_month < at)].nunique()
    assert [period.complete for period in found.periods] == [True] * (len(found.periods) - 1) + [False]
    recent = orders[orders["at_ms"] > END_MS - 30 * DAY_MS]
    assert found.recent.orders == len(recent)
    before = orders[(orders["at_ms"] <= END_MS - 30 * DAY_MS) & (orders["at_ms"] > END_MS - 60 * DAY_MS)]
    assert found.before.orders == len(before)


def test_cohorts_are_those_of_pandas(shop: Shop) -> None:
    orders = frame(shop)
    orders = orders[orders["kind"] == "order"].assign(month=local)
    first = orders.groupby("customer")["month"].min()
    found = cohorts(book_of(shop), END_MS, WRITING)
    assert [pd.Period(cohort.begin, "M") for cohort in found] == sorted({*first.to_numpy()})[-len(found) :]
    for cohort in found:
        start = pd.Period(cohort.begin, "M")
        members = {*first.index[first == start]}
        assert cohort.customers == len(members)
        for age, ordered in enumerate(cohort.ordered, 1):
            assert ordered == orders["customer"][(orders["month"] == start + age)].isin(members).pipe(
                lambda inside: orders.loc[inside.index[inside], "customer"].nunique()
            )


def test_standing_over_time_ends_with_today_and_begins_with_little(shop: Shop) -> None:
    orders = book_of(shop)
    found = sales(orders, END_MS, WRITING)
    assert found is not None
    life = standing_at(orders, period_ends(found, END_MS, WRITING), shop_gap_days=30.0, horizon_days=28.0)
    expected = habits(shop, sees_all=False)["standing"].value_counts()
    last = life[-1]
    assert (last.active, last.at_risk, last.lost) == tuple(expected.get(n, 0) for n in ("active", "at risk", "lost"))
    known = [at.active + at.at_risk + at.lost for at in life]
    assert known == sorted(known)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**31), st.booleans())
def test_neither_the_order_of_arrival_nor_repeats_matter(seed: int, repeated: bool) -> None:
    straight = book_of(SHOPS[30])
    other = book_of(SHOPS[30], shuffled=seed, repeated=repeated)

    def told(orders: Orders) -> tuple[object, ...]:
        of = orders.customers
        return (
            sorted(zip([of[c] for c in orders.customer], orders.at_ms.tolist(), orders.amount.tolist(), strict=True)),
            sorted((of[c], int(n)) for c, n in zip(orders.refund_customer, orders.refunded, strict=True)),
        )

    assert told(other) == told(straight)


def purchases(*events: tuple[str, float, str, float | None]) -> Orders:
    """(name, day, order id, amount) of one customer."""
    shop = Shop()
    for name, day, order_id, amount in events:
        money = {} if amount is None else {"amount": amount, "currency": "EUR"}
        shop.tell(EventType.PURCHASE, "c", END_MS - int((20 - day) * DAY_MS), name, order_id=order_id, **money)
    return book_of(shop)


def test_refunds_take_no_more_than_is_left_of_an_order() -> None:
    orders = purchases(("completed", 0, "a", 30.0), ("refunded", 1, "a", 20.0), ("refunded", 2, "a", 20.0))
    assert orders.refunded.tolist() == [200_000, 100_000]
    assert orders.revenue(0, END_MS) == 0.0


@given(
    st.lists(st.tuples(st.integers(0, 6), st.sampled_from(("completed", "refunded"))), max_size=12), st.integers(0, 7)
)
def test_what_comes_at_the_edge_of_two_spans_counts_in_the_later_one(told: list[tuple[int, str]], edge: int) -> None:
    orders = purchases(*((name, float(day), f"o-{day}", 10.0 if name == "completed" else 4.0) for day, name in told))
    begin_ms, edge_ms, end_ms = (END_MS - int((20 - day) * DAY_MS) for day in (0, edge, 7))
    whole, before, after = (
        totals(orders, *span) for span in ((begin_ms, end_ms), (begin_ms, edge_ms), (edge_ms, end_ms))
    )
    assert before.orders + after.orders == whole.orders == len(orders.at_ms)
    assert before.revenue + after.revenue == pytest.approx(whole.revenue)
    assert before.orders == sum(at < edge for at in {day for day, name in told if name == "completed"})


def test_an_order_told_twice_is_one_at_its_first_time_and_newest_amount() -> None:
    orders = purchases(("completed", 3, "a", 12.0), ("completed", 0, "a", 10.0), ("completed", 4, "b", None))
    assert orders.amount.tolist() == [120_000, -1]
    assert orders.at_ms.tolist() == [END_MS - 20 * DAY_MS, END_MS - 16 * DAY_MS]


def test_a_cancelled_order_counts_nothing_nor_do_its_refunds() -> None:
    orders = purchases(("refunded", 1, "a", 5.0), ("cancelled", 2, "a", None), ("completed", 0, "a", 10.0))
    assert (len(orders.at_ms), len(orders.refunded)) == (0, 0)
    assert sales(orders, END_MS, WRITING) is None


def test_a_young_shop_is_shown_by_week() -> None:
    found = sales(purchases(("completed", 0, "a", 10.0), ("completed", 15, "b", 10.0)), END_MS, WRITING)
    assert found is not None
    assert found.weekly
    assert [period.totals.orders for period in found.periods] == [1, 0, 1, 0]


def test_the_track_record_counts_who_did_not_come_back() -> None:
    shop = Shop()
    week = 7 * DAY_MS
    for customer, days in {
        "back": [200, 50],
        "gone": [200],
        "late": [200, 1],
        "other": [200],
        "faithful": [200, 3],
    }.items():
        for day in days:
            shop.tell(
                EventType.PURCHASE, customer, END_MS - day * DAY_MS, "completed", order_id=f"{customer}{day}",
                amount=1.0, currency="EUR",
            )  # fmt: skip
    flagged = [("back", END_MS - 9 * week), ("gone", END_MS - 9 * week), ("gone", END_MS - 9 * week)]
    flagged += [("late", END_MS - 9 * week), ("too early", END_MS - 13 * week), ("too late", END_MS - 7 * week)]
    found = track_record(flagged, book_of(shop), END_MS)
    assert found.sentence == ("Of 3 customers flagged eight weeks ago, 2 did not come back; of 2 others, 1 did not.")
    assert "cannot be judged yet" in track_record([], book_of(shop), END_MS).sentence
