"""What a log has taught, as it is kept: which models scored when, and what was at stake of whom.

Learning takes nearly all the time of a replay and does not depend on whom a policy alerts. So a log is replayed once,
as production does it (`stream.whatif.recording`), and policies are tried with the models that were recorded
(`stream.whatif.policy_replay`). Nothing here needs what learns, which takes a second to import.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from typing import Final

import msgspec
import xxhash
from msgspec import Struct

from stream.errors import SnapshotError
from stream.online_models.snapshot import decode_snapshot
from stream.processing.played_log import PlayedPlace
from stream.processing.scorer import Scorer

__all__ = ["Recording", "example_key"]

_LEVEL: Final = 1


class _Stored(Struct, array_like=True):
    models: list[tuple[int, int, bytes]]
    stakes: dict[int, float | None]


class Recording:
    """``models``: from which place of a replay on which snapshot scores, encoded; the first from the beginning.

    ``stakes``: what a customer's silence weighed when the level of alerts was learned from it, by `example_key`; None:
    nothing scored yet.
    """

    def __init__(self, models: Sequence[tuple[PlayedPlace, bytes]], stakes: dict[int, float | None]) -> None:
        self.stakes = stakes
        self._models = models
        self._scorers: dict[int, Scorer] = {}

    def reader(self) -> Callable[[PlayedPlace], Scorer | None]:
        """A function of places, to be asked in their order: the model from there on, None: as before."""
        position = 0

        def read(place: PlayedPlace) -> Scorer | None:
            nonlocal position
            before = position
            while position < len(self._models) and self._models[position][0] <= place:
                position += 1
            return None if position == before else self._scorer(position - 1)

        return read

    def dump(self) -> bytes:
        """For a file. It names no customer."""
        models = [(*place, encoded) for place, encoded in self._models]
        return zlib.compress(msgspec.msgpack.encode(_Stored(models, self.stakes)), _LEVEL)

    @classmethod
    def load(cls, content: bytes) -> Recording:
        """What `dump` gave. Raises `SnapshotError` for something else."""
        try:
            stored = msgspec.msgpack.decode(zlib.decompress(content), type=_Stored)
        except (zlib.error, msgspec.DecodeError) as error:
            raise SnapshotError(f"this is not a recording of models: {error}") from error
        return cls([(PlayedPlace(phase, part), encoded) for phase, part, encoded in stored.models], stored.stakes)

    def _scorer(self, position: int) -> Scorer:
        # two policies ask for the same ones
        if position not in self._scorers:
            self._scorers[position] = Scorer.of(decode_snapshot(self._models[position][1]))
        return self._scorers[position]


def example_key(customer_id: str, at_ms: int) -> int:
    """Of a customer who has come to be overdue at a time: a digest, so that a recording names nobody."""
    return xxhash.xxh3_64_intdigest(f"{at_ms}\0{customer_id}".encode())
