import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.texts.masking import is_card_number, masked


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("write to Eva.Meier+shop@mail.example.co.uk!", "write to [email]!"),
        ("<a@b.de>,c@d.fr", "<[email]>,[email]"),
        ("an @mention and a@b stay", "an @mention and a@b stay"),
        ("4111111111111111", "[card]"),
        ("card 5500-0000-0000-0004 exp 12/27", "card [card] exp 12/27"),
        ("378282246310005", "[card]"),
        ("(030) 123-4567", "[phone]"),
        ("+86 138 1234 5678", "[phone]"),
        ("0301234567", "[phone]"),
        ("电话 13812345678。", "电话 [phone]。"),
        ("0170\u20131234567, or 0170\u202f123\u202f45\u202f67", "[phone], or [phone]"),
        ("0170\u200b1234567", "[phone]"),
        ("eva\uff20example.com", "[email]"),
        ("4111\u20111111\u20111111\u20111111", "[card]"),
        ("order 1234567 of 2026-01-05 cost 129.90", "order 1234567 of 2026-01-05 cost 129.90"),
        ("05.01.2026", "05.01.2026"),
        ("4" * 41, "[number]"),
        ("", ""),
        ("😀 6 sizes", "😀 6 sizes"),
    ],
)
def test_personal_data_is_masked_and_the_rest_stays(text: str, expected: str) -> None:
    assert masked(text) == expected


def test_the_checksum_of_a_card_is_that_of_luhn() -> None:
    # the worked example of ISO/IEC 7812-1, lengthened, and one digit changed
    assert is_card_number("4539578763621486")
    assert not is_card_number("4539578763621487")
    assert not is_card_number("79927398713")


@given(st.text(max_size=300))
def test_masking_a_masked_text_changes_nothing(text: str) -> None:
    assert masked(masked(text)) == masked(text)


_LOCAL = st.from_regex(r"[a-z0-9._+-]{0,20}[a-z0-9]", fullmatch=True)
_DOMAIN = st.from_regex(r"[a-z0-9-]{1,10}\.[a-z]{2,6}", fullmatch=True)


@given(st.text(max_size=40), _LOCAL, _DOMAIN, st.text(max_size=40))
def test_no_address_is_left_wherever_it_stands(before: str, local: str, domain: str, after: str) -> None:
    assert f"{local}@{domain}" not in masked(f"{before} {local}@{domain} {after}")


@given(st.integers(10**11, 10**18 - 1), st.sampled_from(["", " ", "-"]))
def test_no_card_number_is_left_however_it_is_grouped(number: int, between: str) -> None:
    digits = str(number)
    total = 0
    for place, digit in enumerate(reversed(digits)):
        doubled = int(digit) * 2 if place % 2 == 0 else int(digit)
        total += sum(map(int, str(doubled)))
    card = digits + str(-total % 10)
    grouped = between.join(card[k : k + 4] for k in range(0, len(card), 4))
    left = masked(f"my card is {grouped}, thank you")
    assert not re.search(r"\d", left)


@pytest.mark.timeout(20)
@pytest.mark.parametrize("text", ["a" * 300_000, "@a" * 150_000, "1" * 300_000, "1 " * 150_000, "a.@" * 100_000])
def test_a_long_text_takes_time_proportional_to_its_length(text: str) -> None:
    assert len(masked(text)) <= len(text)
