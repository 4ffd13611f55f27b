"""Packing profiles into few bytes, and back.

The packed form is canonical: two profiles that will give the same features for ever have the same tiles and ids in
it, sorted, with what fell out of every window left out. Values are varints, most of them differences from what is
known by then: times from the newest event, or in days on the customer's own grid.

    version byte, section, section, ..., checksum (4 bytes, little-endian; `stream.features.checksum`)
    section: a varint of 16 * length + tag, then as many bytes

A newer program may append to a section, and add sections. What a profile does not have keeps its default. What this
program does not know is left out when it writes the customer again, but a section whose tag is marked as necessary
makes it refuse the profile. What an older program must not lose needs a new layout (``docs/upgrading.md``).

Whoever takes a profile from a store verifies its checksum, once. What is kept in memory from then on is not verified
again when it is unpacked.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from stream.catalogue.declaring import MAX_NUMBERS
from stream.compiling import jit
from stream.errors import CodecError
from stream.features import apply
from stream.features.before_sections import (
    FIRST_LAYOUT,
    LAST_BEFORE_SECTIONS,
    get_before_sections,
    put_before_sections,
)
from stream.features.checksum import CHECKSUM_BYTES, checksum, is_whole, seed_of
from stream.features.fields import MAX_FIELD_BYTES, get_fields, put_fields
from stream.features.packed_channels import MAX_ADDED_BYTES, get_added_channels, put_added_channels
from stream.features.packed_events import (
    FIRST_CHANNELS,
    FIRST_FINE_CHANNELS,
    MAX_EVENT_BYTES,
    get_events,
    put_events,
)
from stream.features.packed_landmarks import (
    MAX_LANDMARK_BYTES,
    NUMBERS,
    get_landmarks,
    put_landmarks,
)
from stream.features.profile import PROFILE, reset
from stream.features.varint import get_uint, put_bits, put_uint

__all__ = [
    "LAYOUT",
    "LAYOUT_BEFORE",
    "MAX_BYTES",
    "OLDEST_LAYOUT",
    "damage",
    "join",
    "pack",
    "pack_into",
    "unpack",
    "unpack_from",
    "verify",
]

#: Version of the packed form. It changes when an older program must not take up what a newer one has written.
LAYOUT = 5
#: The first byte of a profile that ends with a checksum.
_SEALED = bytes([LAYOUT])
#: The layout that is written while workers of the release before may take the customer up again.
LAYOUT_BEFORE = LAST_BEFORE_SECTIONS
#: All layouts from this one on are read.
OLDEST_LAYOUT = FIRST_LAYOUT

#: No profile packs to more than this many bytes, and no blob whose counts are within bounds makes more be read.
MAX_BYTES = 512 + MAX_FIELD_BYTES + MAX_EVENT_BYTES + MAX_LANDMARK_BYTES + MAX_ADDED_BYTES

#: Tags of sections; the lowest bit marks those that a program must know to read the profile.
_FIELDS, _EVENTS, _LANDMARKS, _CHANNELS = 1, 3, 5, 2
_NECESSARY = 1
_TAG_BITS = 4
#: How many channels a day, and an hour or five minutes, are written with stands before the events.
_CHANNEL_BITS = 4
_MAX_CHANNELS = 15
#: Three bytes hold 16 * length + tag for every section: they are written before the length is known.
_HEAD_BYTES = 3
_SHORT_HEAD_BYTES = 2


@jit
def _put_head(buffer, at, size, tag, end):  # type: ignore[no-untyped-def]
    """Write the head of ``size`` bytes at ``at``, for the section of this tag that ends at ``end``."""
    rest = (end - at - size) << _TAG_BITS | tag
    for k in range(size - 1):
        buffer[at + k] = (rest & 127) | 128
        rest >>= 7
    buffer[at + size - 1] = rest


@jit
def _put_sections(p, buffer, at):  # type: ignore[no-untyped-def]
    head = at
    at = put_fields(p, buffer, at + _SHORT_HEAD_BYTES)
    _put_head(buffer, head, _SHORT_HEAD_BYTES, _FIELDS, at)
    head = at
    at = put_uint(buffer, at + _HEAD_BYTES, FIRST_CHANNELS << _CHANNEL_BITS | FIRST_FINE_CHANNELS)
    at = put_events(p, buffer, at, FIRST_CHANNELS, FIRST_FINE_CHANNELS)
    _put_head(buffer, head, _HEAD_BYTES, _EVENTS, at)
    if p.pending > 0:
        head = at
        at = put_uint(buffer, at + _HEAD_BYTES, NUMBERS)
        at = put_landmarks(p, buffer, at, NUMBERS)
        _put_head(buffer, head, _HEAD_BYTES, _LANDMARKS, at)
    end = put_added_channels(p, buffer, at + _HEAD_BYTES)
    if end > at + _HEAD_BYTES:
        _put_head(buffer, at, _HEAD_BYTES, _CHANNELS, end)
        at = end
    return at


@jit
def _get_section(p, raw, at, end, tag, behind):  # type: ignore[no-untyped-def]
    """Read a section that ends at ``end``; return the position after what this program knows of it."""
    if tag == _FIELDS:
        return get_fields(p, raw, at, end)
    if tag == _EVENTS:
        channels, at = get_uint(raw, at)
        day, fine = channels >> _CHANNEL_BITS, channels & 15
        return behind if day > _MAX_CHANNELS else get_events(p, raw, at, LAYOUT, day, fine, behind)
    if tag == _LANDMARKS:
        numbers, at = get_uint(raw, at)
        return behind if numbers > MAX_NUMBERS else get_landmarks(p, raw, at, numbers, behind)
    if tag == _CHANNELS:
        return get_added_channels(p, raw, at, end, behind)
    return behind if tag & _NECESSARY else end


@jit
def _get_sections(p, raw, at, end, behind):  # type: ignore[no-untyped-def]
    while at < end:
        head, at = get_uint(raw, at)
        section_end = at + (head >> _TAG_BITS)
        if section_end > end or _get_section(p, raw, at, section_end, head & 15, behind) > section_end:
            return False
        at = section_end
    return p.events > 0


@jit
def pack_into(p, buffer, at, seed, layout):  # type: ignore[no-untyped-def]
    """Write the packed form of ``p``, which must have an event, to ``buffer`` (MAX_BYTES of room).

    ``seed`` is `seed_of` the customer; ``layout`` is LAYOUT or LAYOUT_BEFORE. Returns the position after it. Drops from
    ``p`` what it leaves out, and sorts what is in it.
    """
    apply.forget(p)
    begin = at
    buffer[at] = layout
    if layout != LAYOUT:
        return put_before_sections(p, buffer, at + 1)
    at = _put_sections(p, buffer, at + 1)
    return put_bits(buffer, at, checksum(buffer, begin, at, seed), CHECKSUM_BYTES)


@jit
def unpack_from(p, raw, begin, end):  # type: ignore[no-untyped-def]
    """Make ``p`` the profile that is packed in ``raw[begin:end]`` (see `join`); False when there is none.

    The checksum is not looked at: see `verify`. The profile is of LAYOUT when it is packed next, whichever wrote it.
    """
    reset(p, 0)
    layout = raw[begin]
    behind = raw.shape[0] - MAX_BYTES + 1
    if layout == LAYOUT:
        stop = end - CHECKSUM_BYTES
        return stop > begin and _get_sections(p, raw, begin + 1, stop, behind)
    if layout < OLDEST_LAYOUT or layout > LAYOUT:
        return False
    return get_before_sections(p, raw, begin + 1, layout, behind) == end


def join(blobs: Sequence[bytes | None]) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    """Packed profiles end to end, for `unpack_from`, and where each begins and the last ends; None takes no room."""
    parts = [blob or b"" for blob in blobs]
    starts = np.zeros(len(parts) + 1, np.int64)
    np.cumsum(np.fromiter(map(len, parts), np.int64, len(parts)), out=starts[1:])
    # the guard bytes make reads behind a cut blob harmless: it does not end where it should
    return np.frombuffer(b"".join(parts) + bytes(2 * MAX_BYTES), np.uint8), starts


def damage(blob: bytes, row: int | None = None) -> CodecError:
    """Why these bytes, at position ``row`` among others, were not unpacked."""
    if blob and OLDEST_LAYOUT <= blob[0] <= LAYOUT:
        return CodecError(f"a stored profile of {len(blob)} bytes is damaged, or another customer's", row=row)
    return CodecError(
        f"a stored profile of {len(blob)} bytes, layout {blob[0] if blob else None}, is not of a layout from "
        f"{OLDEST_LAYOUT} to {LAYOUT}: it was written by another version",
        row=row,
    )


def verify(packed: bytes, customer: str) -> None:
    """Raise CodecError when packed bytes are damaged or another customer's, as far as their checksum tells."""
    if packed[:1] == _SEALED and not is_whole(packed, seed_of(customer)):
        raise damage(packed)


def unpack(packed: bytes, customer: str) -> npt.NDArray[np.void]:
    """The profile, PROFILE[1], of a customer's packed bytes. Raises CodecError when they are not of that customer."""
    verify(packed, customer)
    profile = np.zeros(1, PROFILE)
    raw, starts = join([packed])
    if not unpack_from(profile[0], raw, starts[0], starts[1]):
        raise damage(packed)
    return profile


def pack(profile: npt.NDArray[np.void], customer: str, layout: int = LAYOUT) -> bytes:
    """The bytes of the profile, PROFILE[1], of a customer with at least one event; changes it as `pack_into` does."""
    buffer = np.empty(MAX_BYTES, np.uint8)
    return buffer[: pack_into(profile[0], buffer, 0, seed_of(customer), layout)].tobytes()
