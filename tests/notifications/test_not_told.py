"""Alerts that are not sent: of the hold-out, and of customers whom someone has acted on."""

import msgspec
import redis

from stream import metrics
from stream.alerts.action_records import Action, ActionKind
from stream.alerts.alert_records import AlertKind
from stream.consent.agreements import Agreements, Statement
from stream.consent.purposes import Purpose
from stream.events.partitioner import partition_of
from stream.events.times import instant
from stream.identity.links import Link, LinkName
from stream.identity.records import KEY
from stream.identity.resolver import Resolver
from stream.notifications.hold_out import is_held_out
from stream.notifications.notification_records import Arm
from stream.projections.consents import Consents
from stream.projections.identity import Identity
from stream.storage.keys import ProjectionKeys
from tests.notifications.alerted import customers
from tests.notifications.desk import NOON_MS, NotifierDesk, configuration
from tests.notifications.receivers import Webhook
from tests.notifications.rig import NotifierBench, alert

HELD_OUT_HALF = 'hold_out: {share: 0.5, salt: "s"}'
DAY_MS = 86_400_000
ACTIONS = "actions: {contacted: 14, offer_accepted: 28, resolved: 28, false_alarm: 90}"


def action_of(number: int, kind: ActionKind, at_ms: int = NOON_MS) -> tuple[str, bytes]:
    action = Action(action_id=f"a{number}", customer_id=f"c-{number}", action=kind, occurred_at=instant(at_ms))
    return action.customer_id, msgspec.json.encode(action)


def says(bench: NotifierBench, customer: str, purpose: Purpose, channel: str | None = None) -> None:
    """The projection has folded that a customer takes something back."""
    said = Agreements()
    said.add(purpose, channel, Statement(NOON_MS - 1, True, "e-1", "consent withdrawn"))
    keys = ProjectionKeys(bench.settings.namespace, Consents.name, Consents.version, 0)
    partition = partition_of(customer, bench.settings.partitions)
    with redis.Redis.from_url(bench.settings.redis_url) as client:
        client.set(keys.customer(partition, customer), msgspec.json.encode(said))


def links(bench: NotifierBench, *several: tuple[LinkName, str, str]) -> None:
    """The projection `identity` has folded these links."""
    resolver = Resolver()
    for at_ms, (name, one, other) in enumerate(several):
        resolver.take(Link(name, one, other, at_ms, f"l-{at_ms}"))
    keys = ProjectionKeys(bench.settings.namespace, Identity.name, Identity.version, 0)
    partition = partition_of(KEY, bench.settings.partitions)
    with redis.Redis.from_url(bench.settings.redis_url) as client:
        for one, node in resolver.nodes.items():
            client.set(keys.customer(partition, one), msgspec.json.encode(node))


def refusals() -> float:
    return metrics.REGISTRY.get_sample_value("stream_consent_refusals_total", {"use": "notification"}) or 0.0


def test_nobody_is_told_of_scores_of_who_takes_profiling_back(bench: NotifierBench) -> None:
    says(bench, "c-1", Purpose.PROFILING)
    says(bench, "c-2", Purpose.PROFILING)
    says(bench, "c-3", Purpose.MARKETING)
    before = refusals()
    with Webhook() as hook, NotifierDesk(bench, configuration(hook.url)) as desk:
        desk.take([alert(1), alert(2, kind=AlertKind.COMPLAINT), alert(3), alert(4)])
        desk.work()
        assert sorted(hook.messages) == customers(2, 3, 4)
    assert bench.outcomes() == {"c-1": "suppressed/consent", "c-2": "sent", "c-3": "sent", "c-4": "sent"}
    assert refusals() == before + 1


def test_a_channel_that_reaches_customers_asks_whether_they_agree(bench: NotifierBench) -> None:
    says(bench, "c-1", Purpose.MARKETING)
    says(bench, "c-2", Purpose.MARKETING, "email")
    says(bench, "c-3", Purpose.MARKETING, "sms")
    with Webhook() as hook:
        text = configuration(hook.url, "consent: {purpose: marketing, channel: email}")
        with NotifierDesk(bench, text) as desk:
            desk.take([alert(number) for number in range(1, 5)])
            desk.work()
            assert sorted(hook.messages) == customers(3, 4)
    outcomes = bench.outcomes()
    assert [outcomes[f"c-{number}"] for number in (1, 2)] == ["suppressed/consent"] * 2


def test_held_out_customers_are_recorded_marked_and_not_told(bench: NotifierBench) -> None:
    numbers = range(1, 41)
    held_out = {f"c-{number}" for number in numbers if is_held_out(f"c-{number}", "s", 0.5)}
    assert 5 < len(held_out) < 35
    with Webhook() as hook, NotifierDesk(bench, configuration(hook.url, more=HELD_OUT_HALF)) as desk:
        desk.take([alert(number) for number in numbers])
        desk.work()
        assert {*hook.messages} == {f"c-{number}" for number in numbers} - held_out
        assert desk.committable == 40
        for customer, known in zip(sorted(held_out), desk.store.known(sorted(held_out)), strict=True):
            assert known.held_out, customer
    arms = {told.customer_id: told.arm for told in bench.told()}
    assert {customer for customer, arm in arms.items() if arm is Arm.HELD_OUT} == held_out
    assert {arm for customer, arm in arms.items() if customer not in held_out} == {Arm.NOTIFIED}


def test_held_out_customers_stay_so_when_the_share_is_lowered(bench: NotifierBench) -> None:
    with Webhook() as hook:
        with NotifierDesk(bench, configuration(hook.url, more='hold_out: {share: 0.999999, salt: "s"}')) as desk:
            desk.take([alert(1)])
            desk.work()
        with NotifierDesk(bench, configuration(hook.url)) as desk:
            desk.take([alert(2, customer_id="c-1"), alert(3)])
            desk.work()
        assert hook.messages == customers(3)


COOKIE = "anonymous_id:h1_" + 22 * "a"
JOINED = [(LinkName.MERGE, "c-2", "c-1"), (LinkName.IDENTIFIED, "c-2", COOKIE)]
APART = (LinkName.UNMERGE, "c-2", "c-1")


def test_who_was_held_out_under_an_id_is_held_out_under_the_others(bench: NotifierBench) -> None:
    with Webhook() as hook:
        with NotifierDesk(bench, configuration(hook.url, more='hold_out: {share: 0.999999, salt: "s"}')) as desk:
            desk.take([alert(1, customer_id=COOKIE)])
            desk.work()
        links(bench, *JOINED)
        with NotifierDesk(bench, configuration(hook.url)) as desk:
            desk.take([alert(2), alert(4)])
            desk.work()
            assert hook.messages == customers(4)
            # the cookie is with c-2, and so is what happened under it
            links(bench, *JOINED, APART)
            desk.take([alert(5, customer_id="c-1"), alert(6, customer_id="c-2")])
            desk.work()
            assert hook.messages == customers(4, 1)
            links(bench, *JOINED, APART, JOINED[0])
            desk.take([alert(7, customer_id="c-1")])
            desk.work()
        assert hook.messages == customers(4, 1)


def test_what_people_did_under_an_id_counts_under_the_others_and_the_latest_of_each_kind_is_shown(
    bench: NotifierBench,
) -> None:
    links(bench, *JOINED)
    with Webhook() as hook, NotifierDesk(bench, configuration(hook.url, more=ACTIONS)) as desk:
        done = [
            action_of(2, ActionKind.CONTACTED, NOON_MS - 1),
            action_of(1, ActionKind.CONTACTED, NOON_MS - 20 * DAY_MS),
        ]
        desk.take_raw(bench.settings.actions, done)
        desk.take([alert(1), alert(3)])
        desk.work()
        assert hook.messages == customers(3)
        for known in desk.store.known(["c-1", "c-2"]):
            assert msgspec.json.decode(known.actions["contacted"], type=Action).action_id == "a2"
        links(bench, *JOINED, APART)
        desk.take([alert(4, customer_id="c-1"), alert(5, customer_id="c-2")])
        desk.work()
        assert hook.messages == customers(3, 1)
    assert bench.outcomes()["c-2"] == "suppressed/action"


def test_a_risk_that_was_told_under_an_id_is_not_told_again_under_another(bench: NotifierBench) -> None:
    with Webhook() as hook, NotifierDesk(bench, configuration(hook.url)) as desk:
        desk.take([alert(2)])
        desk.work()
        links(bench, *JOINED)
        desk.take([alert(1), alert(3, customer_id="c-1", kind=AlertKind.COMPLAINT), alert(4)])
        desk.work()
        assert sorted(hook.messages) == customers(1, 2, 4)
        told = {record.alert_id: (record.outcome, record.reason) for record in bench.told()}
        assert told[alert(1).alert_id] == ("suppressed", "told")
        # of the id itself the core decides when there is news
        desk.take([alert(5, customer_id="c-2")])
        desk.work()
    assert sorted(hook.messages) == customers(1, 2, 2, 4)


def test_the_hold_out_does_not_touch_a_channel_that_is_exempt_nor_its_budget(bench: NotifierBench) -> None:
    exempt = 'hold_out: {share: 0.999999, salt: "s"}'
    with Webhook() as hook, NotifierDesk(bench, configuration(hook.url, "hold_out: false", more=exempt)) as desk:
        desk.take([alert(1)])
        desk.work()
        assert hook.messages == customers(1)
    assert [told.arm for told in bench.told()] == [None]


def test_held_out_alerts_use_no_budget(bench: NotifierBench) -> None:
    numbers = [number for number in range(1, 60) if is_held_out(f"c-{number}", "s", 0.5)][:10]
    free = next(number for number in range(1, 60) if not is_held_out(f"c-{number}", "s", 0.5))
    text = configuration("URL", "budget: {per_day: 1}", more=HELD_OUT_HALF)
    with Webhook() as hook, NotifierDesk(bench, text.replace("URL", hook.url)) as desk:
        desk.take([*(alert(number, value_at_risk=1000.0) for number in numbers), alert(free, value_at_risk=1.0)])
        desk.work()
        assert hook.messages == customers(free)


def test_an_action_suppresses_raised_alerts_for_its_time(bench: NotifierBench) -> None:
    occurred_at = "2026-06-01T12:00:00.000Z"
    raised = [alert(number, occurred_at=occurred_at) for number in range(1, 6)]
    with Webhook() as hook, NotifierDesk(bench, configuration(hook.url, more=ACTIONS)) as desk:
        desk.take_raw(
            bench.settings.actions,
            [
                action_of(1, ActionKind.CONTACTED, NOON_MS - 13 * DAY_MS),
                action_of(2, ActionKind.CONTACTED, NOON_MS - 14 * DAY_MS),
                action_of(3, ActionKind.FALSE_ALARM, NOON_MS - 89 * DAY_MS),
                action_of(4, ActionKind.RESOLVED, NOON_MS),
            ],
        )
        desk.take([*raised, alert(6, customer_id="c-4", kind=AlertKind.CLEARED, occurred_at=occurred_at)])
        desk.work()
        assert sorted(hook.messages) == ["c-2", "c-4", "c-5"]
        assert desk.committable == 6
        (known,) = desk.store.known(["c-4"])
        assert msgspec.json.decode(known.actions["resolved"], type=Action).action is ActionKind.RESOLVED
    told = {record.alert_id: record for record in bench.told()}
    assert [(told[a.alert_id].outcome, told[a.alert_id].reason) for a in raised[:1]] == [("suppressed", "action")]
    assert told[raised[3].alert_id].reason == "action"


def test_an_action_that_comes_while_an_alert_waits_suppresses_it(bench: NotifierBench) -> None:
    with (
        Webhook() as hook,
        NotifierDesk(bench, configuration(hook.url, "collect_minutes: 60", ACTIONS), NOON_MS + 1) as desk,
    ):
        desk.take([alert(1, occurred_at="2026-06-01T12:00:00.000Z"), alert(2)])
        desk.take_raw(bench.settings.actions, [action_of(1, ActionKind.CONTACTED)])
        desk.advance(hours=1)
        assert hook.messages == customers(2)


def test_invalid_actions_and_alerts_become_dead_letters(bench: NotifierBench) -> None:
    key, good = action_of(1, ActionKind.CONTACTED)
    bad = [
        ("c-2", good, "key_mismatch"),
        (key, b"{", "malformed_json"),
        (key, good.replace(b"contacted", b"shrugged"), "wrong_type"),
        (key, good.replace(b"2026-06-01", b"2030-06-01"), "timestamp_out_of_range"),
        (key, good.replace(b'"a1"', b'"a\\u0007"'), "control_character"),
        (key, good[:-1] + b',"note":"' + b"x" * 2001 + b'"}', "wrong_length"),
        (key, good.replace(b'"action_id":"a1",', b""), "missing_field"),
    ]
    with NotifierDesk(bench, configuration("json://127.0.0.1:1")) as desk:
        desk.take_raw(bench.settings.actions, [(key, good), *((key, value) for key, value, _ in bad)])
        desk.take_raw(bench.settings.alerts, [("c-1", b'{"no": "alert"}')])
        desk.work()
        assert desk.committable == 1
        assert dict(desk.notifier.ledger.committable())[bench.settings.actions, 0] == len(bad) + 1
    reasons = [letter["dlq.reason"] for letter in bench.letters()]
    assert sorted(reasons) == sorted([*(reason for _, _, reason in bad), "missing_field"])
