"""The state of one customer as a fixed record.

A step of a partition works on an array of these; between steps a profile lives packed (``stream.features.codec``).
Variable-length parts have a count next to them: entries at and beyond the count are undefined, so a working
array needs no clearing beyond `reset`.
"""

from __future__ import annotations

import numpy as np

from stream.catalogue.events import CHANNELS, PLACE_OF_CHANNEL
from stream.compiling import jit
from stream.features.registry import DAY_MS, FEATURES

__all__ = [
    "CART",
    "CLICK",
    "DAY_TILES",
    "EMAIL",
    "HOUR_TILES",
    "MAX_IDS",
    "MAX_ORDERS",
    "MAX_PENDING",
    "MAX_REFUNDS",
    "MAX_RETRACTIONS",
    "MINUTE_TILES",
    "NEVER",
    "PROFILE",
    "PURCHASE",
    "RETENTION_MS",
    "reset",
]

#: The time that stands for "not yet" in a maximum and "no timer" in a minimum.
NEVER = np.int64(-(2**62))

#: Events older than this against the customer's newest event are not applied (they cannot be checked for duplicates).
RETENTION_MS = 90 * DAY_MS

#: Channels of a tile, by name. Hour and five-minute tiles have the fine ones.
CLICK, EMAIL, PURCHASE, CART = (PLACE_OF_CHANNEL[name] for name in ("click", "email", "purchase", "cart"))
_FINE_CHANNELS = sum(channel.is_fine for channel in CHANNELS)

#: Ring lengths: the window in hops, one more for the tile that the tail cuts, rounded up for the modulo.
MINUTE_TILES, HOUR_TILES, DAY_TILES = 16, 32, 96

MAX_IDS = 1024
MAX_ORDERS = 64
MAX_REFUNDS = 32
MAX_RETRACTIONS = 16
MAX_PENDING = 15

_INPUTS = len(FEATURES)

PROFILE = np.dtype(
    [
        # tiles: a ring slot belongs to the tile whose index is its stamp
        ("day_stamp", np.int32, (DAY_TILES,)),
        ("day_count", np.int32, (DAY_TILES, len(CHANNELS))),
        ("day_spend", np.int64, (DAY_TILES,)),
        ("hour_stamp", np.int32, (HOUR_TILES,)),
        ("hour_count", np.int32, (HOUR_TILES, _FINE_CHANNELS)),
        ("minute_stamp", np.int32, (MINUTE_TILES,)),
        ("minute_count", np.int32, (MINUTE_TILES, _FINE_CHANNELS)),
        # whole history
        ("first_at", np.int64),
        ("last_at", np.int64),
        ("last_click_at", np.int64),
        ("last_email_at", np.int64),
        ("unsubscribed_at", np.int64),
        ("events", np.int64),
        ("emails_sent", np.int64),
        ("emails_opened", np.int64),
        ("emails_clicked", np.int64),
        ("orders", np.int64),
        ("order_days", np.int64),
        # orders of which no amount is known
        ("unpriced", np.int64),
        ("refunds", np.int64),
        ("order_spend", np.int64),
        ("refund_spend", np.int64),
        # orders that can still change; older ones are settled. One more fits in than stays
        ("first_order_at", np.int64),
        ("last_order_at", np.int64),
        ("settled_first_at", np.int64),
        ("settled_last_at", np.int64),
        ("open_orders", np.int64),
        ("order_id", np.int64, (MAX_ORDERS + 1,)),
        ("order_at", np.int64, (MAX_ORDERS + 1,)),
        ("order_amount", np.int64, (MAX_ORDERS + 1,)),
        ("order_amount_at", np.int64, (MAX_ORDERS + 1,)),
        ("open_refunds", np.int64),
        ("refund_id", np.int64, (MAX_REFUNDS + 1,)),
        ("refund_at", np.int64, (MAX_REFUNDS + 1,)),
        ("refund_amount", np.int64, (MAX_REFUNDS + 1,)),
        ("retractions", np.int64),
        ("retraction_id", np.int64, (MAX_RETRACTIONS,)),
        ("retraction_at", np.int64, (MAX_RETRACTIONS,)),
        # duplicate memory, in whole seconds: nothing at or before the floor can be checked any more
        ("ids", np.int64),
        ("ids_floor_s", np.int64),
        ("id_hash", np.int64, (MAX_IDS,)),
        ("id_at_s", np.int64, (MAX_IDS,)),
        # while unpacked: how many ids of a full memory were replaced since all were in order, and the oldest such one
        ("ids_turned", np.int64),
        ("ids_added_s", np.int64),
        # while unpacked: the habit (`stream.features.habit`), whether it is out of date, and room for counting gaps
        ("habit_due", np.bool_),
        ("habit_days", np.float64),
        ("long_gap_days", np.float64),
        ("habit_shop_gap", np.float64),
        ("gap_count", np.int32, (DAY_TILES,)),
        # landmarks: the grid, and what was frozen on it until its label matures
        ("phase_ms", np.int64),
        ("next_landmark_at", np.int64),
        ("pending", np.int64),
        ("pending_at", np.int64, (MAX_PENDING,)),
        ("pending_risk", np.float64, (MAX_PENDING,)),
        ("pending_logit", np.int16, (MAX_PENDING,)),
        ("pending_version", np.int64, (MAX_PENDING,)),
        ("pending_orders", np.int64, (MAX_PENDING,)),
        ("pending_spend", np.int64, (MAX_PENDING,)),
        ("pending_input", np.int16, (MAX_PENDING, _INPUTS)),
        # the last evaluation, and the time of the next crossing if the customer stays silent
        ("as_of", np.int64),
        ("risk", np.float64),
        ("risk_version", np.int64),
        ("segment", np.int64),
        ("segment_version", np.int64),
        ("check_at", np.int64),
        # foreseen at the last landmark beyond the next one; an order makes it void
        ("at_risk_from", np.int64),
        ("check_due", np.bool_),
        ("raised", np.bool_),
        ("raised_at", np.int64),
        ("cooldown_until", np.int64),
        # the stage (`stream.features.stages`), since when, why, and whether the last order won the customer back
        ("stage", np.int64),
        ("stage_since", np.int64),
        ("stage_cause", np.int64),
        ("won_back", np.bool_),
    ],
    align=True,
)


@jit
def reset(p, phase_ms):  # type: ignore[no-untyped-def]
    """Make record ``p`` the profile of an unknown customer."""
    p.day_stamp[:] = -1
    p.hour_stamp[:] = -1
    p.minute_stamp[:] = -1
    p.first_at = -NEVER
    p.last_at = NEVER
    p.last_click_at = NEVER
    p.last_email_at = NEVER
    p.unsubscribed_at = NEVER
    p.events = 0
    p.emails_sent = 0
    p.emails_opened = 0
    p.emails_clicked = 0
    p.orders = 0
    p.order_days = 0
    p.unpriced = 0
    p.refunds = 0
    p.order_spend = 0
    p.refund_spend = 0
    p.first_order_at = -NEVER
    p.last_order_at = NEVER
    p.settled_first_at = -NEVER
    p.settled_last_at = NEVER
    p.open_orders = 0
    p.open_refunds = 0
    p.retractions = 0
    p.ids = 0
    p.ids_floor_s = NEVER
    p.ids_turned = MAX_IDS
    p.ids_added_s = -NEVER
    p.habit_due = True
    p.phase_ms = phase_ms
    p.next_landmark_at = -NEVER
    p.pending = 0
    p.as_of = NEVER
    p.risk = np.nan
    p.risk_version = 0
    p.segment = -1
    p.segment_version = 0
    p.check_at = -NEVER
    p.at_risk_from = -NEVER
    p.check_due = False
    p.raised = False
    p.raised_at = NEVER
    p.cooldown_until = NEVER
    p.stage = 0
    p.stage_since = NEVER
    p.stage_cause = 0
    p.won_back = False
