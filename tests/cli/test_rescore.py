"""`stream rescore` beside a running worker."""

from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner

from stream.agents.warmup import warm_up
from stream.cli import main
from stream.local.broker import EmbeddedBroker
from stream.local.redis import EmbeddedRedis
from stream.online_models.snapshot import encode_snapshot
from tests.field import Deployment
from tests.oracle.made_up import made_up
from tests.oracle.record import LogEntry
from tests.processing.frozen import SILENCE, frozen

pytestmark = pytest.mark.slow

LOG = made_up(5, customers=6, days=40, events=240)
ENTRIES: list[LogEntry] = [(customer, event) for customer, events in LOG.events.items() for event in events]


@pytest.fixture
def field(
    broker: EmbeddedBroker, redis_server: EmbeddedRedis, tmp_path: Path, topic_prefix: str
) -> Iterator[Deployment]:
    warm_up()
    field = Deployment(broker, redis_server, tmp_path, topic_prefix, freeze_model=True)
    yield field
    field.close()


def rescore(field: Deployment, *arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(main, ["rescore", *arguments], env=field.settings.to_env())
    return done.exit_code, done.output + str(done.exception or "")


def test_every_customer_is_scored_on_request(field: Deployment) -> None:
    field.produce(sorted(ENTRIES, key=lambda entry: entry[1].at))  # type: ignore[union-attr]  # all are events
    status, output = rescore(field, "--wait", "--timeout-s", "0.1")
    assert status != 0
    assert "is a worker running" in output
    field.start_worker()
    field.wait_until_done(len(ENTRIES))
    field.client.set(field.keys.snapshot(), encode_snapshot(frozen(SILENCE)))
    status, output = rescore(field, "--wait", "--timeout-s", "60")
    assert status == 0, output
    states = {p: state for p, state in field.states().items() if state.stream_time_ms is not None}
    assert [line.split(":")[0] for line in output.splitlines()] == [f"partition {p}" for p in sorted(states)]
    assert sum(state.rescored.customers for state in states.values()) == len(LOG.events)
    documents = [orjson.loads(document) for document in field.documents().values()]
    assert all(document["risk"] is not None for document in documents)
    assert rescore(field)[1].startswith("asked for (request 3)")
