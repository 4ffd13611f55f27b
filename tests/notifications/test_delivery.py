"""From the alerts topic to a real web server and a real SMTP server, despite crashes and servers that disappear."""

import email
import json
import re
import threading
import time
import urllib.request
from dataclasses import replace
from email.policy import default
from functools import partial
from pathlib import Path

import pytest

from stream.local.redis import EmbeddedRedis
from stream.settings import Settings
from tests.notifications.process import NotifyProcess
from tests.notifications.receivers import SmtpReceiver, Webhook
from tests.notifications.rig import DEADLINE_S, NotifierBench, alert, until

BODY = "{{ alert.customer_id }}"


def config(*urls: str) -> str:
    """A channel for each URL; each hears of every alert."""
    channels = [
        f'  hook{number}:\n    url: "{url}"\n    rate: {{messages: 100000}}\n'
        "    retries: {attempts: 100, first_s: 0.05, longest_s: 0.2}\n"
        for number, url in enumerate(urls)
    ]
    names = ", ".join(f"hook{number}" for number in range(len(urls)))
    return (
        f"channels:\n{''.join(channels)}"
        f'templates:\n  alert: {{title: "risk {{{{ alert.risk | percent }}}}", body: "{BODY}"}}\n'
        f"rules:\n  - {{name: all, channels: [{names}]}}\n"
    )


def test_every_alert_is_delivered_on_each_channel_recorded_and_committed(bench: NotifierBench) -> None:
    alerts = [alert(number) for number in range(1, 21)]
    with Webhook() as hook, SmtpReceiver(lambda number: "451 later" if number == 1 else "250 OK") as smtp:
        bench.publish(alerts)
        with bench.notifying(config(hook.url, smtp.url)):
            until(lambda: bench.uncommitted() == 0, "all committed")
        assert sorted(hook.messages) == sorted(item.customer_id for item in alerts)
        assert {title for title, _ in hook.accepted} == {"risk 83%"}
        assert (len(smtp.mails), smtp.asked) == (20, 21)
    told = {(record.customer_id, record.channel): record.outcome for record in bench.told()}
    assert told == {(item.customer_id, channel): "sent" for item in alerts for channel in ("hook0", "hook1")}
    assert not bench.letters()
    mail = smtp.mails[0]
    assert mail.rcpt_tos == ["team@example.org"]
    message = email.message_from_bytes(mail.original_content or b"", policy=default)
    assert message["Subject"] == "risk 83%"
    body = message.get_body(("plain",))
    assert body is not None
    assert body.get_content().strip() in {item.customer_id for item in alerts}


def test_mail_that_the_server_refuses_for_good_is_a_dead_letter(bench: NotifierBench) -> None:
    with SmtpReceiver(lambda _: "550 no such user") as smtp:
        bench.publish([alert(1)])
        with bench.notifying(config(smtp.url)):
            until(lambda: bench.uncommitted() == 0, "committed")
        assert smtp.asked == 1
    (letter,) = bench.letters()
    assert (letter["dlq.reason"], letter["dlq.detail"]) == ("refused", "SMTP reply 550")


@pytest.mark.slow
def test_a_killed_notifier_loses_nothing(bench: NotifierBench, tmp_path: Path) -> None:
    alerts = [alert(number) for number in range(1, 61)]
    file, log = tmp_path / "notifications.yaml", tmp_path / "log"
    with Webhook() as hook:
        file.write_text(config(hook.url))
        bench.publish(alerts)
        kills = 0

        def reached(goal: int) -> bool:
            return len({*hook.messages}) >= goal

        for goal in (5, 30):
            with NotifyProcess(bench.settings, file, log) as notifier:
                until(partial(reached, goal), f"{goal} delivered")
                notifier.kill()
                kills += 1
        with NotifyProcess(bench.settings, file, log) as notifier:
            until(lambda: bench.uncommitted() == 0, "all committed")
            assert notifier.stop() == 0, log.read_text()
        assert {*hook.messages} == {item.customer_id for item in alerts}
        # deliveries in flight at the kill, and those not recorded yet
        assert len(hook.messages) <= len(alerts) + 5 * kills
    assert {record.alert_id for record in bench.told()} == {item.alert_id for item in alerts}
    assert {record.outcome for record in bench.told()} == {"sent"}


@pytest.mark.slow
def test_a_stop_waits_for_the_delivery_in_flight_and_leaves_the_rest(bench: NotifierBench, tmp_path: Path) -> None:
    file, log = tmp_path / "notifications.yaml", tmp_path / "log"

    told_to_stop = threading.Event()

    def slow(number: int, message: str) -> int:
        if number > 1:
            assert told_to_stop.wait(DEADLINE_S)
            time.sleep(0.4)
        return 200

    with Webhook(slow, patience_s=60) as hook:
        file.write_text(config(hook.url))
        bench.publish([alert(number) for number in range(1, 31)])
        with NotifyProcess(bench.settings, file, log) as notifier:
            until(lambda: hook.asked >= 2, "a second delivery under way")
            address = re.search(r"http://\S+/metrics", log.read_text())
            assert address is not None
            with urllib.request.urlopen(address[0], timeout=DEADLINE_S) as response:  # noqa: S310 - our own address
                exposed = response.read().decode()
            assert 'stream_notifications_total{channel="hook0",outcome="sent"} 1.0' in exposed
            assert 'stream_notification_queue{channel="hook0"}' in exposed
            ready = address[0].replace("/metrics", "/health/ready")
            with urllib.request.urlopen(ready, timeout=DEADLINE_S) as response:  # noqa: S310 - as above
                answer = json.load(response)
            assert answer["ok"]
            assert 0 < answer["waiting"] <= 30
            notifier.terminate()
            told_to_stop.set()
            assert notifier.wait() == 0, log.read_text()
        delivered = len(hook.messages)
        assert 2 <= delivered < 30
        assert bench.uncommitted() >= 30 - delivered
        assert sorted(bench.outcomes()) == sorted(hook.messages)
        # no customer at the level that is logged
        assert "c-30" not in log.read_text()


@pytest.mark.slow
def test_a_redis_that_goes_away_delays_and_loses_nothing(
    bench: NotifierBench, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with EmbeddedRedis(tmp_path / "redis") as redis, Webhook() as hook:
        settings = {**bench.settings.to_env(), "STREAM_REDIS_URL": redis.url}
        own = NotifierBench.__new__(NotifierBench)
        own.__dict__.update(vars(bench), settings=Settings.from_env(settings))
        with own.notifying(config(hook.url)):
            own.publish([alert(number) for number in range(1, 6)])
            until(lambda: len(hook.accepted) == 5, "the first five")
            redis.kill()
            own.publish([alert(number) for number in range(6, 11)])
            until(lambda: " for Redis: " in caplog.text, "a wait for Redis")
            assert own.uncommitted() >= 5
            redis.start()
            until(lambda: own.uncommitted() == 0, "all committed")
        assert {*hook.messages} == {f"c-{number}" for number in range(1, 11)}


def test_a_redis_that_comes_later_is_waited_for(bench: NotifierBench, tmp_path: Path) -> None:
    file, log = tmp_path / "notifications.yaml", tmp_path / "log"
    with EmbeddedRedis(tmp_path / "redis") as redis, Webhook() as hook:
        file.write_text(config(hook.url))
        bench.publish([alert(1)])
        redis.kill()
        with NotifyProcess(replace(bench.settings, redis_url=redis.url), file, log) as notifier:
            until(lambda: "cannot be read from Redis" in log.read_text(), "the first attempt")
            redis.start()
            until(lambda: len(hook.accepted) == 1, "the alert is delivered")
            assert notifier.stop() == 0, log.read_text()


def test_without_a_broker_it_waits_shows_metrics_and_stops_when_told(bench: NotifierBench, tmp_path: Path) -> None:
    file, log = tmp_path / "notifications.yaml", tmp_path / "log"
    file.write_text(config("json://127.0.0.1:1"))
    settings = replace(bench.settings, kafka_bootstrap="127.0.0.1:1")
    with NotifyProcess(settings, file, log) as notifier:
        # not of who looks for the currency of orders before
        until(lambda: "notifier_process: no Kafka broker answers" in log.read_text(), "the first attempt")
        address = re.search(r"http://\S+/metrics", log.read_text())
        assert address is not None
        with urllib.request.urlopen(address[0], timeout=DEADLINE_S) as response:  # noqa: S310 - our own address
            # Redis is there, and is not what it waits for
            assert b"stream_redis_up 1.0" in response.read()
        assert notifier.stop() == 0, log.read_text()


@pytest.mark.slow
def test_a_second_notifier_takes_its_share_and_nothing_is_lost(
    bench: NotifierBench, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "stream.notifications.alert_consumer")

    def slow(*_: object) -> int:
        time.sleep(0.15)
        return 200

    with Webhook(slow) as hook:
        bench.publish([alert(number) for number in range(1, 61)])
        with bench.notifying(config(hook.url)):
            until(lambda: len(hook.accepted) >= 5, "the first deliveries")
            with bench.notifying(config(hook.url)):
                until(lambda: bench.uncommitted() == 0, "all committed")
        assert {*hook.messages} == {f"c-{number}" for number in range(1, 61)}
        assert sum("partitions assigned" in line for line in caplog.messages) >= 3
        # deliveries in flight or not recorded yet when a partition moved
        assert len(hook.messages) <= 60 + 3
