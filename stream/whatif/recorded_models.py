"""What a log teaches, recorded once: which models scored when, and what was at stake of whom.

Learning takes nearly all the time of a replay and does not depend on whom a policy alerts. So a log is replayed once,
as production does it, and policies are tried with the models that were recorded (`stream.whatif.policy_replay`).
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from typing import Final

import msgspec
import xxhash
from msgspec import Struct

from stream.errors import SnapshotError
from stream.events.decode import Decoder
from stream.events.log_event import LogEvent
from stream.features.habit import RISK_POWER
from stream.online_models.components.churn import Churn
from stream.online_models.example import Overdue
from stream.online_models.learner import Learner
from stream.online_models.learner_settings import learner_settings_of
from stream.online_models.snapshot import decode_snapshot, encode_snapshot
from stream.processing.replay import Replay
from stream.processing.rules import rules_of
from stream.processing.scorer import Scorer
from stream.processing.step_outcome import StepOutcome
from stream.settings import Settings

__all__ = ["PlacedReplay", "Recording", "example_key", "record_models"]

_LEVEL: Final = 1


class _Stored(Struct, array_like=True):
    models: list[tuple[int, int, bytes]]
    stakes: dict[int, float | None]


class Recording:
    """``models``: from which place of a replay on which model scores; ``stakes``: by `example_key`.

    A stake is what a customer's silence weighed when the level of alerts was learned from it, None: nothing scored yet.
    """

    def __init__(self, models: Sequence[tuple[int, int, Scorer]], stakes: dict[int, float | None]) -> None:
        self.stakes = stakes
        self._models = models

    def reader(self) -> Callable[[int, int], Scorer | None]:
        """A function of places, to be asked in their order: the model from there on, None: as before."""
        position = 0

        def read(phase: int, part: int) -> Scorer | None:
            nonlocal position
            found = None
            while position < len(self._models) and self._models[position][:2] <= (phase, part):
                found = self._models[position][2]
                position += 1
            return found

        return read

    def dump(self) -> bytes:
        """For a file. It names no customer."""
        models = [
            (phase, part, encode_snapshot(scorer.snapshot))
            for phase, part, scorer in self._models
            if scorer.snapshot is not None
        ]
        return zlib.compress(msgspec.msgpack.encode(_Stored(models, self.stakes)), _LEVEL)

    @classmethod
    def load(cls, content: bytes) -> Recording:
        """What `dump` gave. Raises `SnapshotError` for something else."""
        try:
            stored = msgspec.msgpack.decode(zlib.decompress(content), type=_Stored)
        except (zlib.error, msgspec.DecodeError) as error:
            raise SnapshotError(f"this is not a recording of models: {error}") from error
        models = [(phase, part, Scorer.of(decode_snapshot(sealed))) for phase, part, sealed in stored.models]
        return cls(models, stored.stakes)


class PlacedReplay(Replay):
    """A replay that knows where it is, in the same way under every policy.

    ``phase``: how often the sweeps of timers have begun or ended; ``part``: outcomes accepted since.
    """

    phase = 0
    part = 0

    def _sweep(self) -> None:
        self._turn()
        super()._sweep()
        self._turn()

    def _turn(self) -> None:
        self.phase += 1
        self.part = 0

    def _accept(self, outcome: StepOutcome) -> None:
        self.part += 1
        super()._accept(outcome)


class _Recorder(PlacedReplay):
    """Learns as production does; builds neither documents nor records, which take a fifth of the time."""

    def __init__(self, settings: Settings, now_ms: int) -> None:
        self.models: list[tuple[int, int, Scorer]] = []
        self.stakes: dict[int, float | None] = {}
        learner = Learner(learner_settings_of(settings))
        super().__init__(rules_of(settings), learner, Decoder.of(settings, in_clear=True), now_ms, examples_only=True)

    def _accept(self, outcome: StepOutcome) -> None:
        for example in outcome.examples:
            if isinstance(example, Overdue):
                self._weigh(example)
        before = self.scorer
        super()._accept(outcome)
        if self.scorer is not before:
            self.models.append((self.phase, self.part, self.scorer))

    def _weigh(self, example: Overdue) -> None:
        """Weigh what `stream.online_models.components.stakes` is about to, by the model of this moment."""
        scoring = self.learner.of(Churn).scoring(self.learner.champion)
        stake = example.weight * scoring.risk(example.x) ** RISK_POWER if scoring.says_something else None
        self.stakes[example_key(example.customer_id, example.at_ms)] = stake


def record_models(events: Sequence[LogEvent], settings: Settings, now_ms: int) -> Recording:
    """Replay ``events``, which are in time order, as production does under ``settings``."""
    recorder = _Recorder(settings, now_ms)
    for _ in recorder.run(events):
        pass
    return Recording(recorder.models, recorder.stakes)


def example_key(customer_id: str, at_ms: int) -> int:
    """Of a customer who has come to be overdue at a time: a digest, so that a recording names nobody."""
    return xxhash.xxh3_64_intdigest(f"{at_ms}\0{customer_id}".encode())
