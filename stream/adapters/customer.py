"""Whose event it is, when the sender is a mail provider that knows addresses only."""

import hashlib
from dataclasses import dataclass
from typing import Any

from stream.adapters.reading import MalformedError, customer_id

__all__ = ["MailCustomers", "customer_of_address"]


def customer_of_address(address: str) -> str:
    """Return a customer id for an e-mail address: the SHA-256 of the address in lower case, without outer space.

    It hides the address from those who read the topic. It does not make it anonymous: who knows an address knows its
    hash.

    >>> customer_of_address(" Ann@Example.com ") == customer_of_address("ann@example.com")
    True
    """
    return f"email:{hashlib.sha256(address.strip().lower().encode()).hexdigest()}"


@dataclass(frozen=True, slots=True)
class MailCustomers:
    """Finds the customer of a mail event: in the metadata that the shop gave to the message, else by address.

    ``key`` names the metadata field; with ``hash_addresses`` an event without it belongs to `customer_of_address`.
    """

    key: str = "customer_id"
    hash_addresses: bool = True

    def find(self, *metadata: object, address: Any) -> str:
        """The customer id. Raises `MalformedError` if there is neither metadata nor an address that may be used."""
        for source in metadata:
            if isinstance(source, dict) and (found := customer_id(source.get(self.key))):
                return found
        if not self.hash_addresses:
            raise MalformedError(f"expected the customer as `{self.key}` in the metadata of the message; there is none")
        if not isinstance(address, str) or "@" not in address:
            raise MalformedError(
                f"expected `{self.key}` in the metadata of the message or an address; there is neither"
            )
        return customer_of_address(address)
