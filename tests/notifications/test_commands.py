"""stream actions record, stream notify --dry-run and --test, and the customer's view."""

from dataclasses import replace
from pathlib import Path

import msgspec
import redis

from stream.alerts.action_records import Action, ActionKind
from stream.events.partitioner import partition_of
from stream.notifications.read_to_end import read_to_end
from stream.processing.state import Counters, PartitionState
from stream.projections.recommendations import HEAD, Recommendations, RecommendationState, shard_key, shopper_key
from stream.recommending.fading import ONE, FadingCounts
from stream.recommending.item_shards import SHARDS, ItemShard
from stream.recommending.own_items import KnownOrder, OwnItem, Shopper
from stream.recommending.shop_tables import ShopHead
from stream.storage.keys import ProjectionKeys
from stream.storage.notification_store import NotificationStore
from tests.notifications.desk import NotifierDesk, configuration
from tests.notifications.process import NotifyProcess
from tests.notifications.receivers import Webhook
from tests.notifications.rig import NotifierBench, alert


def test_an_action_is_published_as_the_notifier_reads_it(bench: NotifierBench) -> None:
    done = bench.command(
        "actions",
        "record",
        "Zoë",
        "contacted",
        "--actor",
        "Ann",
        "--note",
        "called\nback",
        "--alert-id",
        "0" * 64,
    )
    assert done.exit_code == 0, done.stderr
    (record,) = read_to_end(bench.settings, bench.settings.actions)
    assert record.partition == partition_of("Zoë", bench.settings.partitions)
    assert record.key == "Zoë".encode()
    action = msgspec.json.decode(record.value or b"", type=Action)
    assert (action.action, action.actor, action.note) == (ActionKind.CONTACTED, "Ann", "called\nback")
    with NotifierDesk(bench, configuration("json://127.0.0.1:1")) as desk:
        desk.clock.at_ms = record.timestamp
        desk.take_raw(bench.settings.actions, [("Zoë", record.value or b"")])
        desk.work()
        (known,) = desk.store.known(["Zoë"])
        assert known.actions == {"contacted": record.value}
        older = msgspec.json.encode(msgspec.structs.replace(action, occurred_at=1_600_000_000.0, action_id="older"))
        desk.take_raw(bench.settings.actions, [("Zoë", older)])
        assert desk.store.known(["Zoë"])[0].actions == {"contacted": record.value}
    assert not bench.letters()


def test_what_is_no_action_is_refused_before_it_is_published(bench: NotifierBench) -> None:
    refused = bench.command("actions", "record", "c", "contacted", "--alert-id", "17")
    assert refused.exit_code == 2
    assert "this is not an action" in refused.stderr
    assert bench.command("actions", "record", "c", "shrugged").exit_code == 2
    assert bench.command("actions", "record", "c", "resolved", "--at", "yesterday").exit_code == 2
    assert not [*read_to_end(bench.settings, bench.settings.actions)]


def test_a_dry_run_shows_what_would_be_sent_and_sends_nothing(bench: NotifierBench, tmp_path: Path) -> None:
    with Webhook() as hook:
        file = tmp_path / "notifications.yaml"
        file.write_text(configuration(hook.url, match="{value_at_least: 5}"))
        bench.publish([alert(1), alert(5), alert(9)])
        with NotificationStore(bench.settings) as store:
            store.mark([(alert(9).alert_id, "hook", "sent")])
        done = bench.command("notify", "--dry-run", "--notify-file", str(file))
        assert done.exit_code == 0, done.stderr
        assert hook.asked == 0
    assert "nobody is told: no rule matches" in done.stdout
    assert "to hook by rule all: it would be sent" in done.stdout
    assert "to hook by rule all: over already: sent" in done.stdout
    assert "    c-5" in done.stdout
    assert "3 alerts; nothing was sent" in done.stderr
    assert not bench.told()
    assert bench.uncommitted() == 3
    limited = bench.command("notify", "--dry-run", "--limit", "1", "--notify-file", str(file))
    assert "1 alerts; nothing was sent" in limited.stderr


def test_counts_of_all_items_are_read_once_for_many_messages(bench: NotifierBench, tmp_path: Path) -> None:
    settings = bench.settings
    keys = ProjectionKeys(settings.namespace, Recommendations.name, Recommendations.version, 0)
    hour = 500_000
    states = {HEAD: RecommendationState(head=ShopHead(SHARDS, FadingCounts(hour, 0, {"tea": ONE})))}
    for number in range(SHARDS):
        counts = FadingCounts(hour, 0, {f"item-{number}": ONE})
        states[shard_key(number)] = RecommendationState(number=number, shard=ItemShard(counts))
    bought = Shopper(items={"tea": OwnItem(hour, hour)}, orders=[KnownOrder(1, hour, ["tea"])])
    file = tmp_path / "notifications.yaml"
    text = configuration("json://127.0.0.1:1")
    file.write_text(text.replace("{{ alert.customer_id }}", "{{ recommendations.again[0].item }}"))
    with redis.Redis.from_url(settings.redis_url) as client:
        state = PartitionState(stream_time_ms=hour * 3_600_000, counters=Counters(applied=1))
        client.hset(keys.meta(0), "state", msgspec.json.encode(state))
        for key, of in states.items():
            client.set(keys.customer(0, key), msgspec.json.encode(of))
        for number in range(1, 12):
            customer = f"c-{number}"
            partition = partition_of(customer, settings.partitions)
            client.set(
                keys.customer(partition, shopper_key(customer)),
                msgspec.json.encode(RecommendationState(shopper=bought)),
            )

        def asked(limit: int) -> int:
            before = client.info("stats")["total_commands_processed"]
            done = bench.command("notify", "--dry-run", "--limit", str(limit), "--notify-file", str(file))
            assert done.exit_code == 0, done.stderr
            assert done.stdout.count("    tea") == limit
            return int(client.info("stats")["total_commands_processed"] - before)

        bench.publish([alert(number) for number in range(1, 12)])
        once = asked(1)
        assert once > SHARDS
        assert asked(11) < 2 * once


def test_a_channel_can_be_tried(bench: NotifierBench, tmp_path: Path) -> None:
    file = tmp_path / "notifications.yaml"
    with Webhook(lambda number, _: 200 if number == 1 else 401) as hook:
        file.write_text(configuration(hook.url))
        assert bench.command("notify", "--test", "hook", "--notify-file", str(file)).exit_code == 0
        assert hook.messages == ["sample-customer"]
        refused = bench.command("notify", "--test", "hook", "--notify-file", str(file))
        assert refused.exit_code == 1
        assert refused.stderr == "stream: channel hook: not delivered: HTTP status 401\n"


def test_missing_topics_are_one_line_and_status_1(bench: NotifierBench, tmp_path: Path) -> None:
    file = tmp_path / "notifications.yaml"
    file.write_text(configuration("json://127.0.0.1:1"))
    settings = replace(bench.settings, topic_prefix=f"{bench.settings.topic_prefix}no.")
    with NotifyProcess(settings, file, tmp_path / "log") as notifier:
        assert notifier.wait() == 1
    last = (tmp_path / "log").read_text().splitlines()[-1]
    assert last.startswith("stream: no topic")
    assert last.endswith("stream topics create")
