"""A log without Kafka and Redis: the same files every time, and the same customers as with them."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from stream.cli import main

LOG = Path(__file__).parents[2] / "examples" / "complete_journey_events.csv.gz"

Replay = Callable[[Path, int], Result]


@pytest.fixture
def replay(monkeypatch: pytest.MonkeyPatch) -> Replay:
    """``replay(directory, events)``: replay that many of the bundled events, with every output file asked for."""
    monkeypatch.delenv("STREAM_MIN_LABELS", raising=False)

    def run(directory: Path, events: int) -> Result:
        outputs = [
            argument for name in ("summary", "customers", "alerts") for argument in (f"--{name}", str(directory / name))
        ]
        levels = ["--raise-at", "0.6", "--clear-at", "0.4"]
        return CliRunner().invoke(main, ["replay", str(LOG), "--limit", str(events), *levels, *outputs])

    return run


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_bytes().splitlines()]


@pytest.mark.slow
def test_two_replays_of_a_log_give_the_same_files(replay: Replay, tmp_path: Path) -> None:
    # as many events as it takes for the first alerts, at a lower level than usual
    for name in ("one", "two"):
        assert replay(tmp_path / name, 35_000).exit_code == 0
    for name in ("summary", "customers", "alerts"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes(), name

    figures = json.loads((tmp_path / "one" / "summary").read_bytes())
    customers, alerts = lines(tmp_path / "one" / "customers"), lines(tmp_path / "one" / "alerts")
    assert figures["events_in"] == 35_000
    assert figures["events_in"] == figures["applied"] + figures["duplicates"] + figures["dead_letters"]
    assert len({customer["customer_id"] for customer in customers}) == len(customers) == figures["customers"]
    assert sum(alert["kind"] == "churn_risk.raised" for alert in alerts) == figures["alerts_raised"] > 0
    assert len(alerts) == figures["alerts_raised"] + figures["alerts_cleared"]
    assert all(alert["emitted_at"] == alert["occurred_at"] for alert in alerts)
    assert figures["auc"] > figures["baseline_auc"] > 0.5
    assert figures["log_loss"] < figures["base_rate_log_loss"]


def test_what_is_summed_up_for_people_is_what_is_written(replay: Replay, tmp_path: Path) -> None:
    done = replay(tmp_path, 3000)
    assert done.exit_code == 0, done.output
    figures = json.loads((tmp_path / "summary").read_bytes())
    assert f"3,000 in = {figures['applied']:,} applied" in done.output
    assert f"{figures['customers']:,}; stream time {figures['stream_time']}" in done.output


def test_events_that_cannot_be_applied_are_dead_letters_and_the_sums_still_add_up(tmp_path: Path) -> None:
    good = {"event_id": "e1", "customer_id": "c1", "occurred_at": 1_700_000_000, "name": "page_viewed"}
    events = [good, good, {**good, "event_id": "e2", "name": "opened"}, {**good, "event_id": ""}]
    log = tmp_path / "log.jsonl"
    log.write_text("".join(f"{json.dumps(event)}\n" for event in events))
    done = CliRunner().invoke(main, ["replay", str(log), "--summary", str(tmp_path / "summary")])
    assert done.exit_code == 0, done.output
    figures = json.loads((tmp_path / "summary").read_bytes())
    assert (figures["events_in"], figures["applied"], figures["duplicates"], figures["dead_letters"]) == (4, 2, 1, 1)


def test_a_file_that_cannot_be_written_is_one_line_and_status_1(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    log = tmp_path / "log.jsonl"
    log.write_text('{"event_id":"e1","customer_id":"c1","occurred_at":1700000000,"name":"page_viewed"}\n')
    done = CliRunner().invoke(main, ["replay", str(log), "--alerts", str(tmp_path / "file" / "alerts")])
    assert done.exit_code == 1
    assert "cannot be written" in done.output.splitlines()[-1]
