"""What joining ids is worth to the risk of churn: ``python -m benchmarks.identity_learning``.

The bundled log of an online shop with simulated ids, of which 40 % of the events come under a cookie
(`benchmarks.simulated_people`), is replayed four times: with one id for each person; with the ids under which events
come; with each event under the customer to whom its id belongs when it comes; and under the one to whom it belongs in
the end, as where histories follow their ids. The last is a bound: it has a link before it came.

The same rows are judged each time: past buyers under their customer ids at the weekly cuts 20 to 48 whom every replay
has. Whether they came back is told by all of their orders. Each replay learns from the orders that it sees.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.simulated_people import People, people_of
from stream.cli.bundled import bundled
from stream.events.decode import Decoder
from stream.events.log import read_log
from stream.events.log_event import LogEvent
from stream.identity.resolver import Resolver
from stream.online_models.components import RISK
from stream.online_models.learner import Learner
from stream.online_models.learner_settings import learner_settings_of
from stream.processing import figures as figures_of
from stream.processing.replay import Replay
from stream.processing.rolling_origin import evaluate
from stream.processing.rules import rules_of
from stream.settings import Settings

_LOG = "uci_online_retail_events.csv.gz"
_HORIZON_DAYS = 28
_WEEKS = range(20, 49)
_DAY_MS = 86_400_000


def under(event: LogEvent, own_id: str) -> LogEvent:
    """The event as if it came under an id."""
    fields = {**json.loads(event.value), "customer_id": own_id}
    return event._replace(customer_id=own_id, value=json.dumps(fields).encode())


def risks(events: Sequence[LogEvent]) -> dict[tuple[str, int], tuple[float, bool]]:
    """By customer and week, the risk and whether they churned, of the log as it is given."""
    settings = Settings(horizon_days=_HORIZON_DAYS, customer_ids="any")
    rules, decoder, now_ms = rules_of(settings), Decoder.of(settings), events[-1].at_ms + _DAY_MS
    learner = Learner(learner_settings_of(settings), components=RISK)
    replay = Replay(rules, learner, decoder, now_ms, examples_only=True)
    rows = evaluate(events, replay, decoder, now_ms, rules=rules, weeks=_WEEKS)
    names = replay.customers
    columns = (rows.customer.tolist(), rows.week.tolist(), rows.risk.tolist(), rows.churned.tolist())
    return {(names[who], week): (risk, churned) for who, week, risk, churned in zip(*columns, strict=True)}


def main() -> None:
    """Print a table and, with ``--json``, write it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", help="write the figures to this file")
    options = parser.parse_args()
    log = sorted(read_log(bundled(_LOG)), key=lambda event: event.at_ms)
    happenings = [*people_of([(event.customer_id, event.at_ms) for event in log], People(seed=options.seed))]
    resolver = Resolver()
    at_once: list[str] = []
    for one in happenings:
        for link in one.links:
            resolver.take(link)
        at_once.append(resolver.customer_of(one.own_id))
    ids = {
        "one id a person": [one.person for one in happenings],
        "ids as they come": [one.own_id for one in happenings],
        "joined when events come": at_once,
        "joined, histories follow": [resolver.customer_of(one.own_id) for one in happenings],
    }
    found = {name: risks([*map(under, log, of)]) for name, of in ids.items()}
    truth = found["one id a person"]
    common = sorted(set.intersection(*({*of} for of in found.values())))
    churned = np.array([truth[row][1] for row in common])
    figures = {}
    print(f"{len(common):,} rows, {churned.mean():.1%} churned")
    for name, of in found.items():
        risk = np.array([of[row][0] for row in common])
        seen = len(of.keys() & truth.keys()) / len(truth)
        figures[name] = {
            "auc": figures_of.auc(churned, risk),
            "log_loss": figures_of.log_loss(churned, risk),
            "rows": seen,
        }
        print(f"{name:<26} AUC {figures[name]['auc']:.4f}  log loss {figures[name]['log_loss']:.4f}  rows {seen:.1%}")
    if options.json:
        Path(options.json).write_text(json.dumps(figures, indent=2), "utf-8")


if __name__ == "__main__":
    main()
