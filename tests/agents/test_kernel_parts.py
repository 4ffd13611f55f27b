"""A worker that starts where nothing was ever compiled."""

import subprocess
import sys
from pathlib import Path

import pytest

from stream.kernel_cache import COMPLETE, VARIABLE

#: How long two cores that do other things as well may take to compile all kernels.
COMPILE_S = 500.0

#: Those that take long to compile, of all that Python calls.
LARGE = {"advance", "_write_rows", "_write_changes"}

START = """
from stream.agents.warmup import warm_up
from stream.compiling import KernelFunction
import gc

warm_up()
called = [one for one in gc.get_objects() if isinstance(one, KernelFunction) and one._dispatcher]
print(*(one.__name__ for one in called if one._dispatcher.stats.cache_hits))
print(*(one.__name__ for one in called if one._dispatcher.stats.cache_misses))
"""


@pytest.mark.slow
@pytest.mark.timeout(COMPILE_S + 60)
def test_a_worker_compiles_in_other_processes_and_loads_what_they_have_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that compiles keeps what the compiler took."""
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    started = [subprocess.Popen([sys.executable, "-c", START], stdout=subprocess.PIPE, text=True) for _ in range(2)]
    told = [process.communicate(timeout=COMPILE_S)[0].splitlines() for process in started]

    assert (tmp_path / COMPLETE).exists()
    for loaded, compiled in told:
        assert set(loaded.split()) >= LARGE
        assert not LARGE & set(compiled.split())
