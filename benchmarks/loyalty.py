"""Learned loyalty on the two bundled logs: ``python -m benchmarks.loyalty [--write]``.

At each weekly landmark before which a customer ordered, the share of these orders that stays is predicted by what had
matured by then, for all customers. Nobody says anything in these logs, so what is tested is what orders tell. Errors
are mean squared. Beside the model's are those of the shop's share at the time, and of the customer's own share of the
horizon before, where there was one. ``--write`` puts the table between the markers in docs/learning.md.
"""

import argparse
import sys
from collections import defaultdict, deque
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.alerts import LOGS, PAGE, ROOT
from benchmarks.pages import write_table
from stream.events.decode import Decoder
from stream.events.log import read_log
from stream.online_models.components import SCORING
from stream.online_models.example import Example, Label, decode_example
from stream.online_models.learner import Learner
from stream.online_models.learner_settings import learner_settings_of
from stream.processing.outgoing import Topics
from stream.processing.replay import Replay
from stream.processing.rules import rules_of
from stream.processing.state import Outgoing
from stream.reporting.learned_loyalty import LoyaltyStanding, prequential, standings_of
from stream.settings import Settings

_DAY_MS = 86_400_000


class _Untaught(Learner):
    """Learns nothing: what became of customers does not depend on models."""

    def learn_run(self, examples: Sequence[Example]) -> None:
        """Nothing."""


def labels_of(log: Path) -> dict[str, list[Label]]:
    """The labels of each customer of a log, in the order of their times."""
    settings = Settings()
    events = sorted(read_log(log), key=lambda event: event.at_ms)
    now_ms = events[-1].at_ms + _DAY_MS
    found: dict[str, list[Label]] = defaultdict(list)

    def keep(record: Outgoing) -> None:
        if record.topic == Topics().training_examples:
            example = decode_example(record.value or b"")
            if isinstance(example, Label):
                found[example.customer_id].append(example)

    learner = _Untaught(learner_settings_of(settings), components=SCORING)
    replay = Replay(rules_of(settings), learner, Decoder.of(settings), now_ms, on_outgoing=keep)
    deque(replay.run(events), maxlen=0)
    return {customer: sorted(labels, key=lambda label: label.at_ms) for customer, labels in found.items()}


def row(name: str, log: Path) -> str:
    """The figures of a log, as a row of Markdown."""
    histories = labels_of(log)
    told = [one for history in histories.values() for one in told_before(history)]
    _, checked = prequential([standing for standing, _ in told])
    if checked.learned is None or checked.rate is None:
        raise ValueError(f"{name}: expected enough labels to learn from, found {checked.labels}")
    tested = [(one.stayed - before) ** 2 for one, before in told if before is not None]
    horizon = next(label.horizon_ms for history in histories.values() for label in history) // _DAY_MS
    share = float(np.mean(tested)) if tested else float("nan")
    return (
        f"| {name} | {horizon} days | {checked.labels:,} | {checked.expected:.3f} | {checked.stayed:.3f} | "
        f"{checked.learned:.4f} | {checked.rate:.4f} | {share:.4f} |"
    )


def told_before(history: list[Label]) -> list[tuple[LoyaltyStanding, float | None]]:
    """Each landmark as if its customer had said something, and the share that stayed over the horizon before it."""
    standings = list(standings_of(history, None))
    known: dict[int, float] = {one.matured_ms: one.stayed for one in standings}
    return [(one._replace(has_said=True), known.get(one.at_ms)) for one in standings]


def main() -> None:
    """Print the table, and with ``--write`` put it into the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    lines = [
        "| log | horizon | landmarks | expected | stayed | error: learned | the shop's share | the customer's last |",
        "|---|---|---|---|---|---|---|---|",
        *(row(name, ROOT / log) for name, log in LOGS.items()),
    ]
    found = "\n".join(lines)
    sys.stdout.write(f"{found}\n")
    if options.write:
        write_table(PAGE, "loyalty", found)


if __name__ == "__main__":
    main()
