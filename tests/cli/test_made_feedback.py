"""Made-up feedback of the demo: the same each time, about orders of the log, with something for every screen."""

import json
from collections import Counter

from stream.cli.bundled import bundled
from stream.cli.made_feedback import made_feedback
from stream.events.decode import Decoder
from stream.events.kinds import EventType
from stream.events.log import read_log
from stream.events.log_event import LogRecord
from stream.texts.classifier import MIN_EXAMPLES


def test_it_is_accepted_follows_orders_and_is_the_same_each_time() -> None:
    log = [event for event, _ in zip(read_log(bundled("complete_journey_events.csv.gz")), range(20_000), strict=False)]
    made = made_feedback(log)
    assert made == made_feedback(reversed(log))
    assert [event.at_ms for event in made] == sorted(event.at_ms for event in made)
    for event_type in (EventType.FEEDBACK, EventType.INTERACTION):
        own = [event for event in made if event.event_type is event_type]
        records = [
            LogRecord(event.customer_id.encode(), event.value, 4_102_444_800_000, k) for k, event in enumerate(own)
        ]
        customers, events, rejections, _ = Decoder().decode(event_type, records)
        assert rejections == []
        assert customers == [event.customer_id for event in own]
        assert events["time"].tolist() == [event.at_ms for event in own]
    orders: dict[str, list[int]] = {}
    for event in log:
        if event.event_type is EventType.PURCHASE:
            orders.setdefault(event.customer_id, []).append(event.at_ms)
    assert all(any(at_ms < event.at_ms for at_ms in orders[event.customer_id]) for event in made)
    told = [json.loads(event.value) for event in made]
    names = Counter(one["name"] for one in told)
    assert names["rated"] > names["complained"] > names["resolved"] > 10
    assert {one["ticket_id"] for one in told if one["name"] == "resolved"} < {
        one["ticket_id"] for one in told if one["name"] == "complained"
    }
    assert len({one["event_id"] for one in told}) == len(told)
    asked = {(one["customer_id"], one["survey_id"]) for one in told if one["name"] == "asked"}
    answered = {(one["customer_id"], one["survey_id"]) for one in told if one["name"] == "rated" and "survey_id" in one}
    assert len(asked) > 2 * len(answered) > 20
    assert answered < asked
    assert sum("text" in one for one in told) > 50
    assert names["visited"] > names["called"] > 5


def test_categories_are_told_for_some_texts_and_often_enough_to_be_decided_for_in_a_whole_log() -> None:
    told = [json.loads(event.value) for event in made_feedback(read_log(bundled("complete_journey_events.csv.gz")))]
    filed = Counter(one["category"] for one in told if "category" in one)
    assert {*filed} == {"delivery", "payment", "prices", "quality", "staff"}
    assert min(filed.values()) > 2 * MIN_EXAMPLES
    assert (
        0.1
        < sum("category" in one for one in told if one["name"] == "rated" and "text" in one)
        / sum(one["name"] == "rated" and "text" in one for one in told)
        < 0.5
    )
