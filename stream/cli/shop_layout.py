"""Partitions and ports of a shop's data directory."""

import socket
from dataclasses import fields

from stream.cli.saying import say
from stream.errors import SettingsError
from stream.local.directory import DataDirectory, Layout
from stream.local.server_process import HOST, free_port
from stream.settings import Settings

__all__ = ["settled_layout"]

#: Partitions of a new directory by default: as many workers can share the work.
DEFAULT_PARTITIONS = 4


def settled_layout(directory: DataDirectory, given: Settings) -> Layout:
    """Partitions and ports of ``directory``; stores them if they are new, or a port is taken.

    Raises `SettingsError` when the settings want another number of partitions than it has.
    """
    known = directory.layout()
    default = {declaration.name: declaration.default for declaration in fields(Settings)}
    if known is None:
        partitions = given.partitions if given.partitions != default["partitions"] else DEFAULT_PARTITIONS
        layout = Layout(partitions=partitions, kafka_port=free_port(), redis_port=free_port(), console_port=free_port())
    elif given.partitions not in {default["partitions"], known.partitions}:
        raise SettingsError(
            f"partitions={given.partitions}, but {directory.path} has {known.partitions}: the state of a"
            " customer is where their number says"
        )
    else:
        layout = Layout(
            partitions=known.partitions,
            kafka_port=_usable(known.kafka_port),
            redis_port=_usable(known.redis_port),
            console_port=_usable(known.console_port) if known.console_port else free_port(),
        )
    if layout != known:
        directory.store(layout)
    return layout


def _usable(port: int) -> int:
    """``port``, or another one if somebody has taken it since."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            new = free_port()
            say(f"port {port} is taken by another program: using {new}")
            return new
    return port
