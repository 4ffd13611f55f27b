"""One replay of a run of `benchmarks.learning`, the risks of the references for the same rows, and the true risks."""

from collections.abc import Sequence
from pathlib import Path
from time import monotonic
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from benchmarks.learning_runs import Run
from benchmarks.references import REFERENCES, Landmarks, mbg_nbd, refitted
from benchmarks.simulated_shops import SHOPS, known_at, simulate, true_risk
from benchmarks.unseen_logs import BEGIN_MS, CHANGES, events_of, order_times
from stream.events.decode import Decoder
from stream.events.log import read_log
from stream.events.log_event import LogEvent
from stream.online_models.components import RISK, SCORING
from stream.online_models.learner import Learner
from stream.online_models.learner_settings import learner_settings_of
from stream.processing.kernel import Scores
from stream.processing.replay import Replay
from stream.processing.rolling_origin import Rows, evaluate
from stream.processing.rules import rules_of
from stream.settings import Settings

__all__ = ["Played"]

_ROOT: Final = Path(__file__).parents[1]
_SEED: Final = 7
_DAY_MS: Final = 86_400_000
_WEEK_MS: Final = 7 * _DAY_MS

Floats = npt.NDArray[np.float64]


class _Recording(Replay):
    """Keeps the inputs of all customers at each cut, by the time of the cut."""

    def __init__(self, *arguments: Any, examples_only: bool) -> None:
        super().__init__(*arguments, examples_only=examples_only)
        self.inputs: dict[int, npt.NDArray[np.int16]] = {}

    def score_all(self, now_ms: int) -> tuple[list[str], Scores]:
        customers, scores = super().score_all(now_ms)
        # features are of what happened before the cut
        self.inputs[now_ms + 1] = scores.inputs
        return customers, scores


class Played:
    """``rows``: from week 1 on; ``inputs``: int16[N, features] of each; ``seconds``: what the replay took."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._orders = simulate(SHOPS[run.log], _SEED) if run.is_simulated else None
        events = self._events()
        settings = Settings(horizon_days=run.horizon_days)
        rules, decoder, now_ms = rules_of(settings), Decoder.of(settings), events[-1].at_ms + _DAY_MS
        learner = Learner(learner_settings_of(settings), components=RISK if run.value is None else SCORING)
        replay = _Recording(rules, learner, decoder, now_ms, examples_only=run.value is None)
        weeks = range(1, run.last_week + 1)
        began = monotonic()
        self.rows: Rows = evaluate(events, replay, decoder, now_ms, rules=rules, weeks=weeks)
        self.seconds = round(monotonic() - began, 1)
        self._cuts_ms = sorted(replay.inputs)
        self.inputs = np.concatenate(
            [
                replay.inputs[cut][self.rows.customer[self.rows.week == week]]
                for week, cut in zip(weeks, self._cuts_ms, strict=True)
            ]
        )
        self._customers = replay.customers
        self._times = order_times(events)

    def _events(self) -> Sequence[LogEvent]:
        if self._orders is not None:
            return events_of(self._orders, _SEED)
        events = sorted(read_log(_ROOT / self._run.log), key=lambda e: e.at_ms)
        return events if self._run.change is None else CHANGES[self._run.change](events)

    def references(self) -> dict[str, Floats]:
        """The risk by each reference of the rows of the run's weeks, by name; NaN for other rows."""
        weeks = sorted({week for row in self._run.rows for week in range(row.weeks[0], row.weeks[1] + 1)})
        of = Landmarks(self.rows.week, self.inputs, self.rows.churned)
        found = {name: refitted(one, of, weeks, self._run.horizon_days // 7) for name, one in REFERENCES.items()}
        times = [self._times.get(customer, []) for customer in self._customers]
        at_cuts = np.array(mbg_nbd(times, self._cuts_ms, self._run.horizon_days))
        return found | {"MBG/NBD": at_cuts[self.rows.week - 1, self.rows.customer]}

    def truth(self) -> Floats | None:
        """The true risk of every row of a simulated shop."""
        if self._orders is None:
            return None
        numbers = np.array([int(customer.removeprefix("c")) for customer in self._customers])
        risk = np.empty(len(self.rows.week))
        for week, cut_ms in enumerate(self._cuts_ms, 1):
            rows = self.rows.week == week
            cut = (cut_ms - BEGIN_MS) / _DAY_MS
            who, known = known_at(self._orders, cut)
            place = np.searchsorted(who, numbers[self.rows.customer[rows]])
            if not np.array_equal(known.x[place] + 1.0, self.rows.orders[rows].round()):
                raise AssertionError("the rows are not those of the customers of the shop")
            risk[rows] = true_risk(SHOPS[self._run.log], known, cut, self._run.horizon_days)[place]
        return risk
