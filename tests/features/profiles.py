"""Profiles under test: applies oracle events to them and reads their values."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from stream.events.columns import EVENT, UNKNOWN_AMOUNT
from stream.events.id_hashes import hash_event_ids, hash_ids
from stream.events.kinds import EventType
from stream.features import codec, vector
from stream.features.apply import apply
from stream.features.profile import PROFILE, reset
from stream.features.registry import FEATURE_NAMES, FEATURES, INPUT_SCALE
from tests.oracle.event import Event
from tests.oracle.features import Values
from tests.oracle.record import type_of

__all__ = ["UNKNOWN", "Profile", "columns"]

#: The model inputs of an unknown customer, by name.
UNKNOWN = {feature.name: round(feature.input_of(feature.absent) * INPUT_SCALE) for feature in FEATURES}


def columns(events: Sequence[Event]) -> npt.NDArray[np.void]:
    """The events as the core takes them."""
    rows = np.zeros(len(events), EVENT)
    rows["record"] = np.arange(len(events))
    rows["time"] = [event.at for event in events]
    rows["kind"] = [int(event.kind) for event in events]
    rows["amount"] = [UNKNOWN_AMOUNT if event.amount is None else event.amount for event in events]
    for event_type in EventType:
        of_type = [k for k, event in enumerate(events) if type_of(event) is event_type]
        rows["event_id"][of_type] = hash_event_ids(event_type, [events[k].event_id for k in of_type])
    orders = hash_ids([event.order_id for event in events])
    rows["order_id"] = np.where([bool(event.order_id) for event in events], orders, 0)
    return rows


class Profile:
    """One customer's profile."""

    def __init__(self, customer: str = "somebody") -> None:
        self._customer = customer
        self._rows = np.zeros(1, PROFILE)
        reset(self._rows[0], 0)

    @classmethod
    def of(cls, packed: bytes, customer: str = "somebody") -> "Profile":
        """The profile of the customer that is stored as these bytes."""
        profile = cls(customer)
        profile._rows = codec.unpack(packed, customer)
        return profile

    def apply(self, events: Sequence[Event]) -> list[int]:
        """Apply events in this order; return the outcome of each."""
        return [int(apply(self._rows[0], event)) for event in columns(events)]

    def repack(self) -> None:
        """Pack, store, read and unpack the profile, as happens between two steps."""
        self._rows = Profile.of(self.packed(), self._customer)._rows

    def packed(self, layout: int = codec.LAYOUT) -> bytes:
        """The canonical bytes."""
        return codec.pack(self._rows.copy(), self._customer, layout)

    def values(self, now: int) -> Values:
        """Feature values at ``now`` (ms), None for those that are not known yet."""
        out = np.empty(len(FEATURE_NAMES))
        vector.values(self._rows[0], now, out)
        return {
            name: None if math.isnan(value) else value for name, value in zip(FEATURE_NAMES, out.tolist(), strict=True)
        }

    def inputs(self, now: int) -> list[int]:
        """Model inputs at ``now``."""
        values = np.empty(len(FEATURE_NAMES))
        inputs = np.zeros(len(FEATURE_NAMES), np.int16)
        vector.values(self._rows[0], now, values)
        vector.quantise(values, inputs)
        return [int(x) for x in inputs]

    def freeze(self, at: int, inputs: Mapping[str, int]) -> None:
        """Let a landmark at ``at`` (ms) with these model inputs, by name, wait for its label."""
        row, k = self._rows[0], int(self._rows[0]["pending"])
        row["pending_at"][k], row["pending_risk"][k] = at, 0.5
        row["pending_input"][k] = [inputs.get(name, known) for name, known in UNKNOWN.items()]
        row["pending"] = k + 1

    def pending(self) -> list[dict[str, int]]:
        """The inputs by name of the landmarks that wait for their labels, without default values."""
        rows = self._rows[0]["pending_input"][: self._rows[0]["pending"]].tolist()
        known = UNKNOWN.items()
        return [{name: x for (name, of), x in zip(known, row, strict=True) if x != of} for row in rows]

    def set(self, **fields: int) -> None:
        """Set fields directly that would take too many events."""
        for name, value in fields.items():
            self._rows[0][name] = value

    def __getitem__(self, name: str) -> int:
        return int(self._rows[0][name])
