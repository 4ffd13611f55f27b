"""Whose an e-mail address is, for who knows customers by address."""

import hashlib

__all__ = ["customer_of_address"]


def customer_of_address(address: str) -> str:
    """Return a customer id for an e-mail address: the SHA-256 of the address in lower case, without outer space.

    It hides the address from those who read the topic. It does not make it anonymous: who knows an address knows its
    hash.

    >>> customer_of_address(" Ann@Example.com ") == customer_of_address("ann@example.com")
    True
    """
    return f"email:{hashlib.sha256(address.strip().lower().encode()).hexdigest()}"
