"""Tests on real Kafka, on a machine without it."""

import os

import pytest

from tests.kafka.jars import missing_program

__all__ = ["required_kafka"]


def required_kafka() -> None:
    """Skip the test where real Kafka cannot run, but fail it in CI, where no test may be left out unnoticed."""
    if (reason := missing_program()) is None:
        return
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)
