"""How far a comparison of policies is, told from the process that compares to the one that shows it."""

from __future__ import annotations

from typing import Final

import msgspec

__all__ = ["LEARNING", "TRYING", "StageProgress", "decode_progress", "encode_progress"]

#: Learning from all events, once for a log; and going through them under a policy.
LEARNING: Final = "learning"
TRYING: Final = "trying"


class StageProgress(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``share`` of the events of a stage that are done, 0 to 1; ``left_s``: until its end, None: not known yet."""

    stage: str
    share: float
    left_s: float | None


_DECODER: Final = msgspec.json.Decoder(StageProgress)


def encode_progress(progress: StageProgress) -> str:
    """A line of JSON.

    >>> encode_progress(StageProgress(LEARNING, 0.5, 20.0))
    '{"stage":"learning","share":0.5,"left_s":20.0}'
    """
    return msgspec.json.encode(progress).decode()


def decode_progress(line: bytes) -> StageProgress | None:
    """What a line tells; None for another line, such as an error for people."""
    try:
        return _DECODER.decode(line)
    except msgspec.DecodeError:
        return None
