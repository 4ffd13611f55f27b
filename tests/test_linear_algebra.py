"""Linear algebra of a process of ours runs in one thread, unless the environment asks for more."""

import os
import subprocess
import sys

import pytest

#: A factorisation large enough to be shared out starts the threads of the library; they stay.
TASKS = """
import os
from pathlib import Path
import stream
import numpy as np
np.linalg.cholesky(np.eye(512) + 1.0 / 512)
print(len([*Path("/proc/self/task").iterdir()]))
"""


def tasks_with(threads: str | None) -> int:
    environment = {name: value for name, value in os.environ.items() if name != "OPENBLAS_NUM_THREADS"}
    if threads is not None:
        environment["OPENBLAS_NUM_THREADS"] = threads
    done = subprocess.run([sys.executable, "-c", TASKS], env=environment, capture_output=True, text=True, check=True)
    return int(done.stdout)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="counts the threads in /proc")
def test_linear_algebra_has_one_thread_unless_told_otherwise() -> None:
    assert tasks_with(None) == 1
    assert tasks_with("2") > 1
