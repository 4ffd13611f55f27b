"""Running the command line as its users do, in a process of its own."""

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from stream.local.broker import EmbeddedBroker
from stream.local.redis import EmbeddedRedis

ROOT = Path(__file__).parents[2]
Run = Callable[..., "subprocess.CompletedProcess[str]"]


def clean_environment(**variables: str) -> dict[str, str]:
    """The environment of this process without settings, and with ``variables``."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("STREAM_")}
    return {**inherited, "PYTHONPATH": str(ROOT), **variables}


@pytest.fixture
def environment(broker: EmbeddedBroker, redis_server: EmbeddedRedis, topic_prefix: str) -> dict[str, str]:
    """Settings for the embedded servers and topics of this test alone."""
    return clean_environment(
        STREAM_KAFKA_BOOTSTRAP=broker.bootstrap,
        STREAM_REDIS_URL=redis_server.url,
        STREAM_TOPIC_PREFIX=topic_prefix,
        STREAM_PARTITIONS="3",
    )


@pytest.fixture
def run(environment: dict[str, str]) -> Run:
    """``run("topics", "create", STREAM_PARTITIONS="4")``: run ``stream`` to its end."""

    def call(*arguments: str, stdin: str = "", **variables: str) -> "subprocess.CompletedProcess[str]":
        env: Mapping[str, str] = {**environment, **variables}
        command = [sys.executable, "-m", "stream", *arguments]
        return subprocess.run(command, env=env, input=stdin, capture_output=True, text=True, timeout=60, check=False)

    return call
