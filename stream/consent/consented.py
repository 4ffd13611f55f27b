"""What customers have said, asked by everything that uses data of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from stream.consent.agreements import Agreements, ConsentDefault, May, Statement
from stream.consent.purposes import EMAIL, Purpose

__all__ = ["NOTHING_SAID", "Consented"]

_NOTHING: Final = Agreements()


class Consented:
    """``said``: by customer. Those who are not there have said nothing; ``default`` is what holds of them.

    ``now_ms``: what was said until then holds also for who asks as of an earlier time, such as of where events end.
    """

    def __init__(self, said: Mapping[str, Agreements], default: ConsentDefault, now_ms: int = 0) -> None:
        self._said = said
        self._now_ms = now_ms
        self.default: ConsentDefault = default

    def of(self, customer_id: str) -> Agreements:
        """All that a customer has said."""
        return self._said.get(customer_id, _NOTHING)

    def may(
        self,
        customer_id: str,
        purpose: Purpose,
        channel: str | None,
        at_ms: int,
        *,
        unsubscribed_ms: int | None = None,
    ) -> May:
        """Whether data of a customer may be used for a purpose, by a channel, at a time.

        ``unsubscribed_ms``: when the document says that no more e-mails are wanted; so it holds without the projection.
        """
        said = self.of(customer_id)
        if unsubscribed_ms is not None and purpose is Purpose.MARKETING and channel == EMAIL:
            said = Agreements({key: [*statements] for key, statements in said.said.items()})
            said.add(purpose, channel, Statement(unsubscribed_ms, True, "", "email unsubscribed"))
        return said.may(purpose, channel, max(at_ms, self._now_ms), self.default)

    def may_score(self, customer_id: str, at_ms: int) -> bool:
        """Whether models may score a customer, learn from them, and be shown of them, at a time."""
        return bool(self.may(customer_id, Purpose.PROFILING, None, at_ms))


#: Nobody has said anything, and everything is allowed until it is withdrawn.
NOTHING_SAID: Final = Consented({}, "opt-out")
