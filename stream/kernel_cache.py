"""Where compiled kernels are kept: in a directory for each state of their sources.

Numba looks whether the file of a function has changed, not whether that of a function which it calls has. After an
update of some files it would go on with a mixture of old and new code, and features would be wrong without a sign.
"""

import hashlib
import os
import shutil
import stat
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

__all__ = ["VARIABLE", "directory_of", "use_directory"]

#: Numba's own variable; if it is set, as in the image, it decides.
VARIABLE = "NUMBA_CACHE_DIR"

#: What has code, constants or compiler options of the kernels.
_SOURCES = ("compiling.py", "catalogue/*.py", "events/*.py", "features/*.py", "online_models/*.py", "processing/*.py")
_NAME = "customer-stream"
_PREFIX, _EXTENDED_PREFIX = "kernels-", "extended-kernels-"
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def directory_of(package: Path, more: Iterable[Path] = ()) -> Path:
    """The directory for the present state of the sources of ``package``, and of the files ``more``, inside of it."""
    return package / "__pycache__" / _name_of(package, more)


def use_directory(package: Path, more: Iterable[Path] = ()) -> None:
    """Let Numba, which must not be imported yet, keep its kernels there; those of other states are removed.

    Where nothing may be written to the package, they are kept in the user's cache, and where there is none, in the
    directory for temporary files. Numba alone would refuse to compile then. ``more``: other files with declarations;
    with those, a directory that is given has one of its own inside.
    """
    more = tuple(more)
    own = directory_of(package, more)
    if given := os.environ.get(VARIABLE):
        # what the image has compiled, or a process without the extensions, is not for these declarations
        if more and Path(given).name != own.name:
            beside = Path(given).name.startswith(_PREFIX)
            os.environ[VARIABLE] = str(Path(given).parent / own.name if beside else Path(given) / own.name)
        return
    directory = next(filter(_is_writable, (own, *_of_user(own.name))), None) or _temporary(own.name)
    if directory == own:
        # those of an installation with extensions stay beside those of one without: both may be in use
        for other in directory.parent.glob(f"{directory.name.rpartition('-')[0]}-*"):
            if other != directory:
                shutil.rmtree(other, ignore_errors=True)  # another process may be removing it as well
    os.environ[VARIABLE] = str(directory)


def _name_of(package: Path, more: Iterable[Path]) -> str:
    # contents, not times: what an archive unpacks may have the same time in every version
    state = hashlib.sha256(f"{package}\n".encode())
    sources = [(str(source.relative_to(package)), source) for p in _SOURCES for source in sorted(package.glob(p))]
    extensions = [(source.name, source) for source in more]
    for name, source in (*sources, *extensions):
        content = source.read_bytes()
        state.update(f"{name} {len(content)}\n".encode())
        state.update(content)
    return f"{_EXTENDED_PREFIX if extensions else _PREFIX}{state.hexdigest()[:16]}"


def _of_user(name: str) -> Iterator[Path]:
    if cache := os.environ.get("XDG_CACHE_HOME"):
        yield Path(cache, _NAME, name)
    elif home := os.environ.get("HOME"):
        yield Path(home, ".cache", _NAME, name)


def _is_writable(directory: Path) -> bool:
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=directory):
            return True
    except OSError:
        return False


def _temporary(name: str) -> Path:
    """A directory for temporary files that only this user can write to: what is read from it is run."""
    parent = Path(tempfile.gettempdir(), f"{_NAME}-{os.getuid()}")
    try:
        parent.mkdir(mode=0o700, exist_ok=True)
        found = parent.lstat()
        ours = stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & _OTHERS
    except OSError:
        ours = False
    if ours and _is_writable(parent / name):
        return parent / name
    # of this process and of those that it starts, which inherit the variable
    return Path(tempfile.mkdtemp(prefix=f"{_NAME}-"))
