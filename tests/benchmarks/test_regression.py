"""The core has not become slower: a ratio of two measurements of the same run, see `benchmarks.regression`."""

import subprocess
import sys

import pytest

from benchmarks.regression import is_slower


@pytest.mark.timeout(240)
def test_the_core_is_not_slower_than_recorded() -> None:
    """In a process of its own: this one holds whatever the tests before it have left."""
    run = subprocess.run([sys.executable, "-m", "benchmarks.regression"], check=False, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr


def test_a_loss_of_more_than_a_fifth_is_one() -> None:
    assert is_slower(12.1, 10.0)
    assert not is_slower(11.9, 10.0)
