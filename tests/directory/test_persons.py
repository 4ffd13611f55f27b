"""A person with several ids is one customer in all rows and sums, whenever links come."""

import random
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from stream.directory.calendar import Grain
from stream.directory.customer_queries import Condition, customer, every_customer
from stream.directory.database import reading
from stream.directory.kpis import cohorts, kpis, loyalty
from stream.directory.store import DirectoryStore
from stream.directory.timeline import Document, TimelineEntry
from stream.directory.timeline_queries import orders_of, timeline_page
from stream.events.columns import MONEY_SCALE
from stream.events.log import read_log
from stream.identity.links import Link, LinkName
from stream.identity.resolver import Resolver
from stream.projections.identity import Linked
from tests.directory.told import commit, messages_of, rows_of

DAY_MS = 86_400_000
UTC = ZoneInfo("UTC")
LOG = Path(__file__).parents[2] / "examples" / "uci_online_retail_events.csv.gz"
COOKIES = [f"anonymous_id:h1_{letter * 22}" for letter in "ab"]
EMAIL = f"email:h1_{'e' * 22}"
IDS = ["c-1", "c-2", "c-3", *COOKIES, EMAIL]
#: What each thing that happened is kept under, beside the table of who is who.
OF_IDS = {"directory_timeline", "directory_persons"}


def linked(name: LinkName, one: str, other: str, at_ms: int = 1) -> Linked:
    return Linked(Link(name, one, other, at_ms, f"{at_ms}"), 0)


links = st.builds(linked, st.sampled_from(LinkName), st.sampled_from(IDS), st.sampled_from(IDS), st.integers(0, 6))
#: What, under which ids, when.
things = st.tuples(
    st.sampled_from(["click", "order", "refunded", "cancelled", "sent", "opened", "stage"]),
    st.lists(st.sampled_from(IDS), min_size=2, max_size=2),
    st.integers(0, 60).map(lambda day: day * DAY_MS),
)
#: Other entries of an order may be told under other ids of the person, and anything under two.
told = st.lists(st.tuples(st.integers(0, 7), things, st.booleans()), max_size=16)


def entries_of(number: int, what: str, own_id: str, at_ms: int) -> TimelineEntry:
    match what:
        case "click":
            return TimelineEntry(own_id, "click", number, at_ms, "page_viewed", "web")
        case "order":
            return TimelineEntry(
                own_id, "purchase", number, at_ms, "completed", "shop", f"o-{number % 3}", 1000 + number
            )
        case "refunded" | "cancelled":
            return TimelineEntry(own_id, "purchase", number, at_ms, what, None, f"o-{number % 3}", 400)
        case "stage":
            return TimelineEntry(own_id, "stage", number, at_ms, "lost", detail={"from": "active"})
    return TimelineEntry(own_id, "email", number, at_ms, what, detail={"campaign_id": f"m-{number % 2}"})


def all_entries(happened: Sequence[Any]) -> list[TimelineEntry]:
    found = []
    for number, (order, (what, ids, at_ms), is_told_twice) in enumerate(happened):
        found += [entries_of(8 * number + order, what, own_id, at_ms) for own_id in ids[: 1 + is_told_twice]]
    return found


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40, deadline=None)
@example([(0, ("stage", ["c-1", COOKIES[0]], 0), True)], [linked(LinkName.ALIAS, COOKIES[0], "c-1")], 1, 1)
@given(happened=told, links=st.lists(links, max_size=12), seed=st.integers(0, 2**31), size=st.integers(1, 30))
def test_rows_and_sums_are_those_of_one_id_from_the_start(
    tmp_path: Path, happened: list[Any], links: list[Linked], seed: int, size: int
) -> None:
    """In any order of events and links, merges that are undone and repeats, and in any steps."""
    entries = all_entries(happened)
    resolver = Resolver()
    for one in links:
        resolver.take(one.link)
    with DirectoryStore(f"sqlite:///{tmp_path}/directory.sqlite", UTC) as store:
        store.rebuild()
        under_one = [entry._replace(customer_id=resolver.customer_of(entry.customer_id)) for entry in entries]
        commit(store, store.claim(), under_one)
        wanted = rows_of(store)
        store.rebuild()
        mixed: list[object] = [*entries, *links, *links]
        random.Random(seed).shuffle(mixed)
        claim = store.claim()
        for start in range(0, len(mixed), size):
            commit(store, claim, mixed[start : start + size])
        found = rows_of(store)
    for table in wanted.keys() - OF_IDS:
        assert found[table] == wanted[table], table


def test_figures_with_joined_ids_are_those_of_the_persons_in_the_log(url: str) -> None:
    """Each to the cent as pandas counts it over the log and the links, while some persons are taken apart again."""
    rows = 3_000
    log = pd.read_csv(LOG, nrows=rows, dtype={"customer_id": str})
    log["at"] = pd.to_datetime(log["ts"], utc=True)
    log["units"] = (log["amount"].abs() * MONEY_SCALE).round().astype("int64")
    draw = np.random.default_rng(17)
    is_guest = pd.Series(draw.random(rows) < 0.4)
    guests = "anonymous_id:h1_" + log["customer_id"].str.zfill(22)
    log["own_id"] = guests.where(is_guest, log["customer_id"])
    messages = messages_of(islice(read_log(LOG), rows))
    own_ids = {(entry.source, entry.id): own for entry, own in zip(messages, log["own_id"], strict=True)}  # type: ignore[attr-defined]
    messages = [one._replace(customer_id=own_ids[one.source, one.id]) for one in messages]  # type: ignore[attr-defined]
    known = sorted({*log["customer_id"]})
    apart = {*known[::5]}
    tied: list[object] = [linked(LinkName.IDENTIFIED, f"anonymous_id:h1_{one.zfill(22)}", one) for one in known]
    undone = [linked(LinkName.UNMERGE, f"anonymous_id:h1_{one.zfill(22)}", one, 9) for one in apart]
    mixed = [*messages, *tied]
    random.Random(5).shuffle(mixed)
    with DirectoryStore(url, UTC) as store:
        claim = store.claim()
        for start in range(0, len(mixed), 900):
            commit(store, claim, mixed[start : start + 900])
        assert_as_pandas(store, log.assign(person=log["customer_id"]))
        commit(store, claim, undone)
        assert_as_pandas(
            store, log.assign(person=log["own_id"].where(log["customer_id"].isin(apart), log["customer_id"]))
        )


def assert_as_pandas(store: DirectoryStore, log: pd.DataFrame) -> None:
    orders, returns = log[log["subtype"] == "order"], log[log["subtype"] == "return"]
    month = orders["at"].dt.strftime("%Y-%m-01")
    first = month.groupby(orders["person"]).transform("min")
    per_person = orders.groupby("person").size()
    spend = log["units"].where(log["subtype"] == "order", -log["units"]).groupby(log["person"]).sum()
    with reading(store.engine) as connection:
        periods, retention, loyal = kpis(connection, Grain.MONTH), cohorts(connection, Grain.MONTH), loyalty(connection)
        found = {row["customer_id"]: row for row in every_customer(connection, Condition())}
    assert {*found} == {*log["person"]}
    assert {one: row["spend"] for one, row in found.items()} == spend.to_dict()
    assert {one: row["orders"] for one, row in found.items() if row["orders"]} == per_person.to_dict()
    assert loyal == (len(per_person), int((per_person > 1).sum()))
    for one in periods:
        within, back = (
            orders[month == one.begin.isoformat()],
            returns[returns["at"].dt.strftime("%Y-%m-01") == one.begin.isoformat()],
        )
        new = within[first.loc[within.index] == one.begin.isoformat()]
        assert (one.sold, one.refunded) == (within["units"].sum(), back["units"].sum())
        assert (one.orders, one.buyers, one.new) == (len(within), within["person"].nunique(), new["person"].nunique())
    table = orders.assign(first=first, month=month).groupby(["first", "month"])["person"].nunique()
    cells = {(cohort.begin, 0): cohort.customers for cohort in retention}
    cells |= {(cohort.begin, age): n for cohort in retention for age, n in enumerate(cohort.ordered, 1) if n}
    position = {one.begin.isoformat(): at for at, one in enumerate(periods)}
    wanted = {
        (pd.Timestamp(begin).date(), position[later] - position[begin]): customers
        for (begin, later), customers in dict[Any, Any](table).items()
    }
    assert cells == wanted


def test_a_person_is_found_by_any_id_and_taken_apart_again(tmp_path: Path) -> None:
    cookie = COOKIES[0]
    entries = [entries_of(8, "click", cookie, 5), entries_of(9, "order", cookie, 6), entries_of(10, "order", "c-1", 7)]
    documents = [
        Document("c-1", {"document_events": 1, "as_of_ms": 7, "risk": 0.5}),
        Document(cookie, {"document_events": 2, "as_of_ms": 6, "risk": 0.25}),
    ]
    with DirectoryStore(f"sqlite:///{tmp_path}/directory.sqlite", UTC) as store:
        claim = store.claim()
        commit(store, claim, [*entries, *documents])
        apart = rows_of(store)
        commit(store, claim, [linked(LinkName.IDENTIFIED, cookie, "c-1")])
        with reading(store.engine) as connection:
            shown = [customer(connection, one) for one in ("c-1", cookie)]
            assert [(row["customer_id"], row["events"], row["orders"], row["risk"]) for row in shown if row] == [
                ("c-1", 3, 2, 0.5)
            ] * 2
            assert [len(orders_of(connection, one)) for one in ("c-1", cookie)] == [2, 2]
            page = timeline_page(connection, cookie, limit=9)
            assert [entry.customer_id for entry in page.entries] == ["c-1", cookie, cookie]
            assert len([*every_customer(connection, Condition())]) == 1
        # who stays with fewer events is as the core says last
        later = [Document("c-1", {"document_events": 3, "as_of_ms": 8, "risk": 0.75})]
        later.append(Document("c-1", {"document_events": 1, "as_of_ms": 9, "risk": 0.5}))
        commit(store, claim, [*later, linked(LinkName.UNMERGE, cookie, "c-1", 2)])
        found = rows_of(store)
        (of_customer,) = [row for row in found["directory_customers"] if row["customer_id"] == "c-1"]
        assert (of_customer["document_events"], of_customer["as_of_ms"], of_customer["risk"]) == (1, 9, 0.5)
        for table in apart.keys() - OF_IDS - {"directory_customers"}:
            assert found[table] == apart[table], table
        of_cookie = [
            [row for row in rows["directory_customers"] if row["customer_id"] == cookie] for rows in (found, apart)
        ]
        assert of_cookie[0] == of_cookie[1] != []


@pytest.mark.parametrize("gone", [COOKIES[0], "c-1"])
def test_an_erased_id_takes_its_rows_out_of_the_person_and_the_totals_stay(tmp_path: Path, gone: str) -> None:
    one, other = COOKIES
    entries = [entries_of(9, "order", one, 6), entries_of(10, "order", "c-1", 7), entries_of(12, "order", other, 8)]
    tied = [linked(LinkName.IDENTIFIED, cookie, "c-1") for cookie in COOKIES]
    with DirectoryStore(f"sqlite:///{tmp_path}/directory.sqlite", UTC) as store:
        commit(store, store.claim(), [*entries, *tied])
        totals = rows_of(store)["directory_totals"]
        store.erase(gone)
        found = rows_of(store)
        assert gone not in repr(found)
        left = {row["customer_id"]: row["orders"] for row in found["directory_customers"]}
        assert left == ({"c-1": 2} if gone == one else {one: 1, other: 1})
        if gone == one:
            assert found["directory_totals"] == totals
        assert {row["customer_id"] for row in found["directory_orders"]} == {*left}
        store.erase(*IDS)
        assert not [rows for name, rows in rows_of(store).items() if rows and name != "directory_totals"]
