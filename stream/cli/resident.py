"""``stream resident``: a process that has commands in memory, and runs them for those who ask (`stream.local.asking`).

Each request is run in a fork of it. So it stays as it started, and a command can do no harm to the next one.
"""

from __future__ import annotations

import gc
import os
import signal
import socket
import sys
import time
import traceback
from base64 import b64encode
from importlib import import_module
from pathlib import Path
from typing import NoReturn

import click
import orjson

from stream.cli.data_files import data_directory
from stream.cli.options import SettingsCommand, with_settings
from stream.cli.reach import Local
from stream.cli.saying import say
from stream.errors import SettingsError
from stream.local.asking import COMMANDS, CommandRequest, is_ours, program_of, receive, reply, socket_of
from stream.settings import Settings

__all__ = ["can_listen", "resident"]

#: Modules that commands import when they have something to show.
_WHEN_SHOWN = (
    *("console", "customer_view", "feedback_view", "identity_lookup", "leads_view", "list_files", "points_desk"),
    *("profile_view", "recommendations_desk", "recommendations_view", "shop_day", "shop_writing", "texts_desk"),
    "today_view",
)
_STREAMS = ("stdin", "stdout", "stderr")
_MADE_UP = "made-up"
#: A client that sends no request does not keep a process for long.
_REQUEST_TIMEOUT_S = 5.0


def can_listen(directory: Path) -> bool:
    """Whether there can be a socket in this data directory: paths of sockets are short, and not every disk has them."""
    if sys.platform != "linux":
        return False
    path = directory / f".try-{os.getpid()}.sock"
    try:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        _listener(path).close()
        path.unlink()
    except OSError:
        return False
    return True


@click.command(cls=SettingsCommand)
@with_settings("Data", local=Local.NEVER)
def resident(settings: Settings) -> None:
    """Keep the code of short commands in memory, and run them for those who ask, until told to stop.

    `stream customer`, `leads`, `recommend` and `today` of the same user then need a tenth of a second instead of one.
    They find this process by the data directory (--data-dir); what they connect to is their own affair. `stream up`
    runs it. Ends when the program has been updated.
    """
    directory = data_directory(settings).path
    environment, sources = dict(os.environ), _state_of_sources()
    _load(settings)
    try:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        listener = _listener(socket_of(directory))
    except OSError as error:
        raise SettingsError(f"data_dir={directory}: there can be no socket: {error}") from error
    # nobody waits for those who answer
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    # what garbage collection writes to would be copied for each of them
    gc.collect()
    gc.freeze()
    say(f"answers at {socket_of(directory)}")
    while True:
        connection, _ = listener.accept()
        if _state_of_sources() != sources:
            say("the program has been updated")
            return
        if os.fork() == 0:
            listener.close()
            _answer(connection, program_of(environment))
        connection.close()


def _listener(path: Path) -> socket.socket:
    """In place of who listened there before. Raises OSError."""
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX)
    try:
        listener.bind(os.fspath(path))
        path.chmod(0o600)
        listener.listen()
    except OSError:
        listener.close()
        raise
    return listener


def _answer(connection: socket.socket, program: list[str]) -> NoReturn:
    """Run what the client asks for, in this process, which is a fork for it."""
    try:
        connection.settimeout(_REQUEST_TIMEOUT_S)
        request, streams = receive(connection)
        if not is_ours(connection) or request.program != program:
            reply(connection, 0)
            os._exit(0)
        _become(request, streams)
        reply(connection, os.getpid())
        status = _run(request.arguments)
        sys.stdout.flush()
        sys.stderr.flush()
        reply(connection, status)
    except (EOFError, OSError, ValueError):  # the client is gone
        os._exit(1)
    os._exit(status)


def _become(request: CommandRequest, streams: list[int]) -> None:
    """Take over what a process of the client would have inherited."""
    for number, descriptor in enumerate(streams):
        os.dup2(descriptor, number)
        os.close(descriptor)
    # anew: those of this process remember what kind of file they were
    for number, (name, (encoding, errors)) in enumerate(zip(_STREAMS, request.encodings, strict=True)):
        # as the interpreter does it: lines at once where people read, and errors in any case
        buffering = 1 if name == "stderr" or os.isatty(number) else -1
        mode = "r" if name == "stdin" else "w"
        opened = open(number, mode, buffering, encoding, errors, closefd=False)  # noqa: SIM115 - as long as we live
        setattr(sys, name, opened)
    os.environ.clear()
    os.environ.update(request.environment)
    time.tzset()
    os.umask(request.umask)
    os.chdir(request.directory)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)


def _run(arguments: list[str]) -> int:
    """The exit status of a command."""
    from stream.cli import main

    try:
        main(arguments, prog_name="stream")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:  # noqa: BLE001 - as the interpreter would: a fork does not go on where it came from
        traceback.print_exc()
        return 1
    return 0


def _load(settings: Settings) -> None:
    """Import what commands need, and run their compiled code over a customer that is made up."""
    for name in sorted(COMMANDS):
        import_module(f"stream.cli.{name}")
    for name in _WHEN_SHOWN:
        import_module(f"stream.cli.{name}")
    # heavy, and only this process needs them
    import numpy as np

    from stream.catalogue.windows import DAY_MS
    from stream.cli.profile_view import readable_profile
    from stream.events.times import rfc3339
    from stream.features.codec import pack
    from stream.features.profile import PROFILE, reset
    from stream.processing.rules import Rules
    from stream.processing.scorer import WARMING
    from stream.reporting.assess import Basis, assess_one
    from stream.reporting.writing import Writing

    profile = np.zeros(1, PROFILE)
    reset(profile[0], 0)
    profile["events"] = 1
    packed = pack(profile, _MADE_UP)
    at = rfc3339(0)
    document = orjson.dumps(
        {
            "customer_id": _MADE_UP,
            "orders": 0,
            "spend": 0.0,
            "first_at": at,
            "last_at": at,
            "state": b64encode(packed).decode(),
        }
    )
    rules = Rules()
    assess_one(document, Basis(DAY_MS, WARMING, rules))
    readable_profile(_MADE_UP, packed, rules, WARMING.model)
    # reads how the shop's language writes
    writing = Writing.of(settings, lambda: "EUR")
    writing.moment(0)
    writing.money(1.0)


def _state_of_sources() -> list[tuple[str, int]]:
    """Changes when a file of the program does."""
    return [
        (entry.path, entry.stat().st_mtime_ns)
        for folder, _, _ in os.walk(Path(__file__).parents[1])
        if not folder.endswith("__pycache__")
        for entry in os.scandir(folder)
        if entry.is_file()
    ]
