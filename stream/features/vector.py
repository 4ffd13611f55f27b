"""Feature values and model inputs of a profile at a stated time."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from stream.catalogue.declaring import Transform, Window
from stream.catalogue.events import PLACE_OF_CHANNEL
from stream.catalogue.summing import MONEY
from stream.catalogue.windows import DAY_1, DAY_28, HOUR_1, WINDOWS
from stream.compiling import jit, jit_inline
from stream.events.columns import MONEY_SCALE
from stream.features.profile import (
    CART,
    CLICK,
    DAY_TILES,
    EMAIL,
    NEVER,
    PURCHASE,
)
from stream.features.registry import COLUMN, DAY_MS, FEATURES, INPUT_SCALE

__all__ = ["quantise", "values"]

_SINCE_CLICK = COLUMN["days_since_click"]
_SINCE_EMAIL = COLUMN["days_since_email"]
_SINCE_PURCHASE = COLUMN["days_since_purchase"]
_TENURE = COLUMN["tenure"]
_TOTAL = COLUMN["purchases_total"]
_GAP = COLUMN["purchase_gap"]
_SILENCE = COLUMN["silence_ratio"]
_ORDER_VALUE = COLUMN["order_value"]
_OPEN_RATE = COLUMN["email_open_rate"]
_CLICK_RATE = COLUMN["email_click_rate"]
_OPEN_CARTS = COLUMN["open_cart_additions"]
_REFUND_RATIO = COLUMN["refund_ratio"]
_ACTIVE_DAYS = COLUMN["active_days_28d"]
_PURCHASE_DAYS = COLUMN["purchase_days"]
_INTERVAL = COLUMN["purchase_interval"]
_MONEY = float(MONEY_SCALE)
_DAY = float(DAY_MS)


#: Windows of days, shortest first, in hops: the tile that is so many before the present one is cut by the tail and
#: counts whole.
_DAY_WINDOWS = tuple(window for window in WINDOWS if window.hop_ms == DAY_MS)
_DAY_SPANS = np.array([window.hops for window in _DAY_WINDOWS])
#: Where `_DAY_WINDOWS` ends that expressions over days look at.
_MONTH = _DAY_WINDOWS.index(DAY_28)


def _sums(window: Window, source: str = "") -> list[tuple[int, int]]:
    """(column, channel) of each feature that sums a channel over ``window``; or the columns that sum ``source``."""
    return [
        (column, PLACE_OF_CHANNEL.get(feature.source, -1))
        for column, feature in enumerate(FEATURES)
        if feature.window == window and feature.source and (feature.source == MONEY) == bool(source)
    ]


def _table(rows: list[list[tuple[int, int]]]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Rows end to end, int64[pairs, 2], and where each begins and the last ends."""
    starts = np.cumsum([0, *map(len, rows)])
    return np.array([pair for row in rows for pair in row], np.int64).reshape(-1, 2), starts


_MINUTE_HOP, _MINUTE_SPAN = HOUR_1.hop_ms, HOUR_1.hops
_HOUR_HOP, _HOUR_SPAN = DAY_1.hop_ms, DAY_1.hops
_MINUTE_SUMS, _ = _table([_sums(HOUR_1)])
_HOUR_SUMS, _ = _table([_sums(DAY_1)])

#: The longest window over which a channel is summed: its column is where the days are added up.
_LONGEST = {channel: (k, column) for k, window in enumerate(_DAY_WINDOWS) for column, channel in _sums(window)}
#: (column, channel) of what is added up, those of long windows first, and how many are in the days of each window.
_ADDED = np.array(
    [(column, channel) for channel, (_, column) in sorted(_LONGEST.items(), key=lambda item: (-item[1][0], item[0]))],
    np.int64,
).reshape(-1, 2)
_ADDED_IN = np.array([sum(longest >= k for longest, _ in _LONGEST.values()) for k in range(len(_DAY_WINDOWS))])
#: (column, column in which it is added up) of the features of each window but the longest of a channel.
_SHOWN, _SHOWN_STARTS = _table(
    [
        [(column, _LONGEST[channel][1]) for column, channel in _sums(window) if _LONGEST[channel][0] != k]
        for k, window in enumerate(_DAY_WINDOWS)
    ]
)
_SPENT, _SPENT_STARTS = _table([_sums(window, MONEY) for window in _DAY_WINDOWS])

_MISSING = np.array([feature.missing for feature in FEATURES])
_LOG1P = np.array([feature.transform is Transform.LOG1P for feature in FEATURES])
_INPUT_LIMIT = 32_767
#: Inputs of whole numbers under LOG1P: most values are small counts, and a logarithm costs more than all else here.
_LOGARITHMS = np.array([round(math.log1p(x) * INPUT_SCALE) for x in range(1024)], np.int16)


@jit_inline
def _live(p, now, hop, span):  # type: ignore[no-untyped-def]
    """First and last tile of the window that can hold anything, by index; an empty range when none can."""
    index = now // hop
    return max(index - span, p.first_at // hop, 0), min(index, p.last_at // hop)


@jit_inline
def _short_window(p, now, hop, span, stamps, counts, sums, out):  # type: ignore[no-untyped-def]
    for k in range(sums.shape[0]):
        out[sums[k, 0]] = 0.0
    first, last = _live(p, now, hop, span)
    slot = first % stamps.shape[0]
    for index in range(first, last + 1):
        if stamps[slot] == index:
            for k in range(sums.shape[0]):
                out[sums[k, 0]] += counts[slot, sums[k, 1]]
        slot += 1
        if slot == stamps.shape[0]:
            slot = 0


@jit
def _sum_days(p, first, last, last_order_day, added, out):  # type: ignore[no-untyped-def]
    """Add days ``first``..``last`` to the first ``added`` sums; their spend, active days, additions after the order."""
    spend = np.int64(0)
    active_days = 0
    additions = 0
    slot = first % DAY_TILES
    for day in range(first, last + 1):
        if p.day_stamp[slot] == day:
            counts = p.day_count[slot]
            for k in range(added):
                out[_ADDED[k, 0]] += counts[_ADDED[k, 1]]
            spend += p.day_spend[slot]
            if counts[CLICK] > 0 or counts[EMAIL] > 0 or counts[PURCHASE] > 0:
                active_days += 1
            if day > last_order_day:
                additions += counts[CART]
        slot += 1
        if slot == DAY_TILES:
            slot = 0
    return spend, active_days, additions


@jit
def _day_windows(p, now, out):  # type: ignore[no-untyped-def]
    """The days of a window are those of the next shorter one, and the older ones of its own."""
    today = now // DAY_MS
    last_order_day = p.last_order_at // DAY_MS if p.last_order_at != NEVER else -1
    first, last = _live(p, now, DAY_MS, _DAY_SPANS[-1])
    for k in range(_ADDED.shape[0]):
        out[_ADDED[k, 0]] = 0.0
    spend = np.int64(0)
    active_days = 0
    additions = 0
    for window in range(_DAY_SPANS.shape[0]):
        begin = max(first, today - _DAY_SPANS[window])
        sums = _sum_days(p, begin, last, last_order_day, _ADDED_IN[window], out)
        spend += sums[0]
        active_days += sums[1]
        additions += sums[2]
        for k in range(_SHOWN_STARTS[window], _SHOWN_STARTS[window + 1]):
            out[_SHOWN[k, 0]] = out[_SHOWN[k, 1]]
        for k in range(_SPENT_STARTS[window], _SPENT_STARTS[window + 1]):
            out[_SPENT[k, 0]] = spend / _MONEY
        if window == _MONTH:
            out[_ACTIVE_DAYS] = active_days
            out[_OPEN_CARTS] = additions
        last = min(begin - 1, last)


@jit
def _days_since(at, now):  # type: ignore[no-untyped-def]
    return (now - at) / _DAY if at != NEVER else np.nan


@jit
def _history(p, now, out):  # type: ignore[no-untyped-def]
    out[_SINCE_CLICK] = _days_since(p.last_click_at, now)
    out[_SINCE_EMAIL] = _days_since(p.last_email_at, now)
    out[_SINCE_PURCHASE] = _days_since(p.last_order_at, now)
    out[_TENURE] = (now - p.first_at) / _DAY if p.events > 0 else np.nan
    out[_TOTAL] = p.orders
    out[_GAP] = np.nan
    out[_SILENCE] = np.nan
    out[_ORDER_VALUE] = np.nan
    out[_REFUND_RATIO] = 0.0
    if p.orders > 0:
        priced = p.orders - p.unpriced
        if priced > 0:
            out[_ORDER_VALUE] = p.order_spend / _MONEY / priced
        out[_REFUND_RATIO] = p.refunds / p.orders
    if p.orders > 1:
        gap = (p.last_order_at - p.first_order_at) / _DAY / (p.orders - 1)
        out[_GAP] = gap
        # orders of the same minute are one visit: without a floor the ratio would explode
        out[_SILENCE] = out[_SINCE_PURCHASE] / max(gap, 1.0)
    out[_PURCHASE_DAYS] = p.order_days
    # as if half a day with an order had been seen in a month before the first event
    out[_INTERVAL] = (out[_TENURE] + 30.0) / (p.order_days + 0.5)
    out[_OPEN_RATE] = (p.emails_opened + 1.0) / (p.emails_sent + 5.0)
    out[_CLICK_RATE] = (p.emails_clicked + 0.25) / (p.emails_sent + 5.0)


@jit
def values(p, now, out):  # type: ignore[no-untyped-def]
    """Write the feature values of ``p`` at ``now`` (ms) to ``out`` (float64[features]); NaN is "not known yet".

    ``now`` must not be before the newest event of the profile.
    """
    _short_window(p, now, _MINUTE_HOP, _MINUTE_SPAN, p.minute_stamp, p.minute_count, _MINUTE_SUMS, out)
    _short_window(p, now, _HOUR_HOP, _HOUR_SPAN, p.hour_stamp, p.hour_count, _HOUR_SUMS, out)
    _day_windows(p, now, out)
    _history(p, now, out)


@jit
def quantise(value, out):  # type: ignore[no-untyped-def]
    """Turn feature values into model inputs: ``out`` (int16[features]) is in units of 1/INPUT_SCALE."""
    for j in range(value.shape[0]):
        x = _MISSING[j] if math.isnan(value[j]) else value[j]
        if _LOG1P[j]:
            x = max(x, 0.0)
            if x < _LOGARITHMS.shape[0] and x == np.int64(x):
                out[j] = _LOGARITHMS[np.int64(x)]
                continue
            x = math.log1p(x)
        x = round(x * INPUT_SCALE)
        out[j] = min(max(x, -_INPUT_LIMIT), _INPUT_LIMIT)
