"""Profiles of the previous version are read, keep their values, and are written in the present layout."""

import json
from base64 import b64decode

import numpy as np
import pytest

from stream.events.kinds import EventKind
from stream.features import codec
from stream.features.apply import APPLIED, DUPLICATE
from stream.features.profile import PROFILE
from tests.features.lists_of_events import BEGIN, DAY
from tests.features.profiles import Profile
from tests.oracle.event import KERNEL_KINDS, Event

#: Written by the previous version from `events()`, with the values that it computed.
STORED = (
    "A87gw4vRY8LkuosHwshQgtMOwvwVwqkHAIG7nPgBAQDzAf8SEp7/ChgYGBiE1A4AAQABAQAAAAAAAAAA+H8AAQAA8wHPAsIZW2sA2K5t6quzeC"
    "TXEu6i43jv1VIY6kh4QazTGqfueClRTrrPWHgjly7U2PR4xK0a1yVweC0FKgbUEnjIXyLyuRh4KeNmsOcveCnsuTfu/HiZlk5zeL54EOz7i5cF"
    "eNavdaTflXiZZjwKEq54K48GKAGseBkw2Bsw4nj18DlqN6d4JdkW3GqFeDX2uADT1Zi0ChlwqzBADHhdDxV03JV4Y70JOjIPeE4T2aG5hHjw7U"
    "rDJqx4dz+pFq6GeLf7o81EbnhVa/QdRpV459oUbzz4eC3KaaVTU3jSE0ZoZtF4W9yghXxZeOU5vnVorHipt/qe/Ol4TZmHcTrzeI8dmq4WLXjk"
    "ZatbhXR4yihAz2WceGoU19/EYni/K4tzFjOYtArH4ruKH7N4d4JSchlXeG9olqwCT3hR/lzu5Vl4CiFOqknYeLhEogHT93hKjCNAU7B4ZgGm6s"
    "jbeBqupP8yeHhxHbziOEB4gChSCD//eEKZzFdoGng37uX1G5N4zJ4BdgHMeH7GS0tkQHh3IpY9n9V461TylP6/eJxOxhivHXiofDPoLr94d/zt"
    "eUv8mLQKm28CAiDueJj+bETtXnitW9KAWrp4eD2H2yW1eAWMeGVqIHjSfCV4rcZ4LlGK/zf8eBvzZ0XhWnjFr0G0WmR4F+uxW05deA42cZtzWX"
    "iZ0CftvGZ4FvV08Px1eMGC1daywniXrcxnslB45IMz8AsheApH9+ujLXjng4cqffx4gw+poorMeDbyNplFFZi0CrGH0gP6/HgDdEkvgH94dGtQ"
    "KhCQePbTm9cc4XhJ24TF5RF4UULUgftxeEafgEMktHjUQwFvBrt47Gku4WNOeD+KDd8RY3gneMM6jIh4rFEz9JpfePDvgC44ZXhBwaKqxGp4Lq"
    "R+NBGteHT2HhJ50Xg97ZWImCl4D0/NIdSVeEBv4HBNknh/Txfkfj6YtApUfOdgslN4h2IMtHoReGR3iBMSsnih3RZ3G3F4AB/iEi7AeCjJyxoQ"
    "v3hCEgjtDjd4PhPwzaMCeDZBxRspVnifSU8J60t4zE9xD925eGiygn7zb3jDRpDvtex4Mrf16C37eMJk3ES773iB58JYcdp4RF3AtanneGIpMF"
    "b6u3jngGXco4d4gwtltk89mLQKX3JbbPffeIfo6rBv4nhcVAL9B6d4XW3Ymph/eL3C0uUJyXh8AF2vzQx4HQWvyunueDTrGtQckHgQWJwqExt4"
    "VUdHMavDeC69k/5pGXjZgc6GF8Z4Qj/iYFYseIk6ig60yHg+CafJbQF4JXlzPuObeJMUDj8mIXigEwt7pg14mYI2KhE6eEr+HIAhkpi0CjX3Dn"
    "HLGXiv2GAe87d4DUp58awkeFf6YM+opnhz8v5+ku14zkSyYZMSeDpi6FX1NngTp/ycJ6N4Pc//lr6oeB2YhZNWinhji+4p0pV4SfTUv3TUeHMQ"
    "lRko4HhGphtsXZ94sY7tHstceMrnBjZngXgXRNA/1kx4dkazSpAGeI21lxLWYXgPuxitdm2YtApqCf+ETqB4yDZ5UzGVeDu6wlQSkHhBNc5UhQ"
    "R4h0lbxb6UeKxo4hL5MXjtvehxPhN4MEBob1j/ePkKe+Q7vXg2CHaj0UR42NaDwnNKeCVF7aoipng/qIXhdjh4lAmLhIKyeCzodU4CcXh0+WGc"
    "R+Z4aMzXjiy5eOxfd2xV03gNzDf1axB4Hsx2nhxpoLMKBlonwXqEeKvKWBa3cXjiAP+gMVt4zCGk2QvNeG6sVyKTJXhcbfMyQJZ4WEQjzPqNeH"
    "BfQSMowXhDRgbYNx14N7RZ11cYeGjvFdp7Knj5KIv1iDx44rC4oW0eeFy2lBzg2HgY+lupXkh4vW9DlynHeCGr4A2nqXioemugff14VgiEM93j"
    "eIImf3wl63gZNuB6WhWgswquA0BUVHl4uQ//dzloePGmhYR4WXiii4S7nzd4HA27nkdAeIf9rvu1r3hcl9hy86x4WXq0B3PzeI2Cxmek9Xjvah"
    "xU04t4OnrqnX7UeCPjc1Dsd3hJUYYqgPF45hYENqhTeOtFA6/hoHjFOde2ZAB417InwzMweAABXa8GTXjt08/kjgd4v/hEeTyEePw4Tkv3KqCz"
    "ChC1AWzxW3gJYgmjkYd4rAjtJ9IHeMRza1r4Hnj3/xPZKaN47MlXxqhreD00jLXm6HiMpzMrgRh4nNaeA2OgeDFHTbPfKXjCpO8LCF94P3DWnR"
    "dxeDMom6T2kHgsv2xVLcZ4w0mtLDnAeJe5V+AUongIGFnC67l4eg+XESN+eC/OZRR+4njMUcT18KN4CU9WRCct7L4YtpwBEWit8l4U3rECtJwB"
    "KaXvXsn+3rECspwBi2KevBf83rECsJwBu4+f0lfr3rECrpwBclVVAhvk3rECrJwBZ9mzcSNj3rECqpwBrauAqr9c3rECqJwBDAzlcXwh3rECpp"
    "wBA1wRQ9kch8DGwuUFdiiONgNlgPCyUltH3s4jRIDwslIMGxIGArWcATsSBgKznAE7EgYCsZwBOxIGAq+cATsSBgKtnAE7EgYCq5wBOxIGAqmc"
    "ATsSBgKnnAE7EgYCpZwBOxIGAqOcATsSBgKhnAE7EgYCn5wBAgcSBgKHAxIGAgQGAgISBBEIEQoA"
)
VALUES = json.loads("""
{"clicks_1h": 0.0,
"clicks_1d": 0.0,
"clicks_7d": 45.0,
"clicks_28d": 108.0,
"clicks_90d": 108.0,
"emails_1h": 0.0,
"emails_1d": 0.0,
"emails_7d": 15.0,
"emails_28d": 36.0,
"emails_90d": 36.0,
"purchases_1h": 0.0,
"purchases_1d": 0.0,
"purchases_7d": 5.0,
"purchases_28d": 9.0,
"purchases_90d": 9.0,
"spend_7d": 0.0,
"spend_28d": -3.0003,
"spend_90d": -3.0003,
"days_since_click": 3.0076388888888888,
"days_since_email": 3.001388888888889,
"days_since_purchase": 3.0006944444444446,
"tenure": 14.013194444444444,
"purchases_total": 9.0,
"purchase_gap": 1.0,
"silence_ratio": 3.0006944444444446,
"order_value": 1.0007,
"email_open_rate": 0.7647058823529411,
"email_click_rate": 0.7205882352941176,
"open_cart_additions": 0.0,
"refund_ratio": 1.3333333333333333,
"active_days_28d": 12.0,
"purchase_days": 9.0,
"purchase_interval": 4.63296783625731}
""")
#: A profile of an order told twice, which counted twice then, another order and a page view.
TWINS = (
    "A46cuu7NY4Kgse4DAgAAgvCyUgACAQAEBwYG4KcSAAEAAQEAAAAAAAAAAPh/AAEAAATKp8fJdAIAG/i5RpohgMYKP4TYRBwLgNIfH06WHrYygI"
    "wVA4LF5y2L474Y4NQDEK9K2SIP7gigjQYQr0rZIg/uCODFCAABAQICAQKEAwIBAQIA"
)


def events() -> list[Event]:
    return [
        Event(f"{kind.name}-{day}", kind, BEGIN + day * DAY + kind * 60_000, f"order-{day}", 10_000 + day)
        for day in range(12)
        for kind in KERNEL_KINDS[:21]  # those of that version
        if kind is not EventKind.ORDER_CANCELLED or day < 3
    ]


def test_values_are_those_of_the_version_before() -> None:
    profile = Profile.of(b64decode(STORED))
    assert b64decode(STORED)[0] == 3
    now = max(event.at for event in events()) + 3 * DAY
    values = profile.values(now)
    assert {name: values[name] for name in VALUES} == VALUES
    assert profile.packed()[0] == codec.LAYOUT
    profile.repack()
    assert profile.values(now) == values


def test_purchases_that_were_known_are_duplicates_still() -> None:
    profile = Profile.of(b64decode(STORED))
    again = [event for event in events() if event.kind >= EventKind.ORDER_COMPLETED]
    assert set(profile.apply(again)) == {DUPLICATE}


def test_orders_that_were_known_can_be_cancelled_and_told_again() -> None:
    profile = Profile.of(b64decode(STORED))
    orders = profile["orders"]
    told = Event("again", EventKind.ORDER_COMPLETED, BEGIN + 12 * DAY, "order-5", 99_000)
    assert profile.apply([told]) == [APPLIED]
    assert profile["orders"] == orders
    assert profile.apply([Event("off", EventKind.ORDER_CANCELLED, BEGIN + 12 * DAY, "order-5")]) == [APPLIED]
    assert profile["orders"] == orders - 1


def test_an_order_that_was_counted_twice_is_one_now() -> None:
    profile = Profile.of(b64decode(TWINS))
    assert (profile["orders"], profile["order_spend"], profile["order_days"]) == (2, 50_000 + 30_000, 2)
    assert profile["first_order_at"] == BEGIN
    values = profile.values(BEGIN + 7 * DAY)
    assert (values["purchases_7d"], values["spend_7d"], values["order_value"]) == (2, 8.0, 4.0)
    profile.repack()
    assert profile.values(BEGIN + 7 * DAY) == values


@pytest.mark.parametrize("length", [1, 20, 100, -1])
def test_a_cut_profile_of_the_version_before_is_refused(length: int) -> None:
    blob = b64decode(STORED)[:length]
    raw, starts = codec.join([blob])
    assert not codec.unpack_from(np.zeros(1, PROFILE)[0], raw, starts[0], starts[1])
