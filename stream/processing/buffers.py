"""What the compiled loops work in. A run of them has it to itself."""

from __future__ import annotations

import numpy as np

from stream.features import codec
from stream.features.profile import NEVER, PROFILE
from stream.features.registry import FEATURES
from stream.processing.advance import FIRED
from stream.processing.customer_loop import STANDING, LatestVectors, LoopOutput
from stream.processing.deciding import SUPPRESSED
from stream.processing.emission import EMISSION, STAGE_CHANGE, StageChanges

__all__ = ["Buffers"]

#: Emissions that are taken from the compiled code at a time.
_EMISSIONS = 4096


class Buffers:
    """What one run of the loops works in: 3 MB, and as much as the packed profiles of the largest step take."""

    def __init__(self) -> None:
        self.working = np.zeros(1, PROFILE)
        self.raw = np.empty(codec.MAX_BYTES, np.uint8)
        self._emissions = np.zeros(_EMISSIONS, EMISSION)
        self._changes = StageChanges(np.zeros(_EMISSIONS, STAGE_CHANGE), np.zeros(1, np.int64))
        self._value = np.zeros(len(FEATURES))
        self._input = np.zeros(len(FEATURES), np.int16)

    def output_for(self, count: int, raw: int, layout: int) -> LoopOutput:
        """Room for what a loop leaves of so many customers, whose packed profiles take so many bytes at first."""
        if len(self.raw) < raw:
            self.raw = np.empty(raw, np.uint8)
        return LoopOutput(
            layout=layout,
            raw=self.raw,
            ends=np.zeros(count, np.int64),
            standing=np.zeros(count, STANDING),
            emissions=self._emissions,
            tally=np.zeros(len(FIRED) + len(SUPPRESSED), np.int64),
            looks=LatestVectors(
                at=np.full(count, NEVER),
                values=np.zeros((count, len(FEATURES))),
                inputs=np.zeros((count, len(FEATURES)), np.int16),
                value=self._value,
                input=self._input,
            ),
            changes=self._changes,
        )

    def enlarged(self, left: LoopOutput) -> LoopOutput:
        """Twice the room for packed profiles, with what is there."""
        self.raw = np.concatenate([self.raw, np.empty_like(self.raw)])
        return left._replace(raw=self.raw)
