"""Lists without scores of who refuses them, and nobody who refuses in a list that goes by scores."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stream.directory.consented_lists import (
    SCORED,
    SCORES,
    Refusing,
    consented_page,
    every_consented,
    is_by_scores,
    without_scores,
)
from stream.directory.customer_queries import Condition, Sort, every_customer
from stream.directory.database import reading
from stream.directory.schema import customers
from stream.directory.store import DirectoryStore
from stream.directory.timeline import ALERT, Document, TimelineEntry
from stream.directory.timeline_queries import timeline_page
from stream.errors import StorageError
from stream.events.columns import MONEY_SCALE
from tests.directory.told import commit

IDS = [f"c-{number:02}" for number in range(30)]
CONDITIONS = [Condition(), Condition(stages=["lost"]), Condition(risk_from=0.3), Condition(segments=["a"])]
CONDITIONS += [Condition(at_stake_from=5 * MONEY_SCALE, stages=["lost"])]


def document(number: int) -> Document:
    columns: dict[str, Any] = {
        "document_events": 1,
        "stage": ("lost", "active")[number % 2],
        "segment": "ab"[number % 3 > 0],
        "risk": number / 30,
        "value_at_risk": number * MONEY_SCALE,
        "lifetime_value": number * MONEY_SCALE,
        "reasons": ["No order for 30 days."],
        "next_order_ms": 1,
        "alert": True,
    }
    return Document(IDS[number], columns)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DirectoryStore]:
    path: Path = tmp_path_factory.mktemp("consented") / "directory.sqlite"
    entries = [TimelineEntry(IDS[0], source, 1, 1, "x") for source in (ALERT, "click", "stage")]
    with DirectoryStore(f"sqlite:///{path}", ZoneInfo("UTC")) as opened:
        commit(opened, opened.claim(), [*entries, *map(document, range(len(IDS)))])
        yield opened


def refusing_of(refused: frozenset[str]) -> Refusing:
    return lambda ids: refused & {*ids}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(
    refused=st.frozensets(st.sampled_from(IDS)),
    condition=st.sampled_from(CONDITIONS),
    sort=st.sampled_from(Sort),
    limit=st.integers(1, 9),
)
def test_all_pages_have_who_agrees_and_of_others_no_score(
    store: DirectoryStore, refused: frozenset[str], condition: Condition, sort: Sort, limit: int
) -> None:
    refusing = refusing_of(refused)
    found: list[dict[str, Any]] = []
    cursor = None
    with reading(store.engine) as connection:
        raw = [*every_customer(connection, condition, sort)]
        whole = [*every_consented(connection, condition, sort, refusing=refusing)]
        while True:
            page = consented_page(connection, condition, sort, refusing=refusing, limit=limit, cursor=cursor)
            assert len(page.rows) <= limit
            found += page.rows
            if (cursor := page.cursor) is None:
                break
    assert found == whole
    kept = [row for row in raw if not is_by_scores(condition, sort) or row["customer_id"] not in refused]
    assert [row["customer_id"] for row in found] == [row["customer_id"] for row in kept]
    for row, as_stored in zip(found, kept, strict=True):
        is_refused = row["customer_id"] in refused
        assert row == (without_scores(as_stored) if is_refused else as_stored)
        assert (row["risk"] is None) == is_refused


def test_pages_are_filled_up(store: DirectoryStore) -> None:
    asked: list[Sequence[str]] = []

    def refusing(ids: Sequence[str]) -> frozenset[str]:
        asked.append(ids)
        return frozenset(IDS[10:])

    with reading(store.engine) as connection:
        page = consented_page(connection, Condition(), Sort.RISK, refusing=refusing, limit=5)
    assert [row["customer_id"] for row in page.rows] == IDS[9:4:-1]
    assert len(asked) == 5
    assert all(asked)


def test_while_nobody_can_tell_who_agrees_no_list_goes_by_scores_and_none_shows_them(store: DirectoryStore) -> None:
    asked = 0

    def unknown(_ids: Sequence[str]) -> None:
        nonlocal asked
        asked += 1

    with reading(store.engine) as connection:
        with pytest.raises(StorageError, match="what customers agreed to is not known"):
            consented_page(connection, Condition(), Sort.RISK, refusing=unknown, limit=5)
        assert asked == 1
        page = consented_page(connection, Condition(), Sort.ID, refusing=unknown, limit=5)
    assert [row["customer_id"] for row in page.rows] == IDS[:5]
    assert all(row[name] is None for row in page.rows for name in SCORES)
    assert asked == 2


def test_every_score_is_a_column_and_alerts_are_hidden(store: DirectoryStore) -> None:
    assert {*SCORES} <= {*customers.c.keys()}
    with reading(store.engine) as connection:
        shown = timeline_page(connection, IDS[0], limit=9, hidden=SCORED)
        alone = timeline_page(connection, IDS[0], limit=9, sources=[ALERT], hidden=SCORED)
    assert [entry.source for entry in shown.entries] == ["stage", "click"]
    assert alone.entries == []
