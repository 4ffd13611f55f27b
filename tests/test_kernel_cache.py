import os
import subprocess
import sys
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
from pathlib import Path
sys.path[:0] = sys.argv[1:3]
from stream import kernel_cache
kernel_cache.use_directory(Path(sys.argv[1]) / "package")
from package.processing.outer import outer
print(outer())
"""


@pytest.fixture
def package(tmp_path: Path) -> Path:
    package = tmp_path / "package"
    for name in ("features", "processing"):
        (package / name).mkdir(parents=True)
    (package / "features" / "inner.py").write_text(INNER.format(1))
    (package / "processing" / "outer.py").write_text(OUTER)
    return package


def outer_of(package: Path) -> int:
    """What a new process computes, whose Numba is told of no directory but by `kernel_cache`."""
    sources = Path(kernel_cache.__file__).parent
    # the package itself would choose the directory of its own kernels
    alone = package.parent / "alone" / "stream"
    alone.mkdir(parents=True, exist_ok=True)
    (alone / "__init__.py").touch()
    (alone / "kernel_cache.py").write_text((sources / "kernel_cache.py").read_text())
    environment = {name: value for name, value in os.environ.items() if name != kernel_cache.VARIABLE}
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
    assert len(list((package / "__pycache__").glob("kernels-*"))) == 1


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
