"""Checked events on their way to Kafka under keys: no more than their contract, and the same when they are revealed."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from stream.client.concealed_records import RecordConcealer
from stream.client.event_contract import Draft, EventContract
from stream.client.event_record import EventRecord
from stream.events.decode import Decoder
from stream.events.kinds import EventType
from stream.events.model import CONTRACT_OF
from stream.events.rejections import Defect, Rejection
from stream.privacy.revealing import Revealer
from stream.settings import Settings
from tests.oracle.record import Record
from tests.privacy.planted import PERSON, events, planted_in

NOW_MS = 4_000_000_000_000


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    url = f"sqlite:///{tmp_path}/keys/keys.sqlite"
    return Settings(privacy_keys=url, privacy_master_key="11" * 32, identity_key="k" * 32)


@pytest.fixture
def concealer(settings: Settings) -> Iterator[RecordConcealer]:
    with closing(RecordConcealer(settings)) as concealer:
        yield concealer


def told(settings: Settings) -> list[EventRecord]:
    """An event of every type, each with fields that no contract knows, at the top and in the lines of an order."""
    drafts = []
    for event in events():
        said = msgspec.to_builtins(event)
        said["items"] = [{**item, "engraving": "canary-engraving-x"} for item in said.get("items", ())]
        said = {**said, "gift_note": "canary-gift-x", "type": None} | ({} if said["items"] else {"items": None})
        drafts.append(Draft(msgspec.json.encode(said), _type_of(event)))
    admitted = EventContract(settings).admit(drafts, NOW_MS)
    assert admitted.rejections == []
    return admitted.records


def _type_of(event: object) -> EventType:
    return next(event_type for event_type, contract in CONTRACT_OF.items() if contract is type(event))


def test_a_record_has_its_contract_alone_and_reads_as_before(settings: Settings, concealer: RecordConcealer) -> None:
    records = told(settings)
    assert {one.event_type for one in records} == {*EventType}
    decoder = Decoder.of(settings)
    with Revealer.of(settings) as revealer:
        for record, concealed in zip(records, concealer.conceal(records), strict=True):
            assert isinstance(concealed, EventRecord), concealed
            assert planted_in(concealed.value) == []
            key = concealed.customer_id.encode()
            decoded = decoder.decode(record.event_type, [Record(key, concealed.value, concealed.at_ms)])
            assert decoded.rejections == []
            (read,) = decoded.contents
            clear = CONTRACT_OF[record.event_type]
            revealed = msgspec.json.decode(revealer.json(concealed.value.decode()), type=clear)
            assert msgspec.structs.replace(revealed, identifiers=None) == msgspec.structs.replace(
                msgspec.json.decode(record.value, type=clear), identifiers=None
            )
            assert read.identifiers is not None


def test_a_record_is_the_same_whether_it_was_read_before(settings: Settings, concealer: RecordConcealer) -> None:
    records = told(settings)
    as_read = concealer.conceal(records)
    assert as_read == concealer.conceal([one._replace(content=None) for one in records])


def test_what_cannot_be_read_is_refused_and_the_others_go(settings: Settings, concealer: RecordConcealer) -> None:
    first, *_ = told(settings)
    broken = EventRecord(EventType.CLICK, "e-1", PERSON, NOW_MS, b'{"event_id": "e-1"')
    wanting = EventRecord(EventType.CLICK, "e-1", PERSON, NOW_MS, b"{}")
    found = concealer.conceal([broken, first, wanting])
    assert [type(one) for one in found] == [Rejection, EventRecord, Rejection]
    assert [(one.record, one.reason) for one in found if isinstance(one, Rejection)] == [
        (0, Defect.MALFORMED_JSON),
        (2, Defect.MISSING_FIELD),
    ]
