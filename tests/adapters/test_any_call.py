"""The adapters of Segment and CloudEvents translate or refuse any call; they never fail."""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.adapters import Call, Ignored, Malformed, Native, adapters_of
from stream.adapters.json_fields import MalformedError
from stream.client.event_contract import Draft, EventContract
from stream.settings import Settings
from tests.adapters.calls import NOW_MS
from tests.adapters.test_cloudevents import EVENT
from tests.adapters.test_segment import ORDER, TRACK

ADAPTERS = adapters_of(Settings())
CONTRACT = EventContract(Settings())
EXAMPLES: dict[str, list[dict[str, Any]]] = {
    "segment": [TRACK, {**TRACK, "event": "Order Completed", "properties": ORDER}],
    "cloudevents": [EVENT],
}
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=120),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=4,
)
header_texts = st.text(max_size=30) | st.binary(max_size=10).map(lambda b: b.decode("utf-8", "surrogateescape"))


def judge(name: str, call: Call) -> None:
    """Translate, and check the result against the contract, as the endpoint does."""
    with contextlib.suppress(MalformedError):
        for translation in ADAPTERS[name].translate(call):
            assert isinstance(translation, Native | Ignored | Malformed)
            if isinstance(translation, Native):
                admitted = CONTRACT.admit([Draft(translation.value(), translation.event_type)], NOW_MS)
                assert len(admitted.records) + len(admitted.rejections) == 1


@pytest.mark.parametrize("name", EXAMPLES)
@given(body=st.binary(max_size=60) | json_values.map(lambda value: json.dumps(value).encode()))
def test_any_body_is_translated_or_refused(name: str, body: bytes) -> None:
    judge(name, Call({"content-type": "application/cloudevents+json"}, body, NOW_MS))


@pytest.mark.parametrize("name", EXAMPLES)
@given(drawn=st.data())
def test_any_change_of_an_example_is_translated_or_refused(name: str, drawn: st.DataObject) -> None:
    example = drawn.draw(st.sampled_from(EXAMPLES[name]))
    changes = drawn.draw(st.dictionaries(st.sampled_from(sorted(example)), json_values, max_size=3))
    event = {**example, **changes}
    judge(name, Call({"content-type": "application/cloudevents+json"}, json.dumps(event).encode(), NOW_MS))


@given(st.dictionaries(st.sampled_from(["ce-id", "ce-source", "ce-type", "ce-subject", "ce-time"]), header_texts))
def test_any_headers_are_translated_or_refused(headers: dict[str, str]) -> None:
    defaults = {"ce-specversion": "1.0", "ce-id": "1", "ce-source": "/s", "ce-type": "a.click.page_viewed"}
    judge("cloudevents", Call({**defaults, **headers}, b"{}", NOW_MS))
