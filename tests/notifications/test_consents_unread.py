"""Nobody is told of anybody before what customers have said has been read."""

from dataclasses import replace
from pathlib import Path

import orjson
import redis

from stream.consent.purposes import Purpose
from stream.events.kinds import EventType
from stream.projections.consents import Consents
from stream.storage.keys import ProjectionKeys
from tests.notifications.alerted import customers
from tests.notifications.desk import configuration
from tests.notifications.process import NotifyProcess
from tests.notifications.receivers import Webhook
from tests.notifications.rig import NotifierBench, alert, until
from tests.notifications.test_not_told import says


def test_alerts_wait_until_the_consents_have_been_read(bench: NotifierBench, tmp_path: Path) -> None:
    settings = replace(bench.settings, projections="consents")
    topic = settings.topic_of(EventType.CONSENT)
    bench.publish_all([(topic, "c-1", b"{}")])
    bench.publish([alert(1), alert(2)])
    file, log = tmp_path / "notifications.yaml", tmp_path / "log"
    with Webhook() as hook:
        file.write_text(configuration(hook.url))
        with NotifyProcess(settings, file, log) as notifier:
            until(lambda: "nothing is sent" in log.read_text(), "the notifier waits")
            assert hook.messages == []
            says(bench, "c-1", Purpose.PROFILING)
            keys = ProjectionKeys(settings.namespace, Consents.name, Consents.version, 0)
            with redis.Redis.from_url(settings.redis_url) as client:
                for partition in range(settings.partitions):
                    client.hset(keys.meta(partition), "state", orjson.dumps({"offsets": {topic: 1}}))
            until(lambda: bench.uncommitted() == 0, "all committed", 120)
            assert notifier.stop() == 0, log.read_text()
        assert hook.messages == customers(2)
    assert bench.outcomes() == {"c-1": "suppressed/consent", "c-2": "sent"}
