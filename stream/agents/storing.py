"""From an outcome to what is written, and what a claim finds of a write that did not end."""

from __future__ import annotations

import logging

from stream import metrics
from stream.processing.step_outcome import StepOutcome
from stream.storage.outbox_records import encode_records
from stream.storage.partition_store import Claim, Commit

__all__ = ["commit_of", "tell_of_torn_step"]

_LOG = logging.getLogger(__name__)


def commit_of(outcome: StepOutcome, trim: int) -> Commit:
    """The write of an outcome; ``trim``: confirmed records at the head of the outbox."""
    return Commit(
        state=outcome.state,
        documents=outcome.documents,
        timers=outcome.timers,
        idle=outcome.idle,
        retired=outcome.retired,
        outbox=encode_records(outcome.outgoing),
        trim=trim,
        forgotten=outcome.forgotten,
    )


def tell_of_torn_step(partition: int, claim: Claim) -> None:
    """Log and count it, if Redis failed in the middle of the latest step."""
    if claim.is_torn:
        metrics.TORN_STEPS.inc()
        _LOG.error(
            "Redis failed in the middle of a step of partition %d: its events are processed again, and those of "
            "customers who were written count as duplicates",
            partition,
        )
