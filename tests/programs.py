"""Programs that the tests need and Python packages do not bring."""

import os
import shutil

import pytest

__all__ = ["required_program"]


def required_program(name: str, package: str) -> str:
    """Path of ``name``. Without it the test is skipped; in CI it fails, where no test may be left out unnoticed."""
    path = shutil.which(name)
    if path is None:
        reason = f"{name} is not on PATH; on Debian: apt-get install {package}"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return path
