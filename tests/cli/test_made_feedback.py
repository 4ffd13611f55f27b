"""Made-up feedback of the demo: the same each time, about orders of the log, with something for every screen."""

import json
from collections import Counter

from stream.cli.bundled import bundled
from stream.cli.made_feedback import made_feedback
from stream.events.decode import Decoder
from stream.events.kinds import EventType
from stream.events.log import read_log
from stream.events.log_event import LogRecord


def test_it_is_accepted_follows_orders_and_is_the_same_each_time() -> None:
    log = [event for event, _ in zip(read_log(bundled("complete_journey_events.csv.gz")), range(20_000), strict=False)]
    made = made_feedback(log)
    assert made == made_feedback(reversed(log))
    assert [event.at_ms for event in made] == sorted(event.at_ms for event in made)
    records = [LogRecord(event.customer_id.encode(), event.value, 4_102_444_800_000, k) for k, event in enumerate(made)]
    customers, events, rejections, _ = Decoder().decode(EventType.FEEDBACK, records)
    assert rejections == []
    assert customers == [event.customer_id for event in made]
    assert events["time"].tolist() == [event.at_ms for event in made]
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
