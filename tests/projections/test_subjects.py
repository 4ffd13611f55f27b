"""Whom records and states are about, for every projection that there is."""

import orjson
import pytest

from stream.identity.records import KEY
from stream.projections.all_projections import PROJECTIONS
from stream.projections.subjects import ids_in, subjects
from stream.settings import Settings
from stream.texts import text_records

#: Their states are counts, of nobody alone.
OF_NOBODY = {"ratings"}


@pytest.mark.parametrize("name", PROJECTIONS)
def test_every_projection_says_what_it_erases_and_it_is_found_by_its_key(name: str) -> None:
    projection = PROJECTIONS[name](Settings(identity_key="k" * 32, join_identities=True))
    for customer in ("c-1", "email:h1_abc", "a/b"):
        keys = [*projection.erase(customer)]
        assert bool(keys) is (name not in OF_NOBODY), f"{name} has no eraser"
        assert [*projection.erased_in(customer)]
        for key in keys:
            assert customer in ids_in(key), f"{key} of {name} would not be found when a backup is restored"


def test_a_record_is_about_its_key_or_where_all_have_one_about_whom_it_names() -> None:
    assert [*subjects(b"c-1", None)] == ["c-1"]
    link = orjson.dumps({"one": "c-1", "other": "email:h1_x", "name": "merge"})
    assert [*subjects(KEY.encode(), link)] == ["c-1", "email:h1_x"]
    text = orjson.dumps({"customer_id": "c-2", "text": "good"})
    assert [*subjects(text_records.KEY.encode(), text)] == ["c-2"]
    assert [*subjects(KEY.encode(), b"{")] == []
