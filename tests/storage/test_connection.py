"""Commands with very many arguments are packed as redis-py packs them."""

import pytest
import redis.asyncio
from hypothesis import given
from hypothesis import strategies as st

from stream.settings import Settings
from stream.storage.connection import connect

arguments = st.lists(st.binary(max_size=20) | st.text(max_size=20) | st.integers(), min_size=60, max_size=70)


@given(arguments)
def test_a_long_command_is_packed_as_redis_py_packs_it(rest: list[bytes | str | int]) -> None:
    ours = connect(Settings()).connection_pool.connection_class()
    expected = b"".join(redis.asyncio.Connection().pack_command("EVALSHA", *rest))
    assert b"".join(ours.pack_command("EVALSHA", *rest)) == expected


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("redis://localhost:1/0", redis.asyncio.Connection),
        ("rediss://localhost:1/0", redis.asyncio.SSLConnection),
    ],
)
def test_every_kind_of_connection_packs_so(url: str, kind: type[redis.asyncio.Connection]) -> None:
    pool = connect(Settings(redis_url=url)).connection_pool
    assert issubclass(pool.connection_class, kind)
    assert pool.connection_class is not kind
