"""Reads what loyalty is learned from: labels of landmarks, and what customers said."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from stream.notifications.read_to_end import read_to_end
from stream.online_models.example import Label, decode_example
from stream.projections.satisfaction import Opinion, Satisfaction
from stream.reporting.learned_loyalty import LearnedLoyalty, learned_loyalty
from stream.settings import Settings
from stream.storage.projection_desk import ProjectionDesk

__all__ = ["loyalty_of"]


def loyalty_of(settings: Settings) -> LearnedLoyalty:
    """Learned from the topic of training examples as it ends now."""
    with ProjectionDesk(settings) as desk:
        stored = desk.keyed_states(Satisfaction.name, Satisfaction.version)
        opinions = {key: msgspec.json.decode(state, type=Opinion) for key, state in stored}
    return learned_loyalty(_labels(settings), opinions)


def _labels(settings: Settings) -> Iterator[Label]:
    """What is no label is left out; the trainer reports examples that are none."""
    examples = (decode_example(record.value or b"") for record in read_to_end(settings, settings.training_examples))
    return (example for example in examples if isinstance(example, Label))
