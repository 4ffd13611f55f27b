"""The directory in which one machine keeps a shop: who uses it, its ports, and how to connect."""

import fcntl
import os
import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, TypeVar

import msgspec

from stream.errors import LocalServerError

__all__ = ["DataDirectory", "Layout", "Running", "default_directory"]

_T = TypeVar("_T")
#: A look of another process at the lock takes it for a moment.
_LOOK_S = 1.0
_POLL_S = 0.05
_IDENTITY_KEY = "identity.key"
#: As the setting `identity_key` has.
_MIN_KEY_CHARACTERS = 32
#: Folders, and files, that the program itself writes; beside them people may keep files of their own.
_OWN_FOLDERS = ("broker", "redis", "logs")
_OWN_FILES = ("lock", "layout.json", "running.json", _IDENTITY_KEY, "*.sqlite*")

_Port = Annotated[int, msgspec.Meta(ge=0, le=65_535)]


def default_directory(env: Mapping[str, str]) -> Path:
    """``$XDG_DATA_HOME/customer-stream``, by default below ``~/.local/share``."""
    base = env.get("XDG_DATA_HOME", "")
    return (Path(base) if Path(base).is_absolute() else Path.home() / ".local" / "share") / "customer-stream"


class Layout(msgspec.Struct, frozen=True, kw_only=True):
    """What stays the same from one start to the next. The number of partitions says where a customer's state is.

    ``console_port``: 0 in a directory of a version that had no console.
    """

    partitions: Annotated[int, msgspec.Meta(ge=1)]
    kafka_port: _Port
    redis_port: _Port
    console_port: _Port = 0


class Running(msgspec.Struct, frozen=True, kw_only=True):
    """What runs on the directory. ``command``: which command started it; ``settings``: ``STREAM_*`` variables under
    which others work with it, without secrets; ``pids``: by name of the process.
    """

    pid: int
    command: str
    started_at: str
    settings: dict[str, str]
    pids: dict[str, int]
    addresses: dict[str, str]


class DataDirectory:
    """Files of one shop below ``path``, for its owner only.

    ::

        lock           held while any process of the tree lives
        layout.json    partitions and ports
        running.json   how to connect; true while the lock is held
        identity.key   secret of this shop's hashes of identifiers
        directory.sqlite  customers and figures, of `stream.directory`
        console.sqlite  what people do in the console
        commands.sock   see stream.local.asking
        broker/ redis/ logs/
    """

    def __init__(self, path: Path) -> None:
        self.path = Path(path).expanduser().absolute()

    @contextmanager
    def lock(self, wait_s: float = _LOOK_S) -> Iterator[int]:
        """Hold the directory; yields the descriptor, which child processes inherit so that it lasts as long as they do.

        Raises `LocalServerError` when it is still held by others after ``wait_s``, and when it, or a file that the
        program wrote there, may not be written.
        """
        self._make()
        self._refuse_files_of_others()
        descriptor = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            self._take(descriptor, wait_s)
            yield descriptor
        finally:
            os.close(descriptor)

    def running(self) -> Running | None:
        """What runs on it now, None for nothing. Raises `LocalServerError` for a file that cannot be read."""
        try:
            with (self.path / "lock").open("rb") as lock:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return self._read("running.json", Running)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise LocalServerError(f"{self.path} cannot be read ({error.strerror}): check data_dir") from error
        return None

    def layout(self) -> Layout | None:
        """What was stored by `store`, None in a new directory."""
        return self._read("layout.json", Layout)

    def store(self, state: Layout | Running) -> None:
        """Write a file as a whole: a reader sees the old one or the new one."""
        name = "layout.json" if isinstance(state, Layout) else "running.json"
        self._replace(name, msgspec.json.format(msgspec.json.encode(state)) + b"\n")

    def identity_key(self) -> str:
        """The setting ``identity_key`` of this shop; empty before `make_identity_key`.

        Raises `LocalServerError` for a file that is no key: with another one nobody is recognised.
        """
        path = self.path / _IDENTITY_KEY
        try:
            key = path.read_bytes().decode(errors="replace").strip()
        except FileNotFoundError:
            return ""
        except OSError as error:
            raise LocalServerError(f"{path} cannot be read: {error.strerror}") from error
        if len(key) < _MIN_KEY_CHARACTERS or not (key.isascii() and key.isprintable()):
            raise LocalServerError(
                f"{path} is damaged: restore it from a backup. Without it nobody is recognised by an address or another"
                " identifier that came before; if none did, delete the file"
            )
        return key

    def make_identity_key(self) -> str:
        """The setting ``identity_key`` of this shop, made once. For the holder of the lock."""
        if key := self.identity_key():
            return key
        self._replace(_IDENTITY_KEY, f"{secrets.token_hex(32)}\n".encode())
        return self.identity_key()

    def forget_running(self) -> None:
        """Remove what `store` wrote about a run."""
        (self.path / "running.json").unlink(missing_ok=True)

    def _make(self) -> None:
        try:
            self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise LocalServerError(f"{self.path} cannot be made ({error.strerror}): set data_dir") from error
        if not os.access(self.path, os.W_OK | os.X_OK):
            raise LocalServerError(f"{self.path} cannot be written: set data_dir to a directory of yours")

    def _refuse_files_of_others(self) -> None:
        """Somebody else, root mostly, has run the program here: one clear line, before anything is started."""
        own = [path for pattern in _OWN_FILES for path in self.path.glob(pattern)]
        for folder in _OWN_FOLDERS:
            own += [self.path / folder, *(self.path / folder).glob("*")]
        for path in own:
            if path.exists() and not os.access(path, os.R_OK | os.W_OK):
                user = path.stat().st_uid
                raise LocalServerError(
                    f"{path} cannot be read and written by this user: it belongs to user {user}. Give all of"
                    f" {self.path} to one user (chown -R), and run every command as that user"
                )

    def _take(self, descriptor: int, wait_s: float) -> None:
        deadline = time.monotonic() + wait_s
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise LocalServerError(f"{self.path} is in use by {self._user()}") from None
                time.sleep(_POLL_S)
            else:
                return

    def _user(self) -> str:
        found = self._read("running.json", Running)
        return "another process" if found is None else f"`stream {found.command}` (process {found.pid})"

    def _read(self, name: str, kind: type[_T]) -> _T | None:
        path = self.path / name
        try:
            return msgspec.json.decode(path.read_bytes(), type=kind)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise LocalServerError(f"{path} cannot be read: {error.strerror}") from error
        except msgspec.MsgspecError as error:
            raise LocalServerError(f"{path} is damaged ({error}): restore it from a backup") from error

    def _replace(self, name: str, content: bytes) -> None:
        new = self.path / f".{name}.new"
        with new.open("wb") as file:
            os.fchmod(file.fileno(), 0o600)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        new.replace(self.path / name)
        folder = os.open(self.path, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
