import sqlite3
import stat
from pathlib import Path

import pytest

from stream.errors import ImportFileError
from stream.imports.contacts import CONTACTS_FILE, Contact, ContactsFile
from stream.imports.pseudonyms import pseudonym
from stream.privacy.person_keys import PersonKeys
from stream.settings import Settings

ANN = Contact(name="Ann Ode", email="ann@example.com", phone="+44 1", address="1 Quay, Hull", seen_ms=10)


def test_a_newer_export_wins_field_by_field_and_erases_nothing(tmp_path: Path) -> None:
    with ContactsFile(tmp_path / CONTACTS_FILE) as contacts:
        contacts.add([("c-1", ANN)])
        contacts.add([("c-1", Contact(name="Ann Ode-Smith", marketing="no", seen_ms=20))])
        contacts.add([("c-1", Contact(name="A. Ode", address="an older one", seen_ms=5))])
        found = contacts.find(["c-1"])["c-1"]
    assert found == Contact(
        name="Ann Ode-Smith", email="ann@example.com", phone="+44 1", address="1 Quay, Hull", marketing="no", seen_ms=20
    )


def test_many_customers_are_found_at_a_time_and_strangers_are_not(tmp_path: Path) -> None:
    with ContactsFile(tmp_path / CONTACTS_FILE) as contacts:
        contacts.add((f"c-{n}", Contact(name=f"N {n}")) for n in range(2000))
        found = contacts.find([f"c-{n}" for n in range(1500, 2500)])
        assert [*found] == sorted(f"c-{n}" for n in range(1500, 2000))
        assert len([*contacts.all()]) == 2000


def test_only_its_owner_can_read_the_file(tmp_path: Path) -> None:
    with ContactsFile(tmp_path / "new" / CONTACTS_FILE) as contacts:
        contacts.add([("c-1", ANN)])
    assert stat.S_IMODE((tmp_path / "new" / CONTACTS_FILE).stat().st_mode) == 0o600


def test_a_forgotten_person_leaves_no_trace_in_the_file(tmp_path: Path) -> None:
    with ContactsFile(tmp_path / CONTACTS_FILE) as contacts:
        contacts.add([("c-1", ANN), ("c-2", Contact(name="Bo"))])
        assert contacts.forget("c-1")
        assert not contacts.forget("c-1")
        assert [*contacts.all()] == [("c-2", Contact(name="Bo"))]
    assert b"ann@example.com" not in (tmp_path / CONTACTS_FILE).read_bytes()


def test_looking_for_names_makes_no_file(tmp_path: Path) -> None:
    with ContactsFile(tmp_path / CONTACTS_FILE) as contacts:
        assert contacts.find(["c-1"]) == {}
        assert [*contacts.all()] == []
        assert not contacts.forget("c-1")
    assert not (tmp_path / CONTACTS_FILE).exists()


def test_a_file_of_another_program_is_named_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / CONTACTS_FILE
    path.write_bytes(b"no database at all, but long enough to be looked at as one" * 20)
    with pytest.raises(ImportFileError, match=str(path)), ContactsFile(path) as contacts:
        contacts.add([("c-1", ANN)])
    with pytest.raises(sqlite3.DatabaseError):
        sqlite3.connect(path).execute("SELECT 1 FROM contact")


def test_a_customer_without_an_address_is_found_by_the_user_name(tmp_path: Path) -> None:
    with ContactsFile(tmp_path / CONTACTS_FILE) as contacts:
        contacts.add([(pseudonym("", "garden/lady"), Contact(name="Ann Ode"))])
        assert contacts.called("Garden/Lady") == contacts.called("ann ode") == [pseudonym("", "garden/lady")]
        assert contacts.called("somebody else") == []


def test_names_that_several_have_are_told_apart_in_lists(tmp_path: Path) -> None:
    with ContactsFile(tmp_path / CONTACTS_FILE) as contacts:
        contacts.add([("1", Contact(name="Ann", email="a@b.example")), ("2", Contact(name="Ann"))])
        assert contacts.names(["1", "2"]) == {"1": "Ann (a@b.example)", "2": "Ann"}
        assert contacts.names(["1"]) == {"1": "Ann"}


def test_a_person_is_found_by_name_address_or_number_whatever_its_case_and_spaces(tmp_path: Path) -> None:
    with ContactsFile(tmp_path / CONTACTS_FILE) as contacts:
        assert contacts.called("Ann Ode") == []
        assert not (tmp_path / CONTACTS_FILE).exists()
        contacts.add(
            [
                ("c-1", Contact(name="Jörg  Groß", email="Joerg@Example.de", phone="+49 (30) 123-456")),
                ("c-2", Contact(name="Ann Ode", email="ann@example.com")),
                ("c-3", Contact(name="ANN ODE")),
                ("c-4", Contact(email="flat12@example.com", phone="12")),
            ]
        )
        for text in ("jörg GROSS", " joerg@example.DE ", "0049", "+4930 123456", "Jörg Groß"):
            assert contacts.called(text) == ([] if text == "0049" else ["c-1"]), text
        assert contacts.called("ann ode") == ["c-2", "c-3"]
        # too short for a number, and a part of a name is no name
        assert contacts.called("12") == contacts.called("Ann") == contacts.called("") == contacts.called("%") == []
        assert [customer for customer, _ in contacts.like("ann", 5)] == ["c-3", "c-2"]
        assert [customer for customer, _ in contacts.like("EXAMPLE", 2)] == ["c-4", "c-2"]


def test_with_keys_the_file_has_pseudonyms_and_ciphertext_and_is_searched_in_clear(tmp_path: Path) -> None:
    settings = Settings(privacy_keys=f"sqlite:///{tmp_path}/keys.sqlite", privacy_master_key="11" * 32)
    file = tmp_path / CONTACTS_FILE
    with ContactsFile(file, PersonKeys.of(settings)) as contacts:
        contacts.add([("c-1", ANN), ("c-2", Contact(name="Bo"))])
        contacts.add([("c-1", Contact(name="Ann Ode-Smith", seen_ms=20))])
        (ann,) = contacts.called("ann@EXAMPLE.com")
        assert ann != "c-1"
        assert contacts.find([ann])[ann].name == "Ann Ode-Smith"
        assert [one for one, _ in contacts.like("ode", 5)] == [ann]
        assert contacts.called("+44 1") == []
        assert {one.name for _, one in contacts.all()} == {"Ann Ode-Smith", "Bo"}
    content = file.read_bytes()
    assert ann.encode() in content
    for clear in (b"c-1", b"Ann", b"example.com", b"Hull"):
        assert clear not in content
    keys = PersonKeys.of(settings)
    assert keys is not None
    keys.erase(["c-1"], refuse=True)
    with ContactsFile(file, keys) as contacts:
        assert contacts.called("ann@example.com") == []
        assert contacts.find([ann])[ann].name == "(erased)"
        contacts.add([("c-1", ANN)])
        assert len([*contacts.all()]) == 2
