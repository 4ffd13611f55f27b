"""Broker and Redis together, and the settings that connect to them."""

from pathlib import Path

import pytest

from stream.errors import LocalServerError
from stream.local.stack import LocalStack
from stream.settings import Settings


def test_the_settings_of_a_stack_keep_those_of_models_and_alerts_and_no_addresses(tmp_path: Path) -> None:
    given = Settings(raise_at=0.8, min_labels=7, snapshot_ms=100, topic_prefix="prod.", group="g", namespace="n")
    with LocalStack(tmp_path, given, partitions=3) as stack:
        own = stack.settings
        assert (own.raise_at, own.min_labels, own.snapshot_ms) == (0.8, 7, 100)
        assert (own.topic_prefix, own.group, own.namespace) == ("", Settings().group, Settings().namespace)
        assert (own.partitions, own.clock) == (3, "event")
        assert own.kafka_bootstrap == stack.broker.bootstrap
        assert own.redis_url == stack.redis.url
        stack.check()
    assert not stack.broker.running
    assert not stack.redis.running


def test_a_server_that_has_died_is_noticed_and_named(tmp_path: Path) -> None:
    with LocalStack(tmp_path, Settings(), partitions=1) as stack:
        stack.redis.kill()
        with pytest.raises(LocalServerError, match="the redis has died"):
            stack.check()


def test_a_stack_whose_broker_does_not_start_leaves_no_redis(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stack = LocalStack(tmp_path, Settings(), partitions=1)
    monkeypatch.setattr(stack.broker, "command", lambda: ["/bin/false"])
    with pytest.raises(LocalServerError, match="broker ended with status 1"), stack:
        pass
    assert not stack.redis.running
