"""Where compiled kernels are kept: in a directory for each state of their sources, whatever copy of them is run.

Numba looks whether the file of a function has changed, not whether that of a function which it calls has. After an
update of some files it would go on with a mixture of old and new code, and features would be wrong without a sign.
"""

import hashlib
import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterable, Iterator
from importlib.metadata import version
from pathlib import Path

__all__ = ["COMPLETE", "LOCATORS", "VARIABLE", "digest_of", "directory_of", "install", "use_directory"]

#: Numba's own variable; if it is set, as in the image, it decides.
VARIABLE = "NUMBA_CACHE_DIR"
#: Numba's variable for who names the directory of a module's kernels, and what does so for ours.
LOCATORS = "NUMBA_CACHE_LOCATOR_CLASSES"
_LOCATORS = "stream.kernel_locator.KernelLocator,UserProvidedCacheLocator"

#: A file of a directory with all kernels; it names the processor that they are for.
COMPLETE = "complete"

#: What has code, constants or compiler options of the kernels.
_SOURCES = (
    "compiling.py",
    "kernel_code.py",
    "catalogue/*.py",
    "events/*.py",
    "features/*.py",
    "online_models/*.py",
    "processing/*.py",
)
_COMPILERS = ("numba", "llvmlite")
_NAME = "customer-stream"
_PREFIX, _EXTENDED_PREFIX = "kernels-", "extended-kernels-"
#: States of the sources whose kernels are kept: the last ones used. Each takes some 25 MB.
_KEPT = 12
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def directory_of(package: Path, more: Iterable[Path] = ()) -> Path:
    """The directory for the present state of the sources of ``package``, and of the files ``more``.

    It is in the user's cache, so that a copy, a wheel and another working tree of the same sources share it. Where that
    cannot be written to it is inside of ``package``, and where this neither, among the temporary files: Numba alone
    would refuse to compile then.
    """
    name = _name_of(package, more)
    candidates = (*_of_user(name), package / "__pycache__" / name)
    return next(filter(_is_writable, candidates), None) or _temporary(name)


def digest_of(
    package: Path, patterns: Iterable[str], more: Iterable[Path], *, interpreter: str, libraries: Iterable[str]
) -> bytes:
    """Of the sources of ``package`` by ``patterns``, of the files ``more``, and of the releases that run them.

    Contents, not times: what an archive unpacks may have the same time in every version.
    """
    releases = (interpreter, *(f"{name} {version(name)}" for name in libraries))
    state = hashlib.sha256("\n".join(releases).encode())
    own = ((str(source.relative_to(package)), source) for p in patterns for source in sorted(package.glob(p)))
    for name, source in (*own, *((source.name, source) for source in more)):
        content = source.read_bytes()
        state.update(f"{name} {len(content)}\n".encode())
        state.update(content)
    return state.digest()


def use_directory(package: Path, more: Iterable[Path] = ()) -> None:
    """Let Numba, which must not be imported yet, keep its kernels there; all but the last used states are removed.

    ``more``: other files with declarations; with those, a directory that is given has one of its own inside.
    """
    more = tuple(more)
    os.environ.setdefault(LOCATORS, _LOCATORS)
    if given := os.environ.get(VARIABLE):
        # what the image has compiled, or a process without the extensions, is not for these declarations
        if more and Path(given).name != (own := _name_of(package, more)):
            beside = Path(given).name.startswith(_PREFIX)
            os.environ[VARIABLE] = str(Path(given).parent / own if beside else Path(given) / own)
        return
    directory = directory_of(package, more)
    installed = _installed(directory.name)
    if not (directory / COMPLETE).exists() and (installed / COMPLETE).exists():
        # for another processor they are compiled again: Numba looks for which one they are
        but_one = shutil.ignore_patterns(COMPLETE)
        shutil.copytree(installed, directory, ignore=but_one, copy_function=_replace, dirs_exist_ok=True)
        _replace(str(installed / COMPLETE), str(directory / COMPLETE))
    os.utime(directory)
    _remove_oldest(directory.parent)
    os.environ[VARIABLE] = str(directory)


def install() -> None:
    """Make the kernels of this process's directory part of the environment that Python is installed in.

    So whoever starts a program of it finds them: another user of the machine, or one without a home.
    Raises OSError when the environment cannot be written to.
    """
    directory = Path(os.environ[VARIABLE])
    shutil.rmtree(_installed(""), ignore_errors=True)  # those of earlier states
    shutil.copytree(directory, _installed(directory.name), ignore=shutil.ignore_patterns("*.lock"))


def _installed(name: str) -> Path:
    return Path(sys.prefix, "share", _NAME, name)


def _replace(source: str, target: str) -> str:
    """Copy a file in one moment: another process may be reading the directory."""
    with tempfile.NamedTemporaryFile(dir=Path(target).parent, delete=False) as file:
        file.write(Path(source).read_bytes())
    return str(Path(file.name).replace(target))


def _name_of(package: Path, more: Iterable[Path]) -> str:
    extensions = [*more]
    interpreter = str(sys.implementation.cache_tag)
    digest = digest_of(package, _SOURCES, extensions, interpreter=interpreter, libraries=_COMPILERS)
    return f"{_EXTENDED_PREFIX if extensions else _PREFIX}{digest.hex()[:16]}"


def _remove_oldest(parent: Path) -> None:
    used = []
    for prefix in (_PREFIX, _EXTENDED_PREFIX):
        for directory in parent.glob(f"{prefix}*"):
            try:
                used.append((directory.stat().st_mtime_ns, directory))
            except FileNotFoundError:  # another process has just removed it
                continue
    for _, directory in sorted(used, reverse=True)[_KEPT:]:
        shutil.rmtree(directory, ignore_errors=True)  # another process may be removing it as well


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
