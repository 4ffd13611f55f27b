"""Names of timers: unique in a partition, of the key of a state and the name of a timer in it."""

from __future__ import annotations

import msgspec

__all__ = ["key_of_timer", "parts_of_timer", "timer_of"]

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(tuple[str, str])


def timer_of(key: str, timer: str) -> str:
    """The name of a timer of a state, unique in a partition.

    >>> timer_of("c-1", "t-2")
    '["c-1","t-2"]'
    """
    return _encoder.encode((key, timer)).decode()


def parts_of_timer(name: str) -> tuple[str, str]:
    """What `timer_of` was given."""
    return _decoder.decode(name)


def key_of_timer(name: str) -> str:
    """The key of the state."""
    return parts_of_timer(name)[0]
