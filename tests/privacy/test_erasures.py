"""Who is erased: a fold of the requests, whatever came meanwhile."""

import hmac
from base64 import urlsafe_b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.errors import SystematicError
from stream.privacy.erasure_receipt import ErasureReceipt
from stream.privacy.erasures import Erasures
from stream.privacy.pseudonym import Pseudonyms
from stream.privacy.request_records import PrivacyRequest, decode_request, encode_request

KEY = b"k" * 32


def pseudonym(one: str) -> str:
    digest = hmac.new(KEY, b"erased:" + one.encode(), "sha256").digest()[:16]
    return "p1_" + urlsafe_b64encode(digest).decode().rstrip("=")


def request(number: int, *ids: str, asked_at: float = 100.0) -> PrivacyRequest:
    return PrivacyRequest(
        request_id=f"r-{number}", asked_at=asked_at, pseudonyms=[pseudonym(one) for one in ids], ids=[*ids]
    )


def closed(opened: PrivacyRequest, opened_at: int) -> PrivacyRequest:
    receipt = ErasureReceipt(
        request_id=opened.request_id,
        asked_at="",
        erased_at="",
        pseudonyms=opened.pseudonyms,
        found={},
        left={},
        remains={},
        previous="",
        number=1,
    )
    return PrivacyRequest(
        request_id=opened.request_id,
        asked_at=opened.asked_at,
        pseudonyms=opened.pseudonyms,
        receipt=receipt,
        opened_at=opened_at,
    )


def test_a_pseudonym_is_a_keyed_hash() -> None:
    assert Pseudonyms(KEY).of("c-1") == pseudonym("c-1")
    assert Pseudonyms(b"x" * 32).of("c-1") != pseudonym("c-1")


def test_all_events_of_an_erased_person_are_refused_or_those_up_to_the_request() -> None:
    for anew in (False, True):
        erasures = Erasures(KEY, anew=anew)
        assert not erasures.refuses("c-1", 0)  # is remembered, until somebody is erased
        erasures.take(0, request(1, "c-1", "email:h1_x"))
        assert erasures.refuses("c-1", 99_000)
        assert erasures.refuses("email:h1_x", 100_000)
        assert erasures.refuses("c-1", 100_001) is not anew
        assert not erasures.refuses("c-2", 0)
        assert (erasures.position, erasures.is_empty) == (1, False)


def test_a_store_that_carried_a_request_out_has_nothing_to_do_when_it_is_closed() -> None:
    erasures = Erasures(KEY)
    asked = request(1, "c-1")
    erasures.take(0, None)
    erasures.take(1, asked)
    assert erasures.wanted(1).ids == {"c-1"}
    assert not erasures.wanted(2).ids
    erasures.take(2, closed(asked, 1))
    assert erasures.wanted(2) == (frozenset(), frozenset())
    # one that missed it has the hashes to go by
    assert erasures.wanted(0) == (frozenset(), frozenset({pseudonym("c-1")}))
    assert erasures.among(["c-1", "c-2", "c-1"], erasures.wanted(0).pseudonyms) == ["c-1"]


def test_when_requests_cannot_be_read_any_more_everybody_is_told() -> None:
    erasures = Erasures(KEY)
    erasures.failed(OSError("gone"))
    with pytest.raises(SystematicError, match="gone"):
        erasures.position  # noqa: B018


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.booleans()), max_size=12))
def test_who_is_erased_follows_from_the_requests_alone(steps: list[tuple[str, bool]]) -> None:
    """Compaction leaves the newest record of a request; looking somebody up in between changes nothing."""
    log: list[PrivacyRequest] = []
    followed = Erasures(KEY)
    for offset, (who, is_closed) in enumerate(steps):
        followed.refuses(who, 0)
        opened = request(offset, who)
        log.append(closed(opened, offset) if is_closed else opened)
        followed.take(offset, decode_request(encode_request(log[-1])))
    later = Erasures(KEY)
    for offset, one in enumerate(log):
        later.take(offset, one)
    erased = {who for who, _ in steps}
    for who in "abcd":
        assert followed.refuses(who, 10**15) == later.refuses(who, 10**15) == (who in erased)
