"""From an outcome to what is written, and what a claim finds of a write that did not end, or was not published."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Final

import msgspec

from stream import metrics
from stream.errors import CodecError
from stream.processing import document
from stream.processing.editions import is_empty, without_edition
from stream.processing.state import Outgoing
from stream.processing.step_outcome import PUBLIC_HEADERS, StepOutcome
from stream.storage.outbox_records import StoredDocument, decode_entries, encode_groups, encode_records
from stream.storage.partition_store import Claim, Commit, PartitionStore

__all__ = ["GROUPED_FROM", "commit_of", "tell_of_torn_step", "unpublished"]

_LOG = logging.getLogger(__name__)

#: Steps with so many records store them in groups.
GROUPED_FROM: Final = 200
#: Documents of inherited records that are read at once.
_DOCUMENTS_AT_ONCE: Final = 2000


class _Document(msgspec.Struct):
    customer_id: str = ""


_DECODER: Final = msgspec.json.Decoder(_Document)


def commit_of(outcome: StepOutcome, trim: int, *, for_release_before: bool = False) -> Commit:
    """The write of an outcome; ``trim``: confirmed entries at the head of the outbox.

    A record with the public part of a document of this step has the list `PUBLIC_HEADERS`. It is stored as a reference,
    because Redis has the document already. Many records are stored in groups. ``for_release_before``: each is stored
    whole, because a worker of that release knows neither and may be the next owner.
    """
    outgoing = outcome.outgoing
    if for_release_before:
        entries, counts = encode_records(outgoing), [1] * len(outgoing)
    elif len(outgoing) < GROUPED_FROM:
        entries, counts = encode_records(map(_shortened, outgoing)), [1] * len(outgoing)
    else:
        entries, counts = encode_groups([*map(_shortened, outgoing)])
    return Commit(
        state=outcome.state,
        documents=outcome.documents,
        timers=outcome.timers,
        idle=outcome.idle,
        retired=outcome.retired,
        outbox=entries,
        outbox_counts=counts,
        trim=trim,
        forgotten=outcome.forgotten,
    )


def _shortened(record: Outgoing) -> Outgoing | StoredDocument:
    if record.headers is not PUBLIC_HEADERS or record.key is None:
        return record
    return StoredDocument(record.topic, record.key)


async def unpublished(claim: Claim, store: PartitionStore) -> tuple[list[Outgoing | None], list[int]]:
    """The records of a claimed outbox, None where there is nothing to publish; and how many each of its entries has.

    For a reference that is the document as it is now. A later step may have written it, and may have published nothing
    for it. So the record is as new as, or newer than, the one that was meant, and whatever a later step did publish
    comes after it. Raises `StorageError`, and `SystematicError` for an entry that cannot be read.
    """
    of_entry = list(map(decode_entries, claim.outbox))
    entries = [one for found in of_entry for one in found]
    wanted = [*dict.fromkeys(one.key.decode() for one in entries if isinstance(one, StoredDocument))]
    values: dict[str, bytes | None] = {}
    for begin in range(0, len(wanted), _DOCUMENTS_AT_ONCE):
        customers = wanted[begin : begin + _DOCUMENTS_AT_ONCE]
        found = await store.documents(customers)
        values |= {who: _told_of(who, stored) for who, stored in zip(customers, found, strict=True)}
    records = [_record_of(one, values) if isinstance(one, StoredDocument) else one for one in entries]
    return records, list(map(len, of_entry))


def _record_of(reference: StoredDocument, values: Mapping[str, bytes | None]) -> Outgoing | None:
    value = values[reference.key.decode()]
    return None if value is None else Outgoing(reference.topic, reference.key, value, PUBLIC_HEADERS)


def _told_of(customer: str, stored: bytes | CodecError | None) -> bytes | None:
    """The public part of a document just read; None where there is none, or where a later record tells what is.

    That is so of customers who are erased or have left. A damaged document is not published: its customer is set aside
    at the next event.
    """
    if stored is None:
        return None
    try:
        if isinstance(stored, CodecError):
            raise stored
        if is_empty(stored):
            return None
        value = document.public(without_edition(stored))
        is_own = _DECODER.decode(value).customer_id == customer
    except (CodecError, msgspec.DecodeError) as error:
        # who it is stays out of logs
        _LOG.error("a document cannot be read, so it is not published; see `stream quarantine list`: %s", error)
        return None
    if not is_own:
        _LOG.error("a document is that of another customer, so it is not published; see `stream quarantine list`")
        return None
    return value


def tell_of_torn_step(partition: int, claim: Claim) -> None:
    """Log and count it, if Redis failed in the middle of the latest step."""
    if claim.is_torn:
        metrics.TORN_STEPS.inc()
        _LOG.error(
            "Redis failed in the middle of a step of partition %d: its events are processed again, and those of "
            "customers who were written count as duplicates",
            partition,
        )
