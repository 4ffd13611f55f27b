"""The replays of `benchmarks.learning`, and the rows of each."""

from typing import Final, NamedTuple

from benchmarks.simulated_shops import SHOPS

__all__ = ["CJ", "RUNS", "UCI", "Row", "Run"]

CJ, UCI = "examples/complete_journey_events.csv.gz", "examples/uci_online_retail_events.csv.gz"


class Row(NamedTuple):
    """Figures over ``weeks`` (first, last), of customers whose last order is at most ``active_days`` ago.

    ``bar``: AUC and log loss, of rows by which the defaults were chosen; the others are measured by their references.
    """

    name: str
    weeks: tuple[int, int]
    active_days: float | None = None
    bar: tuple[float, float] | None = None


class Run(NamedTuple):
    """One replay of a log, or of a simulated shop, with a horizon.

    ``log``: a path, or the name of a shop. ``change``: what is done to it, of `unseen_logs.CHANGES`. ``value``: the
    heading of the expected spend, where its deciles are shown.
    """

    name: str
    log: str
    horizon_days: int
    rows: tuple[Row, ...]
    change: str | None = None
    value: str | None = None

    @property
    def is_simulated(self) -> bool:
        return self.log in SHOPS

    @property
    def last_week(self) -> int:
        return max(row.weeks[1] for row in self.rows)


_TUNED: Final = (
    Run(
        "CJ 28 d",
        CJ,
        28,
        (
            Row("CJ 28 d, 20-48, all", (20, 48), None, (0.878, 0.311)),
            Row("CJ 28 d, 20-48, active", (20, 48), 56, (0.857, 0.282)),
            Row("CJ 28 d, 1-13", (1, 13)),
        ),
        value="The Complete Journey",
    ),
    Run(
        "CJ 56 d",
        CJ,
        56,
        (Row("CJ 56 d, 24-44, all", (24, 44), None, (0.895, 0.211)),),
    ),
    Run(
        "UCI 28 d",
        UCI,
        28,
        (Row("UCI 28 d, 20-48, all", (20, 48), None, (0.744, 0.489)), Row("UCI 28 d, 1-13", (1, 13))),
        value="Online Retail",
    ),
    Run(
        "UCI 91 d",
        UCI,
        91,
        (
            Row("UCI 91 d, 26-40, active", (26, 40), 91, (0.763, 0.560)),
            Row("UCI 91 d, 1-13", (1, 13)),
            Row("UCI 91 d, 16-40", (16, 40)),
        ),
    ),
)


def _unseen(log: str, path: str, horizon_days: int, weeks: tuple[int, int], change: str | None = None) -> Run:
    name = f"{log} {horizon_days} d" + (f", {change}" if change else "")
    return Run(name, path, horizon_days, (Row(f"{name}, {weeks[0]}-{weeks[1]}", weeks),), change)


_UNSEEN: Final = (
    _unseen("CJ", CJ, 91, (16, 39)),
    _unseen("CJ", CJ, 91, (16, 39), "cohort"),
    _unseen("CJ", CJ, 28, (20, 48), "cohort"),
    _unseen("CJ", CJ, 28, (20, 48), "no amounts"),
    _unseen("CJ", CJ, 28, (20, 48), "one order in ten dropped"),
    _unseen("UCI", UCI, 91, (16, 40), "cohort"),
    _unseen("UCI", UCI, 28, (20, 48), "cohort"),
    _unseen("UCI", UCI, 91, (16, 40), "no amounts"),
    _unseen("UCI", UCI, 91, (16, 40), "one order in ten dropped"),
)
_SIMULATED: Final = tuple(_unseen(name, name, 91, (16, 64)) for name in SHOPS)

#: By name.
RUNS: Final[dict[str, Run]] = {run.name: run for run in (*_TUNED, *_UNSEEN, *_SIMULATED)}
