import json
from pathlib import Path

from click.testing import CliRunner

from stream.cli import main

LOG = Path(__file__).parents[2] / "examples" / "uci_online_retail_events.csv.gz"


def test_the_risk_of_a_real_log_beats_every_baseline(tmp_path: Path) -> None:
    out = tmp_path / "figures.json"
    options = ["--horizon-days", "28", "--from-week", "20", "--to-week", "30", "--json", str(out)]
    run = CliRunner().invoke(main, ["evaluate", str(LOG), *options])
    assert run.exit_code == 0, run.output
    found = json.loads(out.read_text("utf-8"))
    baselines = found["baselines"]
    assert found["rows"] > 20_000
    assert found["auc"] > max(baselines["recency"]["auc"], baselines["frequency"]["auc"])
    assert found["log_loss"] < baselines["base_rate"]["log_loss"]
    assert found["ece"] < 0.05
    assert "reliability" in run.output
    level = found["alert_level"]
    assert level["raise_at"] == 0.7
    assert [week["week"] for week in level["weeks"]] == list(range(20, 31))
    counts = ("hits", "false_alarms", "missed", "left_alone")
    assert {count: sum(week[count] for week in level["weeks"]) for count in counts} == {c: level[c] for c in counts}
    assert sum(level[count] for count in counts) == found["rows"]
    assert level["hits"] + level["missed"] == round(found["base_rate"] * found["rows"])
    # with calibrated risks, more than 70 % of the customers above a level of 70 % are lost
    assert level["precision"] > 0.7
    assert level["recall"] == level["hits"] / (level["hits"] + level["missed"])
    assert f"{level['hits']:,} ({level['precision']:.0%})" in run.output


def test_a_log_that_ends_before_the_last_horizon_is_refused() -> None:
    run = CliRunner().invoke(main, ["evaluate", str(LOG), "--from-week", "20", "--to-week", "60"])
    assert run.exit_code != 0
    assert "ends too early" in run.output + str(run.exception)
