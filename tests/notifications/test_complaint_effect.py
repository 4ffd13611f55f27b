"""The effect of fast answers to complaints: computed by hand, and from the topics through the command."""

import json
from statistics import median

import msgspec
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from stream.alerts.alert_records import Heard
from stream.alerts.feedback_alerts import complaint
from stream.alerts.intervals import mean_difference, share, share_difference
from stream.cli import main
from stream.events.kinds import EventType
from stream.events.times import rfc3339
from stream.notifications.complaint_effect import Complained, complaint_effect
from stream.notifications.effect import MoneyMove
from tests.notifications.rig import NotifierBench
from tests.notifications.test_effect import START_MS, purchase

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


def order(hours: float, amount: float = 10.0) -> MoneyMove:
    return MoneyMove(START_MS + round(hours * HOUR_MS), amount, is_order=amount > 0)


def complained(customer: str, hours: float, *answers: float) -> Complained:
    return Complained(
        customer, START_MS + round(hours * HOUR_MS), [START_MS + round(hour * HOUR_MS) for hour in answers]
    )


def test_groups_part_at_the_limit_and_are_looked_at_from_then_on() -> None:
    complaints = [
        complained("fast", 0, 1.0, 90.0),
        complained("fast", 500),  # only the first counts
        complained("at-the-limit", 0, 24.0),
        complained("late", 0, 24.1),
        complained("never", 0),
        complained("before", 10, 9.0),  # an action before the complaint is no answer
        complained("pending", 100),
    ]
    orders = {
        "fast": [order(2), order(30, 20.0), order(40, -5.0)],  # the first is before the groups part
        "late": [order(24)],
        "never": [order(24 + 28 * 24)],  # the last moment
        "before": [order(10 + 24 + 28 * 24 + 0.1)],  # too late
        "pending": [order(101)],
    }
    found = complaint_effect(
        complaints, orders, within_hours=24, horizon_days=28, as_of_ms=START_MS + 29 * DAY_MS + 10 * HOUR_MS
    )
    assert (found.complaints, found.answered, found.pending) == (7, 3, 1)
    assert found.median_hours == 24.0
    assert (found.fast.customers, found.fast.ordered, found.fast.spend) == (2, share(1, 2), 7.5)
    assert (found.waited.customers, found.waited.ordered) == (3, share(1, 3))
    assert found.waited.spend == pytest.approx(10 / 3)
    assert found.ordered == share_difference(1, 2, 1, 3)
    assert found.spend.estimate == pytest.approx(7.5 - 10 / 3)
    assert len(found.warnings) == 2


def test_what_customers_say_after_the_groups_have_parted_is_compared() -> None:
    def said(*told: tuple[float, float]) -> list[tuple[int, float]]:
        return [(START_MS + round(hours * HOUR_MS), satisfaction) for hours, satisfaction in told]

    complaints = [
        complained("fast", 0, 1.0)._replace(said=said((10, 0.0), (30, 1.0), (40, 0.5))),  # the first is before that
        complained("silent", 0, 2.0)._replace(said=said((24, 0.0))),
        complained("never", 0)._replace(said=said((100, 0.25))),
        complained("late", 0, 50.0)._replace(said=said((200, 0.75), (24 + 28 * 24 + 0.1, 0.0))),  # the last is too late
    ]
    found = complaint_effect(complaints, {}, within_hours=24, horizon_days=28, as_of_ms=START_MS + 100 * DAY_MS)
    assert (found.fast.heard, found.fast.satisfaction) == (1, share(0.75, 1))
    assert (found.waited.heard, found.waited.satisfaction) == (2, share(1.0, 2))
    assert found.satisfaction == mean_difference([0.75], [0.25, 0.75])


waits = st.lists(st.one_of(st.none(), st.integers(0, 200)), max_size=20)


@given(waits, st.integers(1, 100))
def test_everybody_is_in_one_group_and_the_median_is_that_of_the_answered(hours: list[int | None], within: int) -> None:
    complaints = [complained(f"c{k}", 0, *(() if hour is None else (hour,))) for k, hour in enumerate(hours)]
    found = complaint_effect(complaints, {}, within_hours=within, horizon_days=1, as_of_ms=START_MS + 100 * DAY_MS)
    answered = [hour for hour in hours if hour is not None]
    assert found.fast.customers == sum(hour <= within for hour in answered)
    assert found.fast.customers + found.waited.customers == len(hours)
    assert found.median_hours == (pytest.approx(median(answered)) if answered else None)


def test_the_effect_of_answers_is_reported_from_the_topics(bench: NotifierBench) -> None:
    """Of four who complained one is called, one has the ticket resolved, two wait; the called one orders again."""
    settings = bench.settings
    records = []
    for who in ("called", "solved", "waits-1", "waits-2"):
        heard = Heard(feedback_id=f"f-{who}", said_at=rfc3339(START_MS), ticket_id=f"t-{who}")
        # at once, a repeat as the topic may have it, and again because nobody acted
        at_once = complaint(who, heard, START_MS)
        for alert in (at_once, at_once, complaint(who, heard, START_MS, DAY_MS)):
            told = msgspec.structs.replace(alert, emitted_at=alert.occurred_at)
            records.append((settings.alerts, who, msgspec.json.encode(told)))
    resolved = {
        "event_id": "r",
        "customer_id": "solved",
        "occurred_at": (START_MS + 4 * HOUR_MS) / 1000,
        "name": "resolved",
        "ticket_id": "t-solved",
    }
    feedback = settings.topic_of(EventType.FEEDBACK)
    records += [(feedback, "solved", json.dumps(resolved).encode())]
    for who, value in (("called", 9), ("called", 9), ("waits-1", 2)):
        rated = {"event_id": f"n-{who}", "customer_id": who, "occurred_at": (START_MS + 48 * HOUR_MS) / 1000}
        rated |= {"name": "rated", "scale": "nps", "value": value}
        records += [(feedback, who, json.dumps(rated).encode())]
    records += [(settings.events_purchase, "called", purchase("called", "1", "completed", 3, "o1", 10))]
    records += [(settings.events_purchase, "other", purchase("other", "2", "completed", 90, "o2", 10))]
    bench.publish_all(records)

    def run(*arguments: str) -> str:
        done = CliRunner().invoke(main, arguments, env=settings.to_env(), catch_exceptions=False)
        assert done.exit_code == 0, done.stderr
        return done.stdout

    run("actions", "record", "called", "contacted", "--at", rfc3339(START_MS + 2 * HOUR_MS))
    found = json.loads(run("effect", "--json"))["complaints"]
    assert (found["complaints"], found["answered"], found["median_hours"]) == (4, 2, 3.0)
    assert (found["fast"]["customers"], found["waited"]["customers"]) == (2, 2)
    assert found["fast"]["ordered"][0] == 0.5
    assert found["waited"]["ordered"][0] == 0.0
    assert [found[group]["heard"] for group in ("fast", "waited")] == [1, 1]
    assert [found[group]["satisfaction"][0] for group in ("fast", "waited")] == [0.9, 0.2]
    assert found["satisfaction"][0] == pytest.approx(0.7)
    shown = " ".join(run("effect").split())
    assert "complaints: 2 of 4 answered, half of them within 3.0 hours" in shown
    assert "satisfied afterwards 90.0%" in shown
    assert "not by a draw" in shown
