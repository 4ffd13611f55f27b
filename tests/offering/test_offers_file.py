"""The offers file: its content, and the messages about mistakes in it."""

from pathlib import Path

import pytest

from stream.consent.purposes import Purpose
from stream.errors import SettingsError
from stream.offering.offers_file import OfferKind, load, parse

EXAMPLE = Path(__file__).parents[2] / "examples" / "offers.yaml"
MINIMAL = """
hold_out: {share: 0.1, salt: s}
margin: 0.4
offers:
  call: {kind: call, what: a call, cost: 5, channel: phone}
"""


def problems(text: str) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        parse(text, source="o.yaml")
    return str(caught.value).split("\n")


def test_the_example_is_right() -> None:
    config = load(EXAMPLE)
    assert [offer.kind for offer in config.offers.values()] == [OfferKind.COUPON, OfferKind.SAMPLE, OfferKind.CALL]
    assert config.offers["call"].consent is Purpose.MARKETING
    assert (config.hold_out.share, config.window_days) == (0.1, 28.0)


def test_what_is_left_out_has_a_default() -> None:
    offer = parse(MINIMAL, source="o.yaml").offers["call"]
    assert (offer.discount, offer.who.stages, offer.budget) == (0.0, ("due", "at_risk", "lapsed"), None)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("cost: 5", "cost: -5", "o.yaml: offer call: cost: expected `float` >= 0.0, got -5"),
        ("cost: 5", "price: 5", "o.yaml: offer call: object contains unknown field `price`"),
        (
            "channel: phone",
            "channel: fone",
            "o.yaml: offer call: channel: there is no channel 'fone'; did you mean phone?",
        ),
        ("kind: call", "kind: gift", "o.yaml: offer call: kind: invalid enum value 'gift', got 'gift'"),
        ("share: 0.1", "share: 0", "o.yaml: hold_out.share: expected `float` >= 0.01, got 0"),
        ("margin: 0.4", "margin: 40", "o.yaml: margin: expected `float` <= 1.0, got 40"),
        ("cost: 5", "cost: 5, budget: {money: 3}", "o.yaml: offer call: budget: 3 does not pay for one, which costs 5"),
        (
            "cost: 5",
            "cost: 0, budget: {money: 3}",
            "o.yaml: offer call: budget has no effect on an offer without a cost",
        ),
        ("  call:", "  nothing:", "o.yaml: offer nothing: the name stands for no offer"),
        ("  call:", "  Call!:", "o.yaml: offers: 'Call!' is no name"),
        (
            "channel: phone",
            "channel: phone, consent: profit",
            "o.yaml: offer call: consent: invalid enum value 'profit'",
        ),
        (
            "channel: phone",
            "channel: phone, who: {stages: [gone]}",
            "o.yaml: offer call: who.stages[0]: invalid enum value",
        ),
        ("margin: 0.4", "margin: 0.4\nmargin: 0.5", "o.yaml: not YAML: 'margin' is given twice in line 4, column 1"),
        (
            "margin: 0.4",
            "margin: 2026-02-30",
            "o.yaml: not YAML: a value cannot be read: day is out of range for month",
        ),
        ("margin: 0.4", f"margin: {'[' * 6000}", "o.yaml: not YAML: its parts are too deep"),
    ],
)
def test_a_mistake_is_told_with_its_place(old: str, new: str, expected: str) -> None:
    (problem,) = problems(MINIMAL.replace(old, new))
    assert problem.startswith(expected)


def test_all_mistakes_are_told_at_once() -> None:
    text = MINIMAL.replace("cost: 5", "cost: -5").replace("margin: 0.4", "margin: 2")
    assert len(problems(text)) == 2


def test_a_file_that_is_not_there_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"the offers file .*no\.yaml cannot be read"):
        load(tmp_path / "no.yaml")
