"""Damaged bytes are refused; no content makes the reader leave its memory."""

import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.catalogue.events import EVENT_NAMES
from stream.errors import CodecError
from stream.events.kinds import EventKind
from stream.features import codec
from stream.features.profile import PROFILE
from tests.features.lists_of_events import BEGIN, DAY, event_lists
from tests.features.profiles import Profile
from tests.oracle.event import KERNEL_KINDS, Event

#: The full content of a profile of the previous layout.
_FIRST_CHANNELS = {"click", "email", "purchase", "cart"}


def busy() -> bytes:
    """A profile with something in every part but the landmarks."""
    profile = Profile()
    events = [
        Event(f"{kind.name}-{day}", kind, BEGIN + day * DAY + kind * 60_000, f"order-{day}", 10_000 + day)
        for day in range(30)
        for kind in KERNEL_KINDS
        if _FIRST_CHANNELS.issuperset(EVENT_NAMES[kind].counts)
        if kind is not EventKind.ORDER_CANCELLED or day < 5
    ]
    profile.apply(events)
    return profile.packed()


CUSTOMER = "somebody"
BUSY = busy()
#: Layout 4 has no checksum: damage inside a number cannot be seen in it.
BUSY_BEFORE = Profile.of(BUSY).packed(codec.LAYOUT_BEFORE)


def unpack(*blobs: bytes) -> np.ndarray[tuple[int], np.dtype[np.void]]:
    """Reads them as the store and the kernel do: verified, then one working row for all."""
    working, rows = np.zeros(1, PROFILE), np.zeros(len(blobs), PROFILE)
    raw, starts = codec.join(blobs)
    for row, blob in enumerate(blobs):
        codec.verify(blob, CUSTOMER)
        if not codec.unpack_from(working[0], raw, starts[row], starts[row + 1]):
            raise codec.damage(blob)
        rows[row] = working[0]
    return rows


def pack(rows: np.ndarray[tuple[int], np.dtype[np.void]]) -> list[bytes]:
    return [codec.pack(rows[row : row + 1], CUSTOMER) for row in range(len(rows))]


def sealed(body: bytes, customer: str = CUSTOMER) -> bytes:
    """The bytes of sections as a profile whose checksum is right, worked out by zlib."""
    packed = bytes([codec.LAYOUT]) + body
    return packed + zlib.crc32(customer.encode() + packed).to_bytes(4, "little")


def read_or_refused(blob: bytes) -> None:
    """Content under a right checksum, or in a layout without one, must not reach beyond its row."""
    try:
        rows = unpack(blob, BUSY)
    except CodecError:
        return
    [_, untouched] = pack(rows)
    assert untouched == BUSY


@pytest.mark.parametrize("length", [0, 1, 2, 20, 100, len(BUSY) // 2, len(BUSY) - 1])
def test_a_blob_cut_short_is_refused_wherever_it_stands(length: int) -> None:
    for blobs in ([BUSY[:length]], [BUSY[:length], BUSY], [BUSY, BUSY[:length]], [BUSY[:length], BUSY[length:]]):
        with pytest.raises(CodecError):
            unpack(*blobs)


@given(st.data())
@settings(max_examples=200, deadline=None)
def test_every_cut_of_a_profile_is_refused(data: st.DataObject) -> None:
    profile = Profile()
    profile.apply(data.draw(event_lists()))
    packed = profile.packed()
    length = data.draw(st.integers(0, len(packed) - 1))
    with pytest.raises(CodecError, match=r"damaged|layout"):
        unpack(packed[:length], packed)


@given(st.binary(max_size=400))
@settings(max_examples=500, deadline=None)
def test_any_bytes_are_read_or_refused(some: bytes) -> None:
    read_or_refused(some)
    for layout in range(codec.OLDEST_LAYOUT, codec.LAYOUT + 1):
        read_or_refused(bytes([layout]) + some)
    read_or_refused(sealed(some))


def test_every_flipped_bit_is_refused() -> None:
    for position in range(8 * len(BUSY)):
        flipped = bytearray(BUSY)
        flipped[position // 8] ^= 1 << position % 8
        # a flip in the version byte may name a layout without a checksum, which ends elsewhere
        with pytest.raises(CodecError, match=r"damaged|not of a layout"):
            codec.unpack(bytes(flipped), CUSTOMER)


def test_every_flipped_bit_of_a_small_profile_is_refused() -> None:
    profile = Profile()
    profile.apply([Event("only", EventKind.PAGE_VIEWED, BEGIN)])
    small = profile.packed()
    for position in range(8 * len(small)):
        flipped = bytearray(small)
        flipped[position // 8] ^= 1 << position % 8
        with pytest.raises(CodecError, match=r"damaged|not of a layout"):
            codec.unpack(bytes(flipped), CUSTOMER)


@given(event_lists(), st.text(max_size=20), st.text(max_size=20))
@settings(max_examples=200, deadline=None)
def test_only_the_customer_of_a_profile_reads_it(events: list[Event], customer: str, other: str) -> None:
    profile = Profile(customer)
    profile.apply(events)
    packed = profile.packed()
    assert packed[-4:] == zlib.crc32(customer.encode() + packed[:-4]).to_bytes(4, "little")
    assert Profile.of(packed, customer).packed() == packed
    if other != customer:
        with pytest.raises(CodecError, match="another customer"):
            codec.unpack(packed, other)


@given(st.binary(min_size=1, max_size=20))
@settings(max_examples=300, deadline=None)
def test_an_extended_profile_is_refused(more: bytes) -> None:
    for extended in (BUSY + more, more + BUSY, BUSY[:-4] + more + BUSY[-4:]):
        with pytest.raises(CodecError):
            codec.unpack(extended, CUSTOMER)


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_changes_are_refused(data: st.DataObject) -> None:
    damaged = bytearray(BUSY)
    for position, byte in data.draw(
        st.lists(st.tuples(st.integers(1, len(BUSY) - 1), st.integers(0, 255)), min_size=1)
    ):
        damaged[position] = byte
    if damaged != BUSY:
        with pytest.raises(CodecError, match="damaged"):
            codec.unpack(bytes(damaged), CUSTOMER)


def sections(packed: bytes) -> list[tuple[int, bytes]]:
    """The tags and bytes of the sections of a profile."""
    found, at = [], 1
    while at < len(packed) - 4:
        head = shift = 0
        while True:
            byte = packed[at]
            head |= (byte & 127) << shift
            at, shift = at + 1, shift + 7
            if byte < 128:
                break
        found.append((head & 15, packed[at : at + (head >> 4)]))
        at += head >> 4
    return found


def joined(parts: list[tuple[int, bytes]]) -> bytes:
    body = b""
    for tag, content in parts:
        head = len(content) << 4 | tag
        body += bytes([head & 127 | 128, head >> 7 & 127 | 128, head >> 14]) + content
    return sealed(body)


def test_additions_of_a_newer_program_are_left_out() -> None:
    parts = sections(BUSY)
    assert [tag for tag, _ in parts] == [1, 3]
    assert pack(unpack(joined(parts))) == [BUSY]
    assert pack(unpack(joined([(tag, content + b"\x07more") for tag, content in parts]))) == [BUSY]
    assert pack(unpack(joined([*parts, (8, b"anything")]))) == [BUSY]


def test_a_section_that_must_be_known_is_refused() -> None:
    with pytest.raises(CodecError):
        unpack(joined([*sections(BUSY), (9, b"anything")]))


def test_fields_that_an_older_program_has_not_written_keep_their_defaults() -> None:
    (tag, fields), *others = sections(BUSY)
    # the flags are the last field, one byte; before them the difference of the versions, and the segment
    for missing, expected in ((1, {"raised": 0}), (2, {"raised": 0, "segment_version": 0})):
        profile = Profile.of(joined([(tag, fields[:-missing]), *others]))
        assert {name: profile[name] for name in expected} == expected
        assert profile["orders"] == Profile.of(BUSY)["orders"]


def test_a_profile_without_its_fields_is_refused() -> None:
    for parts in ([], sections(BUSY)[1:]):
        with pytest.raises(CodecError):
            unpack(joined(parts))


@given(st.data())
@settings(max_examples=500, deadline=None)
def test_damage_under_a_right_checksum_stays_in_its_row(data: st.DataObject) -> None:
    body = bytearray(BUSY[1:-4])
    for position, byte in data.draw(
        st.lists(st.tuples(st.integers(0, len(body) - 1), st.integers(0, 255)), max_size=8)
    ):
        body[position] = byte
    read_or_refused(sealed(bytes(body)))


@given(st.lists(st.tuples(st.integers(0, len(BUSY_BEFORE) - 1), st.integers(0, 255)), min_size=1, max_size=8))
@settings(max_examples=1000, deadline=None)
def test_changes_in_a_layout_without_checksum_are_read_or_refused(changes: list[tuple[int, int]]) -> None:
    damaged = bytearray(BUSY_BEFORE)
    for position, byte in changes:
        damaged[position] = byte
    read_or_refused(bytes(damaged))


@given(st.integers(1, len(BUSY_BEFORE) - 1), st.integers(1, 64))
@settings(max_examples=500, deadline=None)
def test_the_largest_numbers_anywhere_are_read_or_refused(position: int, run: int) -> None:
    read_or_refused(BUSY_BEFORE[:position] + b"\xff" * run + BUSY_BEFORE[position + run :])
    read_or_refused(sealed(BUSY[1:position] + b"\xff" * run + BUSY[position + run : -4]))


def test_the_previous_layout_holds_the_same_profile() -> None:
    assert BUSY_BEFORE[0] == codec.LAYOUT_BEFORE
    assert Profile.of(BUSY_BEFORE).packed() == BUSY


def test_another_layout_is_refused_by_name() -> None:
    other = bytes([codec.LAYOUT + 1]) + BUSY[1:]
    with pytest.raises(CodecError, match=f"layout {codec.LAYOUT + 1}, is not of a layout from 2 to {codec.LAYOUT}"):
        unpack(BUSY, other)


def test_many_profiles_are_packed_and_unpacked_each_in_its_row() -> None:
    profile = Profile()
    profile.apply([Event("only", EventKind.PAGE_VIEWED, BEGIN)])
    small = profile.packed()
    blobs = [small if k % 3 else BUSY for k in range(200)]
    assert pack(unpack(*blobs)) == blobs


def test_a_profile_at_all_its_limits_packs_and_unpacks() -> None:
    profile = Profile()
    views = [Event(f"view-{k}", EventKind.PRODUCT_ADDED, BEGIN + k * 7_000_000 // 2) for k in range(1100)]
    orders = [Event(f"buy-{k}", EventKind.ORDER_COMPLETED, BEGIN + k * DAY // 2, f"o-{k}", 10**13) for k in range(80)]
    cancellations = [
        Event(f"cancel-{k}", EventKind.ORDER_CANCELLED, BEGIN + 40 * DAY + k, f"never-{k}") for k in range(20)
    ]
    refunds = [
        Event(f"back-{k}", EventKind.ORDER_REFUNDED, BEGIN + 39 * DAY + k, f"o-{40 + k % 30}", 10**12)
        for k in range(32)
    ]
    profile.apply(sorted([*views, *orders, *cancellations, *refunds], key=lambda event: event.at))
    assert (profile["ids"], profile["open_orders"], profile["retractions"]) == (1024, 64, 16)
    assert profile["open_refunds"] == 32
    packed = profile.packed()
    assert pack(unpack(packed)) == [packed]


def test_channels_that_were_not_written_are_zero_and_unknown_ones_are_left_out() -> None:
    """The checkouts and carts, in a program with one channel less and one more."""
    day = Event("order", EventKind.PAGE_VIEWED, BEGIN)
    profile = Profile()
    profile.apply([day])
    parts = sections(profile.packed())
    tag, events = parts[1]
    days, fine = events[0] >> 4, events[0] & 15
    # no ids of orders, refunds or cancellations; then one tile each: its age and bits, and one click
    tiles = events[-9:]
    assert tiles == bytes([1, 1, 2, 1, 1, 2, 1, 1, 2])
    for more in (-1, 1):
        head = bytes([days + more << 4 | fine + more])
        assert pack(unpack(joined([parts[0], (tag, head + events[1:])]))) == [profile.packed()]
