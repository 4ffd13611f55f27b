"""The kinds of identifiers by which a shop may know a person, and how much each of them proves."""

from types import MappingProxyType
from typing import Final, NamedTuple

__all__ = ["CUSTOMER", "IDENTIFIERS", "IdentifierKind"]

#: The kind of the shop's own customer ids. They are pseudonyms already, and stay as they are.
CUSTOMER: Final = "customer_id"


class IdentifierKind(NamedTuple):
    """``strength``: of several identifiers, the stronger one joins first and names the customer."""

    name: str
    strength: int
    what: str


#: Only these kinds join. A field of another name is ignored and never stored.
IDENTIFIERS: Final = MappingProxyType(
    {
        kind.name: kind
        for kind in (
            IdentifierKind("card", 40, "number of a loyalty card"),
            IdentifierKind("email", 30, "e-mail address"),
            IdentifierKind("phone", 20, "phone number, with its country code or of the setting phone_region"),
            IdentifierKind("handle", 15, "name in a social network, as network:name"),
            IdentifierKind("anonymous_id", 10, "cookie or device of somebody who has not logged in"),
        )
    }
)
