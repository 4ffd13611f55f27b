"""What no erasure reaches, and until when it stays: receipts and pages say so."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from stream.settings import Settings

__all__ = ["REMAINS", "TOPICS_WITH_KEYS", "remains"]

#: Of the topics, with `privacy_keys`.
TOPICS_WITH_KEYS: Final = (
    "records of the past, until the retention of each topic deletes them: times, names of events, amounts and products"
    " under a pseudonym that nobody can resolve; what was encrypted nobody can read"
)
#: By what it is.
REMAINS: Final[Mapping[str, str]] = {
    "topics": "records of the past, until the retention of each topic deletes them",
    "models": "what was learned from many people, one of them this, and the newest observations and texts as numbers"
    " without ids; the register of processing says how much",
    "how much of that": "what models keep of one person is bounded: the label of a week moved the log-odds of another"
    " customer at most by the square root of z P z * z' P z', where z and z' are the inputs of both and P is what the"
    " model does not know yet; an observation moved one segment by a 500th of its distance; docs/privacy.md has every"
    " bound, and what was measured",
    "learned ids": "hashes of ids of training examples, which expire within 8 days",
    "counts": "sums over all customers in projections and directory",
    "notifications": "what was sent is with its receivers",
    "backups": "backups made before; once restored, workers erase the person again; for the rest, erase again",
}


def remains(settings: Settings) -> dict[str, str]:
    """What no erasure reaches in this installation."""
    return {**REMAINS, "topics": TOPICS_WITH_KEYS if settings.privacy_keys else REMAINS["topics"]}
