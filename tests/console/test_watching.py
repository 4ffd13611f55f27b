"""What the console tells of itself: requests by route, and whether its database answers."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from psycopg import connect

from stream.alerts.action_records import Action, ActionKind
from stream.console.watching import Watch
from stream.directory.desk.desk_store import UNDO_MS, DeskStore
from stream.directory.store import DirectoryStore
from stream.metrics import REGISTRY
from tests.console.conftest import Office, Visit
from tests.directory.postgres import Postgres, required_postgres


def value(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


def test_requests_are_counted_by_route_and_nobody_makes_new_labels(office: Office) -> None:
    name = "stream_console_requests_total"
    routes = [("/customer", "200"), ("/customers", "400"), ("other", "404"), ("/api/v1/kpis", "401")]
    before = [value(name, page=page, status=status) for page, status in routes]

    async def steps(visit: Visit) -> None:
        await visit("/customer", {"customer_id": "c-3"})
        await visit("/customers", {"risk_from": "much"})
        await visit("/c-3")
        await visit("/c-4")
        await visit("/api/v1/kpis")
        await visit("/style.css")

    office.visited(steps)
    after = [value(name, page=page, status=status) for page, status in routes]
    assert [now - then for now, then in zip(after, before, strict=True)] == [1, 1, 2, 1]
    pages = {
        sample.labels["page"] for family in REGISTRY.collect() for sample in family.samples if "page" in sample.labels
    }
    assert not {"/c-3", "/style.css"} & pages


def test_what_is_due_and_a_database_that_is_gone_are_told(office: Office, tmp_path: Path) -> None:
    told: list[tuple[Sequence[str], Mapping[str, int]]] = []
    with DirectoryStore(f"sqlite:///{tmp_path}/full.sqlite", ZoneInfo("Europe/Berlin")) as store:
        watch = Watch(store, office.desk, lambda *how: told.append(how), lambda: office.now_ms)
        watch.look()
        action = Action(action_id="a-1", customer_id="c-3", action=ActionKind.CONTACTED, occurred_at=1.0)
        office.desk.record(action, "anna", office.now_ms)
        watch.look()
        office.now_ms += UNDO_MS + 7000
        watch.look()
        assert told == [([], {"due_actions": 0}), ([], {"due_actions": 0}), ([], {"due_actions": 1})]
        assert value("stream_console_oldest_due_action_seconds") == 7.0
        assert value("stream_console_database_up") == 1.0
        store.engine.dispose()
        (tmp_path / "full.sqlite").write_bytes(b"this is no database" * 1000)
        watch.look()
    assert (len(told[-1][0]), value("stream_console_database_up")) == (1, 0.0)


def test_tables_that_are_gone_end_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """PostgreSQL is there, and refuses every statement: pages say so, and all goes well once the tables are back."""
    told: list[tuple[Sequence[str], Mapping[str, int]]] = []

    async def publish_for_a_while(office: Office) -> None:
        stop, has_failed = asyncio.Event(), asyncio.Event()
        loop = asyncio.get_running_loop()

        def notice(record: logging.LogRecord) -> bool:
            loop.call_soon_threadsafe(has_failed.set)
            return record is not None

        acting = logging.getLogger("stream.console.acting")
        acting.addFilter(notice)
        try:
            async with asyncio.timeout(60), asyncio.TaskGroup() as group:
                group.create_task(office.acting.publish_until(stop))
                await has_failed.wait()
                stop.set()
        finally:
            acting.removeFilter(notice)

    async def steps(visit: Visit) -> None:
        for path in ("/customers", "/business", "/api/v1/kpis"):
            status, headers, text = await visit(path, Authorization="Bearer x")
            assert (status, "does not exist" in text) == (503, True), (path, text)
            assert headers["X-Content-Type-Options"] == "nosniff"

    with Postgres(required_postgres()) as server:
        url = server.database()
        with DirectoryStore(url, ZoneInfo("Europe/Berlin")) as store, DeskStore(url) as desk:
            office = Office(store, desk)
            watch = Watch(store, desk, lambda *how: told.append(how), lambda: office.now_ms)
            with connect(url, autocommit=True) as connection:
                found = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
                tables = [row[0] for row in found]
                for table in tables:
                    connection.execute(f'ALTER TABLE "{table}" RENAME TO "gone_{table}"')
                watch.look()
                assert ("does not exist" in told[-1][0][0], value("stream_console_database_up")) == (True, 0.0)
                office.visited(steps)
                asyncio.run(publish_for_a_while(office))
                assert "actions wait: UndefinedTable: relation" in caplog.text
                for table in tables:
                    connection.execute(f'ALTER TABLE "gone_{table}" RENAME TO "{table}"')
            watch.look()
            assert (told[-1], value("stream_console_database_up")) == (([], {"due_actions": 0}), 1.0)
            assert office.acting.publish_due() == 0
