"""`stream quarantine` beside a running worker."""

from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner

from stream.agents.warmup import warm_up
from stream.cli import main
from stream.cli.quarantine import check_document
from stream.errors import StorageError
from stream.local.broker import EmbeddedBroker
from stream.local.redis import EmbeddedRedis
from stream.processing.document import packed_state
from stream.processing.editions import Edition, with_edition
from tests.features.profiles import Profile
from tests.field import Deployment
from tests.oracle.features import features_at
from tests.oracle.made_up import DAY, made_up
from tests.oracle.record import LogEntry

pytestmark = pytest.mark.slow

LOG = made_up(5, customers=6, days=40, events=240)
ENTRIES: list[LogEntry] = [(customer, event) for customer, events in LOG.events.items() for event in events]


@pytest.fixture
def field(
    broker: EmbeddedBroker, redis_server: EmbeddedRedis, tmp_path: Path, topic_prefix: str
) -> Iterator[Deployment]:
    warm_up()
    field = Deployment(broker, redis_server, tmp_path, topic_prefix, cache_mb=0)
    yield field
    field.close()


def quarantine(field: Deployment, *arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(main, ["quarantine", *arguments], env=field.settings.to_env())
    return done.exit_code, done.output


def test_an_operator_lists_and_releases_customers_in_quarantine(field: Deployment) -> None:
    customer = next(iter(LOG.events))
    half = len(ENTRIES) // 2
    entries = sorted(ENTRIES, key=lambda entry: entry[1].at)  # type: ignore[union-attr]  # all are events
    field.produce(entries[:half])
    victim = field.start_worker()
    field.wait_until_done(half)
    field.kill(victim)
    (key,) = [key for key in field.client.scan_iter(field.keys.customer_pattern()) if key.endswith(customer.encode())]
    good = field.client.get(key)
    assert isinstance(good, bytes)
    field.client.set(key, b"damaged")

    field.produce(entries[half:])
    field.start_worker()
    field.wait_until_done(len(entries))
    assert quarantine(field, "list")[1].startswith(f"{customer}\tpartition ")
    told = CliRunner().invoke(main, ["doctor", "--json"], env=field.settings.to_env())
    (finding,) = [found for found in orjson.loads(told.stdout) if found["subject"] == "stored profiles"]
    assert finding["level"] == "warn"

    status, output = quarantine(field, "release", customer)
    assert (status, "still cannot be read" in output) == (1, True)
    field.client.set(key, good)
    status, output = quarantine(field, "release", customer)
    assert status == 0, output
    since = sum(event in LOG.events[customer] for _, event in entries[half:])
    assert f"{since} events were published again" in output
    field.wait(lambda total: total["applied"] == len(entries), "the events that came since are applied")
    later = max(event.at for events in LOG.events.values() for event in events) + DAY
    for name, document in field.documents().items():
        assert Profile.of(packed_state(document), name).values(later) == features_at(LOG.events[name], later)
    assert quarantine(field, "list") == (0, "")


def test_a_customer_who_is_not_in_quarantine_cannot_be_released(field: Deployment) -> None:
    status, output = quarantine(field, "release", "nobody")
    assert (status, "is not set aside" in output) == (1, True)


def test_a_customer_is_released_whose_document_says_who_they_are_now() -> None:
    left = with_edition(b'{"customer_id":"c-1"}', Edition(number=1, into="c-2"))
    check_document(left, "c-1")
    check_document(None, "c-1")
    with pytest.raises(StorageError, match="still cannot be read"):
        check_document(left.replace(b"c-2", b"c-3"), "c-1")
