"""Every field of every record says whether it is personal, and every place with data of people is in the register."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import get_args

import msgspec
import pytest

from stream.catalogue.declaring import Personal, Retention
from stream.catalogue.events import EVENT_TYPES, EventType
from stream.catalogue.personal import PERSONAL
from stream.catalogue.register import TOPIC_STORES
from stream.catalogue.tables import COLUMNS, TABLE_STORES
from stream.cli.contracts import CONTRACTS, UNIONS
from stream.directory import schema
from stream.directory.desk import desk_tables
from stream.imports.contacts import CONTACTS_FILE, Contact, ContactsFile
from stream.imports.import_ledger import LEDGER_FILE, ImportLedger
from stream.privacy.concealed_fields import CONCEALED, PSEUDONYMS, READABLE
from stream.projections.all_projections import PROJECTIONS
from stream.reporting.processing_register import markdown, register_of
from stream.settings import Settings


def fields_of(name: str) -> set[str]:
    structs = [CONTRACTS[name]] if name in CONTRACTS else get_args(UNIONS[name])
    return {field.encode_name for struct in structs for field in msgspec.structs.fields(struct)}


@pytest.mark.parametrize("name", [*CONTRACTS, *UNIONS])
def test_every_field_of_a_record_says_whether_it_is_personal(name: str) -> None:
    assert fields_of(name) == set(PERSONAL[name])


def test_nothing_is_declared_that_does_not_exist() -> None:
    assert set(PERSONAL) == {*CONTRACTS, *UNIONS}


@pytest.mark.parametrize("name", PERSONAL)
def test_the_id_of_a_customer_identifies(name: str) -> None:
    assert PERSONAL[name].get("customer_id", Personal.IDENTIFIES) is Personal.IDENTIFIES


def test_every_topic_and_every_projection_is_in_the_register() -> None:
    settings = Settings(topic_prefix="eu.")
    assert {f"eu.{name}" for name in TOPIC_STORES} == {*settings.topics}
    found = register_of(settings)
    assert {entry.where for entry in found} >= {f"Redis, projection {name}" for name in PROJECTIONS}
    assert {entry.where for entry in found} >= {f"Kafka {topic}" for topic in settings.topics}
    assert all(entry.what and entry.why and entry.how_long and entry.who for entry in found)


def tables_of(file: sqlite3.Connection) -> dict[str, set[str]]:
    names = [name for (name,) in file.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    return {name: {row[1] for row in file.execute(f"PRAGMA table_info({name})")} for name in names}


@pytest.fixture
def tables(tmp_path: Path) -> dict[str, set[str]]:
    """Table -> columns, of everything that the program keeps in databases but keys of persons."""
    of_metadata = {
        name: {column.name for column in table.columns}
        for metadata in (schema.METADATA, desk_tables.METADATA)
        for name, table in metadata.tables.items()
    }
    with ContactsFile(tmp_path / CONTACTS_FILE) as contacts:
        contacts.add([("c-1", Contact(name="Ann Ode"))])
    with closing(ImportLedger(tmp_path / LEDGER_FILE, "shop")):
        pass
    found: dict[str, set[str]] = {}
    for name in (CONTACTS_FILE, LEDGER_FILE):
        with closing(sqlite3.connect(tmp_path / name)) as file:
            found |= tables_of(file)
    return of_metadata | found


def test_every_column_of_a_table_says_whether_it_is_personal(tables: dict[str, set[str]]) -> None:
    assert tables == {table: {*columns} for table, columns in COLUMNS.items()}


def test_every_table_with_data_of_people_is_in_the_register() -> None:
    of_people = {
        table
        for table, columns in COLUMNS.items()
        if any(personal is not Personal.NOT_PERSONAL for personal in columns.values())
    }
    assert {*TABLE_STORES} == of_people
    assert {store.where for store in TABLE_STORES.values()} <= {entry.where for entry in register_of(Settings())}


def test_the_register_has_the_staff() -> None:
    found = {entry.where: entry for entry in register_of(Settings(keep_audit_days=30))}
    users, trail = found["console, table desk_users"], found["console, table desk_audit"]
    assert users.identifies == ("name", "subject")
    assert (users.how_long, trail.how_long) == ("until an admin removes the user", "30 days")
    assert "who" in trail.identifies
    assert "seen_ms" in found["console, table desk_sessions"].describes


def test_the_register_says_how_long_this_installation_keeps_things() -> None:
    settings = Settings(keep_events_days=400, keep_dead_letters_days=31, text_keep_days=17)
    how_long = {entry.where: entry.how_long for entry in register_of(settings)}
    assert how_long["Kafka events.click"] == how_long["Kafka training-examples"] == "400 days"
    # nothing deletes them with the records of the topics
    assert {how_long[f"directory, table directory_{one}"] for one in ("timeline", "orders", "mailings")} == {
        "until erased"
    }
    assert how_long["Kafka dead-letters"] == "31 days"
    assert how_long["Kafka feedback-texts"] == how_long["Redis, projection texts"] == "17 days"
    assert how_long["Kafka alerts"] == "as the brokers say"
    assert how_long["Kafka events.consent"] == "until erased: it shows what was decided"
    assert [Settings().keep_days(kept) for kept in (Retention.NEWEST, Retention.DECISIONS)] == [None, None]


@pytest.mark.parametrize("event_type", EventType)
def test_what_is_personal_in_an_event_is_under_keys_or_says_why_not(event_type: EventType) -> None:
    said, hidden = PERSONAL[f"{event_type}-event"], {*CONCEALED[event_type]}
    own = {field.name for field in EVENT_TYPES[event_type].fields}
    for name, personal in said.items():
        if personal is Personal.IDENTIFIES:
            assert name in hidden | PSEUDONYMS, name
        elif personal is Personal.DESCRIBES and name not in own:
            assert (name in hidden) != (name in READABLE), name
    assert hidden <= {*said}


def test_what_stays_readable_is_somewhere_and_says_why() -> None:
    fields = {name for event_type in EventType for name in PERSONAL[f"{event_type}-event"]}
    assert {*READABLE} | PSEUDONYMS <= fields
    assert all(READABLE.values())


def test_the_register_says_what_is_under_keys() -> None:
    settings = Settings(privacy_keys="sqlite:////keys.sqlite")
    found = {entry.where: entry for entry in register_of(settings)}
    assert {"customer_id", "identifiers", "event_id", "order_id", "text"} <= {
        *found["Kafka events.feedback"].under_keys
    }
    assert "value" not in found["Kafka events.feedback"].under_keys
    assert {"customer_id", "note", "actor"} <= {*found["Kafka actions"].under_keys}
    assert found["Kafka identities"].under_keys == ("one", "other")
    assert "wrapped with the master key" in found["key store"].what
    page = markdown(register_of(settings), settings)
    assert "under keys of persons: customer_id" in page
    without = Settings()
    assert "key store" not in {entry.where for entry in register_of(without)}
    assert not any(entry.under_keys for entry in register_of(without))
    assert "topics have ids and texts in clear until" in markdown(register_of(without), without)


def test_the_page_names_what_identifies_and_what_describes() -> None:
    settings = Settings()
    page = markdown(register_of(settings), settings)
    section = page.partition("## Kafka events.consent\n")[2].partition("\n## ")[0]
    assert "* identifies: customer_id, identifiers, event_id\n" in section
    assert "* describes: occurred_at, channel, name, purpose, contact_channel, source" in section
    assert "version" not in section
