"""Replaying a log without Kafka and Redis gives the same files every time, and the same customers as with them."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

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


def test_the_summary_for_people_agrees_with_the_files(replay: Replay, tmp_path: Path) -> None:
    done = replay(tmp_path, 3000)
    assert done.exit_code == 0, done.output
    figures = json.loads((tmp_path / "summary").read_bytes())
    assert f"3,000 in = {figures['applied']:,} applied" in done.output
    assert f"{figures['customers']:,}; stream time {figures['stream_time']}" in done.output


def test_events_that_cannot_be_used_are_told_and_too_many_are_status_1(tmp_path: Path) -> None:
    good = {"event_id": "e1", "customer_id": "c1", "occurred_at": 1_700_000_000, "name": "page_viewed"}
    events = [good, good, {**good, "event_id": "e2", "name": "opened"}, {**good, "event_id": ""}]
    log = tmp_path / "log.jsonl"
    log.write_text("".join(f"{json.dumps(event)}\n" for event in events))
    done = CliRunner().invoke(main, ["replay", str(log), "--summary", str(tmp_path / "summary")])
    assert done.exit_code == 1
    assert "1 of 4 events are not used:\n  1 rejected as wrong_length, first line 4: Expected `str`" in done.output
    assert "25 % is more than --max-rejected 1" in done.output
    figures = json.loads((tmp_path / "summary").read_bytes())
    assert (figures["events_in"], figures["applied"], figures["duplicates"], figures["dead_letters"]) == (3, 2, 1, 0)
    assert CliRunner().invoke(main, ["replay", str(log), "--max-rejected", "25"]).exit_code == 0


def test_a_file_that_cannot_be_written_is_one_line_and_status_1(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    log = tmp_path / "log.jsonl"
    log.write_text('{"event_id":"e1","customer_id":"c1","occurred_at":1700000000,"name":"page_viewed"}\n')
    done = CliRunner().invoke(main, ["replay", str(log), "--alerts", str(tmp_path / "file" / "alerts")])
    assert done.exit_code == 1
    assert "cannot be written" in done.output.splitlines()[-1]


def shop(path: Path, customers: int = 150, days: int = 500) -> None:
    """Write the orders of a made-up shop, newest first, in the CSV that shops export; half of its customers leave."""
    random = Random(7)
    rows: list[str] = []
    for customer in range(customers):
        at, gap = random.uniform(0, 0.8 * days), random.lognormvariate(3.3, 0.6)
        leaves = min(at + random.expovariate(1 / 250), days)
        while at <= leaves:
            when = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(days=at)
            amount = f"{random.lognormvariate(3.6, 0.5):.2f}".replace(".", ",")
            rows.append(f"{when:%d.%m.%Y %H:%M:%S};c{customer};purchase;order;o{customer}-{len(rows)};{amount}")
            at += max(random.gammavariate(2, gap / 2), 0.05)
    rows.sort(key=lambda row: (row[6:10], row[3:5], row[:2], row[11:19]), reverse=True)
    path.write_text("\n".join(["ts;customer_id;type;subtype;ref_id;amount", *rows]))


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_a_replay_of_a_small_shop_is_as_good_as_its_evaluation_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("STREAM_MIN_LABELS", raising=False)
    log, summary, figures = tmp_path / "shop.csv", tmp_path / "summary", tmp_path / "figures"
    shop(log)
    options = [str(log), "--horizon-days", "28"]
    replayed = CliRunner().invoke(main, ["replay", *options, "--summary", str(summary)])
    assert replayed.exit_code == 0, replayed.output
    assert "amounts have a decimal comma" in replayed.output
    found = json.loads(summary.read_bytes())
    assert found["dead_letters"] == 0
    first, last = found["weeks"]
    evaluated = CliRunner().invoke(main, ["evaluate", *options, "--json", str(figures)])
    assert evaluated.exit_code == 0, evaluated.output
    expected = json.loads(figures.read_bytes())
    assert (found["rows"], found["weeks"]) == (expected["rows"], expected["weeks"])
    assert found["auc"] == pytest.approx(expected["auc"], abs=1e-9)
    assert found["auc"] > 0.8
    # a hand-picked number of weeks gives about the same
    chosen = ["--from-week", str(first + 4), "--to-week", str(last)]
    evaluated = CliRunner().invoke(main, ["evaluate", *options, *chosen, "--json", str(figures)])
    assert evaluated.exit_code == 0, evaluated.output
    assert found["auc"] == pytest.approx(json.loads(figures.read_bytes())["auc"], abs=0.01)
    # a model that learns once per thousand events would not have been ready by then
    assert found["prequential"]["auc"] > found["prequential"]["baseline_auc"]


def test_a_log_of_which_nothing_can_be_used_says_why(tmp_path: Path) -> None:
    log = tmp_path / "log.csv"
    log.write_text(
        "ts,customer_id,type,subtype,ref_id,amount\n1887-01-01,1,purchase,order,a,11.77\n1887-01-12,1,purchase,order,b,1_2\n"
    )
    for command in (["replay"], ["evaluate"], ["models", "backtest-value", "--from-week", "1", "--to-week", "2"]):
        done = CliRunner().invoke(main, [*command[:2], str(log), *command[2:]])
        assert done.exit_code == 1
        assert "none of 2 events can be used:" in done.output
        assert "1 rejected as timestamp_out_of_range, first line 2: expected occurred_at between 1990" in done.output
        assert "1 rejected as bad_amount, first line 3: the amount '1_2' is no number" in done.output
