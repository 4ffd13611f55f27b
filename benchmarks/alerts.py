"""Whom alerts catch, on the two real logs through the live path: ``python -m benchmarks.alerts``.

Each log, and two cohorts of it, is replayed with the default settings. An alert is *caught* when the customer then
lapses: places no order within three of their own gaps after the last one, and was alerted before that point. The own
gap is the median of their gaps between days with an order, up to the alert; customers with fewer than three such days,
and those whose point lies behind the end of the log, are not judged. All that is judged is read from the CSV file, not
from the program.

Beside it stand rules that a shop would use, with as many alerts:

* overdue: silent for twice the own gap (taken as they come; and the biggest spenders first);
* recency: silent for so many days that there are as many;
* RFM: weekly, those whose recency falls to the lower two fifths, best frequency and money first.

``--write`` puts the table between the markers in docs/learning.md. Takes some five minutes.
"""

import argparse
import csv
import gzip
import sys
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import datetime
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

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
BEGIN, END = "<!-- alerts: begin -->", "<!-- alerts: end -->"
LOGS = {
    "CJ": "examples/complete_journey_events.csv.gz",
    "UCI": "examples/uci_online_retail_events.csv.gz",
}
COHORTS = ("all", "first 12 weeks", "1 in 3")
#: Alerts count from here on: before, the model is young, and few customers have shown a habit.
FROM_WEEK = 20
_DAY_S = 86_400
_WEEK = 7.0
_MIN_DAYS = 3
_LAPSE_GAPS = 3.0
#: Of five: customers whose last order is longer ago than that of three fifths.
_LOWER_FIFTHS = 2


class Shop:
    """What happened, from the file: times in days since the epoch, by customer."""

    def __init__(self, path: Path) -> None:
        orders: dict[str, list[float]] = defaultdict(list)
        money: dict[str, list[tuple[float, float]]] = defaultdict(list)
        with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                if row["type"] != "purchase":
                    continue
                at = (datetime.fromisoformat(row["ts"]) - datetime(1970, 1, 1)).total_seconds() / _DAY_S  # noqa: DTZ001
                amount = abs(float(row["amount"] or 0.0))
                is_order = row["subtype"] in {"basket", "order"}
                money[row["customer_id"]].append((at, amount if is_order else -amount))
                if is_order:
                    orders[row["customer_id"]].append(at)
        self.orders = {customer: sorted(times) for customer, times in orders.items()}
        self.money = {customer: sorted(moves) for customer, moves in money.items()}
        self.begin = min(times[0] for times in self.orders.values())
        self.end = max(times[-1] for times in self.orders.values())

    def cohort(self, name: str) -> set[str]:
        """The customers of a cohort."""
        if name == "first 12 weeks":
            return {c for c, times in self.orders.items() if times[0] < self.begin + 12 * _WEEK}
        customers = sorted(self.orders)
        return set(customers[::3]) if name == "1 in 3" else set(customers)

    def spent(self, customer: str, begin: float, end: float) -> float:
        """Net spend in [begin, end]."""
        return sum(amount for at, amount in self.money[customer] if begin <= at <= end)


class Spell(NamedTuple):
    """A silence after the last of ``days`` days with an order; ``gap`` is the median of their gaps, at least a day."""

    customer: str
    last: float
    following: float
    gap: float
    days: int


def spells(shop: Shop, customers: set[str]) -> list[Spell]:
    """Every silence of a customer with enough days to judge by."""
    found = []
    for customer in sorted(customers & set(shop.orders)):
        times = shop.orders[customer]
        for k, last in enumerate(times):
            days = np.unique(np.floor(times[: k + 1]))
            if len(days) >= _MIN_DAYS:
                following = times[k + 1] if k + 1 < len(times) else np.inf
                found.append(Spell(customer, last, following, max(float(np.median(np.diff(days))), 1.0), len(days)))
    return found


class Catch(NamedTuple):
    """What a list of alerts has caught. ``lead_days``: median, before the lapse. ``early``: within half a gap."""

    alerts: int
    judged: int
    lapses: float
    per_gap: float
    per_year: float
    lead_days: float
    late: int
    early: int


def caught(shop: Shop, alerts: Sequence[tuple[Spell, float]], number: int | None = None) -> Catch:
    """Judge (spell, time) pairs; ``number``: what so many of them, picked at random, catch on average."""
    lapsed, leads, late, early, judged = [], [], 0, 0, 0
    for spell, at in alerts:
        early += at - spell.last < 0.5 * spell.gap
        point = spell.last + _LAPSE_GAPS * spell.gap
        if point > shop.end and spell.following == np.inf:
            continue
        judged += 1
        late += at >= point
        if spell.following > point and at < point:
            lapsed.append(spell)
            leads.append(point - at)
    share = 1.0 if number is None else min(1.0, number / max(len(alerts), 1))
    return Catch(
        alerts=round(len(alerts) * share),
        judged=round(judged * share),
        lapses=len(lapsed) * share,
        per_gap=share * sum(max(shop.spent(s.customer, 0.0, s.last), 0.0) / (s.days - 1) for s in lapsed),
        per_year=share * sum(max(shop.spent(s.customer, s.last - 365.0, s.last), 0.0) for s in lapsed),
        lead_days=float(np.median(leads)) if leads else np.nan,
        late=late,
        early=early,
    )


def _crossings(
    all_spells: Sequence[Spell], begin: float, end: float, after: Callable[[Spell], float]
) -> list[tuple[Spell, float]]:
    """Silences that become ``after`` days long within [begin, end)."""
    found = [(spell, spell.last + after(spell)) for spell in all_spells]
    return [(spell, at) for spell, at in found if begin <= at < min(end, spell.following)]


def _most_recent(all_spells: Sequence[Spell], begin: float, end: float, number: int) -> list[tuple[Spell, float]]:
    """The recency rule: the whole number of days of silence that gives about as many alerts."""
    limits = [_crossings(all_spells, begin, end, lambda _, days=days: float(days)) for days in range(2, 200)]
    return min(limits, key=lambda alerts: abs(len(alerts) - number))


def _rfm(shop: Shop, all_spells: Sequence[Spell], begin: float, end: float, number: int) -> list[tuple[Spell, float]]:
    """Weekly: whose recency has come into the lower two fifths, the best by frequency and money first."""
    weeks = np.arange(begin, end, _WEEK)
    told: set[tuple[str, float]] = set()
    alerts = []
    for week in weeks:
        open_spells = [s for s in all_spells if s.last < week <= s.following]
        if not open_spells:
            continue
        recency = np.array([week - s.last for s in open_spells])
        frequency = np.array([s.days for s in open_spells], np.float64)
        money = np.array([shop.spent(s.customer, 0.0, week) for s in open_spells])
        score = _fifths(frequency) + _fifths(money)
        ranked = sorted(
            np.flatnonzero(_fifths(-recency) < _LOWER_FIFTHS).tolist(), key=lambda k: (-score[k], recency[k])
        )
        fresh = [k for k in ranked if (open_spells[k].customer, open_spells[k].last) not in told]
        for k in fresh[: round(number / len(weeks))]:
            told.add((open_spells[k].customer, open_spells[k].last))
            alerts.append((open_spells[k], float(week)))
    return alerts


def _fifths(values: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    ranks = np.argsort(np.argsort(values, kind="stable"), kind="stable")
    return np.asarray(5 * ranks // len(values), np.int64)


def raised(events: Sequence[LogEvent], settings: Settings) -> list[Alert]:
    """The alerts of a worker whose trainer is never behind, a day of events at a time."""
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
    days = [event.at_ms // (1000 * _DAY_S) for event in events]
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
    """The alerts of one cohort of one log, and the rules beside them. The number a week is the default, or given."""
    log, cohort, per_week = task
    shop = Shop(ROOT / LOGS[log])
    customers = shop.cohort(cohort)
    settings = Settings() if per_week is None else Settings(alerts_per_week=per_week)
    events = sorted(read_log(str(ROOT / LOGS[log])), key=lambda e: e.at_ms)
    alerts = raised([event for event in events if event.customer_id in customers], settings)
    begin, end = np.floor(shop.begin) + FROM_WEEK * _WEEK, shop.end
    of_customer = defaultdict(list)
    all_spells = spells(shop, customers)
    for spell in all_spells:
        of_customer[spell.customer].append(spell)
    ours = []
    for alert in alerts:
        at = datetime.fromisoformat(alert.occurred_at).timestamp() / _DAY_S
        spell = next((s for s in of_customer[alert.customer_id] if s.last <= at < s.following), None)
        if spell is not None and begin <= at < end:
            ours.append((spell, at))
    number = len(ours)
    overdue = _crossings(all_spells, begin, end, lambda spell: 2.0 * spell.gap)
    spenders = sorted(overdue, key=lambda a: -shop.spent(a[0].customer, 0.0, a[0].last) / a[0].days)
    found = {
        "alerts": caught(shop, ours),
        "overdue twice the usual gap": caught(shop, overdue, number),
        "recency": caught(shop, _most_recent(all_spells, begin, end, number), number),
        "RFM": caught(shop, _rfm(shop, all_spells, begin, end, number)),
        "(overdue, biggest spenders)": caught(shop, spenders[:number]),
    }
    return [Row(log, cohort, rule, (end - begin) / _WEEK, catch) for rule, catch in found.items()]


_HEAD = (
    "| log, customers | by | alerts a week | lapsed, of judged | lapses caught | money, a gap | money, a year | "
    "days before | within half a gap |"
)


def table(found: Sequence[Row]) -> str:
    """The figures; of the alerts also how much more they catch than the best of the three rules."""
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
        before, _, rest = PAGE.read_text("utf-8").partition(BEGIN)
        _, end, after = rest.partition(END)
        if not end:
            sys.exit(f"{PAGE}: expected the markers {BEGIN} and {END}")
        PAGE.write_text(f"{before}{BEGIN}\n{written}\n{END}{after}", "utf-8")


if __name__ == "__main__":
    main()
