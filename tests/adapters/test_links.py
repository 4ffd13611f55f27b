"""What webhooks tell about ids of one person: the links that go to Kafka."""

from typing import Any, Final

import msgspec
import pytest

from stream.adapters import Ignored, SamePerson
from stream.client.link_contract import LinkContract
from stream.events.rejections import Rejection
from stream.identity.sealing import Sealer
from stream.settings import Settings
from tests.adapters.calls import call, translate
from tests.adapters.samples import changed
from tests.adapters.samples_mail import MAIL
from tests.adapters.samples_shops import SHOPIFY, STRIPE, WOOCOMMERCE

KEY: Final = "k" * 32
SEALER: Final = Sealer.of(Settings(identity_key=KEY))
CONTRACT: Final = LinkContract(Settings(identity_key=KEY))
# The examples of the specification's pages on `identify` and `alias`.
IDENTIFY: Final[dict[str, Any]] = {
    "type": "identify",
    "anonymousId": "507f191e810c19729de860ea",
    "userId": "97980cfea0067",
    "traits": {"name": "Peter Gibbons", "email": "Peter@Example.com", "phone": "+49 30 123456", "plan": "premium"},
    "messageId": "022bb90c-bbac-11e4-8dfc-aa07a5b093db",
    "timestamp": "2015-02-23T22:28:55.111Z",
}
ALIAS: Final[dict[str, Any]] = {
    "type": "alias",
    "previousId": "39239-239239-239239-23923",
    "userId": "507f191e81",
    "messageId": "a-1",
    "timestamp": "2015-02-23T22:28:55.111Z",
}


def token(kind: str, text: str) -> str:
    return f"{kind}:{SEALER.token(kind, text)}"


def links(adapter: str, body: object, **headers: str) -> list[dict[str, Any]]:
    """The links of a call, as they go to Kafka."""
    (told,) = translate(adapter, call(body, **headers), identity_key=KEY)
    assert isinstance(told, SamePerson)
    admitted = CONTRACT.admit(*told[1:])
    assert isinstance(admitted, list)
    return [msgspec.json.decode(link.value) for link in admitted]


def pairs(found: list[dict[str, Any]]) -> set[tuple[str, str, str]]:
    return {(link["name"], link["one"], link["other"]) for link in found}


def test_identify_links_the_user_with_cookie_address_and_phone() -> None:
    found = links("segment", IDENTIFY)
    assert pairs(found) == {
        ("identified", "97980cfea0067", token("email", "peter@example.com")),
        ("identified", "97980cfea0067", token("phone", "+4930123456")),
        ("identified", "97980cfea0067", token("anonymous_id", "507f191e810c19729de860ea")),
    }
    assert {link["link_id"] for link in found} == {f"segment:{IDENTIFY['messageId']}"}
    assert {link["occurred_at"] for link in found} == {"2015-02-23T22:28:55.111Z"}


def test_the_traits_of_rudderstack_are_in_the_context() -> None:
    moved = {**IDENTIFY, "context": {"traits": IDENTIFY["traits"]}, "traits": None}
    assert pairs(links("segment", moved)) == pairs(links("segment", IDENTIFY))


def test_a_visitor_who_leaves_an_address_is_known_by_it() -> None:
    assert pairs(links("segment", {**IDENTIFY, "userId": None, "traits": {"email": "peter@example.com"}})) == {
        ("identified", token("email", "peter@example.com"), token("anonymous_id", IDENTIFY["anonymousId"]))
    }


@pytest.mark.parametrize(("previous", "kind"), [(ALIAS["previousId"], "anonymous_id"), ("Ann@Example.com", "email")])
def test_alias_links_the_user_with_the_cookie_or_address_of_before(previous: str, kind: str) -> None:
    found = links("segment", {**ALIAS, "previousId": previous})
    assert pairs(found) == {("alias", "507f191e81", token(kind, previous))}


def test_customers_of_shops_are_linked_with_address_and_phone() -> None:
    for sample, row, number in (
        (SHOPIFY, "customers/update", "706405506930370084"),
        (WOOCOMMERCE, "customer.created", "25"),
        (STRIPE, "customer.created", "cus_NffrFeUfNV2Hib"),
        (STRIPE, "customer.updated", "cus_NffrFeUfNV2Hib"),
    ):
        found = links(sample.name, sample.links[row], **sample.headers.get(row, {}))
        assert pairs(found) == {
            ("identified", number, token("email", "ann.sparrow@example.com")),
            ("identified", number, token("phone", "+493012345")),
        }


def test_the_shops_own_number_in_the_metadata_comes_before_that_of_the_provider() -> None:
    saved = changed(STRIPE.links["customer.created"], "data.object.metadata", {"customer_id": "c-1"})
    assert {link["one"] for link in links("stripe", saved)} == {"c-1"}
    customer = {**WOOCOMMERCE.links["customer.created"], "meta_data": [{"key": "customer_id", "value": "c-1"}]}
    found = links("woocommerce", customer, **WOOCOMMERCE.headers["customer.created"])
    assert {link["one"] for link in found} == {"c-1"}


def test_an_address_that_changes_is_an_alias_of_the_one_before() -> None:
    (mailchimp,) = (sample for sample in MAIL if sample.name == "mailchimp")
    (told,) = translate("mailchimp", mailchimp.call("upemail"), identity_key=KEY)
    assert isinstance(told, SamePerson)
    admitted = CONTRACT.admit(*told[1:])
    assert isinstance(admitted, list)
    (link,) = admitted
    assert (link.event_id, link.at_ms) == (told.link_id, 1_238_105_709_000)
    new, old = token("email", "ann.sparrow@example.com"), token("email", "ann@sparrow.example")
    assert msgspec.json.decode(link.value) | {"link_id": "", "occurred_at": 0} == {
        "link_id": "",
        "name": "alias",
        "one": new,
        "other": old,
        "occurred_at": 0,
    }


@pytest.mark.parametrize(
    "nobody", ["null", "undefined", "guest", "00000000-0000-0000-0000-000000000000", "0", "", None]
)
def test_a_placeholder_joins_nobody(nobody: str | None) -> None:
    for name in ("userId", "anonymousId"):
        for link in links("segment", {**IDENTIFY, name: nobody}):
            assert nobody not in (link["one"], link["other"])
            assert not any(end.startswith("anonymous_id:") for end in (link["one"], link["other"])) or name == "userId"
    alone = {**IDENTIFY, "userId": nobody, "traits": {"email": "noreply@example.com"}}
    assert links("segment", alone) == []


def test_calls_that_tell_of_one_id_link_nothing_and_without_a_key_all_are_ignored() -> None:
    assert links("segment", {**IDENTIFY, "anonymousId": None, "traits": None}) == []
    assert links("segment", {**ALIAS, "previousId": ALIAS["userId"], "userId": None}) == []
    assert translate("segment", call(IDENTIFY)) == [Ignored("identify")]
    assert translate("segment", call(ALIAS)) == [Ignored("alias")]


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("timestamp", "yesterday", "bad_timestamp"),
        ("userId", "c\x07", "control_character"),
        ("userId", "c" * 999, "wrong_length"),
    ],
)
def test_what_the_projection_would_refuse_is_refused_at_the_door(name: str, value: str, reason: str) -> None:
    (told,) = translate("segment", call({**IDENTIFY, name: value}), identity_key=KEY)
    assert isinstance(told, SamePerson)
    refused = CONTRACT.admit(*told[1:])
    assert isinstance(refused, Rejection)
    assert refused.reason == reason
