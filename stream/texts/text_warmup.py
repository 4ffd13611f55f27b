"""Compiling what reads and judges texts before the first text comes."""

from __future__ import annotations

from functools import partial

from stream.texts.classifier import MIN_EXAMPLES, TextClassifier
from stream.texts.mood import mood_classifier
from stream.texts.packing import pack, unpack

__all__ = ["warm_up_texts"]


def warm_up_texts() -> None:
    """Compile what is not, and run every compiled function once: learn, store, read back, decide, and name words.

    It takes some 15 seconds where nothing was ever compiled, one from then on.
    """
    # a sample that is full: from then on a place is drawn for each example
    for make in (partial(TextClassifier, sample=MIN_EXAMPLES), mood_classifier):
        model = make()
        for number in range(MIN_EXAMPLES + 1):
            for label in ("praise", "complaint"):
                model.learn_one(f"{label} {number}", label)
        sample = {one.number: one.text for one in model.replay.examples}
        again = unpack(pack(model), make, sample)
        again.decide("a complaint")
        again.learn_one("praise", "praise")
