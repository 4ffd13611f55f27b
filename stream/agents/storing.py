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
from stream.storage.outbox_records import StoredDocument, decode_entry, encode_records
from stream.storage.partition_store import Claim, Commit, PartitionStore

__all__ = ["commit_of", "tell_of_torn_step", "unpublished"]

_LOG = logging.getLogger(__name__)

#: Documents of inherited records that are read at once.
_DOCUMENTS_AT_ONCE: Final = 2000


class _Document(msgspec.Struct):
    customer_id: str = ""


_DECODER: Final = msgspec.json.Decoder(_Document)


def commit_of(outcome: StepOutcome, trim: int, *, for_release_before: bool = False) -> Commit:
    """The write of an outcome; ``trim``: confirmed records at the head of the outbox.

    A record with the public part of a document of this step has the list `PUBLIC_HEADERS`. It is stored as a reference,
    because Redis has the document already. ``for_release_before``: it is stored whole, because a worker of that release
    knows no references and may be the next owner.
    """
    records = outcome.outgoing if for_release_before else map(_shortened, outcome.outgoing)
    return Commit(
        state=outcome.state,
        documents=outcome.documents,
        timers=outcome.timers,
        idle=outcome.idle,
        retired=outcome.retired,
        outbox=encode_records(records),
        trim=trim,
        forgotten=outcome.forgotten,
    )


def _shortened(record: Outgoing) -> Outgoing | StoredDocument:
    if record.headers is not PUBLIC_HEADERS or record.key is None:
        return record
    return StoredDocument(record.topic, record.key)


async def unpublished(claim: Claim, store: PartitionStore) -> list[Outgoing | None]:
    """The records of a claimed outbox, one for each of its entries; None: there is nothing to publish for it.

    For a reference that is the document as it is now. A later step may have written it, and may have published nothing
    for it. So the record is as new as, or newer than, the one that was meant, and whatever a later step did publish
    comes after it. Raises `StorageError`, and `SystematicError` for an entry that cannot be read.
    """
    entries = [decode_entry(raw) for raw in claim.outbox]
    wanted = [*dict.fromkeys(one.key.decode() for one in entries if isinstance(one, StoredDocument))]
    values: dict[str, bytes | None] = {}
    for begin in range(0, len(wanted), _DOCUMENTS_AT_ONCE):
        customers = wanted[begin : begin + _DOCUMENTS_AT_ONCE]
        found = await store.documents(customers)
        values |= {who: _told_of(who, stored) for who, stored in zip(customers, found, strict=True)}
    return [_record_of(one, values) if isinstance(one, StoredDocument) else one for one in entries]


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
