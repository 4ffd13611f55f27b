"""Putting the persons of a request under pseudonyms, or refusing the request while that cannot be done."""

import asyncio
import logging
from collections.abc import Sequence
from http import HTTPStatus
from typing import NamedTuple

from stream.client.event_record import EventRecord, LinkRecord
from stream.errors import SettingsError, StorageError
from stream.events.rejections import Rejection
from stream.ingest.event_publisher import EventPublisher
from stream.ingest.outcome import Problem
from stream.ingest.refusal import Refusal

__all__ = ["ConcealedRequest", "concealed"]

_LOG = logging.getLogger(__name__)

Sent = tuple[int, EventRecord | LinkRecord]


class ConcealedRequest(NamedTuple):
    """``sent``: records as they go to Kafka, each with its position in the request."""

    sent: Sequence[Sent]
    rejected: Sequence[Problem]


async def concealed(sent: Sequence[Sent], publisher: EventPublisher) -> ConcealedRequest:
    """The records of a request under pseudonyms. Raises `Refusal` while persons cannot be given keys."""
    if not sent or not publisher.concealer.is_needed:
        return ConcealedRequest(sent, [])
    try:
        # a thread of its own: a database that is slow must not hold up other requests
        found = await asyncio.to_thread(publisher.concealer.conceal, [record for _, record in sent])
    except (StorageError, SettingsError) as error:
        _LOG.error("a request was refused, as persons cannot be given keys: %s", error)
        raise Refusal(
            HTTPStatus.SERVICE_UNAVAILABLE,
            "keys_unavailable",
            "the keys of persons cannot be reached at present, so nothing was stored; send again",
            retry=True,
        ) from error
    going: list[Sent] = []
    rejected: list[Problem] = []
    for (position, record), one in zip(sent, found, strict=True):
        if isinstance(one, Rejection):
            rejected.append(Problem(position, record.event_id, one.reason, one.detail))
        else:
            going.append((position, one))
    return ConcealedRequest(going, rejected)
