"""Programs that the tests need and Python packages do not bring."""

import os
import shutil

import pytest

__all__ = ["required_program"]


def required_program(name: str, package: str) -> str:
    """Path of ``name``. Without it the test is skipped, but in CI it fails: there nothing is left out unnoticed."""
    path = shutil.which(name)
    if path is None:
        reason = f"{name} is not on PATH; on Debian: apt-get install {package}"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return path
