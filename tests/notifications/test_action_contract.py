"""The published schema of an action says what the notifier accepts."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from stream.alerts.action_records import Action
from stream.alerts.decoding import decode_action
from stream.cli.contracts import schema_of
from stream.events.rejections import Rejection
from stream.notifications.inbound import Inbound

NOW_MS = 1_780_315_200_000
VALIDATOR = Draft202012Validator(schema_of(Action), format_checker=Draft202012Validator.FORMAT_CHECKER)
BASE = {"action_id": "a", "customer_id": "c", "action": "resolved", "occurred_at": "2026-05-31T12:30:00Z"}
FIELDS = ["action_id", "customer_id", "action", "alert_id", "actor", "note", "event_id", "category", "extra"]
LABEL = ["event_id", "category"]

values = st.one_of(
    st.none(),
    st.integers(),
    st.booleans(),
    st.text(max_size=130),
    st.text("a\n\t\x00\x0b\x1f\x7f\x80\x9f\u061c\u202e", max_size=4),
    st.sampled_from(["contacted", "labelled", "0" * 64, "0" * 63, "A" * 64, "x" * 2000, "x" * 2001, "0" * 64 + "\n"]),
)


@given(st.dictionaries(st.sampled_from(FIELDS), values), st.sets(st.sampled_from(FIELDS), max_size=1))
def test_the_schema_accepts_what_the_decoder_accepts(changed: dict[str, Any], left_out: set[str]) -> None:
    compare(BASE | changed, left_out)


@given(
    st.dictionaries(st.sampled_from(["event_id", "category"]), values),
    st.sets(st.sampled_from(["event_id", "category"])),
)
def test_of_a_label_as_well(changed: dict[str, Any], left_out: set[str]) -> None:
    compare(BASE | {"action": "labelled", "event_id": "e-1", "category": "delivery"} | changed, left_out)


def compare(fields: dict[str, Any], left_out: set[str]) -> None:
    action = {name: value for name, value in fields.items() if name not in left_out}
    key = str(action.get("customer_id")).encode(errors="replace")
    record = Inbound("actions", 0, 0, key, json.dumps(action).encode(), NOW_MS)
    accepts = not isinstance(decode_action(record, 300_000), Rejection)
    assert accepts == VALIDATOR.is_valid(action)
