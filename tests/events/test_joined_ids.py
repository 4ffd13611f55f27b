"""Ids end to end are the bytes of each."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from stream.events.joined_ids import joined_ids

TEXT = st.text(st.characters(exclude_categories=["Cs"]))


@given(st.lists(TEXT))
def test_each_id_is_found_between_where_it_begins_and_the_next(ids: list[str]) -> None:
    raw, starts = joined_ids(ids)
    found = [raw[begin:end].tobytes().decode() for begin, end in pairwise(starts.tolist())]
    assert found == ids
    assert starts[-1] == len(raw)
