"""Feedback and interactions: scores are on their scales, a bare name belongs to one type."""

import json
from pathlib import Path
from typing import Any

import pytest

from stream.catalogue.events import EVENT_NAMES, EVENT_TYPES, KERNEL_TYPES, SCALES
from stream.client.event_contract import Draft, EventContract
from stream.errors import InvalidEventError
from stream.events.csv_log import read_csv
from stream.events.kinds import KIND_OF, EventType
from stream.events.log_form import LogForm
from stream.events.log_report import LogReport
from stream.events.model import MAX_TEXT_CHARS, FeedbackEvent, InteractionEvent
from stream.events.placement import Placement, place
from stream.settings import Settings

NOW_MS = 1_717_200_000_000
CONTRACT = EventContract(Settings())


def judged(**fields: Any) -> str:
    """The reason for refusing an event; empty: it is accepted."""
    event = {"event_id": "e-1", "customer_id": "c-1", "occurred_at": 1_717_158_600, **fields}
    admitted = CONTRACT.admit([Draft(json.dumps(event).encode())], NOW_MS)
    return "".join(f"{bad.reason}: {bad.detail}" for bad in admitted.rejections)


@pytest.mark.parametrize(("scale", "low", "high"), [("stars", 1, 5), ("nps", 0, 10), ("csat", 1, 5), ("ces", 1, 7)])
def test_a_score_is_on_its_scale(scale: str, low: int, high: int) -> None:
    assert (SCALES[scale].low, SCALES[scale].high) == (low, high)
    for value in (low, high, (low + high) / 2):
        assert judged(name="rated", scale=scale, value=value) == ""
    for value in (low - 0.01, high + 0.01, -high, 1e300):
        assert judged(name="rated", scale=scale, value=value).startswith(f"bad_score: expected {low} to {high} on")
    for wrong in ("5", True, [5]):
        assert judged(name="rated", scale=scale, value=wrong).startswith("wrong_type")


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"name": "rated"}, "missing_field: `rated` needs"),
        ({"name": "rated", "scale": "stars"}, "missing_field: a `scale` needs"),
        ({"name": "reviewed", "value": 5}, "missing_field: a `scale` needs"),
        ({"name": "rated", "scale": "likes", "value": 5}, "wrong_type: Invalid enum value 'likes'"),
        ({"name": "reviewed"}, ""),
        ({"name": "reviewed", "scale": None, "value": None, "text": "Fits well."}, ""),
        ({"name": "answered", "scale": "nps", "value": 0, "survey_id": "s-1"}, ""),
        ({"name": "asked", "ticket_id": "t-1", "channel": "chat", "language": "zh-Hant-TW", "text": "在哪里?"}, ""),
        ({"name": "asked", "language": "english please"}, "wrong_type"),
        ({"name": "asked", "language": "en\n"}, "wrong_type"),
        ({"name": "asked", "language": "e"}, "wrong_type"),
        ({"name": "asked", "text": "x" * MAX_TEXT_CHARS}, ""),
        ({"name": "asked", "text": "x" * (MAX_TEXT_CHARS + 1)}, "wrong_length"),
        ({"name": "visited", "channel": "store", "place": "Main Street"}, ""),
        ({"name": "referred", "referred_id": "c-2"}, ""),
        ({"name": "referred"}, "missing_field: `referred` needs"),
        ({"name": "referred", "referred_id": "<b>"}, "bad_customer_id: referred_id"),
        ({"name": "referred", "referred_id": "c\u202e2"}, "control_character"),
        ({"name": "poked"}, "unknown_name"),
    ],
)
def test_a_breach_of_the_contract_is_refused_with_the_reason(fields: dict[str, Any], reason: str) -> None:
    found = judged(**fields)
    assert found.startswith(reason) if reason else found == ""


def test_the_bare_name_of_a_complaint_is_that_about_an_e_mail() -> None:
    event = b'{"name": "complained", "event_id": "e", "customer_id": "c"}'
    assert place(event) == Placement(EventType.EMAIL, "e", "c")
    assert place(event, EventType.FEEDBACK) == Placement(EventType.FEEDBACK, "e", "c")
    typed = b'{"type": "feedback", "name": "complained", "event_id": "e", "customer_id": "c"}'
    assert place(typed) == Placement(EventType.FEEDBACK, "e", "c")


def test_every_other_bare_name_tells_its_type() -> None:
    typed = {(EventType(one.type), one.name) for one in EVENT_NAMES.values() if one.is_typed}
    assert typed == {(EventType.FEEDBACK, "complained")}
    for event_type, name in KIND_OF.keys() - typed:
        found = place(json.dumps({"name": name}).encode())
        assert isinstance(found, Placement)
        assert found.event_type is event_type


def test_the_kernel_reads_neither_type() -> None:
    assert KERNEL_TYPES == ("click", "email", "purchase")
    for event_type in (EventType.FEEDBACK, EventType.INTERACTION):
        assert not EVENT_TYPES[event_type].in_kernel
        assert f"events.{event_type}" in Settings().topics
        assert f"events.{event_type}" not in Settings().event_topics


def test_the_client_sends_them_and_refuses_what_workers_would() -> None:
    said: dict[str, Any] = {"event_id": "f-1", "customer_id": "c-1", "occurred_at": 1_717_158_600.0}
    record = CONTRACT.record(FeedbackEvent(name="rated", scale="nps", value=9, **said), NOW_MS)
    assert record.event_type is EventType.FEEDBACK
    assert json.loads(record.value)["value"] == 9
    record = CONTRACT.record(InteractionEvent(name="called", channel="phone", **said), NOW_MS)
    assert record.event_type is EventType.INTERACTION
    with pytest.raises(InvalidEventError, match="expected 1 to 5 on the scale stars; got 9"):
        CONTRACT.record(FeedbackEvent(name="rated", scale="stars", value=9, **said), NOW_MS)


CSV = """ts,customer_id,type,subtype,ref_id,channel,scale,value,text,language
2024-05-01T10:00:00Z,c-1,feedback,rated,p-7,web,stars,4,Fits well.,en
2024-05-02T10:00:00Z,c-1,feedback,complained,,phone,,,Too late,
2024-05-03T10:00:00Z,c-2,interaction,visited,Main Street,store,,,,
2024-05-04T10:00:00Z,c-2,feedback,rated,,,nps,ten,,
2024-05-05T10:00:00Z,c-2,click,page_viewed,,app,stars,1,,
"""


def test_rows_of_a_csv_log_say_what_the_columns_hold(tmp_path: Path) -> None:
    file = tmp_path / "log.csv"
    file.write_text(CSV)
    report = LogReport("log.csv")
    read = [(event.event_type, json.loads(event.value)) for event in read_csv(file.open, LogForm(), report)]
    told = [(str(event_type), {k: v for k, v in event.items() if k != "event_id"}) for event_type, event in read]
    first = {"customer_id": "c-1", "occurred_at": "2024-05-01T10:00:00Z", "name": "rated", "product_id": "p-7"}
    assert told[0] == (
        "feedback",
        {**first, "channel": "web", "scale": "stars", "value": 4, "text": "Fits well.", "language": "en"},
    )
    assert told[1][1]["text"] == "Too late"
    assert (told[2][0], told[2][1]["place"], told[2][1]["channel"]) == ("interaction", "Main Street", "store")
    # columns of other types stay out of a click
    assert told[3][0] == "click"
    assert {"channel", "scale", "value"}.isdisjoint(told[3][1])
    assert list(report.counts) == ["bad_score"]
    for event_type, event in read:
        record = CONTRACT.admit([Draft(json.dumps(event).encode(), event_type)], NOW_MS)
        assert record.rejections == []
