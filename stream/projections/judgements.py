"""What a model made of the texts of a customer, and how often of those of the shop: states of `classification`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

import msgspec

from stream.texts.classifier import Decision

__all__ = ["MAX_JUDGED", "UNDECIDED", "Judged", "Judgement", "Tested", "TextTally"]

#: The newest texts of a customer of which it is known what they were taken for.
MAX_JUDGED: Final = 50
#: The newest months, and the first channels and categories, that are told apart.
MAX_MONTHS: Final = 36
_MAX_NAMES: Final = 200
_OTHER: Final = "other"
#: In place of a category or mood: the model was not sure enough.
UNDECIDED: Final = ""


class Judgement(msgspec.Struct, omit_defaults=True):
    """Of a text: ``label``, which people or the customer told if it ``is_told``, and what the model decided before.

    ``decided``: None, it abstained. ``probability``: of its preferred one. ``words``: those that decided, best first.
    """

    decided: str | None = None
    probability: float = 0.0
    words: tuple[str, ...] = ()
    told: str | None = None

    @classmethod
    def of(cls, decision: Decision, told: str | None) -> Judgement:
        label = None if decision.label is None else str(decision.label)
        return cls(label, round(decision.probability, 4), decision.words, told)

    @property
    def label(self) -> str | None:
        """What was told, else what was decided."""
        return self.decided if self.told is None else self.told


class Judged(msgspec.Struct, omit_defaults=True):
    """A text without its words. ``name``: what the event was."""

    text_id: str
    at_ms: int
    name: str
    category: Judgement
    mood: Judgement
    product_id: str | None = None
    channel: str | None = None


class Tested(msgspec.Struct, omit_defaults=True):
    """Texts whose label came after the decision: how many, of how many nothing was decided, how many were right."""

    labels: int = 0
    abstained: int = 0
    right: int = 0

    def test(self, judgement: Judgement, label: str) -> None:
        """The label of a text has come."""
        self.labels += 1
        self.abstained += judgement.decided is None
        self.right += judgement.decided == label


#: Category or mood (`UNDECIDED`: none) -> texts.
Counts = dict[str, int]


class TextTally(msgspec.Struct, omit_defaults=True):
    """Texts of the shop or of a product: by month (UTC) and channel (``""``: none), and by category and by mood."""

    categories: dict[str, Counts] = msgspec.field(default_factory=dict)
    moods: dict[str, Counts] = msgspec.field(default_factory=dict)
    category_channels: dict[str, Counts] = msgspec.field(default_factory=dict)
    mood_channels: dict[str, Counts] = msgspec.field(default_factory=dict)
    category_tested: Tested = msgspec.field(default_factory=Tested)
    mood_tested: Tested = msgspec.field(default_factory=Tested)

    def count(self, judged: Judged, by: int = 1) -> None:
        """Count a text, or with -1 take it back."""
        month = datetime.fromtimestamp(judged.at_ms / 1000, UTC).strftime("%Y-%m")
        channel = judged.channel or ""
        for months, channels, judgement in (
            (self.categories, self.category_channels, judged.category),
            (self.moods, self.mood_channels, judged.mood),
        ):
            label = judgement.label or UNDECIDED
            if month in months or len(months) < MAX_MONTHS or month > min(months):
                _add(months.setdefault(month, {}), label, by)
            while len(months) > MAX_MONTHS:
                del months[min(months)]
            known = channel in channels or len(channels) < _MAX_NAMES
            _add(channels.setdefault(channel if known else _OTHER, {}), label, by)


def _add(counts: Counts, label: str, by: int) -> None:
    known = label in counts or len(counts) < _MAX_NAMES
    name = label if known else _OTHER
    counts[name] = counts.get(name, 0) + by
    if counts[name] <= 0:
        del counts[name]
