"""A broker and a Redis in one directory, and settings that point to them: what workers need to run here."""

from contextlib import ExitStack
from dataclasses import fields
from pathlib import Path
from types import TracebackType
from typing import Self

from stream.errors import LocalServerError
from stream.local.broker import EmbeddedBroker
from stream.local.redis import EmbeddedRedis
from stream.settings import Settings

__all__ = ["LocalStack"]

#: What a local stack takes over from the settings that it is given; where things are, and who may, is its own.
_GROUPS = frozenset({"Labels", "Alerts", "Events", "Shop", "Worker", "Privacy"})


class LocalStack:
    """Both servers on free ports of the loopback interface; `settings` connect to them.

    Of the ``settings`` given only labels, alerts, events, the shop's and the worker's limits are taken over. Time is
    that of the events (``clock=event``): a log of last year is processed as of last year. Topics are not created.
    """

    def __init__(self, directory: Path, settings: Settings, *, partitions: int) -> None:
        self.broker = EmbeddedBroker(directory / "broker")
        self.redis = EmbeddedRedis(directory / "redis")
        self._partitions = partitions
        self._kept = {
            declaration.name: getattr(settings, declaration.name)
            for declaration in fields(settings)
            if declaration.metadata["group"] in _GROUPS
        }
        self._running = ExitStack()

    @property
    def settings(self) -> Settings:
        """Settings under which commands and workers use this stack."""
        own = {
            "kafka_bootstrap": self.broker.bootstrap,
            "redis_url": self.redis.url,
            "partitions": self._partitions,
            "clock": "event",
            "rescore_rest_s": 1.0,
        }
        return Settings(**{**self._kept, **own})

    def check(self) -> None:
        """Raise `LocalServerError` when a server has died."""
        for server in (self.broker, self.redis):
            if not server.running:
                raise LocalServerError(f"the {server.name} has died; {server.log_tail()}")

    def __enter__(self) -> Self:
        with ExitStack() as starting:
            starting.enter_context(self.redis)
            starting.enter_context(self.broker)
            self._running = starting.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._running.close()
