"""Feature values and model inputs of a profile at a stated time."""

from __future__ import annotations

import math

import numpy as np

from stream.compiling import jit, jit_inline
from stream.events.columns import MONEY_SCALE
from stream.features.profile import (
    CART,
    CLICK,
    DAY_TILES,
    EMAIL,
    MINUTE_MS,
    NEVER,
    PURCHASE,
)
from stream.features.registry import COLUMN, DAY_MS, FEATURES, HOUR_MS, INPUT_SCALE, Transform

__all__ = ["quantise", "values"]

_CLICKS = COLUMN["clicks_1h"]
_EMAILS = COLUMN["emails_1h"]
_PURCHASES = COLUMN["purchases_1h"]
_SPEND = COLUMN["spend_7d"]
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

#: Windows in hops: the tile that is this many before the present one is cut by the tail and counts whole.
_MINUTE_SPAN = HOUR_MS // MINUTE_MS
_HOUR_SPAN = DAY_MS // HOUR_MS
_SHORT_SPAN, _MEDIUM_SPAN, _LONG_SPAN = 7, 28, 90

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
def _short_window(p, now, hop, span, stamps, counts, out, window):  # type: ignore[no-untyped-def]
    clicks = 0
    emails = 0
    purchases = 0
    first, last = _live(p, now, hop, span)
    slot = first % stamps.shape[0]
    for index in range(first, last + 1):
        if stamps[slot] == index:
            clicks += counts[slot, CLICK]
            emails += counts[slot, EMAIL]
            purchases += counts[slot, PURCHASE]
        slot += 1
        if slot == stamps.shape[0]:
            slot = 0
    out[_CLICKS + window] = clicks
    out[_EMAILS + window] = emails
    out[_PURCHASES + window] = purchases


@jit
def _sum_days(p, first, last, last_order_day):  # type: ignore[no-untyped-def]
    """Clicks, e-mails, purchases, spend, active days, additions after the last order, of days ``first``..``last``."""
    clicks = 0
    emails = 0
    purchases = 0
    spend = np.int64(0)
    active_days = 0
    additions = 0
    slot = first % DAY_TILES
    for day in range(first, last + 1):
        if p.day_stamp[slot] == day:
            counts = p.day_count[slot]
            clicks += counts[CLICK]
            emails += counts[EMAIL]
            purchases += counts[PURCHASE]
            spend += p.day_spend[slot]
            if counts[CLICK] > 0 or counts[EMAIL] > 0 or counts[PURCHASE] > 0:
                active_days += 1
            if day > last_order_day:
                additions += counts[CART]
        slot += 1
        if slot == DAY_TILES:
            slot = 0
    return clicks, emails, purchases, spend, active_days, additions


@jit
def _day_windows(p, now, out):  # type: ignore[no-untyped-def]
    today = now // DAY_MS
    last_order_day = p.last_order_at // DAY_MS if p.last_order_at != NEVER else -1
    first, last = _live(p, now, DAY_MS, _LONG_SPAN)
    week, month = max(first, today - _SHORT_SPAN), max(first, today - _MEDIUM_SPAN)
    clicks, emails, purchases, spend, active_days, additions = _sum_days(p, week, last, last_order_day)
    out[_CLICKS + 2] = clicks
    out[_EMAILS + 2] = emails
    out[_PURCHASES + 2] = purchases
    out[_SPEND] = spend / _MONEY
    older = _sum_days(p, month, min(week - 1, last), last_order_day)
    clicks += older[0]
    emails += older[1]
    purchases += older[2]
    spend += older[3]
    out[_CLICKS + 3] = clicks
    out[_EMAILS + 3] = emails
    out[_PURCHASES + 3] = purchases
    out[_SPEND + 1] = spend / _MONEY
    out[_ACTIVE_DAYS] = active_days + older[4]
    out[_OPEN_CARTS] = additions + older[5]
    older = _sum_days(p, first, min(month - 1, last), last_order_day)
    out[_CLICKS + 4] = clicks + older[0]
    out[_EMAILS + 4] = emails + older[1]
    out[_PURCHASES + 4] = purchases + older[2]
    out[_SPEND + 2] = (spend + older[3]) / _MONEY


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
    _short_window(p, now, MINUTE_MS, _MINUTE_SPAN, p.minute_stamp, p.minute_count, out, 0)
    _short_window(p, now, HOUR_MS, _HOUR_SPAN, p.hour_stamp, p.hour_count, out, 1)
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
