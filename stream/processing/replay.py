"""The whole path over an event log without Kafka and Redis: same decoder, kernel, learner; deterministic.

The model learns in step with event time: a run ends with the day at the latest, and time passes day by day where no
event is. What matures in one run is learned before the next run is scored, so the result is what a worker would give
whose trainer is never more than a day of events behind, in a large log as in a small one.
"""

from __future__ import annotations

from collections.abc import Callable

from stream.catalogue.declaring import Money
from stream.catalogue.wording import plain_money
from stream.events.decode import Decoder
from stream.online_models.learner import Learner
from stream.processing.bare_outcomes import BareOutcomes
from stream.processing.learning import LearningModels
from stream.processing.played_log import PlayedLog
from stream.processing.rules import Rules
from stream.processing.state import Outgoing
from stream.processing.step_outcome import OutcomeBuilder

__all__ = ["Replay"]


class Replay(PlayedLog):
    """Plays a log to a ``learner``. ``examples_only``: there are no documents and no records, and profiles, scores and
    models are the same, in half the time.
    """

    def __init__(
        self,
        rules: Rules,
        learner: Learner,
        decoder: Decoder,
        now_ms: int,
        *,
        run_records: int = 1000,
        on_outgoing: Callable[[Outgoing], None] = lambda _: None,
        money: Money = plain_money,
        examples_only: bool = False,
    ) -> None:
        self.learner = learner
        super().__init__(
            rules,
            LearningModels(learner, now_ms),
            decoder,
            now_ms,
            run_records=run_records,
            on_outgoing=on_outgoing,
            money=money,
            builder=BareOutcomes if examples_only else OutcomeBuilder,
        )
