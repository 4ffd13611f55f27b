"""A person with several ids, asked for as one."""

from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stream.directory.database import reading
from stream.directory.person_queries import person
from stream.directory.store import DirectoryStore
from stream.directory.timeline import Document, TimelineEntry
from stream.directory.timeline_queries import orders_of, timeline_page
from tests.directory.told import commit

IDS = ["c-1", "anonymous_id:a", "email:b"]
#: Of each order the completion and what came of it are under one id, for a refund alone is none of a customer's orders.
told = st.lists(
    st.tuples(
        st.sampled_from(["click", "order", "refunded", "cancelled"]), st.sampled_from(IDS), st.integers(0, 10**6)
    ),
    max_size=25,
)


def entries_of(things: list[tuple[str, str, int]], *, under_one: bool) -> list[TimelineEntry]:
    """Entries of each thing that happened; ``under_one``: all of them are of the first id."""
    found = []
    for number, (what, own_id, at_ms) in enumerate(things):
        who, first = IDS[0] if under_one else own_id, 2 * number
        if what == "click":
            found.append(TimelineEntry(who, "click", first, at_ms, "page_viewed", "web"))
            continue
        found.append(TimelineEntry(who, "purchase", first, at_ms, "completed", "shop", f"o-{number}", 1000 + number))
        if what != "order":
            found.append(TimelineEntry(who, "purchase", first + 1, at_ms + 1, what, None, f"o-{number}", 400))
    return found


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=15, deadline=None)
@given(things=told, limit=st.integers(1, 7))
def test_a_person_is_shown_as_if_all_had_come_under_one_id(
    tmp_path: Path, things: list[tuple[str, str, int]], limit: int
) -> None:
    shown = []
    # the customer has a row, whatever came under which id
    row = Document("c-1", {"document_events": 1, "risk": 0.5})
    for under_one in (True, False):
        with DirectoryStore(f"sqlite:///{tmp_path}/directory.sqlite", ZoneInfo("UTC")) as store:
            store.rebuild()
            commit(store, store.claim(), [row, *entries_of(things, under_one=under_one)])
            others = () if under_one else IDS[1:]
            with reading(store.engine) as connection:
                timeline: list[Any] = []
                cursor = None
                while True:
                    page = timeline_page(connection, "c-1", limit=limit, cursor=cursor, others=others)
                    timeline += [entry[1:] for entry in page.entries]
                    if (cursor := page.cursor) is None:
                        break
                orders = [{**one, "customer_id": ""} for one in orders_of(connection, "c-1", others)]
                shown.append((person(connection, "c-1", others), timeline, sorted(orders, key=repr)))
    assert shown[0] == shown[1]


def test_an_id_alone_has_its_own_rows_and_whoever_has_none_is_unknown(tmp_path: Path) -> None:
    with DirectoryStore(f"sqlite:///{tmp_path}/directory.sqlite", ZoneInfo("UTC")) as store:
        things = [("click", IDS[1], 5), ("order", IDS[0], 7)]
        commit(store, store.claim(), entries_of(things, under_one=False))
        with reading(store.engine) as connection:
            found = {one: person(connection, one) for one in IDS}
            joined = person(connection, IDS[0], IDS[1:])
            assert person(connection, IDS[2], IDS[:2]) is None
    assert {one: row and (row["events"], row["orders"]) for one, row in found.items()} == {
        IDS[0]: (1, 1),
        IDS[1]: (1, 0),
        IDS[2]: None,
    }
    assert joined is not None
    assert (joined["events"], joined["first_ms"], joined["channels"]) == (2, 5, {"shop": 1, "web": 1})
