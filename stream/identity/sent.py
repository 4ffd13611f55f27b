"""Which events went to a customer, so that one that comes again goes there again."""

from typing import Final

from msgspec import Struct

__all__ = ["MAX_IDS", "RETENTION_S", "Sent"]

#: As long and as many as a profile remembers ids (docs/architecture.md, Duplicates and late events).
RETENTION_S: Final = 90 * 86_400
MAX_IDS: Final = 1024

_HASH_BYTES: Final = 6
_HASH_BITS: Final = 8 * _HASH_BYTES
_TIME_BYTES: Final = 4
_ENTRY: Final = _HASH_BYTES + _TIME_BYTES
#: Ids are dropped so many at a time, and so long after they could have been.
_SLACK_IDS: Final = 128
_SLACK_S: Final = 30 * 86_400


class Sent(Struct, array_like=True):
    """The events of an id that went to ``customer``.

    ``ids``: of each event its 48-bit hash and its time (seconds since the epoch), ten bytes. ``floor_s``: events up to
    this time have been forgotten; the profile of the customer refuses them as too late. ``newest_s``: the newest event.
    """

    customer: str
    ids: bytes = b""
    floor_s: int = -1
    newest_s: int = -1

    def covers(self, event_id: int, at_s: int) -> bool:
        """Whether the event is known to have gone there, or may have."""
        return at_s <= self.floor_s or self.has(event_id)

    def has(self, event_id: int) -> bool:
        """Whether the event is known to have gone there."""
        wanted = event_id.to_bytes(_HASH_BYTES, "little")
        at = self.ids.find(wanted)
        while at >= 0 and at % _ENTRY:
            at = self.ids.find(wanted, at + 1)
        return at >= 0

    def note(self, event_id: int, at_s: int) -> None:
        """The event goes there, and has not before."""
        self.ids += (event_id | max(at_s, 0) << _HASH_BITS).to_bytes(_ENTRY, "little")
        self.newest_s = max(self.newest_s, at_s)
        is_old = int.from_bytes(self.ids[_HASH_BYTES:_ENTRY], "little") < self.newest_s - RETENTION_S - _SLACK_S
        if is_old or len(self.ids) > (MAX_IDS + _SLACK_IDS) * _ENTRY:
            self._forget()

    def _forget(self) -> None:
        """Keep the newest ids only."""
        entries = [self.ids[at : at + _ENTRY] for at in range(0, len(self.ids), _ENTRY)]
        entries.sort(key=_second_of)
        edge_s = self.newest_s - RETENTION_S
        gone = max(len(entries) - MAX_IDS, sum(_second_of(entry) < edge_s for entry in entries))
        if gone:
            self.floor_s = max(self.floor_s, _second_of(entries[gone - 1]))
            self.ids = b"".join(entries[gone:])


def _second_of(entry: bytes) -> int:
    return int.from_bytes(entry[_HASH_BYTES:], "little")
