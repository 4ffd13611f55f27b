"""Whom records and states are about, for every projection that there is."""

import orjson
import pytest

from stream.identity.departures import ARRIVED_AS
from stream.identity.records import KEY
from stream.privacy.erasures import Erasures
from stream.privacy.pseudonym import Pseudonyms
from stream.privacy.request_records import PrivacyRequest
from stream.projections.all_projections import PROJECTIONS
from stream.projections.subjects import ids_in, of_others, subjects
from stream.settings import Settings
from stream.texts import text_records
from tests.oracle.record import Record

#: Their states are counts, of nobody alone.
OF_NOBODY = {"ratings"}


@pytest.mark.parametrize("name", PROJECTIONS)
def test_every_projection_says_what_it_erases_and_it_is_found_by_its_key(name: str) -> None:
    projection = PROJECTIONS[name](Settings(identity_key="k" * 32, join_identities=True))
    for customer in ("c-1", "email:h1_abc", "a/b"):
        keys = [*projection.erase(customer)]
        assert bool(keys) is (name not in OF_NOBODY), f"{name} has no eraser"
        kept_in = projection.erased_in(customer)
        assert kept_in is None or [*kept_in]
        for key in keys:
            assert customer in ids_in(key), f"{key} of {name} would not be found when a backup is restored"


def test_a_record_is_about_its_key_or_where_all_have_one_about_whom_it_names() -> None:
    assert [*subjects(b"c-1", None)] == ["c-1"]
    link = orjson.dumps({"one": "c-1", "other": "email:h1_x", "name": "merge"})
    assert [*subjects(KEY.encode(), link)] == ["c-1", "email:h1_x"]
    text = orjson.dumps({"customer_id": "c-2", "text": "good"})
    assert [*subjects(text_records.KEY.encode(), text)] == ["c-2"]
    assert [*subjects(KEY.encode(), b"{")] == []


def test_what_came_under_an_erased_id_is_left_out_of_another_customer_as_well() -> None:
    key = b"k" * 32
    erasures = Erasures(key)
    erasures.take(
        0, PrivacyRequest(request_id="r-1", asked_at=9.0, pseudonyms=[Pseudonyms(key).of("c-2")], ids=["c-2"])
    )
    own, others = (Record(b"c-1", b"{}", 5000, 0, ((ARRIVED_AS, one),)) for one in (b"c-1", b"c-2"))
    plain = Record(b"c-1", b"{}", 5000)
    assert of_others([own, others, plain], erasures) == [own, plain]
