"""A shop's own processes on this machine: broker, Redis, workers, and what else runs beside them."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import fields, replace
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

from stream.cli.answering import answers
from stream.cli.data_files import data_directory, note_key_store
from stream.cli.saying import say
from stream.cli.shop_layout import settled_layout
from stream.cli.shop_services import Service, console_services, with_needed
from stream.cli.topics import create_topics, retain_topics
from stream.errors import LocalServerError
from stream.local.child import Child
from stream.local.directory import DataDirectory, Running
from stream.local.durable_broker import DurableBroker
from stream.local.redis import EmbeddedRedis
from stream.local.restarts import MAX_RESTARTS, Restarts
from stream.local.server_process import HOST, LocalServer, free_port, last_line_of
from stream.settings import ENV_PREFIX, Settings

__all__ = ["Shop", "open_shop"]

#: Without compiled code in the cache a worker takes a minute to start, several on a busy machine longer.
READY_TIMEOUT_S = 900.0
#: After so long it is said why a start takes its time.
_LONG_START_S = 8.0
STOP_TIMEOUT_S = 20.0
#: A command waits for another one that uses the directory, such as an import of a long history.
BUSY_TIMEOUT_S = 3600.0
_POLL_S = 0.05
#: With this status a command ends whose settings are wrong: it would end again.
_REFUSED_SETTINGS = 2
#: What is an affair of one process only, and not told to others.
_OF_ONE_PROCESS = frozenset({"instance_id", "metrics_host", "metrics_port", "log_level", "log_format", "data_dir"})

#: A directory has one shop, and servers of its own: settings that tell several apart, or that open other servers.
_SHARED = ("topic_prefix", "namespace", "group", "replication", "redis_cluster")
_OF_OTHER_SERVERS: dict[str, Any] = {
    declaration.name: declaration.default
    for declaration in fields(Settings)
    if declaration.name in _SHARED or declaration.name.startswith(("kafka_s", "redis_ca", "redis_cert", "redis_key"))
}


class Shop:
    """``with Shop(directory, settings, workers=1, command="up") as shop: ...``: all runs, and `settings` lead to it.

    The settings decide on everything but addresses and partitions, which the directory keeps. All processes die with
    this one, however it dies; what the broker and Redis have confirmed is on disk. Without a broker there is Redis
    alone, which no other command finds. Raises `LocalServerError` when something does not start, or the directory is in
    use.
    """

    def __init__(
        self,
        directory: DataDirectory,
        settings: Settings,
        *,
        workers: int,
        command: str,
        services: tuple[Service, ...] = (),
        has_broker: bool = True,
        has_console: bool = False,
        wait_s: float = 1.0,
    ) -> None:
        self.directory = directory
        self.children: list[Child] = []
        self.servers: list[LocalServer] = []
        self._given = with_needed(settings)
        self._workers = workers
        self._command = command
        self.services = services
        self._has_broker = has_broker
        self._has_console = has_console
        self._wait_s = wait_s
        self._restarts: dict[str, Restarts] = {}
        self._showing: set[str] = set()
        self._addresses: dict[str, str] = {}
        self._settings: Settings | None = None
        self._running = ExitStack()

    @property
    def settings(self) -> Settings:
        """Settings that connect to what runs here."""
        if self._settings is None:
            raise LocalServerError("the shop has not been started")
        return self._settings

    def __enter__(self) -> Self:
        with ExitStack() as starting:
            lock = starting.enter_context(self.directory.lock(self._wait_s))
            starting.callback(self.directory.forget_running)
            layout = settled_layout(self.directory, self._given)
            self._settings = replace(
                self._given,
                **_OF_OTHER_SERVERS,
                kafka_bootstrap=f"{HOST}:{layout.kafka_port}",
                redis_url=f"redis://{HOST}:{layout.redis_port}/0",
                partitions=layout.partitions,
                data_dir=str(self.directory.path),
                identity_key=self._given.identity_key or self.directory.make_identity_key(),
            )
            note_key_store(self._settings)
            self.servers = [EmbeddedRedis(self.directory.path / "redis", layout.redis_port, rewrite_from="128mb")]
            if self._has_broker:
                self.servers.append(DurableBroker(self.directory.path / "broker", layout.kafka_port))
            for server in self.servers:
                server.pass_fds = (lock,)
                starting.enter_context(server)
            if self._has_broker:
                create_topics(self._settings)
                # nobody else would: this broker is not administered
                retain_topics(self._settings)
                if self._has_console:
                    self.services += console_services(layout.console_port)
                starting.callback(self._end_children)
                self._start_children(lock)
                self.announce()
            self._running = starting.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._running.close()

    def announce(self) -> None:
        """Write how to connect, and which processes there are now."""
        shown = {declaration.name: declaration.default for declaration in fields(Settings)}
        told = {
            declaration.name
            for declaration in fields(Settings)
            if not declaration.metadata["secret"] and declaration.name not in _OF_ONE_PROCESS
        }
        differing = {name for name in told if getattr(self.settings, name) != shown[name]}
        always = {"kafka_bootstrap", "redis_url", "partitions"}
        self.directory.store(
            Running(
                pid=os.getpid(),
                command=self._command,
                started_at=datetime.now(UTC).isoformat(timespec="seconds"),
                settings={
                    f"{ENV_PREFIX}{name.upper()}": str(getattr(self.settings, name)) for name in differing | always
                },
                pids={
                    **{server.name: server.pid for server in self.servers},
                    **{child.name: child.pid for child in self.children},
                },
                addresses=self._addresses,
            )
        )

    def wait_until_ready(self, look: Callable[[], None] = lambda: None) -> None:
        """Wait until every worker has its partitions and has caught up. ``look`` is called meanwhile.

        Raises `LocalServerError` when a process ends, or after ``READY_TIMEOUT_S``.
        """
        began, told = time.monotonic(), False
        for child in self.children:
            if not child.name.startswith("worker"):
                continue
            while not answers(f"{self._addresses[child.name]}/health/ready"):
                look()
                self._end_if_refused()
                if child.status is not None:
                    raise LocalServerError(f"{child.name} ended with status {child.status}; {child.log_tail()}")
                waited_s = time.monotonic() - began
                if waited_s > _LONG_START_S and not told:
                    say("the first start after an installation compiles for a minute, and a backlog is worked off now")
                    told = True
                if waited_s > READY_TIMEOUT_S:
                    raise LocalServerError(f"{child.name} is not ready; {child.log_tail()}")
                time.sleep(_POLL_S)

    def tend(self) -> None:
        """Start again what has ended, at longer and longer intervals.

        Raises `LocalServerError` when that is no use: after too many times in a row, or when settings are refused.
        What only shows is left then, and the rest runs on.
        """
        now, changed = time.monotonic(), False
        for server in self.servers:
            if not server.running and self._may_restart(server, now):
                server.start()
                changed = True
        self._end_if_refused()
        for child in [child for child in self.children if child.status is not None]:
            if child.name in self._showing and self._restarts_of(child.name).hopeless(now):
                why = last_line_of(child.log_path)
                say(f"{child.name} ended {MAX_RESTARTS} times in a row and is left; the rest runs on: {why}")
                self.children.remove(child)
                changed = True
            elif self._may_restart(child, now):
                child.start()
                changed = True
        if changed:
            self.announce()

    def _end_if_refused(self) -> None:
        for child in self.children:
            if child.status == _REFUSED_SETTINGS:
                raise LocalServerError(f"{child.name} refuses its settings; {child.log_tail()}")

    def _restarts_of(self, name: str) -> Restarts:
        return self._restarts.setdefault(name, Restarts())

    def _may_restart(self, ended: Child | LocalServer, now: float) -> bool:
        restarts = self._restarts_of(ended.name)
        if restarts.hopeless(now):
            raise LocalServerError(f"{ended.name} ended {MAX_RESTARTS} times in a row; {ended.log_tail()}")
        if not restarts.due(now):
            return False
        said = f": {last_line}" if (last_line := last_line_of(ended.log_path)) else ""
        say(f"{ended.name} has ended: starting it again (its log is in {self.directory.path}){said}")
        return True

    def _start_children(self, lock: int) -> None:
        logs = self.directory.path / "logs"
        logs.mkdir(exist_ok=True)
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(ENV_PREFIX)}
        services = [Service(f"worker-{number}", ("worker",), f"http://{HOST}") for number in range(self._workers)]
        self._showing = {service.name for service in self.services if service.only_shows}
        for service in (*services, *self.services):
            port = free_port()
            own = replace(self.settings, metrics_host=HOST, metrics_port=port, instance_id=service.name)
            address = service.address if service.address != f"http://{HOST}" else f"http://{HOST}:{port}"
            if address:
                self._addresses[service.name] = address
            environment = {**inherited, **own.to_env()}
            child = Child(service.name, service.command, environment, logs / f"{service.name}.log", (lock,))
            child.start()
            self.children.append(child)

    def _end_children(self) -> None:
        for child in self.children:
            child.ask_to_end()
        deadline = time.monotonic() + STOP_TIMEOUT_S
        for child in self.children:
            child.wait(deadline - time.monotonic())


@contextmanager
def open_shop(settings: Settings, *, command: str, workers: int = 0, has_broker: bool = True) -> Iterator[Settings]:
    """Start what the data directory holds, for one command, and stop it afterwards; yields settings that connect to it.

    With workers, which need the broker, it is waited for until they are ready. Waits for another command that uses the
    directory. Use it when nothing runs there (see `stream.cli.reach`).
    """
    directory = data_directory(settings)
    say(f"using the data in {directory.path}, as no Kafka or Redis is set and `stream up` does not run")
    with Shop(
        directory, settings, workers=workers, command=command, has_broker=has_broker, wait_s=BUSY_TIMEOUT_S
    ) as shop:
        shop.wait_until_ready()
        yield shop.settings
