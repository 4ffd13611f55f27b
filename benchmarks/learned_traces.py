"""What models keep of one person: ``python -m benchmarks.learned_traces [LOG] [--share 4] [--persons 6]``.

A log is learned with all its customers, and again without one of them: those with the most events, and some others. The
change is that of what is said of everybody else at the end of the log. ``--share N``: one customer in N only.
"""

from __future__ import annotations

import argparse
import random
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import xxhash

from stream.cli.bundled import bundled
from stream.events.decode import Decoder
from stream.events.log import read_log
from stream.events.log_event import LogEvent
from stream.features.registry import INPUT_SCALE
from stream.online_models.learner import Learner
from stream.online_models.learner_settings import learner_settings_of
from stream.processing.replay import Replay
from stream.processing.rules import rules_of
from stream.settings import Settings

__all__ = ["Learned", "Moved", "learned", "moved", "part_of", "persons_of"]

_DAY_MS: Final = 86_400_000


class Learned(NamedTuple):
    """At the end of a log: by customer the risk and the segment, and the logarithms of the purchase process."""

    risks: dict[str, float]
    segments: dict[str, str | None]
    process: tuple[float, ...]


class Moved(NamedTuple):
    """The largest change of a risk and the 99th percentile, the share of segments that differ, the largest change of a
    logarithm of the purchase process.
    """

    risk: float
    risk_99: float
    segments: float
    process: float


def learned(events: Sequence[LogEvent], end_ms: int, settings: Settings) -> Learned:
    """Learn ``events``, in time order, and score everybody as of ``end_ms``."""
    learner = Learner(learner_settings_of(settings))
    replay = Replay(
        rules_of(settings), learner, Decoder.of(settings, in_clear=True), end_ms + _DAY_MS, examples_only=True
    )
    for _ in replay.run(events):
        pass
    replay.advance_to(end_ms)
    customers, scores = replay.score_all(end_ms)
    model = replay.scorer.model
    risks = scores.risks if model.ready else np.full(len(customers), np.nan)
    segments = learner.snapshot(0).segments
    names: list[str | None] = [None] * len(customers)
    if segments is not None:
        names = [segments.names[place] for place in segments.nearest(scores.inputs / INPUT_SCALE).tolist()]
    process = learner.process
    logs = () if process is None else tuple(np.log([process.r, process.alpha, process.a, process.b]).tolist())
    return Learned(dict(zip(customers, risks.tolist(), strict=True)), dict(zip(customers, names, strict=True)), logs)


def moved(everybody: Learned, without: Learned) -> Moved:
    """What one person changes for all others, where both models are ready."""
    others = [who for who in without.risks if who in everybody.risks]
    change = np.abs([everybody.risks[who] - without.risks[who] for who in others])
    change = change[~np.isnan(change)]
    differ = sum(everybody.segments[who] != without.segments[who] for who in others)
    return Moved(
        risk=float(change.max(initial=0.0)),
        risk_99=float(np.quantile(change, 0.99)) if len(change) else 0.0,
        segments=differ / max(len(others), 1),
        process=max(
            (abs(one - other) for one, other in zip(everybody.process, without.process, strict=True)), default=0.0
        ),
    )


def part_of(events: Sequence[LogEvent], share: int) -> list[LogEvent]:
    """The events of one customer in ``share``, chosen by the hashes of their ids."""
    return [event for event in events if xxhash.xxh3_64_intdigest(event.customer_id.encode()) % share == 0]


def persons_of(events: Sequence[LogEvent], count: int) -> list[str]:
    """Half of them those with the most events, the others at random."""
    ranked = [who for who, _ in Counter(event.customer_id for event in events).most_common()]
    most = ranked[: (count + 1) // 2]
    return most + random.Random(7).sample(ranked[len(most) :], min(count - len(most), len(ranked) - len(most)))


def main() -> None:
    """Print a row for each person."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("log", nargs="?", type=Path, default=bundled("complete_journey_events.csv.gz"))
    parser.add_argument("--share", type=int, default=1)
    parser.add_argument("--persons", type=int, default=6)
    given = parser.parse_args()
    events = part_of(sorted(read_log(given.log), key=lambda event: event.at_ms), given.share)
    end_ms = max(event.at_ms for event in events) + 1
    settings = Settings(customer_ids="any")
    everybody = learned(events, end_ms, settings)
    counts = Counter(event.customer_id for event in events)
    print(f"{len(counts):,} customers, {len(events):,} events", flush=True)
    for who in persons_of(events, given.persons):
        found = moved(everybody, learned([event for event in events if event.customer_id != who], end_ms, settings))
        print(
            f"without {who} ({counts[who]} events): risk {found.risk:.5f}, 99 % {found.risk_99:.5f}, times customers "
            f"{found.risk * len(counts):.1f}; segments {found.segments:.3%}; purchase process {found.process:.5f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
