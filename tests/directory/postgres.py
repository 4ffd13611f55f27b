"""A PostgreSQL of the tests' own, from the system's package."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import uuid
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from stream.local.server_process import HOST, LocalServer

__all__ = ["Postgres", "required_postgres"]

#: Debian's directory of the programs, which is not on PATH.
_DEBIAN = Path("/usr/lib/postgresql")
#: PostgreSQL refuses to run as root.
_UNPRIVILEGED = "nobody"


def required_postgres() -> Path:
    """The folder of its programs. Skips the test where there is none, but fails it in CI."""
    versions = sorted(_DEBIAN.glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    found = str(versions[-1]) if versions else shutil.which("initdb")
    if found is not None:
        return Path(found).resolve().parent
    missing = "PostgreSQL is not installed: apt-get install postgresql"
    if os.environ.get("CI"):
        pytest.fail(missing)
    pytest.skip(missing)


class Postgres(LocalServer):
    """A cluster in a temporary directory, removed with the server. It does not survive a power cut."""

    name = "postgres"

    def __init__(self, programs: Path) -> None:
        super().__init__(Path(tempfile.mkdtemp(prefix="stream-postgres-")))
        self._programs = programs
        self._user: list[str] = []
        if os.geteuid() == 0:
            user = pwd.getpwnam(_UNPRIVILEGED)
            os.chown(self.directory, user.pw_uid, user.pw_gid)
            # the change of user cancels the parent-death signal of `stream.local.leash`
            rights = [f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups", "--pdeathsig=KILL"]
            self._user = [shutil.which("setpriv") or "setpriv", *rights]
        made = [str(programs / "initdb"), "--pgdata=data", "--username=stream", "--auth=trust", "--encoding=UTF8"]
        subprocess.run(
            [*self._user, *made, "--locale=C.UTF-8", "--no-sync"], cwd=self.directory, check=True, capture_output=True
        )

    def command(self) -> list[str]:
        options = {"listen_addresses": HOST, "unix_socket_directories": "", "fsync": "off", "max_connections": "20"}
        return [
            *self._user,
            *(str(self._programs / "postgres"), "-D", "data", "-p", str(self.port)),
            *(word for name, value in options.items() for word in ("-c", f"{name}={value}")),
        ]

    def answers(self, timeout_s: float) -> bool:
        try:
            psycopg.connect(self._address("postgres"), connect_timeout=max(round(timeout_s), 2)).close()
        except psycopg.OperationalError:
            return False
        return True

    def database(self) -> str:
        """The URL of a new, empty database."""
        name = f"t{uuid.uuid4().hex[:12]}"
        with psycopg.connect(self._address("postgres"), autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return self._address(name)

    def pause(self) -> None:
        """End it in good order; `start` resumes it."""
        self._end(signal.SIGINT)

    def stop(self) -> None:
        """End it at once, with the processes that it has started."""
        self._end(signal.SIGQUIT)
        shutil.rmtree(self.directory)

    def _address(self, database: str) -> str:
        return f"postgresql://stream@{HOST}:{self.port}/{database}"
