"""The answers to an orchestrator's probes, from the last report of the event loop."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

import orjson
import pytest
from faust.types import TP

from stream.agents.health import Health, HealthReport
from stream.agents.models import CurrentModel
from stream.agents.readiness import Backlog, Readiness
from stream.agents.transport import Intake
from stream.agents.transport.intake import LogEnd, Position
from stream.errors import TopologyError

CLICKS = TP("events.click", 3)


@dataclass
class Hand:
    """A monotonic clock that is moved by hand."""

    now_s: float = 1000.0

    def __call__(self) -> float:
        return self.now_s


def ask(health: Health, question: str) -> tuple[int, Mapping[str, Any]]:
    status, body = health.pages[f"/health/{question}"]()
    return status, orjson.loads(body)


def test_a_worker_that_still_starts_is_alive_but_neither_started_nor_ready() -> None:
    health = Health(30.0)
    assert ask(health, "live") == (200, {"ok": True, "reasons": []})
    for question in ("startup", "ready"):
        status, body = ask(health, question)
        assert status == 503
        assert "being compiled" in body["reasons"][0]


def test_an_event_loop_that_stands_still_is_neither_alive_nor_ready_until_it_turns_again() -> None:
    clock = Hand()
    health = Health(30.0, clock)
    health.report(HealthReport((), {"partitions": 4}))
    clock.now_s += 30.0
    assert ask(health, "live")[0] == 200
    clock.now_s += 0.5
    for question in ("live", "ready"):
        status, body = ask(health, question)
        assert status == 503
        assert body["reasons"] == ["the event loop has not turned for 30 s, 30 s are allowed"]
    assert ask(health, "startup")[0] == 200
    health.report(HealthReport((), {"partitions": 4}))
    assert ask(health, "live")[0] == 200
    assert ask(health, "ready") == (200, {"ok": True, "reasons": [], "partitions": 4})


def test_reasons_for_not_being_ready_are_named_and_do_not_make_a_worker_dead() -> None:
    health = Health(30.0)
    health.report(HealthReport(["no partitions have been assigned yet"], {"partitions": 0}))
    assert ask(health, "live")[0] == 200
    assert ask(health, "startup")[0] == 200
    expected = {"ok": False, "reasons": ["no partitions have been assigned yet"], "partitions": 0}
    assert ask(health, "ready") == (503, expected)


class NotYetMade:
    """The transport before Faust has made its consumer."""

    @property
    def assigned(self) -> frozenset[TP]:
        raise TopologyError("the consumer is not made yet")


class StoredWithoutModel:
    """A store without a model."""

    async def present(self) -> tuple[bytes | None, int]:
        return None, 0


@pytest.mark.parametrize("intake", [NotYetMade(), SimpleNamespace(assigned=frozenset())])
@pytest.mark.parametrize("idle", [False, True])
def test_a_worker_waits_for_partitions_unless_there_are_none_for_it_and_for_a_look_for_a_model(
    intake: object, *, idle: bool
) -> None:
    model = CurrentModel(cast("Any", StoredWithoutModel()), 1.0)
    owner = cast("Any", SimpleNamespace(workers={}))
    readiness = Readiness(
        Health(30.0), cast("Intake", intake), owner, model, ["events.click"], idle=lambda: idle, stopping=lambda: False
    )
    waiting = [] if idle else ["no partitions have been assigned yet"]
    assert readiness.report().reasons == [*waiting, "no model has been looked for in Redis yet"]
    asyncio.run(model.refresh())
    assert readiness.report().reasons == waiting


@dataclass
class InputLog:
    """One input as the transport shows it."""

    lease: int | None = 1
    received_to: int = 0
    end: int | None = None
    flow: Any = field(init=False)

    def __post_init__(self) -> None:
        self.flow = SimpleNamespace(ledger=SimpleNamespace(lease=lambda _tp: self.lease))

    def position(self, _tp: TP) -> Position | None:
        if self.lease is None:
            return None
        return Position(self.received_to, None if self.end is None else LogEnd(self.end, self.end, 0))


def backlog_of(log: InputLog) -> Backlog:
    return Backlog(cast("Intake", log))


def test_an_input_has_caught_up_when_its_log_is_stored_up_to_the_first_end_seen() -> None:
    log = InputLog(received_to=40, end=100)
    backlog = backlog_of(log)
    assert not backlog.caught_up(CLICKS, stored=0, buffered=40)
    # the log grows as fast as it is processed: the first end seen counts
    log.received_to, log.end = 160, 200
    assert not backlog.caught_up(CLICKS, stored=99, buffered=61)
    assert backlog.caught_up(CLICKS, stored=100, buffered=60)
    log.end = 10_000
    assert backlog.caught_up(CLICKS, stored=100, buffered=60)


def test_an_input_whose_log_has_not_been_seen_has_not_caught_up() -> None:
    assert not backlog_of(InputLog()).caught_up(CLICKS, stored=0, buffered=0)


def test_an_input_that_was_revoked_has_not_caught_up() -> None:
    assert not backlog_of(InputLog(lease=None, end=0)).caught_up(CLICKS, stored=0, buffered=0)


def test_an_empty_log_is_caught_up_with_at_once() -> None:
    assert backlog_of(InputLog(end=0)).caught_up(CLICKS, stored=0, buffered=0)


@pytest.mark.parametrize(("buffered", "expected"), [(0, True), (1, False)])
def test_offsets_without_records_at_the_end_need_not_be_stored(buffered: int, *, expected: bool) -> None:
    log = InputLog(received_to=100, end=100)
    assert backlog_of(log).caught_up(CLICKS, stored=97, buffered=buffered) is expected


def test_after_a_rewind_everything_is_to_be_caught_up_with_again() -> None:
    log = InputLog(received_to=100, end=100)
    backlog = backlog_of(log)
    assert backlog.caught_up(CLICKS, stored=100, buffered=0)
    log.lease, log.received_to = 2, 0
    assert not backlog.caught_up(CLICKS, stored=0, buffered=0)
    log.received_to = 100
    assert not backlog.caught_up(CLICKS, stored=50, buffered=50)
    assert backlog.caught_up(CLICKS, stored=100, buffered=0)
