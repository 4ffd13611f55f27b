"""Learned components and their states, for tests."""

import hashlib
import json
from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import Struct

from stream.online_models.component import Component, Context
from stream.online_models.components import COMPONENTS
from stream.online_models.example import Example, Label, Overdue
from stream.online_models.learner import Learner, LearnerSettings
from tests.online_models.made_up import examples

NOW_MS = 1_800_000_000_000


SETTINGS = LearnerSettings(min_labels=100, min_class_labels=10)


class OrderTotalState(Struct, kw_only=True):
    """How many orders ``labels`` had."""

    orders: float = 0.0
    labels: int = 0


class OrderTotal(Component):
    """A model added in this test alone: the mean number of orders of a label."""

    name = "order_total"
    state_type = OrderTotalState

    def __init__(self, shop: Context) -> None:
        super().__init__(shop)
        self.total = OrderTotalState()

    def learn(self, example: Example) -> None:
        if isinstance(example, Label):
            self.total.orders += example.purchases
            self.total.labels += 1

    def state(self) -> OrderTotalState:
        return self.total

    def resume(self, state: OrderTotalState) -> None:
        self.total = state

    def snapshot(self) -> dict[str, float] | None:
        return {"mean": self.total.orders / self.total.labels} if self.total.labels else None

    def describe(self) -> str:
        return f"counts orders of {self.total.labels} labels"


#: Replaces the one that docs/extending.md shows, if somebody has added it.
ALL: tuple[type[Component], ...] = (*(kind for kind in COMPONENTS if kind.name != OrderTotal.name), OrderTotal)


def seen(seed: int, count: int) -> list[Example]:
    """Observations, labels and customers who are overdue."""
    found: list[Example] = []
    for position, example in enumerate(examples(seed, count)):
        found.append(example)
        if position % 9 == 0:
            overdue = Overdue(
                example_id=f"d{position}", customer_id="c", at_ms=example.at_ms, x=example.x, weight=1.0 + position
            )
            found.append(overdue)
    return found


def learned(found: list[Example], learner: Learner | None = None) -> Learner:
    learner = learner or Learner(SETTINGS, components=ALL)
    for example in found:
        assert learner.learn(example) is None
    return learner


def load(value: bytes) -> Learner:
    return Learner.load(value, SETTINGS, components=ALL)


def altered(value: bytes, change: Callable[[dict[str, Any]], Any]) -> bytes:
    """The checkpoint with other components, and checksums that fit them."""
    envelope = json.loads(value)
    content = envelope["content"]
    change(content["components"])
    for sealed in content["components"].values():
        sealed["checksum"] = hashlib.sha256(msgspec.json.encode(sealed["content"])).hexdigest()
    body = msgspec.json.encode(content)
    whole = {"schema": envelope["schema"], "checksum": hashlib.sha256(body).hexdigest(), "content": msgspec.Raw(body)}
    return msgspec.json.encode(whole)
