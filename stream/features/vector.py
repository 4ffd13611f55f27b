"""Feature values and model inputs of a profile at a stated time."""

from __future__ import annotations

import math

import numba
import numpy as np

from stream.events.columns import MONEY_SCALE
from stream.features.profile import (
    CART,
    CLICK,
    DAY_TILES,
    EMAIL,
    HOUR_TILES,
    MINUTE_MS,
    MINUTE_TILES,
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


@numba.njit(cache=True)
def _short_windows(p, now, out):  # type: ignore[no-untyped-def]
    index = now // MINUTE_MS
    for k in range(MINUTE_TILES):
        age = index - p.minute_stamp[k]
        if p.minute_stamp[k] >= 0 and 0 <= age <= _MINUTE_SPAN:
            out[_CLICKS] += p.minute_count[k, CLICK]
            out[_EMAILS] += p.minute_count[k, EMAIL]
            out[_PURCHASES] += p.minute_count[k, PURCHASE]
    index = now // HOUR_MS
    for k in range(HOUR_TILES):
        age = index - p.hour_stamp[k]
        if p.hour_stamp[k] >= 0 and 0 <= age <= _HOUR_SPAN:
            out[_CLICKS + 1] += p.hour_count[k, CLICK]
            out[_EMAILS + 1] += p.hour_count[k, EMAIL]
            out[_PURCHASES + 1] += p.hour_count[k, PURCHASE]


@numba.njit(cache=True)
def _day_windows(p, now, out):  # type: ignore[no-untyped-def]
    index = now // DAY_MS
    last_order_day = p.last_order_at // DAY_MS if p.last_order_at != NEVER else -1
    spend_7d = np.int64(0)
    spend_28d = np.int64(0)
    spend_90d = np.int64(0)
    for k in range(DAY_TILES):
        stamp = p.day_stamp[k]
        age = index - stamp
        if stamp < 0 or age < 0 or age > _LONG_SPAN:
            continue
        clicks = p.day_count[k, CLICK]
        emails = p.day_count[k, EMAIL]
        purchases = p.day_count[k, PURCHASE]
        spend = p.day_spend[k]
        out[_CLICKS + 4] += clicks
        out[_EMAILS + 4] += emails
        out[_PURCHASES + 4] += purchases
        spend_90d += spend
        if age <= _MEDIUM_SPAN:
            out[_CLICKS + 3] += clicks
            out[_EMAILS + 3] += emails
            out[_PURCHASES + 3] += purchases
            spend_28d += spend
            if clicks > 0 or emails > 0 or purchases > 0:
                out[_ACTIVE_DAYS] += 1.0
            if stamp > last_order_day:
                out[_OPEN_CARTS] += p.day_count[k, CART]
            if age <= _SHORT_SPAN:
                out[_CLICKS + 2] += clicks
                out[_EMAILS + 2] += emails
                out[_PURCHASES + 2] += purchases
                spend_7d += spend
    out[_SPEND] = spend_7d / _MONEY
    out[_SPEND + 1] = spend_28d / _MONEY
    out[_SPEND + 2] = spend_90d / _MONEY


@numba.njit(cache=True)
def _days_since(at, now):  # type: ignore[no-untyped-def]
    return (now - at) / _DAY if at != NEVER else np.nan


@numba.njit(cache=True)
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
        out[_ORDER_VALUE] = p.order_spend / _MONEY / p.orders
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


@numba.njit(cache=True)
def values(p, now, out):  # type: ignore[no-untyped-def]
    """Write the feature values of ``p`` at ``now`` (ms) to ``out`` (float64[features]); NaN is "not known yet".

    ``now`` must not be before the newest event of the profile.
    """
    out[:] = 0.0
    _short_windows(p, now, out)
    _day_windows(p, now, out)
    _history(p, now, out)


@numba.njit(cache=True)
def quantise(value, out):  # type: ignore[no-untyped-def]
    """Turn feature values into model inputs: ``out`` (int16[features]) is in units of 1/INPUT_SCALE."""
    for j in range(value.shape[0]):
        x = value[j]
        if math.isnan(x):
            x = _MISSING[j]
        if _LOG1P[j]:
            x = math.log1p(max(x, 0.0))
        x = round(x * INPUT_SCALE)
        out[j] = min(max(x, -_INPUT_LIMIT), _INPUT_LIMIT)
