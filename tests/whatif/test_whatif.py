"""Two policies over one log: the old one is production's, byte for byte, and figures are those of a count by hand."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
import pytest
from click.testing import CliRunner

from stream.alerts.alert_records import Alert, AlertKind
from stream.alerts.decoding import occurred_ms
from stream.catalogue.wording import plain_money
from stream.cli import main
from stream.cli.whatif_kept import digest_of_program
from stream.cli.whatif_log import until_day, what_happened
from stream.errors import SettingsError, SnapshotError
from stream.events.decode import Decoder
from stream.events.log import read_log
from stream.events.log_event import LogEvent
from stream.online_models.learner import Learner
from stream.online_models.learner_settings import learner_settings_of
from stream.processing.replay import Replay
from stream.processing.rules import rules_of
from stream.processing.state import Outgoing
from stream.settings import Settings
from stream.whatif.comparison import compared
from stream.whatif.deliveries import deliver
from stream.whatif.log_seal import LogSeal
from stream.whatif.policy_files import load_policy
from stream.whatif.policy_replay import alerts_under
from stream.whatif.recorded_models import Recording
from stream.whatif.recording import record_models

LOG = Path(__file__).parents[2] / "examples" / "uci_online_retail_events.csv.gz"
DAY_MS = 86_400_000
#: A model of few customers is ready early, and many are alerted.
SETTINGS = Settings(horizon_days=28.0, min_labels=60, alerts_per_week=6.0)
OTHER = replace(SETTINGS, alerts_per_week=2.0, cooldown_days=40.0, overdue_at=1.5)
NOTIFY = """
hold_out: {share: 0.3, salt: test}
channels:
  desk: {url: "${DESK}", budget: {per_day: 1}, quiet_hours: [{from: "20:00", to: "08:00"}]}
  news: {url: "json://x", digest: {template: all, at: ["09:00"]}, hold_out: false}
templates:
  alert: {title: "{{ alert.customer_id }}", body: "{{ alert.sentence }}"}
  all: {title: "{{ alerts | length }}", body: "x"}
rules:
  - {name: raised, match: {kind: [churn_risk.raised]}, channels: [desk, news]}
"""


@pytest.fixture(scope="module")
def events() -> Sequence[LogEvent]:
    """Of 50 customers who order often, eight months."""
    found = sorted(read_log(str(LOG)), key=lambda event: event.at_ms)[:12_000]
    counts = Counter(event.customer_id for event in found)
    chosen = {*sorted(customer for customer, count in counts.items() if count > 8)[::8][:50]}
    return [event for event in found if event.customer_id in chosen]


class Played(NamedTuple):
    """What the log teaches, and the alerts that production publishes, as JSON."""

    recording: Recording
    published: list[bytes]


@pytest.fixture(scope="module")
def played(events: Sequence[LogEvent]) -> Played:
    alerts: list[bytes] = []

    def take(record: Outgoing) -> None:
        if record.topic == "alerts":
            alert = msgspec.json.decode(record.value or b"", type=Alert)
            alerts.append(msgspec.json.encode(msgspec.structs.replace(alert, emitted_at=alert.occurred_at)))

    now_ms, decoder = events[-1].at_ms + 1, Decoder.of(SETTINGS, in_clear=True)
    learner = Learner(learner_settings_of(SETTINGS))
    for _ in Replay(rules_of(SETTINGS), learner, decoder, now_ms, on_outgoing=take).run(events):
        pass
    done: list[int] = []
    recorded = record_models(events, SETTINGS, now_ms, done.append)
    assert (done == sorted(done), len(done) > 9, done[-1]) == (True, True, len(events))
    return Played(Recording.load(recorded.dump()), alerts)


@pytest.fixture(scope="module")
def both(events: Sequence[LogEvent], played: Played) -> tuple[list[Alert], list[Alert]]:
    old, new = (alerts_under(played.recording, events, one, events[-1].at_ms + 1) for one in (SETTINGS, OTHER))
    return old, new


def test_the_alerts_of_the_recorded_policy_are_those_of_production(
    played: Played, both: tuple[list[Alert], list[Alert]]
) -> None:
    assert len(both[0]) > 60
    assert [msgspec.json.encode(alert) for alert in both[0]] == played.published
    assert both[1] != both[0]


def test_a_policy_against_itself_changes_nothing(
    events: Sequence[LogEvent], both: tuple[list[Alert], list[Alert]]
) -> None:
    happened = what_happened(events, SETTINGS, events[-1].at_ms + 1)
    found = compared(both[0], both[0], happened)
    assert (found.added, found.removed, found.moved) == ([], [], [])
    assert found.old == found.new
    assert {*found.difference.a_week, *found.difference.precision, *found.difference.value_right_a_week} == {0.0}


def test_figures_are_those_of_a_count_by_hand(
    events: Sequence[LogEvent], both: tuple[list[Alert], list[Alert]]
) -> None:
    old, new = both
    happened = what_happened(events, SETTINGS, events[-1].at_ms + 1)
    found = compared(old, new, happened)
    weeks = (events[-1].at_ms - events[0].at_ms) / (7 * DAY_MS)
    # alerts of the same silence: no order lies between them
    orders = {
        customer: [e.at_ms for e in events if e.customer_id == customer and b'"completed"' in e.value]
        for customer in {e.customer_id for e in events}
    }
    for side, alerts in ((found.old, old), (found.new, new)):
        raised = [alert for alert in alerts if alert.kind is AlertKind.RAISED]
        judged = right = 0
        for alert in raised:
            at_ms = occurred_ms(alert)
            last_ms = max(order for order in orders[alert.customer_id] if order <= at_ms)
            until_ms = last_ms + 3 * (alert.usual_gap_days or 0.0) * DAY_MS
            if until_ms <= events[-1].at_ms:
                judged += 1
                right += not any(last_ms < order <= until_ms for order in orders[alert.customer_id])
        assert (side.judged, side.right) == (judged, right)
        assert judged > right > 0
        assert side.a_week.estimate == pytest.approx(len(raised) / weeks)
        assert side.value == pytest.approx(sum(alert.value_at_risk for alert in raised))
        low, high = side.precision.low, side.precision.high
        assert low is not None
        assert high is not None
        assert low < right / judged < high
    silences = [
        Counter(
            (a.customer_id, a.kind, sum(order <= occurred_ms(a) for order in orders[a.customer_id])) for a in alerts
        )
        for alerts in both
    ]
    assert len(found.added) == (silences[1] - silences[0]).total()
    assert len(found.removed) == (silences[0] - silences[1]).total()
    assert 0 < len(found.moved) <= (silences[0] & silences[1]).total()
    assert all(change.later_days for change in found.moved)


def test_contacts_before_the_outcome_mark_alerts_as_touched(
    events: Sequence[LogEvent], both: tuple[list[Alert], list[Alert]]
) -> None:
    raised = [alert for alert in both[0] if alert.kind is AlertKind.RAISED]
    now_ms = events[-1].at_ms + 1
    assert compared(both[0], both[1], what_happened(events, SETTINGS, now_ms)).old.touched == 0
    contacts = [(alert.customer_id, occurred_ms(alert) + 1) for alert in raised]
    found = compared(both[0], both[1], what_happened(events, SETTINGS, now_ms, contacts))
    assert found.old.touched == found.old.judged


def test_channels_carry_what_rules_hold_out_and_budget_leave(
    both: tuple[list[Alert], list[Alert]], tmp_path: Path
) -> None:
    (tmp_path / "notify.yaml").write_text(NOTIFY)
    (tmp_path / "policy.yaml").write_text("notify: notify.yaml")
    policy = load_policy(tmp_path / "policy.yaml", SETTINGS)
    assert policy.settings == SETTINGS
    assert policy.notifying is not None
    loads = deliver(policy.notifying, both[0], SETTINGS, plain_money)
    raised = sum(alert.kind is AlertKind.RAISED for alert in both[0])
    desk, news, nobody = loads["desk"], loads["news"], loads["nobody"]
    for load in (desk, news):
        over = load.alerts + load.held_out + sum(load.suppressed.values())
        assert over + load.waiting == raised
    assert desk.held_out > 0
    assert (desk.messages, desk.most_a_day) == (desk.alerts, 1)
    assert desk.days_full == desk.messages
    assert news.held_out == 0
    assert news.messages < news.alerts
    assert sum(nobody.suppressed.values()) == len(both[0]) - raised


def test_the_command_tells_both_and_a_wrong_policy_is_told_before_anything_is_read(
    events: Sequence[LogEvent], tmp_path: Path
) -> None:
    log = tmp_path / "log.jsonl"
    log.write_bytes(b"\n".join(b'{"type":"purchase",' + event.value[1:] for event in events[:400]))
    (tmp_path / "old.yaml").write_text("alerts: {alerts_per_week: 6}")
    (tmp_path / "new.yaml").write_text("alerts: {alerts_per_weak: 6}")
    runner = CliRunner(env={"XDG_CACHE_HOME": str(tmp_path), "STREAM_HORIZON_DAYS": "28", "STREAM_MIN_LABELS": "20"})
    place = [str(tmp_path / name) for name in ("old.yaml", "new.yaml")]
    refused = runner.invoke(main, ["whatif", *place, str(tmp_path / "no.jsonl")])
    assert isinstance(refused.exception, SettingsError | SystemExit)
    assert "alerts_per_weak" in str(refused.exception) + refused.output
    (tmp_path / "new.yaml").write_text("")
    command = ["whatif", *place, str(log), "--json", "--alerts-per-week", "6"]
    # once learned, and once from what was kept
    first, second = (runner.invoke(main, command) for _ in range(2))
    for told in (first, second):
        assert told.exit_code == 0, told.output
        found = json.loads(told.stdout)
        assert (found["added"], found["removed"], found["moved"]) == ([], [], [])
    assert len([*tmp_path.glob("customer-stream/whatif/*.models")]) == 1
    (kept,) = tmp_path.glob("customer-stream/whatif/*.alerts")
    kept.write_bytes(b"no alerts")
    again = runner.invoke(main, command)
    assert (again.exit_code, again.stdout) == (0, first.stdout)
    assert "replaying again" in again.stderr


def test_what_is_kept_is_read_with_the_same_log_alone(events: Sequence[LogEvent]) -> None:
    parts = [event.value for event in events[:9]]
    content = b"sentences about somebody" * 9
    seal = LogSeal(parts)
    sealed = seal.seal(content)
    assert LogSeal(parts).open(sealed) == content
    assert LogSeal(parts).name == seal.name
    assert b"somebody" not in sealed
    # one person less
    for wrong, opened_by in ((sealed, LogSeal(parts[:-1])), (sealed[:-1], seal), (sealed[:5], seal), (b"", seal)):
        with pytest.raises(SnapshotError):
            opened_by.open(wrong)
    assert LogSeal(parts[:-1]).name != seal.name


def test_another_program_finds_out_anew(tmp_path: Path) -> None:
    package = tmp_path / "package"
    for folder in ("alerts", "whatif"):
        (package / folder).mkdir(parents=True)
        (package / folder / "rules.py").write_text("LEVEL = 1")
    extension = tmp_path / "extension.py"
    extension.write_text("EXTENSION = 1")
    before = digest_of_program(package, ())
    assert digest_of_program(package, ()) == before
    digests = {before, digest_of_program(package, [extension])}
    extension.write_text("EXTENSION = 2")
    digests.add(digest_of_program(package, [extension]))
    for folder in ("alerts", "whatif"):
        (package / folder / "rules.py").write_text("LEVEL = 2")
        digests.add(digest_of_program(package, ()))
    (package / "whatif" / "more.py").write_text("")
    digests.add(digest_of_program(package, ()))
    assert len(digests) == 6


def test_a_trial_goes_as_far_as_the_last_midnight(events: Sequence[LogEvent]) -> None:
    times = [event.at_ms for event in events]
    middle = times[len(times) // 2]
    assert [event.at_ms for event in until_day(events, middle)] == [at_ms for at_ms in times if at_ms < middle]
    # a shop that has begun today
    assert until_day(events, times[0]) == events


def test_what_is_no_recording_is_refused() -> None:
    for content in (b"", b"x", np.zeros(9).tobytes()):
        with pytest.raises(SnapshotError):
            Recording.load(content)
