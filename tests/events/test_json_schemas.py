"""The published JSON Schemas are current and say what the decoder does."""

import json
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from stream.cli.contracts import CONTRACTS, UNIONS, export, schema_of, schema_of_union
from stream.events.decode import Decoder
from stream.events.kinds import KIND_OF, EventType
from stream.events.model import CONTRACT_OF
from tests.events.decoding import RecordOfProducer

COMMITTED = Path(__file__).parents[2] / "docs" / "contracts"
VALIDATORS = {
    event_type: Draft202012Validator(schema_of(model), format_checker=Draft202012Validator.FORMAT_CHECKER)
    for event_type, model in CONTRACT_OF.items()
}
COMMON = {"event_id": "e-1", "customer_id": "c-1", "occurred_at": "2024-05-31T12:30:00Z"}


def test_the_committed_schemas_are_those_of_the_code() -> None:
    committed = {path.name: json.loads(path.read_bytes()) for path in COMMITTED.glob("*.schema.json")}
    current = {f"{name}.schema.json": schema_of(contract) for name, contract in CONTRACTS.items()}
    current |= {f"{name}.schema.json": schema_of_union(name) for name in UNIONS}
    assert committed == current, "run: python -m stream.cli.contracts docs/contracts"


def test_export_writes_every_schema(tmp_path: Path) -> None:
    written = export(tmp_path / "new" / "folder")
    assert [path.name for path in written] == [f"{name}.schema.json" for name in (*CONTRACTS, *UNIONS)]
    for path in written:
        Draft202012Validator.check_schema(json.loads(path.read_bytes()))


@pytest.mark.parametrize("event_type", list(EventType))
def test_the_names_of_the_model_are_the_kinds(event_type: EventType) -> None:
    declared = {field.name: field.type for field in msgspec.structs.fields(CONTRACT_OF[event_type])}["name"]
    # the names, and what the field means
    names = get_args(get_args(declared)[0])
    assert set(names) == {name for of_type, name in KIND_OF if of_type is event_type}


@pytest.mark.parametrize("name", [*(f"{event_type}-event" for event_type in EventType), "customer"])
def test_every_field_says_what_it_means_where_it_is_declared(name: str) -> None:
    silent = [
        f"{struct}.{field}"
        for struct, body in schema_of(CONTRACTS[name])["$defs"].items()
        for field, declared in body["properties"].items()
        if not declared.get("description")
    ]
    assert silent == []


@pytest.mark.parametrize("name", ["alert", "segment-change", "notification"])
def test_published_records_promise_every_field(name: str) -> None:
    schema = schema_of(CONTRACTS[name])
    body = schema["$defs"][CONTRACTS[name].__name__]
    assert body["required"] == list(body["properties"])
    assert body["properties"]["occurred_at"] == {"type": "string", "format": "date-time"}


scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 2**66),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=130),
    st.sampled_from(
        [
            "USD",
            "usd",
            "en",
            "pt-BR",
            "en\n",
            "zh-Hant-TW",
            "stars",
            "nps",
            "USD\n",
            "2024-05-31T12:30:00+02:00",
            "2024-05-31T12:30:00",
            "2024-05-31",
            "x\n",
        ]
    ),
    st.lists(st.dictionaries(st.sampled_from(["product_id", "quantity"]), st.text("a") | st.integers(), max_size=2)),
)
fields = st.sampled_from(
    sorted(
        {field.encode_name for contract in CONTRACT_OF.values() for field in msgspec.structs.fields(contract)}
        - {"occurred_at"}
    )
)
scores = st.sampled_from([0, 1, 3.5, 5, 5.01, 7, 10, 11, -1, None, "5", True])


@st.composite
def changed_events(draw: st.DrawFn) -> tuple[EventType, dict[str, Any]]:
    event_type = draw(st.sampled_from(EventType))
    event: dict[str, Any] = COMMON | {
        "name": draw(st.sampled_from(sorted(name for of_type, name in KIND_OF if of_type is event_type)))
    }
    if event_type is EventType.PURCHASE:
        event |= {"order_id": "o-1", "amount": 5, "currency": "EUR"}
    if event_type is EventType.FEEDBACK and draw(st.booleans()):
        event |= {"scale": draw(st.sampled_from(("stars", "nps", "csat", "ces", "likes"))), "value": draw(scores)}
    if event_type is EventType.INTERACTION and draw(st.booleans()):
        event["referred_id"] = "c-2"
    for field in draw(st.lists(fields, max_size=2)):
        event.pop(field, None)
        if draw(st.booleans()):
            event[field] = draw(scalars)
    return event_type, event


def verdicts(event_type: EventType, event: dict[str, Any]) -> tuple[bool, bool]:
    """Whether the decoder and whether the schema accepts the event."""
    record = RecordOfProducer(str(event.get("customer_id")).encode(errors="replace"), json.dumps(event).encode())
    decoded = Decoder().decode(event_type, [record])
    return not decoded.rejections, VALIDATORS[event_type].is_valid(event)


@settings(max_examples=400)
@given(changed_events())
def test_the_schema_accepts_what_the_decoder_accepts(case: tuple[EventType, dict[str, Any]]) -> None:
    event_type, event = case
    accepts, is_valid = verdicts(event_type, event)
    assert accepts == is_valid


@pytest.mark.parametrize("name", ["completed", "refunded", "cancelled"])
@pytest.mark.parametrize("amount", [5, 0, None, "absent"])
@pytest.mark.parametrize("currency", ["EUR", None, "absent"])
def test_an_amount_may_be_left_out_but_not_its_currency(name: str, amount: object, currency: object) -> None:
    event = {"event_id": "e", "customer_id": "c", "occurred_at": 1_717_158_600, "name": name, "order_id": "o"}
    event |= {field: value for field, value in (("amount", amount), ("currency", currency)) if value != "absent"}
    expected = name == "cancelled" or not isinstance(amount, int) or currency == "EUR"
    assert verdicts(EventType.PURCHASE, event) == (expected, expected)


@pytest.mark.parametrize("currency", ["", "eur", "EUR ", "EURO", "EUR", None])
def test_a_cancelled_order_may_state_a_currency_but_not_a_malformed_one(currency: str | None) -> None:
    event = {"event_id": "e", "customer_id": "c", "occurred_at": 1_717_158_600, "name": "cancelled", "order_id": "o"}
    expected = currency in {"EUR", None}
    assert verdicts(EventType.PURCHASE, event | {"currency": currency}) == (expected, expected)


@pytest.mark.parametrize(
    ("occurred_at", "expected"),
    [
        ("2024-05-31T12:30:00+02:00", True),
        ("2024-05-31T12:30:00.123456Z", True),
        (1_717_158_600, True),
        (1_717_158_600.25, True),
        ("2024-05-31T12:30:00", False),
        ("31 May 2024", False),
        (631_151_999.999, False),
        (True, False),
        (None, False),
    ],
)
def test_the_schema_and_the_decoder_agree_on_times(occurred_at: object, expected: bool) -> None:
    event = COMMON | {"name": "page_viewed", "occurred_at": occurred_at}
    assert verdicts(EventType.CLICK, event) == (expected, expected)
