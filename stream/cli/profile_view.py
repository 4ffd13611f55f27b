"""The packed state of a customer, unpacked into something to read."""

from typing import Any, Final

import numpy as np

from stream.catalogue.events import PLACE_OF_CHANNEL
from stream.catalogue.windows import MINUTE_MS
from stream.errors import CodecError
from stream.events.columns import MONEY_SCALE, UNKNOWN_AMOUNT
from stream.events.times import rfc3339
from stream.features import codec
from stream.features.profile import CART, CLICK, EMAIL, NEVER, PURCHASE
from stream.features.registry import DAY_MS, HOUR_MS
from stream.processing.compiled_model import compiled
from stream.processing.foresight import foreseen
from stream.processing.maturity import first_maturity, horizon_of
from stream.processing.rules import Model, Rules

__all__ = ["readable_profile"]

_SHOWN_AS: Final = {CLICK: "clicks", EMAIL: "emails", PURCHASE: "purchases", CART: "cart_additions"}
_CHANNELS: Final = {_SHOWN_AS.get(place, name): place for name, place in PLACE_OF_CHANNEL.items()}


def readable_profile(customer: str, packed: bytes, rules: Rules, model: Model) -> dict[str, Any]:
    """Tiles, orders, pending landmarks and timers of a customer's packed profile; instants are RFC 3339, None is never.

    ``rules``: those of the deployment; ``model``: the one that scores, which may know the horizon. Raises `CodecError`
    when it is not of this layout.
    """
    if not packed:
        raise CodecError("a stored profile is empty: it was not written by this program")
    p = codec.unpack(packed, customer)[0]
    record = compiled(model)[0]
    _, first_label_at = first_maturity(p, rules, record)
    return {
        "layout": packed[0],
        "bytes": len(packed),
        "days": _tiles(p["day_stamp"], p["day_count"], DAY_MS, p["day_spend"]),
        "hours": _tiles(p["hour_stamp"], p["hour_count"], HOUR_MS),
        "five_minutes": _tiles(p["minute_stamp"], p["minute_count"], MINUTE_MS),
        "orders": sorted((_order(p, k) for k in range(p["open_orders"])), key=lambda order: order["at"]),
        "orders_without_amount": int(p["unpriced"]),
        "refunds": [_refund(p, k) for k in range(p["open_refunds"])],
        "cancellations": int(p["retractions"]),
        "event_ids_remembered": int(p["ids"]),
        "pending_landmarks": [
            _landmark(p, k, horizon_of(p["pending_at"][k], rules, record)) for k in range(p["pending"])
        ],
        "timers": {
            "next_landmark_at": _instant(p["next_landmark_at"]),
            "next_label_at": _instant(first_label_at),
            "at_risk_from": _instant(foreseen(p, rules)),
            "next_crossing_at": _instant(p["check_at"]),
        },
        "raised_at": _instant(p["raised_at"]),
        "no_alert_before": _instant(p["cooldown_until"]),
    }


def _instant(at_ms: Any) -> str | None:
    return rfc3339(int(at_ms)) if abs(int(at_ms)) < -int(NEVER) else None


def _tiles(stamps: Any, counts: Any, hop_ms: int, spend: Any = None) -> list[dict[str, Any]]:
    """Tiles that hold something, oldest first."""
    tiles = []
    for slot in np.argsort(stamps, kind="stable"):
        if stamps[slot] < 0:
            continue
        tile: dict[str, Any] = {"from": rfc3339(int(stamps[slot]) * hop_ms)}
        tile |= {
            name: int(counts[slot, channel])
            for name, channel in _CHANNELS.items()
            if channel < counts.shape[1] and counts[slot, channel]
        }
        if spend is not None and spend[slot]:
            tile["spend"] = int(spend[slot]) / MONEY_SCALE
        tiles.append(tile)
    return tiles


def _order(p: Any, k: int) -> dict[str, Any]:
    return _told(p["order_id"][k], p["order_at"][k], p["order_amount"][k])


def _refund(p: Any, k: int) -> dict[str, Any]:
    return _told(p["refund_id"][k], p["refund_at"][k], p["refund_amount"][k])


def _told(order_id: Any, at_ms: Any, amount: Any) -> dict[str, Any]:
    """``amount`` is None where none was told."""
    return {
        "order_id_hash": f"{int(order_id):012x}",
        "at": rfc3339(int(at_ms)),
        "amount": None if amount == UNKNOWN_AMOUNT else int(amount) / MONEY_SCALE,
    }


def _landmark(p: Any, k: int, horizon_ms: int) -> dict[str, Any]:
    at, risk = int(p["pending_at"][k]), float(p["pending_risk"][k])
    return {
        "at": rfc3339(at),
        "matures_at": rfc3339(at + int(horizon_ms)),
        "risk": None if np.isnan(risk) else risk,
        "model_version": int(p["pending_version"][k]),
        "orders_before": int(p["pending_orders"][k]),
        "spend_before": int(p["pending_spend"][k]) / MONEY_SCALE,
    }
