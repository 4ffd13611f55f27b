"""The kernel's checksum is that of zlib, and damage changes it."""

import zlib

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.features.checksum import CHECKSUM_BYTES, checksum, is_whole, seed_of, seeds_of


@given(st.binary(max_size=80), st.integers(0, 8), st.integers(0, 2**32 - 1))
@settings(max_examples=300, deadline=None)
def test_the_kernel_computes_what_zlib_does(content: bytes, before: int, seed: int) -> None:
    buffer = np.frombuffer(bytes(before) + content + b"behind", np.uint8)
    assert checksum(buffer, before, before + len(content), seed) == zlib.crc32(content, seed)


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=30), max_size=20))
@settings(max_examples=200, deadline=None)
def test_customers_have_the_seed_that_each_has_alone(customers: list[str]) -> None:
    assert seeds_of(customers).tolist() == [zlib.crc32(customer.encode()) for customer in customers]


@given(st.binary(max_size=80), st.integers(0, 2**32 - 1), st.data())
@settings(max_examples=300, deadline=None)
def test_bytes_are_whole_with_the_checksum_of_zlib_and_with_no_other(
    content: bytes, seed: int, data: st.DataObject
) -> None:
    sealed = bytearray(content + zlib.crc32(content, seed).to_bytes(CHECKSUM_BYTES, "little"))
    assert is_whole(bytes(sealed), seed)
    bit = data.draw(st.integers(0, 8 * len(sealed) - 1))
    sealed[bit // 8] ^= 1 << bit % 8
    assert not is_whole(bytes(sealed), seed)


def test_bytes_of_one_customer_are_not_whole_for_another() -> None:
    sealed = b"state" + zlib.crc32(b"adastate").to_bytes(CHECKSUM_BYTES, "little")
    assert is_whole(sealed, seed_of("ada"))
    assert not is_whole(sealed, seed_of("bob"))
