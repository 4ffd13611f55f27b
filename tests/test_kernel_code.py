"""Kernels that are compiled, and those that are loaded from what another process has compiled."""

import subprocess
import sys
from pathlib import Path

import pytest

#: How long a process may take to import Numba and compile a few lines.
COMPILE_S = 110.0

KERNELS = """
import numpy as np
from stream.compiling import jit

LIMITS = np.array([3, 5])

@jit
def share(a, b):
    return a // b

@jit
def limited(a, b):
    if a > LIMITS[1]:
        raise ValueError("too large")
    return share(a, b) + LIMITS[0]

@jit
def total(values, b):
    found = 0
    for k in range(values.shape[0]):
        found += limited(values[k], b)
    return found
"""

#: Each part of the answer is a line.
RUN = """
import sys
import numpy as np
sys.path.insert(0, sys.argv[1])
import kernels

def raised(b, last):
    try:
        kernels.total(np.array([1, last]), b)
    except (ValueError, ZeroDivisionError) as error:
        return type(error).__name__, error.args
print("numba" in sys.modules)
print(kernels.total(np.array([4, 2]), 2))
print(raised(0, 1))
print(raised(1, 9))
# also one that was compiled for another kernel, of which a constant is an integer like any other
print(kernels.limited(4, 2), *kernels.limited.signatures)
print(sum(kernels.total.stats.cache_hits.values()))
"""


@pytest.mark.timeout(2 * COMPILE_S + 30)
def test_what_is_compiled_and_what_is_loaded_computes_and_raises_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "kernels.py").write_text(KERNELS)
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "cache"))
    command = [sys.executable, "-c", RUN, str(tmp_path)]
    compiled, loaded = (
        subprocess.run(command, capture_output=True, text=True, timeout=COMPILE_S, check=True).stdout.splitlines()
        for _ in range(2)
    )
    assert compiled[:-1] == [
        "False",
        "9",
        "('ZeroDivisionError', ('integer division by zero',))",
        "('ValueError', ('too large',))",
        "5 (int64, int64)",
    ]
    assert loaded[:-1] == compiled[:-1]
    assert (compiled[-1], loaded[-1]) == ("0", "1")
