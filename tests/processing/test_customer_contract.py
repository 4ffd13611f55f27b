"""The published document of a customer is the one in Redis without its packed state, and fits the contract."""

from typing import Any

import msgspec
import orjson
import pytest
from jsonschema import Draft202012Validator

from stream.catalogue.outputs import CUSTOMER_VERSION, Customer
from stream.cli.contracts import schema_of
from stream.features.registry import FEATURE_NAMES
from stream.processing.document import packed_state, public
from stream.processing.emission import ACTED_ON
from tests.features.lists_of_events import DAY
from tests.processing.frozen import SILENCE, scorer_of
from tests.processing.station import Station
from tests.processing.test_foresight import RULES, orders_after

SCHEMA = Draft202012Validator(schema_of(Customer), format_checker=Draft202012Validator.FORMAT_CHECKER)
LOG = orders_after([9, 6, 9, 40, 5, 5]) + orders_after([30, 3], "eve")


def run(publish_customers: str) -> Station:
    log = sorted(LOG, key=lambda entry: entry[1].at)
    station = Station(log, RULES, scorer_of(SILENCE), published=ACTED_ON[publish_customers])
    # a step for each event, so two changes are published separately
    while station.step(1) or station.sweep(1):
        pass
    station.advance_to(max(event.at for _, event in LOG) + 90 * DAY)
    return station


def published(station: Station) -> list[Any]:
    return [record for record in station.outgoing if record.topic == "customers"]


def test_the_public_part_is_the_document_without_its_state() -> None:
    station = run("never")
    assert set(station.documents) == {"ada", "eve"}
    for document in station.documents.values():
        whole, part = orjson.loads(document), orjson.loads(public(document))
        assert packed_state(document)
        assert whole.pop("state")
        assert part == whole
        SCHEMA.validate(part)
        read = msgspec.json.decode(public(document), type=Customer)
        # every field is in the contract
        named = {name for name in Customer.__struct_fields__ if getattr(read, name) is not msgspec.UNSET}
        assert part.keys() == named
        assert part["features"].keys() <= {*FEATURE_NAMES}


@pytest.mark.parametrize("change", [{"risk": 1.5}, {"alert": "yes"}, {"as_of": "yesterday"}, {"features": None}])
def test_the_schema_refuses_an_invalid_document(change: dict[str, object]) -> None:
    document = orjson.loads(public(run("never").documents["ada"]))
    assert SCHEMA.is_valid(document)
    assert not SCHEMA.is_valid({**document, **change})


@pytest.mark.parametrize(
    ("setting", "topics"), [("changes", {"alerts", "segment-changes", "stages"}), ("never", set())]
)
def test_a_document_goes_with_every_change(setting: str, topics: set[str]) -> None:
    station = run(setting)
    told = {record.key for record in station.outgoing if record.topic in topics}
    assert {record.key for record in published(station)} == told
    assert bool(told) == (setting == "changes")


def test_landmarks_publish_too_and_the_newest_document_tells_the_alert() -> None:
    station = run("landmarks")
    records = published(station)
    assert len(records) > len(published(run("changes"))) > 0
    for record in records:
        assert dict(record.headers)["schema-version"] == str(CUSTOMER_VERSION).encode()
        SCHEMA.validate(orjson.loads(record.value))
    newest = {record.key.decode(): orjson.loads(record.value) for record in records}
    for customer, document in station.documents.items():
        stored = orjson.loads(document)
        assert newest[customer]["alert"] == stored["alert"]
        assert newest[customer].get("segment") == stored.get("segment")
        assert newest[customer]["stage"] == stored["stage"]
