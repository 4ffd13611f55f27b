"""Nothing is sent about the past: old alerts, and alarms that were cleared since."""

import time

import msgspec
import pytest

from stream.alerts.action_records import Action, ActionKind
from stream.alerts.alert_records import AlertKind
from stream.errors import UnreadError
from stream.events.times import instant, rfc3339
from tests.notifications.desk import HOUR_MS, NOON_MS, NotifierDesk, configuration
from tests.notifications.receivers import Webhook
from tests.notifications.rig import NotifierBench, alert, until

CLEARED = AlertKind.CLEARED
NOW_MS = time.time_ns() // 1_000_000


def at(hours: float) -> str:
    """So many hours after the clock of the desk is started."""
    return rfc3339(NOON_MS + round(hours * HOUR_MS))


def test_the_age_of_an_alert_counts_from_when_it_occurred(bench: NotifierBench) -> None:
    with Webhook() as hook, NotifierDesk(bench, configuration(hook.url)) as desk:
        desk.take(
            [alert(1, occurred_at=at(-71.9)), alert(2, occurred_at=at(-72.1)), alert(3, occurred_at=at(-24 * 300))]
        )
        desk.work()
        assert hook.messages == ["c-1"]
        assert desk.committable == 3
    assert bench.outcomes() == {"c-1": "sent", "c-2": "suppressed/expired", "c-3": "suppressed/expired"}


def test_the_age_is_a_setting_of_the_channel_and_counts_while_an_alert_waits(bench: NotifierBench) -> None:
    text = configuration("URL", "collect_minutes: 60\n    expire_hours: 10")
    with Webhook() as hook, NotifierDesk(bench, text.replace("URL", hook.url), NOON_MS + 1) as desk:
        desk.take([alert(1, occurred_at=at(-9.5)), alert(2, occurred_at=at(-8.5)), alert(3, occurred_at=at(200))])
        desk.advance(hours=1)
        assert sorted(hook.messages) == ["c-2", "c-3"]
    assert bench.outcomes()["c-1"] == "suppressed/expired"


def test_an_alarm_that_was_cleared_is_not_sent(bench: NotifierBench) -> None:
    raised = [alert(number, occurred_at=at(-2)) for number in (1, 2, 3)]
    with Webhook() as hook, NotifierDesk(bench, configuration(hook.url, match="{kind: [churn_risk.raised]}")) as desk:
        desk.take([*raised, alert(4, customer_id="c-2", kind=CLEARED, occurred_at=at(-1))])
        desk.work()
        assert sorted(hook.messages) == ["c-1", "c-3"]
        assert desk.committable == 4
    told = {record.alert_id: record.reason for record in bench.told()}
    assert told[raised[1].alert_id] == "cleared"


def test_a_clear_withdraws_only_earlier_alarms(bench: NotifierBench) -> None:
    with Webhook() as hook, NotifierDesk(bench, configuration(hook.url, "collect_minutes: 60"), NOON_MS + 1) as desk:
        desk.take(
            [
                alert(1, customer_id="c", occurred_at=at(-3)),
                alert(2, customer_id="c", kind=CLEARED, occurred_at=at(-2)),
                alert(3, customer_id="c", occurred_at=at(-1)),
                alert(4, customer_id="d", occurred_at=at(-3)),
            ]
        )
        desk.advance(hours=1)
        # the clear and the later alarm of c, and that of d
        assert sorted(hook.messages) == ["c", "c", "d"]
    assert {record.alert_id: record.outcome for record in bench.told()}[alert(1).alert_id] == "suppressed"


def test_an_alarm_that_is_cleared_while_its_delivery_fails_is_not_tried_again(bench: NotifierBench) -> None:
    text = configuration("URL", match="{kind: [churn_risk.raised]}")
    with Webhook(lambda *_: 503) as hook, NotifierDesk(bench, text.replace("URL", hook.url)) as desk:
        desk.take([alert(1, occurred_at=at(-1))])
        desk.work(lambda: hook.asked == 1)
        desk.take([alert(2, customer_id="c-1", kind=CLEARED, occurred_at=at(0))])
        desk.advance(minutes=10)
        assert (hook.asked, desk.committable) == (1, 2)


def test_what_is_cleared_on_its_way_is_told_once_also_while_consents_are_unread(bench: NotifierBench) -> None:
    text = configuration("URL", match="{kind: [churn_risk.raised]}")
    with Webhook(lambda *_: 503) as hook, NotifierDesk(bench, text.replace("URL", hook.url)) as desk:
        desk.take([alert(1, occurred_at=at(-1))])
        desk.notifier.step()
        desk.take([alert(2, customer_id="c-1", kind=CLEARED, occurred_at=at(0))])
        desk.work()
        desk.clock.advance(600_000)
        desk.are_consents_read = False
        with pytest.raises(UnreadError):
            desk.work()
        desk.are_consents_read = True
        desk.work(lambda: desk.committable == 2)
        assert hook.asked == 1
    assert [told.reason for told in bench.told() if told.alert_id == alert(1).alert_id] == ["cleared"]


def test_a_repeated_alarm_and_its_clear_leave_nothing_open(bench: NotifierBench) -> None:
    with Webhook() as hook, NotifierDesk(bench, configuration(hook.url, "collect_minutes: 60"), NOON_MS + 1) as desk:
        raised, clear = alert(1, occurred_at=at(-3)), alert(2, customer_id="c-1", kind=CLEARED, occurred_at=at(-2))
        desk.take([raised, raised, clear, raised, clear])
        desk.advance(hours=1)
        assert hook.messages == ["c-1"], "the clear"
        assert (desk.notifier.waiting, desk.committable) == (0, 5)


def test_at_the_first_start_history_is_read_to_its_end_before_anything_is_sent(bench: NotifierBench) -> None:
    """Thousands of alarms, cleared at the very end of the topic, and an action of today."""
    numbers = range(1, 2001)
    bench.publish_all(
        (bench.settings.alerts, raised.customer_id, msgspec.json.encode(raised))
        for raised in (alert(n, occurred_at=rfc3339(NOW_MS - 2 * HOUR_MS)) for n in numbers)
    )
    bench.publish_all(
        (bench.settings.alerts, clear.customer_id, msgspec.json.encode(clear))
        for clear in (
            alert(10_000 + n, customer_id=f"c-{n}", kind=CLEARED, occurred_at=rfc3339(NOW_MS - HOUR_MS))
            for n in numbers
            if n not in {7, 8, 9}
        )
    )
    action = Action(action_id="a", customer_id="c-8", action=ActionKind.CONTACTED, occurred_at=instant(NOW_MS))
    bench.publish_all([(bench.settings.actions, "c-8", msgspec.json.encode(action))])
    text = configuration("URL", match="{kind: [churn_risk.raised]}", more="actions: {contacted: 14}")
    with Webhook() as hook, bench.notifying(text.replace("URL", hook.url)):
        until(lambda: len(hook.messages) >= 2, "two are told")
        bench.publish([alert(1, alert_id="f" * 64)])
        until(lambda: len(hook.messages) >= 3, "what comes afterwards is told")
        assert sorted(hook.messages) == ["c-1", "c-7", "c-9"]


@pytest.mark.parametrize("occurred_at", ["yesterday", "", "2026-06-01T12:00:00", "9999-99-99T00:00:00Z"])
def test_an_alert_with_an_unreadable_time_is_a_dead_letter_and_logged_once(
    bench: NotifierBench, occurred_at: str, caplog: pytest.LogCaptureFixture
) -> None:
    with Webhook() as hook, NotifierDesk(bench, configuration(hook.url)) as desk:
        desk.take([alert(n, occurred_at=occurred_at) for n in range(5)])
        desk.take_raw(bench.settings.alerts, [("c-1", b"{")] * 3)
        desk.work()
        assert (hook.messages, desk.committable) == ([], 8)
    assert sorted(letter["dlq.reason"] for letter in bench.letters()) == ["bad_timestamp"] * 5 + ["malformed_json"] * 3
    said = [record.getMessage() for record in caplog.records if "cannot be read" in record.getMessage()]
    assert len(said) == 2
    assert "c-1" not in "".join(said)
