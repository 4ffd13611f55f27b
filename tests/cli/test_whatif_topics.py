"""What-if over the events of the topics: without people who are erased, also in what it has kept."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from stream.cli.kept_files import keep, place_of_kept
from stream.cli.privacy_erasing import ask_for_erasure
from stream.cli.privacy_stores import erase_directly
from stream.cli.topics import create_topics
from stream.cli.whatif_topics import events_of_topics
from stream.client import ClickEvent, Producer, PurchaseEvent
from stream.local.stack import LocalStack
from stream.settings import Settings

AT = datetime(2026, 1, 31, tzinfo=UTC)


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Settings]:
    with LocalStack(tmp_path / "stack", Settings(identity_key="k" * 32), partitions=2) as running:
        settings = replace(running.settings, data_dir=str(tmp_path / "data"))
        create_topics(settings)
        with Producer(settings) as producer:
            for day, customer in enumerate(("c-1", "c-2", "c-1")):
                at = AT + timedelta(days=day)
                producer.publish(
                    PurchaseEvent(
                        event_id=f"o-{day}", customer_id=customer, occurred_at=at, name="completed", order_id=f"o-{day}"
                    )
                )
                producer.publish(
                    ClickEvent(event_id=f"k-{day}", customer_id=customer, occurred_at=at, name="page_viewed")
                )
        yield settings


def test_nobody_who_is_erased_is_replayed_or_kept(
    shop: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    before = events_of_topics(shop)
    assert [event.customer_id for event in before] == ["c-1", "c-1", "c-2", "c-2", "c-1", "c-1"]
    kept = [place_of_kept("log.models"), place_of_kept("log-policy.alerts")]
    for file in kept:
        keep(file, b"sealed")
        assert file.read_bytes() == b"sealed"
    asked = ask_for_erasure(shop, "c-1")
    # from the request on, though no store has erased anything
    assert events_of_topics(shop) == [event for event in before if event.customer_id == "c-2"]
    erase_directly(shop, asked.ids, 1)
    assert [*place_of_kept("").glob("*")] == []
