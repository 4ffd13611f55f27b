"""What is decided in the console is about the ids of its pages, whatever else customers are called."""

from pathlib import Path

import msgspec

from stream.cli.console_identities import ShopIdentities
from stream.identity.records import IdentityLink
from stream.imports.contacts import CONTACTS_FILE, Contact, ContactsFile
from stream.local.broker import EmbeddedBroker
from stream.notifications.read_to_end import read_to_end
from stream.settings import Settings
from tests.agents.topics import create


def test_an_id_that_is_another_customers_number_stays_the_id(
    broker: EmbeddedBroker, topic_prefix: str, tmp_path: Path
) -> None:
    settings = Settings(
        kafka_bootstrap=broker.bootstrap, topic_prefix=topic_prefix, partitions=1, data_dir=str(tmp_path)
    )
    create(broker.bootstrap, settings.topics.items())
    with ContactsFile(tmp_path / CONTACTS_FILE) as contacts:
        contacts.add([("c-9", Contact(name="Bo", phone="+49 151 1234567"))])
    people = ShopIdentities(settings)
    number = "491511234567"
    assert people.id_of(number) == "c-9"
    link_id = people.decide("merge", number, "c-1", "eve")
    (record,) = read_to_end(settings, settings.identities)
    link = msgspec.json.decode(record.value or b"", type=IdentityLink)
    assert (link.link_id, link.one, link.other) == (link_id, number, "c-1")
