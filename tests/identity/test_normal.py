"""Identifiers are compared in one spelling, and placeholders never join anybody."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.catalogue.identifiers import IDENTIFIERS
from stream.identity.nobody import is_nobody
from stream.identity.normal import MAX_CHARS, normal

kinds = st.sampled_from(sorted(IDENTIFIERS))


@pytest.mark.parametrize(
    ("kind", "spellings"),
    [
        ("email", ["ann@example.com", " Ann@Example.COM", "ann@\uff45xample.com"]),
        ("email", ["ann@b\u00fccher.de", "ANN@xn--bcher-kva.de"]),
        ("phone", ["+49 30 123456", "030/123456", "0049 30 123456", "tel:+49-30-123456"]),
        ("card", ["4711-0815 a", "47110815A"]),
        ("handle", ["mastodon:@Ann", "Mastodon: ann"]),
        ("anonymous_id", ["3f2a-Q", " 3f2a-Q "]),
    ],
)
def test_spellings_of_one_identifier_are_one(kind: str, spellings: list[str]) -> None:
    (only,) = {normal(kind, text, "DE") for text in spellings}
    assert only


def test_identifiers_that_differ_stay_apart() -> None:
    assert normal("email", "ann+shop@example.com") != normal("email", "ann@example.com")
    assert normal("anonymous_id", "aB") != normal("anonymous_id", "ab")
    assert normal("handle", "x:ann") != normal("handle", "mastodon:ann")
    assert normal("phone", "030 123456", "DE") != normal("phone", "030 123456", "GB")


@pytest.mark.parametrize("kind", sorted(IDENTIFIERS))
@pytest.mark.parametrize(
    "text",
    ["", " ", "null", "NULL", "undefined", "guest", "Anonymous", "[object Object]", '"none"', "0", "0000-0000", "---"],
)
def test_placeholders_tell_nobody(kind: str, text: str) -> None:
    assert is_nobody(text)
    assert normal(kind, text, "DE") == ""


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("email", "ann"),
        ("email", "null@example.com"),
        ("email", "ann@example.com, bob@example.com"),
        ("phone", "030 123456 without a country"),
        ("phone", "+49 1"),
        ("handle", "x:@null"),
        ("anonymous_id", "x" * (MAX_CHARS + 1)),
    ],
)
def test_what_is_no_identifier_of_its_kind_tells_nobody(kind: str, text: str) -> None:
    assert normal(kind, text) == ""


@given(kinds, st.text(max_size=40))
def test_the_normal_spelling_is_its_own(kind: str, text: str) -> None:
    found = normal(kind, text, "DE")
    assert normal(kind, found, "DE") == found
