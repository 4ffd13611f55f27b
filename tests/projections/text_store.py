"""A partition of texts, with what Redis keeps of it, and texts to put into it."""

from typing import Any

import msgspec

from stream.projections.classification import Classification, State
from stream.projections.folding import FoldingPartition
from stream.settings import Settings
from stream.texts.text_records import KEY, FeedbackText, encode_text
from tests.oracle.record import Record
from tests.projections.stepping import SteppedPartition, part_of

__all__ = ["SAID", "TextStore", "labelled", "text"]

SETTINGS = Settings()
AT_S = 1_767_225_600
SAID = {
    "delivery": ["the parcel never arrived", "still waiting for my package", "delivered to the wrong house"],
    "payment": ["my card was declined", "charged twice for one order", "the refund is missing"],
}


class TextStore:
    """The partition of texts, with what Redis keeps of it."""

    def __init__(self, cache: int = 1000) -> None:
        self.log: list[Record] = []
        self.done = 0
        self._cache = cache
        self.stored: dict[str, bytes] = {}
        self.restart()

    def restart(self) -> None:
        """Continue as another process would."""
        self.own = SteppedPartition(Classification(SETTINGS), cache=self._cache, stored=self.stored)

    @property
    def partition(self) -> FoldingPartition:
        return self.own.partition

    def append(self, text: FeedbackText, key: str = KEY) -> None:
        self.log.append(Record(key.encode(), encode_text(text), AT_S * 1000, len(self.log)))

    def step(self, size: int, *, lost: bool = False) -> list[Any]:
        records = self.log[self.done : self.done + size]
        outcome = self.own.step(part_of(0, records), lost=lost)
        if lost:
            return []
        self.done += len(records)
        return [*outcome.rejected]

    def run(self) -> None:
        while self.done < len(self.log):
            self.step(1000)

    def state(self, key: str) -> State:
        return msgspec.json.decode(self.stored[key], type=State)


def text(number: int, words: str, customer: str = "c-1", **more: Any) -> FeedbackText:
    return FeedbackText(
        text_id=f"t-{number}",
        customer_id=customer,
        occurred_at=float(AT_S + number),
        name="reviewed",
        text=words,
        **more,
    )


def labelled(number: int) -> FeedbackText:
    category = [*SAID][number % 2]
    return text(number, SAID[category][number % 3], customer=f"c-{number % 7}", category=category)
