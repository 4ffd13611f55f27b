"""The landmarks in a packed profile that wait for their labels.

They lie on a grid and their inputs change little from one to the next, so each is written as its difference from the
one after it, and the newest from the profile and from the inputs of an unknown customer.

Inputs are written in the order of the features' numbers, which never change. How many numbers there are is that of the
program that wrote them: inputs that were not written are those of an unknown customer, and inputs that this program
does not know are left out.
"""

from __future__ import annotations

import numpy as np

from stream.catalogue.declaring import MAX_NUMBERS
from stream.compiling import jit
from stream.features.profile import MAX_PENDING, PROFILE
from stream.features.registry import COLUMN_OF_NUMBER, FEATURES, INPUT_SCALE
from stream.features.varint import (
    get_count,
    get_float,
    get_grid_time,
    get_int,
    put_float,
    put_grid_time,
    put_int,
    put_uint,
)

__all__ = ["MAX_LANDMARK_BYTES", "NUMBERS", "get_landmarks", "put_landmarks"]

#: Numbers up to that of the last feature.
NUMBERS = 1 + max(feature.number for feature in FEATURES)
_COLUMNS = PROFILE["pending_input"].shape[1]
#: What `put_landmarks` writes at most, and `get_landmarks` reads at most.
MAX_LANDMARK_BYTES = 16 + MAX_PENDING * (64 + MAX_NUMBERS // 8 + 9 * MAX_NUMBERS)

_NOTHING_KNOWN = np.array(
    [round(feature.input_of(feature.absent) * INPUT_SCALE) for feature in FEATURES], PROFILE["pending_input"].base
)


@jit
def _put_inputs(buffer, at, inputs, known, count):  # type: ignore[no-untyped-def]
    """A bit for each of ``count`` numbers whose input is not as ``known``, then their differences."""
    mask = at
    at += (count + 7) // 8
    for k in range(mask, at):
        buffer[k] = 0
    for number in range(min(count, NUMBERS)):
        j = COLUMN_OF_NUMBER[number]
        if j >= 0 and inputs[j] != known[j]:
            buffer[mask + number // 8] |= 1 << (number % 8)
            at = put_int(buffer, at, np.int64(inputs[j]) - np.int64(known[j]))
    return at


@jit
def _get_inputs(buffer, at, inputs, known, count):  # type: ignore[no-untyped-def]
    mask = at
    at += (count + 7) // 8
    for j in range(_COLUMNS):
        inputs[j] = known[j]
    for number in range(count):
        if buffer[mask + number // 8] & (1 << (number % 8)):
            difference, at = get_int(buffer, at)
            j = COLUMN_OF_NUMBER[number]
            if j >= 0:
                inputs[j] = known[j] + difference
    return at


@jit
def put_landmarks(p, buffer, at, numbers):  # type: ignore[no-untyped-def]
    """Write the pending landmarks of ``p``, newest first, with the inputs of that many numbers.

    Return the position after them.
    """
    at = put_uint(buffer, at, p.pending)
    time, logit, version = p.last_at, np.int64(0), p.risk_version
    orders, spend = p.orders, p.order_spend - p.refund_spend
    for k in range(p.pending - 1, -1, -1):
        at = put_grid_time(buffer, at, p.pending_at[k], time, p.phase_ms)
        at = put_float(buffer, at, p.pending_risk[k])
        at = put_int(buffer, at, np.int64(p.pending_logit[k]) - logit)
        at = put_int(buffer, at, version - p.pending_version[k])
        at = put_int(buffer, at, orders - p.pending_orders[k])
        at = put_int(buffer, at, spend - p.pending_spend[k])
        known = p.pending_input[k + 1] if k + 1 < p.pending else _NOTHING_KNOWN
        at = _put_inputs(buffer, at, p.pending_input[k], known, numbers)
        time, logit, version = p.pending_at[k], np.int64(p.pending_logit[k]), p.pending_version[k]
        orders, spend = p.pending_orders[k], p.pending_spend[k]
    return at


@jit
def get_landmarks(p, buffer, at, numbers, behind):  # type: ignore[no-untyped-def]
    """Read what `put_landmarks` wrote with so many ``numbers`` into ``p``, of which all else is known.

    Return the position after it.
    """
    p.pending, at = get_count(buffer, at, MAX_PENDING, behind)
    time, logit, version = p.last_at, np.int64(0), p.risk_version
    orders, spend = p.orders, p.order_spend - p.refund_spend
    for k in range(p.pending - 1, -1, -1):
        time, at = get_grid_time(buffer, at, time, p.phase_ms)
        p.pending_risk[k], at = get_float(buffer, at)
        fewer_logit, at = get_int(buffer, at)
        newer_version, at = get_int(buffer, at)
        more_orders, at = get_int(buffer, at)
        more_spend, at = get_int(buffer, at)
        logit += fewer_logit
        version -= newer_version
        orders -= more_orders
        spend -= more_spend
        p.pending_at[k] = time
        p.pending_logit[k] = logit
        p.pending_version[k] = version
        p.pending_orders[k] = orders
        p.pending_spend[k] = spend
        known = p.pending_input[k + 1] if k + 1 < p.pending else _NOTHING_KNOWN
        at = _get_inputs(buffer, at, p.pending_input[k], known, numbers)
    return at
