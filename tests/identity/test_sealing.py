"""Identifiers never leave in clear, and an event without a customer number belongs to the customer of its
identifiers.
"""

import base64
import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.catalogue.identifiers import IDENTIFIERS
from stream.client.event_contract import Draft, EventContract
from stream.errors import SettingsError
from stream.events.log import read_log
from stream.events.log_report import LogReport
from stream.events.model import ClickEvent, Identifiers
from stream.events.rejections import Defect, Rejection
from stream.identity.sealed_logs import sealed
from stream.identity.sealing import Sealer, is_token
from stream.settings import Settings

NOW_MS = 1_717_200_000_000
KEY = "0123456789abcdef0123456789abcdef"
SETTINGS = Settings(identity_key=KEY, phone_region="DE")
SEALER = Sealer.of(SETTINGS)
CONTRACT = EventContract(SETTINGS)
WITHOUT_KEY = EventContract(Settings())
COMMON: dict[str, Any] = {"event_id": "e-1", "occurred_at": 1_717_158_600, "name": "page_viewed"}


def draft(**fields: object) -> Draft:
    return Draft(json.dumps({**COMMON, **fields}).encode())


def token_of(kind: str, normal: str) -> str:
    """The token by its definition in docs/producers.md."""
    digest = hmac.new(KEY.encode(), f"{kind}:{normal}".encode(), hashlib.sha256).digest()
    return "h1_" + base64.urlsafe_b64encode(digest[:16]).decode()[:22]


def test_the_contract_and_the_catalogue_name_the_same_kinds() -> None:
    assert list(Identifiers.__struct_fields__) == list(IDENTIFIERS)


def test_identifiers_become_tokens_and_the_rest_of_the_event_stays() -> None:
    event = {"customer_id": "c-1", "url": "/\u00e9", "identifiers": {"email": "Ann@Example.com", "shoe_size": "9"}}
    (record,) = CONTRACT.admit([draft(**event)], NOW_MS).records
    assert json.loads(record.value) == {
        **COMMON,
        **event,
        "identifiers": {"email": token_of("email", "ann@example.com")},
    }
    assert record.customer_id == "c-1"


def test_an_event_without_customer_belongs_to_its_strongest_identifier() -> None:
    identifiers = {"anonymous_id": "a-1", "phone": "030 123456", "email": "null"}
    (record,) = CONTRACT.admit([draft(identifiers=identifiers)], NOW_MS).records
    assert record.customer_id == f"phone:{token_of('phone', '+4930123456')}"
    assert json.loads(record.value)["identifiers"].keys() == {"phone", "anonymous_id"}


@pytest.mark.parametrize("nobody", [None, "", "guest", "undefined", "0000"])
def test_a_placeholder_for_a_customer_gives_way_to_an_identifier(nobody: str | None) -> None:
    (record,) = CONTRACT.admit([draft(customer_id=nobody, identifiers={"card": "17"})], NOW_MS).records
    assert record.customer_id == f"card:{token_of('card', '17')}"


def test_a_customer_among_the_identifiers_is_the_customer() -> None:
    (record,) = CONTRACT.admit([draft(identifiers={"customer_id": "c-9", "card": 17})], NOW_MS).records
    assert record.customer_id == "c-9"
    assert json.loads(record.value)["identifiers"] == {"card": token_of("card", "17")}


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"identifiers": {}}, Defect.MISSING_FIELD),
        ({"identifiers": {"email": "null", "anonymous_id": "0"}}, Defect.MISSING_FIELD),
        ({"customer_id": "c-1", "identifiers": {"customer_id": "c-2"}}, Defect.BAD_IDENTIFIER),
        ({"customer_id": "c-1", "identifiers": ["ann@example.com"]}, Defect.BAD_IDENTIFIER),
        ({"customer_id": "c-1", "identifiers": {"email": ["ann@example.com"]}}, Defect.BAD_IDENTIFIER),
        ({"customer_id": "c-1", "identifiers": {"card": True}}, Defect.BAD_IDENTIFIER),
    ],
)
def test_an_event_of_nobody_or_of_two_is_refused(fields: dict[str, object], reason: Defect) -> None:
    admitted = CONTRACT.admit([draft(**fields)], NOW_MS)
    ((record, why, detail),) = admitted.rejections
    assert (record, why, admitted.event_ids) == (0, reason, ["e-1"])
    assert "example.com" not in detail


def test_without_a_key_identifiers_are_left_out_and_identify_nobody() -> None:
    admitted = WITHOUT_KEY.admit(
        [
            draft(customer_id="c-1", identifiers={"email": "ann@example.com"}),
            draft(identifiers={"email": "ann@example.com"}),
        ],
        NOW_MS,
    )
    (record,) = admitted.records
    assert json.loads(record.value) == {**COMMON, "customer_id": "c-1"}
    ((position, reason, detail),) = admitted.rejections
    assert (position, reason) == (1, Defect.MISSING_FIELD)
    assert "identity_key" in detail


def test_another_key_gives_other_tokens() -> None:
    other = Sealer.of(Settings(identity_key=KEY[::-1]))
    assert other.token("card", "17") != SEALER.token("card", "17")
    assert SEALER.token("card", "17") != SEALER.token("anonymous_id", "17")


def test_a_short_key_is_refused_without_being_shown() -> None:
    with pytest.raises(SettingsError, match="identity_key") as refused:
        Settings(identity_key="k" * 31)
    assert "kkk" not in str(refused.value)


def test_the_client_takes_identifiers_in_clear() -> None:
    event = ClickEvent(
        event_id="e-1",
        customer_id="",
        occurred_at=1_717_158_600.0,
        name="page_viewed",
        identifiers=Identifiers(email="ann@example.com"),
    )
    record = CONTRACT.record(event, NOW_MS)
    assert record.customer_id == f"email:{token_of('email', 'ann@example.com')}"
    assert b"ann@" not in record.value


def test_workers_refuse_identifiers_in_clear() -> None:
    # the field's name is escaped, so the sealing does not see it
    value = draft(customer_id="c-1").value.replace(b"{", b'{"identif\\u0069ers":{"email":"ann@example.com"},', 1)
    ((_, reason, detail),) = CONTRACT.admit([Draft(value)], NOW_MS).rejections
    assert reason is Defect.BAD_IDENTIFIER
    assert "ann@" not in detail


def test_logs_are_sealed_as_they_are_read(tmp_path: Path) -> None:
    lines = [
        {**COMMON, "customer_id": "c-1"},
        {**COMMON, "identifiers": {"email": "ann@example.com"}},
        {**COMMON, "identifiers": {"email": "null"}},
    ]
    path = tmp_path / "log.jsonl"
    path.write_text("\n".join(map(json.dumps, lines)))
    report = LogReport("log")
    first, second = sealed(read_log(path, None, report), SEALER, report)
    assert first.customer_id == "c-1"
    assert second.customer_id == f"email:{token_of('email', 'ann@example.com')}"
    assert b"ann@" not in second.value
    assert report.rejected == 1


def test_a_csv_file_may_know_customers_by_columns_of_identifiers(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text(
        "ts,customer_id,type,subtype,email,anonymous_id\n"
        "2024-05-31 12:30:00,c-1,click,page_viewed,ann@example.com,a-1\n"
        "2024-05-31 12:30:00,,click,page_viewed,,a-1\n"
        "2024-05-31 12:30:00,,click,page_viewed,,a-2\n"
    )
    report = LogReport("log", strict=True)
    events = list(sealed(read_log(path, None, report), SEALER, report))
    anonymous = [f"anonymous_id:{token_of('anonymous_id', name)}" for name in ("a-1", "a-2")]
    assert [event.customer_id for event in events] == ["c-1", *anonymous]
    natives = [json.loads(event.value) for event in events]
    assert natives[0]["identifiers"] == {
        "email": token_of("email", "ann@example.com"),
        "anonymous_id": token_of("anonymous_id", "a-1"),
    }
    assert len({native["event_id"] for native in natives}) == 3, "rows of two visitors are two events"
    admitted = CONTRACT.admit([Draft(event.value, event.event_type) for event in events], NOW_MS)
    assert len(admitted.records) == 3


identifiers = st.dictionaries(
    st.sampled_from([*IDENTIFIERS, "customer_id", "other"]),
    st.none() | st.text(max_size=30) | st.integers(),
    max_size=4,
)


@given(identifiers, st.none() | st.just("c-1"))
def test_what_is_sealed_holds_tokens_only_and_sealing_again_changes_nothing(
    given_identifiers: dict[str, object], customer_id: str | None
) -> None:
    value = draft(customer_id=customer_id, identifiers=given_identifiers).value
    found = SEALER.seal(value)
    if isinstance(found, Rejection):
        return
    event = json.loads(found)
    tokens = event.get("identifiers", {})
    assert tokens.keys() <= IDENTIFIERS.keys()
    assert all(map(is_token, tokens.values()))
    assert SEALER.seal(found) == found
    assert {name: event[name] for name in COMMON} == COMMON


@given(st.binary(max_size=60))
def test_any_bytes_are_sealed_refused_or_left_to_the_decoder(noise: bytes) -> None:
    value = b'{"identifiers":' + noise
    assert isinstance(SEALER.seal(value), bytes | Rejection)
