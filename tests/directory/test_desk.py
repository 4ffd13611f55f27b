"""What people record, in SQLite and PostgreSQL: once, taken back or passed on, and forgotten with the customer."""

from collections.abc import Iterator
from datetime import UTC, datetime

import msgspec
import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from stream.alerts.action_records import Action, ActionKind
from stream.directory.database import reading
from stream.directory.desk.desk_store import UNDO_MS, DeskStore, Note, desk_url
from stream.directory.desk.desk_tables import METADATA
from stream.directory.migrating import DESK

NOW_MS = 1_780_000_000_000
QUARTER_MS = 90 * 86_400_000


@pytest.fixture
def desk(url: str) -> Iterator[DeskStore]:
    with DeskStore(url) as opened:
        yield opened


def contacted(action_id: str, customer_id: str) -> Action:
    at = datetime(2026, 5, 28, tzinfo=UTC)
    return Action(action_id=action_id, customer_id=customer_id, action=ActionKind.CONTACTED, occurred_at=at)


def test_the_migrations_make_the_tables_of_the_schema(desk: DeskStore) -> None:
    with reading(desk.engine) as connection:
        opts = {"version_table": DESK.version_table, "compare_type": True, "compare_server_default": True}
        assert compare_metadata(MigrationContext.configure(connection, opts=opts), METADATA) == []


def test_an_action_is_undone_or_passed_on_and_never_both(desk: DeskStore) -> None:
    assert desk.record(contacted("a-1", "c-1"), "anna", NOW_MS)
    assert not desk.record(contacted("a-1", "c-2"), "anna", NOW_MS), "the id is taken"
    assert desk.record(contacted("a-2", "c-1"), "anna", NOW_MS + 1)
    assert desk.claim(NOW_MS + UNDO_MS - 1) == []
    assert desk.undo("a-1")
    assert not desk.undo("a-1")
    assert desk.claim(NOW_MS + UNDO_MS) == []
    ((action_id, customer_id, record),) = desk.claim(NOW_MS + UNDO_MS + 1)
    assert (action_id, customer_id) == ("a-2", "c-1")
    assert msgspec.json.decode(record, type=Action) == contacted("a-2", "c-1")
    assert not desk.undo("a-2")
    # the process died before it was confirmed
    assert [one[0] for one in desk.claim(NOW_MS)] == ["a-2"]
    desk.published("a-2", NOW_MS + UNDO_MS + 2)
    assert desk.claim(NOW_MS + QUARTER_MS) == []
    (recorded,) = desk.recorded(["c-1", "c-2"], NOW_MS)["c-1"]
    assert recorded == ("a-2", "contacted", "anna", NOW_MS + 1, False, NOW_MS + UNDO_MS + 2)
    assert desk.recorded(["c-1"], NOW_MS + 2) == {}


def test_what_was_published_long_ago_is_forgotten(desk: DeskStore) -> None:
    desk.record(contacted("a-1", "c-1"), "anna", NOW_MS)
    desk.record(contacted("a-2", "c-1"), "anna", NOW_MS)
    desk.published("a-1", NOW_MS)
    desk.published("a-2", NOW_MS + QUARTER_MS + 1)
    assert [one.action_id for one in desk.recorded(["c-1"], 0)["c-1"]] == ["a-2"]


def test_notes_of_a_customer_stand_beside_each_other(desk: DeskStore) -> None:
    desk.assign("c-1", "anna")
    desk.snooze("c-1", NOW_MS)
    desk.snooze("c-2", NOW_MS)
    assert desk.notes(["c-1", "c-2", "c-3"]) == {"c-1": Note("anna", NOW_MS), "c-2": Note(None, NOW_MS)}
    desk.assign("c-1", None)
    assert desk.notes(["c-1"]) == {"c-1": Note(None, NOW_MS)}


def test_an_erased_customer_is_gone_and_nothing_more_is_published(desk: DeskStore) -> None:
    for customer in ("c-1", "c-2"):
        desk.record(contacted(f"a-{customer}", customer), "anna", NOW_MS)
        desk.assign(customer, "anna")
    desk.erase("c-1")
    assert [one[1] for one in desk.claim(NOW_MS + UNDO_MS)] == ["c-2"]
    assert (desk.recorded(["c-1"], 0), desk.notes(["c-1"])) == ({}, {})
    assert desk.notes(["c-2"]) == {"c-2": Note("anna", None)}


def test_the_desk_is_beside_the_directory() -> None:
    assert desk_url("sqlite:///directory.sqlite") == "sqlite:///console.sqlite"
    assert desk_url("postgresql://shop@host/shop") == "postgresql://shop@host/shop"
