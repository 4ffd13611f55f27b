import os
import shutil
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

import pytest

from stream import kernel_cache

#: How long a process may take to import Numba and compile two lines.
COMPILE_S = 110.0

INNER = """
import numba
@numba.njit(cache=True)
def inner():
    return {}
"""
OUTER = """
import numba
from package.features.inner import inner
@numba.njit(cache=True)
def outer():
    return inner()
"""
RUN = """
import sys
import tempfile
from pathlib import Path
sys.path[:0] = sys.argv[1:3]
from stream import kernel_cache
kernel_cache.use_directory(Path(sys.argv[1]) / "package")
from package.processing.outer import outer
print(outer())
"""


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The cache directory of a user of the test's own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv(kernel_cache.VARIABLE, raising=False)
    monkeypatch.delenv(kernel_cache.LOCATORS, raising=False)
    return tmp_path / "cache" / "customer-stream"


@pytest.fixture
def package(tmp_path: Path) -> Path:
    package = tmp_path / "package"
    for name in ("features", "processing"):
        (package / name).mkdir(parents=True)
    (package / "features" / "inner.py").write_text(INNER.format(1))
    (package / "processing" / "outer.py").write_text(OUTER)
    return package


def outer_of(package: Path) -> int:
    """The result of a new process whose Numba gets its cache directory from `kernel_cache` alone."""
    sources = Path(kernel_cache.__file__).parent
    # the package itself would choose the directory of its own kernels
    alone = package.parent / "alone" / "stream"
    alone.mkdir(parents=True, exist_ok=True)
    (alone / "__init__.py").touch()
    for name in ("kernel_cache.py", "kernel_locator.py"):
        (alone / name).write_text((sources / name).read_text())
    environment = {
        name: value for name, value in os.environ.items() if name not in {kernel_cache.VARIABLE, kernel_cache.LOCATORS}
    }
    outcome = subprocess.run(
        [sys.executable, "-c", RUN, str(package.parent), str(alone.parent)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=COMPILE_S,
        check=True,
    )
    return int(outcome.stdout)


@pytest.mark.timeout(2 * COMPILE_S + 30)
def test_a_change_in_a_function_that_is_called_compiles_its_callers_again(package: Path) -> None:
    assert outer_of(package) == 1
    # of another length: within a second Python itself would not see the change
    (package / "features" / "inner.py").write_text(INNER.format(1 + 10**6))
    assert outer_of(package) == 1 + 10**6


def test_the_directory_of_others_is_left_to_them(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(kernel_cache.VARIABLE, "elsewhere")
    kernel_cache.use_directory(package)
    assert os.environ[kernel_cache.VARIABLE] == "elsewhere"
    assert not (package / "__pycache__").exists()


def test_the_directory_follows_the_sources_only(package: Path) -> None:
    before = kernel_cache.directory_of(package)
    (package / "processing" / "notes.txt").write_text("nothing")
    assert kernel_cache.directory_of(package) == before
    (package / "processing" / "more.py").write_text("")
    assert kernel_cache.directory_of(package) != before


def test_another_copy_of_the_sources_has_the_same_directory(package: Path, tmp_path: Path, cache: Path) -> None:
    copy = shutil.copytree(package, tmp_path / "copy")
    assert kernel_cache.directory_of(copy) == kernel_cache.directory_of(package)
    assert kernel_cache.directory_of(copy).parent == cache


KERNEL = """
import numba
@numba.njit(cache=True)
def one():
    return 1
"""
LOAD = """
import sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from stream import kernel_cache
kernel_cache.use_directory(Path(sys.argv[1]) / "stream")
from stream.features.kernel import one
print(one(), sum(one.stats.cache_hits.values()))
"""


def test_a_copy_loads_what_another_copy_has_compiled(tmp_path: Path) -> None:
    sources = Path(kernel_cache.__file__).parent
    printed = []
    for place in ("here", "there"):
        copy = tmp_path / place / "stream"
        (copy / "features").mkdir(parents=True)
        for name in ("kernel_cache.py", "kernel_locator.py"):
            shutil.copy(sources / name, copy)
        (copy / "__init__.py").touch()
        (copy / "features" / "kernel.py").write_text(KERNEL)
        command = [sys.executable, "-c", LOAD, str(copy.parent)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=COMPILE_S, check=True)
        printed.append(done.stdout.split())
    assert printed == [["1", "0"], ["1", "1"]]


@pytest.mark.parametrize("part", ["numba", "llvmlite", "python"])
def test_another_compiler_has_a_directory_of_its_own(package: Path, part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before = kernel_cache.directory_of(package)
    if part == "python":
        monkeypatch.setattr(sys.implementation, "cache_tag", "cpython-399")
    else:
        monkeypatch.setattr(kernel_cache, "version", lambda name: "0" if name == part else version(name))
    assert kernel_cache.directory_of(package) != before


def test_the_states_used_last_are_kept(package: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    states = [cache / f"{prefix}kernels-{number:016}" for number in range(10) for prefix in ("", "extended-")]
    for age_s, state in enumerate(states):
        state.mkdir(parents=True)
        os.utime(state, (10**9 - age_s, 10**9 - age_s))
    others = cache / "kafka-0123"
    others.mkdir()
    found = used(package, monkeypatch)
    assert {*cache.iterdir()} == {found, others, *states[:11]}


def test_an_empty_cache_takes_over_what_the_installation_has(
    package: Path, tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "environment"))
    compiled = used(package, monkeypatch)
    (compiled / "stream_features").mkdir()
    (compiled / "stream_features" / "one.nbc").write_bytes(b"code")
    (compiled / "one.lock").touch()
    kernel_cache.install()
    shutil.rmtree(cache)
    # one that is not whole is of a compilation that was cut off
    assert [*used(package, monkeypatch).iterdir()] == []
    (compiled / kernel_cache.COMPLETE).write_text("this processor")
    (compiled / "stream_features").mkdir()
    (compiled / "stream_features" / "one.nbc").write_bytes(b"code")
    kernel_cache.install()
    shutil.rmtree(cache)
    found = used(package, monkeypatch)
    assert found == compiled
    names = {str(path.relative_to(found)) for path in found.rglob("*")}
    assert names == {"complete", "stream_features", "stream_features/one.nbc"}
    # another state of the sources has nothing there
    (package / "processing" / "more.py").write_text("")
    assert [*used(package, monkeypatch).iterdir()] == []


@pytest.fixture
def read_only(package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package to which nobody, not even root, can write a cache, and no cache of a user."""
    monkeypatch.setenv("XDG_CACHE_HOME", "/dev/null")
    (package / "__pycache__").write_text("a file where the directory would be")
    return package


def used(package: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv(kernel_cache.VARIABLE, raising=False)
    kernel_cache.use_directory(package)
    return Path(os.environ[kernel_cache.VARIABLE])


def test_kernels_are_in_the_users_cache_and_without_one_in_the_package(
    package: Path, tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = used(package, monkeypatch)
    assert found.parent == cache
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert used(package, monkeypatch) == tmp_path / "home" / ".cache" / "customer-stream" / found.name
    monkeypatch.setenv("HOME", "/dev/null")
    assert used(package, monkeypatch) == package / "__pycache__" / found.name


def test_without_a_home_they_are_in_a_temporary_directory_of_this_user_only(
    read_only: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    found = used(read_only, monkeypatch)
    assert found.parent == tmp_path / f"customer-stream-{os.getuid()}"
    assert found.parent.stat().st_mode & 0o777 == 0o700
    assert used(read_only, monkeypatch) == found

    found.parent.chmod(0o777)  # somebody else may have put code there
    other = used(read_only, monkeypatch)
    assert not other.is_relative_to(found.parent)
    assert other.is_relative_to(tmp_path)


@pytest.mark.timeout(COMPILE_S + 30)
def test_kernels_compile_in_a_read_only_installation_without_a_home(
    read_only: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    assert outer_of(read_only) == 1
    assert [*tmp_path.glob("customer-stream-*/kernels-*/*/*.nbi")]


def test_kernels_of_an_installation_with_extensions_are_kept_apart(package: Path, tmp_path: Path) -> None:
    extension = tmp_path / "shop_catalogue.py"
    extension.write_text("A = 1\n")
    plain, extended = kernel_cache.directory_of(package), kernel_cache.directory_of(package, [extension])
    assert plain != extended
    extension.write_text("A = 2\n")
    assert kernel_cache.directory_of(package, [extension]) not in {plain, extended}
    moved = tmp_path / "elsewhere" / extension.name
    moved.parent.mkdir()
    moved.write_text("A = 1\n")
    assert kernel_cache.directory_of(package, [moved]) == extended


def test_a_directory_that_is_given_has_one_of_its_own_for_extensions(
    package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    extension = tmp_path / "shop_catalogue.py"
    extension.write_text("A = 1\n")
    monkeypatch.setenv(kernel_cache.VARIABLE, "/opt/kernels")
    kernel_cache.use_directory(package)
    assert os.environ[kernel_cache.VARIABLE] == "/opt/kernels"
    name = kernel_cache.directory_of(package, [extension]).name
    for _ in range(2):  # the second process inherits it from the first
        kernel_cache.use_directory(package, [extension])
        assert os.environ[kernel_cache.VARIABLE] == f"/opt/kernels/{name}"


def test_a_process_with_extensions_keeps_its_kernels_beside_those_of_the_one_that_starts_it(
    package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    extension = tmp_path / "shop_catalogue.py"
    extension.write_text("A = 1\n")
    monkeypatch.setenv(kernel_cache.VARIABLE, str(kernel_cache.directory_of(package)))
    kernel_cache.use_directory(package, [extension])
    assert os.environ[kernel_cache.VARIABLE] == str(kernel_cache.directory_of(package, [extension]))
