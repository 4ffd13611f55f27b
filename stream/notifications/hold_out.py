"""Who is deliberately not notified, so that the effect of notifying can be measured."""

import hashlib

__all__ = ["is_held_out"]


def is_held_out(customer_id: str, salt: str, share: float) -> bool:
    """Whether a customer belongs to the `share` that is held out.

    A function of its arguments alone: the customer stays in the same group on every channel, at every alert and after
    every restart. Another `salt` draws another group; a larger share holds out the same customers, and more.

    >>> is_held_out("c-1", "2026", 1.0), is_held_out("c-1", "2026", 0.0)
    (True, False)
    """
    digest = hashlib.sha256(f"{salt}\0{customer_id}".encode()).digest()
    return int.from_bytes(digest[:8]) < share * 2**64
