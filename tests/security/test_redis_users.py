"""Redis users have the rights that they need and no others."""

import asyncio
import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import redis

import stream.storage
from stream.events.kinds import EventKind
from stream.local.broker import EmbeddedBroker
from stream.local.redis import EmbeddedRedis
from stream.projections.complaints import Complaints
from stream.projections.flows import StageFlows
from stream.settings import Settings
from stream.storage.connection import check_access, connect
from stream.storage.consent_desk import ConsentDesk
from stream.storage.keys import Keys, ProjectionKeys
from stream.storage.model_desk import ModelDesk
from stream.storage.notification_store import NotificationStore
from stream.storage.overview import Overview
from stream.storage.partition_store import Commit, PartitionStore
from stream.storage.privacy_desk import PrivacyDesk, StoredProfile
from stream.storage.projection_desk import ProjectionDesk
from stream.storage.redis_facts import diagnose
from stream.storage.scripts import script
from stream.storage.step_writes import TRANSACTION_FROM
from stream.storage.stream_times import read_stream_times
from tests.field import Deployment, Sent
from tests.oracle.event import Event
from tests.oracle.made_up import made_up
from tests.security.authority import Authority
from tests.security.redis_tls import OPERATOR, OPERATOR_PASSWORD, SecureRedis
from tests.security.redis_users import EXAMPLE, PASSWORD, settings_of, users

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("redis_with_tls")]

LOG = made_up(5, customers=20, days=150, events=600)
#: While the few events are processed, customers fall silent and are retired, and the trainer saves.
OPTIONS: dict[str, Any] = {"snapshot_ms": 100, "horizon_days": 7.0, "silence_horizons": 1}


def granted(user: str) -> set[str]:
    (line,) = [line for line in EXAMPLE.splitlines() if line.startswith(f"user {user} ")]
    return {word[1:].rstrip(")") for word in line.split() if word.startswith("+")}


def set_aside_and_take_up_again(field: Deployment) -> list[Sent]:
    """A customer whose profile cannot be read, and the operator's answer to that; return what was produced for it."""
    customer = next(iter(LOG.events))
    (key,) = [key for key in field.client.scan_iter(field.keys.customer_pattern()) if key.endswith(customer.encode())]
    partition = int(key.split(b"{")[1].split(b"}")[0])
    field.client.set(key, b"damaged")
    newest = max(event.at for events in LOG.events.values() for event in events)
    sent = field.produce([(customer, Event("after-the-damage", EventKind.PAGE_VIEWED, newest))])
    field.start_worker()
    field.wait(lambda _: bool(field.states()[partition].quarantined), "the customer is set aside")
    field.client.delete(key)
    field.client.sadd(field.keys.released(partition), customer)
    field.wait(lambda _: not field.client.exists(field.keys.released(partition)), "the customer is taken up again")
    assert not field.states()[partition].quarantined
    assert field.stop() == [0], field.logs()
    return sent


async def write_a_large_step(settings: Settings) -> None:
    """One that is written by a transaction, as those of a worker that lags are; then read all times."""
    client = connect(settings)
    try:
        store = PartitionStore(client, Keys(settings.namespace), 0, "worker", ttl_s=60)
        state = (await store.claim()).state
        assert state is not None
        documents = {f"customer-{k}": b"{}" for k in range(TRANSACTION_FROM)}
        await store.commit(Commit(state, documents=documents), 0)
        assert await store.documents(["customer-0"]) == [b"{}"]
        times = await read_stream_times(client, Keys(settings.namespace), settings.partitions)
        assert state.stream_time_ms in times
    finally:
        await client.aclose()


def test_a_worker_and_its_viewer_need_exactly_the_commands_of_the_example(
    broker: EmbeddedBroker, authority: Authority, tmp_path: Path, topic_prefix: str
) -> None:
    namespace = topic_prefix.rstrip(".")
    with SecureRedis(tmp_path / "redis", authority, users(namespace)) as server:
        operator = redis.Redis.from_url(
            server.url(OPERATOR, OPERATOR_PASSWORD), ssl_ca_certs=str(authority.ca_file), protocol=2
        )
        url = cast("EmbeddedRedis", SimpleNamespace(url=server.url("worker", PASSWORD)))
        field = Deployment(broker, url, tmp_path, topic_prefix, redis_ca_file=str(authority.ca_file), **OPTIONS)
        field.client = operator
        try:
            operator.config_resetstat()
            sent = field.produce(LOG.entries)
            field.start_worker()
            field.wait_until_done(len(sent))
            field.wait(lambda _: bool(operator.exists(field.keys.snapshot())), "a snapshot of the trainer")
            assert field.stop() == [0], field.logs()
            sent += set_aside_and_take_up_again(field)
            assert not re.search(r"customer-\d", field.logs()), "a log tells of a customer"
            check_access(field.settings)
            of_worker = called(operator)

            operator.config_resetstat()
            viewer = replace(field.settings, redis_url=server.url("viewer", PASSWORD))
            assert [facts.role for facts in diagnose(viewer, timeout_s=5.0)] == ["master"]
            with Overview(viewer) as overview:
                assert overview.totals().counters.events_in == len(sent)
                assert len([*overview.documents()]) == len(LOG.events) - 1  # a customer released without a document
                assert overview.find([*LOG.events][-1]) is not None
                assert overview.snapshot() is not None
            check_access(viewer)
            of_viewer = called(operator)

            operator.config_resetstat()
            asyncio.run(write_a_large_step(field.settings))
            of_worker |= called(operator)
            refused = {str(entry["object"]) for entry in operator.acl_log()}
        finally:
            field.close()
    # a client library's description of itself is not needed; Redis before 7.2 does not know the command
    assert refused <= {"client|setinfo"}, "needed and not granted"
    assert granted("worker") - of_worker - in_scripts("worker") == set(), "granted and never needed"
    assert granted("viewer") - of_viewer == set(), "granted and never needed"


def test_a_notifier_needs_exactly_the_commands_of_the_example(authority: Authority, tmp_path: Path) -> None:
    with SecureRedis(tmp_path / "redis", authority, users("stream")) as server:
        operator = redis.Redis.from_url(server.url(OPERATOR, OPERATOR_PASSWORD), ssl_ca_certs=str(authority.ca_file))
        operator.config_resetstat()
        settings = settings_of(server, authority, "notify")
        check_access(settings)
        with NotificationStore(settings) as store:
            store.mark([("alert", "mail", "sent")])
            assert store.outcomes(["alert"]) == [{"mail": "sent"}]
            store.hold_out("ada", "alert", 60)
            assert store.record_action("ada", "contacted", 1, b"{}", 60)
            assert [known.held_out for known in store.known(["ada"])] == [True]
            assert store.take_room("mail", "2026-01-01", 5, 1000, 1000, 0).is_free
            store.return_room("mail", "2026-01-01")
        with ConsentDesk(settings) as consents:
            assert consents.read(["ada"]).of("ada").said == {}
        needed = called(operator) | in_scripts("notify")
        assert granted("notify") - needed == set(), "granted and never needed"
        refused = {str(entry["object"]) for entry in operator.acl_log()}
        assert refused <= {"client|setinfo"}, "needed and not granted"


def test_a_steward_of_models_needs_exactly_the_commands_of_the_example(authority: Authority, tmp_path: Path) -> None:
    with SecureRedis(tmp_path / "redis", authority, users("stream")) as server:
        operator = redis.Redis.from_url(server.url(OPERATOR, OPERATOR_PASSWORD), ssl_ca_certs=str(authority.ca_file))
        operator.config_resetstat()
        settings = settings_of(server, authority, "steward")
        check_access(settings)
        with ModelDesk(settings) as desk:
            desk.freeze(by="ada", now_ms=0)
            assert desk.look().frozen
        needed = called(operator) | in_scripts("steward")
        assert granted("steward") - needed == set(), "granted and never needed"
        refused = {str(entry["object"]) for entry in operator.acl_log()}
        assert refused <= {"client|setinfo"}, "needed and not granted"


def test_a_console_needs_exactly_the_commands_of_the_example(authority: Authority, tmp_path: Path) -> None:
    with SecureRedis(tmp_path / "redis", authority, users("stream")) as server:
        operator = redis.Redis.from_url(server.url(OPERATOR, OPERATOR_PASSWORD), ssl_ca_certs=str(authority.ca_file))
        settings = settings_of(server, authority, "console")
        operator.config_resetstat()
        look_around(settings)
        assert granted("console") - called(operator) == set(), "granted and never needed"
        refused = {str(entry["object"]) for entry in operator.acl_log()}
        assert refused <= {"client|setinfo"}, "needed and not granted"


def look_around(settings: Settings) -> None:
    """As pages of the console do."""
    with Overview(settings) as overview, NotificationStore(settings) as store, ProjectionDesk(settings) as desk:
        assert overview.totals().stream_time_ms is None
        assert overview.snapshot() is None
        assert [*overview.documents()] == []
        assert [known.held_out for known in store.known(["ada"])] == [False]
        assert desk.progress(Complaints.name, Complaints.version).folded == 0
        assert [*desk.states(Complaints.name, Complaints.version)] == []
        assert desk.shared(StageFlows.name, StageFlows.version, "2026-01-31") == []
        assert overview.offsets() == {}
    with ModelDesk(settings) as models:
        assert models.look().candidates == {}
    assert [facts.role for facts in diagnose(settings, timeout_s=5.0)] == ["master"]
    assert check_access(settings)


def test_who_erases_people_needs_exactly_the_commands_of_the_example(authority: Authority, tmp_path: Path) -> None:
    former = ProjectionKeys("stream", Complaints.name, Complaints.version, 7).customer(0, "ada")
    with SecureRedis(tmp_path / "redis", authority, users("stream")) as server:
        operator = redis.Redis.from_url(server.url(OPERATOR, OPERATOR_PASSWORD), ssl_ca_certs=str(authority.ca_file))
        settings = settings_of(server, authority, "privacy")
        operator.set(former, b"{}")
        operator.config_resetstat()
        operator.save()
        look_around(settings)
        with PrivacyDesk(settings) as desk, desk.lock(5.0):
            assert desk.profile("ada") == StoredProfile(None, None)
            assert desk.unpublished_about(["ada"], []) == 0
            assert desk.behind(0, []) == []
            assert desk.former([(Complaints.name, Complaints.version)], ["ada"], delete=True) == 1
            assert desk.rewrite_files(20.0)
        assert not operator.exists(former)
        with NotificationStore(settings) as store:
            store.forget(["ada"])
        assert granted("privacy") - called(operator) == set(), "granted and never needed"
        refused = {str(entry["object"]) for entry in operator.acl_log()}
        assert refused <= {"client|setinfo"}, "needed and not granted"


SCRIPTS = {
    "worker": ("claim.lua", "claim_models.lua", "commit.lua", "in_use.lua", "learn.lua", "tried.lua", "verify.lua"),
    "notify": ("record_action.lua", "take_room.lua", "tried.lua"),
    "steward": ("decide.lua", "in_use.lua", "tried.lua"),
}


def in_scripts(user: str) -> set[str]:
    """Commands in the scripts of a user; some come only with time."""
    found = (re.findall(r"redis\.call\('(\w+)'", script(name)) for name in SCRIPTS[user])
    return {command.lower() for commands in found for command in commands}


@pytest.mark.parametrize("user", SCRIPTS)
def test_every_command_of_a_script_is_granted_to_its_user(user: str) -> None:
    assert in_scripts(user) <= granted(user)


def test_every_script_has_a_user() -> None:
    stored = {path.name for path in Path(stream.storage.__path__[0]).glob("*.lua")}
    assert stored == {name for names in SCRIPTS.values() for name in names}


def called(operator: redis.Redis) -> set[str]:
    """Commands that were executed, by clients or in scripts."""
    stats = cast("dict[str, dict[str, int]]", operator.info("commandstats"))
    return {name.removeprefix("cmdstat_") for name, stat in stats.items() if stat["calls"]}


REFUSED = {
    "worker": [
        ("FLUSHALL",),
        ("KEYS", "*"),
        ("CONFIG", "SET", "maxmemory", "1"),
        ("ACL", "LIST"),
        ("DEL", "stream:{0}:meta"),
        ("GET", "elsewhere:{0}:meta"),
        ("GET", "stream:notify:alert:a"),
        ("EVAL", "return 1", "0"),
        ("PUBLISH", "stream:{0}:meta", "x"),
    ],
    "notify": [("GET", "stream:{0}:customer:a"), ("SET", "stream:{models}:snapshot", "x"), ("FLUSHALL",)],
    "console": [("SET", "stream:{0}:customer:a", "x"), ("GET", "elsewhere"), ("EVALSHA", "0" * 40, "0")],
    "privacy": [
        ("SET", "stream:{0}:customer:a", "x"),
        ("UNLINK", "stream:{0}:customer:a"),
        ("EXPIRE", "stream:{0}:meta", "0"),
        ("GET", "elsewhere"),
        ("FLUSHALL",),
    ],
    "viewer": [("SET", "stream:{0}:customer:a", "x"), ("GET", "elsewhere"), ("EVALSHA", "0" * 40, "0"), ("FLUSHDB",)],
}


@pytest.mark.parametrize(("user", "command"), [(u, c) for u, commands in REFUSED.items() for c in commands], ids=str)
def test_a_user_may_do_nothing_else(
    server: SecureRedis, authority: Authority, user: str, command: tuple[str, ...]
) -> None:
    client = redis.Redis.from_url(server.url(user, PASSWORD), ssl_ca_certs=str(authority.ca_file))
    with client, pytest.raises(redis.exceptions.NoPermissionError):
        client.execute_command(*command)  # type: ignore[no-untyped-call]


def test_a_script_may_touch_no_key_outside_of_its_namespace(server: SecureRedis, authority: Authority) -> None:
    client = redis.Redis.from_url(server.url("worker", PASSWORD), ssl_ca_certs=str(authority.ca_file))
    with client, pytest.raises(redis.exceptions.NoPermissionError):
        client.register_script("return redis.call('GET', KEYS[1])")(keys=["elsewhere"])
