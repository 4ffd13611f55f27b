"""Where a command finds Kafka and Redis: what is set, else a running ``stream up``, else one of its own."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields
from enum import Enum

from stream.errors import LocalServerError
from stream.settings import ENV_PREFIX, Settings

__all__ = ["Local", "reach"]

_ADDRESSES = ("kafka_bootstrap", "redis_url")


class Local(Enum):
    """What a command does when no address is set.

    ``FIND``: use a running ``stream up``, else the default addresses. ``REDIS``: or start Redis for the time of the
    command. ``SERVERS``: and the broker. ``WORKERS``: with a worker. ``NEVER``: the command has nothing to do with any.
    """

    NEVER = "never"
    FIND = "find"
    REDIS = "redis"
    SERVERS = "servers"
    WORKERS = "workers"


@contextmanager
def reach(
    env: Mapping[str, str], overrides: Mapping[str, object], local: Local, *, command: str = ""
) -> Iterator[Settings]:
    """Settings of a command, from its options (``overrides``), ``env`` and what runs on the data directory.

    If an address is set, that is all. Otherwise the settings that a running ``stream up`` has told are taken, under
    options and environment. Raises `SettingsError`, and `LocalServerError` when something does not start, or a
    command that only reads would find a directory without a shop.
    """
    settings = Settings.from_env(env, overrides)
    given = {name: value for name, value in env.items() if value}
    addressed = any(overrides.get(name) is not None or f"{ENV_PREFIX}{name.upper()}" in given for name in _ADDRESSES)
    if local is Local.NEVER or addressed:
        yield settings
        return
    from stream.cli.data_files import data_directory

    directory = data_directory(settings)
    found = directory.running()
    if found is not None and (local is Local.FIND or found.command == "up"):
        known = {f"{ENV_PREFIX}{declaration.name.upper()}" for declaration in fields(Settings)}
        told = {name: value for name, value in found.settings.items() if name in known}
        # secrets are not told, and where the directory is only who found it knows
        own = {f"{ENV_PREFIX}IDENTITY_KEY": directory.identity_key(), f"{ENV_PREFIX}DATA_DIR": str(directory.path)}
        yield Settings.from_env({**told, **own, **given}, overrides)
    elif local in {Local.REDIS, Local.SERVERS, Local.WORKERS}:
        if local is not Local.WORKERS and directory.layout() is None:
            raise LocalServerError(
                f"{directory.path} holds no shop yet: `stream import FILE` or `stream up` makes one, and --data-dir "
                "names another directory"
            )
        # only for those who start something
        from stream.cli.shop import open_shop

        has_broker, workers = local is not Local.REDIS, int(local is Local.WORKERS)
        with open_shop(settings, command=command, workers=workers, has_broker=has_broker) as opened:
            yield opened
    else:
        yield settings
