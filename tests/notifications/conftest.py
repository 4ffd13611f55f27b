"""A bench with topics and keys of its own."""

import pytest

from stream.local.broker import EmbeddedBroker
from stream.local.redis import EmbeddedRedis
from stream.settings import Settings
from tests.notifications.rig import NotifierBench


@pytest.fixture
def bench(broker: EmbeddedBroker, redis_server: EmbeddedRedis, topic_prefix: str, namespace: str) -> NotifierBench:
    settings = Settings(
        kafka_bootstrap=broker.bootstrap,
        redis_url=redis_server.url,
        topic_prefix=topic_prefix,
        namespace=namespace,
        group=topic_prefix,
        partitions=2,
        session_timeout_s=3.0,
        heartbeat_s=0.5,
    )
    return NotifierBench(settings)
