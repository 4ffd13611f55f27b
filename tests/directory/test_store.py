"""Rows do not depend on the order or repetition of records; claims, rebuilds, erasures."""

import random
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import column, table, update

from stream.directory import schema
from stream.directory.database import reading, writing
from stream.directory.message_inputs import inputs_of
from stream.directory.migrating import DIRECTORY
from stream.directory.purchases import Metric
from stream.directory.row_changes import VERSION
from stream.directory.schema import METADATA
from stream.directory.store import DirectoryStore, Progress, Step
from stream.directory.timeline import Document, TimelineEntry
from stream.errors import FencedError, SettingsError, StorageError
from stream.events.log_event import LogRecord
from stream.settings import Settings
from tests.directory.mailed import mailed
from tests.directory.told import APPENDED_MS, commit, messages_of, rows_of
from tests.reporting.made_up_shop import make_shop

BERLIN = ZoneInfo("Europe/Berlin")
SHOP = make_shop(12).events
MESSAGES = messages_of([*SHOP, *mailed(SHOP)])
#: Sums of all customers.
SUMS = {"directory_totals", "directory_campaigns"}


@pytest.fixture
def store(url: str) -> Iterator[DirectoryStore]:
    with DirectoryStore(url, BERLIN) as opened:
        yield opened


def document(customer_id: str, events: int, stage: str) -> Document:
    return Document(customer_id, {"document_events": events, "as_of_ms": events, "stage": stage})


def test_neither_order_nor_repeats_nor_steps_matter(store: DirectoryStore) -> None:
    claim = store.claim()
    commit(store, claim, MESSAGES)
    straight = rows_of(store)
    assert straight["directory_orders"]
    assert straight["directory_campaigns"]

    @settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(st.integers(0, 2**31), st.integers(20, 200))
    def same(seed: int, size: int) -> None:
        mixed = MESSAGES * 2
        random.Random(seed).shuffle(mixed)
        store.rebuild()
        anew = store.claim()
        assert anew.offsets == {}
        for start in range(0, len(mixed), size):
            commit(store, anew, mixed[start : start + size])
        assert rows_of(store) == straight

    same()


def test_a_step_is_stored_with_its_offsets_or_not_at_all(
    store: DirectoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim = store.claim()
    commit(store, claim, MESSAGES[:50], offset=50)
    before = rows_of(store)

    def fail(*_given: object) -> None:
        raise OSError("the power is gone")

    with monkeypatch.context() as patched:
        patched.setattr("stream.directory.store.write_changes", fail)
        with pytest.raises(OSError, match="power"):
            commit(store, claim, MESSAGES[50:], offset=len(MESSAGES))
    assert rows_of(store) == before
    assert store.claim().offsets == {("topic", 0): 50}
    assert store.progress().folded == 50


def test_only_the_latest_claim_may_write(store: DirectoryStore) -> None:
    former = store.claim()
    latest = store.claim()
    with pytest.raises(FencedError) as refused:
        commit(store, former, MESSAGES[:1], offset=1)
    assert refused.value.superseded
    with pytest.raises(FencedError):
        store.verify(former)
    store.verify(latest)
    assert rows_of(store)["directory_timeline"] == []


def test_a_rebuild_sends_the_writer_back_to_the_start_of_the_log(store: DirectoryStore) -> None:
    claim = store.claim()
    commit(store, claim, MESSAGES, offset=9)
    assert store.rebuild() == 1
    with pytest.raises(FencedError) as refused:
        store.verify(claim)
    assert not refused.value.superseded
    assert (store.claim().offsets, store.progress()) == ({}, Progress(VERSION, 1, 0, 0, 0))
    assert not any(rows_of(store).values())


def test_another_time_zone_or_version_builds_it_again(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with DirectoryStore(url, BERLIN) as store:
        commit(store, store.claim(), MESSAGES, offset=9)
        assert store.claim().offsets
    with DirectoryStore(url, ZoneInfo("Asia/Tokyo")) as store:
        assert store.progress().folded == len(MESSAGES), "looking changes nothing"
        assert store.claim()[1:] == (1, {})
        commit(store, store.claim(), MESSAGES, offset=9)
        monkeypatch.setattr("stream.directory.store.VERSION", VERSION + 1)
        assert store.claim()[1:] == (2, {})


def test_an_erased_customer_has_no_row_and_the_totals_stay(store: DirectoryStore) -> None:
    claim = store.claim()
    commit(store, claim, [*MESSAGES, document("c-1", 3, "active")])
    before = rows_of(store)
    store.erase("c-1")
    after = rows_of(store)
    assert all(after[name] == before[name] for name in SUMS)
    for name in before.keys() - SUMS:
        assert after[name] == [row for row in before[name] if row["customer_id"] != "c-1"]
    assert [row for row in before["directory_customers"] if row["customer_id"] == "c-1"]
    store.verify(claim)


def test_an_older_document_does_not_replace_a_newer_one(store: DirectoryStore) -> None:
    claim = store.claim()
    commit(store, claim, [document("c-1", 5, "active"), document("c-1", 4, "new")])
    commit(store, claim, [document("c-1", 4, "lead")])
    (row,) = rows_of(store)["directory_customers"]
    assert (row["stage"], row["events"], row["orders"]) == ("active", 0, 0)
    commit(store, claim, [document("c-1", 6, "due")])
    (row,) = rows_of(store)["directory_customers"]
    assert row["stage"] == "due"


def test_totals_of_stages_count_each_change_once(store: DirectoryStore) -> None:
    claim = store.claim()
    change = TimelineEntry("c-1", "stage", 1, 1_767_225_599_000, "at_risk", detail={"from": "due", "why": "silent"})
    commit(store, claim, [change, change])
    commit(store, claim, [change])
    totals = rows_of(store)["directory_totals"]
    # 2025-12-31T23:59:59Z is in the new year in Berlin
    assert [(row["grain"], row["begin"], row["key"], row["value"]) for row in totals] == [
        ("month", "2026-01-01", "due>at_risk", 1),
        ("week", "2025-12-29", "due>at_risk", 1),
    ]
    assert {row["metric"] for row in totals} == {Metric.FLOW}


def test_the_migrations_make_the_tables_of_the_schema(store: DirectoryStore) -> None:
    with reading(store.engine) as connection:
        context = MigrationContext.configure(
            connection,
            opts={"version_table": DIRECTORY.version_table, "compare_type": True, "compare_server_default": True},
        )
        assert compare_metadata(context, METADATA) == []


def test_tables_of_a_later_version_are_left_alone(url: str) -> None:
    with DirectoryStore(url, BERLIN) as store, writing(store.engine) as connection:
        connection.execute(update(table(DIRECTORY.version_table, column("version_num"))).values(version_num="9999"))
    with pytest.raises(StorageError, match="later version"), DirectoryStore(url, BERLIN):
        pass


def test_the_file_is_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "new" / "directory.sqlite"
    with DirectoryStore(f"sqlite:///{path}", BERLIN) as store:
        store.claim()
        assert {one.stat().st_mode & 0o777 for one in path.parent.iterdir()} == {0o600}
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()


def test_readers_do_not_wait_for_a_writer(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stream.directory.database._BUSY_S", 0.0)
    with DirectoryStore(url, BERLIN) as store:
        commit(store, store.claim(), MESSAGES)
        with writing(store.engine) as connection:
            connection.execute(update(schema.run).values(folded=0))
            with DirectoryStore(url, BERLIN) as reader:
                assert reader.progress().folded == len(MESSAGES)


def test_the_error_of_an_unreachable_database_does_not_show_its_password() -> None:
    url = "postgresql://ann:s3cret@127.0.0.1:1/shop"
    with pytest.raises(StorageError, match="does not answer") as told, DirectoryStore(url, BERLIN):
        pass
    assert "s3cret" not in str(told.value)


@pytest.mark.parametrize("url", ["", "sqlite://", "mysql://shop", "postgresql//x", "postgresql://a:s3cret@h:port/shop"])
def test_an_invalid_database_url_is_refused(url: str) -> None:
    with pytest.raises(SettingsError, match="directory_url"):
        DirectoryStore(url, BERLIN)


def test_a_step_that_is_sent_twice_changes_nothing(store: DirectoryStore) -> None:
    claim = store.claim()
    step = Step(MESSAGES, {("topic", 0): 9}, 0)
    store.commit(claim, step)
    before = rows_of(store)
    store.commit(claim, step)
    assert rows_of(store) == before


def test_every_database_keeps_any_text_of_producers(store: DirectoryStore) -> None:
    event = {
        "event_id": "e-1",
        "customer_id": "c-1",
        "occurred_at": 1_767_225_600,
        "name": "rated",
        "scale": "nps",
        "value": 0,
        # allowed where there is no id
        "channel": "we\0b",
        "order_id": "o\0",
        "product_id": "p\0",
    }
    record = LogRecord(b"c-1", msgspec.json.encode(event), APPENDED_MS, 0)
    commit(store, store.claim(), [message for _, message in inputs_of(Settings())["events.feedback"].read([record])[0]])
    found = rows_of(store)
    (entry,) = found["directory_timeline"]
    assert (entry["channel"], entry["order_id"]) == ("we\ufffdb", "o\ufffd")
    assert entry["detail"] == {"scale": "nps", "value": 0.0, "product_id": "p\0"}
    assert [row["channel"] for row in found["directory_channels"]] == ["we\ufffdb"]


def test_a_damaged_file_says_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "directory.sqlite"
    path.write_bytes(b"garbage!" * 100)
    with (
        pytest.raises(StorageError, match=r"is damaged \(file is not a database\): restore the file from a backup"),
        DirectoryStore(f"sqlite:///{path}", BERLIN),
    ):
        pass
