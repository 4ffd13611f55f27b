import base64
import json
import math
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import numpy as np
import orjson
from hypothesis import given
from hypothesis import strategies as st

from stream.features.profile import NEVER
from stream.processing import json_text

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def written(write: object, *arguments: object) -> str:
    buffer = np.zeros(4096, np.uint8)
    end = write(buffer, 0, *arguments)  # type: ignore[operator]  # a compiled function
    return buffer[:end].tobytes().decode()


@given(st.integers(-(2**62), 2**62))
def test_an_integer_is_written_as_json_writes_it(value: int) -> None:
    assert written(json_text.put_integer, value) == str(value)


@given(st.floats(-1e11, 1e11), st.integers(1, 6))
def test_a_decimal_reads_back_rounded(value: float, places: int) -> None:
    read = json.loads(written(json_text.put_decimal, value, places))
    assert math.isclose(read, value, rel_tol=1e-12, abs_tol=0.5000001 * 10**-places)


def test_an_unknown_value_is_null() -> None:
    assert written(json_text.put_decimal, math.nan, 4) == "null"
    assert written(json_text.put_instant, NEVER, True) == "null"
    assert written(json_text.put_instant, -NEVER, False) == "null"


@given(st.integers(0, 4_102_444_800_000))
def test_an_instant_is_the_datetime_to_the_millisecond(at_ms: int) -> None:
    expected = (EPOCH + timedelta(milliseconds=at_ms)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    assert json.loads(written(json_text.put_instant, at_ms, True)) == expected
    to_the_second = (EPOCH + timedelta(seconds=at_ms // 1000)).isoformat().replace("+00:00", "Z")
    assert json.loads(written(json_text.put_instant, at_ms, False)) == to_the_second


@given(st.binary(max_size=300))
def test_base64_is_that_of_the_standard_library(raw: bytes) -> None:
    source = np.frombuffer(raw + b"!", np.uint8)
    assert written(json_text.put_base64, source, 0, len(raw)) == base64.b64encode(raw).decode()


@given(
    st.lists(
        st.text(st.characters(codec="utf-8"), max_size=20) | st.text("abc019-_", min_size=1, max_size=40), max_size=8
    )
)
def test_quoted_texts_are_json_strings(texts: list[str]) -> None:
    raw, starts = json_text.quoted(texts)
    found = [raw[begin:end].tobytes() for begin, end in pairwise(starts.tolist())]
    assert found == [orjson.dumps(text) for text in texts]
