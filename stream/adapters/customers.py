"""Whose event it is, when the sender knows customers by address or by a number of its own."""

from dataclasses import dataclass
from typing import Any, Final

from stream.adapters.json_fields import MalformedError, customer_id
from stream.identity.addresses import customer_of_address

__all__ = ["CustomerFinder"]

#: How lists of metadata name what they hold: Shopify and Resend say ``name``, WooCommerce ``key``.
_NAMES: Final = ("name", "key")


@dataclass(frozen=True, slots=True)
class CustomerFinder:
    """Finds the customer: in the metadata that the shop gave to a message, else by address, else by the sender's id.

    ``key`` names the metadata field; with ``hash_addresses`` an event without it belongs to `customer_of_address`. The
    order is that of `stream import`, so that a customer has one id. ``joins``: events also tell by what else the
    customer is known; then somebody who has not logged in is somebody as well.
    """

    key: str = "customer_id"
    hash_addresses: bool = True
    joins: bool = False

    def find(self, *metadata: object, address: Any = None, own_id: Any = None) -> str:
        """The customer id. Raises `MalformedError` if nothing that may be used tells it.

        >>> finder = CustomerFinder()
        >>> finder.find({"customer_id": 17}), finder.find([{"name": "customer_id", "value": "c-1"}])
        ('17', 'c-1')
        >>> CustomerFinder(hash_addresses=False).find(address="ann@example.com", own_id="cus_1")
        'cus_1'
        """
        for source in metadata:
            if found := customer_id(self._value(source)):
                return found
        if self.hash_addresses and isinstance(address, str) and "@" in address:
            return customer_of_address(address)
        if found := customer_id(own_id):
            return found
        if not self.hash_addresses:
            raise MalformedError(f"expected the customer as `{self.key}` in the metadata of the message; there is none")
        raise MalformedError(f"expected `{self.key}` in the metadata of the message or an address; there is neither")

    def _value(self, source: object) -> object:
        if isinstance(source, dict):
            found = source.get(self.key)
            # Amazon's tags hold lists
            return found[0] if isinstance(found, list) and found else found
        if isinstance(source, list):
            named = (item for item in source if isinstance(item, dict))
            return next((i.get("value") for i in named if self.key in [i.get(name) for name in _NAMES]), None)
        return None
