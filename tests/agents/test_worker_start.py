"""What a worker imports before it has partitions: its restart is the standstill of its partitions."""

import subprocess
import sys


def test_a_worker_starts_without_river() -> None:
    """River, with pandas and SciPy's distributions, takes a second and 100 MB: only a trainer needs it."""
    program = "import sys, stream.agents.worker; print(*(name for name in sys.modules if '.' not in name))"
    run = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    imported = run.stdout.split()

    assert "stream" in imported
    assert not {"pandas", "sklearn"} & set(imported)
