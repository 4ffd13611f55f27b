"""The console of an installation with keys of persons: people type ids, and the directory has pseudonyms."""

from contextlib import closing
from pathlib import Path

from stream.console.passwords import hash_of
from stream.directory.desk.accounts import Role
from stream.directory.desk.desk_store import DeskStore
from stream.directory.store import DirectoryStore
from stream.directory.timeline import Document
from stream.privacy.person_keys import PersonKeys
from stream.privacy.revealing import Revealer
from stream.settings import Settings
from tests.console.conftest import Office, Visit, fields_of
from tests.directory.told import commit


def test_a_list_is_asked_for_a_whole_id_and_shows_it(store: DirectoryStore, desk: DeskStore, tmp_path: Path) -> None:
    settings = Settings(privacy_keys=f"sqlite:///{tmp_path}/keys.sqlite", privacy_master_key="11" * 32)
    keys = PersonKeys.of(settings)
    assert keys is not None
    with closing(keys):
        persons = keys.persons(["ann@shop", "bob", "carl"])
        pseudonyms = {one: person.customer_id for one, person in persons.items() if person is not None}
        commit(store, store.claim(), [Document(one, {"document_events": 1}) for one in pseudonyms.values()])
        office = Office(store, desk)
        office.revealer = Revealer(keys)
        office.accounts.add("anna", Role.ADMIN, hash_of("correct horse battery"), office.now_ms)

        async def steps(visit: Visit) -> None:
            login = fields_of((await visit("/login"))[2], "/login")
            await visit("/login", login | {"name": "anna", "password": "correct horse battery"})
            page = (await visit("/customers", {"sort": "id"}))[2]
            assert all(f">{one}</button>" in page for one in persons)
            found = (await visit("/customers", {"sort": "id", "begins": "bob"}))[2]
            assert (">bob</button>" in found, ">carl</button>" in found) == (True, False)
            assert "Id begins with" not in found
            # nobody is found by a part of an id, as a pseudonym says nothing of it
            found = (await visit("/customers", {"sort": "id", "begins": "bo"}))[2]
            assert ">bob</button>" not in found
            # the form that leads to a person sends what is stored, and so does the page of privacy
            office.operations.personal.asked.clear()
            form = fields_of((await visit("/privacy"))[2], "/privacy/person") | {"person": pseudonyms["bob"]}
            page = (await visit("/privacy/person", form))[2]
            assert '<span class="quiet small">bob</span></li>' in page
            assert fields_of(page, "/privacy/erase")["person"] == pseudonyms["bob"]

        office.visited(steps)
