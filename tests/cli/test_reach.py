"""How a command finds Kafka and Redis."""

import socket
from pathlib import Path

import pytest
import redis

from stream.cli.reach import Local, reach
from stream.cli.shop_layout import settled_layout
from stream.errors import LocalServerError
from stream.local.directory import DataDirectory, Running
from stream.settings import Settings

TOLD = {"STREAM_KAFKA_BOOTSTRAP": "127.0.0.1:1111", "STREAM_REDIS_URL": "redis://127.0.0.1:2222/0"}


def _running(**settings: str) -> Running:
    told = {**TOLD, **settings}
    return Running(pid=1, command="up", started_at="", settings=told, pids={}, addresses={})


def test_without_anything_the_defaults_are_taken(tmp_path: Path) -> None:
    env = {"STREAM_DATA_DIR": str(tmp_path)}
    with reach(env, {}, Local.FIND) as settings:
        assert settings == Settings(data_dir=str(tmp_path))


def test_a_running_up_is_found_and_given_settings_win_over_its_own(tmp_path: Path) -> None:
    directory = DataDirectory(tmp_path)
    env = {"STREAM_DATA_DIR": str(tmp_path), "STREAM_RAISE_AT": "0.8", "STREAM_GROUP": ""}
    with directory.lock():
        directory.store(_running(STREAM_RAISE_AT="0.9", STREAM_GROUP="g", STREAM_UNKNOWN_BY_NOW="1"))
        with reach(env, {"horizon_days": 30.0}, Local.SERVERS) as settings:
            assert settings.kafka_bootstrap == "127.0.0.1:1111"
            assert settings.redis_url == "redis://127.0.0.1:2222/0"
            assert (settings.raise_at, settings.group, settings.horizon_days) == (0.8, "g", 30.0)


def test_an_address_that_is_set_wins_over_what_runs(tmp_path: Path) -> None:
    directory = DataDirectory(tmp_path)
    with directory.lock():
        directory.store(_running())
        for env, overrides in (
            ({"STREAM_REDIS_URL": "redis://elsewhere:1/0"}, {}),
            ({}, {"kafka_bootstrap": "elsewhere:1"}),
        ):
            with reach({"STREAM_DATA_DIR": str(tmp_path), **env}, overrides, Local.WORKERS) as settings:
                assert not {settings.kafka_bootstrap, settings.redis_url} & {*TOLD.values()}


def test_a_command_without_kafka_and_redis_looks_for_nothing(tmp_path: Path) -> None:
    directory = DataDirectory(tmp_path)
    with directory.lock():
        directory.store(_running())
        with reach({"STREAM_DATA_DIR": str(tmp_path)}, {}, Local.NEVER) as settings:
            assert settings.kafka_bootstrap == Settings().kafka_bootstrap


def test_a_command_that_only_reads_redis_starts_no_broker_and_is_found_by_nobody(tmp_path: Path) -> None:
    directory = DataDirectory(tmp_path)
    settled_layout(directory, Settings())
    for read, written in ((None, "1"), (b"1", "2")):
        with (
            reach({"STREAM_DATA_DIR": str(tmp_path)}, {}, Local.REDIS, command="recommend") as settings,
            redis.Redis.from_url(settings.redis_url) as client,
        ):
            assert client.get("kept") == read
            client.set("kept", written)
            assert directory.running() is None
            host, _, port = settings.kafka_bootstrap.partition(":")
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection((host, int(port)))
    assert not (tmp_path / "broker").exists()


@pytest.mark.parametrize("local", [Local.REDIS, Local.SERVERS])
def test_who_reads_a_directory_without_a_shop_is_told_and_makes_none(tmp_path: Path, local: Local) -> None:
    mistyped = tmp_path / "shopp"
    with (
        pytest.raises(LocalServerError, match=f"{mistyped} holds no shop yet: `stream import FILE`"),
        reach({"STREAM_DATA_DIR": str(mistyped)}, {}, local, command="today"),
    ):
        pass
    assert not mistyped.exists()
