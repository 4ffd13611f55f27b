"""Lists of customers and timelines: each query's pages together are the whole answer."""

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import event, select

from stream.directory import customer_groups, customer_queries
from stream.directory.customer_groups import by_channel, names_of
from stream.directory.customer_queries import (
    Condition,
    Sort,
    amount_of,
    cursor_of,
    customer,
    customers_page,
    every_customer,
)
from stream.directory.database import reading
from stream.directory.schema import channels
from stream.directory.store import DirectoryStore
from stream.directory.timeline import Document, TimelineEntry
from stream.directory.timeline_queries import orders_of, timeline_page
from stream.errors import SettingsError
from stream.events.columns import MONEY_SCALE
from tests.directory.told import commit, messages_of
from tests.reporting.made_up_shop import DAY_MS, make_shop

STAGES = ("active", "at_risk", "lost")
TIERS = ("VIP", "low")
SHOP = make_shop(40)
MESSAGES = messages_of(SHOP.events)
NUMBERS = range(40)


def document(number: int) -> Document:
    columns: dict[str, Any] = {
        "document_events": 1,
        "stage": STAGES[number % 3],
        "tier": TIERS[number % 2],
        "segment": f"segment {number % 4}",
        # some have the same risk: then the id decides
        "risk": (number % 5) / 10 if number % 7 else None,
        "value_at_risk": number * MONEY_SCALE if number % 7 else None,
    }
    return Document(f"c-{number}", columns)


@pytest.fixture
def store(url: str) -> Iterator[DirectoryStore]:
    with DirectoryStore(url, ZoneInfo("UTC")) as opened:
        channels = [TimelineEntry(f"c-{n}", "interaction", n, 1, "visited", "store") for n in NUMBERS if n % 4 == 0]
        commit(opened, opened.claim(), [*MESSAGES, *map(document, NUMBERS), *channels])
        yield opened


def listed(
    store: DirectoryStore, condition: Condition, sort: Sort = Sort.ID, *, limit: int = 7
) -> list[dict[str, Any]]:
    """All pages, which must equal the list in one piece."""
    rows: list[dict[str, Any]] = []
    cursor = None
    with reading(store.engine) as connection:
        while True:
            page = customers_page(connection, condition, sort, limit=limit, cursor=cursor)
            rows += page.rows
            assert len(page.rows) == limit or page.cursor is None
            if (cursor := page.cursor) is None:
                break
        assert rows == [*every_customer(connection, condition, sort)]
    return rows


def ids(rows: list[dict[str, Any]]) -> list[str]:
    return [row["customer_id"] for row in rows]


def test_pages_of_every_order_are_the_whole_list(store: DirectoryStore) -> None:
    everybody = listed(store, Condition())
    assert ids(everybody) == sorted(f"c-{number}" for number in NUMBERS)
    for sort in Sort:
        rows = listed(store, Condition(), sort)
        known = [row for row in everybody if row[sort.column.name] is not None]
        key = [(row[sort.column.name], row["customer_id"]) for row in known]
        expected = sorted(key, reverse=sort is not Sort.ID)
        assert [(row[sort.column.name], row["customer_id"]) for row in rows] == expected, sort


@pytest.mark.parametrize("few", [0, 11, 10_000])
def test_conditions_hold_together(store: DirectoryStore, few: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(customer_queries, "_FEW", few)
    everybody = {row["customer_id"]: row for row in listed(store, Condition())}
    limit_ms = sorted(row["last_order_ms"] for row in everybody.values())[20]
    cases: list[tuple[Condition, Any]] = [
        (Condition(begins="c-1"), lambda row: row["customer_id"].startswith("c-1")),
        (Condition(stages=["at_risk", "lost"]), lambda row: row["stage"] in {"at_risk", "lost"}),
        (
            Condition(tiers=["VIP"], segments=["segment 2"]),
            lambda row: row["tier"] == "VIP" and row["segment"][-1] == "2",
        ),
        (Condition(risk_from=0.3), lambda row: (row["risk"] or 0) >= 0.3),
        (Condition(at_stake_from=9 * MONEY_SCALE), lambda row: (row["value_at_risk"] or 0) >= 9 * MONEY_SCALE),
        (Condition(spend_from=100 * MONEY_SCALE), lambda row: row["spend"] >= 100 * MONEY_SCALE),
        (Condition(ordered_before_ms=limit_ms), lambda row: row["last_order_ms"] < limit_ms),
        (Condition(ordered_from_ms=limit_ms), lambda row: row["last_order_ms"] >= limit_ms),
        (Condition(channel="store"), lambda row: int(row["customer_id"][2:]) % 4 == 0),
        (
            Condition(channel="store", stages=["active"], ordered_from_ms=limit_ms),
            lambda row: int(row["customer_id"][2:]) % 12 == 0 and row["last_order_ms"] >= limit_ms,
        ),
    ]
    for condition, holds in cases:
        for sort in Sort:
            rows = listed(store, condition, sort, limit=3)
            assert {*ids(rows)} == {
                customer_id
                for customer_id, row in everybody.items()
                if holds(row) and row[sort.column.name] is not None
            }, (condition, sort)
        found = ids(listed(store, condition, limit=3))
        assert found == [customer_id for customer_id, row in everybody.items() if holds(row)], condition
        assert 0 < len(found) < len(everybody)


def test_a_timeline_has_everything_newest_first_in_pages(store: DirectoryStore) -> None:
    told = [entry for entry in MESSAGES if isinstance(entry, TimelineEntry) and entry.customer_id == "c-4"]
    entries: list[TimelineEntry] = []
    cursor = None
    with reading(store.engine) as connection:
        while True:
            page = timeline_page(connection, "c-4", limit=3, cursor=cursor)
            entries += page.entries
            if (cursor := page.cursor) is None:
                break
        only = timeline_page(connection, "c-4", limit=1000, sources=["interaction"])
        row = customer(connection, "c-4")
    assert sorted(entries, key=lambda entry: entry[:3]) == sorted(
        [*told, TimelineEntry("c-4", "interaction", 4, 1, "visited", "store")], key=lambda entry: entry[:3]
    )
    assert all((one.at_ms, one.source, one.id) > (two.at_ms, two.source, two.id) for one, two in pairwise(entries))
    assert [entry.name for entry in only.entries] == ["visited"]
    assert row is not None
    assert (row["events"], row["channels"]) == (len(entries), {"store": 1})


def test_orders_have_their_final_amounts_and_items(url: str) -> None:
    at_ms = 1_767_225_600_000

    def purchase(number: int, name: str, order_id: str, amount: int | None = None, **detail: object) -> TimelineEntry:
        return TimelineEntry(
            "c-1", "purchase", number, at_ms + number * DAY_MS, name, None, order_id, amount, detail or None
        )

    items = [{"product_id": "p-1", "quantity": 2.0}]
    told = [
        purchase(1, "completed", "o-1", 500_000),
        # told again: another amount, and what was bought
        purchase(2, "completed", "o-1", 400_000, items=items),
        purchase(3, "completed", "o-2", 100_000),
        purchase(4, "refunded", "o-1", 900_000),
        purchase(5, "cancelled", "o-2"),
        purchase(6, "refunded", "o-3", 70_000),
        purchase(7, "completed", "o-4"),
    ]
    with DirectoryStore(url, ZoneInfo("UTC")) as store:
        claim = store.claim()
        for entry in told:
            commit(store, claim, [entry])
        with reading(store.engine) as connection:
            found = orders_of(connection, "c-1")
            row = customer(connection, "c-1")
    shown = [
        (one["order_id"], one["completed_ms"], one["amount"], one["refunded"], one["cancelled"], one["items"])
        for one in found
    ]
    assert shown == [
        ("o-4", at_ms + 7 * DAY_MS, None, 0, False, None),
        ("o-2", at_ms + 3 * DAY_MS, 100_000, 0, True, None),
        # no more is given back than was paid
        ("o-1", at_ms + 1 * DAY_MS, 400_000, 400_000, False, items),
        ("o-3", None, None, 70_000, False, None),
    ]
    assert row is not None
    assert (row["orders"], row["spend"]) == (2, -70_000)
    assert (row["first_order_ms"], row["last_order_ms"]) == (at_ms + DAY_MS, at_ms + 7 * DAY_MS)


@pytest.mark.parametrize("cursor", ["x", "bm9uZQ", "WyJpZCIsMV0", "WyJzcGVuZCIsMSwiYy0xIl0", "WyJpZCIsImMiLDFd"])
def test_a_text_that_is_no_cursor_is_refused(store: DirectoryStore, cursor: str) -> None:
    with reading(store.engine) as connection:
        with pytest.raises(SettingsError, match="cursor"):
            customers_page(connection, Condition(), Sort.ID, limit=1, cursor=cursor)
        with pytest.raises(SettingsError, match="cursor"):
            timeline_page(connection, "c-1", limit=1, cursor=cursor)


@pytest.mark.parametrize(
    ("sort", "position"),
    [
        (Sort.SPEND, ("spend", 2**63, "c-1")),
        (Sort.SPEND, ("spend", -(10**400), "c-1")),
        (Sort.SPEND, ("spend", True, "c-1")),
        (Sort.SPEND, ("spend", "1", "c-1")),
        (Sort.SPEND, ("spend", 1, 1)),
        (Sort.ID, ("id", "c-1", "c\0")),
    ],
)
def test_a_cursor_that_somebody_has_made_is_refused(
    store: DirectoryStore, sort: Sort, position: tuple[object, ...]
) -> None:
    with reading(store.engine) as connection, pytest.raises(SettingsError, match="cursor"):
        customers_page(connection, Condition(), sort, limit=1, cursor=cursor_of(*position))


def test_values_that_no_database_can_hold_are_refused(store: DirectoryStore) -> None:
    cases: list[dict[str, Any]] = [
        {"begins": "c\0"},
        {"channel": "\udcff"},
        {"spend_from": 2**63},
        {"risk_from": float("nan")},
    ]
    for odd in cases:
        with pytest.raises(SettingsError, match="compared"):
            Condition(**odd)
    for money in (float("nan"), float("inf"), 1e300):
        with pytest.raises(SettingsError, match="amount of money"):
            amount_of(money)
    assert amount_of(9e14) == 9 * 10**14 * MONEY_SCALE
    with reading(store.engine) as connection:
        # the largest figures can be queried too
        most = Condition(spend_from=2**63 - 1, ordered_before_ms=-(2**63) + 1)
        assert customers_page(connection, most, limit=1).rows == []
        for customer_id in ("c\0", "\udcff"):
            with pytest.raises(SettingsError, match="not a customer id"):
                customer(connection, customer_id)
        with pytest.raises(SettingsError, match="purchase, "):
            timeline_page(connection, "c-1", limit=1, sources=["purchases"])


def test_customers_are_counted_by_channel(store: DirectoryStore, monkeypatch: pytest.MonkeyPatch) -> None:
    with reading(store.engine) as connection:
        wanted = Counter(row.channel for row in connection.execute(select(channels)))
        assert [*by_channel(connection).items()] == sorted(wanted.items(), key=lambda of: (-of[1], of[0]))
        asked: list[str] = []
        event.listen(connection, "before_cursor_execute", lambda *about: asked.append(about[2]))
        assert names_of(connection, "channel") == sorted(wanted)
        assert len(asked) == 1
        monkeypatch.setattr(customer_groups, "_MAX_NAMES", 1)
        assert names_of(connection, "channel") == sorted(wanted)[:1]
