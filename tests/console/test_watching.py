"""What the console tells of itself: requests by route, and whether its database answers."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from zoneinfo import ZoneInfo

from stream.alerts.action_records import Action, ActionKind
from stream.console.watching import Watch
from stream.directory.desk.desk_store import UNDO_MS
from stream.directory.store import DirectoryStore
from stream.metrics import REGISTRY
from tests.console.conftest import Office, Visit


def value(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


def test_requests_are_counted_by_route_and_nobody_makes_new_labels(office: Office) -> None:
    name = "stream_console_requests_total"
    routes = [("/customer", "200"), ("/customers", "400"), ("other", "404"), ("/api/v1/kpis", "401")]
    before = [value(name, page=page, status=status) for page, status in routes]

    async def steps(visit: Visit) -> None:
        await visit("/customer", {"customer_id": "c-3"})
        await visit("/customers", {"risk_from": "much"})
        await visit("/c-3")
        await visit("/c-4")
        await visit("/api/v1/kpis")
        await visit("/style.css")

    office.visited(steps)
    after = [value(name, page=page, status=status) for page, status in routes]
    assert [now - then for now, then in zip(after, before, strict=True)] == [1, 1, 2, 1]
    pages = {
        sample.labels["page"] for family in REGISTRY.collect() for sample in family.samples if "page" in sample.labels
    }
    assert not {"/c-3", "/style.css"} & pages


def test_what_is_due_and_a_database_that_is_gone_are_told(office: Office, tmp_path: Path) -> None:
    told: list[tuple[Sequence[str], Mapping[str, int]]] = []
    with DirectoryStore(f"sqlite:///{tmp_path}/full.sqlite", ZoneInfo("Europe/Berlin")) as store:
        watch = Watch(store, office.desk, lambda *how: told.append(how), lambda: office.now_ms)
        watch.look()
        action = Action(action_id="a-1", customer_id="c-3", action=ActionKind.CONTACTED, occurred_at=1.0)
        office.desk.record(action, "anna", office.now_ms)
        watch.look()
        office.now_ms += UNDO_MS + 7000
        watch.look()
        assert told == [([], {"due_actions": 0}), ([], {"due_actions": 0}), ([], {"due_actions": 1})]
        assert value("stream_console_oldest_due_action_seconds") == 7.0
        assert value("stream_console_database_up") == 1.0
        store.engine.dispose()
        (tmp_path / "full.sqlite").write_bytes(b"this is no database" * 1000)
        watch.look()
    assert (len(told[-1][0]), value("stream_console_database_up")) == (1, 0.0)
