"""The columnar form in which events enter the core."""

import numpy as np

__all__ = ["EVENT", "HASH_BITS", "MONEY_SCALE", "UNKNOWN_AMOUNT"]

#: Money is counted in 1/10,000 of the currency's major unit, so that sums are exact and commute.
MONEY_SCALE = 10_000

#: Stands for an amount that an event does not tell: of a completed order it is not known, a refund is of all of it.
UNKNOWN_AMOUNT = -1

#: Event and order ids are known by the low 48 bits of XXH3-64 of their UTF-8 bytes.
HASH_BITS = 48

#: One accepted event. ``record`` is the position of its record in the decoded batch; ``time`` is event time, and
#: ``appended`` the time of the record, in ms since the epoch; ``amount`` is in 1/MONEY_SCALE of the base currency (0
#: unless an order completed or refunded, of which it may be `UNKNOWN_AMOUNT`); ``event_id`` and ``order_id`` are 48-bit
#: hashes (``order_id`` is 0 when there is none), that of an event id also one of its type.
EVENT = np.dtype(
    [
        ("time", np.int64),
        ("appended", np.int64),
        ("amount", np.int64),
        ("event_id", np.int64),
        ("order_id", np.int64),
        ("record", np.int32),
        ("kind", np.uint8),
    ],
    align=True,
)
