"""How many lapses the alerts catch on the two real logs, through the live path: ``python -m benchmarks.alerts``.

Each log and two cohorts of it are replayed with the default settings. A customer *lapses* by placing no order within
three of their own gaps after the last one. An alert *catches* a lapse when it comes before that point. The own gap is
the median of the customer's gaps between days with an order, up to the alert. Customers with fewer than three such
days, and those whose point lies after the end of the log, are not judged. The figures judged are read from the CSV
file, not from the program.

The table compares the alerts with rules that a shop would use, each with as many alerts:

* overdue: silent for twice the own gap (taken as they come; and the biggest spenders first);
* recency: silent for so many days that there are as many;
* RFM: weekly, those whose recency falls to the lower two fifths, best frequency and money first.

``--write`` puts the table between the markers in docs/learning.md. Takes some five minutes.
"""

import argparse
import sys
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import datetime
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np

from benchmarks.pages import write_table
from benchmarks.shop_rules import crossings, most_recent, rfm
from benchmarks.silences import DAY_S, WEEK, Catch, Shop, caught, spells
from stream.alerts.alert_records import Alert, AlertKind
from stream.events.decode import Decoder
from stream.events.log import read_log
from stream.events.log_event import LogEvent
from stream.online_models.learner import Learner
from stream.online_models.learner_settings import learner_settings_of
from stream.processing.replay import Replay
from stream.processing.rules import rules_of
from stream.processing.state import Outgoing
from stream.settings import Settings

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "learning.md"
LOGS = {
    "CJ": "examples/complete_journey_events.csv.gz",
    "UCI": "examples/uci_online_retail_events.csv.gz",
}
COHORTS = ("all", "first 12 weeks", "1 in 3")
#: Alerts before this day do not count: the model is young, and few customers have shown a habit.
FROM_WEEK = 20


def raised(events: Sequence[LogEvent], settings: Settings) -> list[Alert]:
    """The alerts of a worker that takes a day of events at a time and whose trainer is never behind."""
    alerts: list[Alert] = []
    decoder = msgspec.json.Decoder(Alert)

    def take(record: Outgoing) -> None:
        if record.topic == "alerts":
            alert = decoder.decode(record.value or b"")
            if alert.kind is AlertKind.RAISED:
                alerts.append(alert)

    replay = Replay(
        rules_of(settings),
        Learner(learner_settings_of(settings)),
        Decoder.of(settings),
        max(event.at_ms for event in events) + 1,
        run_records=10**9,
        on_outgoing=take,
    )
    days = [event.at_ms // (1000 * DAY_S) for event in events]
    begin = 0
    while begin < len(events):
        end = bisect_right(days, days[begin])
        for _ in replay.run(events[begin:end]):
            pass
        begin = end
    return alerts


class Row(NamedTuple):
    """One line of the table."""

    log: str
    cohort: str
    rule: str
    weeks: float
    catch: Catch


def rows(task: tuple[str, str, float | None]) -> list[Row]:
    """The alerts of one cohort of one log, and those of the rules. The alerts a week are the default, or given."""
    log, cohort, per_week = task
    shop = Shop(ROOT / LOGS[log])
    customers = shop.cohort(cohort)
    settings = Settings() if per_week is None else Settings(alerts_per_week=per_week)
    events = sorted(read_log(str(ROOT / LOGS[log])), key=lambda e: e.at_ms)
    alerts = raised([event for event in events if event.customer_id in customers], settings)
    begin, end = np.floor(shop.begin) + FROM_WEEK * WEEK, shop.end
    of_customer = defaultdict(list)
    all_spells = spells(shop, customers)
    for spell in all_spells:
        of_customer[spell.customer].append(spell)
    ours = []
    for alert in alerts:
        at = datetime.fromisoformat(alert.occurred_at).timestamp() / DAY_S
        if begin <= at < end:
            ours += [(spell, at) for spell in of_customer[alert.customer_id] if spell.last <= at < spell.following]
    number = len(ours)
    overdue = crossings(all_spells, begin, end, lambda spell: 2.0 * spell.gap)
    spenders = sorted(overdue, key=lambda a: -shop.spent(a[0].customer, 0.0, a[0].last) / a[0].days)
    found = {
        "alerts": caught(shop, ours),
        "overdue twice the usual gap": caught(shop, overdue, number),
        "recency": caught(shop, most_recent(all_spells, begin, end, number), number),
        "RFM": caught(shop, rfm(shop, all_spells, begin, end, number)),
        "(overdue, biggest spenders)": caught(shop, spenders[:number]),
    }
    return [Row(log, cohort, rule, (end - begin) / WEEK, catch) for rule, catch in found.items()]


_HEAD = (
    "| log, customers | by | alerts a week | lapsed, of judged | lapses caught | money, a gap | money, a year | "
    "days before | within half a gap |"
)


def table(found: Sequence[Row]) -> str:
    """The figures, and how much more the alerts catch than the best of the three rules."""
    lines = [_HEAD, "|---" * (_HEAD.count("|") - 1) + "|"]
    for k, row in enumerate(found):
        catch = row.catch
        more = ["", "", ""]
        if row.rule == "alerts":
            rules = [other.catch for other in found[k + 1 : k + 4]]
            of = (
                (catch.lapses, [r.lapses for r in rules]),
                (catch.per_gap, [r.per_gap for r in rules]),
                (catch.per_year, [r.per_year for r in rules]),
            )
            more = [f" ({mine / max(others) - 1.0:+.0%})" for mine, others in of]
        cells = (
            f"{row.log}, {row.cohort}",
            f"**{row.rule}**" if row.rule == "alerts" else row.rule,
            f"{catch.alerts / row.weeks:.1f}",
            f"{catch.lapses / max(catch.judged, 1):.0%}",
            f"{catch.lapses:,.0f}{more[0]}",
            f"{catch.per_gap:,.0f}{more[1]}",
            f"{catch.per_year:,.0f}{more[2]}",
            f"{catch.lead_days:.1f}",
            f"{catch.early}",
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    """Replay every cohort and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--log", choices=LOGS, help="only this log")
    parser.add_argument("--cohort", choices=COHORTS, help="only this cohort")
    parser.add_argument("--per-week", type=float, help="alerts a week, instead of the default")
    parser.add_argument("--write", action="store_true", help="write the table to docs/learning.md")
    parser.add_argument("--jobs", type=int, default=1, help="replays at a time")
    options = parser.parse_args()
    tasks = [
        (log, cohort, options.per_week)
        for log in LOGS
        for cohort in COHORTS
        if options.log in {None, log} and options.cohort in {None, cohort}
    ]
    with ProcessPoolExecutor(options.jobs, mp_context=get_context("spawn")) as pool:
        written = table([row for found in pool.map(rows, tasks) for row in found])
    sys.stdout.write(written + "\n")
    if options.write:
        write_table(PAGE, "alerts", written)


if __name__ == "__main__":
    main()
