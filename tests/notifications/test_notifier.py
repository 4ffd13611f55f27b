"""What is sent, when, and what happens to the rest: a real store, broker and web server, and a simulated clock."""

import time
from dataclasses import replace

import pytest

from stream.alerts.alert_records import AlertKind
from stream.notifications.notification_records import Notification
from tests.notifications.alerted import customers
from tests.notifications.desk import NOON_MS, NotifierDesk, configuration
from tests.notifications.receivers import Webhook
from tests.notifications.rig import DEADLINE_S, NotifierBench, alert


def test_the_most_valuable_of_those_collected_leave_first(bench: NotifierBench) -> None:
    with (
        Webhook() as hook,
        NotifierDesk(bench, configuration(hook.url, "collect_minutes: 15"), NOON_MS + 60_000) as desk,
    ):
        desk.take([alert(number) for number in (2, 9, 4)])
        desk.work()
        assert not hook.accepted
        desk.advance(minutes=13)
        assert not hook.accepted
        assert desk.committable == 0
        desk.take([alert(7)])
        desk.advance(minutes=1)
        assert hook.messages == customers(9, 7, 4, 2)
        assert desk.committable == 4


def test_an_alert_that_comes_twice_is_sent_once(bench: NotifierBench) -> None:
    with Webhook() as hook:
        with NotifierDesk(bench, configuration(hook.url)) as desk:
            desk.take([alert(1), alert(1), alert(2)])
            desk.work()
            assert hook.messages == customers(2, 1)
            desk.take([alert(2)])
            desk.work()
            assert desk.committable == 4
        with NotifierDesk(bench, configuration(hook.url)) as restarted:
            restarted.take([alert(1), alert(2), alert(3)])
            restarted.work()
            assert restarted.committable == 3
        assert hook.messages == customers(2, 1, 3)
    assert len(bench.told()) == 3


def test_quiet_hours_hold_back_what_is_not_sent_elsewhere(bench: NotifierBench) -> None:
    quiet = 'quiet_hours: [{from: "19:00", to: "08:00"}]\n    time_zone: Europe/Berlin'
    with Webhook() as hook, NotifierDesk(bench, configuration(hook.url, quiet)) as desk:
        desk.advance(hours=4, minutes=59)
        desk.take([alert(1)])
        desk.work()
        assert hook.messages == customers(1)  # 18:59 in Berlin
        desk.advance(minutes=1)
        desk.take([alert(2), alert(3)])
        desk.advance(hours=12, minutes=59)
        assert hook.messages == customers(1)
        desk.advance(minutes=1)  # 08:00
        assert hook.messages == customers(1, 3, 2)


def test_a_digest_has_the_most_valuable_and_leaves_the_others_for_the_next(bench: NotifierBench) -> None:
    digest = 'digest: {at: ["13:00", "18:00"], most: 3, template: digest}'
    with Webhook() as hook, NotifierDesk(bench, configuration(hook.url, digest)) as desk:
        desk.take([alert(number) for number in (5, 1, 4, 2, 3)])
        desk.advance(minutes=59)
        assert not hook.accepted
        desk.advance(minutes=1)
        assert hook.accepted == [("3", "c-5 c-4 c-3 +2")]
        assert desk.committable == 1  # the second alert waits, whatever happened to those after it
        desk.clock.advance(1)
        desk.take([alert(9)])
        desk.advance(hours=4)
        assert len(hook.accepted) == 1
        desk.advance(hours=1)
        assert hook.accepted[1] == ("3", "c-9 c-2 c-1")
        assert desk.committable == 6
    told = bench.told()
    assert len(told) == 6
    assert all(record.digest for record in told)


def test_a_digest_that_was_missed_is_sent_at_the_start(bench: NotifierBench) -> None:
    with (
        Webhook() as hook,
        NotifierDesk(bench, configuration(hook.url, 'digest: {at: ["13:00"], template: digest}')) as desk,
    ):
        desk.take([alert(1)])
        desk.clock.advance(20 * 3_600_000)
        desk.work()
        assert hook.accepted == [("1", "c-1")]


def test_the_rate_limits_bursts_and_refills(bench: NotifierBench) -> None:
    with (
        Webhook() as hook,
        NotifierDesk(bench, configuration(hook.url, "rate: {messages: 2, per_minutes: 10}")) as desk,
    ):
        desk.take([alert(number) for number in range(1, 6)])
        desk.work()
        assert hook.messages == customers(5, 4)
        desk.advance(minutes=4, hours=0)
        assert len(hook.accepted) == 2
        desk.advance(minutes=1)
        assert hook.messages == customers(5, 4, 3)
        desk.advance(minutes=5)
        assert hook.messages == customers(5, 4, 3, 2)
        desk.advance(minutes=30)
        desk.take([alert(number) for number in (6, 7, 8)])
        desk.work()
        assert hook.messages == customers(5, 4, 3, 2, 1, 8)


def test_the_budget_opens_over_the_day_for_the_most_valuable(bench: NotifierBench) -> None:
    with (
        Webhook() as hook,
        NotifierDesk(bench, configuration(hook.url, "budget: {per_day: 4}\n    expire_hours: 20")) as desk,
    ):
        desk.take([alert(number) for number in range(1, 6)])
        desk.work()
        # half of the day is over, and the cell of noon has begun
        assert hook.messages == customers(5, 4, 3)
        desk.take([alert(9)])
        desk.advance(hours=5)
        assert len(hook.accepted) == 3
        desk.advance(hours=1)
        assert hook.messages == customers(5, 4, 3, 9)
        desk.advance(hours=5, minutes=59)
        assert len(hook.accepted) == 4
        desk.advance(minutes=2)  # another day
        assert hook.messages == customers(5, 4, 3, 9, 2)
        desk.advance(hours=19)
    assert bench.outcomes()["c-1"] == "suppressed/expired"


def test_alerts_that_wait_too_long_are_suppressed_and_committed(bench: NotifierBench) -> None:
    quiet = "quiet_hours: [{days: [mon, tue]}]\n    expire_hours: 10"
    with Webhook() as hook, NotifierDesk(bench, configuration(hook.url, quiet)) as desk:
        desk.take([alert(1)])
        desk.advance(hours=10)
        assert not bench.told()
        desk.advance(minutes=1)
        assert desk.committable == 1
        assert not hook.accepted
    assert bench.outcomes() == {"c-1": "suppressed/expired"}


def test_no_rule_and_a_rule_without_channels_tell_nobody(bench: NotifierBench) -> None:
    text = configuration("json://127.0.0.1:1", match="{kind: [churn_risk.cleared]}", channels="[]")
    with NotifierDesk(bench, text) as desk:
        desk.take([alert(1), alert(2, kind=AlertKind.CLEARED)])
        desk.work()
        assert desk.committable == 2
        desk.take([alert(1)])
        desk.work()
    assert bench.outcomes() == {"c-1": "suppressed/no_rule", "c-2": "suppressed/rule"}
    assert len(bench.told()) == 2


def test_partitions_that_are_taken_away_leave_nothing_behind(bench: NotifierBench) -> None:
    with Webhook() as hook, NotifierDesk(bench, configuration(hook.url, "collect_minutes: 60"), NOON_MS + 1) as desk:
        desk.take([alert(1), alert(2)])
        desk.notifier.drop([(bench.settings.alerts, 0)])
        assert desk.notifier.waiting == 0
        desk.advance(hours=1)
        assert not hook.accepted
        assert not bench.told()


def test_a_title_is_one_line(bench: NotifierBench) -> None:
    text = configuration("URL").replace('"risk"', '"{{ alert.segment }}"')
    with Webhook() as hook, NotifierDesk(bench, text.replace("URL", hook.url)) as desk:
        desk.take([alert(1, segment="loyal\r\nBcc: everyone@example.org")])
        desk.work()
        assert hook.accepted[0][0] == "loyal Bcc: everyone@example.org"


def test_every_record_on_the_topic_is_of_its_contract(bench: NotifierBench) -> None:
    with Webhook() as hook, NotifierDesk(bench, configuration(hook.url)) as desk:
        desk.take([alert(1)])
        desk.work()
    (told,) = bench.told()
    expected = Notification(
        alert_id=f"{1:064x}",
        customer_id="c-1",
        channel="hook",
        rule="all",
        outcome="sent",  # type: ignore[arg-type]
        reason=None,
        arm=None,
        kind=AlertKind.RAISED,
        cause=alert(1).cause,
        segment="loyal",
        risk=0.83,
        value_at_risk=1.0,
        attempts=1,
        digest=False,
        occurred_at="2026-06-01T12:00:00.000Z",
        at="2026-06-01T12:00:00.000Z",
    )
    assert told == expected


def test_a_delivery_that_cannot_be_recorded_stops_further_ones(
    bench: NotifierBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stream.notifications.delivery_journal._BEHIND_S", 0.1)
    bench.settings = replace(bench.settings, kafka_bootstrap="127.0.0.1:1")
    with Webhook() as hook, NotifierDesk(bench, configuration(hook.url)) as desk:
        desk.take([alert(1)])
        deadline = time.monotonic() + DEADLINE_S
        while not hook.accepted:
            desk.notifier.step()
            assert time.monotonic() < deadline
        began = time.monotonic()
        while time.monotonic() - began < 0.3:
            desk.notifier.step()
        desk.take([alert(2)])
        began = time.monotonic()
        while time.monotonic() - began < 0.3:
            desk.notifier.step()
        assert hook.messages == customers(1)
        assert desk.notifier.waiting == 2
        assert desk.committable == 0
