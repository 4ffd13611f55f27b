"""What every peer does with an event, as one would write it in Python with no engine in mind.

Decode, drop what was seen, four windows of counters, 20 features, a River model that predicts for each event and learns
from some, an alert when the risk crosses 0.7. The state is made of JSON types, so that every engine can store it.
"""

import os
from collections.abc import Iterator
from typing import Any

import orjson
from river import linear_model, preprocessing

BROKER = os.environ["BENCH_BROKER"]
REDIS = os.environ["BENCH_REDIS"]
TOPICS = os.environ["BENCH_TOPICS"].split(",")
GROUP = os.environ["BENCH_GROUP"]
STATE_DIRECTORY = os.environ["BENCH_STATE"]
ALERTS = "peers-alerts"
PROGRESS = "bench:progress"

RAISE_AT = 0.7
LEARN_EVERY = 20
REMEMBERED = 64

#: name, tile in seconds, tiles
WINDOWS = (("1h", 300, 12), ("1d", 3600, 24), ("7d", 86400, 7), ("30d", 86400, 30))

CHANNEL = {
    "product_viewed": 0,
    "product_added": 0,
    "page_viewed": 0,
    "sent": 1,
    "opened": 1,
    "clicked": 1,
    "completed": 2,
}


class Job:
    """The model, and the function of (state, event) that every engine calls."""

    def __init__(self) -> None:
        self._model = preprocessing.StandardScaler() | linear_model.LogisticRegression()
        self._events = 0

    def apply(self, state: dict[str, Any] | None, event: dict[str, Any]) -> tuple[dict[str, Any], bool]:
        """Return the new state, with features and risk in it, and whether the risk has just crossed the level."""
        if state is None:
            state = {"seen": [], "tiles": {name: [] for name, _, _ in WINDOWS}, "first": event["occurred_at"]}
            state |= {"last": 0.0, "last_order": 0.0, "orders": 0, "risk": 0.0}
        event_id = event["event_id"]
        if event_id in state["seen"]:
            return state, False
        state["seen"] = [*state["seen"][1 - REMEMBERED :], event_id]
        at, channel, amount = event["occurred_at"], CHANNEL[event["name"]], event.get("amount", 0.0)
        features = dict(_window_features(state["tiles"], at, channel, amount))
        if channel == 2:  # noqa: PLR2004 - an order
            state["orders"] += 1
            state["last_order"] = at
        features["recency"] = (at - state["last_order"]) / 86400 if state["last_order"] else 365.0
        features["gap"] = (at - state["last"]) / 86400 if state["last"] else 365.0
        features["tenure"] = (at - state["first"]) / 86400
        features["orders"] = float(state["orders"])
        state["last"] = at
        risk = self._model.predict_proba_one(features).get(True, 0.0)
        self._events += 1
        if self._events % LEARN_EVERY == 0:
            self._model.learn_one(features, features["recency"] > 1.0)
        crossed = risk >= RAISE_AT > state["risk"]
        state["risk"] = risk
        state["features"] = features
        return state, crossed


def _window_features(
    tiles_by_window: dict[str, Any], at: float, channel: int, amount: float
) -> Iterator[tuple[str, float]]:
    """Three counts and the spend of each of the four windows."""
    for name, width, count in WINDOWS:
        index = int(at // width)
        tiles = [tile for tile in tiles_by_window[name] if tile[0] > index - count]
        if not tiles or tiles[-1][0] != index:
            tiles.append([index, 0, 0, 0, 0.0])
        tiles[-1][1 + channel] += 1
        tiles[-1][4] += amount
        tiles_by_window[name] = tiles
        yield f"clicks_{name}", float(sum([tile[1] for tile in tiles]))
        yield f"emails_{name}", float(sum([tile[2] for tile in tiles]))
        yield f"orders_{name}", float(sum([tile[3] for tile in tiles]))
        yield f"spend_{name}", sum([tile[4] for tile in tiles])


def document(state: dict[str, Any]) -> bytes:
    """What is written to Redis for a customer."""
    return orjson.dumps({"features": state["features"], "risk": state["risk"]})


def alert(customer: str, state: dict[str, Any]) -> bytes:
    """What is published when the risk crosses the level."""
    return orjson.dumps({"customer_id": customer, "risk": state["risk"], "features": state["features"]})
