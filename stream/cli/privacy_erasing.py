"""Erasing a person from every store, and the receipt for it: published as a request, and followed until it is done."""

import threading
import time
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from stream.cli.data_files import data_directory
from stream.cli.identity_lookup import id_of, resolver_near
from stream.cli.kept_in_topics import kept_in_topics
from stream.cli.not_reached import not_reached
from stream.cli.privacy_stores import counted, erase_directly, ids_in_clear, inventory, projections_of_workers
from stream.cli.publish_one import publish_one
from stream.errors import SettingsError, StorageError
from stream.events.times import rfc3339
from stream.identity.note_proof import NoteProof
from stream.privacy.erasure_feed import ErasureFeed
from stream.privacy.erasure_receipt import FIRST, ErasureReceipt, ReceiptSigner, digest_of
from stream.privacy.erasures import Erasures
from stream.privacy.pseudonym import Pseudonyms
from stream.privacy.request_records import PrivacyRequest, encode_request
from stream.privacy.what_remains import remains
from stream.settings import Settings
from stream.storage.privacy_desk import PrivacyDesk
from stream.storage.projection_desk import ProjectionDesk

__all__ = [
    "KAFKA_S",
    "as_lines",
    "ask_for_erasure",
    "carry_out",
    "erase_person",
    "ids_of_person",
    "receipts_in",
    "signing_key_file",
]

_POLL_S: Final = 0.2
_JSON: Final = ("content-type", b"application/json")
_REWRITE_S: Final = 30.0
#: For so long Kafka is waited for: who asks wants an answer.
KAFKA_S: Final = 15.0


def ids_of_person(settings: Settings, text: str) -> list[str]:
    """Every id that is joined with the one that ``text`` means, itself first."""
    return _joined_with(settings, id_of(settings, text))


def _joined_with(settings: Settings, name: str) -> list[str]:
    with ProjectionDesk(settings) as desk:
        resolver = resolver_near(desk, name)
    customer = resolver.customer_of(name)
    others = {one for one in resolver.nodes if resolver.customer_of(one) == customer}
    return [name, *sorted({customer, *others} - {name})]


def signing_key_file(settings: Settings) -> Path:
    """Where the key is that signs receipts."""
    named = settings.receipt_key_file
    return Path(named) if named else data_directory(settings).path / "receipt-key.pem"


def receipts_in(erasures: Erasures) -> list[ErasureReceipt]:
    """All receipts, in their order."""
    found = [request.receipt for request in erasures.requests if request.receipt is not None]
    return sorted(found, key=lambda receipt: receipt.number)


def erase_person(
    settings: Settings, text: str, timeout_s: float, tell: Callable[[str], None], *, rewrite_files: bool = True
) -> ErasureReceipt:
    """Erase, and return the receipt. What a former call has begun is gone on with.

    Raises `StorageError` when some store has not done it after ``timeout_s``: the request stays, and workers go on.
    """
    asked = ask_for_erasure(settings, text, tell)
    return carry_out(settings, asked.request_id, timeout_s, tell, rewrite_files=rewrite_files)


def ask_for_erasure(settings: Settings, text: str, tell: Callable[[str], None] = lambda _line: None) -> PrivacyRequest:
    """Publish that a person is to be erased; returns the request, or the former one that is gone on with."""
    if not settings.identity_key:
        raise SettingsError("set STREAM_IDENTITY_KEY: who is erased is remembered as hashes under it")
    # before anything is asked for: without the key there is no receipt
    ReceiptSigner(signing_key_file(settings))
    with ErasureFeed(settings, wait_s=KAFKA_S) as feed:
        return _request(settings, feed.erasures, text, tell)


def carry_out(
    settings: Settings,
    request_id: str,
    timeout_s: float,
    tell: Callable[[str], None],
    *,
    rewrite_files: bool = True,
    stop: threading.Event | None = None,
) -> ErasureReceipt:
    """Erase whom a request names, and return the receipt. Raises as `erase_person`, also once ``stop`` is set."""
    signer = ReceiptSigner(signing_key_file(settings))
    deadline_s = time.monotonic() + timeout_s
    with ErasureFeed(settings, wait_s=KAFKA_S) as feed:
        asked_at = _asked(feed.erasures, request_id, deadline_s)
        request = next(one for one in feed.erasures.requests if one.request_id == request_id)
        if request.receipt is not None:
            return request.receipt
        _wait(settings, request.ids, asked_at, deadline_s, tell, stop or threading.Event())
        erase_directly(settings, request.ids, asked_at + 1)
        if rewrite_files:
            _rewrite(settings, tell)
        left = counted(inventory(settings, request.ids))
        if any(left.values()):
            told = ", ".join(f"{count} in {store}" for store, count in left.items() if count)
            raise StorageError(f"not erased yet: {told}. Erase again; what was erased stays so")
        return _close(settings, signer, request, asked_at, left)


def _request(settings: Settings, erasures: Erasures, text: str, tell: Callable[[str], None]) -> PrivacyRequest:
    """The request for a person: one that is open, the closed one if nothing came since, or a new one."""
    pseudonyms = Pseudonyms(settings.identity_key.encode())
    name = id_of(settings, text)
    own = pseudonyms.of(name)
    former = [request for request in erasures.requests if own in request.pseudonyms]
    if former and former[-1].is_open:
        tell("going on with the request of " + rfc3339(round(former[-1].asked_at * 1000)))
        return former[-1]
    ids = _joined_with(settings, name)
    found = counted(inventory(settings, ids))
    # under the ids for which pseudonyms stand the person is asked for again
    hashes = [pseudonyms.of(one) for one in ids_in_clear(settings, ids)]
    if former and not any(found.values()) and {*former[-1].pseudonyms} >= {*hashes}:
        tell("erased before, and nothing came since")
        return former[-1]
    if not any(found.values()):
        tell("no store has anything of this person: is the id written as the shop writes it?")
    made = PrivacyRequest(
        request_id=uuid.uuid4().hex,
        asked_at=time.time_ns() // 1_000_000 / 1000,
        pseudonyms=hashes,
        ids=ids,
        found=found,
    )
    _publish(settings, made)
    tell(f"asked for: {len(ids)} {'id' if len(ids) == 1 else 'ids'}, {sum(found.values())} things in stores")
    return made


def _asked(erasures: Erasures, request_id: str, deadline_s: float) -> int:
    """The offset of the request in its topic."""
    erasures.wait_for(lambda: erasures.offset_of(request_id) is not None, deadline_s - time.monotonic())
    offset = erasures.offset_of(request_id)
    if offset is None:
        raise StorageError("the request is published and not to be seen in its topic yet: erase again")
    return offset


def _wait(
    settings: Settings,
    ids: Sequence[str],
    offset: int,
    deadline_s: float,
    tell: Callable[[str], None],
    stop: threading.Event,
) -> None:
    """Until all partitions of workers, and the trainer, have carried the request out."""
    with PrivacyDesk(settings) as desk:
        versions = projections_of_workers(settings)
        told: Sequence[str] = ()
        while behind := [*desk.behind(offset, versions), *(["the trainer"] if desk.sampled(ids) else [])]:
            if time.monotonic() >= deadline_s:
                raise StorageError(f"asked for, and not done yet by {'; '.join(behind)}: does a worker run them?")
            if behind != told:
                tell(f"waiting for {'; '.join(behind)}")
                told = behind
            if stop.wait(_POLL_S):
                raise StorageError("stopped before all was erased: the request lasts, and workers go on")


def _rewrite(settings: Settings, tell: Callable[[str], None]) -> None:
    with PrivacyDesk(settings) as desk:
        if not desk.rewrite_files(_REWRITE_S):
            tell("Redis may still have it in its files: run BGREWRITEAOF and BGSAVE as its administrator")


def _close(
    settings: Settings, signer: ReceiptSigner, request: PrivacyRequest, asked_at: int, left: dict[str, int]
) -> ErasureReceipt:
    """Sign the receipt behind those that there are, and let it take the place of the request."""
    with PrivacyDesk(settings) as desk, desk.lock(_REWRITE_S), ErasureFeed(settings, wait_s=KAFKA_S) as feed:
        receipts = receipts_in(feed.erasures)
        own = next((one for one in receipts if one.request_id == request.request_id), None)
        if own is not None:
            return own
        receipt = signer.signed(
            ErasureReceipt(
                request_id=request.request_id,
                asked_at=rfc3339(round(request.asked_at * 1000)),
                erased_at=rfc3339(time.time_ns() // 1_000_000),
                pseudonyms=request.pseudonyms,
                found=request.found,
                left=left,
                remains={**remains(settings), "topics keep": kept_in_topics(settings), **not_reached(settings)},
                previous=digest_of(receipts[-1]) if receipts else FIRST,
                number=len(receipts) + 1,
            )
        )
        _publish(settings, msgspec.structs.replace(request, ids=[], receipt=receipt, opened_at=asked_at))
    return receipt


def _publish(settings: Settings, request: PrivacyRequest) -> None:
    key, value = request.request_id.encode(), encode_request(request)
    headers: list[tuple[str, bytes | None]] = [_JSON, *NoteProof.of(settings).headers(key, value)]
    publish_one(settings, settings.privacy_requests, key, value, "request", headers)


def as_lines(receipt: ErasureReceipt) -> list[str]:
    """A receipt for people."""
    stores: dict[str, Any] = {store: count for store, count in receipt.found.items() if count}
    return [
        f"receipt {receipt.number}, request {receipt.request_id}",
        f"asked for {receipt.asked_at}, erased {receipt.erased_at}, looked for again: nothing left",
        *(f"    {count:,} in {store}" for store, count in stores.items()),
        *(f"    stays: {what}: {why}" for what, why in receipt.remains.items()),
    ]
