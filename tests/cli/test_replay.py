"""Replaying a log without Kafka and Redis gives the same files every time, and the same customers as with them."""

import csv
import gzip
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import NamedTuple

import pytest
from click.testing import CliRunner, Result

from stream.cli import main

EVENTS = Path(__file__).parents[2] / "examples" / "complete_journey_events.csv.gz"

#: One household in so many: a year of all kinds of events, in which models learn and alerts come and go.
ONE_IN = 20
OUTPUTS = ("summary", "customers", "alerts")


class Replayed(NamedTuple):
    """A replay that was told to write its files into ``directory``."""

    result: Result
    directory: Path


def replayed(log: Path, directory: Path) -> Replayed:
    """Replay ``log`` with every output file asked for, and alerts at a lower level than usual."""
    outputs = [argument for name in OUTPUTS for argument in (f"--{name}", str(directory / name))]
    levels = ["--raise-at", "0.6", "--clear-at", "0.4"]
    command = ["replay", str(log), *levels, *outputs]
    return Replayed(CliRunner().invoke(main, command, env={"STREAM_MIN_LABELS": None}), directory)


@pytest.fixture(scope="module")
def households(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundled events of some households."""
    path = tmp_path_factory.mktemp("log") / "households.csv"
    with gzip.open(EVENTS, "rt", newline="") as source, path.open("w", newline="") as target:
        header, *rows = csv.reader(source)
        customer = header.index("customer_id")
        csv.writer(target).writerows([header, *(row for row in rows if int(row[customer]) % ONE_IN == 0)])
    return path


@pytest.fixture(scope="module")
def first(households: Path, tmp_path_factory: pytest.TempPathFactory) -> Replayed:
    return replayed(households, tmp_path_factory.mktemp("first"))


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_bytes().splitlines()]


@pytest.mark.slow
def test_two_replays_of_a_log_give_the_same_files(first: Replayed, households: Path, tmp_path: Path) -> None:
    second = replayed(households, tmp_path)
    assert (first.result.exit_code, second.result.exit_code) == (0, 0)
    for name in OUTPUTS:
        assert (first.directory / name).read_bytes() == (second.directory / name).read_bytes(), name

    figures = json.loads((first.directory / "summary").read_bytes())
    customers, alerts = lines(first.directory / "customers"), lines(first.directory / "alerts")
    assert figures["events_in"] == len(households.read_text().splitlines()) - 1
    assert figures["events_in"] == figures["applied"] + figures["duplicates"] + figures["dead_letters"]
    assert len({customer["customer_id"] for customer in customers}) == len(customers) == figures["customers"]
    assert sum(alert["kind"] == "churn_risk.raised" for alert in alerts) == figures["alerts_raised"] > 0
    assert len(alerts) == figures["alerts_raised"] + figures["alerts_cleared"]
    assert all(alert["emitted_at"] == alert["occurred_at"] for alert in alerts)
    assert figures["auc"] > figures["baseline_auc"] > 0.5
    assert figures["log_loss"] < figures["base_rate_log_loss"]


@pytest.mark.slow
def test_the_summary_for_people_agrees_with_the_files(first: Replayed) -> None:
    figures = json.loads((first.directory / "summary").read_bytes())
    assert f"{figures['events_in']:,} in = {figures['applied']:,} applied" in first.result.output
    assert f"{figures['customers']:,}; stream time {figures['stream_time']}" in first.result.output


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
