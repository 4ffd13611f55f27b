"""Kernels without machine code that nobody calls, and without bitcode that nobody links."""

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
print(kernels.total(np.array([4, 2]), 2))
print(raised(0, 1))
print(raised(1, 9))
inners, (outer,) = [*kernels.limited.callee.overloads.values()], kernels.total.overloads.values()
engine = outer.target_context.codegen()._engine
print([(one.library.is_callee, engine.is_symbol_defined(one.fndesc.llvm_cpython_wrapper_name)) for one in inners])
print(sum(kernels.total.stats.cache_hits.values()), outer.library.has_parsed_bitcode)
print(kernels.limited(4, 2), *kernels.limited.signatures)
"""


@pytest.fixture
def printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """What two processes print, of which the second finds what the first has compiled."""
    (tmp_path / "kernels.py").write_text(KERNELS)
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "cache"))
    command = [sys.executable, "-c", RUN, str(tmp_path)]
    return [
        subprocess.run(command, capture_output=True, text=True, timeout=COMPILE_S, check=True).stdout.splitlines()
        for _ in range(2)
    ]


@pytest.mark.timeout(2 * COMPILE_S + 30)
def test_what_is_compiled_and_what_is_loaded_computes_and_raises_the_same(printed: list[list[str]]) -> None:
    compiled, loaded = printed
    assert (
        compiled[:3]
        == loaded[:3]
        == ["9", "('ZeroDivisionError', ('integer division by zero',))", "('ValueError', ('too large',))"]
    )
    # a kernel that was compiled for other kernels is compiled again when Python calls it
    assert compiled[5] == loaded[5] == "5 (int64, int64)"


@pytest.mark.timeout(2 * COMPILE_S + 30)
def test_a_callee_has_no_machine_code_and_a_loaded_kernel_no_parsed_bitcode(printed: list[list[str]]) -> None:
    compiled, loaded = printed
    assert compiled[3] == "[(True, False)]"
    # its caller is there: nobody asks for it
    assert loaded[3] == "[]"
    assert compiled[4] == "0 True"
    assert loaded[4] == "1 False"
