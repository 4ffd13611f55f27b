"""Scripts of operators' commands and of the notifier leave nothing behind when Redis refuses one of their commands."""

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import redis

from stream.errors import StorageError
from stream.local.redis import EmbeddedRedis
from stream.settings import Settings
from stream.storage.keys import Keys
from stream.storage.model_desk import ModelDesk
from stream.storage.notification_store import NotificationStore
from stream.storage.scripts import script
from tests.storage.test_model_desk import Trainer

DAY = "2026-01-01"


@pytest.fixture
def client(redis_server: EmbeddedRedis) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(redis_server.url) as opened:
        yield opened


@contextmanager
def without(client: redis.Redis, settings: Settings, command: str) -> Iterator[Settings]:
    """The settings of a user who may do anything but this."""
    user = f"user-{uuid.uuid4().hex[:8]}"
    client.acl_setuser(
        user, enabled=True, passwords=["+secret"], categories=["+@all"], commands=[f"-{command}"], keys=["*"]
    )
    try:
        url = settings.redis_url.replace("redis://", f"redis://{user}:secret@")
        yield Settings(redis_url=url, namespace=settings.namespace)
    finally:
        client.acl_deluser(user)


def everything(client: redis.Redis, settings: Settings) -> dict[bytes, bytes | None]:
    return {key: client.dump(key) for key in client.scan_iter(f"{settings.namespace}:*")}


#: The commands of each script that write, as Redis names them in rules.
WRITES = {
    "decide.lua": {"hset", "lpush", "ltrim", "lrem", "set"},
    "take_room.lua": {"incr", "expire", "set"},
    "record_action.lua": {"hset", "expire"},
}
READS = {"get", "hget", "hmget"}


def test_the_commands_listed_here_are_those_of_the_scripts() -> None:
    for name, writes in WRITES.items():
        source = script(name) + (script("in_use.lua") if name == "decide.lua" else "")
        called = {part.split("'")[0].lower() for part in source.split("redis.call('")[1:]}
        assert called - READS == writes


@pytest.mark.parametrize("command", sorted(WRITES["decide.lua"]))
@pytest.mark.parametrize(
    "decide",
    [
        lambda desk: desk.promote("quick", by="ann", now_ms=1),
        lambda desk: desk.automatic(by="ann", now_ms=1),
        lambda desk: desk.unfreeze(by="ann", now_ms=1),
        lambda desk: desk.rollback("standard", 7, b"standard-0", by="ann", now_ms=1),
    ],
    ids=["promote", "automatic", "unfreeze", "rollback"],
)
def test_a_decision_without_one_of_its_rights_changes_nothing(
    client: redis.Redis, settings: Settings, command: str, decide: Callable[[ModelDesk], object]
) -> None:
    Trainer(settings).save()
    before = everything(client, settings)
    meta = client.hgetall(Keys(settings.namespace).models())
    with (
        without(client, settings, command) as limited,
        ModelDesk(limited) as desk,
        pytest.raises(StorageError, match="is not known"),
    ):
        decide(desk)
    assert everything(client, settings).keys() == before.keys()
    # `frozen` may be there then and say nothing
    after = client.hgetall(Keys(settings.namespace).models())
    assert {**after, b"frozen": b""} == {**meta, b"frozen": b""}
    assert after.get(b"frozen", b"") == b""
    with ModelDesk(settings) as desk:
        stored = desk.look()
        assert (stored.snapshot, stored.kept, stored.decisions) == (b"standard-1", (), ())
        decide(desk)
        assert len(desk.look().decisions) == 1


@pytest.mark.parametrize("name", ["snapshot", "kept", "models", "decisions"])
def test_a_key_of_another_type_ends_a_decision_before_it_writes(
    client: redis.Redis, settings: Settings, name: str
) -> None:
    Trainer(settings).save()
    key = getattr(Keys(settings.namespace), name)()
    client.delete(key)
    client.zadd(key, {"overwritten": 1})
    before = everything(client, settings)
    with ModelDesk(settings) as desk, pytest.raises(StorageError, match="WRONGTYPE"):
        desk.rollback("quick", 1, b"quick-0", by="ann", now_ms=1)
    models = Keys(settings.namespace).models().encode()
    after = everything(client, settings)
    assert {key: value for key, value in after.items() if key != models} == {
        key: value for key, value in before.items() if key != models
    }
    if name == "models":
        assert after == before
    else:
        assert client.hget(models, "frozen") in {None, b""}


@pytest.mark.parametrize("command", sorted(WRITES["take_room.lua"]))
def test_a_message_is_counted_on_budget_and_rate_or_on_neither(
    client: redis.Redis, settings: Settings, command: str
) -> None:
    with NotificationStore(settings) as store:
        assert store.take_room("mail", DAY, 5, 1000, 9000, 0).is_free
    before = everything(client, settings)
    assert len(before) == 2
    with without(client, settings, command) as limited, NotificationStore(limited) as store:
        for channel in ("mail", "chat"):
            with pytest.raises(StorageError, match="room of a channel"):
                store.take_room(channel, DAY, 5, 1000, 9000, 0)
    assert everything(client, settings) == before


@pytest.mark.parametrize("command", sorted(WRITES["record_action.lua"]))
def test_an_action_is_kept_with_its_time_to_live_or_not_at_all(
    client: redis.Redis, settings: Settings, command: str
) -> None:
    with (
        without(client, settings, command) as limited,
        NotificationStore(limited) as store,
        pytest.raises(StorageError, match="cannot be stored"),
    ):
        store.record_action("ada", "contacted", 1, b"{}", 60)
    assert everything(client, settings) == {}
    with NotificationStore(settings) as store:
        assert store.record_action("ada", "contacted", 1, b"{}", 60)
        before = everything(client, settings)
        [key] = before
        assert 0 < client.ttl(key) <= 60
        with (
            without(client, settings, command) as limited,
            NotificationStore(limited) as other,
            pytest.raises(StorageError, match="cannot be stored"),
        ):
            other.record_action("ada", "contacted", 2, b"{2}", 60)
        assert everything(client, settings) == before
