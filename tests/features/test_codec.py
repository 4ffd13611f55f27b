"""Stored octets that are damaged are refused; nothing that stands in them makes the reader leave its memory."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.errors import CodecError
from stream.events.kinds import EventKind
from stream.features import codec
from stream.features.profile import PROFILE
from tests.features.lists_of_events import BEGIN, DAY, event_lists
from tests.features.profiles import Profile
from tests.oracle.event import Event


def busy() -> bytes:
    """A profile with something in every part but the landmarks."""
    profile = Profile()
    events = [
        Event(f"{kind.name}-{day}", kind, BEGIN + day * DAY + kind * 60_000, f"order-{day}", 10_000 + day)
        for day in range(30)
        for kind in EventKind
        if kind is not EventKind.ORDER_CANCELLED or day < 5
    ]
    profile.apply(events)
    return profile.packed()


BUSY = busy()


def unpack(*blobs: bytes) -> np.ndarray[tuple[int], np.dtype[np.void]]:
    """As the kernel does it: one working row for all."""
    working, rows = np.zeros(1, PROFILE), np.zeros(len(blobs), PROFILE)
    octets, starts = codec.join(blobs)
    for row, blob in enumerate(blobs):
        if not codec.unpack_from(working[0], octets, starts[row], starts[row + 1]):
            raise codec.damage(blob)
        rows[row] = working[0]
    return rows


def pack(rows: np.ndarray[tuple[int], np.dtype[np.void]]) -> list[bytes]:
    return [codec.pack(rows[row : row + 1]) for row in range(len(rows))]


def read_or_refused(blob: bytes) -> None:
    """Damage inside a number cannot be seen; it must not reach beyond its row, nor stop that from being packed."""
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
def test_any_octets_are_read_or_refused(octets: bytes) -> None:
    read_or_refused(octets)
    read_or_refused(bytes([codec.LAYOUT]) + octets)


@given(st.lists(st.tuples(st.integers(0, len(BUSY) - 1), st.integers(0, 255)), min_size=1, max_size=8))
@settings(max_examples=1000, deadline=None)
def test_changed_octets_are_read_or_refused(changes: list[tuple[int, int]]) -> None:
    damaged = bytearray(BUSY)
    for position, octet in changes:
        damaged[position] = octet
    read_or_refused(bytes(damaged))


@given(st.integers(1, len(BUSY) - 1), st.integers(1, 64))
@settings(max_examples=500, deadline=None)
def test_the_largest_numbers_anywhere_are_read_or_refused(position: int, run: int) -> None:
    read_or_refused(BUSY[:position] + b"\xff" * run + BUSY[position + run :])


def test_another_layout_is_refused_by_name() -> None:
    other = bytes([codec.LAYOUT + 1]) + BUSY[1:]
    with pytest.raises(CodecError, match=f"layout {codec.LAYOUT + 1}, is not of layout {codec.LAYOUT}"):
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
