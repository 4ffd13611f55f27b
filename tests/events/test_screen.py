"""The checks of raw bytes agree with the parsed JSON."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.events.rejections import Defect
from stream.events.screen import MAX_DEPTH, BadRecordError, screen


def depth_of(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + max(map(depth_of, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(depth_of, value), default=0)
    return 0


def wrapped(layers: list[tuple[bool, str, int]]) -> Any:
    """Nest arrays and objects around each other, each with siblings that are full of brackets and quotes."""
    value: Any = None
    for is_object, text, siblings in layers:
        rows = [{text: text}] * siblings
        value = {text: value, "rows": rows} if is_object else [*rows, value, *rows]
    return value


layers = st.lists(
    st.tuples(st.booleans(), st.text('[]{}",\\ a', max_size=6), st.integers(0, 3)),
    min_size=MAX_DEPTH - 6,
    max_size=MAX_DEPTH + 6,
)


@given(layers, st.sampled_from([(",", ":"), (", ", ": ")]))
def test_a_value_is_too_deep_if_and_only_if_it_nests_too_deep(
    nesting: list[tuple[bool, str, int]], separators: tuple[str, str]
) -> None:
    value = wrapped(nesting)
    text = json.dumps(value, separators=separators).encode()
    if depth_of(value) > MAX_DEPTH:
        with pytest.raises(BadRecordError) as refused:
            screen(text, len(text))
        assert refused.value.reason is Defect.TOO_DEEP
    else:
        screen(text, len(text))


@given(st.text(st.characters() | st.sampled_from("\\u\ud83d\ude00\ud800\udfff")), st.booleans())
def test_an_escaped_text_passes_if_and_only_if_it_can_be_utf8(text: str, pair: bool) -> None:
    # Adjacent halves written as escapes are one character, so let the JSON parser say what the text is.
    escaped = json.dumps(text + "\U0001f600" * pair).encode()
    try:
        json.loads(escaped).encode()
    except UnicodeEncodeError:
        with pytest.raises(BadRecordError) as refused:
            screen(escaped, len(escaped))
        assert refused.value.reason is Defect.LONE_SURROGATE
    else:
        screen(escaped, len(escaped))


def test_a_value_of_exactly_the_limit_passes() -> None:
    screen(b"1234", 4)
    with pytest.raises(BadRecordError) as refused:
        screen(b"12345", 4)
    assert refused.value.reason is Defect.TOO_LARGE
