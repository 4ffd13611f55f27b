"""docs/features.md, written from the catalogue: ``python -m stream.cli.feature_reference docs/features.md``."""

from __future__ import annotations

import sys
from pathlib import Path

from stream.catalogue.declaring import Feature, Transform
from stream.features.registry import FEATURES, HOUR_MS, INPUT_SCALE

__all__ = ["reference"]

_HEAD = f"""# Features

Every customer has these features; the customer's document in Redis shows them under ``features``. This page is written
from `stream/catalogue/features.py` by `python -m stream.cli.feature_reference docs/features.md`.

A *sawtooth* window is a sum over tiles: it is exact at its newest end, and up to one hop too long at its oldest.
*Model input* is the value that the models see, rounded to 1/{INPUT_SCALE}. *Missing* is the model input of a
feature that is not known yet.

A document leaves out features that are at their default. A feature that it does not show has the value in *if absent*.

| feature | unit | window | exactness | model input | missing | if absent | meaning |
|---|---|---|---|---|---|---|---|
"""


def _row(feature: Feature) -> str:
    window = "all history"
    if feature.window is not None:
        days, hours = divmod(feature.window.span_ms // HOUR_MS, 24)
        window = f"{days}d" if days > 1 else f"{24 * days + hours}h"
    model_input = "log(1 + value)" if feature.transform is Transform.LOG1P else "value"
    cells = (
        f"`{feature.name}`",
        feature.unit,
        window,
        feature.exactness,
        model_input,
        f"{feature.missing:g}",
        "not known yet" if feature.absent is None else f"{feature.absent:g}",
        feature.description,
    )
    return f"| {' | '.join(cells)} |"


def reference() -> str:
    """Return the Markdown page."""
    return _HEAD + "\n".join(map(_row, FEATURES)) + "\n"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(reference(), "utf-8")
